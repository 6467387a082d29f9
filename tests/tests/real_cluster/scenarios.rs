//! What holds on every kube-apiserver. Names no server, and reads no version as a number.

use std::collections::BTreeSet;

use dubbo_k8s_engine::Notice;
use dubbo_k8s_engine::catalog::ChangeKind;
use dubbo_k8s_registry::kube::Driver;
use dubbo_k8s_tests::pods::{ANNOTATION, LABEL};
use dubbo_k8s_tests::raw::Reply;
use dubbo_k8s_tests::registration::{Registration, Side, annotation};
use serde_json::{Value, json};

use crate::cluster::{Cluster, soon};

const METADATA_LIST: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
const SELECTOR: &str = "labelSelector=dubbo.io%2Flabel";

pub(crate) async fn run_all(cluster: &Cluster) {
    list_equals_what_was_created(cluster).await;
    watch_sees_every_change(cluster).await;
    streaming_list_ends_with_its_mark(cluster).await;
    patches_keep_their_preconditions(cluster).await;
    for streaming_list in [true, false] {
        the_watcher_follows(cluster, streaming_list).await;
    }
}

async fn list_equals_what_was_created(cluster: &Cluster) {
    let namespace = cluster.namespace("list").await;
    let names = ["a", "b", "c", "d", "e"];
    for name in names {
        namespace.create(&pod(name, Some(&key(name)))).await;
    }
    namespace.create(&json!({"metadata": {"name": "unrelated"}, "spec": spec()})).await;
    for query in [SELECTOR.to_owned(), format!("{SELECTOR}&limit=2")] {
        let mut seen = Vec::new();
        let mut page = namespace.list(&query, METADATA_LIST).await;
        loop {
            for item in page["items"].as_array().unwrap() {
                assert_eq!(item["kind"], "PartialObjectMetadata");
                let name = item["metadata"]["name"].as_str().unwrap();
                assert_eq!(item["metadata"]["annotations"][ANNOTATION], annotation([key(name)]));
                seen.push(name.to_owned());
            }
            let Some(token) = page["metadata"]["continue"].as_str().filter(|text| !text.is_empty())
            else {
                break;
            };
            page = namespace.list(&format!("{query}&continue={token}"), METADATA_LIST).await;
        }
        assert_eq!(seen, names, "{query}");
    }
    namespace.remove().await;
}

async fn watch_sees_every_change(cluster: &Cluster) {
    let namespace = cluster.namespace("watch").await;
    let version =
        namespace.list(SELECTOR, METADATA_LIST).await["metadata"]["resourceVersion"].clone();
    let query = format!(
        "watch=true&{SELECTOR}&timeoutSeconds=60&resourceVersion={}",
        version.as_str().unwrap()
    );
    let mut watch = namespace.get(&query, METADATA).await;
    assert_eq!(watch.status, 200);
    let created = namespace.create(&pod("a", Some(&key("one")))).await;
    assert_eq!(next(&mut watch).await, event("ADDED", "one"));
    let change = json!({"metadata": {"annotations": {ANNOTATION: annotation([key("two")])}}});
    assert_eq!(namespace.patch("a", &change).await.0, 200);
    assert_eq!(next(&mut watch).await, event("MODIFIED", "two"));
    // Without its label it is gone; the event still has the object as it was.
    let unlabel = json!({"metadata": {"labels": {LABEL: null}}});
    assert_eq!(namespace.patch("a", &unlabel).await.0, 200);
    assert_eq!(next(&mut watch).await, event("DELETED", "two"));
    let label = json!({"metadata": {"labels": {LABEL: "dubbo.io.provider"}}});
    assert_eq!(namespace.patch("a", &label).await.0, 200);
    assert_eq!(next(&mut watch).await, event("ADDED", "two"));
    namespace.delete("a").await;
    let deleted = loop {
        let seen = next(&mut watch).await;
        if seen != event("MODIFIED", "two") {
            break seen;
        }
    };
    assert_eq!(deleted, event("DELETED", "two"));
    let again = namespace.create(&pod("a", Some(&key("three")))).await;
    assert_eq!(next(&mut watch).await, event("ADDED", "three"));
    assert_ne!(created["metadata"]["uid"], again["metadata"]["uid"]);
    namespace.remove().await;
}

