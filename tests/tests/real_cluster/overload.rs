//! A real server that turns a client away or lets it wait: by its credentials, by its queues, by the limit of what it keeps
//! for a slow reader. After each the registry is what the server holds, and every difference was reported once.

use std::fs;
use std::time::Duration;

use dubbo_k8s_registry::kube::config::{Credential, Secret};
use dubbo_k8s_tests::control_plane::ControlPlane;
use dubbo_k8s_tests::pods::ANNOTATION;
use dubbo_k8s_tests::registration::annotation;
use dubbo_k8s_tests::relay::{Flow, Relay};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::cluster::{Cluster, Namespace, soon};
use crate::real_servers;
use crate::scenarios::{key, keys, pod, synced};
use crate::view::View;

const ACCOUNT: &str = "reader";
const FLOW_CONTROL: &str = "/apis/flowcontrol.apiserver.k8s.io/v1";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_turns_clients_away_loses_nothing() {
    let Some(programs) = real_servers("credentials and queues").first().cloned() else { return };
    // So few that one share of them is one seat.
    let seats = ["--max-requests-inflight=100", "--max-mutating-requests-inflight=100"];
    let mut server = ControlPlane::start(&programs, &seats).await;
    let cluster = Cluster::of_kubeconfig(server.kubeconfig());
    a_token_that_ends_is_read_again_from_its_file(&mut server, &cluster).await;
    requests_wait_in_a_queue_or_are_refused_with_429(&cluster).await;
    a_client_that_reads_slowly_is_cut_off(&cluster).await;
}

async fn a_token_that_ends_is_read_again_from_its_file(
    server: &mut ControlPlane,
    cluster: &Cluster,
) {
    let namespace = cluster.namespace("token").await;
    namespace.account(ACCOUNT, &["list", "watch"]).await;
    let file = server.folder().join("token");
    fs::write(&file, bound_token(&namespace, "first").await).unwrap();
    let config = cluster.config_as(Credential::TokenFile(file.clone()));
    let mut view = View::by(config, &[&namespace.name]);
    namespace.create(&pod("a", Some(&key("a")))).await;
    view.becomes(&["a"]).await;

    // What a token is bound to goes, and the token with it; the file has the next one by then.
    fs::write(&file, bound_token(&namespace, "second").await).unwrap();
    let secret = format!("{}/secrets/first", namespace.path());
    cluster.made("DELETE", &secret, &Value::Null).await;
    server.kill_apiserver();
    server.start_apiserver().await;
    namespace.create(&pod("b", Some(&key("b")))).await;
    view.becomes(&["a", "b"]).await;
}

async fn requests_wait_in_a_queue_or_are_refused_with_429(cluster: &Cluster) {
    let namespace = cluster.namespace("busy").await;
    namespace.account(ACCOUNT, &["list", "watch"]).await;
    let token = cluster.token(&namespace.name, ACCOUNT, None).await;
    let relay = Relay::start(cluster.address()).await.unwrap();
    let mut config = cluster.config_through(relay.address());
    config.credential = Credential::Token(Secret::new(token.clone()));
    let mut view = View::by(config, &[&namespace.name]);
    namespace.create(&pod("a", Some(&key("a")))).await;
    view.becomes(&["a"]).await;

    let queue = json!({"type": "Queue",
        "queuing": {"queues": 1, "handSize": 1, "queueLengthLimit": 50}});
    let narrow = Narrow::make(&namespace, "queue", &queue).await;
    // One request takes the seat, so that what waits is the registry's.
    let busy = take_seats(&namespace, &token, 1);
    narrow.holds(&token).await;
    relay.set_open(Flow::Cut);
    narrow.has_one_waiting().await;
    namespace.create(&pod("b", Some(&key("b")))).await;
    view.becomes(&["a", "b"]).await;
    drop(busy);
    narrow.remove().await;

    let narrow = Narrow::make(&namespace, "reject", &json!({"type": "Reject"})).await;
    let busy = take_seats(&namespace, &token, 2);
    narrow.holds(&token).await;
    relay.set_open(Flow::Cut);
    // An attempt may find a seat between two requests that are busy: then the next one is cut off too.
    let mut attempts = 0;
    while !view.sees(Duration::from_secs(10), |seen| seen.refusals.contains(&429)).await {
        attempts += 1;
        assert!(attempts < 12, "never 429");
        relay.set_open(Flow::Cut);
    }
    namespace.create(&pod("c", Some(&key("c")))).await;
    namespace.delete("a").await;
    drop(busy);
    narrow.remove().await;
    view.becomes(&["b", "c"]).await;
}

/// A priority level with one seat, and the flow that sends a reader there.
struct Narrow<'a> {
    namespace: &'a Namespace<'a>,
    name: &'static str,
    /// The level's uid, as answers name it.
    uid: String,
}

