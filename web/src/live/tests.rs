//! Events and snapshots over time, under a clock of the tests.

use serde_json::json;

use dubbo_k8s_codec::{Category, Key};

use super::*;

fn read(json: serde_json::Value) -> Event {
    serde_json::from_value(json).unwrap()
}

fn event(kind: &str, pod: &str, url: &str) -> Event {
    read(
        json!({"event": kind, "key": Key::leaf("a.B", Category::Providers, url).to_string(), "value": "",
           "namespace": "n", "pod": pod, "uid": pod}),
    )
}

fn registered(model: &Model) -> Vec<String> {
    let mut all: Vec<String> = model
        .pods
        .iter()
        .flat_map(|pod| pod.endpoints.iter().map(|endpoint| endpoint.haystack.to_string()))
        .collect();
    all.sort();
    all
}

fn started() -> (Live, Model) {
    let (mut live, mut model) = (Live::default(), Model::default());
    let snapshot = json!({"event": "snapshot", "data": {"services": [{"interface": "a.B", "providers": [
        {"url": "dubbo://10.0.0.1:1/a.B", "holders": [{"namespace": "n", "pod": "p1", "uid": "p1"}]}],
        "consumers": []}]}});
    assert!(live.take(&mut model, vec![read(snapshot)], 1000));
    (live, model)
}

#[test]
fn a_snapshot_and_events_add_up() {
    let (mut live, mut model) = started();
    assert_eq!(registered(&model), ["n/p1 a.b dubbo://10.0.0.1:1/a.b"]);
    let events = [
        event("added", "p2", "dubbo://10.0.0.2:1/a.B"),
        event("removed", "p1", "dubbo://10.0.0.1:1/a.B"),
    ];
    assert!(live.take(&mut model, events.to_vec(), 2000));
    assert_eq!(registered(&model), ["n/p2 a.b dubbo://10.0.0.2:1/a.b"]);
    assert_eq!(model.departed.len(), 1, "what has gone is shown for a moment");
    assert!(live.take(&mut model, vec![], 2000 + DEPARTED_MS));
    assert!(model.departed.is_empty());
    assert!(!live.take(&mut model, events[..1].to_vec(), 9000), "the same again changes nothing");
}

#[test]
fn a_pod_that_changes_stays_where_it_is_shown() {
    let (mut live, mut model) = started();
    let more = [
        event("added", "p2", "dubbo://10.0.0.2:1/a.B"),
        event("added", "p1", "dubbo://10.0.0.9:1/a.B"),
    ];
    live.take(&mut model, more[..1].to_vec(), 2000);
    live.take(&mut model, more[1..].to_vec(), 3000);
    let members = model.services[0].of(Category::Providers);
    assert_eq!(members, [(0, 0), (0, 1), (1, 0)]);
}

#[test]
fn a_key_that_is_gone_is_gone_from_every_holder() {
    let (mut live, mut model) = started();
    live.take(&mut model, vec![event("removed", "another", "dubbo://10.0.0.1:1/a.B")], 2000);
    assert!(registered(&model).is_empty());
}

fn holders(pods: &[&str]) -> Event {
    let all: Vec<_> =
        pods.iter().map(|pod| json!({"namespace": "n", "pod": pod, "uid": pod})).collect();
    let url = |n: u8| format!("dubbo://10.0.0.{n}:1/a.B");
    let services = json!([{"interface": "a.B", "consumers": [], "providers": [
        {"url": url(1), "holders": all}, {"url": url(7), "holders": all}]}]);
    read(json!({"event": "holders", "data": {"services": services, "problems": []}}))
}

#[test]
fn a_key_moves_to_those_who_carry_it_and_is_neither_new_nor_gone() {
    let (mut live, mut model) = started();
    assert!(live.take(&mut model, vec![holders(&["p1", "p2"])], 2000));
    let [first, second] = ["n/p1", "n/p2"].map(|pod| format!("{pod} a.b dubbo://10.0.0.1:1/a.b"));
    assert_eq!(registered(&model), [first.clone(), second.clone()], "only what is known");
    assert!(!live.take(&mut model, vec![holders(&["p2", "p1"])], 2500), "the same again");
    assert!(live.take(&mut model, vec![holders(&["p2"])], 3000));
    assert_eq!(registered(&model), [second]);
    assert!(model.departed.is_empty());
    live.seek(&mut model, Some(1500));
    assert_eq!(registered(&model), [first]);
    live.seek(&mut model, None);
    assert!(live.take(&mut model, vec![event("removed", "p9", "dubbo://10.0.0.1:1/a.B")], 4000));
    assert!(registered(&model).is_empty());
}

