//! LIST, then WATCH.

use std::collections::BTreeSet;
use std::time::Duration;

use dubbo_k8s_engine::{
    Cause, Engine, Input, Notice, Output, RelistReason, Scopes, Settings, TransportErrorKind, Verb,
};

use crate::objects::*;
use crate::rig::{Rig, paged, parameter, settings};

const LABELS: &str = "labelSelector=dubbo.io%2Flabel%20in%20%28dubbo.io-value%2Cdubbo.io.provider%2Cdubbo.io.consumer%29";
const PHASES: &str = "fieldSelector=status.phase%21%3DSucceeded%2Cstatus.phase%21%3DFailed";

#[test]
fn a01_request_options_and_resulting_store_of_a_paged_list() {
    let mut rig = Rig::new(paged());
    let request = rig.request().clone();
    assert_eq!(request.verb, Verb::List);
    assert_eq!(request.target, format!("/api/v1/namespaces/shop/pods?limit=500&{LABELS}&{PHASES}"));
    assert!(!request.gzip && request.body.is_empty() && request.content_type.is_none());

    rig.answer(&list(10, "", &[pod("a", "u1", 3, &["A", "B"]), pod("b", "u2", 9, &["B"])]));
    rig.holds(&["A", "B"]);
    assert_eq!(rig.changes(), ["+A", "+B"]);
    assert_eq!(rig.notices(), [Notice::Synced { pods: 2, records: 2 }]);

    let request = rig.request().clone();
    let timeout = parameter(&request.target, "timeoutSeconds").unwrap();
    assert_eq!(request.verb, Verb::Watch);
    assert_eq!(
        request.target,
        format!(
            "/api/v1/namespaces/shop/pods?watch=true&allowWatchBookmarks=true&resourceVersion=10\
             &timeoutSeconds={timeout}&{LABELS}&{PHASES}"
        )
    );
    assert_eq!(request.deadline, Duration::from_secs(timeout.parse::<u64>().unwrap() + 5));
    assert!(request.gzip, "since 1.37 it costs nothing");
    let rig = Rig::new(Settings { gzip_lists: true, ..paged() });
    assert!(rig.request().gzip);
}

#[test]
fn a01_request_options_and_resulting_store_of_a_streaming_list() {
    let mut rig = Rig::new(settings());
    let request = rig.request().clone();
    let timeout = rig.parameter("timeoutSeconds").unwrap();
    assert_eq!(request.verb, Verb::Watch);
    assert_eq!(
        request.target,
        format!(
            "/api/v1/namespaces/shop/pods?watch=true&allowWatchBookmarks=true&sendInitialEvents=true\
             &resourceVersionMatch=NotOlderThan&timeoutSeconds={timeout}&{LABELS}&{PHASES}"
        )
    );
    assert!(request.gzip);
    rig.head(200);
    rig.body(&added(&pod("a", "u1", 3, &["A", "B"])));
    rig.body(&added(&pod("b", "u2", 9, &["B"])));
    rig.body(&synced(10));
    rig.holds(&["A", "B"]);
    assert_eq!(rig.notices(), [Notice::Synced { pods: 2, records: 2 }]);
    assert_eq!(rig.sent.len(), 1, "the same stream is the watch");
}

#[test]
fn a01_all_namespaces_and_another_selector() {
    let all = Settings { selector: "a=b".to_owned(), ..Settings::new(Scopes::all()) };
    let rig = Rig::new(all);
    assert!(rig.request().target.starts_with("/api/v1/pods?watch=true&"));
    assert_eq!(rig.parameter("labelSelector").as_deref(), Some("a=b"));

    let none = Settings { selector: String::new(), ..settings() };
    assert_eq!(Rig::new(none).parameter("labelSelector"), None);
}

