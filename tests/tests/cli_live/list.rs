//! `list`: tables, JSON, namespaces, problems.

use dubbo_k8s_tests::apiserver::{ADMIN, Grant, Options};
use serde_json::json;

use super::rig::{Rig, provider, registered};

/// `[{"k":"/dubbo"x"}]`
const BROKEN: &str = "W3siayI6Ii9kdWJibyJ4In1d";

#[tokio::test(flavor = "multi_thread")]
async fn json_has_the_shape_of_the_contract() {
    let rig = Rig::start().await;
    rig.create("shop", "a-1", &[provider("a.B", "10.0.0.1:20880", "&group=g&version=1.0.0")]);
    rig.server.store().create(registered("shop", "bad-1", BROKEN)).unwrap();
    let ran = rig.run(&["list", "-o", "json"]).await;
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));

    let mut snapshot = ran.json();
    let uid = snapshot["services"][0]["providers"][0]["holders"][0]["uid"].take();
    let bad = snapshot["problems"][0]["uid"].take();
    assert!(uid.is_string() && bad.is_string() && uid != bad);
    assert!(snapshot["revision"].take().is_string());
    assert!(snapshot["ageMs"].take().is_u64());
    let url = "dubbo://10.0.0.1:20880/a.B?interface=a.B&group=g&version=1.0.0";
    assert_eq!(
        snapshot,
        json!({
            "revision": null, "synced": true, "ageMs": null, "pods": 2, "records": 1,
            "services": [{
                "service": "g/a.B:1.0.0", "interface": "a.B", "group": "g", "version": "1.0.0",
                "providers": [{
                    "url": url, "protocol": "dubbo", "host": "10.0.0.1", "port": 20880,
                    "params": {"group": "g", "interface": "a.B", "version": "1.0.0"}, "trusted": true,
                    "holders": [{"namespace": "shop", "pod": "a-1", "uid": null, "ready": true}],
                }],
                "consumers": [],
            }],
            "problems": [{
                "namespace": "shop", "pod": "bad-1", "uid": null,
                "error": {
                    "code": "not-json", "stage": "json", "offset": 18, "decodedOffset": 14,
                    "expected": "comma-after-member", "found": {"byte": 120},
                    "message": "expected \",\" or \"}\" after a member, found \"x\"",
                },
            }],
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_that_dubbo_go_refuses_is_listed_beside_its_problem() {
    let rig = Rig::start().await;
    rig.create("shop", "a-1", &[provider("a.B", "10.0.0.1:20880", "&filter=echo;token")]);
    rig.create("shop", "a-2", &[provider("a.C", "fd00:10:244::7:50051", "")]);
    let ran = rig.run(&["list", "-o", "json"]).await;
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
    let snapshot = ran.json();
    assert_eq!(snapshot["services"].as_array().unwrap().len(), 2);
    let address = &snapshot["services"][1]["providers"][0];
    assert_eq!((&address["host"], &address["port"]), (&json!("fd00:10:244::7"), &json!(50051)));
    let problems = snapshot["problems"].as_array().unwrap();
    let mut errors: Vec<_> = problems
        .iter()
        .map(|it| (it["pod"].clone(), it["error"]["code"].clone(), it["error"]["reason"].clone()))
        .collect();
    errors.sort_by_key(|(pod, ..)| pod.to_string());
    let code = json!("dubbo-go-refuses-url");
    assert_eq!(
        errors,
        [
            (json!("a-1"), code.clone(), json!("semicolon")),
            (json!("a-2"), code, json!("many-colons")),
        ]
    );
    assert!(problems.iter().all(|it| it["error"]["offset"].is_u64()), "{problems:?}");
    let ran = rig.run(&["list"]).await;
    assert!(ran.stdout.contains("dubbo://10.0.0.1:20880"), "{}", ran.stdout);
    assert!(ran.stderr.contains("2 problems:\n"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("  shop/a-1: shape: URL that dubbo-go refuses: "),
        "{}",
        ran.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_data_and_everything_else_is_not() {
    let rig = Rig::start().await;
    rig.provide("a-1", "a.B", "10.0.0.1:20880");
    rig.provide("a-2", "a.B", "10.0.0.2:20880");
    rig.server.store().create(registered("shop", "bad-1", BROKEN)).unwrap();
    let ran = rig.run(&["list"]).await;
    assert_eq!(
        ran.stdout,
        "SERVICE  ROLE      ADDRESS                 POD\n\
         a.B      provider  dubbo://10.0.0.1:20880  a-1\n\
         a.B      provider  dubbo://10.0.0.2:20880  a-2\n"
    );
    let mut lines = ran.stderr.lines();
    let caption = lines.next().unwrap();
    assert!(caption.starts_with("1 service: 2 providers in 3 Pods, shop, as of "), "{caption}");
    assert_eq!(lines.next(), Some("1 problem:"));
    assert!(lines.next().unwrap().starts_with("  shop/bad-1: json: expected"), "{}", ran.stderr);
    assert_eq!(ran.status, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn namespaces_are_read_as_asked() {
    let rig = Rig::start().await;
    for namespace in ["one", "two", "three"] {
        rig.create(namespace, "p", &[provider(&format!("a.{namespace}"), "10.0.0.1:1", "")]);
    }
    for (arguments, expected) in [
        (&["list", "-o", "json", "-n", "one"][..], &["a.one"][..]),
        (&["list", "-o", "json", "-n", "one", "-n", "three"], &["a.one", "a.three"]),
        (&["list", "-o", "json", "-A"], &["a.one", "a.three", "a.two"]),
    ] {
        let snapshot = rig.run(arguments).await.json();
        let services = snapshot["services"].as_array().unwrap();
        let names: Vec<_> = services.iter().map(|it| it["service"].as_str().unwrap()).collect();
        assert_eq!(names, expected, "{arguments:?}");
    }
    let ran = rig.run(&["list", "-n", "one", "-n", "two"]).await;
    assert!(
        ran.stdout.contains("  two/p\n"),
        "Pods are shown with their namespace: {}",
        ran.stdout
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_ready_pods_count_when_asked_for() {
    let rig = Rig::start().await;
    rig.provide("ready", "a.B", "10.0.0.1:1");
    let annotation = super::rig::annotation(&[provider("a.C", "10.0.0.2:1", "")]);
    let mut unready = registered("shop", "unready", &annotation);
    unready["status"]["conditions"][0]["status"] = json!("False");
    rig.server.store().create(unready).unwrap();
    let all = rig.run(&["list", "-o", "json"]).await.json();
    let ready = rig.run(&["list", "-o", "json", "--ready-only"]).await.json();
    assert_eq!((all["records"].as_u64(), ready["records"].as_u64()), (Some(2), Some(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn older_servers_and_http_1_do_as_well() {
    for options in [
        Options { http2: false, ..Options::default() },
        Options { streaming_list: false, ..Options::default() },
    ] {
        let rig = Rig::start_with(options).await;
        rig.provide("a-1", "a.B", "10.0.0.1:20880");
        let ran = rig.run(&["list", "-o", "json"]).await;
        assert_eq!(ran.json()["records"], 1, "{ran:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_http_to_this_machine_needs_no_kubeconfig_and_sends_no_credentials() {
    let rig = Rig::start_with(Options { tls: false, ..Options::default() }).await;
    rig.server.access().grant(Grant::all("system:anonymous"));
    // The kubeconfig holds this user's token: were it sent, it would be refused.
    rig.server.access().revoke_grants(ADMIN);
    rig.provide("a-1", "a.B", "10.0.0.1:20880");
    let url = rig.server.url();
    let ran = rig.run(&["list", "-o", "json", "--server", &url]).await;
    assert_eq!(ran.json()["records"], 1, "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_certificate_is_shown() {
    let rig = Rig::start().await;
    rig.provide("a-1", "a.B", "10.0.0.1:20880");
    let identity = rig.server.client_certificate("ada").unwrap();
    rig.server.access().grant(Grant::all("ada"));
    rig.write("ada.crt", &identity.certificate_pem).unwrap();
    rig.write("ada.key", &identity.key_pem).unwrap();
    let token = format!("token: {}", rig.server.token());
    rig.edit_kubeconfig(&token, "{client-certificate: ada.crt, client-key: ada.key}");
    let ran = rig.run(&["list", "-o", "json"]).await;
    assert_eq!(ran.json()["records"], 1, "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_server_name_is_the_name_that_is_checked() {
    let rig = Rig::start().await;
    rig.provide("a-1", "a.B", "10.0.0.1:20880");
    let server = format!("server: {}", rig.server.url());
    rig.edit_kubeconfig(&server, &format!("{server}\n    tls-server-name: localhost"));
    let ran = rig.run(&["list", "-o", "json"]).await;
    assert_eq!(ran.json()["records"], 1, "{ran:?}");

    rig.edit_kubeconfig("tls-server-name: localhost", "tls-server-name: elsewhere.example");
    let ran = rig.run(&["list", "--timeout", "5"]).await;
    assert!(ran.error().contains("elsewhere.example"), "{}", ran.stderr);
}
