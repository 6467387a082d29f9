//! The scripted server misbehaves as asked, and only then; what it does by the clock it does by
//! the clock of its options.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use dubbo_k8s_tests::apiserver::{Act, Exchange, Fault, Options, Server, Status, Verb};
use dubbo_k8s_tests::raw::{Endpoint, Reply};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};

const PODS: &str = "/api/v1/namespaces/shop/pods";
const JSON: &str = "application/json";

async fn server(options: Options) -> (Server, Endpoint) {
    let server = Server::start(options).await.unwrap();
    for name in ["a", "b"] {
        server.store().create(pod(name)).unwrap();
    }
    let endpoint = Endpoint::of(&server).unwrap();
    (server, endpoint)
}

fn pod(name: &str) -> Value {
    json!({"metadata": {"namespace": "shop", "name": name, "labels": {"app": "x"}},
        "spec": {}, "status": {"phase": "Running"}})
}

async fn watch(endpoint: &Endpoint, query: &str) -> Reply {
    endpoint.get(&format!("{PODS}?watch=true&{query}"), JSON).await.unwrap()
}

async fn list(endpoint: &Endpoint) -> Reply {
    endpoint.get(PODS, JSON).await.unwrap()
}

/// The type and the Pod's name of the next event.
async fn event(watch: &mut Reply) -> (String, String) {
    let line = watch.line().await.unwrap().unwrap();
    let event: Value = serde_json::from_str(&line).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&event["type"]), text(&event["object"]["metadata"]["name"]))
}

#[tokio::test]
async fn refuses_as_often_as_asked() {
    let (server, endpoint) = server(Options::default()).await;
    let faults = server.faults();
    faults.add(Fault::on(Verb::List, Act::TooManyRequests { retry_after: 7 }).skip(1).times(2));
    faults.add(
        Fault::on(Verb::List, Act::Refuse(Status::internal("broken"))).matching("limit=1").once(),
    );
    let mut statuses = Vec::new();
    for _ in 0..4 {
        let reply = list(&endpoint).await;
        statuses.push((reply.status, reply.header("Retry-After").map(str::to_owned)));
    }
    let refused = (429, Some("7".to_owned()));
    assert_eq!(statuses, [(200, None), refused.clone(), refused, (200, None)]);
    let page = format!("{PODS}?limit=1");
    assert_eq!(endpoint.get(&page, JSON).await.unwrap().status, 500);
    assert_eq!(endpoint.get(&page, JSON).await.unwrap().status, 200);
    assert_eq!(faults.pending(), 0);
    assert_eq!(server.requests().count(Verb::List), 6);
}

#[tokio::test]
async fn refuses_streaming_lists_only() {
    let (server, endpoint) = server(Options { streaming_list: false, ..Options::default() }).await;
    let streaming =
        "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    assert_eq!(watch(&endpoint, streaming).await.status, 422);
    server
        .faults()
        .add(Fault::on_streaming_list(Act::Refuse(Status::new(400, "BadRequest", "no"))).once());
    assert_eq!(watch(&endpoint, "resourceVersion=1001").await.status, 200);
    assert_eq!(watch(&endpoint, streaming).await.status, 400);
}

#[tokio::test]
async fn cuts_ends_and_resets_in_mid_line() {
    let (server, endpoint) = server(Options::default()).await;
    let faults = server.faults();
    faults.add(Fault::any(Act::Cut { after: 20 }).once());
    let mut cut = watch(&endpoint, "").await;
    assert_eq!(cut.chunk().await.unwrap().unwrap().len(), 20);
    assert_eq!(cut.chunk().await.unwrap_err().kind(), ErrorKind::UnexpectedEof);

    faults.add(Fault::any(Act::End { after: 20 }).once());
    let mut ended = watch(&endpoint, "").await;
    assert_eq!(ended.body().await.unwrap().len(), 20, "a proper end in the wrong place");

    faults.add(Fault::any(Act::Reset { after: 20 }).once());
    let mut reset = watch(&endpoint, "").await;
    let error = loop {
        match reset.chunk().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("a proper end"),
            Err(error) => break error.kind(),
        }
    };
    assert_eq!(error, ErrorKind::ConnectionReset);
    // A list has a known length; cut, it has none and no end.
    faults.add(Fault::any(Act::Cut { after: 20 }).once());
    assert!(list(&endpoint).await.body().await.is_err());
    assert_eq!(list(&endpoint).await.status, 200);
}

