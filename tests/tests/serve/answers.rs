//! Every path, held against the description that the server gives of itself.

use std::collections::BTreeSet;
use std::io::Read as _;

use dubbo_k8s_codec::{Annotation, Record};
use dubbo_k8s_tests::monitoring;
use flate2::read::GzDecoder;
use serde_json::json;

use crate::client::ask;
use crate::rig::{Rig, annotation, pod, provider, within};
use crate::schema::Description;

/// Good, shared and bad Pods.
async fn rig() -> Rig {
    let (one, two) = (provider("a.B", 1), provider("a.B$C", 2));
    let shared = ["/dubbo".to_owned(), one.clone()];
    let rig = Rig::new(&[("first", &[one, two]), ("second", &shared), ("third", &[])]).await;
    rig.cluster.store().create(pod("bad", "!!")).unwrap();
    within(async {
        let mut answer = rig.get("/v1/snapshot").await;
        while answer.json()["problems"] == json!([]) {
            let known = answer.header("etag").to_owned();
            let headers = [("if-none-match", &*known)];
            answer = rig.get_with("/v1/snapshot?wait=30s", &headers).await;
        }
    })
    .await;
    rig
}

#[tokio::test]
async fn every_path_answers_as_the_description_says() {
    let rig = rig().await;
    let description = Description(rig.get("/openapi.json").await.json());
    let paths = description.0["paths"].as_object().unwrap();
    let mut seen = 0;
    for path in paths.keys().filter(|path| *path != "/v1/events") {
        let answer = rig.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        let kind = answer.header("content-type");
        let schema = description.answer(path, 200, kind);
        if kind == "application/json" {
            description.value(&schema, &answer.json()).unwrap_or_else(|e| panic!("{path}: {e}"));
        }
        for name in ["content-security-policy", "x-content-type-options", "x-frame-options"] {
            assert_ne!(answer.header(name), "", "{path} {name}");
        }
        let policy = answer.header("content-security-policy");
        // 'wasm-unsafe-eval' lets the inspector's wasm be compiled, and no script be evaluated.
        for weak in ["'unsafe-inline'", "'unsafe-eval'", "'unsafe-hashes'", "*"] {
            assert!(!policy.contains(weak), "{policy}");
        }
        for script in answer.text().split("<script").skip(1) {
            let (tag, body) = script.split_once('>').unwrap();
            assert!(
                tag.contains(" src=") && body.starts_with("</script>"),
                "{path}: inline script"
            );
        }
        assert!(!answer.text().contains(rig.cluster.token()), "{path} shows the credential");
        let head = ask(rig.address, "HEAD", path, &[], "").await;
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        seen += 1;
    }
    assert_eq!(seen, 8);
}

#[tokio::test]
async fn a_snapshot_shows_services_holders_and_problems() {
    let rig = rig().await;
    let snapshot = rig.get("/v1/snapshot").await.json();
    assert_eq!(snapshot["synced"], true);
    assert_eq!(snapshot["ageMs"], 0);
    assert_eq!((&snapshot["pods"], &snapshot["records"]), (&json!(4), &json!(3)));
    let services = snapshot["services"].as_array().unwrap();
    let names: Vec<_> = services.iter().map(|service| &service["service"]).collect();
    assert_eq!(names, ["a.B", "a.B$C"]);
    let shared = &services[0]["providers"][0];
    assert_eq!(shared["params"], json!({"timeout": "3000", "weight": "50"}));
    let holders = shared["holders"].as_array().unwrap();
    let mut pods: Vec<_> = holders.iter().map(|holder| holder["pod"].as_str().unwrap()).collect();
    pods.sort_unstable();
    assert_eq!(pods, ["first", "second"]);
    let problems = snapshot["problems"].as_array().unwrap();
    assert_eq!((problems.len(), &problems[0]["pod"]), (1, &json!("bad")));

    let narrowed = rig.get("/v1/snapshot?service=a.B%24C").await.json();
    assert_eq!(narrowed["services"], json!([services[1]]));
    let all = rig.get("/v1/snapshot?service=*%2F*%3A*").await.json();
    assert_eq!(all["services"], snapshot["services"]);
    assert_eq!(rig.get("/v1/snapshot?service=x.Y").await.json()["services"], json!([]));
}

#[tokio::test]
async fn annotations_are_those_of_the_pods() {
    let rig = rig().await;
    let answer = rig.get("/v1/annotations").await.json();
    let pods = answer["pods"].as_array().unwrap();
    let shown: Vec<_> = pods
        .iter()
        .map(|pod| (pod["name"].as_str().unwrap(), pod["annotation"].as_str().unwrap()))
        .collect();
    let first = annotation(&[provider("a.B", 1), provider("a.B$C", 2)]);
    let second = annotation(&["/dubbo".to_owned(), provider("a.B", 1)]);
    assert_eq!(shown, [("bad", "!!"), ("first", &first), ("second", &second)]);
    let decoded = Annotation::decode(&first).unwrap();
    assert_eq!(decoded.records().next(), Some(Record::new(&provider("a.B", 1))));
}

