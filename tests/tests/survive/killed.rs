//! The program killed without a word, and the program that has been through much: its clients lose
//! nothing but the connection, and it leaves nothing behind.

use std::path::Path;
use std::time::Duration;

use dubbo_k8s_codec::ANNOTATION;
use dubbo_k8s_tests::apiserver::{Options, Server};
use dubbo_k8s_tests::raw::Reply;
use dubbo_k8s_tests::watcher::Serving;
use serde_json::Value;

use crate::pod;

/// Nothing here takes that long; a test that waits longer has failed.
const TIMEOUT: Duration = Duration::from_secs(30);

/// `serve`, in sync.
async fn serve(kubeconfig: &Path, bind: &str) -> Serving {
    let serving = Serving::start_at(kubeconfig, bind.parse().unwrap()).await.unwrap();
    serving.synced().await.unwrap();
    serving
}

async fn events(serving: &Serving, last: Option<&str>) -> Reply {
    let last = last.map(|id| ("Last-Event-ID", id));
    let headers: Vec<_> = last.into_iter().collect();
    let endpoint = serving.endpoint().unwrap();
    endpoint.send("GET", "/v1/events", &headers, b"").await.unwrap()
}

#[cfg(target_os = "linux")]
fn descriptors(serving: &Serving) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", serving.id())).unwrap().count()
}

/// The next event: id, name and data.
async fn event(events: &mut Reply) -> (String, String, Value) {
    let (mut id, mut name, mut data) = (String::new(), String::new(), Value::Null);
    loop {
        let line = events.line().await.unwrap().unwrap();
        match line.split_once(':').unwrap_or_default() {
            ("id", rest) => rest.trim().clone_into(&mut id),
            ("event", rest) => rest.trim().clone_into(&mut name),
            ("data", rest) => data = serde_json::from_str(rest).unwrap(),
            _ if line.is_empty() && !name.is_empty() => return (id, name, data),
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_it_loses_nothing_but_the_connection() {
    let server = Server::start(Options::default()).await.unwrap();
    for name in ["one", "two"] {
        server.store().create(pod(name)).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = server.write_kubeconfig(folder.path()).unwrap();
    let mut first = serve(&kubeconfig, "127.0.0.1:0").await;
    let mut stream = events(&first, None).await;
    let (_, name, snapshot) = event(&mut stream).await;
    assert_eq!((name.as_str(), &snapshot["records"]), ("snapshot", &2.into()));
    server.store().create(pod("three")).unwrap();
    let (last, name, _) = event(&mut stream).await;
    assert_eq!(name, "added");

    assert!(!first.end("-KILL").unwrap().success());
    assert!(!matches!(stream.line().await, Ok(Some(line)) if !line.is_empty()));
    server.store().delete("default", "one").unwrap();
    server.store().annotate("default", "two", ANNOTATION, None).unwrap();
    server.store().create(pod("four")).unwrap();

    // The same address, as a restarted container: what was missed comes as a fresh snapshot.
    let second = serve(&kubeconfig, &first.address().to_string()).await;
    let mut stream = events(&second, Some(&last)).await;
    let (_, name, snapshot) = event(&mut stream).await;
    assert_eq!((name.as_str(), &snapshot["records"]), ("snapshot", &2.into()));
    server.store().delete("default", "four").unwrap();
    let (_, name, gone) = event(&mut stream).await;
    assert_eq!((name.as_str(), &gone["pod"]), ("removed", &"four".into()));
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a45_no_file_descriptor_is_left_behind_by_clients_and_outages() {
    let mut server = Server::start(Options::default()).await.unwrap();
    server.store().create(pod("one")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = server.write_kubeconfig(folder.path()).unwrap();
    let mut serving = serve(&kubeconfig, "127.0.0.1:0").await;
    let before = descriptors(&serving);

    for round in 0..3 {
        let mut clients = Vec::new();
        for _ in 0..8 {
            let mut stream = events(&serving, None).await;
            assert_eq!(event(&mut stream).await.1, "snapshot");
            clients.push(stream);
        }
        let endpoint = serving.endpoint().unwrap();
        let poll = endpoint.get("/v1/snapshot?wait=30s", "application/json").await.unwrap();
        assert_eq!(poll.status, 200);
        match round {
            0 => server.close_connections(),
            1 => server.reset_connections(),
            _ => server.restart().await.unwrap(),
        }
        server.store().create(pod(&format!("more-{round}"))).unwrap();
        for events in &mut clients {
            while event(events).await.1 != "added" {}
        }
    }
    // Clients are gone; the probe of the health has a connection of its own.
    let endpoint = serving.endpoint().unwrap();
    let settled = async {
        while descriptors(&serving) > before {
            assert_eq!(endpoint.get("/healthz", "*/*").await.unwrap().status, 200);
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(TIMEOUT, settled).await.expect("no more than before");

    let status = tokio::task::block_in_place(|| serving.end("-TERM")).unwrap();
    assert!(status.success(), "{status}");
    let mut open = server.connections();
    let none = open.wait_for(|open| *open == 0);
    tokio::time::timeout(TIMEOUT, none).await.expect("none open").unwrap();
}