#[test]
fn a_key_is_the_same_however_it_is_escaped() {
    let (mut live, mut model) = started();
    let mut gone =
        json!({"event": "removed", "value": "", "namespace": "n", "pod": "p1", "uid": "p1"});
    gone["key"] = "/dubbo/a.B/providers/dubbo:%2f%2f10.0.0.1:1%2fa.B".into();
    assert!(live.take(&mut model, vec![read(gone)], 2000));
    assert!(registered(&model).is_empty());
}

#[test]
fn one_can_go_back_and_forth_while_events_go_on() {
    let (mut live, mut model) = started();
    let start = registered(&model);
    live.take(&mut model, vec![event("added", "p2", "dubbo://10.0.0.2:1/a.B")], 2000);
    live.take(&mut model, vec![event("added", "p3", "dubbo://10.0.0.3:1/a.B")], 3000);
    live.seek(&mut model, Some(1500));
    assert_eq!(registered(&model), start);
    live.seek(&mut model, Some(2500));
    assert_eq!(registered(&model).len(), 2);
    // Paused: what comes is kept, and seen when it goes on.
    assert!(!live.take(&mut model, vec![event("removed", "p1", "dubbo://10.0.0.1:1/a.B")], 4000));
    assert_eq!(registered(&model).len(), 2);
    live.seek(&mut model, None);
    assert_eq!(registered(&model).len(), 2);
    assert!(!registered(&model).contains(&start[0]));
}

#[test]
fn the_past_is_bounded() {
    let (mut live, mut model) = started();
    for n in 0..50_u64 {
        let kind = if n % 2 == 0 { "added" } else { "removed" };
        live.take(&mut model, vec![event(kind, "p2", "dubbo://10.0.0.2:1/a.B")], 1000 + n * 60_000);
    }
    assert!(live.history.holders().count() <= 6);
    assert_eq!(live.span().1 - live.span().0, AGE);
}

fn told(kind: &str, pod: &str) -> Event {
    read(json!({"event": kind, "namespace": "n", "pod": pod, "uid": pod,
           "error": {"code": "not-json", "stage": "json", "offset": 18, "decodedOffset": 14,
                     "expected": "value", "found": {"byte": 120}, "message": "told to people"}}))
}

fn codes(model: &Model) -> Vec<(String, &'static str, Option<usize>)> {
    let of = |pod: &crate::model::Pod| {
        let name = pod.text.name.to_string();
        let each = pod.problems.iter();
        each.map(move |it| (name.clone(), it.code.as_str(), it.offset)).collect::<Vec<_>>()
    };
    model.pods.iter().flat_map(of).collect()
}

#[test]
fn a_problem_stands_beside_the_rest_until_it_is_resolved() {
    let (mut live, mut model) = started();
    assert!(live.take(&mut model, vec![told("problem", "bad")], 2000));
    assert_eq!(codes(&model), [("bad".to_owned(), "not-json", Some(18))]);
    assert!(model.is_unread(1) && !model.is_unread(0));
    assert_eq!(registered(&model).len(), 1);
    assert!(!live.take(&mut model, vec![told("problem", "bad")], 2500), "the same again");
    assert!(live.take(&mut model, vec![told("resolved", "bad")], 3000));
    assert!(codes(&model).is_empty() && !model.is_unread(1) && model.pods[1].over);
    live.seek(&mut model, Some(2700));
    assert_eq!(codes(&model).len(), 1, "and one can go back to it");
    live.seek(&mut model, None);
    assert!(codes(&model).is_empty());
}

/// A problem that the watcher reports of one record: `error` is its own part of it.
fn of_a_record(kind: &str, pod: &str, error: &serde_json::Value) -> Event {
    read(json!({"event": kind, "namespace": "n", "pod": pod, "uid": pod, "error": error}))
}

