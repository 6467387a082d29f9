//! Pods, watch events and lists: what a real kube-apiserver sent, and a deliberately plain reader
//! of the same things, which the scanning one must agree with on any JSON.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests are tests"
)]

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::net::IpAddr;

use dubbo_k8s_codec::{
    ANNOTATION, LABEL, ListError, ListMeta, ListReader, Pod, PodError, Stage, Status, WatchEvent,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

macro_rules! capture {
    ($name:literal) => {
        include_bytes!(concat!("data/captures/", $name)).as_slice()
    };
}

const LISTS: [&[u8]; 5] = [
    capture!("01a-list-json.json"),
    capture!("02a-list-limit2-page1.json"),
    capture!("04a-list-metadata.json"),
    capture!("16a-list-malformed.json"),
    capture!("17a-list-unicode.json"),
];

const WATCHES: [&[u8]; 3] = [
    capture!("07a-watch-selector.jsonl"),
    capture!("09c-watchlist-selector-metadata.jsonl"),
    capture!("16d-watch-malformed-metadata.jsonl"),
];

/// The same Pod, read the plain way. An error is an error, whatever it says.
fn plain(object: &Value) -> Result<Pod<'static>, ()> {
    let members = |value: &Value| match value {
        Value::Null => Ok(Map::new()),
        Value::Object(members) => Ok(members.clone()),
        _ => Err(()),
    };
    let text = |members: &Map<String, Value>, name: &str| match members.get(name) {
        None | Some(Value::Null) => Ok(None::<Cow<'static, str>>),
        Some(Value::String(text)) => Ok(Some(text.clone().into())),
        Some(_) => Err(()),
    };
    let object = object.as_object().ok_or(())?;
    if !matches!(text(object, "kind")?.as_deref(), None | Some("Pod" | "PartialObjectMetadata")) {
        return Err(());
    }
    let metadata = members(object.get("metadata").unwrap_or(&Value::Null))?;
    let labels = members(metadata.get("labels").unwrap_or(&Value::Null))?;
    let annotations = members(metadata.get("annotations").unwrap_or(&Value::Null))?;
    text(&annotations, "k8s.io/initial-events-end")?;
    let status = object.get("status").unwrap_or(&Value::Null);
    let mut ready = status.is_object().then_some(false);
    let status = members(status)?;
    match status.get("conditions") {
        None | Some(Value::Null) => {}
        Some(Value::Array(conditions)) => {
            for condition in conditions {
                let condition = members(condition)?;
                let is = text(&condition, "status")?;
                if text(&condition, "type")?.as_deref() == Some("Ready") {
                    ready = Some(is.as_deref() == Some("True"));
                }
            }
        }
        Some(_) => return Err(()),
    }
    let addresses = |one: &str, more: &str| -> Result<Vec<IpAddr>, ()> {
        let elements = match status.get(more) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(elements)) => elements.clone(),
            Some(_) => return Err(()),
        };
        let elements = elements.iter().map(|element| text(&members(element)?, "ip"));
        let texts =
            elements.collect::<Result<Vec<_>, _>>()?.into_iter().chain([text(&status, one)?]);
        let ips: BTreeSet<IpAddr> = texts.flatten().filter_map(|text| text.parse().ok()).collect();
        Ok(ips.into_iter().collect())
    };
    Ok(Pod {
        namespace: text(&metadata, "namespace")?.unwrap_or_default(),
        name: text(&metadata, "name")?.filter(|name| !name.is_empty()).ok_or(())?,
        uid: text(&metadata, "uid")?.unwrap_or_default(),
        resource_version: text(&metadata, "resourceVersion")?.unwrap_or_default(),
        label: text(&labels, LABEL)?,
        annotation: text(&annotations, ANNOTATION)?,
        phase: text(&status, "phase")?,
        deleting: text(&metadata, "deletionTimestamp")?.is_some(),
        ready,
        ips: addresses("podIP", "podIPs")?,
        host_ips: addresses("hostIP", "hostIPs")?,
    })
}

