//! Who is believed, as an operator sees it: what is spoofed is listed, marked and explained, and registered by no one
//! without `--force`.

use serde_json::{Value, json};

use super::rig::{Rig, annotation, provider, registered};

/// A Pod with its own address, whatever its annotation says.
fn pod_at(namespace: &str, name: &str, ip: &str, keys: &[String]) -> Value {
    let mut pod = registered(namespace, name, &annotation(keys));
    pod["status"]["podIP"] = json!(ip);
    pod["status"]["podIPs"] = json!([{"ip": ip}]);
    pod
}

/// Each provider: its host, its weight, and whether it is believed.
fn providers(snapshot: &Value) -> Vec<(String, Value, bool)> {
    let services = snapshot["services"].as_array().unwrap().iter();
    let providers = services.flat_map(|service| service["providers"].as_array().unwrap());
    let shown = |it: &Value| {
        let host = it["host"].as_str().unwrap().to_owned();
        (host, it["params"]["weight"].clone(), it["trusted"].as_bool().unwrap())
    };
    providers.map(shown).collect()
}

fn codes(snapshot: &Value) -> Vec<&str> {
    let problems = snapshot["problems"].as_array().unwrap().iter();
    problems.map(|problem| problem["error"]["code"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn spoofed_providers_are_listed_as_not_believed_and_are_problems() {
    let rig = Rig::start().await;
    let keys = [
        provider("a.B", "10.0.0.9:1", "&weight=4000000000"),
        provider("a.B", "169.254.169.254:80", ""),
        provider("a.B", "10.0.0.1:1", ""),
    ];
    rig.server.store().create(pod_at("shop", "evil", "10.0.0.9", &keys)).unwrap();
    rig.server.store().create(pod_at("shop", "good", "10.0.0.1", &keys[2..])).unwrap();
    let snapshot = rig.run(&["list", "-o", "json"]).await.json();
    let host = |host: &str| host.to_owned();
    assert_eq!(
        providers(&snapshot),
        [
            (host("10.0.0.1"), Value::Null, true),
            (host("10.0.0.1"), Value::Null, false),
            (host("10.0.0.9"), json!("10000"), true),
            (host("169.254.169.254"), Value::Null, false),
        ]
    );
    let mut found = codes(&snapshot);
    found.sort_unstable();
    assert_eq!(found, ["address-not-pod", "address-not-pod", "weight-over-limit"]);
    let table = rig.run(&["list"]).await;
    assert_eq!(table.stdout.matches("untrusted").count(), 2, "{table:?}");
    assert!(table.stderr.contains("2 of them not believed"), "{table:?}");
    assert!(table.stderr.contains("The provider's address is not the Pod's"), "{table:?}");

    // Each flag admits what it names, and nothing else.
    let admitting = async |flags: &[&str]| {
        let snapshot = rig.run(&[&["list", "-o", "json"], flags].concat()).await.json();
        providers(&snapshot).into_iter().filter(|(_, _, trusted)| !trusted).count()
    };
    assert_eq!(admitting(&["--address", "any"]).await, 1, "link-local is named by a network only");
    assert_eq!(admitting(&["--address", "169.254.0.0/16"]).await, 1);
    assert_eq!(admitting(&["--address", "169.254.0.0/16", "--address", "10.0.0.0/8"]).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_and_quotas_are_kept() {
    let rig = Rig::start().await;
    let keys: Vec<_> =
        (0..5).map(|n| provider(&format!("com.bank.P{n}"), "10.0.0.9:1", "")).collect();
    rig.server.store().create(pod_at("shop", "evil", "10.0.0.9", &keys)).unwrap();
    let list =
        async |flags: &[&str]| rig.run(&[&["list", "-o", "json"], flags].concat()).await.json();
    let trusted = |snapshot: &Value| providers(snapshot).iter().filter(|(_, _, it)| *it).count();
    let owned = list(&["--own", "com.bank.*=payments"]).await;
    assert_eq!((trusted(&owned), codes(&owned)), (0, vec!["not-owner"; 5]));
    assert_eq!(trusted(&list(&["--own", "com.bank.*=payments,shop"]).await), 5);
    let quota = list(&["--pod-quota", "3,1Mi"]).await;
    assert_eq!((trusted(&quota), codes(&quota)), (3, vec!["over-quota"]));
    let quota = list(&["--namespace-quota", "4,1Mi"]).await;
    assert_eq!((trusted(&quota), codes(&quota)), (0, vec!["over-quota"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn watch_reports_what_is_believed_and_why_the_rest_is_not() {
    let rig = Rig::start().await;
    let keys = [provider("a.B", "10.0.0.9:1", ""), provider("a.B", "10.0.0.1:1", "")];
    rig.server.store().create(pod_at("shop", "evil", "10.0.0.9", &keys)).unwrap();
    let watch = rig.watch(&["-o", "jsonl"]);
    let mut events = Vec::new();
    while events.last().is_none_or(|event: &Value| event["event"] != "synced") {
        events.push(serde_json::from_str(&watch.line()).unwrap());
    }
    let seen: Vec<_> = events.iter().map(|it| it["event"].as_str().unwrap()).collect();
    assert_eq!(seen, ["added", "problem", "synced"], "{events:?}");
    assert_eq!(events[0]["key"], keys[0]);
    assert_eq!(events[1]["error"]["code"], "address-not-pod");
}
