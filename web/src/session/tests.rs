//! Requests and answers as the page has them.

use dubbo_k8s_codec::{Category, Key, Record, encode};
use serde_json::{Value, json};

use super::Session;

fn key(interface: &str, category: Category, url: &str) -> String {
    Key::leaf(interface, category, url).to_string()
}

/// A Pod in one line of JSON; `more` is what else stands in its metadata.
fn pod(namespace: &str, name: &str, label: &str, value: &str) -> String {
    json!({"kind": "Pod", "metadata": {
        "name": name, "namespace": namespace, "uid": format!("u-{name}"), "labels": {"dubbo.io/label": label},
        "annotations": {"dubbo.io/annotation": value}}})
    .to_string()
        + "\n"
}

fn records(keys: &[String]) -> String {
    encode(keys.iter().map(|key| Record::new(key)))
}

fn provider(namespace: &str, name: &str, url: &str) -> String {
    pod(namespace, name, "dubbo.io-value", &records(&[key("a.B", Category::Providers, url)]))
}

fn consumer(namespace: &str, name: &str, parameters: &str) -> String {
    let url = format!("consumer://10.0.0.9/a.B?{parameters}");
    pod(namespace, name, "dubbo.io-value", &records(&[key("a.B", Category::Consumers, &url)]))
}

fn opened(text: &str) -> Session {
    let mut session = Session::default();
    session.load(text.to_owned().into_bytes());
    session
}

fn ask(session: &mut Session, request: &Value) -> Value {
    serde_json::from_str(&session.request(&request.to_string())).unwrap()
}

