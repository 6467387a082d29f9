//! The program killed without a word, and the program that has been through much: its clients lose
//! nothing but the connection, and it leaves nothing behind.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use dubbo_k8s_codec::ANNOTATION;
use dubbo_k8s_tests::apiserver::{Options, Server};
use dubbo_k8s_tests::program::{bare, dubbo_watcher};
use dubbo_k8s_tests::raw::{Endpoint, Reply};
use serde_json::Value;

use crate::pod;

/// Nothing here takes that long; a test that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// `serve`, in sync.
struct Serving {
    child: Child,
    address: SocketAddr,
}

impl Serving {
    fn start(kubeconfig: &Path, bind: &str) -> Self {
        let mut command = bare(dubbo_watcher());
        command.args(["serve", "--bind", bind]).env("KUBECONFIG", kubeconfig);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        let (mut address, mut synced) = (None, false);
        // Either may be said first.
        while address.is_none() || !synced {
            let line = said.next().unwrap();
            synced |= line.contains("in sync");
            address = address.or(line.rsplit_once("http://").and_then(|(_, it)| it.parse().ok()));
        }
        let address = address.unwrap();
        // What it says later must not fill the pipe.
        std::thread::spawn(move || said.for_each(drop));
        Self { child, address }
    }

    fn endpoint(&self) -> Endpoint {
        Endpoint::new(&format!("http://{}", self.address), None, None, None).unwrap()
    }

    async fn events(&self, last: Option<&str>) -> Reply {
        let last = last.map(|id| ("Last-Event-ID", id));
        let headers: Vec<_> = last.into_iter().collect();
        self.endpoint().send("GET", "/v1/events", &headers, b"").await.unwrap()
    }

    #[cfg(target_os = "linux")]
    fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
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
    let mut first = Serving::start(&kubeconfig, "127.0.0.1:0");
    let mut events = first.events(None).await;
    let (_, name, snapshot) = event(&mut events).await;
    assert_eq!((name.as_str(), &snapshot["records"]), ("snapshot", &2.into()));
    server.store().create(pod("three")).unwrap();
    let (last, name, _) = event(&mut events).await;
    assert_eq!(name, "added");

    first.child.kill().unwrap();
    first.child.wait().unwrap();
    assert!(!matches!(events.line().await, Ok(Some(line)) if !line.is_empty()));
    server.store().delete("default", "one").unwrap();
    server.store().annotate("default", "two", ANNOTATION, None).unwrap();
    server.store().create(pod("four")).unwrap();

    // The same address, as a restarted container: what was missed comes as a fresh snapshot.
    let second = Serving::start(&kubeconfig, &first.address.to_string());
    let mut events = second.events(Some(&last)).await;
    let (_, name, snapshot) = event(&mut events).await;
    assert_eq!((name.as_str(), &snapshot["records"]), ("snapshot", &2.into()));
    server.store().delete("default", "four").unwrap();
    let (_, name, gone) = event(&mut events).await;
    assert_eq!((name.as_str(), &gone["pod"]), ("removed", &"four".into()));
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a45_no_file_descriptor_is_left_behind_by_clients_and_outages() {
    let mut server = Server::start(Options::default()).await.unwrap();
    server.store().create(pod("one")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = server.write_kubeconfig(folder.path()).unwrap();
    let mut serving = Serving::start(&kubeconfig, "127.0.0.1:0");
    let before = serving.descriptors();

    for round in 0..3 {
        let mut clients = Vec::new();
        for _ in 0..8 {
            let mut events = serving.events(None).await;
            assert_eq!(event(&mut events).await.1, "snapshot");
            clients.push(events);
        }
        let endpoint = serving.endpoint();
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
    // Clients are gone; whoever asks for the health has a connection of its own.
    let endpoint = serving.endpoint();
    let settled = async {
        while serving.descriptors() > before {
            assert_eq!(endpoint.get("/healthz", "*/*").await.unwrap().status, 200);
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, settled).await.expect("no more than before");

    let id = serving.child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let status = tokio::task::block_in_place(|| serving.child.wait()).unwrap();
    assert!(status.success(), "{status}");
    let mut open = server.connections();
    let none = open.wait_for(|open| *open == 0);
    tokio::time::timeout(PATIENCE, none).await.expect("none open").unwrap();
}
