//! Both forms in which Kubernetes writes objects: what a real kube-apiserver 1.36.3 sent in either leads to the same
//! registry, each answer is read by its Content-Type, and a body in the other form is one clear failure.

use dubbo_k8s_codec::protobuf as codec;
use dubbo_k8s_codec::{Pod, WatchEvent};
use dubbo_k8s_engine::{Cause, Notice, RelistReason, Settings, TransportErrorKind, Verb};
use serde_json::Value;

use crate::objects::*;
use crate::protobuf;
use crate::rig::{Form, Rig, paged, settings};

const LIST: &[u8] = include_bytes!("../data/21a-list-protobuf.bin");
const LIST_JSON: &[u8] = include_bytes!("../data/21a-list-json.bin");
const WATCH: &[u8] = include_bytes!("../data/22a-watch-protobuf.bin");
const WATCH_JSON: &str = include_str!("../data/22a-watch-json.jsonl");
const STREAMING_LIST: &[u8] = include_bytes!("../data/22f-watchlist-protobuf.bin");
const EXPIRED: &[u8] = include_bytes!("../data/22d-watch-protobuf-expired.bin");
const FORBIDDEN: &[u8] = include_bytes!("../data/21g-list-protobuf-403.bin");

fn in_protobuf(settings: Settings) -> Rig {
    let mut rig = Rig::new(settings);
    rig.form = Form::Protobuf;
    rig
}

/// What a rig holds after a list and a watch, in chunks of this size.
fn after(form: Form, list: &[u8], watch: &[u8], size: usize) -> (Rig, Vec<String>) {
    let mut rig = Rig::new(paged());
    rig.form = form;
    rig.head(200);
    list.chunks(size).for_each(|chunk| rig.bytes(chunk));
    rig.end();
    rig.head(200);
    watch.chunks(size).for_each(|chunk| rig.bytes(chunk));
    let changes = rig.changes();
    (rig, changes)
}

#[test]
fn a_real_list_and_watch_in_either_form_lead_to_the_same_changes() {
    let (json, changes) = after(Form::Json, LIST_JSON, WATCH_JSON.as_bytes(), usize::MAX);
    assert!(changes.len() > 5, "{changes:?}");
    for size in [1, 7, 2048, usize::MAX] {
        let (protobuf, same) = after(Form::Protobuf, LIST, WATCH, size);
        assert_eq!(same, changes, "chunks of {size}");
        assert_eq!(protobuf.replayed, json.replayed);
        protobuf.agrees();
    }
}

#[test]
fn a_real_streaming_list_in_protobuf_syncs_and_follows() {
    for size in [1, 100, usize::MAX] {
        let mut rig = in_protobuf(settings());
        rig.head(200);
        STREAMING_LIST.chunks(size).for_each(|chunk| rig.bytes(chunk));
        assert!(rig.engine.status().synced());
        assert!(!rig.replayed.is_empty());
        rig.fail(TransportErrorKind::Interrupted);
        rig.until_sent();
        assert_eq!(rig.parameter("resourceVersion").as_deref(), Some("27318"));
    }
}

#[test]
fn real_refusals_in_protobuf_are_understood() {
    let mut rig = Rig::watching(10, &[pod("a", "u1", 3, &["A"])]);
    rig.end();
    rig.until_sent();
    rig.notices();
    rig.form = Form::Protobuf;
    rig.head(200);
    rig.notices();
    rig.bytes(EXPIRED);
    rig.until_sent();
    assert_eq!(rig.request().verb, Verb::List);
    rig.answer(&list(30, "", &[pod("b", "u2", 20, &["B"])]));
    assert!(matches!(&rig.notices()[..], [Notice::Relisted { reason: RelistReason::Expired, .. }]));

    let mut rig = in_protobuf(paged());
    rig.head(403);
    rig.bytes(FORBIDDEN);
    rig.end();
    let notices = rig.notices();
    let [Notice::Failed { error, .. }] = &notices[..] else { panic!("{notices:?}") };
    let Cause::Refused { status: 403, reason, message } = &error.cause else { panic!("{error:?}") };
    assert_eq!(reason, "Forbidden");
    assert!(message.starts_with("pods is forbidden: User "), "{message}");
}