impl<'a> Narrow<'a> {
    async fn make(namespace: &'a Namespace<'a>, name: &'static str, response: &Value) -> Self {
        let cluster = namespace.cluster;
        let level = json!({"metadata": {"name": name}, "spec": {"type": "Limited", "limited": {
            "nominalConcurrencyShares": 1, "lendablePercent": 0, "borrowingLimitPercent": 0,
            "limitResponse": response}}});
        let levels = format!("{FLOW_CONTROL}/prioritylevelconfigurations");
        let level = cluster.made("POST", &levels, &level).await;
        let reader = json!({"namespace": namespace.name, "name": ACCOUNT});
        let flow = json!({"metadata": {"name": name}, "spec": {
            "priorityLevelConfiguration": {"name": name}, "matchingPrecedence": 2,
            "rules": [{"subjects": [{"kind": "ServiceAccount", "serviceAccount": reader}],
                "resourceRules": [{"verbs": ["*"], "apiGroups": [""], "resources": ["pods"],
                    "namespaces": ["*"]}]}]}});
        cluster.made("POST", &format!("{FLOW_CONTROL}/flowschemas"), &flow).await;
        let uid = level["metadata"]["uid"].as_str().unwrap().to_owned();
        Self { namespace, name, uid }
    }

    /// Waits until the reader's requests belong to it.
    async fn holds(&self, token: &str) {
        let endpoint = self.namespace.cluster.endpoint_as(token);
        let target = format!("{}/pods?limit=1", self.namespace.path());
        self.until("the priority level", async || {
            let reply = endpoint.get(&target, "application/json").await.unwrap();
            reply.header("x-kubernetes-pf-prioritylevel-uid") == Some(&*self.uid)
        })
        .await;
    }

    async fn has_one_waiting(&self) {
        let metric = format!(
            "apiserver_flowcontrol_current_inqueue_requests{{flow_schema=\"{0}\",priority_level=\"{0}\"}} 1",
            self.name
        );
        self.until(&metric, async || {
            self.namespace.cluster.text("/metrics").await.lines().any(|line| line == metric)
        })
        .await;
    }

    async fn until(&self, what: &str, is_so: impl AsyncFn() -> bool) {
        let mut look = tokio::time::interval(Duration::from_millis(20));
        soon(what, async {
            while !is_so().await {
                look.tick().await;
            }
        })
        .await;
    }

    async fn remove(self) {
        for kind in ["flowschemas", "prioritylevelconfigurations"] {
            let target = format!("{FLOW_CONTROL}/{kind}/{}", self.name);
            self.namespace.cluster.made("DELETE", &target, &Value::Null).await;
        }
    }
}

/// Requests of a reader that take three seconds each, one after the other, so many at once.
fn take_seats(namespace: &Namespace<'_>, token: &str, requests: usize) -> JoinSet<()> {
    let endpoint = namespace.cluster.endpoint_as(token);
    let target = format!(
        "{}/pods?resourceVersion=9999999999&resourceVersionMatch=NotOlderThan",
        namespace.path()
    );
    let mut busy = JoinSet::new();
    for _ in 0..requests {
        let (endpoint, target) = (endpoint.clone(), target.clone());
        busy.spawn(async move {
            // One that is refused comes back soon.
            let mut again = tokio::time::interval(Duration::from_millis(20));
            loop {
                again.tick().await;
                let mut reply = endpoint.get(&target, "application/json").await.unwrap();
                reply.body().await.unwrap();
            }
        });
    }
    busy
}

async fn a_client_that_reads_slowly_is_cut_off(cluster: &Cluster) {
    let namespace = cluster.namespace("slow").await;
    let large = |number: usize| {
        json!({"metadata": {"annotations":
            {ANNOTATION: annotation([key(&format!("s{number}"))]), "example.com/large": "x".repeat(200_000)}}})
    };
    namespace.create(&pod("a", Some(&key("a")))).await;
    let mut slow = namespace.watcher(true);
    soon("synced", synced(&mut slow)).await;
    // Nothing is read from here on, until the server has enough of it.
    let mut written = 0;
    while !terminated_watches(cluster).await {
        for _ in 0..20 {
            written += 1;
            assert_eq!(namespace.patch("a", &large(written)).await.0, 200);
        }
        assert!(written < 4_000, "the server never ended the watch");
    }
    let last = [key(&format!("s{written}"))].into();
    soon("the last change", async {
        let mut notices = Vec::new();
        while keys(&slow) != last {
            slow.next(&mut notices).await;
        }
    })
    .await;
}

async fn terminated_watches(cluster: &Cluster) -> bool {
    let metrics = cluster.text("/metrics").await;
    let mut lines =
        metrics.lines().filter(|line| line.starts_with("apiserver_terminated_watchers_total{"));
    lines.any(|line| line.contains("pods"))
}

/// A token that ends when the Secret of this name does.
async fn bound_token(namespace: &Namespace<'_>, secret: &str) -> String {
    let target = format!("{}/secrets", namespace.path());
    let secret_body = json!({"metadata": {"name": secret}});
    let made = namespace.cluster.made("POST", &target, &secret_body).await;
    let bound = json!({"kind": "Secret", "apiVersion": "v1", "name": secret, "uid": made["metadata"]["uid"]});
    namespace.cluster.token(&namespace.name, ACCOUNT, Some(&bound)).await
}
