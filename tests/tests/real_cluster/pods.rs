//! Pods of every kind as only a real server keeps them: what a subscriber sees of each. Works in namespaces of its own.

use std::collections::{BTreeMap, BTreeSet};

use dubbo_k8s_engine::registration::{PodName, RegistrarSettings};
use dubbo_k8s_registry::Registrations;
use dubbo_k8s_registry::kube::Client;
use dubbo_k8s_tests::pods::{ANNOTATION, LABEL};
use dubbo_k8s_tests::registration::{Registration, Side, annotation};
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::scenarios::{key, pod};
use crate::view::View;

pub(crate) async fn run_all(cluster: &Cluster) {
    pods_of_every_label_dialect_count_and_no_others(cluster).await;
    pods_that_end_or_are_deleted_leave_at_once(cluster).await;
    large_pods_are_read_and_too_large_ones_refused(cluster).await;
    names_in_any_language_and_both_address_families_arrive(cluster).await;
    what_is_registered_arrives_and_leaves_the_pod_as_it_was(cluster).await;
}

async fn pods_of_every_label_dialect_count_and_no_others(cluster: &Cluster) {
    let namespace = cluster.namespace("labels").await;
    for (name, value) in [
        ("article", "dubbo.io-value"),
        ("provider", "dubbo.io.provider"),
        ("consumer", "dubbo.io.consumer"),
        ("other", "mine"),
    ] {
        let mut labelled = pod(name, Some(&key(name)));
        labelled["metadata"]["labels"][LABEL] = json!(value);
        namespace.create(&labelled).await;
    }
    let mut view = View::of(&namespace);
    view.becomes(&["article", "provider", "consumer"]).await;
    let relabel = json!({"metadata": {"labels": {LABEL: "dubbo.io-value"}}});
    assert_eq!(namespace.patch("other", &relabel).await.0, 200);
    view.becomes(&["article", "provider", "consumer", "other"]).await;
    namespace.remove().await;
}

async fn pods_that_end_or_are_deleted_leave_at_once(cluster: &Cluster) {
    let namespace = cluster.namespace("ends").await;
    let names = ["stays", "succeeds", "fails", "terminates"];
    for name in names {
        namespace.run(&pod(name, Some(&key(name))), &["10.244.1.7"]).await;
    }
    let mut view = View::of(&namespace);
    view.becomes(&names).await;
    namespace.report("succeeds", &json!({"phase": "Succeeded"})).await;
    view.becomes(&["stays", "fails", "terminates"]).await;
    namespace.report("fails", &json!({"phase": "Failed"})).await;
    view.becomes(&["stays", "terminates"]).await;
    // Without a kubelet that confirms it, the Pod stays, with a deletionTimestamp.
    namespace.delete_gracefully("terminates").await;
    view.becomes(&["stays"]).await;
    namespace.remove().await;
}

async fn large_pods_are_read_and_too_large_ones_refused(cluster: &Cluster) {
    let namespace = cluster.namespace("large").await;
    let names: Vec<String> = (0..200).map(|number| format!("s{number}")).collect();
    let mut many = pod("many", None);
    let records = annotation(names.iter().map(|name| key(name)));
    many["metadata"]["annotations"] = json!({ANNOTATION: records});
    namespace.create(&many).await;
    let mut heavy = pod("heavy", Some(&key("heavy")));
    heavy["spec"]["containers"][0]["env"] =
        (0..100).map(|n| json!({"name": format!("V{n}"), "value": "x".repeat(10_000)})).collect();
    namespace.create(&heavy).await;
    let mut huge = pod("huge", Some(&key("huge")));
    huge["metadata"]["annotations"]["example.com/large"] = json!("x".repeat(1 << 20));
    let (status, answer) = namespace.try_create(&huge).await;
    assert_eq!((status, &answer["reason"]), (422, &json!("Invalid")), "{answer}");

    let mut wanted: Vec<&str> = names.iter().map(String::as_str).collect();
    wanted.push("heavy");
    View::of(&namespace).becomes(&wanted).await;
    let mut paged = namespace.watcher(false);
    let synced = crate::scenarios::synced(&mut paged);
    assert_eq!(crate::cluster::soon("pages of large Pods", synced).await, (2, 201));
    namespace.remove().await;
}

async fn names_in_any_language_and_both_address_families_arrive(cluster: &Cluster) {
    let namespace = cluster.namespace("unicode").await;
    let addresses = ["10.244.1.9", "fd00::1:9"];
    let keys: BTreeMap<String, String> = addresses
        .map(|ip| if ip.contains(':') { format!("[{ip}]") } else { ip.to_owned() })
        .map(|ip| (in_any_language(&ip), "值 <&> \u{2028}\u{1f600}".to_owned()))
        .into();
    let mut unicode = pod("unicode", None);
    let records: Vec<Value> =
        keys.iter().map(|(key, value)| json!({"k": key, "v": value})).collect();
    unicode["metadata"]["annotations"] = json!({ANNOTATION: encoded(&records)});
    namespace.run(&unicode, &addresses).await;
    let mut view = View::of(&namespace);
    view.until("both addresses", |seen| seen.records == keys).await;
    let snapshot = view.registry().snapshot();
    let providers: Vec<String> =
        snapshot.providers().map(|provider| provider.url().to_string()).collect();
    assert_eq!(providers.len(), 2);
    for provider in providers {
        assert!(provider.contains("application=%E5%95%86%E5%BA%97"), "{provider}");
    }
    namespace.remove().await;
}

async fn what_is_registered_arrives_and_leaves_the_pod_as_it_was(cluster: &Cluster) {
    let namespace = cluster.namespace("register").await;
    let theirs = key("theirs");
    namespace.run(&pod("own", Some(&theirs)), &["10.244.1.7"]).await;
    let mut view = View::of(&namespace);
    view.becomes(&["theirs"]).await;
    let pod = PodName::new(&namespace.name, "own").unwrap();
    let client = Client::new(cluster.config().clone()).unwrap();
    let registrations = Registrations::new(client, RegistrarSettings::new(pod));
    let url = "dubbo://10.244.1.7:20880/com.example.Ours?interface=com.example.Ours&version=1.0.0";
    let held = registrations.register(url).await.unwrap();
    let both = BTreeSet::from([held.key().to_owned(), theirs.clone()]);
    view.until("ours beside theirs", |seen| seen.records.keys().eq(&both)).await;
    held.close().await.unwrap();
    view.becomes(&["theirs"]).await;
    let list = namespace.list("", "application/json").await;
    let left = &list["items"][0]["metadata"];
    assert_eq!(left["annotations"], json!({ANNOTATION: annotation([&theirs])}));
    assert_eq!(left["labels"], json!({LABEL: "dubbo.io.provider"}));
    namespace.remove().await;
}

fn in_any_language(ip: &str) -> String {
    Registration {
        side: Side::Provider,
        protocol: "tri",
        interface: "com.example.Ünïcode",
        group: "组",
        version: "1.0.0",
        ip,
        port: 50051,
        application: "商店",
        methods: &["你好"],
        timestamp: 1_760_000_000,
        parameters: &[],
    }
    .key()
}

/// The annotation of records with values.
fn encoded(records: &[Value]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE.encode(Value::from(records).to_string())
}
