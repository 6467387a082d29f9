//! Answers over time, under a clock of the tests.

use serde_json::{Value, json};

use dubbo_k8s_codec::problem::Phrase;
use dubbo_k8s_codec::trust::{Distrust, Unbelieved};
use dubbo_k8s_codec::{Annotation, Category, DecodeError, Key, Record, encode};

use super::*;
use crate::verdict::Verdict;

/// A provider of `a.B` at each of these hosts.
fn provides(hosts: &[u8]) -> String {
    let key = |n: &u8| {
        Key::leaf("a.B", Category::Providers, &format!("dubbo://10.0.0.{n}:1/a.B")).to_string()
    };
    let keys: Vec<String> = hosts.iter().map(key).collect();
    encode(keys.iter().map(|key| Record::new(key)))
}

fn pod(name: &str, hosts: &[u8]) -> Value {
    json!({"namespace": "n", "name": name, "uid": name, "annotation": provides(hosts),
           "label": "dubbo.io-value", "ready": true})
}

fn whole(pods: &[Value]) -> Value {
    json!({"revision": "r-1", "pods": pods, "problems": []})
}

fn changed(pods: &[Value], gone: &[&str]) -> Value {
    json!({"revision": "r-2", "since": "r-1", "pods": pods, "problems": [], "gone": gone})
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

fn name(pod: &str, host: u8) -> String {
    format!("n/{pod} a.b dubbo://10.0.0.{host}:1/a.b")
}

/// A registry and the model that it is shown by.
struct Rig {
    live: Live,
    model: Model,
}

impl Rig {
    fn started() -> Self {
        let mut rig = Self { live: Live::default(), model: Model::default() };
        assert!(rig.take(&whole(&[pod("p1", &[1])]), 1000));
        rig
    }

    fn take(&mut self, answer: &Value, now: u64) -> bool {
        self.live.take(&mut self.model, answer.to_string(), now).unwrap()
    }

    fn seek(&mut self, to: Option<u64>) {
        self.live.seek(&mut self.model, to);
    }

    fn registered(&self) -> Vec<String> {
        registered(&self.model)
    }

    fn codes(&self) -> Vec<(String, &'static str, Option<usize>)> {
        let of = |pod: &crate::model::Pod| {
            let name = pod.text.name.to_string();
            let each = pod.problems.iter();
            each.map(move |it| (name.clone(), it.code.as_str(), it.record)).collect::<Vec<_>>()
        };
        self.model.pods.iter().flat_map(of).collect()
    }

    fn timeline(&self) -> Value {
        let shown = crate::show::Shown { source: "", model: &self.model };
        serde_json::to_value(shown.timeline(&self.live, 100)).unwrap()
    }
}

#[test]
fn all_pods_and_what_changes_add_up() {
    let mut rig = Rig::started();
    assert_eq!(rig.registered(), [name("p1", 1)]);
    assert!(rig.model.pods[0].endpoints[0].since == 0, "what is there at first is not new");
    assert!(rig.take(&changed(&[pod("p2", &[2])], &["p1"]), 2000));
    assert_eq!(rig.registered(), [name("p2", 2)]);
    assert_eq!(rig.live.revision(), "r-2");
    assert_eq!(rig.model.pods[1].endpoints[0].since, 2000);
    assert_eq!(rig.model.departed.len(), 1, "what has gone is shown for a moment");
    assert!(rig.live.tick(&mut rig.model, 2000 + DEPARTED_MS));
    assert!(rig.model.departed.is_empty());
}

#[test]
fn an_annotation_is_shown_as_it_came() {
    let mut rig = Rig::started();
    // dubbo-go would not write it so: the padding is missing, and there is white space.
    let odd = "W3siayI6ICIvZHViYm8ifV0";
    let mut one = pod("p1", &[]);
    one["annotation"] = odd.into();
    rig.take(&changed(&[one], &[]), 2000);
    assert_eq!(rig.model.value(0, ""), Some(odd));
    assert!(rig.codes().contains(&("p1".to_owned(), "missing-padding", None)));
    assert_eq!(rig.model.pods[0].verdict, Verdict::Refused);
}

#[test]
fn readiness_and_label_are_those_of_the_pod() {
    let mut rig = Rig::started();
    let mut one = pod("p1", &[1]);
    (one["ready"], one["label"]) = (false.into(), "dubbo.io.provider".into());
    rig.take(&changed(&[one], &[]), 2000);
    let text = &rig.model.pods[0].text;
    assert_eq!((text.ready, text.label.as_deref()), (Some(false), Some("dubbo.io.provider")));
    let codes: Vec<_> = rig.codes().into_iter().map(|(_, code, _)| code).collect();
    assert_eq!(codes, ["provider-not-ready"]);
    assert!(rig.model.departed.is_empty(), "its endpoints are the same");
    rig.seek(Some(1500));
    assert_eq!(rig.model.pods[0].text.ready, Some(true));
}

#[test]
fn a_pod_that_changes_stays_where_it_is_shown() {
    let mut rig = Rig::started();
    rig.take(&changed(&[pod("p2", &[2])], &[]), 2000);
    rig.take(&changed(&[pod("p1", &[1, 9])], &[]), 3000);
    let members = rig.model.services[0].of(Category::Providers);
    assert_eq!(members, [(0, 0), (0, 1), (1, 0)]);
    assert_eq!(rig.model.pods[0].endpoints[0].since, 0, "what it had before is not new");
}

#[test]
fn one_can_go_back_and_forth_while_changes_go_on() {
    let mut rig = Rig::started();
    let start = rig.registered();
    rig.take(&changed(&[pod("p2", &[2])], &[]), 2000);
    rig.take(&changed(&[pod("p3", &[3])], &[]), 3000);
    rig.seek(Some(1500));
    assert_eq!(rig.registered(), start);
    rig.seek(Some(2500));
    assert_eq!(rig.registered().len(), 2);
    // Paused: what comes is kept, and seen when it goes on.
    assert!(!rig.take(&changed(&[], &["p1"]), 4000));
    assert_eq!(rig.registered().len(), 2);
    rig.seek(None);
    assert_eq!(rig.registered(), [name("p2", 2), name("p3", 3)]);
    rig.seek(Some(3500));
    assert_eq!(rig.registered().len(), 3, "what came while it was paused has its own time");
}

#[test]
fn a_pause_asks_for_no_more_than_there_is_room_for() {
    let mut rig = Rig::started();
    rig.take(&changed(&[pod("p2", &[2])], &[]), 2000);
    rig.seek(Some(1500));
    let mut large = pod("p3", &[3]);
    large["annotation"] = "x".repeat(PENDING / 2 + 1).into();
    assert!(!rig.live.is_full());
    assert!(!rig.take(&changed(&[large], &[]), 3000));
    assert!(rig.live.is_full());
    rig.seek(None);
    assert!(!rig.live.is_full() && rig.model.pods.len() == 3);
}

#[test]
fn the_past_is_bounded_in_age_and_in_bytes() {
    let mut rig = Rig::started();
    for n in 0..50_u64 {
        let hosts = if n % 2 == 0 { &[1, 2][..] } else { &[1] };
        rig.take(&changed(&[pod("p1", hosts)], &[]), 1000 + n * 60_000);
    }
    assert!(rig.live.history.pods().count() <= 6);
    assert_eq!(rig.live.span().1 - rig.live.span().0, AGE);
    let mut rig = Rig::started();
    for n in 0..60_u64 {
        let mut large = pod("p1", &[]);
        large["annotation"] = char::from(b'a' + (n % 26) as u8).to_string().repeat(1 << 20).into();
        rig.take(&changed(&[large], &[]), 2000 + n);
    }
    assert!(rig.live.history.pods().count() < 20);
    assert!(rig.live.span().0 > 2000, "one cannot go back to what is forgotten");
}

fn unbelieved(distrust: Distrust, found: Phrase, offset: usize, decoded: Option<usize>) -> Value {
    let unbelieved = Unbelieved { distrust, offset: 0, found };
    serde_json::to_value(DecodeError::of_unbelieved(unbelieved, offset, decoded)).unwrap()
}

fn reported(name: &str, error: &Value) -> Value {
    json!({"namespace": "n", "pod": name, "uid": name, "error": error})
}

#[test]
fn a_problem_without_an_annotation_stands_beside_the_rest_until_it_is_over() {
    let error = json!({"code": "not-json", "stage": "json", "offset": 18, "decodedOffset": 14,
                       "expected": "value", "found": {"byte": 120}, "message": "for people"});
    let mut rig = Rig::started();
    let mut answer = changed(&[], &["bad"]);
    answer["problems"] = json!([reported("bad", &error)]);
    rig.take(&answer, 2000);
    assert_eq!(rig.codes(), [("bad".to_owned(), "not-json", None)]);
    assert!(rig.model.is_unread(1) && !rig.model.is_unread(0));
    assert_eq!(rig.model.pods[1].verdict, Verdict::Refused);
    assert_eq!(rig.registered().len(), 1);
    rig.take(&changed(&[], &["bad"]), 3000);
    assert!(rig.codes().is_empty() && !rig.model.is_unread(1) && rig.model.pods[1].over);
    rig.seek(Some(2700));
    assert_eq!(rig.codes().len(), 1, "and one can go back to it");
    rig.seek(None);
    assert!(rig.codes().is_empty());
}

#[test]
fn what_the_watcher_does_not_believe_is_marked_at_its_record_and_nothing_else_is() {
    let mut rig = Rig::started();
    let mut answer = changed(&[pod("p2", &[2, 3])], &[]);
    let annotation = provides(&[2, 3]);
    let value = Annotation::decode(&annotation).unwrap();
    let (offset, decoded) = value.place_in_key(&annotation, 1, 40);
    let error = unbelieved(Distrust::AddressNotPod, Phrase::AnotherAddress, offset, decoded);
    answer["problems"] = json!([reported("p2", &error)]);
    rig.take(&answer, 2000);
    assert_eq!(rig.codes(), [("p2".to_owned(), "address-not-pod", Some(1))]);
    let believed: Vec<bool> = rig.model.pods[1].endpoints.iter().map(|it| it.believed).collect();
    assert_eq!(believed, [true, false]);
    // No address is judged by this page: the watcher may admit others.
    let mut one = pod("p1", &[7]);
    one["ips"] = json!(["10.0.0.1"]);
    rig.take(&changed(&[one], &[]), 3000);
    assert!(rig.model.pods[0].endpoints[0].believed);
}

#[test]
fn a_pod_whose_namespace_is_over_its_quota_is_not_said_to_be_refused() {
    let mut rig = Rig::started();
    let error = unbelieved(Distrust::OverQuota, Phrase::More, 0, None);
    let mut answer = changed(&[], &["p2"]);
    answer["problems"] = json!([reported("p2", &error)]);
    rig.take(&answer, 2000);
    assert_eq!(rig.codes(), [("p2".to_owned(), "over-quota", None)]);
    assert_eq!(rig.model.pods[1].verdict, Verdict::Read);
}

#[test]
fn a_pod_that_left_is_gone_and_no_other_one_is_taken_for_it() {
    let mut rig = Rig::started();
    rig.take(&changed(&[], &["p1"]), 2000);
    assert!(rig.model.pods[0].is_gone());
    assert_eq!(rig.model.pods[0].verdict, Verdict::Gone);
    let mut again = pod("p1", &[1]);
    again["uid"] = "another".into();
    rig.take(&changed(&[again], &[]), 3000);
    assert!(rig.model.pods[0].is_gone() && !rig.model.pods[1].is_gone());
}

#[test]
fn all_pods_once_more_are_only_what_differs() {
    let mut rig = Rig::started();
    rig.take(&changed(&[pod("p2", &[2])], &[]), 2000);
    rig.model.settle();
    // As after a connection that was lost: p1 has left meanwhile, p2 is as it was, p3 is new.
    rig.take(&whole(&[pod("p2", &[2]), pod("p3", &[3])]), 9000);
    assert_eq!(rig.registered(), [name("p2", 2), name("p3", 3)]);
    let happened = rig.timeline();
    let what: Vec<_> =
        happened.as_array().unwrap().iter().map(|it| (&it["what"], &it["name"])).collect();
    assert_eq!(what.len(), 3, "{happened}");
    assert_eq!(rig.model.services[0].of(Category::Providers), [(1, 0), (2, 0)], "where they were");
    assert_eq!(rig.model.pods[1].endpoints[0].since, 2000, "nor is it new again");
}

#[test]
fn the_last_changes_are_listed_with_what_they_did_and_go_back_with_the_past() {
    let mut rig = Rig::started();
    rig.take(&changed(&[pod("p1", &[1, 2])], &[]), 2000);
    let mut unready = pod("p1", &[1, 2]);
    unready["ready"] = false.into();
    rig.take(&changed(&[unready], &[]), 3000);
    rig.take(&changed(&[], &["p1"]), 4000);
    let happened = rig.timeline();
    let times: Vec<_> = happened.as_array().unwrap().iter().map(|it| it["time"].as_u64()).collect();
    assert_eq!(times, [Some(4000), Some(3000), Some(2000)]);
    assert_eq!(happened[0]["what"], "gone");
    assert_eq!(happened[0]["changes"].as_array().unwrap().len(), 2);
    assert_eq!(happened[1]["facts"], json!([["ready", "yes", "no"]]));
    assert_eq!(happened[1]["changes"], json!([]));
    let added = &happened[2]["changes"];
    assert_eq!((added[0][0].as_str(), added.as_array().unwrap().len()), (Some("new"), 1));
    assert_eq!(added[0][1][0][1], "providers a.B dubbo://10.0.0.2:1", "in short");
    rig.seek(Some(2500));
    assert_eq!(rig.timeline().as_array().unwrap().len(), 1, "what is still to come is not listed");
}

#[test]
fn pods_that_are_over_make_room() {
    let mut rig = Rig::started();
    for n in 0..5000_u64 {
        let name = format!("q{n}");
        rig.take(&changed(&[pod(&name, &[2])], &[]), 2000 + n * 1000);
        rig.take(&changed(&[], &[&name]), 2500 + n * 1000);
    }
    assert!(rig.model.pods.len() < 2000, "{}", rig.model.pods.len());
    assert_eq!(rig.registered(), [name("p1", 1)]);
    rig.take(&changed(&[pod("p9", &[9])], &[]), 9_000_000);
    assert_eq!(rig.registered().len(), 2);
    let named = |pod: &&crate::model::Pod| &*pod.text.name == "p9";
    assert_eq!(rig.model.pods.iter().filter(named).count(), 1);
}

#[test]
fn what_is_no_answer_changes_nothing() {
    let mut rig = Rig::started();
    for text in ["", "{", "[]", "{}", "{\"revision\":\"r-3\",\"pods\":1}"] {
        assert!(rig.live.take(&mut rig.model, text.into(), 2000).is_err(), "{text}");
    }
    assert_eq!((rig.registered().len(), rig.live.revision()), (1, "r-1"));
}