#[test]
fn a01_several_namespaces_are_followed_at_once_and_synced_together() {
    let scopes = Scopes::namespaces(["one", "two", "one", "", " "]).unwrap();
    let mut rig = Rig::new(Settings { scopes, ..settings() });
    let targets: BTreeSet<_> =
        rig.sent.iter().map(|(_, r)| r.target.split('?').next().unwrap()).collect();
    assert_eq!(targets, ["/api/v1/namespaces/one/pods", "/api/v1/namespaces/two/pods"].into());
    let (one, two) = (rig.open[0].0, rig.open[1].0);
    for (stream, namespace, name) in [(one, "one", "A"), (two, "two", "B")] {
        assert_eq!(rig.notices(), []);
        let body = added(&pod_in(namespace, "p", name, 1, &[name])) + &synced(5);
        rig.input(Input::Head { stream, status: 200, retry_after: None, content_type: "" });
        rig.input(Input::Chunk { stream, bytes: body.as_bytes() });
    }
    rig.holds(&["A", "B"]);
    assert_eq!(rig.notices(), [Notice::Synced { pods: 2, records: 2 }]);
    assert!(Scopes::namespaces(["", " "]).is_none(), "a stray comma is not all namespaces");
}

#[test]
fn a02_errors_interleaved_and_the_store_still_equals_the_list() {
    let mut rig = Rig::new(paged());
    rig.refuse(500, "");
    rig.until_sent();
    rig.fail(TransportErrorKind::Connect);
    rig.until_sent();
    rig.answer(&list(10, "next", &[pod("a", "u1", 3, &["A"])]));
    rig.refuse(503, "");
    rig.until_sent();
    assert_eq!(rig.parameter("continue").as_deref(), Some("next"), "the page, not the whole list");
    rig.head(200);
    rig.body(&list(10, "", &[pod("b", "u2", 4, &["B"])])[..60]);
    rig.fail(TransportErrorKind::Interrupted);
    rig.until_sent();
    rig.answer(&list(10, "", &[pod("b", "u2", 4, &["B"]), pod("c", "u3", 5, &["C"])]));
    rig.holds(&["A", "B", "C"]);
    assert_eq!(rig.changes(), ["+A", "+B", "+C"]);
    assert_eq!(rig.parameter("resourceVersion").as_deref(), Some("10"));
}

#[test]
fn a03_relist_asks_for_nothing_older_than_what_is_held() {
    let mut rig = Rig::watching(10, &[pod("a", "u1", 3, &["A"])]);
    rig.body(&modified(&pod("a", "u1", 12, &["B"])));
    rig.body(&error_event(&expired()));
    rig.until_sent();
    assert_eq!(rig.parameter("resourceVersion").as_deref(), Some("12"));
    assert_eq!(rig.parameter("resourceVersionMatch").as_deref(), Some("NotOlderThan"));
    rig.answer(&list(20, "next", &[]));
    assert_eq!(rig.parameter("continue").as_deref(), Some("next"));
    assert_eq!(rig.parameter("resourceVersion"), None, "the token holds the version");
    assert_eq!(rig.parameter("resourceVersionMatch"), None);
    rig.answer(&list(20, "", &[]));
    assert_eq!(rig.parameter("resourceVersion").as_deref(), Some("20"));
}

#[test]
fn a04_expired_list_is_asked_again_with_an_empty_version() {
    let mut rig = Rig::watching(10, &[]);
    rig.body(&error_event(&expired()));
    rig.until_sent();
    assert_eq!(rig.parameter("resourceVersion").as_deref(), Some("10"));
    rig.refuse(410, &expired().to_string());
    assert_eq!(rig.lists(), 3, "at once: the version was at fault, not the server");
    assert_eq!(rig.parameter("resourceVersion"), None);
    assert_eq!(rig.parameter("resourceVersionMatch"), None);
    rig.refuse(410, &expired().to_string());
    assert!(rig.until_sent() >= Duration::from_millis(800), "but not for ever");
    rig.answer(&list(30, "", &[]));
    assert_eq!(rig.parameter("resourceVersion").as_deref(), Some("30"));
}