#[tokio::test]
async fn stalls_until_the_client_gives_up() {
    let (server, endpoint) = server(Options::default()).await;
    server.faults().add(Fault::any(Act::Stall { after: 10 }).once());
    server.faults().add(Fault::any(Act::Silence).once());
    let mut stalled = watch(&endpoint, "").await;
    assert_eq!(stalled.chunk().await.unwrap().unwrap().len(), 10);
    let mut rest = std::pin::pin!(stalled.chunk());
    let silent = list(&endpoint);
    let mut silent = std::pin::pin!(silent);
    // What happens to the store passes both by.
    server.store().create(pod("c")).unwrap();
    let other = async {
        let mut changes = watch(&endpoint, "resourceVersion=1002").await;
        event(&mut changes).await
    };
    tokio::select! {
        biased;
        _ = &mut rest => panic!("the stalled watch went on"),
        _ = &mut silent => panic!("the silent request was answered"),
        seen = async { server.requests().wait_for_count(Verb::List, 1).await; other.await } => {
            assert_eq!(seen, ("ADDED".to_owned(), "c".to_owned()));
        }
    }
}

#[tokio::test]
async fn trickles_and_compresses_each_event() {
    let (server, endpoint) = server(Options::default()).await;
    let whole = list(&endpoint).await.body().await.unwrap();
    let pause = Duration::from_micros(10);
    server.faults().add(Fault::any(Act::Trickle { bytes: 7, pause }).once());
    let pieces = list(&endpoint).await.chunks().await.unwrap();
    assert!(pieces.iter().all(|piece| piece.len() <= 7));
    assert_eq!(pieces.concat(), whole);

    server.faults().add(Fault::on(Verb::Watch, Act::GzipPerChunk).once());
    let mut packed = watch(&endpoint, "").await;
    assert_eq!(packed.header("Content-Encoding"), Some("gzip"));
    for _ in 0..2 {
        assert!(packed.chunk().await.unwrap().unwrap().starts_with(&[0x1f, 0x8b]), "a member each");
    }
}

#[tokio::test]
async fn speaks_before_and_instead() {
    let (server, endpoint) = server(Options::default()).await;
    let faults = server.faults();
    faults.add(Fault::on(Verb::Watch, Act::Before("not json\n".into())).once());
    let mut watching = watch(&endpoint, "").await;
    assert_eq!(watching.line().await.unwrap().as_deref(), Some("not json"));
    assert_eq!(event(&mut watching).await, ("ADDED".to_owned(), "a".to_owned()));

    faults.add(Fault::on(Verb::Watch, Act::ErrorEvent(Status::too_old(1, 2))).once());
    let mut expired = watch(&endpoint, "").await;
    let line = expired.line().await.unwrap().unwrap();
    assert!(line.starts_with(r#"{"type":"ERROR""#) && line.contains(r#""code":410"#), "{line}");
    assert_eq!(expired.line().await.unwrap(), None);

    server.store().send_raw("{}\n");
    let mut sent = watch(&endpoint, "resourceVersion=1002").await;
    assert_eq!(sent.line().await.unwrap().as_deref(), Some("{}"));
}

#[tokio::test]
async fn replays_a_recording_chunk_by_chunk() {
    let (server, endpoint) = server(Options::default()).await;
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/captures");
    for name in ["01a-list-json", "07a-watch-selector", "20a-watch-cut-mid-event", "19a-list-429"] {
        let recorded = Exchange::read(&captures.join(name)).unwrap();
        server.faults().add(Fault::any(Act::Replay(recorded.clone().into())).once());
        let mut reply = list(&endpoint).await;
        assert_eq!(reply.status, recorded.status, "{name}");
        assert_eq!(reply.header("Content-Type"), recorded.header("Content-Type"), "{name}");
        let mut lengths = Vec::new();
        let mut body = Vec::new();
        let end = loop {
            match reply.chunk().await {
                Ok(Some(chunk)) => {
                    lengths.push(chunk.len());
                    body.extend_from_slice(&chunk);
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error.kind()),
            }
        };
        assert_eq!(body, recorded.body, "{name}");
        if recorded.cut {
            assert_eq!(end, Err(ErrorKind::UnexpectedEof), "{name}");
        } else {
            assert_eq!(end, Ok(()), "{name}");
            assert!(!reply.is_chunked() || lengths == recorded.chunks, "{name}: {lengths:?}");
        }
    }
}

#[tokio::test]
async fn comes_back_on_the_same_port_with_or_without_its_pods() {
    let (mut server, endpoint) = server(Options::default()).await;
    let mut watching = watch(&endpoint, "resourceVersion=1002").await;
    server.restart().await.unwrap();
    assert!(watching.chunk().await.is_err(), "open watches break off");
    server.store().create(pod("c")).unwrap();
    let mut resumed = watch(&endpoint, "resourceVersion=1002").await;
    assert_eq!(event(&mut resumed).await, ("ADDED".to_owned(), "c".to_owned()));

    server.stop().await;
    let refused = endpoint.get(PODS, JSON).await.err().map(|error| error.kind());
    assert_eq!(refused, Some(ErrorKind::ConnectionRefused));
    server.restart_empty().await.unwrap();
    let body = list(&endpoint).await.body().await.unwrap();
    let list: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&list["items"], &list["metadata"]["resourceVersion"]), (&json!([]), &json!("1")));
}

