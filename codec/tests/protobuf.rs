//! Kubernetes' protobuf as a real kube-apiserver 1.36 sent it, beside the JSON of the same Pods and changes; and what
//! is no protobuf, each in its place.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests are tests"
)]

use dubbo_k8s_codec::problem::Phrase;
use dubbo_k8s_codec::protobuf::{
    self, Event, FrameReader, Message, Object, parse_event, parse_item, parse_pod, parse_status,
};
use dubbo_k8s_codec::{Found, ListMeta, ListReader, Pod, PodError, Stage, WatchEvent};
use serde_json::Value;

macro_rules! capture {
    ($name:literal) => {
        include_bytes!(concat!("data/captures/", $name)).as_slice()
    };
}

const LIST: &[u8] = capture!("21a-list-protobuf.bin");
const WATCH: &[u8] = capture!("22a-watch-protobuf.bin");
const GET: &[u8] = capture!("21f-get-protobuf.bin");

fn items(body: &[u8], size: usize) -> (Vec<Vec<u8>>, ListMeta) {
    let mut reader = protobuf::ListReader::new();
    let mut items = Vec::new();
    for mut chunk in body.chunks(size) {
        while let Some(item) = reader.next(&mut chunk).unwrap() {
            items.push(item.bytes().to_vec());
        }
    }
    (items, reader.finish().unwrap())
}

fn json_items(body: &[u8]) -> (Vec<Vec<u8>>, ListMeta) {
    let (mut reader, mut chunk, mut items) = (ListReader::new(), body, Vec::new());
    while let Some(item) = reader.next(&mut chunk).unwrap() {
        items.push(item.to_vec());
    }
    (items, reader.finish().unwrap())
}

fn frames(body: &[u8], size: usize) -> Vec<Vec<u8>> {
    let (mut reader, mut frames) = (FrameReader::new(16 << 20), Vec::new());
    for mut chunk in body.chunks(size) {
        while let Some(frame) = reader.next(&mut chunk).unwrap() {
            let Message::Whole(frame) = frame else { panic!("{frame:?}") };
            frames.push(frame.to_vec());
        }
    }
    reader.finish().unwrap();
    frames
}

fn lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    body.split(|&byte| byte == b'\n').filter(|line| !line.is_empty())
}

/// Which bookmarks end the initial events, and the other events. How far the server was when it sent a bookmark
/// differs from one recording to the other.
fn apart(events: Vec<WatchEvent<'_>>) -> (Vec<bool>, Vec<WatchEvent<'_>>) {
    let mut marks = Vec::new();
    let mut pods = Vec::new();
    for event in events {
        match event {
            WatchEvent::Bookmark { initial_events_end, .. } => marks.push(initial_events_end),
            other => pods.push(other),
        }
    }
    (marks, pods)
}

/// A field with a length.
fn field(number: u8, value: &[u8]) -> Vec<u8> {
    let length = u8::try_from(value.len()).unwrap();
    assert!(number < 16 && length < 0x80);
    [&[number << 3 | 2, length], value].concat()
}

fn envelope(kind: &str, raw: &[u8]) -> Vec<u8> {
    [b"k8s\0".to_vec(), field(1, &field(2, kind.as_bytes())), field(2, raw)].concat()
}

fn pod(name: &str) -> Vec<u8> {
    field(1, &field(1, name.as_bytes()))
}

#[test]
fn captured_lists_give_the_pods_of_their_json() {
    let (json, json_meta) = json_items(capture!("21a-list-json.json"));
    let (found, meta) = items(LIST, usize::MAX);
    let mut addresses = 0;
    assert_eq!(found.len(), json.len());
    for (item, json) in found.iter().zip(&json) {
        let pod = parse_item(Message::Whole(item)).unwrap();
        addresses += usize::from(!pod.ips.is_empty() && !pod.host_ips.is_empty());
        assert_eq!(pod, Pod::parse(json).unwrap());
    }
    assert!(addresses > 3);
    assert_eq!(meta, json_meta);
}