#[test]
fn a05_too_large_version_in_all_its_forms_ends_in_a_list_of_the_newest() {
    let by_message = status(504, "Timeout", "Timeout: Too large resource version: 99, current: 50");
    let mut by_cause = status(504, "Timeout", "Timeout");
    by_cause["details"] =
        serde_json::json!({ "causes": [{ "message": "Too large resource version" }] });
    let mut by_type = status(504, "", "");
    by_type["details"] = serde_json::json!({ "causes": [{ "reason": "ResourceVersionTooLarge" }] });

    for expected in [too_large(), by_message, by_cause, by_type] {
        for streaming_list in [true, false] {
            for in_the_watch in [true, false] {
                let mut rig = Rig::new(Settings { streaming_list, ..settings() });
                rig.head(200);
                if streaming_list {
                    rig.body(&added(&pod("a", "u1", 99, &["A"])));
                    rig.body(&synced(99));
                } else {
                    rig.body(&list(99, "", &[pod("a", "u1", 99, &["A"])]));
                    rig.end();
                    rig.head(200);
                }
                if in_the_watch {
                    rig.body(&error_event(&expected));
                } else {
                    rig.body(&error_event(&expired()));
                    rig.until_sent();
                    assert_eq!(rig.parameter("resourceVersion").as_deref(), Some("99"));
                    if streaming_list {
                        rig.head(200);
                        rig.body(&error_event(&expected));
                    } else {
                        rig.refuse(504, &expected.to_string());
                    }
                }
                assert!(rig.until_sent() >= Duration::from_millis(800), "the server may catch up");
                assert_eq!(rig.parameter("resourceVersion"), None, "{expected}");
                rig.notices();
                // A restored server is older, and right.
                rig.head(200);
                if streaming_list {
                    rig.body(&(added(&pod("b", "u2", 40, &["B"])) + &synced(50)));
                } else {
                    rig.body(&list(50, "", &[pod("b", "u2", 40, &["B"])]));
                    rig.end();
                }
                rig.holds(&["B"]);
                let notices = rig.notices();
                assert!(
                    matches!(
                        &notices[..],
                        [Notice::Relisted { reason: RelistReason::Rewound, .. }, ..]
                    ),
                    "{notices:?}"
                );
            }
        }
    }
}

#[test]
fn a06_three_pages_are_drained_before_watching() {
    let mut rig = Rig::new(paged());
    for (token, next, name) in [("", "one", "A"), ("one", "two/+=", "B"), ("two/+=", "", "C")] {
        assert_eq!(rig.request().verb, Verb::List);
        assert_eq!(rig.parameter("continue").unwrap_or_default(), token);
        assert_eq!(rig.parameter("limit").as_deref(), Some("500"));
        rig.holds(&[]);
        rig.answer(&list(10, next, &[pod(name, name, 1, &[name])]));
    }
    rig.holds(&["A", "B", "C"]);
    assert_eq!(rig.request().verb, Verb::Watch);
    assert_eq!(rig.parameter("resourceVersion").as_deref(), Some("10"));
}

#[test]
fn a07_expiry_on_page_two_starts_one_list_without_a_limit() {
    let mut rig = Rig::new(paged());
    rig.answer(&list(10, "next", &[pod("a", "u1", 3, &["A"])]));
    rig.refuse(410, &expired().to_string());
    assert_eq!(rig.parameter("limit"), None);
    assert_eq!(rig.parameter("continue"), None);
    rig.answer(&list(20, "", &[pod("b", "u2", 13, &["B"])]));
    rig.holds(&["B"]);
    assert_eq!(rig.parameter("resourceVersion").as_deref(), Some("20"));
}

#[test]
fn a08_compaction_in_mid_list_never_takes_the_inconsistent_token() {
    let mut rig = Rig::new(paged());
    rig.answer(&list(10, "next", &[pod("a", "u1", 3, &["A"])]));
    let mut expected = expired();
    expected["metadata"]["continue"] = "inconsistent".into();
    rig.refuse(410, &format!("{expected:#}"));
    assert!(rig.sent.iter().all(|(_, request)| !request.target.contains("inconsistent")));
    rig.answer(&list(20, "", &[pod("b", "u2", 13, &["B"])]));
    rig.holds(&["B"]);
    assert_eq!(rig.notices(), [Notice::Synced { pods: 1, records: 1 }]);
}

