//! What comes out of the engine: changes, and who is expected what when.

use std::time::Duration;

use dubbo_k8s_engine::{Notice, RelistReason, TransportErrorKind};

use crate::objects::*;
use crate::rig::Rig;

#[test]
fn a39_a_replace_yields_the_removals() {
    let mut rig =
        Rig::watching(10, &[pod("a", "u1", 3, &["A", "B"]), pod("b", "u2", 4, &["B", "C"])]);
    rig.body(&error_event(&expired()));
    rig.until_sent();
    rig.answer(&list(30, "", &[pod("b", "u2", 20, &["B", "D"])]));
    rig.holds(&["B", "D"]);
    let mut changes = rig.changes();
    changes.sort();
    assert_eq!(changes, ["+D", "-A", "-C"], "B was never away");
}

#[test]
fn a40_a_replace_is_one_step() {
    let mut rig = Rig::watching(10, &[pod("a", "u1", 3, &["A"])]);
    rig.body(&error_event(&expired()));
    rig.until_sent();
    let body = list(30, "", &[pod("b", "u2", 20, &["B"]), pod("c", "u3", 21, &["C"])]);
    rig.head(200);
    for byte in body.as_bytes() {
        rig.bytes(std::slice::from_ref(byte));
        rig.holds(&["A"]);
    }
    rig.end();
    rig.holds(&["B", "C"]);
}

#[test]
fn a41_the_changes_of_an_outage_are_delivered_as_the_difference() {
    let mut rig = Rig::watching(10, &[pod("a", "u1", 3, &["A"]), pod("b", "u2", 4, &["B"])]);
    rig.fail(TransportErrorKind::Interrupted);
    assert!(matches!(&rig.notices()[..], [Notice::Disconnected { .. }]));
    rig.until_sent();
    rig.fail(TransportErrorKind::Connect);
    assert!(matches!(&rig.notices()[..], [Notice::Failed { .. }]));
    rig.holds(&["A", "B"]);
    rig.until_sent();
    rig.head(200);
    assert!(matches!(&rig.notices()[..], [Notice::Reconnected { .. }]));
    rig.body(&error_event(&expired()));
    rig.until_sent();
    rig.answer(&list(90, "", &[pod("a", "u1", 50, &["A", "C"]), pod("d", "u4", 60, &["D"])]));
    let mut changes = rig.changes();
    changes.sort();
    assert_eq!(changes, ["+C", "+D", "-B"]);
    assert!(matches!(&rig.notices()[..], [Notice::Relisted { reason: RelistReason::Expired, .. }]));
}

#[test]
fn a47_a_recreated_object_with_a_new_uid_goes_and_comes() {
    let mut rig = Rig::watching(10, &[pod("a", "u1", 3, &["A", "S"])]);
    rig.body(&modified(&pod("a", "u2", 11, &["B", "S"])));
    let changes = rig.changes();
    rig.holds(&["B", "S"]);
    let at = |sign: &str| changes.iter().position(|change| change == sign);
    assert!(
        at("-A").expect("the old one goes") < at("+B").expect("the new one comes"),
        "{changes:?}"
    );
    // The end of the old one, late, takes nothing from the new one.
    rig.body(&deleted(&pod("a", "u1", 12, &["A", "S"])));
    rig.holds(&["B", "S"]);
}

#[test]
fn a_terminating_pod_leaves_at_once() {
    let mut rig = Rig::watching(10, &[pod("a", "u1", 3, &["A"])]);
    rig.body(&modified(&terminating(pod("a", "u1", 11, &["A"]))));
    rig.holds(&[]);
    rig.body(&deleted(&terminating(pod("a", "u1", 12, &["A"]))));
    assert_eq!(rig.changes(), ["-A"]);
}

#[test]
fn one_unreadable_pod_is_a_problem_beside_the_rest() {
    let mut bad = pod("bad", "u9", 5, &[]);
    bad["metadata"]["annotations"]["dubbo.io/annotation"] = "%%%".into();
    let mut rig = Rig::watching(10, &[bad.clone(), pod("a", "u1", 3, &["A"])]);
    rig.holds(&["A"]);
    rig.body(&added(&pod("b", "u2", 11, &["B"])));
    bad["metadata"]["resourceVersion"] = "12".into();
    bad["metadata"]["uid"] = 7.into();
    rig.body(&modified(&bad));
    rig.body("{\"type\":\"ADDED\",\"object\":{\"kind\":\"Pod\",\"metadata\"\n");
    rig.body("not json at all\n");
    rig.body(&added(&pod("c", "u3", 13, &["C"])));
    rig.holds(&["A", "B", "C"]);
    assert_eq!(rig.lists(), 1, "and no reason to list again");
    assert_eq!(rig.sent.len(), 2);
    let mut bad = pod("c", "u3", 14, &[]);
    bad["metadata"]["labels"] = 7.into();
    rig.body(&modified(&bad));
    rig.holds(&["A", "B"]);
    rig.fail(TransportErrorKind::Interrupted);
    rig.until_sent();
    assert_eq!(rig.parameter("resourceVersion").as_deref(), Some("14"), "taken in as a problem");
}

#[test]
fn the_age_counts_from_the_last_word_of_the_server_while_it_is_away() {
    let mut rig = Rig::watching(10, &[]);
    rig.pass(Duration::from_mins(1));
    rig.body(&bookmark(11));
    assert_eq!(rig.engine.status().age(rig.now), Some(Duration::ZERO));
    rig.pass(Duration::from_secs(5));
    rig.fail(TransportErrorKind::Interrupted);
    assert_eq!(rig.engine.status().age(rig.now), Some(Duration::from_secs(5)));
    rig.until_sent();
    rig.head(200);
    assert_eq!(rig.engine.status().age(rig.now), Some(Duration::ZERO));
}