#[test]
fn a_captured_list_may_be_cut_anywhere() {
    let whole = items(LIST, usize::MAX);
    for size in (1..80).chain([2048, 4096, LIST.len() - 1]) {
        assert_eq!(items(LIST, size), whole, "chunks of {size}");
    }
}

#[test]
fn a_page_names_the_next_and_an_empty_list_has_a_version() {
    let (found, meta) = items(capture!("21d-list-protobuf-limit2-page1.bin"), 100);
    assert_eq!((found.len(), meta.resource_version.as_str()), (2, "27316"));
    assert!(meta.continue_token.is_some_and(|token| token.starts_with("eyJ2Ij")));
    let (found, meta) = items(capture!("21e-list-protobuf-empty.bin"), 7);
    assert_eq!((found.len(), meta.continue_token), (0, None));
    assert_eq!((meta.kind.as_str(), meta.resource_version.as_str()), ("PodList", "27316"));
}

#[test]
fn captured_watches_give_the_changes_of_their_json() {
    let twins = [
        (WATCH, capture!("22a-watch-json.jsonl")),
        (capture!("22f-watchlist-protobuf.bin"), capture!("22f-watchlist-json.jsonl")),
    ];
    for (body, json) in twins {
        let whole = frames(body, usize::MAX);
        let json: Vec<_> = lines(json).map(|line| WatchEvent::parse(line).unwrap()).collect();
        let found: Vec<_> =
            whole.iter().map(|frame| parse_event(Message::Whole(frame)).unwrap()).collect();
        let (marks, pods) = apart(found);
        let (json_marks, json_pods) = apart(json);
        assert!(pods.len() > 3 && marks.contains(&true) == (body != WATCH));
        assert_eq!((marks, pods), (json_marks, json_pods));
        for size in [1, 2, 3, 5, 100, 2048, 4096] {
            assert_eq!(frames(body, size), whole, "chunks of {size}");
        }
    }
}

#[test]
fn a_single_pod_comes_with_all_its_annotations() {
    for body in [GET, capture!("21i-patch-protobuf-answer.bin")] {
        let pod = parse_pod(body).unwrap();
        assert_eq!(pod.name, "user-provider-7c9d5b8f6d-x2x9p");
        let annotations: Vec<_> = Object::open(body).annotations().collect();
        let registry = annotations.iter().find(|(name, _)| *name == "dubbo.io/annotation");
        assert_eq!(registry.map(|(_, value)| *value), pod.annotation.as_deref());
        assert!(registry.is_some());
    }
    for (frame, line) in frames(WATCH, 4096).iter().zip(lines(capture!("22a-watch-json.jsonl"))) {
        let line: Value = serde_json::from_slice(line).unwrap();
        let empty = serde_json::Map::new();
        let expected = line["object"]["metadata"]["annotations"].as_object().unwrap_or(&empty);
        let event = Event::open(Message::Whole(frame));
        let found: Vec<_> = event.object().annotations().collect();
        assert_eq!(found.len(), expected.len());
        assert!(found.iter().all(|(name, value)| expected[*name] == **value));
    }
}

#[test]
fn statuses_come_as_events_and_as_bodies() {
    let missing = parse_status(capture!("21g-get-protobuf-404.bin")).unwrap();
    assert_eq!((missing.code, missing.reason.as_str()), (404, "NotFound"));
    assert_eq!(missing.message, "pods \"absent\" not found");
    assert_eq!(parse_status(capture!("21g-list-protobuf-403.bin")).unwrap().code, 403);
    let future = parse_status(capture!("21j-list-protobuf-future-version.bin")).unwrap();
    assert!(future.is_resource_version_too_large());
    assert_eq!(future.retry_after_seconds, Some(1));
    let expired = frames(capture!("22d-watch-protobuf-expired.bin"), 10);
    let Ok(WatchEvent::Error(status)) = parse_event(Message::Whole(&expired[0])) else {
        panic!("{expired:?}")
    };
    assert!(status.is_expired());
}