#[test]
fn a09_timeouts_are_within_bounds_and_really_random() {
    let timeout = |seed| Rig::seeded(settings(), seed).parameter("timeoutSeconds").unwrap();
    let timeouts: Vec<u64> = (0..500).map(|seed| timeout(seed).parse().unwrap()).collect();
    assert!(timeouts.iter().all(|t| (300..=600).contains(t)));
    assert!(timeouts.iter().collect::<BTreeSet<_>>().len() > 200);

    let mut rig = Rig::watching(10, &[]);
    let mut seen = BTreeSet::new();
    for version in 11..40 {
        seen.insert(rig.parameter("timeoutSeconds").unwrap());
        rig.body(&bookmark(version));
        rig.end();
        rig.until_sent();
        rig.head(200);
    }
    assert!(seen.len() > 20, "one client varies too: {seen:?}");
}

#[test]
fn a10_the_version_does_not_advance_during_synthetic_events() {
    let mut rig = Rig::new(settings());
    rig.head(200);
    rig.body(&added(&pod("a", "u1", 3, &["A"])));
    rig.body(&bookmark(8));
    rig.fail(TransportErrorKind::Interrupted);
    rig.until_sent();
    assert_eq!(rig.parameter("sendInitialEvents").as_deref(), Some("true"));
    assert_eq!(rig.parameter("resourceVersion"), None);
    rig.holds(&[]);
}

#[test]
fn a11_objects_of_another_kind_are_ignored() {
    let mut rig = Rig::watching(10, &[pod("a", "u1", 3, &["A"])]);
    let mut service = pod("a", "u1", 99, &["B"]);
    service["kind"] = "Service".into();
    service["apiVersion"] = "v1".into();
    rig.body(&modified(&service));
    rig.holds(&["A"]);
    rig.body(&modified(&pod("a", "u1", 12, &["C"])));
    rig.holds(&["C"]);
    assert_eq!(rig.notices(), []);
    rig.fail(TransportErrorKind::Interrupted);
    rig.until_sent();
    assert_eq!(rig.parameter("resourceVersion").as_deref(), Some("12"));
}

#[test]
fn a12_a_corrupt_object_breaks_the_watch_off_and_the_relist_removes_it() {
    let mut rig = Rig::watching(10, &[pod("a", "u1", 3, &["A"]), pod("b", "u2", 4, &["B"])]);
    rig.body(&error_event(&status(500, "StorageReadError", "corrupt object has been deleted")));
    rig.until_sent();
    assert_eq!(rig.request().verb, Verb::List);
    rig.answer(&list(12, "", &[pod("b", "u2", 4, &["B"])]));
    rig.holds(&["B"]);
    assert_eq!(rig.changes(), ["-A"]);
    let notices = rig.notices();
    assert!(
        matches!(&notices[..], [Notice::Relisted { reason: RelistReason::WatchError(message), .. }]
            if message.contains("corrupt object")),
        "{notices:?}"
    );
}

#[test]
fn a13_a_watch_from_a_past_version_catches_up_in_order() {
    let mut rig = Rig::watching(10, &[pod("a", "u1", 3, &["A"])]);
    for version in 11..20 {
        rig.body(&modified(&pod(
            "a",
            "u1",
            version,
            if version % 2 == 0 { &["A"] } else { &["B"] },
        )));
    }
    assert_eq!(rig.changes().join(" "), ["-A +B -B +A"; 4].join(" ") + " -A +B");
}

#[test]
fn a14_resume_after_a_close_skips_what_was_applied() {
    let mut rig = Rig::watching(10, &[pod("a", "u1", 3, &["A"])]);
    let first = modified(&pod("a", "u1", 11, &["B"]));
    let second = modified(&pod("a", "u1", 12, &["C"]));
    let third = deleted(&pod("a", "u1", 13, &["C"]));
    rig.body(&(first.clone() + &second));
    rig.end();
    rig.until_sent();
    assert_eq!(rig.parameter("resourceVersion").as_deref(), Some("12"));
    assert_eq!(rig.changes(), ["-A", "+B", "-B", "+C"]);
    rig.head(200);
    // A server that replays cannot turn the catalog back, and is no news.
    rig.body(&(first + &second + &third + &third));
    assert_eq!(rig.changes(), ["-C"]);
    rig.fail(TransportErrorKind::Interrupted);
    rig.until_sent();
    assert_eq!(rig.parameter("resourceVersion").as_deref(), Some("13"));
    assert_eq!(rig.lists(), 1);
}

