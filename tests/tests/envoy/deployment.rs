//! The configurations that the filter's README shows, as the files that they are: the real Envoy takes each of them,
//! and what one promises is tried.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use dubbo_k8s_tests::envoy::{Envoy, Error, cluster, config, validate};
use dubbo_k8s_tests::mesh::{INTERFACE, Programs, Service};
use dubbo_k8s_tests::triple::Connection;
use serde_json::{Value, json};

use crate::rig::{hello, programs, providers};

const FILTER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../filter");

/// The documents of a file of `filter/`.
fn documents(file: &str) -> Vec<Value> {
    let text = fs::read_to_string(Path::new(FILTER).join(file)).unwrap();
    let documents = dubbo_k8s_codec::yaml::documents(&text);
    documents.map(|json| serde_json::from_slice(&json.unwrap()).unwrap()).collect()
}

/// A file of one document, with the filter's wasm where it was built.
fn configuration(file: &str, programs: &Programs) -> Value {
    let [mut document] = <[Value; 1]>::try_from(documents(file)).unwrap();
    let wasm = programs.filter.to_str().unwrap();
    replace(&mut document, &|text| (text == "dubbo_k8s_filter.wasm").then(|| wasm.to_owned()));
    document
}

/// Puts other texts in the place of those that `new` knows.
fn replace(value: &mut Value, new: &impl Fn(&str) -> Option<String>) {
    match value {
        Value::String(text) => {
            if let Some(new) = new(text) {
                *text = new;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, new)),
        Value::Object(members) => members.values_mut().for_each(|member| replace(member, new)),
        _ => {}
    }
}

/// The retries, with an endpoint file of these hosts.
fn retries(programs: &Programs, folder: &Path, hosts: &[SocketAddr]) -> Value {
    let file = folder.join("endpoints.json");
    fs::write(&file, cluster::endpoints_file("1", INTERFACE, hosts)).unwrap();
    let mut document = configuration("deploy/retries.yaml", programs);
    replace(&mut document, &|text| {
        text.starts_with("/var/lib/dubbo/").then(|| file.to_str().unwrap().to_owned())
    });
    document
}

#[test]
fn envoy_takes_the_bootstraps() {
    let Some(programs) = programs("envoy::deployment") else { return };
    validate(&programs.envoy, &configuration("envoy.yaml", &programs)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    validate(&programs.envoy, &retries(&programs, folder.path(), &[])).unwrap();
    let mut wrong = configuration("envoy.yaml", &programs);
    replace(&mut wrong, &|text| text.contains("dubbo_watcher\"").then(|| "{}".to_owned()));
    let error = validate(&programs.envoy, &wrong).unwrap_err();
    assert!(matches!(error, Error::Ended { .. }), "{error}");
}

#[test]
fn envoy_takes_what_comes_by_xds() {
    let Some(programs) = programs("envoy::deployment") else { return };
    let folder = Path::new(FILTER).join("deploy/xds");
    let mut bootstrap = configuration("deploy/xds/bootstrap.yaml", &programs);
    replace(&mut bootstrap, &|text| {
        let file = text.strip_prefix("/etc/envoy/")?;
        folder.join(file).to_str().map(str::to_owned)
    });
    validate(&programs.envoy, &bootstrap).unwrap();
    // What the files hold is not looked at in a bootstrap that names them: so it is put into one.
    let resources = |file| {
        let mut resources = configuration(file, &programs)["resources"].take();
        for resource in resources.as_array_mut().unwrap() {
            resource.as_object_mut().unwrap().remove("@type").unwrap();
        }
        resources.as_array().unwrap().clone()
    };
    let (listeners, clusters) =
        (resources("deploy/xds/listener.yaml"), resources("deploy/xds/cluster.yaml"));
    validate(&programs.envoy, &config::bootstrap(&listeners, &clusters)).unwrap();
}

#[test]
fn envoy_takes_what_istio_would_give_it() {
    let Some(programs) = programs("envoy::deployment") else { return };
    let [plugin, filter] = <[Value; 2]>::try_from(documents("deploy/istio.yaml")).unwrap();
    assert_eq!((&plugin["kind"], &filter["kind"]), (&json!("WasmPlugin"), &json!("EnvoyFilter")));
    let settings = &plugin["spec"]["pluginConfig"];
    let patches = filter["spec"]["configPatches"].as_array().unwrap();
    let value = |kind: &str| {
        let patch = patches.iter().find(|patch| patch["applyTo"] == kind).unwrap();
        patch["patch"]["value"].clone()
    };
    let listener = config::Listener::new("gateway")
        .filter(config::wasm(&programs.filter, settings))
        .route(value("HTTP_ROUTE"));
    // Istio itself makes the watcher's cluster, out of its Service.
    let watcher = settings["discovery"]["cluster"].as_str().unwrap();
    let clusters = [value("CLUSTER"), cluster::fixed(watcher, &[])];
    validate(&programs.envoy, &config::bootstrap(&[listener.value()], &clusters)).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_finds_its_provider_closed_is_made_at_another() {
    let Some(programs) = programs("envoy::deployment") else { return };
    let [a] = providers().await;
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    let mut configuration = retries(&programs, folder.path(), &[closed, a.address()]);
    let pod = |address| json!({"annotation": Service::at(address).annotation()});
    let settings = json!({
        "annotations": [pod(closed), pod(a.address())],
        "endpoint": "overrideHost", "allowLoopback": true,
    });
    let settings = settings.to_string();
    replace(&mut configuration, &|text| text.contains("overrideHost").then(|| settings.clone()));
    let listener = &mut configuration["static_resources"]["listeners"][0];
    listener["address"]["socket_address"]["port_value"] = json!(0);
    let envoy = Envoy::start(&programs.envoy, &configuration).await.unwrap();
    let mut consumer = Connection::open(envoy.address("dubbo").unwrap()).await.unwrap();
    for _ in 0..40 {
        let answer = consumer.call(&hello()).await.unwrap();
        assert_eq!(answer.provider(), Some("a"), "{answer:?}");
    }
    let stats = envoy.admin().stats("dubbo_providers.").await.unwrap();
    assert!(stats["cluster.dubbo_providers.upstream_rq_retry_success"] > 0, "{stats:?}");
    let ejected = "cluster.dubbo_providers.outlier_detection.ejections_active";
    assert_eq!(stats[ejected], 1, "the closed one is ejected: {stats:?}");
}
