//! One client and a server that answers by a script.

use std::{fs, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::super::Event;
use super::Client;
use crate::kube::config::{Config, Environment, Overrides};
use dubbo_k8s_engine::{Request, TransportErrorKind, Verb};

#[tokio::test]
async fn a_request_carries_what_it_says_and_the_answer_comes_in_pieces() {
    let (port, asked) =
        server("HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nbody");
    let mut client = client(&format!("http://127.0.0.1:{}", port.await.unwrap()));
    let mut exchange = client.send(Duration::ZERO, get("/api/v1/pods?limit=1", false));
    let Some(Event::Head { status, retry_after, .. }) = exchange.next().await else { panic!() };
    assert_eq!((status, retry_after), (429, Some(Duration::from_secs(7))));
    assert!(matches!(exchange.next().await, Some(Event::Chunk(bytes)) if &*bytes == b"body"));
    assert!(matches!(exchange.next().await, Some(Event::End)));
    assert!(exchange.next().await.is_none());

    let asked = asked.await.unwrap();
    assert!(asked.starts_with("GET /api/v1/pods?limit=1 HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("accept: application/json\r\n"), "{asked}");
    assert!(asked.contains("accept-encoding: identity\r\n"), "{asked}");
    assert!(!asked.contains("authorization"), "{asked}");
}

#[tokio::test]
async fn the_path_of_the_server_comes_before_that_of_each_request() {
    for path in ["/k8s/clusters/c-x", "/k8s/clusters/c-x/"] {
        let (port, asked) = server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        let mut client = client(&format!("http://127.0.0.1:{}{path}", port.await.unwrap()));
        let mut exchange = client.send(Duration::ZERO, get("/api/v1/pods?limit=1", false));
        assert!(matches!(exchange.next().await, Some(Event::Head { status: 200, .. })));
        let asked = asked.await.unwrap();
        assert!(
            asked.starts_with("GET /k8s/clusters/c-x/api/v1/pods?limit=1 HTTP/1.1\r\n"),
            "{asked}"
        );
    }
}

#[tokio::test]
async fn a_body_that_ends_early_is_not_the_end() {
    let (port, _) = server("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbody");
    let mut client = client(&format!("http://127.0.0.1:{}", port.await.unwrap()));
    let kind = failure(&mut client).await.0;
    assert_eq!(kind, TransportErrorKind::Interrupted);
}

#[tokio::test]
async fn a_request_is_given_up_after_its_timeout_and_a_watch_that_is_answered_ends() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n";
    for verb in [Verb::Get, Verb::Watch] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = with_timeout(listener.local_addr().unwrap().port());
        let mut exchange = client.send(Duration::ZERO, Request { verb, ..get("/api", false) });
        let answering = async {
            let (mut socket, _) = listener.accept().await.unwrap();
            let asked = socket.read(&mut [0; 4096]).await.unwrap();
            assert!(asked > 0);
            socket.write_all(head).await.unwrap();
            socket
        };
        let (event, _socket) = tokio::join!(exchange.next(), answering);
        assert!(matches!(event, Some(Event::Head { status: 200, .. })), "{event:?}");
        // From here on the clock goes as far as a task waits.
        tokio::time::pause();
        let started = tokio::time::Instant::now();
        let ended = tokio::time::timeout(Duration::from_hours(1), exchange.next()).await.unwrap();
        assert!(started.elapsed() <= Duration::from_secs(6), "{verb}: {:?}", started.elapsed());
        tokio::time::resume();
        match (verb, &ended) {
            (Verb::Watch, Some(Event::End)) => {}
            (Verb::Get, Some(Event::Failed(error))) => {
                assert_eq!(error.kind, TransportErrorKind::Deadline);
            }
            _ => panic!("{verb}: {ended:?}"),
        }
        assert!(exchange.next().await.is_none());
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = with_timeout(listener.local_addr().unwrap().port());
    tokio::time::pause();
    for verb in [Verb::Get, Verb::Watch] {
        let mut silent = client.send(Duration::ZERO, Request { verb, ..get("/api", false) });
        let Some(Event::Failed(error)) = silent.next().await else { panic!("{verb}") };
        assert_eq!(error.kind, TransportErrorKind::Deadline);
        assert_eq!(error.text, "no whole answer within 5s (--request-timeout)");
        assert!(silent.next().await.is_none());
    }
}

#[tokio::test]
async fn a_refused_connection_names_the_server() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let (kind, text) = failure(&mut client(&format!("http://127.0.0.1:{port}"))).await;
    assert_eq!(kind, TransportErrorKind::Connect);
    assert_eq!(text, format!("127.0.0.1:{port} refused the connection"));
}

#[tokio::test]
async fn a_server_without_tls_is_recognised() {
    let (port, _) = server("HTTP/1.1 400 Bad Request\r\n\r\n");
    let port = port.await.unwrap();
    let overrides = Overrides {
        server: Some(format!("https://127.0.0.1:{port}")),
        insecure_skip_tls_verify: true,
        ..Overrides::default()
    };
    let config = Config::load(&overrides, &Environment::empty([])).unwrap();
    let (kind, text) = failure(&mut Client::new(config).unwrap()).await;
    assert_eq!(kind, TransportErrorKind::Tls);
    assert_eq!(text, format!("127.0.0.1:{port} does not speak TLS; is it a plain http port?"));
}

#[test]
fn a_token_file_is_read_again_every_minute_and_the_last_good_one_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    fs::write(&path, "one\n").unwrap();
    let overrides = Overrides {
        server: Some("https://127.0.0.1:1".to_owned()),
        insecure_skip_tls_verify: true,
        token_file: Some(path.clone()),
        ..Overrides::default()
    };
    let config = Config::load(&overrides, &Environment::empty([])).unwrap();
    let mut client = Client::new(config).unwrap();
    let mut sent_at = |seconds| {
        drop(client.send(Duration::from_secs(seconds), get("/api", false)));
        assert!(!format!("{:?}", client.headers).contains("two"), "marked sensitive");
        client.headers["authorization"].to_str().unwrap().to_owned()
    };
    fs::write(&path, "two\n").unwrap();
    assert_eq!(sent_at(59), "Bearer one");
    assert_eq!(sent_at(60), "Bearer two");
    fs::write(&path, " \n").unwrap();
    assert_eq!(sent_at(120), "Bearer two", "an empty token would be anonymous");
    fs::remove_file(&path).unwrap();
    assert_eq!(sent_at(180), "Bearer two");
    fs::write(&path, "three").unwrap();
    assert_eq!(sent_at(239), "Bearer two");
    assert_eq!(sent_at(240), "Bearer three");
}