#[test]
fn a15_a_label_lost_and_restored() {
    let mut rig = Rig::watching(10, &[pod("a", "u1", 3, &["A"])]);
    // The old object with a new version, its label still on it.
    rig.body(&deleted(&pod("a", "u1", 11, &["A"])));
    rig.holds(&[]);
    rig.body(&added(&pod("a", "u1", 12, &["A"])));
    rig.holds(&["A"]);
    assert_eq!(rig.changes(), ["-A", "+A"]);
}

#[test]
fn a16_a_hundred_watches_of_any_chunking_see_one_order() {
    let mut events = String::new();
    for version in 11..40_u64 {
        let names: &[&str] = [&["A"][..], &["A", "B"], &["B", "C"], &[]][(version % 4) as usize];
        let uid = format!("u{}", version % 3);
        events += &modified(&pod(&uid, &uid, version, names));
    }
    let mut orders = BTreeSet::new();
    for seed in 0..100_u64 {
        let mut rig = Rig::seeded(paged(), seed);
        rig.answer(&list(10, "", &[]));
        rig.head(200);
        for chunk in events.as_bytes().chunks(usize::try_from(seed).unwrap() * 7 + 1) {
            rig.bytes(chunk);
        }
        orders.insert(rig.changes());
    }
    assert_eq!(orders.len(), 1);
    assert!(orders.first().unwrap().len() > 10, "{orders:?}");
}

#[test]
fn a17_unread_events_at_the_stop_leak_nothing() {
    let mut engine = Engine::new(paged(), 1);
    let mut out = Vec::new();
    engine.handle(Duration::ZERO, Input::Wake, &mut out);
    let Some(Output::Send { stream, .. }) = out.pop() else { panic!("{out:?}") };
    let body = list(10, "", &[pod("a", "u1", 3, &["A"])]);
    engine.handle(
        Duration::ZERO,
        Input::Head { stream, status: 200, retry_after: None, content_type: "" },
        &mut out,
    );
    engine.handle(Duration::ZERO, Input::Chunk { stream, bytes: body.as_bytes() }, &mut out);
    engine.handle(Duration::ZERO, Input::End { stream }, &mut out);
    let held = out.iter().find_map(|output| match output {
        Output::Notice(Notice::Change(change)) => Some(std::sync::Arc::downgrade(&change.holder)),
        _ => None,
    });
    let held = held.expect("a change was expected");
    drop(out);
    assert!(held.upgrade().is_some(), "the catalog holds it");
    drop(engine);
    assert!(held.upgrade().is_none(), "and nothing else does");
}

#[test]
fn a18_a_server_timeout_is_watched_again_with_still_one_list() {
    let mut rig = Rig::watching(10, &[pod("a", "u1", 3, &["A"])]);
    for round in 0..5 {
        let timeout: u64 = rig.parameter("timeoutSeconds").unwrap().parse().unwrap();
        rig.pass(Duration::from_mins(1));
        rig.body(&bookmark(11 + round));
        rig.pass(Duration::from_secs(timeout - 60));
        let sent = rig.sent.len();
        rig.end();
        assert_eq!(rig.sent.len(), sent + 1, "at once");
        rig.head(200);
    }
    assert_eq!(rig.lists(), 1);
    assert_eq!(rig.notices(), [], "no subscriber needs to know");
    rig.holds(&["A"]);
}

#[test]
fn a_refused_page_keeps_what_was_read_and_a_fault_of_the_request_starts_again() {
    let mut rig = Rig::new(paged());
    rig.answer(&list(10, "next", &[pod("a", "u1", 3, &["A"])]));
    rig.refuse_for(
        429,
        "Too many requests, please try again later.\n",
        Some(Duration::from_secs(1)),
    );
    rig.until_sent();
    assert_eq!(rig.parameter("continue").as_deref(), Some("next"));
    rig.refuse(400, &status(400, "BadRequest", "continue key is not valid").to_string());
    rig.until_sent();
    assert_eq!(rig.parameter("continue"), None);
    assert_eq!(rig.parameter("limit").as_deref(), Some("500"));
}

