//! Providers that come and go in the cluster, as Envoy learns it from the real watcher. Calls go on all the
//! time, and none of them may fail.

use dubbo_k8s_codec::ANNOTATION;
use dubbo_k8s_tests::mesh::{Mesh, NAMESPACE, Service, crowd};
use dubbo_k8s_tests::triple::{Call, Connection, Load, Provider};
use serde_json::json;

use crate::rig::{hello, programs, providers};

/// Enough calls to be sure: one of two providers is passed over so often once in 10^30.
const ENOUGH: u64 = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn providers_come_and_go_without_a_failed_call() {
    let Some(programs) = programs("envoy::discovery") else { return };
    let [a, b, c] = providers().await;
    let [to_a, to_b, to_c] = [&a, &b, &c].map(|provider| Service::at(provider.address()));
    let to_c = to_c.with(&[("weight", "200")]);
    let mut mesh = Mesh::start(&programs, &json!({}), |cluster| {
        for (pod, service) in [("a", to_a), ("b", to_b), ("c", to_c)] {
            cluster.store().create(service.pod(pod))?;
        }
        Ok(())
    })
    .await
    .unwrap();
    mesh.routes(&hello()).await.unwrap();
    let load = Load::start(mesh.address().unwrap(), &hello(), 4);

    // By weight: of 1200 calls 300 are expected at a, with a standard deviation of 15.
    let tally = load.more(1200).await.unwrap();
    let share = tally.count("a") * 1200 / tally.total;
    assert!((210..=390).contains(&share), "{tally:?}");

    // One is deleted. It still answers, as a process that drains does, and is left alone.
    mesh.delete("b").unwrap();
    load.until("calls to the two that are left", |tally| tally.since("b") > ENOUGH).await.unwrap();

    // One comes.
    let new = Provider::start("d").await.unwrap();
    mesh.register("d", &Service::at(new.address())).unwrap();
    load.until("calls to the new one", |tally| tally.count("d") > 0).await.unwrap();

    // The watcher is killed: what was known stays in use, and its age is shown.
    mesh.kill_watcher();
    mesh.until_metric("dubbo.load_failures", |failures| failures > 0).await.unwrap();
    let before = load.tally();
    mesh.delete("a").unwrap();
    let newer = Provider::start("e").await.unwrap();
    mesh.register("e", &Service::at(newer.address())).unwrap();
    let during = load.more(4 * ENOUGH).await.unwrap();
    for provider in ["a", "c", "d"] {
        assert!(during.count(provider) > before.count(provider), "{provider}: {during:?}");
    }
    assert_eq!(during.count("e"), 0);
    mesh.until_metric("dubbo.registry_age_ms", |age| age > 0).await.unwrap();

    // It comes back: exactly the difference.
    mesh.restart_watcher().await.unwrap();
    load.until("what had changed", |tally| tally.count("e") > 0 && tally.since("a") > ENOUGH)
        .await
        .unwrap();
    mesh.knows(3).await.unwrap();

    // A Pod whose annotation breaks loses its own records; the others are served.
    mesh.cluster().store().annotate(NAMESPACE, "e", ANNOTATION, Some("%")).unwrap();
    load.until("calls to the two that are left", |tally| tally.since("e") > ENOUGH).await.unwrap();
    mesh.until_metric("dubbo.decode_errors", |errors| errors > 0).await.unwrap();

    let tally = load.stop().await;
    assert_eq!(tally.failures, 0, "{:?}", tally.in_words);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_thousand_providers_are_loaded_and_routed_among() {
    let Some(programs) = programs("envoy::discovery") else { return };
    let [a] = providers().await;
    let mesh = Mesh::start(&programs, &json!({}), |cluster| {
        cluster.store().create_all(crowd(50_000))?;
        cluster.store().create(Service::at(a.address()).pod("a")).map(drop)
    })
    .await
    .unwrap();
    mesh.knows(50_001).await.unwrap();
    mesh.routes(&hello()).await.unwrap();
    let mut consumer = Connection::open(mesh.address().unwrap()).await.unwrap();
    assert_eq!(consumer.call(&hello()).await.unwrap().provider(), Some("a"));
    let unknown = Call::new("com.example.Unknown", "Hello");
    assert_eq!(consumer.call(&unknown).await.unwrap().grpc_status(), Some("14"));
}