async fn streaming_list_ends_with_its_mark(cluster: &Cluster) {
    let namespace = cluster.namespace("streaming").await;
    namespace.create(&pod("a", Some(&key("one")))).await;
    let query = format!(
        "watch=true&{SELECTOR}&timeoutSeconds=60&sendInitialEvents=true\
         &resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    );
    let mut watch = namespace.get(&query, METADATA).await;
    assert_eq!(watch.status, 200);
    assert_eq!(next(&mut watch).await, event("ADDED", "one"));
    let mark = line(&mut watch).await;
    assert_eq!(mark["type"], "BOOKMARK");
    assert_eq!(mark["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
    namespace.create(&pod("b", Some(&key("two")))).await;
    assert_eq!(next(&mut watch).await, event("ADDED", "two"), "the same stream goes on");
    namespace.remove().await;
}

async fn patches_keep_their_preconditions(cluster: &Cluster) {
    let namespace = cluster.namespace("patch").await;
    let created = namespace.create(&pod("a", None)).await;
    let (uid, first) = (&created["metadata"]["uid"], &created["metadata"]["resourceVersion"]);
    let patch = |uid: &Value, version: &Value, text: &str| json!({"metadata": {"uid": uid, "resourceVersion": version, "annotations": {"example.com/a": text}}});
    let (status, answer) = namespace.patch("a", &patch(uid, first, "1")).await;
    assert_eq!(status, 200, "{answer}");
    let second = &answer["metadata"]["resourceVersion"];
    assert_ne!(second, first);
    assert_eq!(namespace.patch("a", &patch(uid, first, "2")).await.0, 409, "an old version");
    let other = json!("00000000-0000-0000-0000-000000000000");
    assert_eq!(namespace.patch("a", &patch(&other, second, "2")).await.0, 422, "another Pod");
    let (status, answer) = namespace.patch("a", &patch(uid, second, "1")).await;
    assert_eq!((status, &answer["metadata"]["resourceVersion"]), (200, second), "no change");
    assert_eq!(namespace.patch("absent", &json!({})).await.0, 404);
    let large = "x".repeat(262_144);
    let large = json!({"metadata": {"annotations": {"example.com/a": large}}});
    assert_eq!(namespace.patch("a", &large).await.0, 422, "too long");
    namespace.remove().await;
}

/// The catalog of the watcher is what the cluster holds: at the start, and after each change.
async fn the_watcher_follows(cluster: &Cluster, streaming_list: bool) {
    let namespace = cluster.namespace("watcher").await;
    for name in ["a", "b", "c"] {
        namespace.create(&pod(name, Some(&key(name)))).await;
    }
    let mut watcher = namespace.watcher(streaming_list);
    soon("synced", follow(&mut watcher, |notice| matches!(notice, Notice::Synced { .. }))).await;
    assert_eq!(keys(&watcher), BTreeSet::from(["a", "b", "c"].map(key)));

    namespace.create(&pod("d", Some(&key("d")))).await;
    soon("added", follow(&mut watcher, |notice| is(notice, ChangeKind::Added, "d"))).await;
    let replace = json!({"metadata": {"annotations": {ANNOTATION: annotation([key("e")])}}});
    assert_eq!(namespace.patch("d", &replace).await.0, 200);
    soon("replaced", follow(&mut watcher, |notice| is(notice, ChangeKind::Added, "e"))).await;
    namespace.delete("a").await;
    soon("removed", follow(&mut watcher, |notice| is(notice, ChangeKind::Removed, "a"))).await;
    let break_it = json!({"metadata": {"annotations": {ANNOTATION: "!"}}});
    assert_eq!(namespace.patch("b", &break_it).await.0, 200);
    soon("broken", follow(&mut watcher, |notice| matches!(notice, Notice::Problem(_)))).await;
    assert_eq!(keys(&watcher), BTreeSet::from(["c", "e"].map(key)));
    namespace.remove().await;
}

/// Waits until everything was read once: how many Pods and records.
pub(crate) async fn synced(watcher: &mut Driver) -> (usize, usize) {
    let mut read = (0, 0);
    follow(watcher, |notice| {
        let &Notice::Synced { pods, records } = notice else { return false };
        read = (pods, records);
        true
    })
    .await;
    read
}

async fn follow(watcher: &mut Driver, mut until: impl FnMut(&Notice) -> bool) {
    let mut notices = Vec::new();
    loop {
        watcher.next(&mut notices).await;
        for notice in notices.drain(..) {
            assert!(!matches!(notice, Notice::Failed { .. }), "{notice:?}");
            if until(&notice) {
                return;
            }
        }
    }
}

fn is(notice: &Notice, kind: ChangeKind, name: &str) -> bool {
    matches!(notice, Notice::Change(change) if change.kind == kind && *change.key == *key(name))
}

pub(crate) fn keys(watcher: &Driver) -> BTreeSet<String> {
    let pods = watcher.engine().catalog().pod_entries();
    pods.flat_map(|pod| pod.records()).map(|record| record.key.to_text()).collect()
}

/// The type of the next event that is no bookmark, and the annotation it carries.
async fn next(watch: &mut Reply) -> (String, String) {
    loop {
        let event = line(watch).await;
        if event["type"] != "BOOKMARK" {
            let carried = &event["object"]["metadata"]["annotations"][ANNOTATION];
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            return (text(&event["type"]), text(carried));
        }
    }
}

fn event(kind: &str, name: &str) -> (String, String) {
    (kind.to_owned(), annotation([key(name)]))
}

async fn line(watch: &mut Reply) -> Value {
    let line = soon("an event", watch.line()).await.unwrap().expect("the watch ended");
    serde_json::from_str(&line).unwrap()
}

/// The key that a Pod of this name registers.
pub(crate) fn key(name: &str) -> String {
    Registration {
        side: Side::Provider,
        protocol: "dubbo",
        interface: &format!("com.example.{name}.Service"),
        group: "",
        version: "1.0.0",
        ip: "10.244.1.7",
        port: 20880,
        application: "suite",
        methods: &["Get"],
        timestamp: 1_760_000_000,
        parameters: &[],
    }
    .key()
}

/// A Pod that every server takes; nothing runs it.
pub(crate) fn pod(name: &str, key: Option<&str>) -> Value {
    let mut metadata = json!({"name": name, "labels": {LABEL: "dubbo.io.provider"}});
    if let Some(key) = key {
        metadata["annotations"] = json!({ANNOTATION: annotation([key])});
    }
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec()})
}

fn spec() -> Value {
    json!({"containers": [{"name": "app", "image": "registry.example.com/app:1"}],
        "nodeName": "nowhere", "automountServiceAccountToken": false})
}