#[tokio::test]
async fn large_answers_are_compressed_for_those_who_ask() {
    let rig = rig().await;
    for path in ["/v1/snapshot", "/v1/annotations", "/v1/snapshot?service=a.B"] {
        let plain = rig.get(path).await;
        let packed = rig.get_with(path, &[("accept-encoding", "br, gzip")]).await;
        assert_eq!(packed.header("content-encoding"), "gzip");
        assert_eq!(packed.header("vary"), "accept-encoding");
        let mut unpacked = Vec::new();
        GzDecoder::new(&packed.body[..]).read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, plain.body, "{path}");
    }
}

#[tokio::test]
async fn what_is_known_is_not_sent_again() {
    let rig = rig().await;
    for path in ["/v1/snapshot", "/v1/annotations", "/v1/snapshot?service=a.B"] {
        let answer = rig.get(path).await;
        let revision = answer.json()["revision"].as_str().unwrap().to_owned();
        assert_eq!(answer.header("etag"), format!("W/\"{revision}\""));
        for known in [answer.header("etag"), &format!("\"{revision}\""), "*"] {
            let again = rig.get_with(path, &[("if-none-match", known)]).await;
            assert_eq!((again.status, again.body.len()), (304, 0), "{path} {known}");
            assert_eq!(again.header("etag"), answer.header("etag"));
        }
        let other = rig.get_with(path, &[("if-none-match", "\"00000000-1\"")]).await;
        assert_eq!(other.status, 200);
    }
}

#[tokio::test]
async fn a_long_poll_ends_with_news_or_with_its_time() {
    let rig = rig().await;
    let first = rig.get("/v1/snapshot").await;
    let known = [("if-none-match", first.header("etag"))];
    let nothing = rig.get_with("/v1/snapshot?wait=50ms", &known).await;
    assert_eq!(nothing.status, 304);
    let everything = rig.get_with("/v1/snapshot?wait=1m", &known);
    let carried = rig.get_with("/v1/annotations?wait=1m", &known);
    // Nothing of what this one asks for happens until the second change.
    let narrow = rig.get_with("/v1/snapshot?wait=1m&service=a.D", &known);
    let changes = async {
        rig.write("third", &[provider("a.C", 3)]);
        rig.holds(4).await;
        rig.write("third", &[provider("a.C", 3), provider("a.D", 3)]);
    };
    let (everything, carried, narrow, ()) = tokio::join!(everything, carried, narrow, changes);
    assert_eq!((everything.status, carried.status, narrow.status), (200, 200, 200));
    assert_ne!(everything.header("etag"), first.header("etag"));
    assert_eq!(narrow.json()["services"][0]["service"], "a.D");
}

/// Method, path, headers, body, and the status of the refusal.
type Case =
    (&'static str, &'static str, &'static [(&'static str, &'static str)], &'static str, u16);

#[tokio::test]
async fn refusals_say_what_is_wrong_in_one_form() {
    let rig = rig().await;
    let description = Description(rig.get("/openapi.json").await.json());
    let cases: [Case; 9] = [
        ("GET", "/nowhere", &[], "", 404),
        ("GET", "/v1/snapshot?wait=soon", &[], "", 400),
        ("GET", "/v1/snapshot?wiat=30s", &[], "", 400),
        ("GET", "/v1/snapshot?service=", &[], "", 400),
        ("GET", "/v1/snapshot", &[("host", "evil.example:80")], "", 421),
        ("GET", "/v1/snapshot", &[], "body", 413),
        ("POST", "/v1/snapshot", &[], "", 405),
        ("DELETE", "/nowhere", &[], "", 405),
        ("OPTIONS", "/v1/events", &[], "", 405),
    ];
    for (method, path, headers, body, status) in cases {
        let answer = ask(rig.address, method, path, headers, body).await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
        description.check("Refusal", &answer.json());
        assert_eq!(answer.json()["status"], status);
        assert_eq!(answer.header("allow").is_empty(), status != 405);
    }
}

#[tokio::test]
async fn metrics_say_what_an_operator_alerts_on() {
    let rig = rig().await;
    let _stream = rig.events("/v1/events", &[]).await;
    let answer = rig.get("/metrics").await;
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4");
    for line in [
        "dubbo_watcher_synced 1",
        "dubbo_watcher_connected 1",
        "dubbo_watcher_age_seconds 0",
        "dubbo_watcher_pods 4",
        "dubbo_watcher_records 3",
        "dubbo_watcher_problems 1",
        "dubbo_watcher_changes_total{kind=\"added\"} 3",
        "dubbo_watcher_changes_total{kind=\"removed\"} 0",
        "dubbo_watcher_decode_errors_total{stage=\"base64\"} 1",
        "dubbo_watcher_relists_total{reason=\"expired\"} 0",
        "dubbo_watcher_subscribers{via=\"events\"} 1",
        "dubbo_watcher_subscriber_lags_total{via=\"events\"} 0",
    ] {
        assert!(answer.text().lines().any(|found| found == line), "{line}\n{}", answer.text());
    }
    let buckets =
        "dubbo_watcher_http_request_duration_seconds_bucket{method=\"GET\",path=\"/v1/snapshot\"";
    assert!(answer.text().contains(buckets));
    let (shown, exported) = (monitoring::shown(), monitoring::exported(answer.text()));
    let shown: BTreeSet<_> =
        shown.into_iter().filter(|name| !name.starts_with(monitoring::OF_HANDLERS)).collect();
    assert_eq!(shown, exported, "what dashboard and alerts show, and what there is");
}
