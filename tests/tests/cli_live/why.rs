//! `list --why`: whom a consumer would call, and why not the others.

use dubbo_k8s_codec::{Category, Key};
use serde_json::json;

use super::rig::{Rig, provider};

fn consumer(interface: &str, more: &str) -> String {
    let url = format!("consumer://10.0.0.9/{interface}?interface={interface}{more}");
    Key::leaf(interface, Category::Consumers, &url).to_string()
}

async fn rig() -> Rig {
    let rig = Rig::start().await;
    rig.create("shop", "p-1", &[provider("a.B", "10.0.0.1:20880", "&weight=300")]);
    rig.create("shop", "p-2", &[provider("a.B", "10.0.0.2:20880", "&version=2.0.0")]);
    rig.create("other", "p-3", &[provider("a.B", "10.0.0.3:20880", "")]);
    rig.create("other", "p-4", &[provider("a.C", "10.0.0.4:20880", "")]);
    rig.create("shop", "web-1", &[consumer("a.B", "&protocol=dubbo"), consumer("a.C", "")]);
    rig
}

#[tokio::test(flavor = "multi_thread")]
async fn each_provider_of_the_interface_has_its_share_or_the_one_reason_why_it_gets_none() {
    let rig = rig().await;
    let ran = rig.run(&["list", "-A", "--why", "web-1"]).await;
    assert_eq!(
        ran.stdout,
        "a.B  consumed by shop/web-1\n   \
         100.0 %  10.0.0.1:20880  shop/p-1\n     \
         never  10.0.0.3:20880  other/p-3  other namespace: shop ≠ other\n     \
         never  10.0.0.2:20880  shop/p-2   other version: none ≠ 2.0.0\n\n\
         a.C  consumed by shop/web-1\n  \
         warning[provider-in-other-namespace]: Provider in another namespace only (a.C, other namespace: shop ≠ other)\n    \
         dubbo-go reads its own namespace. Name the others in DUBBO_NAMESPACE of the consumer.\n     \
         never  10.0.0.4:20880  other/p-4  other namespace: shop ≠ other\n"
    );
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(1), ""), "one of them finds none");
    // In its own namespace alone nothing provides a.C, and that others were not read is said.
    let ran = rig.run(&["list", "--why", "shop/web-1"]).await;
    assert!(ran.stdout.contains("error[consumer-without-provider]"), "{}", ran.stdout);
    assert!(ran.stderr.contains("with -A all namespaces are"), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_json_the_reason_is_data() {
    let rig = rig().await;
    let ran = rig.run(&["list", "-A", "--why", "web", "-o", "json"]).await;
    let [called, other] =
        [&ran.json()["consumers"][0], &ran.json()["consumers"][1]].map(Clone::clone);
    assert_eq!(
        called["providers"],
        json!([
            {"namespace": "shop", "pod": "p-1", "address": "10.0.0.1:20880", "share": 1.0},
            {"namespace": "other", "pod": "p-3", "address": "10.0.0.3:20880",
             "obstacle": "namespace", "asked": "shop", "found": "other"},
            {"namespace": "shop", "pod": "p-2", "address": "10.0.0.2:20880",
             "obstacle": "version", "asked": "", "found": "2.0.0"},
        ])
    );
    assert_eq!(called.get("problem"), None);
    assert_eq!(other["problem"]["code"], "provider-in-other-namespace");
    assert_eq!(ran.status, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_is_not_there_is_an_error() {
    let rig = rig().await;
    let ran = rig.run(&["list", "--why", "nowhere"]).await;
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(1), ""));
    assert!(ran.error().contains("no Pod nowhere consumes anything"), "{}", ran.stderr);
    let ran = rig.run(&["list", "--why", "shop/p-1"]).await;
    assert_eq!(ran.status, Some(1), "it provides, and consumes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_whose_every_interface_is_found_ends_well() {
    let rig = Rig::start().await;
    rig.create("shop", "p-1", &[provider("a.B", "10.0.0.1:20880", "")]);
    rig.create("shop", "web-1", &[consumer("a.B", "")]);
    let ran = rig.run(&["list", "--why", "web-1"]).await;
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
}
