//! Bytes that a real kube-apiserver 1.36 sent, in every cut.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use dubbo_k8s_engine::{Cause, Notice, RelistReason, Settings, TransportErrorKind, Verb};
use serde_json::Value;

use crate::objects::list;
use crate::rig::{Rig, paged, settings};

const LIST: &[u8] = include_bytes!("../data/04a-list-metadata.bin");
const STREAMING_LIST: &[u8] = include_bytes!("../data/09c-watchlist-selector-metadata.jsonl");
const MALFORMED: &[u8] = include_bytes!("../data/16d-watch-malformed-metadata.jsonl");
const UNICODE: &[u8] = include_bytes!("../data/17c-watch-unicode.jsonl");
const PAGE: &[u8] = include_bytes!("../data/02f-list-metadata-limit2-page1.bin");
const TOKEN_EXPIRED: &str = include_str!("../data/03c-list-continue-expired-410-metadata.bin");
const NO_STREAMING_LIST: &str = include_str!("../data/09i-watchlist-no-match.jsonl");
const COMPACTED: &str = include_str!("../data/10a-watch-compacted.jsonl");
const FUTURE: &str = include_str!("../data/10h-watch-future-initial-events.jsonl");
const FORBIDDEN: &str = include_str!("../data/12n-other-namespace-403.bin");
const TOO_MANY: &str = include_str!("../data/19b-watch-429.jsonl");

#[test]
fn a_real_list_and_a_real_streaming_list_in_any_chunks() {
    let items: Value = serde_json::from_slice(LIST).unwrap();
    let listed = keys_of(items["items"].as_array().unwrap());
    let streamed =
        keys_of(&lines(STREAMING_LIST).map(|event| event["object"].clone()).collect::<Vec<_>>());
    assert!(listed.len() >= 4 && streamed.len() >= 4);
    for size in [1, 2, 3, 7, 100, 2048, 4096, usize::MAX] {
        let mut rig = Rig::new(paged());
        rig.head(200);
        for chunk in LIST.chunks(size) {
            rig.bytes(chunk);
        }
        rig.end();
        assert_eq!(held(&rig), listed, "chunks of {size}");
        assert_eq!(
            rig.parameter("resourceVersion").unwrap(),
            text(&items["metadata"]["resourceVersion"])
        );

        let mut rig = Rig::new(settings());
        rig.head(200);
        for chunk in STREAMING_LIST.chunks(size) {
            assert!(held(&rig).is_empty(), "nothing before the bookmark");
            rig.bytes(chunk);
        }
        assert_eq!(held(&rig), streamed, "chunks of {size}");
        rig.fail(TransportErrorKind::Interrupted);
        rig.until_sent();
        assert_eq!(rig.parameter("resourceVersion").as_deref(), Some("26501"));
    }
}

/// A stream that breaks at any byte resumes behind its last whole event, and the rest of the
/// events leads to the same changes as the stream without the break.
#[test]
fn a_real_watch_cut_at_every_byte() {
    let events: Vec<&[u8]> = MALFORMED.split_inclusive(|byte| *byte == b'\n').skip(5).collect();
    let body = events.concat();
    let mut whole = watching("25222");
    whole.bytes(&body);
    let expected = whole.changes();
    assert!(expected.len() >= 2, "{expected:?}");
    for cut in 0..=body.len() {
        let mut rig = watching("25222");
        let (before, _) = body.split_at(cut);
        rig.bytes(before);
        rig.fail(TransportErrorKind::Interrupted);
        rig.until_sent();
        let complete = before.split(|byte| *byte == b'\n').count() - 1;
        let last = complete.checked_sub(1).map(|last| version(events[last]));
        let last = last.unwrap_or_else(|| "25222".to_owned());
        assert_eq!(rig.parameter("resourceVersion"), Some(last), "cut at {cut}");
        rig.head(200);
        rig.bytes(&events[complete..].concat());
        assert_eq!(rig.changes(), expected, "cut at {cut}");
    }
}

#[test]
fn a_real_watch_of_bad_annotations_raises_and_clears_problems() {
    let mut rig = watching("25215");
    let mut raised = Vec::new();
    for event in MALFORMED.split_inclusive(|byte| *byte == b'\n') {
        rig.bytes(event);
        raised.push(rig.engine.catalog().problems().count());
    }
    // The fifth event empties the annotation, which is no problem.
    assert_eq!(raised, [0, 1, 1, 1, 0, 0, 0, 0, 0, 0], "problems after each event");
    assert!(held(&rig).is_empty());
    assert_eq!((rig.sent.len(), rig.lists()), (2, 1), "one stream, whatever is in it");
}

