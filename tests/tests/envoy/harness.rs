//! The harness itself: Envoy alone in front of real providers.

use std::path::PathBuf;

use dubbo_k8s_tests::envoy::{self, Envoy, Error, cluster, config};
use dubbo_k8s_tests::skip;
use dubbo_k8s_tests::triple::{Call, Connection, Load, Provider};
use serde_json::{Value, json};

const INTERFACE: &str = "com.example.Greeter";

/// Envoy's program, or the word that this test is skipped.
pub(crate) fn program(test: &str) -> Option<PathBuf> {
    let program = envoy::program();
    if program.is_none() {
        skip::missing(test, "ENVOY names no Envoy; cargo xtask test brings one");
    }
    program
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_endpoint_of_a_call_is_what_its_header_says() {
    let Some(program) = program("envoy::harness") else { return };
    let [a, b] = [Provider::start("a").await.unwrap(), Provider::start("b").await.unwrap()];
    let log = tempfile::NamedTempFile::new().unwrap();
    let listener = config::Listener::new("in")
        .access_log(log.path(), json!({"host": "%UPSTREAM_HOST%"}))
        .route(config::with_header_to_cluster("x-way", "override", "override"))
        .route(config::to_cluster("original"));
    let both = [a.address(), b.address()];
    let clusters = [
        cluster::http2(cluster::original_destination("original")),
        cluster::http2(cluster::override_host("override", "x-endpoint", &both)),
    ];
    let envoy =
        Envoy::start(&program, &config::bootstrap(&[listener.value()], &clusters)).await.unwrap();
    let mut consumer = Connection::open(envoy.address("in").unwrap()).await.unwrap();
    let call = Call::new(INTERFACE, "Hello");
    for provider in [&a, &b, &a] {
        let address = provider.address().to_string();
        let call = call.clone().header("x-envoy-original-dst-host", &address);
        let answer = consumer.call(&call).await.unwrap();
        assert!(answer.is_good(), "{answer:?}");
        assert_eq!(answer.provider(), Some(provider.name()));
        let call = call.header("x-way", "override").header("x-endpoint", &address);
        assert_eq!(consumer.call(&call).await.unwrap().provider(), Some(provider.name()));
    }
    let answer = consumer.call(&call).await.unwrap();
    assert_eq!((answer.provider(), answer.grpc_status()), (None, Some("14")), "{answer:?}");
    assert_eq!((a.served(), b.served()), (4, 2));
    assert_eq!(a.last().unwrap().path, "/com.example.Greeter/Hello");
    let hosts = envoy.until("the access log", async || Ok(hosts(log.path(), 7))).await.unwrap();
    let [to_a, to_b] = both.map(|address| json!(address.to_string()));
    assert_eq!(
        hosts.iter().collect::<Vec<_>>(),
        [&to_a, &to_a, &to_b, &to_b, &to_a, &to_a, &json!(null)]
    );
}

/// The field `host` of every line of an access log, once there are so many.
fn hosts(log: &std::path::Path, lines: usize) -> Option<Vec<Value>> {
    let text = std::fs::read_to_string(log).unwrap();
    let lines: Option<Vec<Value>> =
        (text.lines().count() == lines).then(|| text.lines().map(line).collect());
    lines.map(|lines| lines.into_iter().map(|mut line| line["host"].take()).collect())
}

fn line(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_file_that_is_replaced_is_picked_up_without_a_failed_call() {
    let Some(program) = program("envoy::harness") else { return };
    let [a, b] = [Provider::start("a").await.unwrap(), Provider::start("b").await.unwrap()];
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("eds.json");
    let write = |version: &str, endpoints: &[std::net::SocketAddr]| {
        let new = folder.path().join("new");
        std::fs::write(&new, cluster::endpoints_file(version, "greeters", endpoints)).unwrap();
        std::fs::rename(new, &file).unwrap();
    };
    write("1", &[a.address()]);
    let listener = config::Listener::new("in").route(config::to_cluster("greeters"));
    let clusters = [cluster::http2(cluster::from_file("greeters", &file))];
    let envoy =
        Envoy::start(&program, &config::bootstrap(&[listener.value()], &clusters)).await.unwrap();
    let call = Call::new(INTERFACE, "Hello");
    let load = Load::start(envoy.address("in").unwrap(), &call, 2);
    load.more(20).await.unwrap();
    write("2", &[b.address()]);
    let ours = async || Ok((envoy.admin().hosts("greeters").await? == [b.address()]).then_some(()));
    envoy.until("the other endpoint", ours).await.unwrap();
    load.until("calls to the other alone", |tally| tally.since("a") > 50).await.unwrap();
    let tally = load.stop().await;
    assert_eq!(tally.failures, 0, "{:?}", tally.in_words);
    assert!(tally.count("a") >= 20 && tally.count("b") >= 50, "{tally:?}");
}

#[tokio::test]
async fn a_configuration_that_envoy_refuses_is_reported_with_its_log() {
    let Some(program) = program("envoy::harness") else { return };
    let clusters = [json!({"name": "x", "type": "NO_SUCH_TYPE"})];
    let error = Envoy::start(&program, &config::bootstrap(&[], &clusters)).await.unwrap_err();
    assert!(matches!(error, Error::Ended { .. }), "{error}");
    assert!(error.to_string().contains("NO_SUCH_TYPE"), "{error}");
}
