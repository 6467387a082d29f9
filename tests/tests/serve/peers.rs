//! A hostile peer, which is all clients at one address: what it is refused, and that another peer is served.

use std::fs;

use dubbo_k8s_codec::{ANNOTATION, LABEL, Record, encode};
use dubbo_k8s_tests::apiserver::{Options as ClusterOptions, Server};
use dubbo_k8s_tests::watcher::Serving;
use dubbo_k8s_watcher::serve::{Limits, Options};
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpSocket, TcpStream};

use crate::client::{connect_from, get, head};
use crate::rig::{Rig, provider, within};

/// The last part of the addresses that clients come from.
const HOSTILE: u8 = 2;
const OTHER: u8 = 3;

fn status(head: &str) -> &str {
    head.split(' ').nth(1).unwrap_or("none")
}

/// A request of another peer, as it goes through while the hostile one holds what it can.
async fn other_peer_gets(rig: &Rig, path: &str) {
    let mut socket = connect_from(OTHER, rig.address).await;
    assert_eq!(status(&head(&mut socket, path).await), "200", "{path}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_of_one_peer_leave_room_for_those_of_another() {
    let rig = Rig::new(&[("one", &[provider("a.B", 1)])]).await;
    let (mut held, mut refused) = (Vec::new(), 0);
    for _ in 0..384 {
        let mut socket = connect_from(HOSTILE, rig.address).await;
        match status(&head(&mut socket, "/v1/events").await) {
            "200" => held.push(socket),
            "429" => refused += 1,
            other => panic!("{other}"),
        }
    }
    let limit = Limits::default().streams_of_peer;
    assert_eq!((held.len(), refused), (limit, 384 - limit));
    for path in ["/v1/events", "/v1/annotations", "/v1/snapshot", "/healthz"] {
        other_peer_gets(&rig, path).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_sockets_of_one_peer_leave_room_for_another() {
    let rig = Rig::new(&[("one", &[provider("a.B", 1)])]).await;
    let mut sockets = Vec::new();
    for _ in 0..520 {
        sockets.push(connect_from(HOSTILE, rig.address).await);
    }
    // Those beyond the limit are answered and closed without having asked.
    let limit = Limits::default().clients_of_peer;
    let mut held = sockets.drain(..limit).collect::<Vec<_>>();
    for mut socket in sockets {
        let mut answer = String::new();
        within(socket.read_to_string(&mut answer)).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 429 ") && answer.contains("retry-after"), "{answer}");
        assert!(answer.contains("one client address"), "{answer}");
    }
    for path in ["/v1/events", "/v1/annotations", "/healthz"] {
        other_peer_gets(&rig, path).await;
    }
    assert_eq!(status(&head(held.last_mut().unwrap(), "/healthz").await), "200", "it is let in");
}

#[tokio::test]
async fn probes_have_a_listener_that_clients_of_the_api_cannot_fill() {
    let limits = Limits { clients: 2, ..Limits::default() };
    let rig = Rig::with(&[], Options { limits, ..Options::default() }).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut socket = connect_from(HOSTILE, rig.address).await;
        assert_eq!(status(&head(&mut socket, "/healthz").await), "200");
        held.push(socket);
    }
    let mut late = TcpStream::connect(rig.address).await.unwrap();
    assert_eq!(status(&head(&mut late, "/healthz").await), "503");
    for path in ["/healthz", "/readyz"] {
        assert_eq!(get(rig.probes, path, &[]).await.status, 200, "{path}");
    }
    for path in ["/v1/snapshot", "/v1/annotations", "/metrics", "/"] {
        assert_eq!(get(rig.probes, path, &[]).await.status, 404, "{path} is no probe");
    }
}

/// The feed is too large to be kept, so that each client has a body of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sockets_that_do_not_read_take_bounded_memory_and_leave_room() {
    let cluster = Server::start(ClusterOptions::default()).await.unwrap();
    let annotation = encode([Record::new(&format!("/dubbo/{}", "x".repeat(180_000)))]);
    for number in 0..80 {
        let pod = json!({
            "kind": "Pod", "apiVersion": "v1",
            "metadata": {
                "name": format!("pod-{number}"), "namespace": "default",
                "labels": {LABEL: "dubbo.io-value"}, "annotations": {ANNOTATION: annotation},
            },
            "status": {"phase": "Running"},
        });
        cluster.store().create(pod).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(&cluster.write_kubeconfig(folder.path()).unwrap()).await.unwrap();
    serving.synced().await.unwrap();
    let whole = feed(&serving).await;
    assert!(whole > 17 << 20, "{whole}");
    let before = memory(&serving, "VmRSS");

    let asking = (0..150).map(|_| async {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        socket.bind(([127, 0, 0, HOSTILE], 0).into()).unwrap();
        let mut socket = within(socket.connect(serving.address())).await.unwrap();
        let head = head(&mut socket, "/v1/annotations").await;
        (status(&head).to_owned(), socket)
    });
    let answered = futures_util::future::join_all(asking).await;
    let count = |wanted: &str| answered.iter().filter(|(status, _)| status == wanted).count();
    let limits = Limits::default();
    assert_eq!((count("200"), count("429")), (limits.bodies_of_peer, 150 - limits.bodies_of_peer));

    assert_eq!(feed(&serving).await, whole, "the other peer gets a whole body");
    let grown = memory(&serving, "VmHWM").saturating_sub(before);
    assert!(grown < 128 << 10, "{grown} KiB above idle");
}

/// How long the feed is to another peer, with the lengths of its pieces; it takes as long as it takes.
async fn feed(serving: &Serving) -> usize {
    let mut socket = connect_from(OTHER, serving.address()).await;
    let head = head(&mut socket, "/v1/annotations").await;
    assert_eq!(status(&head), "200", "{head}");
    let (mut length, mut buffer) = (0, vec![0; 1 << 20]);
    loop {
        let read = within(socket.read(&mut buffer)).await.unwrap();
        assert_ne!(read, 0, "it broke off after {length}");
        length += read;
        if buffer[..read].ends_with(b"0\r\n\r\n") {
            return length;
        }
    }
}

/// A figure of `/proc`, in KiB.
fn memory(serving: &Serving, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", serving.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_matches([':', ' ', '\t', 'k', 'B']).parse().unwrap()
}