#[test]
fn a_stream_that_breaks_at_any_byte_resumes_behind_its_last_whole_event() {
    let initial = [pod("a", "u1", 3, &["A"])];
    let events =
        [added(&pod("b", "u2", 11, &["B"])), modified(&pod("a", "u1", 12, &["C"])), bookmark(15)];
    let frames: Vec<Vec<u8>> = events.iter().map(|event| Form::Protobuf.write(event)).collect();
    let body = frames.concat();
    for cut in 0..=body.len() {
        let mut rig = Rig::watching(10, &initial);
        rig.end();
        rig.until_sent();
        rig.form = Form::Protobuf;
        rig.head(200);
        rig.bytes(&body[..cut]);
        rig.fail(TransportErrorKind::Interrupted);
        rig.until_sent();
        let whole = frames
            .iter()
            .scan(0, |end, frame| {
                *end += frame.len();
                Some(*end)
            })
            .filter(|end| *end <= cut)
            .count();
        assert_eq!(
            rig.parameter("resourceVersion").as_deref(),
            Some(["10", "11", "12", "15"][whole]),
            "cut at {cut}"
        );
        rig.head(200);
        frames[whole..].iter().for_each(|frame| rig.bytes(frame));
        rig.holds(&["B", "C"]);
    }
}

#[test]
fn a_body_in_another_form_than_its_content_type_is_one_failure_that_names_the_place() {
    let json_list = list(10, "", &[pod("a", "u1", 3, &["A"])]);
    let json_event = added(&pod("a", "u1", 3, &["A"]));
    let page = "<!DOCTYPE html><html><body>Sign in</body></html>";
    let frame = Form::Protobuf.write(&json_event);
    let list_of = "cannot list pods in namespace shop: the answer is not a list of Pods: ";
    let watch_of = "cannot watch pods in namespace shop: the answer is not a watch of Pods: ";
    let envelope = "expected Kubernetes' protobuf, which begins with \"k8s\" and a zero byte";
    for (form, settings, body, expected) in [
        (
            Form::Protobuf,
            paged(),
            json_list.as_bytes(),
            format!("{list_of}{envelope}, found JSON at byte 0 of the list"),
        ),
        (
            Form::Protobuf,
            paged(),
            page.as_bytes(),
            format!("{list_of}{envelope}, found an HTML page at byte 0 of the list"),
        ),
        (
            Form::Json,
            paged(),
            LIST,
            format!(
                "{list_of}expected a list, which begins with \"{{\", found protobuf at byte 0 of the list"
            ),
        ),
        (
            Form::Json,
            paged(),
            page.as_bytes(),
            format!(
                "{list_of}expected a list, which begins with \"{{\", found an HTML page at byte 0 of the list"
            ),
        ),
        (
            Form::Protobuf,
            settings(),
            json_event.as_bytes(),
            format!(
                "{watch_of}expected a frame of at most 128 MiB, found JSON at byte 0 of the watch"
            ),
        ),
        (
            Form::Protobuf,
            settings(),
            page.as_bytes(),
            format!(
                "{watch_of}expected a frame of at most 128 MiB, found an HTML page at byte 0 of the watch"
            ),
        ),
        (
            Form::Json,
            settings(),
            page.as_bytes(),
            format!("{watch_of}expected a watch event, found an HTML page at byte 0"),
        ),
        (
            Form::Json,
            settings(),
            &frame,
            format!("{watch_of}expected a watch event, found byte 0x00 at byte 0"),
        ),
    ] {
        let mut rig = Rig::new(settings);
        rig.form = form;
        rig.head(200);
        rig.bytes(body);
        let notices = rig.notices();
        let [Notice::Failed { error, .. }] = &notices[..] else {
            panic!("{expected}: {notices:?}")
        };
        assert_eq!(error.to_string(), expected);
        assert!(rig.open.is_empty(), "the exchange is over");
        rig.holds(&[]);
        assert_eq!(rig.engine.catalog().problems().count(), 0);
    }
}

#[test]
fn a_watch_that_gets_out_of_step_goes_on_behind_its_last_event() {
    let mut rig = Rig::watching(10, &[pod("a", "u1", 3, &["A"])]);
    rig.end();
    rig.until_sent();
    rig.form = Form::Protobuf;
    rig.head(200);
    rig.body(&added(&pod("b", "u2", 11, &["B"])));
    rig.notices();
    rig.bytes(&[0xff, 0xff, 0xff, 0xff, 1, 2, 3]);
    let notices = rig.notices();
    assert!(
        matches!(&notices[..], [Notice::Disconnected { error, .. }] if matches!(error.cause, Cause::NotAWatch(_))),
        "{notices:?}"
    );
    rig.until_sent();
    assert_eq!(rig.parameter("resourceVersion").as_deref(), Some("11"));
    rig.holds(&["A", "B"]);
}

