//! The examples of `watcher/examples/handlers`, as their readers will use them.

use std::net::SocketAddr;

use dubbo_k8s_tests::envoy::{self, Envoy, cluster, config};
use dubbo_k8s_tests::skip;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

use crate::rig::{Rig, component, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_envoy_picks_up_what_the_endpoint_files_say() {
    let Some(handler) = component("ENVOY_ENDPOINTS") else { return };
    let rig = Rig::start().await;
    let _handlers = rig.handle(&[(&handler, "a.B,shop/a.C:1.0.0")]);
    let empty = rig.file("shop_2Fa.C_3A1.0.0.json", |text| !text.is_empty()).await;
    assert!(empty.contains("\"lb_endpoints\": []"), "{empty}");
    rig.file("a.B.json", |text| text.contains("10.0.0.1")).await;

    let Some(program) = envoy::program() else {
        skip::missing("handlers::envoy", "ENVOY names no Envoy; cargo xtask test brings one");
        return;
    };
    let clusters = [cluster::from_file("a.B", &rig.folder.path().join("a.B.json"))];
    let envoy = Envoy::start(&program, &config::bootstrap(&[], &clusters)).await.unwrap();
    let hosts = async |wanted: &[&str]| {
        let wanted: Vec<SocketAddr> = wanted.iter().map(|host| host.parse().unwrap()).collect();
        let look = async || {
            let mut hosts = envoy.admin().hosts("a.B").await?;
            hosts.sort();
            Ok((hosts == wanted).then_some(()))
        };
        envoy.until("the endpoints of the registry", look).await.unwrap();
    };
    hosts(&["10.0.0.1:20880"]).await;
    rig.provide("web-2", "a.B", "10.0.0.2:20880");
    hosts(&["10.0.0.1:20880", "10.0.0.2:20880"]).await;
    rig.remove("web");
    hosts(&["10.0.0.2:20880"]).await;
    rig.remove("web-2");
    hosts(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_webhook_posts_where_it_may_until_it_is_taken() {
    let Some(handler) = component("WEBHOOK") else { return };
    let mut rig = Rig::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let url = format!("http://{address}/hook?a=b");
    {
        let _refused = rig.handle(&[(&handler, &url)]);
        let message = rig.message("may not be reached").await;
        assert!(message.contains(&address.to_string()), "{message}");
        rig.message("HttpRequestDenied").await;
    }
    rig.options.allowed_hosts = vec![address.to_string().parse().unwrap()];
    let _handlers = rig.handle(&[(&handler, &url)]);
    let (head, refused) = within(answer(&listener, 503)).await;
    assert!(head.starts_with("POST /hook?a=b HTTP/1.1\r\n"), "{head}");
    let (_, snapshot) = within(answer(&listener, 204)).await;
    assert_eq!(refused, snapshot);
    assert_eq!(snapshot["event"], "snapshot");
    assert_eq!(snapshot["services"][0]["service"], "a.B");
    let url = "dubbo://10.0.0.1:20880/a.B?interface=a.B";
    assert_eq!(snapshot["services"][0]["providers"], json!([url]));
    rig.message("works again").await;
    rig.remove("web");
    let (_, changes) = within(answer(&listener, 200)).await;
    assert_eq!(changes["event"], "changes");
    assert_eq!(changes["changes"][0]["kind"], "removed");
    assert_eq!(changes["changes"][0]["url"], url);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn javascript_keeps_a_json_file() {
    let Some(handler) = component("JSON_FILE") else { return };
    let rig = Rig::start().await;
    let _handlers = rig.handle(&[(&handler, "services.json")]);
    let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let url = |host| format!("dubbo://{host}/a.B?interface=a.B");
    let first = rig.file("services.json", |text| !text.is_empty()).await;
    let services = json!({"a.B": {"providers": [url("10.0.0.1:20880")], "consumers": []}});
    assert_eq!(parse(&first), json!({ "services": services }));
    rig.provide("web-2", "a.B", "10.0.0.2:20880");
    let both = json!([url("10.0.0.1:20880"), url("10.0.0.2:20880")]);
    let has_both = |text: &str| parse(text)["services"]["a.B"]["providers"] == both;
    rig.file("services.json", has_both).await;
    rig.remove("web");
    rig.remove("web-2");
    rig.file("services.json", |text| parse(text) == json!({"services": {}})).await;
}

/// Takes one request, answers it with a status, and gives its head and its body.
async fn answer(listener: &TcpListener, status: u16) -> (String, Value) {
    let (stream, _) = listener.accept().await.unwrap();
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(stream.read_line(&mut head).await.unwrap() > 0);
    }
    let length = head.to_lowercase();
    let length = length.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
    let mut body = vec![0; length.unwrap().trim().parse().unwrap()];
    stream.read_exact(&mut body).await.unwrap();
    let answer = format!("HTTP/1.1 {status} So\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    stream.write_all(answer.as_bytes()).await.unwrap();
    (head, serde_json::from_slice(&body).unwrap())
}