#[test]
fn a_real_watch_with_every_kind_of_escape() {
    for size in [1, 5, usize::MAX] {
        let mut rig = watching("25286");
        for chunk in UNICODE.chunks(size) {
            rig.bytes(chunk);
        }
        let objects: Vec<Value> = lines(UNICODE).map(|event| event["object"].clone()).collect();
        assert_eq!(held(&rig), keys_of(&objects));
    }
}

#[test]
fn real_refusals() {
    let mut rig = Rig::new(settings());
    rig.refuse(422, NO_STREAMING_LIST);
    assert_eq!((rig.request().verb, rig.now), (Verb::List, Duration::ZERO));

    let mut rig = Rig::new(paged());
    rig.refuse(403, FORBIDDEN);
    let notices = rig.notices();
    let [Notice::Failed { error, .. }] = &notices[..] else { panic!("{notices:?}") };
    let Cause::Refused { status: 403, reason, message } = &error.cause else { panic!("{error:?}") };
    assert_eq!(reason, "Forbidden");
    assert!(
        message.ends_with(
            "cannot list resource \"pods\" in API group \"\" in the namespace \"default\""
        )
    );

    rig.until_sent();
    rig.answer(std::str::from_utf8(PAGE).unwrap());
    let token = rig.parameter("continue").expect("a second page");
    assert!(PAGE.windows(token.len()).any(|window| window == token.as_bytes()));
    rig.refuse(410, TOKEN_EXPIRED);
    assert_eq!((rig.parameter("continue"), rig.parameter("limit")), (None, None));

    let mut rig = watching("26495");
    rig.body(COMPACTED);
    rig.until_sent();
    rig.answer(&list(26500, "", &[]));
    let notices = rig.notices();
    assert!(
        matches!(&notices[..], [Notice::Relisted { reason: RelistReason::Expired, .. }]),
        "{notices:?}"
    );

    let mut rig = watching("26495");
    rig.end();
    rig.until_sent();
    rig.notices();
    rig.refuse_for(429, TOO_MANY, Some(Duration::from_secs(1)));
    let notices = rig.notices();
    assert!(
        matches!(&notices[..], [Notice::Failed { error, .. }]
            if error.to_string().ends_with("Too many requests, please try again later.")),
        "{notices:?}"
    );
    rig.until_sent();
    assert_eq!((rig.request().verb, rig.lists()), (Verb::Watch, 1));
}

#[test]
fn a_real_streaming_list_from_the_future() {
    let mut rig = Rig::new(Settings { ..settings() });
    rig.head(200);
    rig.bytes(STREAMING_LIST);
    rig.body(COMPACTED);
    rig.until_sent();
    assert_eq!(rig.parameter("resourceVersion").as_deref(), Some("26501"));
    rig.head(200);
    rig.body(FUTURE);
    rig.until_sent();
    assert_eq!(rig.parameter("sendInitialEvents").as_deref(), Some("true"));
    assert_eq!(rig.parameter("resourceVersion"), None);
}

/// A rig whose empty list had this version, with an open watch.
fn watching(version: &str) -> Rig {
    Rig::watching(version.parse().unwrap(), &[])
}

fn held(rig: &Rig) -> BTreeSet<String> {
    rig.replayed.keys().cloned().collect()
}

/// The keys in the annotations of objects, read as plainly as can be.
fn keys_of(objects: &[Value]) -> BTreeSet<String> {
    let annotation = |object: &Value| {
        object["metadata"]["annotations"]["dubbo.io/annotation"].as_str().map(str::to_owned)
    };
    let records = objects.iter().filter_map(annotation).flat_map(|value| {
        let json = URL_SAFE.decode(value).unwrap();
        serde_json::from_slice::<Vec<Value>>(&json).unwrap()
    });
    records.map(|record| text(&record["k"])).collect()
}

fn lines(body: &[u8]) -> impl Iterator<Item = Value> {
    body.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
}

fn version(event: &[u8]) -> String {
    let event: Value = serde_json::from_slice(event).unwrap();
    text(&event["object"]["metadata"]["resourceVersion"])
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