/// A server for one connection: its port, and the request that it read.
fn server(
    answer: &'static str,
) -> (tokio::sync::oneshot::Receiver<u16>, tokio::task::JoinHandle<String>) {
    let (send_port, port) = tokio::sync::oneshot::channel();
    let task = tokio::spawn(async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        send_port.send(listener.local_addr().unwrap().port()).unwrap();
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 64 * 1024];
        let length = socket.read(&mut request).await.unwrap();
        socket.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8_lossy(&request[..length]).into_owned()
    });
    (port, task)
}

fn with_timeout(port: u16) -> Client {
    let overrides = Overrides {
        server: Some(format!("http://127.0.0.1:{port}")),
        request_timeout: Some(Duration::from_secs(5)),
        ..Overrides::default()
    };
    Client::new(Config::load(&overrides, &Environment::empty([])).unwrap()).unwrap()
}

fn client(server: &str) -> Client {
    let overrides = Overrides { server: Some(server.to_owned()), ..Overrides::default() };
    Client::new(Config::load(&overrides, &Environment::empty([])).unwrap()).unwrap()
}

async fn failure(client: &mut Client) -> (TransportErrorKind, String) {
    let mut exchange = client.send(Duration::ZERO, get("/api", true));
    loop {
        match exchange.next().await {
            Some(Event::Failed(error)) => return (error.kind, error.text),
            Some(Event::End) | None => panic!("it must fail"),
            Some(_) => {}
        }
    }
}

fn get(target: &str, gzip: bool) -> Request {
    Request {
        verb: Verb::Get,
        target: target.to_owned(),
        accept: "application/json",
        gzip,
        content_type: None,
        body: Vec::new(),
        deadline: Duration::from_secs(5),
    }
}
