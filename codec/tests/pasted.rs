//! What people paste and save, in every form that was met, and what is read of it.

#![cfg(all(test, feature = "yaml"))]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests are tests"
)]

use dubbo_k8s_codec::pasted::{Change, Document, Format, Kind, Refused, Source};
use dubbo_k8s_codec::problem::{Detail, Language, Phrase};
use dubbo_k8s_codec::{Annotation, Stage};
use proptest::prelude::*;

/// `[{"k":"/dubbo","v":""}]`
const VALUE: &str = "W3siayI6Ii9kdWJibyIsInYiOiIifV0=";

/// What is compared: the kind, the Pods by name, what is no Pod, and where it breaks off.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    kind: Kind,
    pods: Vec<String>,
    others: Vec<String>,
    error: Option<(Stage, usize)>,
}

fn seen(bytes: impl AsRef<[u8]>) -> Seen {
    let source = Source::of(bytes.as_ref()).unwrap();
    let document = source.read();
    Seen {
        kind: document.kind,
        pods: document.pods.iter().map(|pod| pod.pod.name.to_string()).collect(),
        others: document.others.iter().map(|it| format!("{} {}", it.kind, it.count)).collect(),
        error: document.error.map(|error| (error.stage, source.place(error.offset))),
    }
}

fn pods(names: &[&str]) -> Seen {
    let pods = names.iter().map(|name| (*name).to_owned()).collect();
    Seen { kind: Kind::Pods, pods, others: Vec::new(), error: None }
}

