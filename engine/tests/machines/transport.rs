//! Refusals, lost connections, deadlines, and the waits between attempts.

use std::time::Duration;

use dubbo_k8s_engine::{
    Cause, Notice, RelistReason, Scopes, Settings, TransportErrorKind, Verb, Wire,
};

use crate::objects::*;
use crate::rig::{Rig, paged, settings};

#[test]
fn a30_refused_connections_are_tried_with_growing_waits_up_to_a_plateau() {
    for streaming_list in [true, false] {
        let mut rig = Rig::new(Settings { streaming_list, ..settings() });
        let mut least = 800;
        for _ in 0..20 {
            rig.fail(TransportErrorKind::Connect);
            let waited = rig.until_sent();
            let least_wait = Duration::from_millis(least);
            assert!(
                waited >= least_wait && waited <= least_wait * 2,
                "{waited:?} of {least_wait:?}"
            );
            least = (least * 2).min(30_000);
        }
        let notices = rig.notices();
        assert_eq!(notices.len(), 20);
        assert!(notices.iter().all(|notice| matches!(notice, Notice::Failed { .. })));
    }
}

#[test]
fn a30_two_quiet_minutes_start_the_waits_again() {
    let mut rig = Rig::watching(10, &[]);
    for _ in 0..8 {
        rig.fail(TransportErrorKind::Connect);
        rig.until_sent();
    }
    rig.head(200);
    rig.pass(Duration::from_mins(1));
    rig.body(&bookmark(11));
    rig.pass(Duration::from_secs(61));
    rig.fail(TransportErrorKind::Interrupted);
    assert!(rig.until_sent() <= Duration::from_millis(1600));
}

#[test]
fn a30_clients_that_lose_the_server_together_do_not_come_back_together() {
    let wait = |seed| {
        let mut rig = Rig::seeded(settings(), seed);
        rig.head(200);
        rig.body(&synced(10));
        // A server that shuts down closes every watch properly, at the same moment.
        rig.end();
        rig.until_sent()
    };
    let mut waits: Vec<Duration> = (0..200).map(wait).collect();
    waits.sort();
    waits.dedup();
    assert!(waits.len() > 190);
    let spread = waits.last().unwrap().saturating_sub(waits[0]);
    assert!(spread > Duration::from_millis(700));
    assert!(*waits.last().unwrap() <= Duration::from_millis(800));
}

#[test]
fn a31_too_many_requests_in_both_forms() {
    let mut rig = Rig::watching(10, &[pod("a", "u1", 3, &["A"])]);
    rig.end();
    rig.until_sent();
    rig.refuse_for(
        429,
        "Too many requests, please try again later.\n",
        Some(Duration::from_secs(1)),
    );
    let waited = rig.until_sent();
    assert!(waited >= Duration::from_secs(1), "{waited:?}");
    let mut expected = status(429, "TooManyRequests", "try again later");
    expected["details"] = serde_json::json!({ "retryAfterSeconds": 7 });
    rig.head(200);
    rig.body(&error_event(&expected));
    assert!(rig.until_sent() >= Duration::from_secs(7));
    assert_eq!((rig.request().verb, rig.lists()), (Verb::Watch, 1));
}

#[test]
fn a32_four_times_too_many_requests_and_still_one_list() {
    let mut rig = Rig::watching(10, &[]);
    rig.end();
    for _ in 0..4 {
        rig.until_sent();
        assert_eq!(rig.parameter("resourceVersion").as_deref(), Some("10"));
        rig.refuse_for(429, "Too many requests\n", Some(Duration::from_secs(1)));
    }
    rig.until_sent();
    rig.head(200);
    rig.body(&added(&pod("a", "u1", 11, &["A"])));
    rig.holds(&["A"]);
    assert_eq!(rig.lists(), 1);
}

#[test]
fn an_expired_watch_whose_list_is_too_much_waits_as_long_as_the_server_asks_and_keeps_what_is_known()
 {
    let mut rig = Rig::watching(10, &[pod("a", "u1", 3, &["A"])]);
    rig.body(&error_event(&expired()));
    for _ in 0..2 {
        rig.until_sent();
        assert_eq!(rig.request().verb, Verb::List);
        rig.refuse_for(429, "Too many requests\n", Some(Duration::from_secs(3)));
        assert!(rig.until_sent() >= Duration::from_secs(3));
        rig.holds(&["A"]);
        rig.refuse(410, &expired().to_string());
    }
    rig.until_sent();
    rig.answer(&list(30, "", &[pod("b", "u2", 30, &["B"])]));
    rig.holds(&["B"]);
    assert_eq!(rig.request().verb, Verb::Watch);
    assert_eq!(rig.parameter("resourceVersion").as_deref(), Some("30"));
}