#[test]
fn another_kind_of_object_is_an_error() {
    let kind = |error: PodError| (error.stage, error.found);
    let another = (Stage::Shape, Found::Thing(Phrase::AnotherKind));
    assert_eq!(kind(parse_pod(&envelope("Node", b"\xff")).unwrap_err()), another);
    assert_eq!(kind(parse_pod(capture!("21g-get-protobuf-404.bin")).unwrap_err()), another);
    assert_eq!(kind(parse_status(GET).unwrap_err()), another);
    let error =
        protobuf::ListReader::new().next(&mut capture!("21f-get-protobuf.bin")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected a list of Pods, found another kind of object at byte 6 of the list"
    );
}

/// The end of the reading of a list in chunks.
fn list_error(body: &[u8], size: usize) -> String {
    let mut reader = protobuf::ListReader::new();
    for mut chunk in body.chunks(size) {
        loop {
            match reader.next(&mut chunk) {
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(reader.finish().unwrap_err(), error, "an error stays");
                    return error.to_string();
                }
            }
        }
    }
    reader.finish().unwrap_err().to_string()
}

#[test]
fn what_is_no_list_is_refused_in_its_place() {
    let list = |raw: &[u8]| envelope("PodList", raw);
    let huge = [&b"k8s\0\x12\x08\x12"[..], &[0xff, 0xff, 0xff, 0xff, 0x0f], b"x", &[0; 9]].concat();
    let group = [0x1b; 101];
    for (body, expected) in [
        (
            &b"{\"kind\":\"PodList\"}"[..],
            "expected Kubernetes' protobuf, which begins with \"k8s\" and a zero byte, found JSON at byte 0 of the list",
        ),
        (
            b"<!DOCTYPE html>",
            "expected Kubernetes' protobuf, which begins with \"k8s\" and a zero byte, found an HTML page at byte 0 of the list",
        ),
        (
            b"k8s1",
            "expected Kubernetes' protobuf, which begins with \"k8s\" and a zero byte, found \"1\" at byte 3 of the list",
        ),
        (b"", "expected the rest of the list, found the end at byte 0 of the list"),
        (b"k8s\0", "expected the rest of the list, found the end at byte 4 of the list"),
        (
            &LIST[..LIST.len() - 5],
            "expected the rest of the list, found the end at byte 23463 of the list",
        ),
        (
            &huge,
            "expected a length that stays within the message around it, found more at byte 7 of the list",
        ),
        (
            b"k8s\0\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
            "expected a number of at most 10 bytes, found more at byte 15 of the list",
        ),
        (
            b"k8s\0\x0a\x81\x80\x04",
            "expected a smaller item (too large to hold), found more at byte 5 of the list",
        ),
        (&list(&[0x10, 7]), "expected an item, found a number at byte 17 of the list"),
        (
            &list(&[0x1f]),
            "expected a wire type of protobuf (0 to 5), found something else at byte 17 of the list",
        ),
        (
            &list(&[0x00, 0x00]),
            "expected a field number from 1 to 536870911, found something else at byte 17 of the list",
        ),
        (
            &list(&[0x1c]),
            "expected a field, or the end of a group that was begun, found the end of a group at byte 17 of the list",
        ),
        (
            &list(&[0x18, 0x80]),
            "expected the rest of a field, found the end at byte 19 of the list",
        ),
        (&list(&group), "expected at most 100 nested groups, found more at byte 117 of the list"),
        (
            &list(&field(1, &field(2, b"\xff"))),
            "expected UTF-8 text, found byte 0xff at byte 21 of the list",
        ),
        (
            &[list(&[]), field(2, &[])].concat(),
            "expected one object in the answer, found more at byte 17 of the list",
        ),
        (
            &[b"k8s\0".to_vec(), field(2, &[])].concat(),
            "expected a string for the kind of the list, found none at byte 0 of the list",
        ),
    ] {
        for size in [1, 3, 4096] {
            assert_eq!(list_error(body, size), expected, "chunks of {size}");
        }
    }
}