/// The same Pod with its addresses sorted: the plain reader does not know the order of members.
fn sorted(mut pod: Pod<'_>) -> Pod<'_> {
    pod.ips.sort_unstable();
    pod.host_ips.sort_unstable();
    pod
}

fn sorted_event(event: WatchEvent<'_>) -> WatchEvent<'_> {
    match event {
        WatchEvent::Added(pod) => WatchEvent::Added(sorted(pod)),
        other => other,
    }
}

/// Reads a list in chunks of the given lengths, over and over.
fn read_list(body: &[u8], lengths: &[usize]) -> Result<(Vec<Vec<u8>>, ListMeta), ListError> {
    let mut reader = ListReader::new();
    let mut items = Vec::new();
    let mut rest = body;
    for length in lengths.iter().cycle() {
        let (mut chunk, tail) = rest.split_at((*length).min(rest.len()));
        while let Some(item) = reader.next(&mut chunk)? {
            items.push(item.to_vec());
        }
        rest = tail;
        if rest.is_empty() {
            break;
        }
    }
    Ok((items, reader.finish()?))
}

#[test]
fn another_member_than_items_may_be_the_list() {
    let mut reader = ListReader::new().of_member("pods");
    let mut chunk = &br#"{"items":[0],"revision":"r","pods":[{"a":1},2]}"#[..];
    let mut items = Vec::new();
    while let Some(item) = reader.next(&mut chunk).unwrap() {
        items.push(item.to_vec());
    }
    assert_eq!(items, [&b"{\"a\":1}"[..], b"2"]);
    assert!(reader.finish().is_ok());
    assert!(ListReader::new().of_member("pods").finish().is_err());
}

#[test]
fn captured_lists_give_what_a_plain_reader_finds() {
    for body in LISTS {
        let whole: Value = serde_json::from_slice(body).unwrap();
        let (items, meta) = read_list(body, &[usize::MAX]).unwrap();
        let expected = whole["items"].as_array().unwrap();
        assert_eq!(items.len(), expected.len());
        for (item, expected) in items.iter().zip(expected) {
            assert_eq!(sorted(Pod::parse(item).unwrap()), plain(expected).unwrap());
        }
        assert_eq!(meta.kind, whole["kind"].as_str().unwrap());
        assert_eq!(meta.resource_version, whole["metadata"]["resourceVersion"].as_str().unwrap());
        assert_eq!(meta.continue_token.as_deref(), whole["metadata"]["continue"].as_str());
        assert_eq!(meta.remaining, whole["metadata"]["remainingItemCount"].as_u64());
    }
}

#[test]
fn a_captured_list_may_be_cut_anywhere() {
    let body = capture!("04a-list-metadata.json");
    let whole = read_list(body, &[usize::MAX]).unwrap();
    for length in (1..80).chain([2048, 4096, body.len() - 1]) {
        assert_eq!(read_list(body, &[length]).unwrap(), whole, "chunks of {length}");
    }
}

#[test]
fn captured_watches_give_what_a_plain_reader_finds() {
    for body in WATCHES {
        for line in body.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            let value: Value = serde_json::from_slice(line).unwrap();
            let event = WatchEvent::parse(line).unwrap();
            let (kind, pod) = match &event {
                WatchEvent::Added(pod) => ("ADDED", pod),
                WatchEvent::Modified(pod) => ("MODIFIED", pod),
                WatchEvent::Deleted(pod) => ("DELETED", pod),
                WatchEvent::Bookmark { resource_version, .. } => {
                    assert_eq!(value["type"], "BOOKMARK");
                    assert_eq!(value["object"]["metadata"]["resourceVersion"], **resource_version);
                    continue;
                }
                other => panic!("{other:?}"),
            };
            assert_eq!(value["type"], kind);
            assert_eq!(sorted(pod.clone()), plain(&value["object"]).unwrap());
        }
    }
}

#[test]
fn bookmarks_tell_the_end_of_the_initial_events_by_the_value() {
    let marks = |body: &[u8]| -> Vec<bool> {
        let lines = body.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        lines
            .filter_map(|line| match WatchEvent::parse(line).unwrap() {
                WatchEvent::Bookmark { initial_events_end, .. } => Some(initial_events_end),
                _ => None,
            })
            .collect()
    };
    assert_eq!(
        marks(capture!("07j-watch-no-rv-bookmark-cadence.jsonl")),
        [true, false, false, false, false]
    );
    for (value, end) in [("\"true\"", true), ("\"false\"", false), ("null", false)] {
        let line = format!(
            r#"{{"type":"BOOKMARK","object":{{"metadata":{{"resourceVersion":"7","annotations":{{"k8s.io/initial-events-end":{value}}}}}}}}}"#
        );
        assert_eq!(marks(line.as_bytes()), [end]);
    }
}

#[test]
fn statuses_come_as_events_and_as_bodies() {
    let line = capture!("10h-watch-future-initial-events.jsonl");
    let Ok(WatchEvent::Error(status)) = WatchEvent::parse(line) else { panic!() };
    assert!(status.is_resource_version_too_large());
    assert_eq!(status.retry_after_seconds, Some(1));
    assert_eq!(Status::parse(capture!("10d-list-future.json")).unwrap().code, 504);

    let pretty = capture!("03c-list-continue-expired-410-metadata.json");
    let status = Status::parse(pretty).unwrap();
    assert!(status.is_expired() && status.continue_token.is_some());
    assert!(Status::parse(capture!("19a-list-429.json")).is_err());
}

#[test]
fn the_object_may_come_before_its_type() {
    let object = r#""object":{"kind":"Pod","metadata":{"name":"a","namespace":"n"}}"#;
    let event = format!(r#"{{{object},"type":"DELETED"}}"#);
    assert!(
        matches!(WatchEvent::parse(event.as_bytes()), Ok(WatchEvent::Deleted(pod)) if pod.name == "a")
    );
    let event = r#"{"object":{"kind":"Status","code":410,"reason":"Expired"},"type":"ERROR"}"#;
    assert!(
        matches!(WatchEvent::parse(event.as_bytes()), Ok(WatchEvent::Error(s)) if s.is_expired())
    );
}

#[test]
fn a_broken_object_still_says_whose_it_is() {
    let of = |error: &PodError| {
        [&error.namespace, &error.name, &error.uid, &error.resource_version]
            .map(|text| text.as_deref().unwrap_or("?").to_owned())
    };
    for (object, stage, offset, whose) in [
        (
            r#"{"metadata":{"labels":5,"name":"a","namespace":"n","uid":"u","resourceVersion":"7"}}"#,
            Stage::Shape,
            22,
            ["n", "a", "u", "7"],
        ),
        (
            r#"{"metadata":{"name":"a","namespace":"n","annotations":{"dubbo.io/annotation":{}}}}"#,
            Stage::Shape,
            77,
            ["n", "a", "?", "?"],
        ),
        (
            r#"{"kind":"Node","metadata":{"name":"a","uid":"u"}}"#,
            Stage::Shape,
            0,
            ["?", "a", "u", "?"],
        ),
        (r#"{"metadata":{"namespace":"n","uid":"u"}}"#, Stage::Shape, 0, ["n", "?", "u", "?"]),
        (r#"{"metadata":{"name":"a","uid":"#, Stage::Json, 30, ["?", "a", "?", "?"]),
        (r#"{"metadata":{"name":"a"}} x"#, Stage::Json, 26, ["?", "a", "?", "?"]),
        (r#"{"metadata":{"name":7}}"#, Stage::Shape, 20, ["?", "?", "?", "?"]),
        ("[]", Stage::Shape, 0, ["?", "?", "?", "?"]),
        ("", Stage::Json, 0, ["?", "?", "?", "?"]),
    ] {
        let error = Pod::parse(object.as_bytes()).unwrap_err();
        assert_eq!((error.stage, error.offset), (stage, offset), "{object}: {error}");
        assert_eq!(of(&error), whose, "{object}");
    }
    let line = br#"{"type":"MODIFIED","object":{"metadata":{"name":"a","labels":[],"resourceVersion":"9"}}}"#;
    let error = WatchEvent::parse(line).unwrap_err();
    assert_eq!((error.offset, of(&error)), (61, ["?", "a", "?", "9"].map(str::to_owned)));
    let error = Pod::parse(b"{\"metadata\":{\"name\":\"a\xff\"}}").unwrap_err();
    assert_eq!((error.stage, error.offset), (Stage::Utf8, 22));
}

#[test]
fn unknown_events_are_errors() {
    for line in [
        r#"{"type":"NEWS","object":{"metadata":{"name":"a"}}}"#,
        r#"{"object":{"metadata":{"name":"a"}}}"#,
        "{}",
        "null",
        "x",
        r#"{"type":"BOOKMARK","object":{}}"#,
    ] {
        assert!(WatchEvent::parse(line.as_bytes()).is_err(), "{line}");
    }
}

#[test]
fn lists_come_in_many_forms() {
    for (body, items) in [
        (r#"{"items":[]}"#, 0),
        (r#"{"items":null,"metadata":{}}"#, 0),
        (r#"{"kind":"PodList","metadata":{"resourceVersion":"7"}}"#, 0),
        (
            r#" { "metadata" : { "resourceVersion" : "7" } , "items" : [ {} , {"a":"]}"} , null , 5 ] , "x" : [{}] } "#,
            4,
        ),
        (
            r#"{"x":"a\"b","y":-1.5e3,"z":true,"items":[{"a":[1,{"b":"\\"}]}],"metadata":null,"kind":null}"#,
            1,
        ),
        (r#"{"\u0069tems":[{}]}"#, 1),
    ] {
        for length in [1, 2, 3, 1000] {
            let (found, _) = read_list(body.as_bytes(), &[length]).unwrap();
            assert_eq!(found.len(), items, "{body}");
        }
    }
}

#[test]
fn what_is_no_list_is_refused_in_its_place() {
    for (body, at) in [
        ("", 0),
        ("[]", 0),
        ("Too many requests", 0),
        (r#"{"items":{}}"#, 9),
        (r#"{"items":[{}]"#, 13),
        (r#"{"items":[{}"#, 12),
        (r#"{"items":[{},]}"#, 13),
        (r#"{"items":[{}{}]}"#, 12),
        (r#"{"items":[] x"#, 12),
        (r#"{"items":[]} x"#, 13),
        (r#"{"items" []}"#, 9),
        (r#"{"metadata":{"resourceVersion":7},"items":[]}"#, 33),
        (r#"{"kind":"Status"}"#, 0),
        (r"{items:[]}", 1),
    ] {
        for length in [1, 1000] {
            let error = read_list(body.as_bytes(), &[length]).unwrap_err();
            assert_eq!(error.offset, at, "{body}: {error}");
        }
    }
}

#[test]
fn an_item_that_is_too_large_is_refused_before_it_is_held() {
    let body = format!(r#"{{"items":[{{"a":"{}"}}]}}"#, "x".repeat(1000));
    for length in [1, 100, 5000] {
        let mut reader = ListReader::with_max_item(500);
        let refused =
            body.as_bytes().chunks(length).any(|mut chunk| reader.next(&mut chunk).is_err());
        assert!(refused);
    }
}

#[test]
fn an_item_that_is_too_large_hides_no_other_where_it_may_be_cut() {
    let large = format!(r#"{{"name":"large","a":"{}"}}"#, "x".repeat(9000));
    let body = format!(r#"{{"items":[{{"a":1}},{large},{{"b":2}},{large},{{"c":3}}],"kind":"L"}}"#);
    for length in [1, 100, 4095, 4097, 50_000] {
        for limit in [50, 8000] {
            let mut reader = ListReader::with_max_item(limit).cutting();
            let mut items = Vec::new();
            for mut chunk in body.as_bytes().chunks(length) {
                while let Some(item) = reader.next(&mut chunk).unwrap() {
                    items.push(String::from_utf8(item.to_vec()).unwrap());
                }
            }
            let start = large[..4096.min(limit)].to_owned();
            let expected = [
                r#"{"a":1}"#.to_owned(),
                start.clone(),
                r#"{"b":2}"#.to_owned(),
                start,
                r#"{"c":3}"#.to_owned(),
            ];
            assert_eq!(items, expected, "{length} {limit}");
            assert!(reader.finish().is_ok());
        }
    }
}

/// JSON of any shape.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        r#"[a-z"\\\[\]{},:\né ]{0,12}"#.prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((r#"[a-z"{\\]{0,4}"#, inner), 0..4).prop_map(object),
        ]
    })
}

fn object(members: Vec<(String, Value)>) -> Value {
    Value::Object(members.into_iter().collect())
}

/// An object with some of these members, now and then of another type.
fn some_of(members: Vec<(&'static str, BoxedStrategy<Value>)>) -> impl Strategy<Value = Value> {
    let members: Vec<_> = members
        .into_iter()
        .map(|(name, value)| {
            let value = prop_oneof![12 => value.prop_map(Some), 4 => Just(None), 1 => any_json().prop_map(Some)];
            value.prop_map(move |value| value.map(|value| (name.to_owned(), value)))
        })
        .collect();
    (members, any_json()).prop_map(|(members, odd)| {
        let odd = Some(("odd".to_owned(), odd));
        object(members.into_iter().chain([odd]).flatten().collect())
    })
}

fn text() -> BoxedStrategy<Value> {
    r#"[a-z"\\{é\n]{0,6}"#.prop_map(Value::from).boxed()
}

fn one_of(texts: &'static [&'static str]) -> BoxedStrategy<Value> {
    prop::sample::select(texts).prop_map(Value::from).boxed()
}

fn any_pod() -> impl Strategy<Value = Value> {
    let labels = some_of(vec![(LABEL, text()), ("app", text())]).boxed();
    let annotations =
        some_of(vec![("k8s.io/initial-events-end", text()), (ANNOTATION, text())]).boxed();
    let metadata = some_of(vec![
        ("name", one_of(&["a", "b", "\u{e9}\"{"])),
        ("namespace", text()),
        ("uid", text()),
        ("resourceVersion", text()),
        ("deletionTimestamp", one_of(&["2026-11-22T11:33:28Z"])),
        ("labels", labels),
        ("annotations", annotations),
        ("managedFields", any_json().boxed()),
    ])
    .boxed();
    let condition = some_of(vec![
        ("type", one_of(&["Ready", "Initialized"])),
        ("status", one_of(&["True", "False"])),
    ]);
    let conditions = prop::collection::vec(condition, 0..3).prop_map(Value::from).boxed();
    let ip = || one_of(&["10.1.2.3", "fd00::1", "FD00::1", "10.1.2", ""]);
    let ips = || {
        let elements = prop::collection::vec(some_of(vec![("ip", ip())]), 0..3);
        elements.prop_map(Value::from).boxed()
    };
    let status = some_of(vec![
        ("phase", one_of(&["Running", "Failed"])),
        ("conditions", conditions),
        ("podIP", ip()),
        ("podIPs", ips()),
        ("hostIP", ip()),
        ("hostIPs", ips()),
    ])
    .boxed();
    some_of(vec![
        ("kind", one_of(&["Pod", "PartialObjectMetadata"])),
        ("metadata", metadata),
        ("spec", any_json().boxed()),
        ("status", status),
    ])
}

proptest! {
    #[test]
    fn any_pod_is_read_as_the_plain_reader_does(object in any_pod(), pretty: bool) {
        let text = if pretty { serde_json::to_string_pretty(&object) } else { serde_json::to_string(&object) };
        let text = text.unwrap();
        prop_assert_eq!(Pod::parse(text.as_bytes()).map(sorted).map_err(drop), plain(&object));
        let line = json!({"type": "ADDED", "object": object}).to_string();
        let event = WatchEvent::parse(line.as_bytes());
        prop_assert_eq!(event.map(sorted_event).map_err(drop), plain(&object).map(WatchEvent::Added));
    }

    #[test]
    fn a_damaged_pod_never_panics_and_agrees_while_it_is_json(object in any_pod(), at: usize, byte: u8) {
        let mut text = object.to_string().into_bytes();
        let at = at % text.len();
        text[at] = byte;
        let read = Pod::parse(&text);
        if let Ok(value) = serde_json::from_slice::<Value>(&text) {
            prop_assert_eq!(read.map(sorted).map_err(drop), plain(&value));
        }
    }

    #[test]
    fn any_list_may_be_cut_anywhere(
        items in prop::collection::vec(any_json(), 0..6),
        odd in any_json(),
        order in Just(["items", "metadata", "kind", "odd"]).prop_shuffle(),
        lengths in prop::collection::vec(1_usize..40, 1..20),
        pretty: bool,
    ) {
        let show = |value: &Value| if pretty { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) }.unwrap();
        let list = Value::from(items.clone());
        let metadata = json!({"resourceVersion": "7", "continue": "c\"}", "remainingItemCount": 3, "x": odd});
        let kind = json!("PodList");
        let members = order.map(|name| {
            let value = match name { "items" => &list, "metadata" => &metadata, "kind" => &kind, _ => &odd };
            format!("\"{name}\":{}", show(value))
        });
        let body = format!("{{{}}}", members.join(","));
        let (found, meta) = read_list(body.as_bytes(), &lengths).unwrap();
        let found: Vec<Value> = found.iter().map(|item| serde_json::from_slice(item).unwrap()).collect();
        prop_assert_eq!(found, items);
        prop_assert_eq!((meta.resource_version.as_str(), meta.remaining), ("7", Some(3)));
        prop_assert_eq!(meta.continue_token.as_deref(), Some("c\"}"));
    }

    #[test]
    fn no_bytes_panic(body: Vec<u8>, lengths in prop::collection::vec(1_usize..40, 1..20)) {
        let _ = (Pod::parse(&body), WatchEvent::parse(&body), Status::parse(&body));
        let _ = read_list(&body, &lengths);
    }
}
