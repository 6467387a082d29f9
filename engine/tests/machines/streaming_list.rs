//! The streaming list: initial events, a bookmark, and the watch behind it.

use std::time::Duration;

use dubbo_k8s_engine::{Cause, Notice, RelistReason, Settings, TransportErrorKind, Verb};

use crate::objects::*;
use crate::rig::{Rig, settings};

#[test]
fn a19_no_bookmark_means_not_synced() {
    let mut rig = loading();
    rig.body(&bookmark(50));
    rig.pass(Duration::from_millis(4999));
    rig.holds(&[]);
    assert_eq!(rig.told(), []);
    assert!(!rig.engine.status().synced());
}

#[test]
fn initial_events_that_stop_without_their_bookmark_end_in_a_list() {
    for events in [String::new(), added(&pod("a", "u1", 3, &["A"]))] {
        let mut rig = Rig::new(settings());
        rig.head(200);
        rig.pass(Duration::from_secs(4));
        rig.body(&events);
        rig.pass(Duration::from_millis(999));
        assert_eq!((rig.request().verb, rig.told()), (Verb::Watch, vec![]));
        let waited = rig.until_sent();
        assert!(waited <= Duration::from_millis(4001), "{waited:?}");
        assert_eq!((rig.request().verb, rig.open.len()), (Verb::List, 1));
        let told = rig.told();
        assert!(
            matches!(&told[..], [Notice::Failed { error, .. }] if error.cause == Cause::NoClosingBookmark),
            "{told:?}"
        );
        rig.answer(&list(10, "", &[pod("b", "u2", 9, &["B"])]));
        rig.holds(&["B"]);
    }
}

#[test]
fn initial_events_may_take_longer_as_long_as_they_come() {
    let mut rig = Rig::new(settings());
    rig.head(200);
    for version in 1..10 {
        rig.pass(Duration::from_millis(4900));
        rig.body(&added(&pod("a", "u1", version, &["A"])));
    }
    rig.body(&synced(10));
    rig.holds(&["A"]);
}

#[test]
fn a_bookmark_that_ends_nothing_puts_a_list_off_by_five_seconds_whatever_else_comes() {
    let mut rig = loading();
    rig.body(&bookmark(50));
    for version in 51..55 {
        rig.pass(Duration::from_millis(1200));
        rig.body(&bookmark(version));
        assert_eq!(rig.request().verb, Verb::Watch);
    }
    rig.pass(Duration::from_millis(200));
    assert_eq!(rig.request().verb, Verb::List);
}

#[test]
fn a20_an_end_mark_that_is_not_true_means_not_synced() {
    for value in ["false", "", "TRUE", "1"] {
        let mut rig = loading();
        rig.body(&end_mark(50, value));
        rig.holds(&[]);
        assert_eq!(rig.told(), [], "{value:?}");
        rig.body(&synced(50));
        rig.holds(&["A", "B"]);
    }
}

#[test]
fn a20_an_end_mark_without_a_version_to_watch_from_is_none() {
    for version in ["", "0"] {
        let mut rig = loading();
        rig.body(&synced(777).replace("777", version));
        rig.holds(&[]);
        assert_eq!(rig.told(), []);
    }
}

#[test]
fn a21_changes_before_the_bookmark_are_applied_and_not_seen_before() {
    let mut rig = loading();
    rig.body(&modified(&pod("a", "u1", 11, &["C"])));
    rig.body(&deleted(&pod("b", "u2", 12, &["B"])));
    rig.body(&added(&pod("d", "u4", 13, &["D"])));
    rig.body(&modified(&terminating(pod("d", "u4", 14, &["D"]))));
    rig.holds(&[]);
    rig.body(&synced(14));
    rig.holds(&["C"]);
    assert_eq!(rig.changes(), ["+C"]);
}

#[test]
fn a22_any_refusal_falls_back_to_a_list_at_once() {
    for code in [400, 403, 404, 405, 406, 415, 422, 500, 501, 503] {
        let mut rig = Rig::new(settings());
        rig.refuse(code, &status(code, "Invalid", "sendInitialEvents is forbidden").to_string());
        assert_eq!(rig.request().verb, Verb::List, "{code}");
        assert_eq!(rig.now, Duration::ZERO);
        assert_eq!(rig.told(), [], "nothing is wrong yet");
        rig.answer(&list(10, "", &[pod("a", "u1", 3, &["A"])]));
        rig.holds(&["A"]);
    }
    let mut rig = Rig::new(settings());
    rig.head(200);
    rig.body(&error_event(&status(500, "InternalError", "no")));
    assert_eq!(rig.request().verb, Verb::List, "an ERROR event is a refusal too");
}

#[test]
fn a22_a_server_without_it_is_not_asked_again_until_the_connection_is_lost() {
    let mut rig = Rig::new(settings());
    rig.refuse(422, &status(422, "Invalid", "sendInitialEvents is forbidden").to_string());
    rig.answer(&list(10, "", &[]));
    rig.head(200);
    rig.body(&error_event(&expired()));
    rig.until_sent();
    assert_eq!(rig.request().verb, Verb::List);
    rig.answer(&list(20, "", &[]));
    rig.head(200);
    rig.fail(TransportErrorKind::Interrupted);
    rig.until_sent();
    rig.head(200);
    rig.body(&error_event(&expired()));
    rig.until_sent();
    assert_eq!(
        rig.parameter("sendInitialEvents").as_deref(),
        Some("true"),
        "perhaps another server"
    );
}