fn with_document<T>(text: &str, look: impl FnOnce(&Document<'_>) -> T) -> T {
    look(&Source::of(text.as_bytes()).unwrap().read())
}

fn pod(name: &str) -> String {
    format!(r#"{{"kind":"Pod","metadata":{{"name":"{name}"}}}}"#)
}

fn utf16(text: &str, mark: bool, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    let mark = mark.then_some('\u{feff}');
    let chars = mark.into_iter().chain(text.chars());
    chars.collect::<String>().encode_utf16().flat_map(unit).collect()
}

macro_rules! saved {
    ($name:literal) => {
        include_bytes!(concat!("data/pasted/", $name))
    };
}

#[test]
fn every_saved_file_gives_its_pods() {
    assert_eq!(seen(saved!("items_null.json")), pods(&[]));
    assert_eq!(seen(saved!("items_null.yaml")), pods(&[]));
    assert_eq!(seen(saved!("jq_items.json")), pods(&["greeter-0", "greeter-0"]));
    let dump = Seen { kind: Kind::Dump, ..pods(&["greeter-0", "greeter-1"]) };
    assert_eq!(seen(saved!("cluster_info_dump.txt")), dump);
    assert_eq!(seen(saved!("utf16le_pod.json")), pods(&["greeter-0"]));
    assert_eq!(seen(saved!("utf16le_pod.yaml")), pods(&["greeter-0"]));
    assert_eq!(seen(saved!("utf16be_pod.yaml")), pods(&["greeter-0"]));
    let broken = saved!("truncated_stream.json");
    let error = Some((Stage::Json, broken.trim_ascii_end().len()));
    assert_eq!(seen(broken), Seen { error, ..pods(&["greeter-0"]) });
}

#[test]
fn an_annotation_saved_by_powershell_is_one() {
    let source = Source::of(saved!("utf16le_annotation.txt")).unwrap();
    let document = source.read();
    assert_eq!((document.format, document.kind), (Format::Base64, Kind::Annotation));
    let value = document.pods[0].pod.annotation.as_deref().unwrap();
    assert_eq!(Annotation::decode(value).unwrap().records().len(), 1);
}

#[test]
fn a_text_is_read_in_every_encoding_also_where_it_is_cut_in_a_character() {
    let json = format!("{}\r\n{}\r\n", pod("a"), pod("用户"));
    let yaml =
        "kind: Pod\r\nmetadata:\r\n  name: a\r\n---\r\nkind: Pod\r\nmetadata:\r\n  name: 用户\r\n";
    for text in [&json, yaml] {
        assert_eq!(seen(text), pods(&["a", "用户"]), "{text}");
        for mark in [true, false] {
            for unit in [u16::to_le_bytes, u16::to_be_bytes] {
                let bytes = utf16(text, mark, unit);
                assert_eq!(seen(&bytes), pods(&["a", "用户"]), "{text}");
            }
        }
        let marked = format!("\u{feff}{text}\u{feff}{}", if text == yaml { "" } else { &json });
        assert!(seen(marked.trim_end_matches('\u{feff}')).error.is_none(), "{text}");
    }
    let place = json.find('户').unwrap();
    let error = Some((Stage::Utf8, place));
    assert_eq!(seen(&json.as_bytes()[..=place]), Seen { error, ..pods(&["a"]) });
    let mut wide = utf16(&json, true, u16::to_le_bytes);
    wide.truncate(2 + 2 * json.chars().count() - 15);
    let error = Some((Stage::Utf8, wide.len() - 1));
    assert_eq!(seen(&wide), Seen { error, ..pods(&["a"]) });
}

#[test]
fn several_values_and_what_kubectl_and_jq_make_of_them_are_read() {
    let (a, b) = (pod("a"), pod("b"));
    let item = r#"{"metadata":{"name":"a"}}"#;
    for text in [
        format!("{a}\n{b}"),
        format!("{a}{b}"),
        format!("[{a},{b}]"),
        format!("[[{a}],[{b}]]"),
        format!("{a},\n{b},\n"),
        format!("\u{1e}{a}\n\u{1e}{b}\n"),
        format!("\u{feff}{a}\r\n\u{feff}{b}\r\n"),
        format!("{{\"items\":[{a},{b}]}}"),
        format!("{{\"kind\":\"\",\"items\":[{a},{b}]}}"),
        format!("{{\"kind\":\"PodList\",\"items\":[{item},{b}]}}"),
        format!("{{\"items\":[{item},{b}],\"kind\":\"PartialObjectMetadataList\"}}"),
        format!(
            "{{\"kind\":\"List\",\"items\":[{{\"kind\":\"PodList\",\"items\":[{item}]}},{b}]}}"
        ),
        format!(
            "{{\"kind\":\"Table\",\"rows\":[{{\"cells\":[\"a\"],\"object\":{a}}},{{\"object\":{b}}}]}}"
        ),
        format!("- {a}\n- {b}\n"),
        format!("---\n{a}\n---\n---\n{b}\n...\n"),
        "items:\n- metadata:\n    name: a\n- kind: Pod\n  metadata: {name: b}\n".to_owned(),
        "- &p\n  kind: Pod\n  metadata: &m {name: a}\n- {<<: *p, metadata: {<<: *m, name: b}}\n"
            .to_owned(),
    ] {
        assert_eq!(seen(&text), pods(&["a", "b"]), "{text}");
    }
    for text in [
        "[]",
        "{\"items\":null}",
        "{\"kind\":\"PodList\"}",
        "kind: List\n",
        "{\"items\":[]}",
        "null",
    ] {
        assert_eq!(seen(text), pods(&[]), "{text}");
    }
}

#[test]
fn items_of_another_list_are_no_pods_though_they_do_not_say_what_they_are() {
    let nodes =
        r#"{"kind":"NodeList","items":[{"metadata":{"name":"n"}},{"metadata":{"name":"m"}}]}"#;
    let sorted = r#"{"items":[{"metadata":{"name":"s"}}],"kind":"ServiceList"}"#;
    let list = format!(r#"{{"kind":"PodList","items":[{}]}}"#, pod("a"));
    let others = vec!["Node 2".to_owned(), "Service 1".to_owned()];
    assert_eq!(seen(format!("{nodes}\n{sorted}\n{list}")), Seen { others, ..pods(&["a"]) });
}

#[test]
fn a_dump_is_read_without_the_logs_in_it() {
    let logs = "==== START logs for container app of pod shop/a ====\n{\"level\":\"info\"}\nkind: Pod\n\
                metadata: {name: x}\n==== END logs for container app of pod shop/a ====\n";
    let yaml = "kind: PodList\nitems:\n- metadata: {name: a}\n---\n";
    for text in [
        format!("{}\n{logs}{}\n{logs}", pod("a"), pod("b")),
        format!("{logs}{}\n{}\n", pod("a"), pod("b")),
        format!("{yaml}{logs}---\nkind: Pod\nmetadata: {{name: b}}\n"),
    ] {
        let dump = Seen { kind: Kind::Dump, ..pods(&["a", "b"]) };
        assert_eq!(seen(&text), dump, "{text}");
        assert!(with_document(&text, |document| document.skipped_lines) >= 5, "{text}");
    }
}

#[test]
fn what_a_shell_prints_around_objects_is_left_out() {
    let json = pod("a");
    let yaml = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n";
    for (text, lines) in [
        (format!("$ kubectl get pod a -o json\n{json}\n$ "), 2),
        (format!("Warning: v1 is old: beware\n{json}\n"), 1),
        (format!("[INFO] ready\n{json}\nDone."), 2),
        (format!("$ kubectl get pod a -o yaml\n{yaml}"), 1),
        (format!("Warning: v1 is old\n{yaml}"), 0),
    ] {
        assert_eq!(seen(&text), pods(&["a"]), "{text}");
        assert_eq!(with_document(&text, |document| document.skipped_lines), lines, "{text}");
    }
}

#[test]
fn of_a_watch_the_last_state_of_each_pod_counts() {
    let event = |kind: &str, uid: &str, version: u32| {
        format!(
            "{{\"type\":\"{kind}\",\"object\":{{\"kind\":\"Pod\",\"metadata\":{{\"name\":\"{uid}\",\"uid\":\
             \"{uid}\",\"resourceVersion\":\"{version}\"}}}}}}\n"
        )
    };
    let bookmark = "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"Pod\",\"metadata\":{\"resourceVersion\":\"9\"}}}\n";
    let error = "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410}}\n";
    let text = event("ADDED", "a", 1)
        + &event("ADDED", "b", 2)
        + bookmark
        + &event("MODIFIED", "a", 3)
        + &event("DELETED", "b", 4)
        + error;
    with_document(&text, |document| {
        assert_eq!((document.kind, document.error.as_ref()), (Kind::Events, None));
        let pods: Vec<_> =
            document.pods.iter().map(|it| (&*it.pod.resource_version, it.change)).collect();
        assert_eq!(pods, [("3", Some(Change::Modified)), ("4", Some(Change::Deleted))]);
        assert_eq!((&*document.others[0].kind, document.others.len()), ("Status", 1));
    });
    let yaml = "type: ADDED\nobject: {metadata: {name: a, uid: a}}\n---\ntype: BOOKMARK\nobject:\n  \
                kind: Pod\n  metadata: {resourceVersion: \"9\"}\n";
    assert_eq!(seen(yaml), Seen { kind: Kind::Events, ..pods(&["a"]) });
}

#[test]
fn of_a_watch_without_events_the_last_state_counts_too_but_of_a_list_each_item() {
    let state = |uid: &str, version: u32| {
        format!(
            "{{\"metadata\":{{\"name\":\"{uid}-{version}\",\"uid\":\"{uid}\",\"resourceVersion\":\"{version}\"}}}}"
        )
    };
    let states = [state("a", 1), state("b", 2), state("a", 3), state("b", 2)];
    assert_eq!(seen(states.join("\n")), pods(&["b-2", "a-3", "b-2"]));
    assert_eq!(seen(states.join("\n---\n")), pods(&["b-2", "a-3", "b-2"]));
    assert_eq!(seen(format!("[{}]", states.join(","))).pods.len(), 4);
}

#[test]
fn what_breaks_off_keeps_the_pods_before_the_break_and_after_it() {
    let (a, b) = (pod("a"), pod("b"));
    let list = format!("{{\"kind\":\"PodList\",\"items\":[\n{a},\n{b}");
    for (text, names, place) in [
        (list.clone(), &["a", "b"][..], list.len()),
        (list[..list.len() - 3].to_owned(), &["a"], list.len() - 3),
        (format!("{{\"type\":\"ADDED\",\"object\":{a}}}\n{{\"type\":\"ADDED\",\"obj"), &["a"], 0),
        (format!("{a}\n{{\"kind\":\"Pod\",\"metadata\":{{\"name\":\"x\n{b}\n"), &["a", "b"], 0),
        (format!("{a} x\n{b}\n"), &["a", "b"], a.len() + 1),
        (format!("{a}\n{{\"spec\":{{\"x\":[1,}}}}\n{b}\n"), &["a", "b"], 0),
        ("items:\n- metadata:\n    name: a\n- metadata:\n    name: [b\n".to_owned(), &["a"], 0),
        (
            "kind: Pod\nmetadata:\n  name: a\n---\na: b: c\n---\nkind: Pod\nmetadata: {name: b}\n"
                .to_owned(),
            &["a", "b"],
            0,
        ),
    ] {
        let found = seen(&text);
        assert_eq!(found.pods, names, "{text}");
        let (stage, at) = found.error.unwrap_or_else(|| panic!("{text}"));
        assert_eq!(stage, Stage::Json, "{text}");
        assert!(place == 0 && at > 0 || at == place, "{text} at {at}");
    }
}

#[test]
fn what_is_wrong_has_its_place() {
    for (text, stage, place, message) in [
        (
            "{\"kind\":\"Pod\",\n \"metadata\" 1}",
            Stage::Json,
            27,
            "expected \":\" after a member name, found \"1\"",
        ),
        ("kind: Pod\n---\nmetadata: *x\n", Stage::Json, 24, "`*x` names no anchor above it"),
        (
            "{\"kind\":\"Pod\",\"metadata\":{\"name\":\"a\"},\"spec\":{\"a\":[1,]}}x",
            Stage::Json,
            56,
            "expected nothing more in this document, found \"x\"",
        ),
        (
            "[{\"k\":\"/dubbo\",\"v\":1}]",
            Stage::Shape,
            19,
            "expected a string for \"v\", found a number",
        ),
        ("tri://10.0.0.1:x/a.B", Stage::Shape, 15, "expected a port number, found \"x\""),
    ] {
        with_document(text, |document| {
            let error = document.error.as_ref().unwrap_or_else(|| panic!("{text}"));
            assert_eq!((error.stage, error.offset), (stage, place), "{text}");
            assert_eq!(error.detail.text(Language::English), message, "{text}");
        });
    }
    for (bytes, place) in [(&b"{\"kind\":\"\xff\"}"[..], 9), (b"kind: \xff", 6)] {
        assert_eq!(seen(bytes).error, Some((Stage::Utf8, place)), "{bytes:?}");
    }
    let levels = (1..9)
        .map(|level| format!("a{level}: &a{level} [{}]\n", format!("*a{},", level - 1).repeat(10)));
    let bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned() + &levels.collect::<String>();
    with_document(&bomb, |document| assert!(document.error.as_ref().unwrap().refused));
}

#[test]
fn a_pod_that_cannot_be_read_stands_beside_the_others_with_its_place() {
    let json = r#"[{"kind":"Pod","metadata":{"name":"a","uid":7}},{"metadata":{"name":"b"}},{"metadata":{}}]"#;
    let yaml = "- kind: Pod\n  metadata:\n    name: a\n    uid: 7\n- metadata: {name: b}\n- metadata: {}\n";
    for (text, place) in [(json, 40), (yaml, 0)] {
        with_document(text, |document| {
            let errors: Vec<_> = document.pods.iter().map(|pod| pod.error.as_ref()).collect();
            let error = errors[0].unwrap();
            assert_eq!((error.expected, error.name.as_deref()), (Phrase::StringForUid, Some("a")));
            let at = document.pods[0].span.start + error.offset;
            assert!(text[at..].starts_with('7'), "{text} at {at}, not {place}");
            assert!(errors[1].is_none());
            assert_eq!(errors[2].unwrap().expected, Phrase::NameInMetadata);
        });
    }
}

#[test]
fn what_is_cut_out_of_something_else_is_read() {
    let (a, b) = ("kind: Pod\nmetadata: {name: a}\n", "kind: Pod\nmetadata: {name: b}\n");
    for (text, names) in [
        (format!("```yaml\n{a}```\n"), &["a"][..]),
        (format!("Here:\n\n```\n{a}```\n\nand\n\n```yaml\n{b}```\n"), &["a", "b"]),
        (format!("```json\n{}\n```\n", pod("a")), &["a"]),
        ("\"metadata\": {\"name\": \"a\"},".to_owned(), &["a"]),
    ] {
        assert_eq!(seen(&text), pods(names), "{text}");
    }
    for text in [
        format!("\"dubbo.io/annotation\": \"{VALUE}\",\n"),
        format!("\"annotations\": {{\n  \"dubbo.io/annotation\": \"{VALUE}\"\n}},"),
        format!("`{VALUE}`"),
        "[{\"x\":[1],\"k\":\"/dubbo\",\"v\":\"\"}]".to_owned(),
    ] {
        with_document(&text, |document| {
            assert_eq!(document.error, None, "{text}");
            assert_eq!(document.pods[0].pod.annotation.as_deref(), Some(VALUE), "{text}");
        });
    }
    for text in [format!("{VALUE} {VALUE}"), format!("{VALUE}\n{VALUE} {VALUE}\n")] {
        with_document(&text, |document| {
            let values = document.pods.iter().map(|pod| pod.pod.annotation.as_deref().unwrap());
            assert!(values.clone().count() > 1 && values.eq(text.split_whitespace()), "{text}");
        });
    }
}

#[test]
fn what_kubectl_says_instead_of_pods_is_recognised() {
    for (text, phrase) in [
        ("No resources found in shop namespace.\n", Phrase::KubectlNothing),
        ("Error from server (NotFound): pods \"a\" not found\n", Phrase::KubectlError),
        ("error: You must be logged in to the server (Unauthorized)\n", Phrase::KubectlError),
        ("The connection to the server 10.0.0.1:6443 was refused\n", Phrase::KubectlError),
    ] {
        with_document(text, |document| {
            let error = document.error.as_ref().unwrap();
            assert_eq!(
                (document.format, &error.detail),
                (Format::Printed, &Detail::Wrong(phrase, None))
            );
            assert_eq!(error.run.as_deref(), Some("kubectl get pods -A -o yaml"));
        });
    }
    let beside = format!("error: one of the Pods is gone\n{}\n", pod("a"));
    assert_eq!(seen(beside), pods(&["a"]), "and hides none that are there");
}

#[test]
fn records_stand_nowhere_as_the_annotation_that_they_become() {
    for text in ["[{\"k\":\"/dubbo\",\"v\":\"\"}]", "/dubbo"] {
        with_document(text, |document| {
            assert_eq!(document.kind, Kind::Records, "{text}");
            assert_eq!(document.pods[0].pod.annotation.as_deref(), Some(VALUE), "{text}");
            assert_eq!(document.pods[0].annotation, None, "{text}");
        });
    }
}

#[test]
fn bytes_of_its_own_are_read_as_those_that_are_lent() {
    let json = serde_json::to_string(&pod("用户")).unwrap();
    for bytes in
        [pod("a").into_bytes(), json.into_bytes(), utf16("kind: Pod", true, u16::to_be_bytes)]
    {
        let (own, lent) = (Source::of_owned(bytes.clone()).unwrap(), Source::of(&bytes).unwrap());
        assert_eq!((own.text(), own.is_string()), (lent.text(), lent.is_string()));
        assert_eq!((own.is_utf16(), own.place(3)), (lent.is_utf16(), lent.place(3)));
        let text = lent.text().to_owned();
        assert_eq!(own.into_text(), text);
    }
    assert_eq!(Source::of_owned(vec![0x1f, 0x8b, 8]).unwrap_err(), Refused::Gzip);
}

#[test]
fn damaged_packing_is_why_a_text_ends() {
    let message = |text: &str| {
        let source = Source::of(text.as_bytes()).unwrap().damaged();
        let error = source.read().error.unwrap();
        (error.offset, error.detail.text(Language::English))
    };
    let (whole, cut) = (pod("a"), "{\"kind\":");
    for text in [&*whole, cut] {
        assert_eq!(message(text), (text.len(), "the gzip data is cut short or damaged".to_owned()));
    }
    assert_ne!(message("{\"kind\":} {}").0, 12, "what is wrong before stays what is wrong");
}

#[test]
fn annotations_are_found_without_their_pod_with_their_place() {
    for text in [
        VALUE.to_owned(),
        format!("\n  {VALUE}\n"),
        format!("'{VALUE}'"),
        format!("\"{VALUE}\""),
        format!("dubbo.io/annotation: {VALUE}"),
        format!("dubbo.io/annotation={VALUE}"),
        format!("a=\"b\"\ndubbo.io/annotation=\"{VALUE}\"\nc=\"d\"\n"),
        format!("map[a:b dubbo.io/annotation:{VALUE} c:d]"),
        format!("annotations:\n  a: b\n  dubbo.io/annotation: >-\n    {VALUE}\n"),
        format!("{{\"dubbo.io/annotation\":\"{VALUE}\"}}"),
        format!("{{\"a\":\"b\",\"dubbo.io/annotation\":\"{VALUE}\"}}"),
        format!("{{\"annotations\":{{\"dubbo.io/annotation\":\"{VALUE}\"}}}}"),
        format!("--- {VALUE}\n"),
        format!(">-\n  {VALUE}\n"),
    ] {
        with_document(&text, |document| {
            assert_eq!((document.kind, &document.error), (Kind::Annotation, &None), "{text}");
            let pod = &document.pods[0];
            assert_eq!(pod.pod.annotation.as_deref(), Some(VALUE), "{text}");
            let place = pod.annotation.clone().unwrap();
            assert!(text[place].contains(VALUE), "{text}");
        });
    }
    let wrapped = format!("{}\n{}", &VALUE[..12], &VALUE[12..]);
    with_document(&wrapped, |document| assert_eq!(document.pods.len(), 1));
    let several = format!("{VALUE}\n\n{VALUE}\n");
    assert_eq!(seen(&several), pods(&["", ""]));
}

#[test]
fn a_pod_in_yaml_is_found_where_it_stands() {
    let text = format!(
        "# 注释\nitems:\n- kind: Pod\n  metadata:\n    name: a\n    annotations:\n      a: bc\n      \
         dubbo.io/annotation: \"{VALUE}\"\n- kind: Pod\n  metadata: {{name: b}}\n"
    );
    with_document(&text, |document| {
        let [a, b] = &document.pods[..] else { panic!("{document:?}") };
        assert!(text[a.span.clone()].starts_with("kind: Pod\n  metadata:\n    name: a"));
        assert_eq!(&text[a.annotation.clone().unwrap()], format!("\"{VALUE}\""));
        assert_eq!((a.annotated, a.other_annotation_bytes), (true, 3));
        assert_eq!(a.annotation_bytes(), 3 + "dubbo.io/annotation".len() + VALUE.len());
        assert!(text[b.span.clone()].starts_with("kind: Pod\n  metadata: {name: b}"));
        assert_eq!((b.annotated, &b.annotation), (false, &None));
    });
}

fn keys(text: &str) -> Vec<String> {
    with_document(text, |document| {
        assert_eq!((document.kind, &document.error), (Kind::Records, &None), "{text}");
        let value = document.pods[0].pod.annotation.as_deref().unwrap();
        let annotation = Annotation::decode(value).unwrap();
        annotation.records().map(|record| record.key.to_owned()).collect()
    })
}

#[test]
fn records_urls_and_keys_are_read_as_the_annotation_they_become() {
    let url = "tri://10.0.0.1:50051/a.B?side=provider&weight=50";
    let escaped = "tri%3A%2F%2F10.0.0.1%3A50051%2Fa.B%3Fside%3Dprovider%26weight%3D50";
    let key = format!("/dubbo/a.B/providers/{escaped}");
    let record = format!("{{\"k\":\"{key}\",\"v\":\"\"}}");
    for text in [
        url.to_owned(),
        format!("\"{url}\",\r\n"),
        escaped.to_owned(),
        escaped.replace("%3A%2F", "%3a%2f").replace("%3a", "%3A"),
        key.clone(),
        format!("'{key}'"),
        format!("[{escaped}]"),
        format!("[{record}]"),
        format!("[{{\\\"k\\\":\\\"{key}\\\",\\\"v\\\":\\\"\\\"}}]"),
        format!("- k: {key}\n  v: \"\"\n"),
    ] {
        let keys = keys(&text);
        assert_eq!(keys.len(), 1, "{text}");
        assert!(keys[0].eq_ignore_ascii_case(&key), "{text} {keys:?}");
    }
    let consumer = "consumer://10.0.0.2/a.B?category=providers";
    let several = keys(&format!("{url}\n\n{key}\n{consumer}\n"));
    assert_eq!(several.len(), 3);
    assert!(several[2].starts_with("/dubbo/a.B/consumers/consumer%3A"));
    assert_eq!(keys(&format!("[{escaped}, {escaped}]")).len(), 2);
    assert_eq!(keys("/other/a.B/routers/route%3A%2F%2F0.0.0.0%2Fa.B").len(), 1);
    assert_eq!(keys("/dubbo/wrong/key/of/a/path"), ["/dubbo/wrong/key/of/a/path"]);
}

#[test]
fn metadata_of_java_is_read_alone_and_in_a_pod() {
    let metadata =
        r#"{"dubbo.endpoints":"[{\"port\":20880,\"protocol\":\"dubbo\"}]","meta-v":"1"}"#;
    let string = serde_json::to_string(metadata).unwrap();
    for text in [
        metadata.to_owned(),
        format!("io.dubbo/metadata: {string}\n"),
        format!("{{\"io.dubbo/metadata\":{string}}}"),
        format!("io.dubbo/metadata={string}\n"),
        string.clone(),
    ] {
        with_document(&text, |document| {
            assert_eq!(document.kind, Kind::Metadata, "{text}");
            assert_eq!(document.pods[0].metadata.as_deref(), Some(metadata), "{text}");
        });
    }
    let pod = format!(
        "{{\"metadata\":{{\"name\":\"a\",\"annotations\":{{\"io.dubbo/metadata\":{string}}}}}}}"
    );
    with_document(&pod, |document| {
        assert_eq!(document.kind, Kind::Pods);
        assert_eq!(document.pods[0].metadata.as_deref(), Some(metadata));
    });
}

#[test]
fn what_kubectl_prints_for_people_names_the_command_that_prints_it_whole() {
    let described = std::str::from_utf8(saved!("describe.txt")).unwrap();
    let table = "NAME        READY   STATUS    RESTARTS   AGE\ngreeter-0   1/1     Running   0          5d\n";
    for (text, phrase, run) in [
        (
            described.to_owned(),
            Phrase::KubectlDescribe,
            "kubectl get pod greeter-0 -n shop -o yaml",
        ),
        (
            described.replace('\n', "\r\n"),
            Phrase::KubectlDescribe,
            "kubectl get pod greeter-0 -n shop -o yaml",
        ),
        (
            format!("$ kubectl describe pod\n{described}"),
            Phrase::KubectlDescribe,
            "kubectl get pod greeter-0 -n shop -o yaml",
        ),
        (
            "Name:   $(x)\nNamespace:   shop\n".to_owned(),
            Phrase::KubectlDescribe,
            "kubectl get pod NAME -n shop -o yaml",
        ),
        (table.to_owned(), Phrase::KubectlTable, "kubectl get pods -o yaml"),
        (
            format!("$ kubectl get po -A\nNAMESPACE   {table}"),
            Phrase::KubectlTable,
            "kubectl get pods -A -o yaml",
        ),
    ] {
        with_document(&text, |document| {
            assert_eq!((document.format, document.pods.len()), (Format::Printed, 0), "{text}");
            let error = document.error.as_ref().unwrap();
            assert_eq!(error.detail, Detail::Wrong(phrase, None));
            assert_eq!(error.run.as_deref(), Some(run));
        });
    }
}

#[test]
fn what_is_packed_is_for_the_host() {
    assert_eq!(Source::of(b"\x1f\x8b\x08\0").unwrap_err(), Refused::Gzip);
    assert_eq!(Refused::Gzip.to_string(), "compressed with gzip");
}

#[test]
fn what_is_no_base64_is_still_taken_for_an_annotation() {
    for text in ["!", "|", "#", "%", "&", "W3s!", "dubbo.io/annotation"] {
        assert_eq!(seen(text).kind, Kind::Annotation, "{text}");
    }
}

#[test]
fn nothing_is_nothing() {
    for text in ["", " \n\t", "\u{feff}"] {
        assert_eq!(seen(text).kind, Kind::Empty, "{text:?}");
    }
}

/// Three Pods in each of the forms that break off.
fn forms() -> Vec<String> {
    let [a, b, c] = ["a", "b", "用户"].map(pod);
    let event = |pod: &str| format!("{{\"type\":\"ADDED\",\"object\":{pod}}}\n");
    vec![
        format!("{a}\n{b}\n{c}\n"),
        format!("{{\"kind\":\"PodList\",\"items\":[{a},{b},\n{c}]}}"),
        [&a, &b, &c].map(|pod| event(pod)).concat(),
        format!("kind: List\nitems:\n- {a}\n- {b}\n- {c}\n"),
        format!("---\n{a}\n---\n{b}\n---\n{c}\n"),
    ]
}

#[test]
fn wherever_a_text_breaks_off_the_pods_before_are_read() {
    for text in forms() {
        for end in 0..text.len() {
            let cut = &text.as_bytes()[..end];
            let found = seen(cut);
            let named: Vec<_> = found.pods.iter().filter(|name| !name.is_empty()).collect();
            let complete: Vec<_> = ["a", "b", "用户"]
                .into_iter()
                .filter(|name| text.find(&pod(name)).is_some_and(|at| at + pod(name).len() <= end))
                .collect();
            assert_eq!(named, complete, "{text} up to {end}");
            if let Some((_, at)) = found.error {
                assert!(at <= end, "{text} up to {end}: {at}");
            }
        }
    }
}

proptest! {
    #[test]
    fn no_text_panics_and_every_place_lies_in_it(
        text in "([{}\\[\\]\",:|>#&*!%=/ \\n\\\\'-]|kind|Pod|List|items|metadata|name|annotations|object|type|ADDED|dubbo.io/annotation|W10=|---|a|用|==== START logs |==== END logs |://|\u{feff}){0,40}"
    ) {
        let source = Source::of(text.as_bytes()).unwrap();
        let document = source.read();
        let length = source.text().len();
        for pod in &document.pods {
            let places = [Some(pod.span.clone()), pod.annotation.clone()];
            for place in places.into_iter().flatten() {
                prop_assert!(source.text().get(place.clone()).is_some(), "{place:?}");
            }
        }
        let error = document.error.as_ref().map(|error| error.offset);
        prop_assert!(error.is_none_or(|at| at <= length));
        prop_assert!(document.others.iter().all(|it| it.offset <= length && it.count > 0));
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60), mark in 0..4usize) {
        let marks: [&[u8]; 4] = [b"", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf"];
        let bytes = [marks[mark], &bytes].concat();
        if let Ok(source) = Source::of(&bytes) {
            let document = source.read();
            if let Some(error) = document.error {
                prop_assert!(source.place(error.offset) <= bytes.len());
            }
        }
    }
}
