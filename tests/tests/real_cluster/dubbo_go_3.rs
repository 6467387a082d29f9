//! dubbo-go 3.3 beside an agent in each Pod, dubbo-rust and dubbo-go 1.5.9, all in one namespace: calls go on while a
//! provider is scaled away, is not ready or is killed, and while agents are killed and started again.

use dubbo_k8s_codec::query_escape;
use dubbo_k8s_tests::agent::Agent;
use dubbo_k8s_tests::control_plane::ControlPlane;
use dubbo_k8s_tests::interop33::{calls_go_on, program, until_answered_by, until_passed_over};
use dubbo_k8s_tests::program::Running;
use serde_json::json;

use crate::cluster::Cluster;
use crate::dubbo_go::Interop;
use crate::dubbo_pods::{OF_DUBBO_RUST, Old, PODS, Rust, Site};
use crate::dubbo_rust::{self, ready};
use crate::scenarios::pod;

pub(crate) async fn run_all(server: &ControlPlane, cluster: &Cluster) {
    let Some(program) = program("a real dubbo-go 3.3") else { return };
    let namespace = cluster.namespace("dubbo-go-3").await;
    let site = Site { program, server, namespace: &namespace };
    for (name, ip) in PODS {
        let mut plain = pod(name, None);
        plain["metadata"]["labels"] = json!({});
        namespace.run(&plain, &[ip]).await;
        ready(&namespace, name, true).await;
    }
    // What it says of another address reaches no consumer, whether it was there before or comes later.
    let key = greeter_at("198.51.100.1");
    namespace.run(&pod("not-believed", Some(&key)), &["127.33.0.10"]).await;
    ready(&namespace, "not-believed", true).await;
    let agent = site.agent("go-consumer");
    let consumer = site.consumer(&agent, "tri");
    namespace.run(&pod("not-believed-later", Some(&key)), &["127.33.0.11"]).await;
    ready(&namespace, "not-believed-later", true).await;
    let agent = calls_follow_providers(&site, &consumer, agent).await;
    consumer.end("-TERM");
    assert_eq!(site.registered("go-consumer").await, 0, "nor is a consumer");
    drop(agent);
    let (status, said) = site.stray(&site.agent("new"));
    assert!(status == Some(1) && said.contains("address-not-pod"), "{status:?}: {said}");
    languages_call_each_other(&site);
    namespace.remove().await;
}

/// The key of a provider of the service at an address.
fn greeter_at(ip: &str) -> String {
    let url =
        format!("tri://{ip}:50051/greet.GreetService?interface=greet.GreetService&side=provider");
    format!("/dubbo/greet.GreetService/providers/{}", query_escape(&url))
}

/// Returns the agent of the consumer, which is another one then.
async fn calls_follow_providers(site: &Site<'_>, consumer: &Running, agent: Agent) -> Agent {
    let (a, b) = (site.provider("go-a", ["", ""]), site.provider("go-b", ["", ""]));
    until_answered_by(consumer, "go-a");
    until_answered_by(consumer, "go-b");

    // Scaled away: the Pod is deleted, and its process is asked to end. No call fails.
    site.namespace.delete_gracefully("go-a").await;
    a.application.end("-TERM");
    until_passed_over(consumer, "go-a");
    assert_eq!(site.registered("go-a").await, 0, "nothing is left behind");

    // Not ready: it still answers, and is not called.
    let c = site.provider("go-c", ["", ""]);
    until_answered_by(consumer, "go-c");
    ready(site.namespace, "go-b", false).await;
    until_passed_over(consumer, "go-b");
    ready(site.namespace, "go-b", true).await;
    until_answered_by(consumer, "go-b");

    // Killed: its record stays until the kubelet reports the end. dubbo-go tries a call again once, with another provider.
    drop(c.application);
    site.namespace.report("go-c", &json!({"phase": "Failed"})).await;
    until_passed_over(consumer, "go-c");

    // Agents are killed: calls go on, and what was registered is registered.
    let [consumers, before] = [site.registered("go-consumer").await, site.registered("go-b").await];
    assert_eq!([consumers, before], [1, 1]);
    agent.end("-KILL");
    b.agent.end("-KILL");
    calls_go_on(consumer);
    let agent = site.agent("go-consumer");
    let of_b = site.agent("go-b");
    of_b.running.says("took over 1 registration of an earlier agent");
    assert_eq!(site.registered("go-b").await, 1, "nothing is lost");
    let d = site.provider("go-d", ["", ""]);
    until_answered_by(consumer, "go-d");
    until_answered_by(consumer, "go-b");
    d.application.end("-TERM");
    until_passed_over(consumer, "go-d");
    assert_eq!(site.registered("go-d").await, 0, "nothing is left behind");
    b.application.end("-TERM");
    assert_eq!(site.registered("go-b").await, 0, "nor by the agent that came later");
    drop(of_b);
    agent
}

fn languages_call_each_other(site: &Site<'_>) {
    let agent = site.agent("go-consumer");
    if let Some(programs) = dubbo_rust::programs() {
        let rust = Rust { programs, site };
        let _provider = rust.provider();
        let consumer = site.consumer(&agent, "tri");
        until_answered_by(&consumer, "rust");
        let _go = site.provider("for-rust", OF_DUBBO_RUST);
        until_answered_by(&rust.consumer(), "for-rust");
    }
    if let Some(interop) = Interop::find() {
        let old = Old { interop, site };
        let _provider = old.provider();
        until_answered_by(&site.consumer(&agent, "dubbo"), "old");
        // Its consumer reads Pods with its own labels alone.
        let _new = site.provider_with(
            "new",
            &["--label-value", "dubbo.io.provider"],
            &["--protocol", "dubbo"],
        );
        assert!(old.calls("new"), "dubbo-go 1.5.9 does not call the provider of dubbo-go 3.3");
    }
}