fn codes(session: &mut Session) -> Vec<String> {
    let answer = ask(session, &json!({"do": "problems", "count": 100}));
    let all = answer["problems"].as_array().unwrap().iter();
    all.map(|one| one["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_consumer_that_reaches_no_provider_is_a_problem_whatever_the_reason() {
    let plain = provider("n", "p", "dubbo://10.0.0.1:1/a.B");
    for (text, code) in [
        (plain.clone() + &consumer("n", "c", "protocol=dubbo"), None),
        (plain.clone() + &consumer("n", "c", "protocol=tri"), Some("protocol-mismatch")),
        (plain.clone() + &consumer("m", "c", ""), Some("provider-in-other-namespace")),
        (plain.clone() + &consumer("n", "c", "version=1"), Some("group-or-version-mismatch")),
        (
            provider("n", "p", "dubbo://10.0.0.1:1/a.B?weight=abc") + &consumer("n", "c", ""),
            Some("not-a-number"),
        ),
    ] {
        let found = codes(&mut opened(&text));
        assert_eq!(found.first().map(String::as_str), code, "{text}");
    }
    let hidden = pod(
        "n",
        "p",
        "other",
        &records(&[key("a.B", Category::Providers, "dubbo://10.0.0.1:1/a.B")]),
    );
    let found = codes(&mut opened(&(hidden + &consumer("n", "c", ""))));
    assert!(found.contains(&"no-usable-provider".to_owned()), "{found:?}");
}

#[test]
fn endpoint_of_an_unread_pod_does_not_look_healthy() {
    let value = records(&[key("a.B", Category::Providers, "dubbo://10.0.0.1:1/a.B")]);
    for (label, value, verdict) in [
        ("other", value.clone(), "not-selected"),
        ("dubbo.io-value", value.replace('=', ""), "refused"),
    ] {
        let mut session = opened(&pod("n", "p", label, &value));
        let rows = ask(&mut session, &json!({"do": "rows", "count": 10}))["rows"].clone();
        let endpoint = &rows[2];
        assert_eq!(
            (&endpoint["kind"], &endpoint["verdict"]),
            (&json!("endpoint"), &json!(verdict))
        );
        assert_eq!((&rows[0]["severity"], &rows[0]["unread"]), (&json!("error"), &json!(1)));
        assert_eq!(endpoint["severity"], "error");
    }
}

#[test]
fn consumer_that_reaches_no_provider_is_marked_by_service_and_by_pod() {
    let text = provider("n", "p", "dubbo://10.0.0.1:1/a.B") + &consumer("n", "c", "version=1");
    let mut session = opened(&text);
    for (by, marked) in [("service", &["a.B", "10.0.0.9"][..]), ("pod", &["n/c", "10.0.0.9"])] {
        ask(&mut session, &json!({"do": "view", "by": by}));
        let rows = ask(&mut session, &json!({"do": "rows", "count": 20}))["rows"].clone();
        let of = rows.as_array().unwrap().iter().filter(|row| row["severity"] == "error");
        let found: Vec<_> = of.map(|row| row["text"].clone()).collect();
        assert_eq!(found, marked, "{by}");
    }
}

#[test]
fn one_pod_that_stands_there_twice_counts_as_one() {
    let one = provider("n", "p", "dubbo://10.0.0.1:1/a.B");
    let mut session = opened(&(one.clone() + &one));
    let summary = ask(&mut session, &json!({"do": "summary"}));
    assert_eq!((&summary["pods"], &summary["records"]), (&json!(1), &json!(1)));
    assert_eq!(codes(&mut session), ["pod-twice"]);
}

#[test]
fn what_is_missing_at_the_end_of_an_annotation_has_a_place() {
    let value = records(&["/dubbo/a.B".to_owned(), "/dubbo/a.C".to_owned()]);
    let mut session = opened(&pod("n", "p", "dubbo.io-value", &value[..24]));
    let detail = ask(&mut session, &json!({"do": "detail", "pod": 0}));
    let problem = &detail["problems"][0];
    assert_eq!(problem["code"], "not-json");
    assert_eq!(problem["places"]["source"].as_array().map(Vec::len), Some(2), "{problem}");
}

#[test]
fn a_row_is_found_where_it_stands_now() {
    let text = provider("n", "p", "dubbo://10.0.0.1:1/a.B") + &consumer("n", "c", "");
    let mut session = opened(&text);
    let places = |session: &mut Session, ids: Value| {
        ask(session, &json!({"do": "rows", "count": 1, "ids": ids}))["places"].clone()
    };
    assert_eq!(places(&mut session, json!(["s0", "e1.0", "e7.7", "x"])), json!([0, 4, null, null]));
    ask(&mut session, &json!({"do": "view", "find": "consumer://"}));
    assert_eq!(places(&mut session, json!(["e1.0", "e0.0"])), json!([2, null]));
}

#[test]
fn filters_let_through_what_has_the_value() {
    let text = provider("n", "p", "dubbo://10.0.0.1:1/a.B?application=shop&group=g")
        + &provider("m", "q", "tri://10.0.0.2:1/a.B?application=shop2")
        + &consumer("m", "c", "protocol=tri");
    let mut session = opened(&text);
    for (filter, endpoints) in [
        ("ns:m", 2),
        ("app:shop", 1),
        ("protocol:TRI", 2),
        ("group:g", 1),
        ("role:consumers", 1),
        ("is:problem", 0),
        ("is:ready", 0),
        ("nonsense", 3),
    ] {
        ask(&mut session, &json!({"do": "view", "filters": [filter]}));
        let table = ask(&mut session, &json!({"do": "table"}));
        assert_eq!(table["cells"].as_array().map(Vec::len), Some(12 * endpoints), "{filter}");
    }
    let facets = ask(&mut session, &json!({"do": "facets"}));
    assert_eq!(facets["app"], json!(["shop", "shop2"]));
    assert_eq!(
        (&facets["ns"], &facets["protocol"]),
        (&json!(["m", "n"]), &json!(["dubbo", "tri"]))
    );
}

#[test]
fn a_record_shows_whom_it_calls_with_its_share_and_why_not_the_others() {
    let text = provider("n", "p", "dubbo://10.0.0.1:1/a.B?weight=300")
        + &provider("n", "q", "dubbo://10.0.0.2:1/a.B")
        + &provider("n", "r", "dubbo://10.0.0.3:1/a.B?version=2")
        + &consumer("n", "c", "");
    let mut session = opened(&text);
    let relations =
        ask(&mut session, &json!({"do": "detail", "pod": 3, "record": 0}))["relations"].clone();
    assert_eq!(
        (&relations["calls"], &relations["calling"], &relations["never"]),
        (&json!(true), &json!(2), &json!(1))
    );
    let pairs = &relations["pairs"];
    assert_eq!((&pairs[0]["address"], &pairs[0]["share"]), (&json!("10.0.0.1:1"), &json!(7500)));
    assert_eq!((&pairs[1]["in"], &pairs[1]["share"]), (&json!("n/q"), &json!(2500)));
    assert_eq!(pairs[2]["why"], json!(["version", "", "2"]));
    let called =
        ask(&mut session, &json!({"do": "detail", "pod": 1, "record": 0}))["relations"].clone();
    assert_eq!((&called["calls"], &called["pairs"][0]["share"]), (&json!(false), &json!(2500)));
}

#[test]
fn record_that_stands_twice_in_a_pod_is_called_once() {
    let one = key("a.B", Category::Providers, "dubbo://10.0.0.1:1/a.B");
    let text =
        pod("n", "p", "dubbo.io-value", &records(&[one.clone(), one])) + &consumer("n", "c", "");
    let detail = ask(&mut opened(&text), &json!({"do": "detail", "pod": 1, "record": 0}));
    assert_eq!(detail["relations"]["pairs"][0]["share"], 10_000);
    assert_eq!(detail["relations"]["calling"], 1);
}

#[test]
fn the_graph_joins_applications_by_what_they_call_and_marks_what_is_broken() {
    let text = provider("n", "p", "dubbo://10.0.0.1:1/a.B?application=shop")
        + &consumer("n", "gate-7c9f5d4f-2xk8p", "")
        + &consumer("n", "late-0", "application=late&version=2");
    let graph = ask(&mut opened(&text), &json!({"do": "graph"}));
    let nodes: Vec<_> = graph["nodes"].as_array().unwrap().iter().map(|it| it[1].clone()).collect();
    assert_eq!(nodes, ["gate", "a.B", "shop", "late"]);
    let edges = graph["edges"].as_array().unwrap().iter();
    let edges: Vec<_> = edges.map(|it| [&it[0], &it[1], &it[3]].map(Clone::clone)).collect();
    assert_eq!(
        edges,
        [
            [json!(0), json!(1), json!(0)],
            [json!(1), json!(2), json!(0)],
            [json!(3), json!(1), json!(1)]
        ]
    );
}

#[test]
fn a_selection_is_found_by_what_it_is() {
    let text = provider("n", "p", "dubbo://10.0.0.1:1/a.B") + &consumer("n", "c", "");
    let mut session = opened(&text);
    assert_eq!(
        ask(&mut session, &json!({"do": "locate", "name": "n/c", "record": 0})),
        json!({"pod": 1, "record": 0})
    );
    assert_eq!(
        ask(&mut session, &json!({"do": "locate", "name": "n/c", "record": 9})),
        json!({"pod": 1, "record": null})
    );
    assert_eq!(
        ask(&mut session, &json!({"do": "locate", "name": "n/x"})),
        json!({"pod": null, "record": null})
    );
    let detail = |session: &mut Session, uid: &str| {
        ask(session, &json!({"do": "detail", "pod": 0, "record": 0, "uid": uid}))
    };
    assert_eq!(detail(&mut session, "u-c")["name"], "c", "wherever it is");
    assert_eq!(
        detail(&mut session, "u-other")["refused"],
        "no such Pod",
        "and no other one in its place"
    );
}

#[test]
fn all_pods_are_shared_or_one() {
    let text = provider("n", "p", "dubbo://10.0.0.1:1/a.B") + &consumer("n", "c", "");
    let mut session = opened(&text);
    let pods = |session: &mut Session, request: &Value| ask(session, request)["pods"].clone();
    assert_eq!(pods(&mut session, &json!({"do": "share"})), 2);
    assert_eq!(pods(&mut session, &json!({"do": "share", "pod": 1})), 1);
    assert_eq!(ask(&mut session, &json!({"do": "share", "pod": 9}))["refused"], "unreadable");
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn command_that_prints_what_can_be_read_is_named() {
    let mut session = opened("Name:         p\nNamespace:    n\nPriority:     0\n");
    let problem = ask(&mut session, &json!({"do": "problems", "count": 1}))["problems"][0].clone();
    assert_eq!(problem["about"][1], json!({"run": "kubectl get pod p -n n -o yaml"}));
}

#[test]
fn pod_that_no_registry_reads_stands_beside_the_others_with_its_place() {
    let text = r#"[{"kind":"Pod","metadata":{"name":"a","uid":7}},{"metadata":{"name":"b"}}]"#;
    let mut session = opened(text);
    let problem = ask(&mut session, &json!({"do": "problems", "count": 1}))["problems"][0].clone();
    let at = text.find('7').unwrap();
    assert_eq!(
        (&problem["code"], &problem["source"]),
        (&json!("wrong-shape"), &json!([at, at + 1]))
    );
    assert_eq!(
        ask(&mut session, &json!({"do": "detail", "pod": 0}))["verdict"]["code"],
        "not-selected"
    );
    assert_eq!(ask(&mut session, &json!({"do": "summary"}))["pods"], 2);
}

#[test]
fn unpacked_bytes_are_read_up_to_the_damage() {
    let one = provider("n", "p", "dubbo://10.0.0.1:1/a.B");
    let load = |bytes: &str, damaged| {
        let mut session = Session::default();
        let summary = session.load_unpacked(bytes.as_bytes().to_vec(), damaged);
        let summary: Value = serde_json::from_str(&summary).unwrap();
        (summary["pods"].clone(), summary["coding"].clone(), codes(&mut session))
    };
    assert_eq!(load(&one, false), (json!(1), json!(["gzip"]), vec![]));
    assert_eq!(load(&one, true), (json!(1), json!(["gzip"]), vec!["source-syntax".to_owned()]));
    let cut = one.clone() + &one[..20];
    assert_eq!(load(&cut, true), (json!(1), json!(["gzip"]), vec!["source-syntax".to_owned()]));
}

#[test]
fn bytes_that_are_no_text_are_refused_and_text_before_them_is_shown() {
    let load = |bytes: &[u8]| {
        let summary = Session::default().load(bytes.to_vec());
        let summary: Value = serde_json::from_str(&summary).unwrap();
        json!([summary["state"], summary["why"], summary["offset"], summary["pods"]])
    };
    assert_eq!(load(b"\xff\xd8\xff"), json!(["refused", "not-text", 0, null]));
    assert_eq!(load(b"\x1f\x8b\x08"), json!(["refused", "compressed", null, null]));
    let one = provider("n", "p", "dubbo://10.0.0.1:1/a.B");
    let cut = [one.as_bytes(), b"{\"kind\":\"\xff"].concat();
    assert_eq!(load(&cut), json!(["problems", null, null, 1]));
    let large = vec![b' '; super::MAX_SOURCE + 1];
    assert_eq!(load(&large), json!(["refused", "too-large", null, null]));
}

#[test]
fn text_that_was_changed_on_the_way_is_not_verbatim() {
    let one = provider("n", "p", "dubbo://10.0.0.1:1/a.B");
    let verbatim = |bytes: &[u8]| {
        let summary: Value =
            serde_json::from_str(&Session::default().load(bytes.to_vec())).unwrap();
        summary["verbatim"].clone()
    };
    assert_eq!(verbatim(one.as_bytes()), true);
    for changed in
        [format!("\u{feff}{one}").as_bytes(), &utf16(&one), format!("'{}'", one.trim()).as_bytes()]
    {
        assert_eq!(verbatim(changed), false);
    }
}