#[test]
fn a_body_that_is_no_list_is_a_failure_and_not_an_empty_registry() {
    for body in
        ["<html>Sign in</html>", "{}", "null", "[]", "{\"kind\":\"Status\"}", "{\"items\":[]}", ""]
    {
        let mut rig = Rig::watching(10, &[pod("a", "u1", 3, &["A"])]);
        rig.body(&error_event(&expired()));
        rig.until_sent();
        rig.head(200);
        rig.body(body);
        if !rig.open.is_empty() {
            rig.end();
        }
        let notices = rig.notices();
        assert!(
            matches!(&notices[..], [Notice::Disconnected { error, .. }]
                if matches!(error.cause, Cause::NotAList(_) | Cause::CutShort)),
            "{body}: {notices:?}"
        );
        rig.holds(&["A"]);
        rig.until_sent();
        assert_eq!(rig.request().verb, Verb::List);
    }
}

#[test]
fn what_is_not_followed_is_listed_in_one_piece_and_then_left_alone() {
    let mut rig = Rig::new(Settings { follow: false, ..settings() });
    assert_eq!((rig.request().verb, rig.parameter("limit")), (Verb::List, None));
    rig.answer(&list(99, "", &[pod("a", "u1", 3, &["A"])]));
    rig.holds(&["A"]);
    assert!(rig.open.is_empty() && rig.engine.next_wake().is_none());
}

#[test]
fn a_list_in_one_piece_that_breaks_off_is_tried_in_pages() {
    let mut rig = Rig::new(Settings { follow: false, ..settings() });
    rig.head(200);
    rig.fail(TransportErrorKind::Interrupted);
    rig.until_sent();
    assert_eq!((rig.request().verb, rig.parameter("limit")), (Verb::List, Some("500".to_owned())));
}

#[test]
fn a_silent_watch_asks_whether_the_server_has_its_version() {
    let mut rig = Rig::watching(99, &[pod("a", "u1", 3, &["A"])]);
    let watch = rig.stream();
    assert!(rig.until_sent() >= Duration::from_secs(90));
    assert_eq!(rig.request().verb, Verb::List);
    assert_eq!(rig.parameter("limit").as_deref(), Some("1"));
    assert_eq!(rig.parameter("resourceVersion").as_deref(), Some("99"));
    assert_eq!(rig.parameter("resourceVersionMatch").as_deref(), Some("NotOlderThan"));
    rig.refuse(504, &too_large().to_string());
    assert!(rig.open.iter().all(|(stream, _)| *stream != watch), "the watch is of no use");
    rig.until_sent();
    assert_eq!(rig.parameter("resourceVersion"), None);
    rig.answer(&list(50, "", &[pod("b", "u2", 40, &["B"])]));
    rig.holds(&["B"]);
    let mut changes = rig.changes();
    changes.sort();
    assert_eq!(changes, ["+B", "-A"]);
}

#[test]
fn the_first_watch_after_an_outage_asks_so_after_two_seconds() {
    let mut rig = Rig::watching(99, &[pod("a", "u1", 3, &["A"])]);
    rig.fail(TransportErrorKind::Interrupted);
    rig.until_sent();
    rig.fail(TransportErrorKind::Connect);
    rig.until_sent();
    assert_eq!(rig.request().verb, Verb::Watch);
    rig.head(200);
    assert!(rig.until_sent() <= Duration::from_secs(2));
    assert_eq!(rig.request().verb, Verb::List);
    assert_eq!(rig.parameter("resourceVersion").as_deref(), Some("99"));
    rig.refuse(504, &too_large().to_string());
    rig.until_sent();
    rig.answer(&list(50, "", &[pod("b", "u2", 40, &["B"])]));
    rig.holds(&["B"]);
}

#[test]
fn versions_that_begin_again_are_not_taken_for_repeated_events() {
    let mut rig = Rig::watching(99, &[pod("a", "u1", 3, &["A"])]);
    rig.body(&modified(&pod("a", "u1", 100, &["B"])));
    rig.fail(TransportErrorKind::Interrupted);
    rig.until_sent();
    rig.head(200);
    rig.until_sent();
    rig.refuse(504, &too_large().to_string());
    rig.until_sent();
    rig.answer(&list(50, "", &[pod("a", "u1", 3, &["A"])]));
    rig.head(200);
    rig.body(&modified(&pod("a", "u1", 100, &["C"])));
    rig.holds(&["C"]);
}