#[test]
fn the_reader_of_json_names_protobuf_and_html() {
    let error = |mut body: &[u8]| ListReader::new().next(&mut body).unwrap_err().to_string();
    assert_eq!(
        error(LIST),
        "expected a list, which begins with \"{\", found protobuf at byte 0 of the list"
    );
    assert_eq!(
        error(b"<html>"),
        "expected a list, which begins with \"{\", found an HTML page at byte 0 of the list"
    );
}

#[test]
fn an_item_that_is_too_large_hides_no_other_where_it_may_be_cut() {
    let large = [pod("large"), field(2, &[7; 100])].concat();
    let list = [field(2, &pod("a")), field(2, &large), field(2, &pod("b"))].concat();
    let body = [&b"k8s\0"[..], &field(1, &field(2, b"PodList")), &[0x12, 127], &list].concat();
    assert_eq!(list.len(), 127);
    for size in [1, 10, 4096] {
        let mut reader = protobuf::ListReader::with_max_item(50).cutting();
        let mut found = Vec::new();
        for mut chunk in body.chunks(size) {
            while let Some(item) = reader.next(&mut chunk).unwrap() {
                found.push(match parse_item(item) {
                    Ok(pod) => Ok(pod.name.into_owned()),
                    Err(error) => Err((error.name.unwrap().into_string(), error.offset)),
                });
            }
        }
        reader.finish().unwrap();
        assert_eq!(found, [Ok("a".into()), Err(("large".into(), 50)), Ok("b".into())]);
        let mut strict = protobuf::ListReader::with_max_item(50);
        let refused = body.chunks(size).any(|mut chunk| {
            loop {
                match strict.next(&mut chunk) {
                    Ok(Some(_)) => {}
                    Ok(None) => break false,
                    Err(error) => break error.expected == Phrase::SmallerItem,
                }
            }
        });
        assert!(refused);
    }
}

#[test]
fn a_frame_that_is_too_large_hides_no_other_and_says_whose_it_is() {
    let large = [pod("large"), field(2, &[7; 60])].concat();
    let event = |pod: &[u8]| {
        let object = field(2, &field(1, &envelope("Pod", pod)));
        let event = [field(1, b"ADDED"), object].concat();
        [&u32::try_from(event.len()).unwrap().to_be_bytes()[..], &event].concat()
    };
    let body = [event(&pod("a")), event(&large), event(&pod("b"))].concat();
    for size in [1, 10, 4096] {
        let mut reader = FrameReader::new(60);
        let mut found = Vec::new();
        for mut chunk in body.chunks(size) {
            while let Some(frame) = reader.next(&mut chunk).unwrap() {
                found.push(match frame {
                    whole @ Message::Whole(_) => match parse_event(whole).unwrap() {
                        WatchEvent::Added(pod) => pod.name.into_owned(),
                        other => panic!("{other:?}"),
                    },
                    too_large @ Message::TooLarge(_) => {
                        let error = parse_event(too_large).unwrap_err();
                        assert_eq!(error.stage, Stage::Protobuf);
                        format!("{} cut", error.name.unwrap())
                    }
                });
            }
        }
        reader.finish().unwrap();
        assert_eq!(found, ["a", "large cut", "b"]);
    }
}

#[test]
fn what_is_no_frame_is_refused_in_its_place() {
    let first = &WATCH[..4 + frames(WATCH, usize::MAX)[0].len()];
    let at = first.len();
    for (rest, expected) in [
        (
            &b"{\"type\":\"ADDED\"}\n"[..],
            format!("expected a frame of at most 128 MiB, found JSON at byte {at} of the watch"),
        ),
        (
            b"<html>",
            format!(
                "expected a frame of at most 128 MiB, found an HTML page at byte {at} of the watch"
            ),
        ),
        (
            &[0xff; 9],
            format!("expected a frame of at most 128 MiB, found more at byte {at} of the watch"),
        ),
        (
            &[0, 0],
            format!("expected the rest of a frame, found the end at byte {} of the watch", at + 2),
        ),
        (
            &[0, 0, 0, 9, 1],
            format!("expected the rest of a frame, found the end at byte {} of the watch", at + 5),
        ),
    ] {
        for size in [1, 3, 4096] {
            let mut reader = FrameReader::new(16 << 20);
            let body = [first, rest].concat();
            for mut chunk in body.chunks(size) {
                while let Ok(Some(_)) = reader.next(&mut chunk) {}
            }
            assert_eq!(reader.finish().unwrap_err().to_string(), expected, "chunks of {size}");
        }
    }
}