#[tokio::test]
async fn goes_back_in_time() {
    let (server, endpoint) = server(Options::default()).await;
    let mut watching = watch(&endpoint, "resourceVersion=1002").await;
    server.store().delete("shop", "a").unwrap();
    assert_eq!(event(&mut watching).await, ("DELETED".to_owned(), "a".to_owned()));
    server.rewind(1001);
    assert_eq!(watching.line().await.unwrap(), None, "open watches end");
    let body = list(&endpoint).await.body().await.unwrap();
    let list: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(list["metadata"]["resourceVersion"], "1001");
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_watch_ends_after_its_seconds_with_a_bookmark_before() {
    let second = Duration::from_millis(10);
    let (_server, endpoint) = server(Options { second, ..Options::default() }).await;
    let mut bookmarked =
        watch(&endpoint, "resourceVersion=1002&timeoutSeconds=5&allowWatchBookmarks=true").await;
    assert_eq!(event(&mut bookmarked).await.0, "BOOKMARK");
    assert_eq!(bookmarked.line().await.unwrap(), None);
    let mut silent = watch(&endpoint, "resourceVersion=1002&timeoutSeconds=5").await;
    assert_eq!(silent.line().await.unwrap(), None);
}

#[tokio::test]
async fn bookmarks_come_by_the_interval_and_on_request() {
    let bookmark_interval = Duration::from_millis(5);
    let (server, endpoint) = server(Options { bookmark_interval, ..Options::default() }).await;
    let mut watching = watch(&endpoint, "resourceVersion=1002&allowWatchBookmarks=true").await;
    assert_eq!(event(&mut watching).await.0, "BOOKMARK");
    let version = server.store().send_bookmark();
    let newest = format!(r#""resourceVersion":"{version}""#);
    while !watching.line().await.unwrap().unwrap().contains(&newest) {}
}

#[tokio::test]
async fn the_port_speaks_plain_http_on_request() {
    let (_server, endpoint) = server(Options { tls: false, ..Options::default() }).await;
    assert_eq!(list(&endpoint).await.status, 200);
}

#[tokio::test]
async fn a_compaction_ends_no_open_watch() {
    let (server, endpoint) = server(Options::default()).await;
    let mut watching = watch(&endpoint, "resourceVersion=1002").await;
    server.store().create(pod("c")).unwrap();
    server.store().compact();
    assert_eq!(event(&mut watching).await, ("ADDED".to_owned(), "c".to_owned()));
    let mut late = watch(&endpoint, "resourceVersion=1002").await;
    assert_eq!(event(&mut late).await.0, "ERROR");
}

#[tokio::test]
async fn a_revoked_token_is_refused() {
    let (server, endpoint) = server(Options::default()).await;
    server.access().revoke_token(server.token());
    assert_eq!(list(&endpoint).await.status, 401);
}

#[tokio::test]
async fn a_connection_that_goes_away_finishes_what_runs() {
    let (server, endpoint) = server(Options::default()).await;
    let stream = TokioIo::new(endpoint.connect(b"h2").await.unwrap());
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let request =
        http::Request::get(format!("{}{PODS}?watch=1&resourceVersion=1002", server.url()))
            .header("Authorization", format!("Bearer {}", server.token()))
            .body(Empty::<Bytes>::new())
            .unwrap();
    let mut events = sender.send_request(request).await.unwrap().into_body();
    server.go_away();
    server.store().create(pod("c")).unwrap();
    let event = events.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(event.starts_with(br#"{"type":"ADDED""#));
    server.end_watches();
    let rest = events.collect().await.expect("a proper end");
    assert_eq!(rest.to_bytes(), Bytes::new());
    // The client keeps its half open: only a GOAWAY ends the connection.
    connection.await.unwrap().unwrap();
    drop(sender);
}
