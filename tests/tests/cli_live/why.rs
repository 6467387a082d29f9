//! `list --why`: whom a consumer would call, and why not the others.

use std::collections::BTreeSet;

use dubbo_k8s_codec::{Category, Key};
use dubbo_k8s_web::session::Session;
use serde_json::{Value, json};

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

/// The providers of one interface that a consumer would call or never calls, one line each.
fn lines<'a>(pairs: &'a Value, line: impl Fn(&'a Value) -> String) -> BTreeSet<String> {
    pairs.as_array().unwrap().iter().map(line).collect()
}

/// What the page shows of a consumer, of the same Pods as a saved list.
fn shown_by_the_page(pods: &str, consumer: &str, key: &str) -> BTreeSet<String> {
    let mut page = Session::default();
    page.load(pods.to_owned().into_bytes());
    let mut ask = |request: Value| -> Value {
        serde_json::from_str(&page.request(&request.to_string())).unwrap()
    };
    let found = ask(json!({"do": "locate", "name": consumer, "of": key}));
    let detail = ask(json!({"do": "detail", "pod": found["pod"], "record": found["record"]}));
    let line = |pair: &Value| {
        let share = pair["share"].as_u64().map(|share| format!("{share}"));
        let why = pair["why"].as_array().map(|why| format!("{} {} {}", why[0], why[1], why[2]));
        format!("{} {} {}", pair["in"], pair["address"], share.or(why).unwrap())
    };
    lines(&detail["relations"]["pairs"], line)
}

#[tokio::test(flavor = "multi_thread")]
async fn page_and_command_line_give_the_same_reasons_and_shares_for_the_same_pods() {
    let rig = Rig::start().await;
    let more = [
        "&weight=300",
        "",
        "&group=red",
        "&version=2.0.0",
        "&disabled=true",
        "&enabled=false",
        "&weight=0",
        "&weight=abc",
        "&protocol=tri",
        "&dubbo.tag=blue",
        "&category=routers",
    ];
    for (at, more) in more.iter().enumerate() {
        let own = provider("a.B", &format!("10.0.0.{}:20880", at + 1), more);
        rig.create("shop", &format!("p-{at}"), &[own]);
    }
    rig.create("other", "away", &[provider("a.B", "10.0.1.1:20880", "")]);
    rig.create("shop", "spoof", &[provider("a.B", "10.0.1.2:20880", "")]);
    let elsewhere = |pod: &mut Value| {
        pod["status"]["podIPs"] = json!([{"ip": "10.0.1.3"}]);
        pod["status"]["podIP"] = json!("10.0.1.3");
    };
    rig.server.store().update("shop", "spoof", elsewhere).unwrap();
    rig.create("shop", "unready", &[provider("a.B", "10.0.1.4:20880", "")]);
    let unready = |pod: &mut Value| pod["status"]["conditions"][0]["status"] = json!("False");
    rig.server.store().update("shop", "unready", unready).unwrap();
    let own = consumer("a.B", "&protocol=dubbo");
    rig.create("shop", "web-1", std::slice::from_ref(&own));

    let ran = rig.run(&["list", "-A", "--why", "web-1", "-o", "json"]).await;
    let line = |pair: &Value| {
        let share = pair["share"].as_f64().map(|share| format!("{:.0}", share * 10_000.0));
        let why = || format!("{} {} {}", pair["obstacle"], pair["asked"], pair["found"]);
        let place = [&pair["namespace"], &pair["pod"]].map(|it| it.as_str().unwrap()).join("/");
        format!("{} {} {}", json!(place), pair["address"], share.unwrap_or_else(why))
    };
    let listed = lines(&ran.json()["consumers"][0]["providers"], line);
    let pods: Vec<u8> = rig.server.store().list(false).flatten().collect();
    let pods = String::from_utf8(pods).unwrap();
    assert_eq!(listed, shown_by_the_page(&pods, "shop/web-1", &own));
    assert_eq!(listed.len(), more.len() + 3, "every provider is there");
    let reasons: BTreeSet<&str> = listed.iter().filter_map(|line| line.split('"').nth(5)).collect();
    assert!(reasons.len() > 5, "{listed:#?}");
}