#[test]
fn a33_an_internal_error_is_retried_and_the_third_in_a_row_reads_anew() {
    let mut rig = Rig::watching(10, &[pod("a", "u1", 3, &["A"])]);
    rig.end();
    for _ in 0..2 {
        rig.until_sent();
        assert_eq!((rig.request().verb, rig.lists()), (Verb::Watch, 1));
        rig.refuse(500, &status(500, "", "resourceVersion: Invalid value").to_string());
    }
    rig.until_sent();
    rig.refuse(500, "boom");
    rig.until_sent();
    assert_eq!(rig.request().verb, Verb::List);
    rig.answer(&list(12, "", &[pod("a", "u1", 3, &["A"])]));
    assert_eq!(rig.changes(), [""; 0]);
}

#[test]
fn a34_what_a_watch_meets() {
    for Case { what, meets, waits: (least, most), expected } in watch_meets() {
        let mut rig = Rig::watching(10, &[pod("a", "u1", 3, &["A"])]);
        meets(&mut rig);
        let notices = rig.notices();
        let errors: Vec<String> = notices.iter().map(describe).collect();
        assert_eq!(errors, Vec::from_iter(expected.map(str::to_owned)), "{what}");
        let start = rig.now;
        if rig.open.is_empty() {
            rig.until_sent();
        }
        let waited = rig.now.saturating_sub(start);
        let bounds = Duration::from_millis(least)..=Duration::from_millis(most);
        assert!(bounds.contains(&waited), "{what}: {waited:?}");
        assert_eq!((rig.request().verb, rig.lists()), (Verb::Watch, 1), "{what}: no relist");
        rig.head(200);
        let back = rig.notices();
        assert_eq!(back.len(), usize::from(expected.is_some()), "{what}: {back:?}");
        assert!(back.iter().all(|notice| matches!(notice, Notice::Reconnected { .. })), "{what}");
    }
}

/// What happens to a watch, and what the engine does about it.
struct Case {
    what: &'static str,
    meets: fn(&mut Rig),
    /// Bounds of the wait, in milliseconds.
    waits: (u64, u64),
    /// `None`: no caller is expected.
    expected: Option<&'static str>,
}

fn watch_meets() -> Vec<Case> {
    vec![
        Case {
            what: "an end with news",
            meets: |rig| news(rig, Rig::end),
            waits: (0, 800),
            expected: None,
        },
        Case {
            what: "an end at once and without news",
            meets: Rig::end,
            waits: (800, 1600),
            expected: Some(
                "cannot watch pods in namespace shop: the watch ended at once without news",
            ),
        },
        Case {
            what: "an end at once with known bookmarks only",
            meets: |rig| {
                rig.body(&bookmark(10));
                rig.end();
            },
            waits: (800, 1600),
            expected: Some(
                "cannot watch pods in namespace shop: the watch ended at once without news",
            ),
        },
        Case {
            what: "an end of a quiet watch after a while",
            meets: |rig| {
                rig.pass(Duration::from_secs(1));
                rig.end();
            },
            waits: (0, 800),
            expected: None,
        },
        Case {
            what: "a reset",
            meets: |rig| news(rig, |rig| rig.fail(TransportErrorKind::Interrupted)),
            waits: (800, 1600),
            expected: Some(
                "cannot watch pods in namespace shop: the connection was lost: as scripted",
            ),
        },
        Case {
            what: "Retry-After",
            meets: |rig| {
                again(rig, |rig| rig.refuse_for(503, "later", Some(Duration::from_secs(20))));
            },
            waits: (20_000, 20_800),
            expected: Some("503: cannot watch pods in namespace shop: later"),
        },
        Case {
            what: "Retry-After out of all proportion",
            meets: |rig| again(rig, |rig| rig.refuse_for(429, "", Some(Duration::from_hours(1)))),
            waits: (60_000, 60_800),
            expected: Some("429: cannot watch pods in namespace shop: the server gave no reason"),
        },
        Case {
            what: "401, twice",
            meets: |rig| {
                again(rig, |rig| {
                    rig.refuse(401, &status(401, "Unauthorized", "Unauthorized").to_string());
                    assert_eq!(rig.notices(), [Notice::RefreshCredential]);
                    rig.refuse(401, &status(401, "Unauthorized", "Unauthorized").to_string());
                });
            },
            waits: (800, 1600),
            expected: Some("401: cannot watch pods in namespace shop: Unauthorized"),
        },
        Case {
            what: "403",
            meets: |rig| {
                again(rig, |rig| {
                    rig.refuse(403, &status(403, "Forbidden", "pods is forbidden").to_string());
                });
            },
            waits: (800, 1600),
            expected: Some("403: cannot watch pods in namespace shop: pods is forbidden"),
        },
    ]
}