#[test]
fn a23_too_many_requests_are_retried_without_falling_back() {
    let mut rig = Rig::new(settings());
    for _ in 0..4 {
        rig.refuse_for(
            429,
            "Too many requests, please try again later.\n",
            Some(Duration::from_secs(1)),
        );
        assert!(rig.until_sent() >= Duration::from_secs(1));
        assert_eq!(rig.parameter("sendInitialEvents").as_deref(), Some("true"));
    }
    rig.head(200);
    rig.body(&error_event(&status(429, "TooManyRequests", "try again")));
    rig.until_sent();
    assert_eq!(rig.parameter("sendInitialEvents").as_deref(), Some("true"));
}

#[test]
fn a23_an_overloaded_server_that_says_when_to_come_back_is_not_asked_for_more() {
    let mut rig = Rig::new(settings());
    rig.refuse_for(503, "later", Some(Duration::from_secs(5)));
    assert!(rig.open.is_empty());
    assert!(rig.until_sent() >= Duration::from_secs(5));
    assert_eq!(rig.parameter("sendInitialEvents").as_deref(), Some("true"));
}

#[test]
fn a24_cut_before_the_sync_is_a_clean_restart() {
    for kind in [Some(TransportErrorKind::Interrupted), None] {
        let mut rig = loading();
        match kind {
            Some(kind) => rig.fail(kind),
            None => rig.end(),
        }
        rig.until_sent();
        assert_eq!(rig.parameter("sendInitialEvents").as_deref(), Some("true"));
        rig.head(200);
        rig.body(&(added(&pod("c", "u3", 3, &["C"])) + &synced(20)));
        rig.holds(&["C"]);
        assert_eq!(rig.changes(), ["+C"], "nothing of the first attempt");
    }
}

#[test]
fn a24_cut_again_and_again_a_list_is_tried() {
    let mut rig = loading();
    rig.end();
    rig.until_sent();
    rig.head(200);
    rig.end();
    rig.until_sent();
    assert_eq!(rig.request().verb, Verb::List);
    rig.answer(&list(10, "", &[pod("c", "u3", 3, &["C"])]));
    rig.holds(&["C"]);
}

#[test]
fn a25_cut_after_the_sync_goes_on_as_a_plain_watch_at_the_last_version() {
    let mut rig = following();
    rig.body(&modified(&pod("a", "u1", 51, &["C"])));
    rig.fail(TransportErrorKind::Interrupted);
    rig.until_sent();
    assert_eq!(rig.request().verb, Verb::Watch);
    assert_eq!(rig.parameter("sendInitialEvents"), None);
    assert_eq!(rig.parameter("resourceVersionMatch"), None);
    assert_eq!(rig.parameter("resourceVersion").as_deref(), Some("51"));
    assert_eq!(rig.lists(), 1);
}

#[test]
fn a26_an_overdue_bookmark_ends_in_a_list() {
    let mut rig = loading();
    let stream = rig.stream();
    // Events keep coming, as from a server that took the request for a plain watch.
    for version in 11..20 {
        rig.pass(Duration::from_secs(7));
        if rig.request().verb == Verb::List {
            break;
        }
        rig.body(&modified(&pod("a", "u1", version, &["A"])));
    }
    assert_eq!(rig.request().verb, Verb::List);
    assert!(rig.now <= Duration::from_secs(70), "{:?}", rig.now);
    assert!(rig.open.iter().all(|(open, _)| *open != stream), "the stream is dropped");
    rig.answer(&list(30, "", &[pod("a", "u1", 19, &["A"])]));
    rig.holds(&["A"]);
}

#[test]
fn a27_a_server_swapped_for_one_without_it() {
    let mut rig = following();
    rig.fail(TransportErrorKind::Interrupted);
    rig.until_sent();
    rig.fail(TransportErrorKind::Connect);
    rig.until_sent();
    rig.head(200);
    rig.body(&error_event(&expired()));
    rig.until_sent();
    assert_eq!(rig.parameter("sendInitialEvents").as_deref(), Some("true"));
    assert_eq!(rig.parameter("resourceVersion").as_deref(), Some("50"), "nothing older than held");
    rig.told();
    rig.refuse(422, &status(422, "Invalid", "sendInitialEvents is forbidden").to_string());
    rig.answer(&list(60, "", &[pod("a", "u1", 3, &["A"])]));
    rig.holds(&["A"]);
    assert_eq!(rig.changes(), ["+A", "+B", "-B"]);
    let told = rig.told();
    assert!(
        matches!(&told[..], [Notice::Relisted { reason: RelistReason::Expired, .. }]),
        "{told:?}"
    );
}

#[test]
fn a28_resume_omits_send_initial_events() {
    let mut rig = following();
    for version in 51..60 {
        rig.body(&bookmark(version));
        rig.end();
        rig.until_sent();
        assert_eq!(rig.parameter("sendInitialEvents"), None);
        assert_eq!(rig.parameter("resourceVersion"), Some(version.to_string()));
        rig.head(200);
    }
}

#[test]
fn a29_whole_pods_that_have_not_ended_are_asked_for_whether_readiness_counts_or_not() {
    for ready_only in [false, true] {
        let rig = Rig::new(Settings { ready_only, ..settings() });
        assert_eq!(rig.request().accept, "application/vnd.kubernetes.protobuf, application/json");
        assert_eq!(
            rig.parameter("fieldSelector").as_deref(),
            Some("status.phase!=Succeeded,status.phase!=Failed")
        );
    }
}

/// A streaming list in mid-load: two Pods, no bookmark yet.
fn loading() -> Rig {
    let mut rig = Rig::new(settings());
    rig.head(200);
    rig.body(&added(&pod("a", "u1", 3, &["A"])));
    rig.body(&added(&pod("b", "u2", 9, &["B"])));
    rig
}

/// The same, complete at version 50.
fn following() -> Rig {
    let mut rig = loading();
    rig.body(&synced(50));
    rig.told();
    rig
}
