//! Too many clients, and clients that do not read.

use std::time::Duration;

use dubbo_k8s_watcher::serve::{Limits, MinimumRate, Options};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::rig::{Rig, provider, within};

fn limited(limits: Limits) -> Options {
    Options { limits, ..Options::default() }
}

#[tokio::test]
async fn one_client_too_many_is_refused_and_the_place_comes_back() {
    let limits = Limits { clients: 2, ..Limits::default() };
    let rig = Rig::with(&[], limited(limits)).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut socket = TcpStream::connect(rig.address).await.unwrap();
        // An answer shows that the place is taken.
        socket.write_all(b"GET /healthz HTTP/1.1\r\nhost: [::1]\r\n\r\n").await.unwrap();
        assert_ne!(within(socket.read(&mut [0; 256])).await.unwrap(), 0);
        held.push(socket);
    }
    let mut refused = String::new();
    let mut socket = TcpStream::connect(rig.address).await.unwrap();
    within(socket.read_to_string(&mut refused)).await.unwrap();
    assert!(refused.starts_with("HTTP/1.1 503 ") && refused.contains("problem+json"), "{refused}");
    held.clear();
    within(async {
        loop {
            let mut socket = TcpStream::connect(rig.address).await.unwrap();
            let _ = socket.write_all(b"GET /healthz HTTP/1.0\r\nhost: [::1]\r\n\r\n").await;
            let mut answer = String::new();
            if socket.read_to_string(&mut answer).await.is_ok() && answer.contains(" 200 ") {
                break;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn streams_leave_room_for_short_requests() {
    let limits = Limits { streams: 1, ..Limits::default() };
    let rig = Rig::with(&[], limited(limits)).await;
    let mut stream = rig.events("/v1/events", &[]).await;
    stream.next().await.unwrap();
    let refused = rig.get("/v1/events").await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, "5"));
    assert_eq!(rig.get("/healthz").await.status, 200);
    assert_eq!(rig.get("/v1/snapshot").await.status, 200);
    drop(stream);
    within(async { while rig.get("/metrics").await.text().contains("{via=\"events\"} 1") {} })
        .await;
}

#[tokio::test]
async fn a_request_head_that_is_too_large_is_refused() {
    let rig = Rig::new(&[]).await;
    let long = "x".repeat(20_000);
    let answer = rig.get_with("/healthz", &[("x-long", &long)]).await;
    assert_eq!(answer.status, 431);
}

/// The stalled clients read nothing at all; the others must not notice, and the places of the
/// stalled ones must come back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_do_not_read_are_given_up_and_hold_no_other_back() {
    let minimum_rate = MinimumRate { bytes: 1024, within: Duration::from_millis(200) };
    let limits = Limits { minimum_rate, ..Limits::default() };
    let rig = Rig::with(&[("one", &[])], limited(limits)).await;
    let mut stalled = Vec::new();
    for _ in 0..3 {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let mut socket = socket.connect(rig.address).await.unwrap();
        let request = b"GET /v1/events HTTP/1.1\r\nhost: localhost\r\n\r\n";
        socket.write_all(request).await.unwrap();
        stalled.push(socket);
    }
    let mut reader = rig.events("/v1/events", &[]).await;
    assert_eq!(reader.next().await.unwrap().name, "snapshot");
    let gone = "dubbo_watcher_subscribers{via=\"events\"} 1";
    let long = "x".repeat(50_000);
    let mut round = 0_u32;
    within(async {
        while !rig.get("/metrics").await.text().contains(gone) || round < 20 {
            let key = provider(&format!("a.B{round}{long}"), 1);
            rig.write("one", std::slice::from_ref(&key));
            loop {
                let event = reader.next().await.unwrap();
                assert_ne!(event.name, "snapshot", "a quick reader never lags");
                if event.name == "added" && event.data["key"] == *key {
                    break;
                }
            }
            round += 1;
        }
    })
    .await;
    drop(stalled);
}