fn news(rig: &mut Rig, then: fn(&mut Rig)) {
    rig.body(&bookmark(11));
    then(rig);
}
/// Meets the next watch at its start.
fn again(rig: &mut Rig, then: fn(&mut Rig)) {
    rig.body(&bookmark(11));
    rig.end();
    rig.until_sent();
    then(rig);
}

#[test]
fn a34_a_failure_of_the_first_list_is_reported_with_verb_scope_and_message() {
    let forbidden = "pods is forbidden: User \"u\" cannot list resource \"pods\" in API group \"\" in the namespace \"shop\"";
    let cases: [(u16, String, Option<&str>); 5] = [
        (
            401,
            status(401, "Unauthorized", "Unauthorized").to_string(),
            Some("401: cannot list pods in namespace shop: Unauthorized"),
        ),
        (403, status(403, "Forbidden", forbidden).to_string(), None),
        (
            404,
            "404 page not found\n".to_owned(),
            Some("404: cannot list pods in namespace shop: 404 page not found"),
        ),
        (
            502,
            "<html>\r\n<b>Bad \u{1b}[31mGateway</b>\r\n</html>".to_owned(),
            Some("502: cannot list pods in namespace shop: <html> <b>Bad [31mGateway</b> </html>"),
        ),
        (500, "x".repeat(200_000), None),
    ];
    for (code, body, want) in cases {
        let mut rig = Rig::new(paged());
        rig.refuse(code, &body);
        if code == 401 {
            assert_eq!(rig.notices(), [Notice::RefreshCredential]);
            rig.refuse(code, &body);
        }
        let notices = rig.notices();
        let [Notice::Failed { error, .. }] = &notices[..] else { panic!("{notices:?}") };
        assert!(matches!(error.cause, Cause::Refused { status, .. } if status == code));
        assert!(error.to_string().len() < 700, "{}", error.to_string().len());
        if let Some(want) = want {
            assert_eq!(error.to_string(), want);
        }
        rig.until_sent();
        assert_eq!(rig.request().verb, Verb::List);
    }
    let mut rig = Rig::new(Settings { streaming_list: false, ..Settings::new(Scopes::all()) });
    rig.refuse(403, &status(403, "Forbidden", forbidden).to_string());
    let notices = rig.notices();
    let [Notice::Failed { error, .. }] = &notices[..] else { panic!("{notices:?}") };
    assert_eq!(error.to_string(), format!("403: cannot list pods in all namespaces: {forbidden}"));
}

#[test]
fn a34_one_credential_is_read_again_once_for_all_scopes() {
    let mut rig = Rig::new(Settings::new(Scopes::namespaces(["one", "two", "three"]).unwrap()));
    for _ in 0..3 {
        let (stream, request) = rig.open.remove(0);
        rig.open.push((stream, request));
        rig.refuse(401, "");
    }
    assert_eq!(rig.notices(), [Notice::RefreshCredential]);
    assert_eq!((rig.sent.len(), rig.open.len()), (6, 3));
}

#[test]
fn a34_a_credential_is_read_again_for_each_attempt() {
    let mut rig = Rig::new(settings());
    for _ in 0..3 {
        rig.refuse(401, "");
        rig.refuse(401, "");
        let notices = rig.notices();
        assert!(
            matches!(&notices[..], [Notice::RefreshCredential, Notice::Failed { .. }]),
            "{notices:?}"
        );
        rig.until_sent();
    }
}