#[test]
fn a_broken_object_still_says_whose_it_is() {
    let metadata = |fields: &[Vec<u8>]| field(1, &fields.concat());
    let (name, namespace) = (field(1, b"a"), field(3, b"n"));
    for (object, stage, at, whose) in [
        // The phase as a number, the label not as text, a wrong type before the name.
        (
            [metadata(core::slice::from_ref(&name)), field(3, &[0x08, 1])].concat(),
            Stage::Shape,
            7,
            (Some("a"), None),
        ),
        (
            metadata(&[
                name.clone(),
                field(11, &[&field(1, b"dubbo.io/label")[..], &field(2, b"x\xff")].concat()),
                namespace.clone(),
            ]),
            Stage::Utf8,
            26,
            (Some("a"), Some("n")),
        ),
        (
            metadata(&[vec![0x28, 1], name.clone(), namespace.clone()]),
            Stage::Shape,
            2,
            (Some("a"), Some("n")),
        ),
        (metadata(core::slice::from_ref(&namespace)), Stage::Shape, 0, (None, Some("n"))),
        // A name that was cut is none.
        (
            vec![0x0a, 0x07, 0x1a, 0x01, b'n', 0x0a, 0x09, b'a'],
            Stage::Protobuf,
            1,
            (None, Some("n")),
        ),
        (
            vec![0x0a, 0x7f, 0x0a, 0x01, b'a', 0x1a, 0x01, b'n'],
            Stage::Protobuf,
            1,
            (Some("a"), Some("n")),
        ),
    ] {
        let error = parse_item(Message::Whole(&object)).unwrap_err();
        assert_eq!((error.stage, error.offset), (stage, at), "{error}");
        assert_eq!((error.name.as_deref(), error.namespace.as_deref()), whose, "{error}");
    }
}

#[test]
fn an_item_cut_between_two_fields_is_not_taken_for_a_whole_pod() {
    let start = pod("large");
    let large = [start.clone(), field(2, &[7; 100])].concat();
    let body =
        [&b"k8s\0"[..], &field(1, &field(2, b"PodList")), &field(2, &field(2, &large))].concat();
    let mut reader = protobuf::ListReader::with_max_item(start.len()).cutting();
    let mut chunk = &body[..];
    let item = reader.next(&mut chunk).unwrap().unwrap();
    assert_eq!(
        parse_item(item).map(|pod| pod.name.into_owned()).map_err(|error| error.name),
        Err(Some("large".into()))
    );
}

#[test]
fn the_last_of_two_addresses_of_one_field_counts() {
    let status = [
        field(6, b"10.0.0.1"),
        field(6, b"10.0.0.2"),
        field(5, b"10.1.0.1"),
        field(5, b"10.1.0.2"),
    ];
    let object = [pod("a"), field(3, &status.concat())].concat();
    let read = parse_item(Message::Whole(&object)).unwrap();
    assert_eq!(
        (read.ips, read.host_ips),
        (vec!["10.0.0.2".parse().unwrap()], vec!["10.1.0.2".parse().unwrap()])
    );
    let json = br#"{"metadata":{"name":"a"},"status":{"podIP":"10.0.0.1","podIP":"10.0.0.2","hostIPs":[{"ip":"10.1.0.1"}],"hostIPs":[{"ip":"10.1.0.2"}]}}"#;
    let read = Pod::parse(json).unwrap();
    assert_eq!(
        (read.ips, read.host_ips),
        (vec!["10.0.0.2".parse().unwrap()], vec!["10.1.0.2".parse().unwrap()])
    );
}
