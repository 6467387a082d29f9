//! What happens to real servers, and what a subscriber of the registry sees of it: after each fault exactly the
//! difference, nothing lost and nothing twice. Pods are written by requests, never by way of the registry.

use std::collections::BTreeMap;

use dubbo_k8s_engine::catalog::{Change, ChangeKind};
use dubbo_k8s_engine::{Scopes, Settings};
use dubbo_k8s_registry::{Config, Registry, Subscription, Update};
use dubbo_k8s_tests::control_plane::ControlPlane;
use dubbo_k8s_tests::pods::{ANNOTATION, LABEL};
use dubbo_k8s_tests::registration::annotation;
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use crate::cluster::{Cluster, Namespace, soon};
use crate::real_servers;
use crate::scenarios::{key, pod};

/// The namespace that every server has.
const NAMESPACE: &str = "default";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_and_a_compaction_lose_nothing() {
    let Some((mut server, cluster)) = start("faults of a real server").await else { return };
    let namespace = cluster.existing(NAMESPACE);
    let mut view = View::of(&cluster);
    namespace.create(&pod("a", Some(&key("a")))).await;
    view.becomes(&["a"]).await;

    server.kill_apiserver();
    server.start_apiserver().await;
    namespace.create(&pod("b", Some(&key("b")))).await;
    view.becomes(&["a", "b"]).await;

    server.kill_apiserver();
    server.start_apiserver().await;
    namespace.delete("a").await;
    namespace.create(&pod("c", Some(&key("c")))).await;
    let list = namespace.list("limit=1", "application/json").await;
    let version = list["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    server.etcdctl(&["compact", &version]);
    view.becomes(&["b", "c"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_etcd_that_stands_still_and_a_new_certificate_lose_nothing() {
    let Some((mut server, cluster)) = start("faults of etcd").await else { return };
    let namespace = cluster.existing(NAMESPACE);
    let mut view = View::of(&cluster);
    namespace.create(&pod("a", Some(&key("a")))).await;
    view.becomes(&["a"]).await;

    server.pause_etcd();
    let body = pod("b", Some(&key("b")));
    let created = namespace.create(&body);
    tokio::pin!(created);
    let waits = tokio::time::timeout(std::time::Duration::from_millis(300), &mut created).await;
    assert!(waits.is_err(), "a write waits for etcd");
    server.resume_etcd();
    soon("the write that waited", created).await;
    view.becomes(&["a", "b"]).await;

    server.kill_apiserver();
    server.write_server_certificate();
    server.start_apiserver().await;
    namespace.create(&pod("c", Some(&key("c")))).await;
    view.becomes(&["a", "b", "c"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_went_back_is_noticed() {
    let Some((mut server, cluster)) = start("a restored etcd").await else { return };
    let namespace = cluster.existing(NAMESPACE);
    let mut view = View::of(&cluster);
    namespace.create(&pod("a", Some(&key("a")))).await;
    view.becomes(&["a"]).await;
    let saved = server.save();
    for name in ["b", "c", "d", "e"] {
        namespace.create(&pod(name, Some(&key(name)))).await;
    }
    namespace.delete("a").await;
    view.becomes(&["b", "c", "d", "e"]).await;
    server.restore(&saved).await;
    view.becomes(&["a"]).await;
    namespace.create(&pod("f", Some(&key("f")))).await;
    view.becomes(&["a", "f"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_streaming_lists_the_watcher_follows_by_pages() {
    let Some(programs) = real_servers("no streaming list").last().cloned() else { return };
    let server = ControlPlane::start(&programs, &["--feature-gates=WatchList=false"]).await;
    let cluster = Cluster::of_kubeconfig(server.kubeconfig());
    let namespace = cluster.existing(NAMESPACE);
    namespace.create(&pod("a", Some(&key("a")))).await;
    let mut view = View::of(&cluster);
    view.becomes(&["a"]).await;
    namespace.delete("a").await;
    view.becomes(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_changes_between_kills_add_up_to_the_truth() {
    let Some((mut server, cluster)) = start("churn").await else { return };
    let namespace = cluster.existing(NAMESPACE);
    let mut view = View::of(&cluster);
    let mut churn = Churn { state: 0x6b38_7300, pods: BTreeMap::new(), keys: 0 };
    for round in 0..5 {
        if round > 0 {
            server.kill_apiserver();
            server.start_apiserver().await;
        }
        for _ in 0..80 {
            churn.step(&namespace).await;
        }
        let truth = churn.truth();
        view.becomes(&truth.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }
}

/// The newest real server, started for one test, and requests to it.
async fn start(test: &str) -> Option<(ControlPlane, Cluster)> {
    let programs = real_servers(test).first().cloned()?;
    let server = ControlPlane::start(&programs, &[]).await;
    let cluster = Cluster::of_kubeconfig(server.kubeconfig());
    Some((server, cluster))
}

/// What one subscriber knows, by its snapshots and changes alone.
struct View {
    /// Follows until it is dropped.
    _registry: Registry,
    updates: Subscription,
    records: BTreeMap<String, String>,
}

impl View {
    fn of(cluster: &Cluster) -> Self {
        let scopes = Scopes::namespaces([NAMESPACE]).unwrap();
        let config = Config::new(cluster.config().clone(), Settings::new(scopes));
        let registry = Registry::connect(config).unwrap();
        let updates = registry.subscribe_all();
        Self { _registry: registry, updates, records: BTreeMap::new() }
    }

    /// Waits until it holds the keys of these names, and no more.
    async fn becomes(&mut self, names: &[&str]) {
        let mut wanted: Vec<String> = names.iter().map(|name| key(name)).collect();
        wanted.sort();
        soon(&format!("{names:?}"), async {
            while !self.records.keys().eq(&wanted) {
                let update = self.updates.next().await.expect("it never ends by itself");
                self.take(update);
            }
        })
        .await;
    }

    fn take(&mut self, update: Update) {
        match update {
            Update::Snapshot(snapshot) => {
                let records = snapshot.iter().map(|(key, value, _)| (key, value.to_owned()));
                self.records = records.collect();
            }
            Update::Change(change) => self.change(&change),
            _ => {}
        }
    }

    fn change(&mut self, change: &Change) {
        let (key, value) = (change.key.to_string(), change.value.to_string());
        let before = match change.kind {
            ChangeKind::Removed => self.records.remove(&key),
            ChangeKind::Added | ChangeKind::Updated => self.records.insert(key, value),
        };
        let was_there = change.kind != ChangeKind::Added;
        assert_eq!(before.is_some(), was_there, "lost or twice: {change:?}");
    }
}

/// Random writers of Pods, seeded, and what the server must hold because of them.
struct Churn {
    state: u64,
    /// By Pod: the name of its key while it is labelled.
    pods: BTreeMap<String, Pod>,
    keys: u32,
}

struct Pod {
    key: String,
    labelled: bool,
}

impl Churn {
    async fn step(&mut self, namespace: &Namespace<'_>) {
        let name = format!("pod-{}", self.random(12));
        let Some(pod_now) = self.pods.get(&name) else {
            let key_name = self.fresh_key();
            namespace.create(&pod(&name, Some(&key(&key_name)))).await;
            self.pods.insert(name, Pod { key: key_name, labelled: true });
            return;
        };
        let (key_now, labelled) = (pod_now.key.clone(), pod_now.labelled);
        match self.random(4) {
            0 => {
                namespace.delete(&name).await;
                self.pods.remove(&name);
            }
            1 => {
                let label = if labelled { Value::Null } else { json!("dubbo.io-value") };
                let patch = json!({"metadata": {"labels": {LABEL: label}}});
                assert_eq!(namespace.patch(&name, &patch).await.0, 200);
                self.pods.insert(name, Pod { key: key_now, labelled: !labelled });
            }
            _ => {
                let fresh = self.fresh_key();
                let patch =
                    json!({"metadata": {"annotations": {ANNOTATION: annotation([key(&fresh)])}}});
                assert_eq!(namespace.patch(&name, &patch).await.0, 200);
                self.pods.insert(name, Pod { key: fresh, labelled });
            }
        }
    }

    fn truth(&self) -> Vec<String> {
        self.pods.values().filter(|pod| pod.labelled).map(|pod| pod.key.clone()).collect()
    }

    fn fresh_key(&mut self) -> String {
        self.keys += 1;
        format!("s{}", self.keys)
    }

    fn random(&mut self, below: u64) -> u64 {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.state >> 33) % below
    }
}