#[test]
fn a34_an_error_body_that_never_ends_does_not_hold_anything_up() {
    let mut rig = Rig::new(paged());
    rig.head(500);
    rig.body("half an err");
    rig.pass(Duration::from_secs(10));
    assert!(rig.open.is_empty());
    assert_eq!(describe(&rig.notices()[0]), "500: cannot list pods in namespace shop: half an err");
}

#[test]
fn a36_a_dead_stream_is_given_up_at_its_deadline() {
    let mut rig = Rig::watching(10, &[pod("a", "u1", 3, &["A"])]);
    rig.body(&bookmark(11));
    let (opened, deadline) = (rig.now, rig.request().deadline);
    rig.until_sent();
    let waited = rig.now.saturating_sub(opened);
    let range = deadline + Duration::from_millis(800)..=deadline + Duration::from_millis(1600);
    assert!(range.contains(&waited), "{waited:?} for {deadline:?}");
    assert_eq!(rig.open.len(), 1, "the dead one is dropped");
    assert_eq!(rig.lists(), 1);
    assert_eq!(
        describe(&rig.notices()[0]),
        "cannot watch pods in namespace shop: the server did not answer in time"
    );
}

#[test]
fn a36_an_answer_that_never_begins_or_never_ends_is_given_up() {
    for streaming_list in [true, false] {
        let mut rig = Rig::new(Settings { streaming_list, ..settings() });
        assert!(rig.until_sent() <= Duration::from_secs(32), "no head");
    }
    let mut rig = Rig::new(paged());
    rig.head(200);
    rig.body("{\"kind\":\"PodList\",");
    assert!(rig.until_sent() <= Duration::from_secs(70), "no end");
    rig.answer(&list(10, "", &[]));
    rig.until_sent();
    assert_eq!(rig.request().verb, Verb::Watch, "no head of a watch");
    assert!(rig.now <= Duration::from_secs(110));
}

#[test]
fn a37_a_partial_frame_at_the_close_is_dropped_and_comes_again() {
    let first = modified(&pod("a", "u1", 11, &["B"]));
    let second = modified(&pod("a", "u1", 12, &["C"]));
    let both = first.clone() + &second;
    for cut in first.len()..both.len() - 1 {
        let mut rig = Rig::watching(10, &[pod("a", "u1", 3, &["A"])]);
        rig.body(&both[..cut]);
        rig.end();
        let whole = cut == both.trim_end().len();
        rig.until_sent();
        let version = if whole { "12" } else { "11" };
        assert_eq!(rig.parameter("resourceVersion").as_deref(), Some(version), "cut at {cut}");
        rig.holds(&[if whole { "C" } else { "B" }]);
        assert_eq!(rig.notices(), [], "cut at {cut}");
    }
}

#[test]
fn a37_a_last_line_without_its_end_counts() {
    let mut rig = Rig::watching(10, &[]);
    rig.body(error_event(&expired()).trim_end());
    rig.end();
    rig.until_sent();
    assert_eq!(rig.request().verb, Verb::List);
}

#[test]
fn a37_a_last_line_without_its_end_may_start_another_exchange() {
    let mut rig = Rig::new(settings());
    rig.head(200);
    rig.body(error_event(&status(500, "InternalError", "no")).trim_end());
    rig.end();
    assert_eq!((rig.request().verb, rig.open.len()), (Verb::List, 1));
    assert_eq!(rig.notices(), []);
    rig.answer(&list(10, "", &[pod("a", "u1", 3, &["A"])]));
    rig.holds(&["A"]);
}

#[test]
fn a38_one_accept_header_fits_every_verb() {
    for (wire, accept) in [
        (Wire::Protobuf, "application/vnd.kubernetes.protobuf, application/json"),
        (Wire::Json, "application/json"),
    ] {
        let mut rig = Rig::new(Settings { wire, ..paged() });
        assert_eq!(rig.request().accept, accept);
        rig.answer(&list(10, "", &[]));
        assert_eq!((rig.request().verb, rig.request().accept), (Verb::Watch, accept));
    }
}