#[test]
fn an_object_over_the_limit_is_a_problem_of_its_pod_and_the_rest_goes_on() {
    let large = |name: &str, uid: &str, version| {
        let mut pod = pod(name, uid, version, &["X"]);
        pod["metadata"]["annotations"]["filler"] = "x".repeat(10_000).into();
        pod
    };
    let mut rig = in_protobuf(Settings { object_limit: 4096, ..paged() });
    rig.answer(&list(
        10,
        "",
        &[pod("a", "u1", 3, &["A"]), large("b", "u2", 4), pod("c", "u3", 5, &["C"])],
    ));
    rig.holds(&["A", "C"]);
    rig.head(200);
    rig.body(&modified(&large("c", "u3", 11)));
    rig.body(&added(&pod("d", "u4", 12, &["D"])));
    rig.holds(&["A", "D"]);
    let mut problems: Vec<_> =
        rig.engine.catalog().problems().map(|problem| problem.holder.pod.to_string()).collect();
    problems.sort();
    assert_eq!(problems, ["b", "c"]);
}

#[test]
fn a_list_that_is_older_than_what_is_held_is_reported_as_a_server_that_went_back() {
    let mut rig = Rig::watching(100, &[pod("a", "u1", 3, &["A"])]);
    rig.body(&error_event(&expired()));
    rig.until_sent();
    rig.answer(&list(50, "", &[pod("b", "u2", 20, &["B"])]));
    let notices = rig.notices();
    assert!(
        matches!(&notices[..], [Notice::Relisted { reason: RelistReason::Rewound, .. }]),
        "{notices:?}"
    );
    rig.holds(&["B"]);
}

#[test]
fn a_bookmark_that_is_older_than_what_is_held_reads_the_scope_anew() {
    let mut rig = Rig::watching(100, &[pod("a", "u1", 3, &["A"])]);
    rig.body(&bookmark(99));
    rig.until_sent();
    assert_eq!((rig.request().verb, rig.parameter("resourceVersion")), (Verb::List, None));
    rig.answer(&list(99, "", &[pod("b", "u2", 20, &["B"])]));
    assert!(matches!(&rig.notices()[..], [Notice::Relisted { reason: RelistReason::Rewound, .. }]));

    let mut rig = Rig::watching(100, &[]);
    rig.body(&bookmark(99).replace("\"99\"", "\"opaque\""));
    assert_eq!(rig.notices(), [], "what is no number cannot be compared");
    rig.end();
    rig.until_sent();
    assert_eq!(rig.parameter("resourceVersion").as_deref(), Some("opaque"));
}

/// The encoder of these tests against what the real server sent.
#[test]
fn what_the_tests_write_is_what_a_real_server_sends() {
    let json: Value = serde_json::from_slice(LIST_JSON).unwrap();
    let written = protobuf::body(&json);
    let items = |body: &[u8]| {
        let (mut reader, mut chunk, mut pods) = (codec::ListReader::new(), body, Vec::new());
        while let Some(item) = reader.next(&mut chunk).unwrap() {
            pods.push(format!("{:?}", codec::parse_item(item).unwrap()));
        }
        (pods, reader.finish().unwrap())
    };
    assert_eq!(items(&written), items(LIST));
    let pod = &json["items"][0];
    assert_eq!(
        codec::parse_pod(&protobuf::body(pod)).unwrap(),
        Pod::parse(pod.to_string().as_bytes()).unwrap()
    );
    for line in WATCH_JSON.lines() {
        let frame = protobuf::frame(&serde_json::from_str(line).unwrap());
        let event = codec::parse_event(codec::Message::Whole(&frame[4..])).unwrap();
        assert_eq!(event, WatchEvent::parse(line.as_bytes()).unwrap());
    }
    let real = codec::parse_event(codec::Message::Whole(&EXPIRED[4..])).unwrap();
    let WatchEvent::Error(status) = real else { panic!("{real:?}") };
    let expired = status_of(&status);
    assert_eq!(protobuf::frame(&serde_json::json!({"type": "ERROR", "object": expired})), EXPIRED);
    assert_eq!(codec::parse_status(&protobuf::body(&expired)).unwrap(), status);
}

fn status_of(of: &dubbo_k8s_codec::Status) -> Value {
    let mut status = status(of.code, &of.reason, &of.message);
    status["metadata"] = serde_json::json!({});
    status
}
