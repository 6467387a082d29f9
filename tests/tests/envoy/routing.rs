//! Who gets a call: by service, weight, tag, header, and by both ways to name an endpoint to Envoy.

use dubbo_k8s_tests::mesh::{INTERFACE, Service};
use dubbo_k8s_tests::triple::Call;
use serde_json::json;

use crate::rig::{Rig, TIMEOUT, hello, programs, providers};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_are_spread_by_weight_and_by_either_way() {
    let Some(programs) = programs("envoy::routing") else { return };
    let [a, b, c] = providers().await;
    let services = [
        Service::at(a.address()).with(&[("weight", "100")]),
        Service::at(b.address()).with(&[("weight", "300")]),
        Service::at(c.address()).with(&[("weight", "0")]),
    ];
    let ways = ["originalDst", "overrideHost", "filterState"];
    let settings = ways.map(|endpoint| json!({"endpoint": endpoint}));
    let rig = Rig::start(&programs, &services, &settings).await;
    for (number, endpoint) in ways.into_iter().enumerate() {
        let mut consumer = rig.consumer(number).await;
        let [to_a, to_b] = consumer.spread(&hello(), 600, ["a", "b"]).await;
        // 150 expected, with a standard deviation of 10.6: six of them are never exceeded.
        assert!((87..=213).contains(&to_a), "{endpoint}: {to_a} to {to_b}");
    }
    assert_eq!(c.served(), 0, "no weight, no calls");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_other_policies_do_what_their_names_say() {
    let Some(programs) = programs("envoy::routing") else { return };
    let [a, b, c] = providers().await;
    let services = [
        Service::at(a.address()).with(&[("weight", "100")]),
        Service::at(b.address()).with(&[("weight", "200")]),
        Service::at(c.address()).with(&[("weight", "300")]),
    ];
    let names = ["a", "b", "c"];
    let by_user = json!({"balance": {"consistentHash": {"header": "x-user"}}});
    let settings = [json!({"balance": "weightedRoundRobin"}), by_user];
    let rig = Rig::start(&programs, &services, &settings).await;
    let mut in_turn = rig.consumer(0).await;
    assert_eq!(in_turn.spread(&hello(), 60, names).await, [10, 20, 30]);

    let mut by_user = rig.consumer(1).await;
    let mut chosen = std::collections::BTreeSet::new();
    for user in 0..12 {
        let call = hello().header("x-user", &format!("user-{user}"));
        let who = by_user.who(&call).await;
        assert_eq!(by_user.who(&call).await, who, "the same for the same user");
        chosen.insert(who);
    }
    assert!(chosen.len() > 1, "{chosen:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_least_active_provider_gets_the_call() {
    let Some(programs) = programs("envoy::routing") else { return };
    let [a, b] = providers().await;
    let services = [Service::at(a.address()), Service::at(b.address())];
    let rig = Rig::start(&programs, &services, &[json!({"balance": "leastActive"})]).await;
    let mut consumer = rig.consumer(0).await;
    for provider in [&a, &b] {
        provider.hold(true);
    }
    let mut arrived = [a.arrived(), b.arrived()];
    let calls: Vec<_> = (0..4)
        .map(|_| {
            let mut consumer = consumer.clone();
            tokio::spawn(async move { consumer.who(&hello()).await })
        })
        .collect();
    // Four calls that wait are two for each: no provider gets a third while the other has one less.
    for arrived in &mut arrived {
        let two = arrived.wait_for(|count| *count >= 2);
        tokio::time::timeout(TIMEOUT, two).await.expect("two calls").unwrap();
    }
    for provider in [&a, &b] {
        provider.hold(false);
    }
    for call in calls {
        call.await.unwrap();
    }
    assert_eq!([a.served(), b.served()], [2, 2]);
    consumer.who(&hello()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn group_version_and_tag_choose_the_service() {
    let Some(programs) = programs("envoy::routing") else { return };
    let [plain, live, first, gray] = providers().await;
    let services = [
        Service::at(plain.address()),
        Service::at(live.address()).named("live", "2.0.0"),
        Service::at(first.address()).named("", "1.0.0"),
        Service::at(gray.address()).named("live", "2.0.0").with(&[("dubbo.tag", "gray")]),
    ];
    let rig = Rig::start(&programs, &services, &[json!({})]).await;
    let mut consumer = rig.consumer(0).await;
    let asks = |group: &str, version: &str| {
        let call = hello();
        let call = if group.is_empty() { call } else { call.header("tri-service-group", group) };
        if version.is_empty() { call } else { call.header("tri-service-version", version) }
    };
    // Exactly what is named.
    let live_2 = asks("live", "2.0.0");
    for _ in 0..20 {
        assert_eq!(consumer.who(&live_2).await, "b", "without a tag, never one that has a tag");
    }
    assert_eq!(consumer.who(&live_2.clone().header("dubbo.tag", "gray")).await, "d");
    assert_eq!(consumer.who(&live_2.clone().header("dubbo.tag", "none")).await, "b");
    assert_eq!(consumer.who(&asks("", "1.0.0")).await, "c");
    let rest =
        hello().json().header("rest-service-group", "live").header("rest-service-version", "2.0.0");
    assert_eq!(consumer.who(&rest).await, "b");
    // Java's fallbacks: version 1.0.0, then the bare path.
    assert_eq!(consumer.who(&asks("", "9.9.9")).await, "c");
    assert_eq!(consumer.who(&asks("other", "9.9.9")).await, "a");
    // dubbo-rust sends a version and a group that name nothing.
    assert_eq!(consumer.who(&asks("cluster", "dubbo-rust/0.1.0")).await, "a");
    // A request that insists on a tag gets no other provider.
    let forced = live_2.header("dubbo.tag", "none").header("dubbo.force.tag", "true");
    assert_eq!(consumer.call(&forced).await.grpc_status(), Some("14"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_cannot_name_an_endpoint() {
    let Some(programs) = programs("envoy::routing") else { return };
    let [a, victim] = providers().await;
    let names_victim = |call: Call| {
        let address = victim.address().to_string();
        call.header("x-envoy-original-dst-host", &address)
            .header("x-gateway-destination-endpoint", &address)
    };
    let services = [Service::at(a.address())];
    let unknown = Call::new("com.example.Unknown", "Hello").json();
    let cases = [
        ("originalDst", "refuse", 503),
        ("overrideHost", "refuse", 503),
        // What passes has no endpoint any more, so Envoy's own answer is what is left.
        ("originalDst", "pass", 404),
        ("overrideHost", "pass", 404),
        ("filterState", "refuse", 503),
        ("filterState", "pass", 503),
    ];
    let settings =
        cases.map(|(endpoint, otherwise, _)| json!({"endpoint": endpoint, "otherwise": otherwise}));
    let rig = Rig::start(&programs, &services, &settings).await;
    for (number, (.., status)) in cases.into_iter().enumerate() {
        let mut consumer = rig.consumer(number).await;
        assert_eq!(consumer.who(&names_victim(hello())).await, "a");
        assert_eq!(consumer.call(&names_victim(unknown.clone())).await.status, status);
    }
    assert_eq!(victim.served(), 0);
    let seen = a.last().unwrap();
    assert_eq!(seen.path, format!("/{INTERFACE}/Hello"));
    assert_eq!(seen.headers["te"], "trailers");
}