#[test]
fn what_is_wrong_with_one_record_hides_no_other_one() {
    let refused_url = json!({"code": "dubbo-go-refuses-url", "stage": "shape", "offset": 60, "decodedOffset": 44,
                             "expected": "url", "found": {"byte": 59}, "reason": "semicolon", "message": "x"});
    let bad_key = json!({"code": "wrong-shape", "stage": "shape", "offset": 9, "decodedOffset": 7,
                         "expected": "key", "found": {"byte": 120}, "message": "x"});
    let (mut live, mut model) = started();
    let url = "dubbo://10.0.0.1:1/a.B?filter=a;b";
    live.take(&mut model, vec![event("added", "p1", url)], 1500);
    let problems =
        [of_a_record("problem", "p1", &refused_url), of_a_record("problem", "p1", &bad_key)];
    live.take(&mut model, problems.to_vec(), 2000);
    assert_eq!(registered(&model).len(), 2, "both records are shown");
    assert!(!model.is_unread(0));
    let found: Vec<_> = codes(&model).into_iter().map(|(_, code, _)| code).collect();
    assert_eq!(found, ["dubbo-go-refuses-url", "key-malformed"], "each once");
    // One of them is over: the other one stays.
    live.take(&mut model, vec![of_a_record("resolved", "p1", &bad_key)], 3000);
    let found: Vec<_> = codes(&model).into_iter().map(|(_, code, _)| code).collect();
    assert_eq!(found, ["dubbo-go-refuses-url"]);
    assert_eq!(registered(&model).len(), 2);
}

#[test]
fn a_pod_that_left_is_gone_and_no_other_one_is_taken_for_it() {
    let (mut live, mut model) = started();
    live.take(&mut model, vec![event("removed", "p1", "dubbo://10.0.0.1:1/a.B")], 2000);
    assert!(model.pods[0].is_gone());
    assert_eq!(model.pods[0].verdict, crate::verdict::Verdict::Gone);
}

#[test]
fn services_keep_their_places_when_everything_is_read_anew() {
    let (mut live, mut model) = started();
    live.take(&mut model, vec![event("added", "p2", "dubbo://10.0.0.2:1/a.B?version=1")], 2000);
    let before: Vec<String> = model.services.iter().map(|it| it.service.to_string()).collect();
    let snapshot = json!({"event": "snapshot", "data": {"services": [{"interface": "a.B", "providers": [
        {"url": "dubbo://10.0.0.2:1/a.B?version=1", "holders": [{"namespace": "n", "pod": "p2", "uid": "p2"}]}],
        "consumers": []}]}});
    live.take(&mut model, vec![read(snapshot)], 3000);
    model.settle();
    let after: Vec<String> = model.services.iter().map(|it| it.service.to_string()).collect();
    assert_eq!(before, after);
    assert_eq!(model.sorted().collect::<Vec<_>>(), [1], "only what is there is shown");
}

#[test]
fn a_snapshot_brings_its_problems() {
    let (mut live, mut model) = (Live::default(), Model::default());
    let problem = json!({"namespace": "n", "pod": "bad", "uid": "bad",
                         "error": {"code": "not-base64", "stage": "base64", "offset": 3, "decodedOffset": null,
                                   "expected": "base64", "found": "end", "message": "x"}});
    let snapshot = json!({"event": "snapshot", "data": {"services": [], "problems": [problem]}});
    live.take(&mut model, vec![read(snapshot)], 1000);
    assert_eq!(codes(&model), [("bad".to_owned(), "not-base64", Some(3))]);
}

#[test]
fn pods_that_are_over_make_room() {
    let (mut live, mut model) = started();
    for n in 0..5000_u64 {
        let (pod, url) = (format!("q{n}"), format!("dubbo://10.1.{}.{}:1/a.B", n >> 8, n & 255));
        live.take(&mut model, vec![event("added", &pod, &url)], 2000 + n * 1000);
        live.take(&mut model, vec![event("removed", &pod, &url)], 2500 + n * 1000);
    }
    assert!(model.pods.len() < 2000, "{}", model.pods.len());
    assert_eq!(registered(&model), ["n/p1 a.b dubbo://10.0.0.1:1/a.b"]);
    live.take(&mut model, vec![event("added", "p9", "dubbo://10.9.0.1:1/a.B")], 9_000_000);
    assert_eq!(registered(&model).len(), 2);
    let named = |pod: &&crate::model::Pod| &*pod.text.name == "p9";
    assert_eq!(model.pods.iter().filter(named).count(), 1);
}