#[test]
fn a_line_over_the_limit_is_a_problem_of_its_pod_and_the_watch_goes_on() {
    let mut rig = Rig::new(Settings { object_limit: 4096, ..paged() });
    rig.answer(&list(10, "", &[pod("a", "u1", 3, &["A"]), pod("b", "u2", 4, &["B"])]));
    rig.head(200);
    // In the order in which kube-apiserver writes it.
    let line = format!(
        "{{\"type\":\"MODIFIED\",\"object\":{{\"kind\":\"PartialObjectMetadata\",\"metadata\":{{\
         \"name\":\"b\",\"namespace\":\"shop\",\"uid\":\"u2\",\"resourceVersion\":\"11\",\
         \"annotations\":{{\"filler\":\"{}\"}}}}}}}}\n",
        "x".repeat(10_000)
    );
    rig.body(&line[..9000]);
    rig.body(&line[9000..]);
    rig.holds(&["A"]);
    let problems: Vec<_> = rig.engine.catalog().problems().collect();
    assert_eq!(problems.len(), 1);
    assert_eq!((&*problems[0].holder.pod, &*problems[0].holder.namespace), ("b", "shop"));
    rig.body(&added(&pod("c", "u3", 12, &["C"])));
    rig.holds(&["A", "C"]);
    rig.body(&added(&pod("b", "u2", 13, &["B"])));
    rig.holds(&["A", "B", "C"]);
    assert_eq!(rig.engine.catalog().problems().count(), 0);
    assert_eq!(rig.sent.len(), 2);
}

#[test]
fn an_item_over_the_limit_is_a_problem_of_its_pod_and_the_list_goes_on() {
    let mut rig = Rig::new(Settings { object_limit: 4096, ..paged() });
    let item = format!(
        "{{\"metadata\":{{\"name\":\"b\",\"namespace\":\"shop\",\"uid\":\"u2\",\
         \"resourceVersion\":\"4\",\"annotations\":{{\"filler\":\"{}\"}}}}}}",
        "x".repeat(10_000)
    );
    let [a, c] = ["a", "c"].map(|name| pod(name, name, 3, &[&name.to_uppercase()]));
    let body = format!(
        "{{\"kind\":\"PartialObjectMetadataList\",\"metadata\":{{\"resourceVersion\":\"10\"}},\
         \"items\":[{a},{item},{c}]}}"
    );
    rig.head(200);
    for piece in body.as_bytes().chunks(3000) {
        rig.body(std::str::from_utf8(piece).unwrap());
    }
    rig.end();
    rig.holds(&["A", "C"]);
    let problems: Vec<_> = rig.engine.catalog().problems().collect();
    assert_eq!(problems.len(), 1);
    assert_eq!((&*problems[0].holder.pod, &*problems[0].holder.namespace), ("b", "shop"));
    assert_eq!(rig.parameter("resourceVersion").as_deref(), Some("10"), "it watches");
}

#[test]
fn expired_as_a_status_and_as_an_event_both_read_the_scope_anew() {
    for (code, reason) in [(410, "Expired"), (410, "Gone"), (410, ""), (500, "Expired")] {
        for in_band in [true, false] {
            let mut rig = Rig::watching(10, &[pod("a", "u1", 3, &["A"])]);
            let expected = status(code, reason, "too old resource version");
            if in_band {
                rig.body(&error_event(&expected));
            } else {
                rig.end();
                rig.until_sent();
                rig.notices();
                rig.refuse(code, &expected.to_string());
            }
            let waited = rig.until_sent();
            assert!(waited >= Duration::from_millis(800), "many clients are expected at once");
            assert_eq!(rig.request().verb, Verb::List);
            assert_eq!(rig.notices(), [], "no failure");
            rig.answer(&list(30, "", &[pod("b", "u2", 20, &["B"])]));
            let notices = rig.notices();
            assert!(matches!(
                &notices[..],
                [Notice::Relisted { reason: RelistReason::Expired, .. }]
            ));
            rig.holds(&["B"]);
        }
    }
}

#[test]
fn what_arrives_for_an_exchange_that_is_over_is_ignored() {
    use dubbo_k8s_engine::Input;
    let mut rig = Rig::watching(10, &[pod("a", "u1", 3, &["A"])]);
    let old = rig.stream();
    rig.body(&error_event(&expired()));
    let late = deleted(&pod("a", "u1", 11, &["A"]));
    rig.input(Input::Chunk { stream: old, bytes: late.as_bytes() });
    rig.input(Input::End { stream: old });
    rig.holds(&["A"]);
    assert_eq!(rig.sent.len(), 2);
}

fn describe(notice: &Notice) -> String {
    match notice {
        Notice::Failed { error, .. } | Notice::Disconnected { error, .. } => error.to_string(),
        other => format!("{other:?}"),
    }
}