#[test]
fn a_silent_watch_whose_version_is_there_goes_on() {
    for answer in [200, 403, 500] {
        let mut rig = Rig::watching(99, &[pod("a", "u1", 3, &["A"])]);
        let watch = rig.stream();
        rig.until_sent();
        if answer == 200 {
            rig.answer(&list(140, "", &[]));
        } else {
            rig.refuse(answer, "");
        }
        assert_eq!(rig.open.iter().map(|(stream, _)| *stream).collect::<Vec<_>>(), [watch]);
        let before = rig.sent.len();
        rig.pass(Duration::from_secs(150));
        assert_eq!(rig.sent.len(), before, "once for each watch");
        rig.body(&modified(&pod("a", "u1", 100, &["B"])));
        rig.holds(&["B"]);
        assert_eq!(rig.notices(), []);
    }
}

#[test]
fn the_answer_about_a_silent_watch_says_how_far_it_is_behind() {
    let mut rig = Rig::watching(99, &[pod("a", "u1", 3, &["A"])]);
    assert_eq!(rig.engine.status().behind(), Some(0));
    rig.until_sent();
    rig.answer(&list(140, "", &[]));
    assert_eq!(rig.engine.status().behind(), Some(41));
    rig.body(&bookmark(120));
    assert_eq!(rig.engine.status().behind(), Some(20));
    rig.body(&bookmark(150));
    assert_eq!(rig.engine.status().behind(), Some(0));
}

#[test]
fn a_watch_that_speaks_is_not_asked_about() {
    let mut rig = Rig::watching(99, &[]);
    rig.pass(Duration::from_mins(1));
    rig.body(&bookmark(99));
    let before = rig.sent.len();
    rig.pass(Duration::from_secs(200));
    assert_eq!(rig.sent.len(), before);
}

#[test]
fn a_fault_found_with_the_watch_itself_reads_the_scope_anew() {
    let mut rig = Rig::watching(10, &[]);
    rig.end();
    rig.until_sent();
    rig.refuse(400, &status(400, "BadRequest", "resourceVersion: Invalid value").to_string());
    rig.until_sent();
    assert_eq!(rig.request().verb, Verb::List);
}

#[test]
fn progress_is_reported_while_a_large_list_loads() {
    let pods = |from: u64| -> Vec<_> {
        (from..from + 600).map(|n| pod(&format!("p{n}"), &format!("u{n}"), n, &[])).collect()
    };
    let mut rig = Rig::new(paged());
    rig.answer(&list(10, "next", &pods(1)));
    rig.answer(&list(10, "", &pods(601)));
    let notices = rig.notices();
    assert!(
        matches!(
            &notices[..],
            [
                Notice::Progress { pods: 600, .. },
                Notice::Progress { pods: 1200, .. },
                Notice::Synced { .. }
            ]
        ),
        "{notices:?}"
    );
}

#[test]
fn a_list_whose_pages_never_end_backs_off_and_starts_again() {
    let same = |_: u32| list(7, "again", &[pod("a", "u-a", 3, &["a"])]);
    let empty = |page: u32| list(7, &format!("token-{page}"), &[]);
    for answer in [&same as &dyn Fn(u32) -> String, &empty] {
        let mut rig = Rig::new(paged());
        let mut waits = Vec::new();
        for _ in 0..5 {
            let mut pages = 0;
            let before = rig.sent.len();
            while rig.notices().is_empty() {
                rig.answer(&answer(pages));
                pages += 1;
                assert!(pages <= 16, "it never waits");
            }
            assert_eq!(
                rig.sent.len(),
                before + usize::try_from(pages).unwrap() - 1,
                "nothing is sent before the wait"
            );
            waits.push(rig.until_sent());
            assert_eq!(rig.parameter("continue"), None, "from the start");
        }
        assert!(waits[4] > waits[0], "{waits:?}");
        assert_eq!(rig.engine.catalog().records(), 0);
    }
    let mut rig = Rig::new(paged());
    rig.answer(&list(7, "one", &[]));
    rig.answer(&list(7, "", &[pod("a", "u-a", 3, &["a"])]));
    rig.holds(&["a"]);
}
