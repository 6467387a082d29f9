//! What is shown when something is wrong: no provider, a bad annotation, a bad configuration.

use std::path::Path;

use dubbo_k8s_tests::envoy::{Envoy, Error, cluster, config};
use dubbo_k8s_tests::mesh::{INTERFACE, Service, local};
use dubbo_k8s_tests::triple::Call;
use serde_json::{Value, json};

use crate::rig::{Rig, hello, programs, providers};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_provider_the_answer_names_the_service_and_nothing_else() {
    let Some(programs) = programs("envoy::failures") else { return };
    let [a] = providers().await;
    let services = [
        Service::at(a.address()),
        Service { interface: "com.example.Off", ..Service::at(a.address()) }
            .with(&[("disabled", "true")]),
    ];
    let rig = Rig::start(&programs, &services, &[json!({})]).await;
    let mut consumer = rig.consumer(0).await;
    for (interface, group, version, key) in [
        ("com.example.Unknown", "shop", "2.0.0", "shop/com.example.Unknown:2.0.0"),
        ("com.example.Off", "", "", "com.example.Off"),
    ] {
        let call = Call::new(interface, "Hello");
        let call = if group.is_empty() { call } else { call.header("tri-service-group", group) };
        let call =
            if version.is_empty() { call } else { call.header("tri-service-version", version) };
        let answer = consumer.call(&call).await;
        assert_eq!((answer.status, answer.grpc_status()), (200, Some("14")), "{answer:?}");
        let message = percent_encoding::percent_decode_str(answer.grpc_message().unwrap());
        assert_eq!(message.decode_utf8().unwrap(), format!("no provider of {key}"));
        let answer = consumer.call(&call.json()).await;
        assert_eq!((answer.status, answer.grpc_status()), (503, None), "{answer:?}");
        assert_eq!(answer.body, format!("no provider of {key}").as_bytes());
        let shown = format!("{answer:?}");
        assert!(!shown.contains("127.0.0.1") && !shown.contains(INTERFACE), "{shown}");
    }
    assert_eq!(a.served(), 0);
    let metric =
        async || Ok((rig.envoy.admin().stat("wasmcustom.dubbo.misses").await? == 4).then_some(()));
    rig.envoy.until("four misses", metric).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_annotation_is_counted_and_the_others_are_served() {
    let Some(programs) = programs("envoy::failures") else { return };
    let [a] = providers().await;
    let good = Service::at(a.address()).annotation();
    let annotations = ["W3siayI6Ii9kdWJibw==".to_owned(), good, "%".to_owned()];
    let access_log = tempfile::NamedTempFile::new().unwrap();
    let fields = json!({
        "service": "%FILTER_STATE(wasm.dubbo_service:PLAIN)%",
        "provider": "%FILTER_STATE(wasm.dubbo_provider:PLAIN)%",
        "upstream": "%UPSTREAM_HOST%",
    });
    let rig = Rig::with(&programs, &annotations, &[], &[json!({})], |listener| {
        listener.access_log(access_log.path(), fields.clone())
    })
    .await;
    assert_eq!(rig.consumer(0).await.who(&hello()).await, "a");
    for pod in ["shop/pod-0", "shop/pod-2"] {
        let line = rig.envoy.logged(pod).await.unwrap();
        assert!(line.contains("[warning]"), "{line}");
    }
    let metrics = async || {
        let stats = rig.envoy.admin().stats("wasmcustom").await?;
        let stat = |name: &str| stats.get(&format!("wasmcustom.dubbo.{name}")).copied();
        let wanted = [("providers", 1), ("services", 1), ("picks", 1)];
        let as_wanted = wanted.iter().all(|(name, value)| stat(name) == Some(*value));
        // The main thread counts what it reads, as every worker does.
        Ok((as_wanted && stat("decode_errors") == Some(4)).then_some(stats))
    };
    let stats = rig.envoy.until("the metrics", metrics).await.unwrap();
    // Every thread of Envoy has an instance of the filter, and each of them has said it once.
    let log = rig.envoy.log();
    let instances = log.matches("Thread-Local Wasm created").count();
    for pod in ["shop/pod-0", "shop/pod-2"] {
        assert_eq!(log.matches(pod).count(), instances, "{log}");
    }
    assert!(stats.keys().any(|name| name.contains("age")), "{stats:?}");
    let line = first_line(&rig, access_log.path()).await;
    let address = a.address().to_string();
    assert_eq!(line, json!({"service": INTERFACE, "provider": address, "upstream": address}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_in_the_filter_state_is_in_the_access_log() {
    let Some(programs) = programs("envoy::failures") else { return };
    let [a] = providers().await;
    let access_log = tempfile::NamedTempFile::new().unwrap();
    let fields = json!({
        "service": "%FILTER_STATE(wasm.dubbo_service:PLAIN)%",
        "provider": "%FILTER_STATE(envoy.network.transport_socket.original_dst_address:PLAIN)%",
        "upstream": "%UPSTREAM_HOST%",
    });
    let annotations = [Service::at(a.address()).annotation()];
    let settings = [json!({"endpoint": "filterState"})];
    let rig = Rig::with(&programs, &annotations, &[], &settings, |listener| {
        listener.access_log(access_log.path(), fields.clone())
    })
    .await;
    assert_eq!(rig.consumer(0).await.who(&hello()).await, "a");
    assert!(!a.last().unwrap().headers.contains_key("x-envoy-original-dst-host"));
    let line = first_line(&rig, access_log.path()).await;
    let address = a.address().to_string();
    assert_eq!(line, json!({"service": INTERFACE, "provider": address, "upstream": address}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_configuration_is_refused_with_its_reason() {
    let Some(programs) = programs("envoy::failures") else { return };
    let cases = [
        (local(&json!({"annotations": [], "ballance": "weightedRandom"})).to_string(), "ballance"),
        ("{}".to_owned(), "needs `discovery`"),
        ("not JSON".to_owned(), "expected"),
        (String::new(), "EOF"),
    ];
    for (text, reason) in cases {
        let filter = config::wasm_with_text(&programs.filter, &text);
        let listener = config::Listener::new("in").filter(filter).route(config::to_cluster("x"));
        let clusters = [cluster::original_destination("x")];
        let configuration = config::bootstrap(&[listener.value()], &clusters);
        let error = Envoy::start(&programs.envoy, &configuration).await.unwrap_err();
        // Envoy takes no configuration whose filter does not start: it ends.
        assert!(matches!(error, Error::Ended { .. }), "{text}: {error}");
        let lines: Vec<String> = error.to_string().lines().map(str::to_owned).collect();
        let said = lines.iter().any(|line| {
            line.contains("[error]")
                && line.contains("the plugin configuration is refused")
                && line.contains(reason)
        });
        assert!(said, "{text}: {error}");
    }
}

/// The first line of an access log, once it is written.
async fn first_line(rig: &Rig, access_log: &Path) -> Value {
    let logged =
        async || Ok(std::fs::read_to_string(access_log).unwrap().lines().next().map(str::to_owned));
    let line = rig.envoy.until("a line of the access log", logged).await.unwrap();
    serde_json::from_str(&line).unwrap()
}
