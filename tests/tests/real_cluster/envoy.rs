//! A real Envoy with the filter: what it knows it has from the real watcher, and the watcher from a real kube-apiserver.

use dubbo_k8s_tests::apiserver::kubeconfig;
use dubbo_k8s_tests::control_plane::ControlPlane;
use dubbo_k8s_tests::envoy::{Envoy, cluster as upstream, config};
use dubbo_k8s_tests::mesh::{INTERFACE, Programs, Service, destinations, discovering, ingress};
use dubbo_k8s_tests::skip;
use dubbo_k8s_tests::triple::{Call, Connection, Load, Provider};
use dubbo_k8s_tests::watcher::Serving;
use serde_json::json;

use crate::cluster::{Cluster, Namespace};
use crate::scenarios::pod;

/// Enough calls to be sure: one of two providers is passed over so often once in 10^30.
const ENOUGH: u64 = 100;

pub(crate) async fn run_all(server: &ControlPlane, cluster: &Cluster) {
    let programs = match Programs::from_environment() {
        Ok(programs) => programs,
        Err(why) => {
            return skip::missing(
                "Envoy and a real server",
                &format!("{why}; cargo xtask test brings it"),
            );
        }
    };
    let namespace = cluster.namespace("mesh").await;
    let (a, b) = (Provider::start("a").await.unwrap(), Provider::start("b").await.unwrap());
    register(&namespace, &a).await;
    register(&namespace, &b).await;

    let path = server.folder().join("mesh");
    let text =
        kubeconfig(&server.url(), Some(&server.authority_pem()), server.token(), &namespace.name);
    std::fs::write(&path, text).unwrap();
    let watcher = Serving::start(&path).await.unwrap();
    watcher.synced().await.unwrap();
    let settings = discovering(&json!({}), watcher.address());
    let listeners = [ingress(&programs, "in", &settings).value()];
    let mut clusters = destinations(&[]);
    clusters.push(upstream::fixed("watcher", &[watcher.address()]));
    let envoy =
        Envoy::start(&programs.envoy, &config::bootstrap(&listeners, &clusters)).await.unwrap();
    let (address, call) = (envoy.address("in").unwrap(), Call::new(INTERFACE, "Hello"));
    let routed = async || {
        let Ok(mut connection) = Connection::open(address).await else { return Ok(None) };
        Ok(connection.call(&call).await.is_ok_and(|answer| answer.is_good()).then_some(()))
    };
    envoy.until("a routed call", routed).await.unwrap();

    let load = Load::start(address, &call, 2);
    load.until("calls to both", |tally| tally.count("a") > 0 && tally.count("b") > 0)
        .await
        .unwrap();
    namespace.delete_gracefully(a.name()).await;
    load.until("calls to the one that stays", |tally| tally.since("a") > ENOUGH).await.unwrap();
    let c = Provider::start("c").await.unwrap();
    register(&namespace, &c).await;
    let tally = load.until("calls to the new one", |tally| tally.count("c") > 0).await.unwrap();
    assert_eq!(tally.failures, 0, "{tally:?}");
    namespace.remove().await;
}

/// A Pod of the provider's name, at its address.
async fn register(namespace: &Namespace<'_>, provider: &Provider) {
    let address = provider.address();
    let pod = pod(provider.name(), Some(&Service::at(address).key()));
    namespace.run(&pod, &[&address.ip().to_string()]).await;
}
