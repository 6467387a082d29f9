//! Requests that are made to be read in two ways, or never to end.

use std::time::Duration;

use dubbo_k8s_watcher::serve::{Limits, Options};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::rig::Rig;
use crate::rig::within;

/// All that comes back until the server closes the connection.
async fn answer(rig: &Rig, request: &str) -> String {
    let mut socket = TcpStream::connect(rig.address).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    // It may be reset with what was not read of the request.
    let _ = within(socket.read_to_string(&mut answer)).await;
    answer
}

#[tokio::test]
async fn what_follows_a_request_of_doubtful_length_is_not_answered() {
    let rig = Rig::new(&[]).await;
    let hidden = "GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n";
    for length in [
        "content-length: 5\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 5",
        "content-length: 5\r\ncontent-length: 6",
        "content-length: +5",
        "content-length: 0x5",
        "transfer-encoding: xchunked",
        "transfer-encoding: chunked, identity",
    ] {
        let head = format!("GET /healthz HTTP/1.1\r\nhost: localhost\r\n{length}\r\n\r\n");
        let answer = answer(&rig, &format!("{head}0\r\n\r\n{hidden}")).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{length}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{length}: {answer}");
        assert!(!answer.contains("dubbo_watcher_"), "{length}: {answer}");
    }
}

#[tokio::test]
async fn a_head_that_never_ends_loses_its_connection() {
    let limits = Limits { header_time: Duration::from_millis(200), ..Limits::default() };
    let rig = Rig::with(&[], Options { limits, ..Options::default() }).await;
    for begun in
        ["", "GET /healthz HTTP/1.1\r\n", "GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: "]
    {
        let answer = answer(&rig, begun).await;
        assert!(!answer.contains(" 200 "), "{begun:?}: {answer}");
    }
}
