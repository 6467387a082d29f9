//! The machine, step by step, against the plain model of a server.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::String;
use alloc::string::ToString as _;
use alloc::vec;
use alloc::vec::Vec;
mod leases;
mod model;
mod simulation;

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use core::time::Duration;

use model::{Model, status};
use serde_json::json;

use super::*;
use crate::{Cause, Input, Request, StreamId, TransportError, TransportErrorKind, Verb};

const TIMEOUT: Duration = Duration::from_secs(10);

/// One machine, one server, and a clock that moves on command.
struct Bench {
    machine: Registrar,
    model: Model,
    now: Duration,
    /// What was sent and is not answered.
    open: BTreeMap<StreamId, Request>,
    notices: Vec<RegistrarNotice>,
}

fn settings(hold: bool) -> RegistrarSettings {
    let pod = PodName::new("shop", "user-0").unwrap();
    RegistrarSettings { hold, ..RegistrarSettings::new(pod) }
}

fn key(name: &str) -> Arc<str> {
    format!("/dubbo/{name}/providers/dubbo%3A%2F%2F10.0.0.1%3A20880%2F{name}").into()
}

fn add(names: &[&str]) -> Edit {
    Edit::Add(names.iter().map(|name| key(name)).collect())
}

fn remove(names: &[&str]) -> Edit {
    Edit::Remove(names.iter().map(|name| key(name)).collect())
}

impl Bench {
    fn new(settings: RegistrarSettings) -> Self {
        Self {
            machine: Registrar::new(settings, 1),
            model: Model::new(),
            now: Duration::from_secs(100),
            open: BTreeMap::new(),
            notices: Vec::new(),
        }
    }

    fn submit(&mut self, edit: Edit) -> Ticket {
        let ticket = self.machine.submit(self.now, edit, Some(TIMEOUT));
        self.input(Input::Wake);
        ticket
    }

    fn input(&mut self, input: Input<'_>) {
        let mut out = Vec::new();
        self.machine.handle(self.now, input, &mut out);
        for output in out {
            match output {
                RegistrarOutput::Send { stream, request } => {
                    assert!(self.open.insert(stream, request).is_none());
                }
                RegistrarOutput::Cancel { stream } => drop(self.open.remove(&stream)),
                RegistrarOutput::Notice(notice) => self.notices.push(notice),
            }
        }
    }

    /// The one GET or PATCH that is open.
    fn unary(&self) -> Option<(StreamId, Request)> {
        let mut unary = self.open.iter().filter(|(_, request)| request.verb != Verb::Watch);
        let found = unary.next().map(|(stream, request)| (*stream, request.clone()));
        assert!(unary.next().is_none(), "one at a time");
        found
    }

    fn watch(&self) -> Option<StreamId> {
        let mut watches = self.open.iter().filter(|(_, request)| request.verb == Verb::Watch);
        watches.next().map(|(stream, _)| *stream)
    }

    fn reply(&mut self, stream: StreamId, status: u16, body: &[u8]) {
        self.input(Input::Head { stream, status, retry_after: None, content_type: "" });
        self.input(Input::Chunk { stream, bytes: body });
        self.open.remove(&stream);
        self.input(Input::End { stream });
    }

    /// Lets the server answer the open GET or PATCH: its verb.
    fn step(&mut self) -> Verb {
        let (stream, request) = self.unary().expect("a request");
        let (status, body) = self.model.answer(&request);
        self.reply(stream, status, &body);
        request.verb
    }

    fn refuse(&mut self, code: u16, reason: &str, message: &str) {
        let (stream, _) = self.unary().expect("a request");
        let (code, body) = status(code, reason, message);
        self.reply(stream, code, body.to_string().as_bytes());
    }

    fn lose_answer(&mut self) {
        let (stream, _) = self.unary().expect("a request");
        self.open.remove(&stream);
        let error = TransportError::new(TransportErrorKind::Interrupted, "cut");
        self.input(Input::Failed { stream, error });
    }

    /// Lets time pass until the machine wants it.
    fn wait(&mut self) {
        self.now = self.machine.next_wake().expect("something to wait for").max(self.now);
        self.input(Input::Wake);
    }

    /// Waits for the next GET or PATCH.
    fn wait_for_request(&mut self) {
        for _ in 0..100 {
            if self.unary().is_some() {
                return;
            }
            self.wait();
        }
        panic!("no request");
    }

    /// Answers everything until nothing is waited for.
    fn settle(&mut self) {
        for _ in 0..1000 {
            if self.unary().is_some() {
                self.step();
            } else if self.machine.is_settled() {
                return;
            } else {
                self.wait();
            }
        }
        panic!("it does not settle");
    }

    fn send_event(&mut self, event: &serde_json::Value) {
        let stream = self.watch().expect("a watch");
        let line = format!("{event}\n");
        self.input(Input::Chunk { stream, bytes: line.as_bytes() });
    }

    /// Opens the watch and sends what has happened since the Pod was made.
    fn tell_last_event(&mut self) {
        let (kind, pod) = self.model.events.last().unwrap().clone();
        self.send_event(&json!({"type": kind, "object": pod}));
    }

    fn accept_watch(&mut self) {
        let stream = self.watch().expect("a watch");
        self.input(Input::Head { stream, status: 200, retry_after: None, content_type: "" });
        let pod = self.model.pod.clone();
        self.send_event(&json!({"type": "ADDED", "object": pod}));
    }

    fn outcome(&mut self, ticket: Ticket) -> Result<Outcome, RegistrationError> {
        let at = self.notices.iter().position(|notice| match notice {
            RegistrarNotice::Done { ticket: done, .. }
            | RegistrarNotice::Failed { ticket: done, .. } => *done == ticket,
            _ => false,
        });
        match self.notices.remove(at.expect("an outcome")) {
            RegistrarNotice::Done { outcome, .. } => Ok(outcome),
            RegistrarNotice::Failed { error, .. } => Err(error),
            _ => unreachable!(),
        }
    }

    fn since(&self, begin: Duration) -> Duration {
        self.now.saturating_sub(begin)
    }

    fn keys(&self) -> Vec<String> {
        self.model.records()
    }

    /// Registers and holds, with an open watch.
    fn holding(names: &[&str]) -> Self {
        let mut bench = Self::new(settings(true));
        let ticket = bench.submit(add(names));
        bench.settle();
        bench.outcome(ticket).unwrap();
        bench.accept_watch();
        assert!(bench.machine.is_settled());
        bench
    }
}

#[test]
fn it_reads_merges_and_patches_once() {
    let mut bench = Bench::new(settings(false));
    bench.model.set_records(&["/dubbo", "other"]);
    let ticket = bench.submit(add(&["a.A", "b.B", "a.A"]));
    assert_eq!((bench.step(), bench.step()), (Verb::Get, Verb::Patch));
    let outcome = bench.outcome(ticket).unwrap();
    assert_eq!(
        (outcome.changed, outcome.unchanged),
        (vec![key("a.A"), key("b.B")], vec![key("a.A")])
    );
    assert_eq!(outcome.label.as_deref(), Some("dubbo.io-value"));
    assert_eq!(bench.keys(), ["/dubbo", "other", &key("a.A"), &key("b.B")]);
    assert!(bench.open.is_empty() && bench.machine.next_wake().is_none(), "nothing is left to do");
}

#[test]
fn what_is_there_already_is_not_written() {
    let mut bench = Bench::new(settings(false));
    bench.submit(add(&["a.A"]));
    bench.settle();
    let mut again = Bench { model: bench.model, ..Bench::new(settings(false)) };
    let ticket = again.submit(add(&["a.A"]));
    again.settle();
    assert_eq!(again.outcome(ticket).unwrap().unchanged, [key("a.A")]);
    assert_eq!(again.model.patches.len(), 1);
}

#[test]
fn a_conflict_reads_again_and_keeps_what_the_other_wrote() {
    let mut bench = Bench::new(settings(false));
    let ticket = bench.submit(add(&["a.A"]));
    bench.step();
    bench.model.set_records(&["other"]);
    bench.step();
    bench.wait_for_request();
    assert_eq!((bench.step(), bench.step()), (Verb::Get, Verb::Patch));
    bench.outcome(ticket).unwrap();
    assert_eq!(bench.keys(), ["other", &key("a.A")]);
}

#[test]
fn conflicts_without_end_have_a_bound_and_are_not_hasty() {
    let mut bench = Bench::new(settings(false));
    let ticket = bench.submit(add(&["a.A"]));
    let (begin, mut attempts) = (bench.now, 0);
    while !bench.machine.is_settled() {
        bench.wait_for_request();
        bench.step();
        bench.model.edit(|metadata| metadata["annotations"]["tick"] = json!(attempts.to_string()));
        bench.step();
        attempts += 1;
    }
    assert_eq!(attempts, 32);
    assert!(bench.since(begin) > Duration::from_secs(2), "{:?}", bench.since(begin));
    assert!(matches!(bench.outcome(ticket), Err(RegistrationError::Conflict { attempts: 32, .. })));
    assert!(bench.model.patches.is_empty());
}

#[test]
fn a_lost_answer_is_looked_into_and_nothing_is_written_twice() {
    for applied in [true, false] {
        let mut bench = Bench::new(settings(false));
        let ticket = bench.submit(add(&["a.A"]));
        bench.step();
        if applied {
            let (_, request) = bench.unary().unwrap();
            bench.model.answer(&request);
        }
        bench.lose_answer();
        assert!(matches!(bench.notices.last(), Some(RegistrarNotice::Retrying { .. })));
        bench.settle();
        bench.outcome(ticket).unwrap();
        assert_eq!(bench.keys(), [&*key("a.A")]);
        assert_eq!(bench.model.patches.len(), 1);
    }
}

#[test]
fn patience_ends_and_a_silent_server_counts_as_a_failure() {
    let mut bench = Bench::new(settings(false));
    let (begin, ticket) = (bench.now, bench.submit(add(&["a.A"])));
    while !bench.machine.is_settled() {
        bench.wait();
    }
    assert!(bench.since(begin) >= Duration::from_secs(15) && bench.open.is_empty());
    let Err(RegistrationError::Request { verb: Verb::Get, cause: Cause::Transport(error), .. }) =
        bench.outcome(ticket)
    else {
        panic!("not the deadline")
    };
    assert_eq!(error.kind, TransportErrorKind::Deadline);
}

#[test]
fn refusals_end_it_at_once_with_nothing_written() {
    for (code, reason) in
        [(403, "Forbidden"), (422, "Invalid"), (413, "RequestEntityTooLarge"), (404, "")]
    {
        let mut bench = Bench::new(settings(false));
        let ticket = bench.submit(add(&["a.A"]));
        bench.step();
        bench.refuse(code, reason, "no");
        assert!(bench.machine.is_settled() && bench.unary().is_none(), "{code}");
        let error = bench.outcome(ticket).unwrap_err();
        assert_eq!(error.forbidden(), (code == 403).then_some(Verb::Patch));
        assert!(
            error.to_string().starts_with(&format!("{code}: cannot patch Pod shop/user-0: ")),
            "{error}"
        );
    }
}

#[test]
fn a_pod_that_is_not_there_is_said_with_the_way_out() {
    let mut bench = Bench::new(settings(false));
    bench.model.delete();
    for edit in [add(&["a.A"]), remove(&["a.A"]), Edit::Clear] {
        let ticket = bench.submit(edit);
        bench.settle();
        let error = bench.outcome(ticket).unwrap_err();
        assert!(matches!(error, RegistrationError::NotFound(_)));
        assert!(error.advice().unwrap().contains("HOSTNAME is not the Pod's name"));
        let cut = PodName::new("shop", &"p".repeat(63)).unwrap();
        let advice = RegistrationError::NotFound(cut).advice().unwrap();
        assert!(advice.contains("only the beginning"), "{advice}");
    }
}

#[test]
fn a_credential_is_read_again_once() {
    let mut bench = Bench::new(settings(false));
    let ticket = bench.submit(add(&["a.A"]));
    bench.refuse(401, "Unauthorized", "Unauthorized");
    assert!(matches!(bench.notices.pop(), Some(RegistrarNotice::RefreshCredential)));
    bench.step();
    bench.refuse(401, "Unauthorized", "Unauthorized");
    assert!(matches!(bench.notices.pop(), Some(RegistrarNotice::RefreshCredential)));
    assert_eq!(bench.step(), Verb::Patch);
    bench.outcome(ticket).unwrap();
    let ticket = bench.submit(add(&["b.B"]));
    bench.refuse(401, "Unauthorized", "Unauthorized");
    bench.refuse(401, "Unauthorized", "Unauthorized");
    assert!(bench.outcome(ticket).is_err() && bench.machine.is_settled());
}

#[test]
fn another_pod_under_the_name_is_left_alone() {
    let mut bench = Bench::new(settings(false));
    let ticket = bench.submit(add(&["a.A"]));
    bench.step();
    bench.model.delete();
    bench.model.create();
    bench.settle();
    assert!(matches!(bench.outcome(ticket), Err(RegistrationError::Replaced(_))));
    assert!(bench.model.patches.is_empty() && bench.model.annotation().is_none());
}

#[test]
fn a_pod_that_is_not_the_one_meant_is_not_even_begun_with() {
    let mut bench =
        Bench::new(RegistrarSettings { uid: Some("uid-0".to_owned()), ..settings(false) });
    let ticket = bench.submit(add(&["a.A"]));
    assert_eq!(bench.step(), Verb::Get);
    assert!(matches!(bench.outcome(ticket), Err(RegistrationError::Replaced(_))));
}

#[test]
fn a_pod_that_is_being_deleted_takes_nothing_in_but_lets_go() {
    let mut bench = Bench::new(settings(false));
    bench.submit(add(&["a.A"]));
    bench.settle();
    bench.model.edit(|metadata| metadata["deletionTimestamp"] = json!("2026-01-01T00:00:00Z"));
    let (more, less) = (bench.submit(add(&["b.B"])), bench.submit(remove(&["a.A"])));
    bench.settle();
    assert!(matches!(bench.outcome(more), Err(RegistrationError::Terminating(_))));
    assert_eq!(bench.outcome(less).unwrap().changed, [key("a.A")]);
    assert_eq!((bench.model.annotation(), bench.model.label()), (None, Some("dubbo.io-value")));
}

#[test]
fn what_cannot_be_read_is_kept_and_only_throwing_it_away_helps() {
    let mut bench = Bench::new(settings(false));
    bench.model.annotate(Some("***"));
    for edit in [add(&["a.A"]), remove(&["a.A"])] {
        let ticket = bench.submit(edit);
        bench.settle();
        let error = bench.outcome(ticket).unwrap_err();
        assert!(error.advice().unwrap().contains("unregister --all -n shop --pod user-0"));
    }
    assert_eq!((bench.model.annotation(), bench.model.patches.len()), (Some("***"), 0));
    let ticket = bench.submit(Edit::Clear);
    bench.settle();
    assert!(bench.outcome(ticket).unwrap().patch.is_some());
    assert_eq!(bench.model.annotation(), None);
}

#[test]
fn of_several_changes_only_the_one_that_is_too_large_fails() {
    let mut bench = Bench::new(settings(false));
    let huge = "x".repeat(200_000);
    let tickets = [&["a.A"][..], &[&huge], &["b.B"]]
        .map(|names| bench.machine.submit(bench.now, add(names), Some(TIMEOUT)));
    bench.input(Input::Wake);
    bench.settle();
    let [first, second, third] = tickets.map(|ticket| bench.outcome(ticket));
    assert!(first.is_ok() && third.is_ok());
    let error = second.unwrap_err();
    let RegistrationError::TooLarge { sizes, .. } = &error else { panic!("{error}") };
    assert_eq!(sizes.added.len(), 2, "the first one is new as well");
    assert!(error.to_string().contains("262,144"));
    assert_eq!((bench.keys().len(), bench.model.patches.len()), (2, 1));
}

#[test]
fn a_dry_run_says_what_it_would_write_and_writes_nothing() {
    let mut bench = Bench::new(RegistrarSettings { dry_run: true, ..settings(false) });
    let ticket = bench.submit(add(&["a.A"]));
    assert_eq!(bench.step(), Verb::Get);
    let patch = bench.outcome(ticket).unwrap().patch.unwrap();
    assert_eq!((patch.uid.as_str(), patch.label.as_deref()), ("uid-1", Some("dubbo.io-value")));
    assert!(bench.machine.is_settled() && bench.model.patches.is_empty());
}

#[test]
fn an_answer_without_the_change_is_a_failure() {
    let mut bench = Bench::new(settings(false));
    let ticket = bench.submit(add(&["a.A"]));
    bench.step();
    let (stream, request) = bench.unary().unwrap();
    bench.model.answer(&request);
    bench.model.annotate(None);
    let pod = bench.model.pod.clone().unwrap().to_string();
    bench.reply(stream, 200, pod.as_bytes());
    assert!(matches!(bench.outcome(ticket), Err(RegistrationError::NotKept(_))));
}

#[test]
fn what_is_held_is_put_back_and_a_fight_slows_down() {
    let mut bench = Bench::holding(&["a.A", "b.B"]);
    let mut times = Vec::new();
    for round in 0..6 {
        bench.model.set_records(&["other"]);
        bench.tell_last_event();
        bench.settle();
        assert_eq!(bench.keys(), ["other", &key("a.A"), &key("b.B")], "round {round}");
        let put_back = bench.notices.pop();
        assert!(
            matches!(&put_back, Some(RegistrarNotice::PutBack { records, label: false }) if records.len() == 2)
        );
        bench.tell_last_event();
        assert!(bench.machine.is_settled(), "the echo of its own change has a known outcome");
        times.push(bench.now);
    }
    assert_eq!(times[0], Duration::from_secs(100), "the first time at once");
    let gaps: Vec<_> = times.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
    assert!(gaps[0] >= Duration::from_millis(800) && gaps[4] > Duration::from_secs(10), "{gaps:?}");
}

#[test]
fn the_label_is_put_back_too() {
    let mut bench = Bench::holding(&["a.A"]);
    bench.model.edit(|metadata| metadata["labels"] = json!({"app": "x"}));
    bench.tell_last_event();
    bench.settle();
    assert!(
        matches!(bench.notices.pop(), Some(RegistrarNotice::PutBack { records, label: true }) if records.is_empty())
    );
    assert_eq!(
        bench.model.pod.as_ref().unwrap()["metadata"]["labels"],
        json!({"app": "x", "dubbo.io/label": "dubbo.io-value"})
    );
}

#[test]
fn a_put_back_that_fails_is_tried_until_it_works() {
    let mut bench = Bench::holding(&["a.A"]);
    bench.model.annotate(None);
    bench.tell_last_event();
    bench.step();
    bench.refuse(403, "Forbidden", "no");
    assert!(matches!(bench.notices.pop(), Some(RegistrarNotice::Retrying { .. })));
    bench.wait_for_request();
    bench.step();
    bench.refuse(500, "InternalError", "no");
    bench.wait_for_request();
    bench.step();
    bench.lose_answer();
    bench.settle();
    assert_eq!(bench.keys(), [&*key("a.A")]);
}

#[test]
fn garbage_over_what_is_held_is_reported_and_waited_out() {
    let mut bench = Bench::holding(&["a.A"]);
    bench.model.annotate(Some("***"));
    bench.tell_last_event();
    bench.step();
    assert!(matches!(
        bench.notices.pop(),
        Some(RegistrarNotice::Retrying { error: RegistrationError::Unreadable { .. }, .. })
    ));
    bench.model.annotate(None);
    bench.tell_last_event();
    bench.settle();
    assert_eq!(bench.keys(), [&*key("a.A")]);
}

#[test]
fn an_overwrite_that_races_with_a_write_is_noticed() {
    let mut bench = Bench::holding(&["a.A"]);
    let ticket = bench.submit(add(&["b.B"]));
    let (stream, request) = bench.unary().unwrap();
    assert_eq!(request.verb, Verb::Patch, "the Pod is known");
    let (code, body) = bench.model.answer(&request);
    bench.model.set_records(&["other"]);
    bench.tell_last_event();
    bench.reply(stream, code, &body);
    bench.outcome(ticket).unwrap();
    bench.settle();
    assert_eq!(bench.keys(), ["other", &key("a.A"), &key("b.B")]);
}

#[test]
fn when_the_pod_goes_it_is_lost_and_nothing_more_is_sent() {
    for successor in [false, true] {
        let mut bench = Bench::holding(&["a.A"]);
        bench.model.delete();
        bench.tell_last_event();
        if successor {
            bench.model.create();
        }
        bench.step();
        assert!(matches!(bench.notices.pop(), Some(RegistrarNotice::Lost(_))));
        assert!(bench.open.is_empty() && bench.machine.next_wake().is_none());
        let (more, less) = (bench.submit(add(&["b.B"])), bench.submit(remove(&["a.A"])));
        assert!(bench.outcome(more).is_err() && bench.outcome(less).is_ok());
        assert!(bench.open.is_empty() && bench.model.patches.len() == 1);
    }
}

#[test]
fn a_pod_that_went_while_the_watch_was_down_is_noticed() {
    let mut bench = Bench::holding(&["a.A"]);
    let stream = bench.watch().unwrap();
    bench.open.remove(&stream);
    bench.input(Input::End { stream });
    bench.model.delete();
    while bench.watch().is_none() {
        bench.wait();
    }
    let stream = bench.watch().unwrap();
    bench.input(Input::Head { stream, status: 200, retry_after: None, content_type: "" });
    bench.send_event(
        &json!({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "99"}}}),
    );
    bench.step();
    assert!(matches!(bench.notices.pop(), Some(RegistrarNotice::Lost(RegistrationError::Gone(_)))));
}

#[test]
fn without_the_right_to_watch_it_reads_every_half_minute() {
    let mut bench = Bench::new(settings(true));
    bench.submit(add(&["a.A"]));
    bench.settle();
    let stream = bench.watch().unwrap();
    let (code, body) = status(403, "Forbidden", "no watch");
    bench.reply(stream, code, body.to_string().as_bytes());
    assert!(matches!(bench.notices.pop(), Some(RegistrarNotice::Polling(_))));
    bench.model.annotate(None);
    let begin = bench.now;
    bench.wait_for_request();
    assert_eq!(bench.since(begin), Duration::from_secs(30));
    bench.settle();
    assert_eq!(bench.keys(), [&*key("a.A")]);
}

#[test]
fn a_watch_that_breaks_comes_back_more_and_more_slowly() {
    let mut bench = Bench::holding(&["a.A"]);
    let mut waits = Vec::new();
    for _ in 0..4 {
        let stream = bench.watch().unwrap();
        bench.open.remove(&stream);
        bench.input(Input::Failed {
            stream,
            error: TransportError::new(TransportErrorKind::Connect, ""),
        });
        let begin = bench.now;
        bench.wait();
        waits.push(bench.since(begin));
    }
    assert!(
        waits[0] >= Duration::from_millis(800) && waits[3] >= Duration::from_millis(6400),
        "{waits:?}"
    );
    bench.model.annotate(None);
    bench.accept_watch();
    bench.settle();
    assert_eq!(bench.keys(), [&*key("a.A")], "the first event is a look by itself");
    let last = bench.notices.iter().rposition(|notice| *notice == RegistrarNotice::Recovered);
    assert_eq!(last, Some(bench.notices.len() - 1), "{:?}", bench.notices);
}

#[test]
fn a_watch_has_a_deadline_of_its_own() {
    let mut bench = Bench::holding(&["a.A"]);
    let (begin, stream) = (bench.now, bench.watch().unwrap());
    bench.wait();
    assert!((300..=605).contains(&bench.since(begin).as_secs()));
    assert_ne!(bench.watch(), Some(stream), "it is cancelled");
}

#[test]
fn the_last_of_several_holders_takes_the_record_out() {
    let mut bench = Bench::holding(&["a.A"]);
    let second = bench.submit(add(&["a.A"]));
    bench.settle();
    assert_eq!(bench.outcome(second).unwrap().unchanged, [key("a.A")]);
    let first = bench.submit(remove(&["a.A"]));
    bench.settle();
    assert_eq!(bench.outcome(first).unwrap().unchanged, [key("a.A")]);
    assert_eq!(bench.keys(), [&*key("a.A")]);
    let last = bench.submit(remove(&["a.A"]));
    bench.settle();
    assert_eq!(bench.outcome(last).unwrap().changed, [key("a.A")]);
    assert!(bench.keys().is_empty() && bench.open.is_empty(), "and the watch ends");
}

#[test]
fn requests_of_a_watch_name_the_pod_and_no_version() {
    let bench = Bench::holding(&["a.A"]);
    let request = &bench.open[&bench.watch().unwrap()];
    assert!(request.target.starts_with(
        "/api/v1/namespaces/shop/pods?watch=true&allowWatchBookmarks=true&fieldSelector=metadata.name%3Duser-0&timeoutSeconds="
    ));
    assert!(request.gzip);
}

#[test]
fn a_record_that_would_not_be_believed_is_not_written_unless_forced() {
    let status = json!({"phase": "Running", "podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}]});
    let spoofed = |url: &str| {
        let key = dubbo_k8s_codec::Key::leaf("a.A", dubbo_k8s_codec::Category::Providers, url);
        Edit::Add(vec![key.to_string().into()])
    };
    for (url, code) in [
        ("tri://169.254.169.254:80/a.A", "address-not-pod"),
        ("tri://10.0.0.2:80/a.A", "address-not-pod"),
        ("tri://10.0.0.1:80/a.A?weight=4000000000", "weight-over-limit"),
    ] {
        for trust in [Some(dubbo_k8s_codec::trust::Trust::default()), None] {
            let forced = trust.is_none();
            let mut bench = Bench::new(RegistrarSettings { trust, ..settings(false) });
            bench.model.edit_status(&status);
            let ticket = bench.submit(spoofed(url));
            bench.settle();
            let done = bench.outcome(ticket);
            assert_eq!(bench.model.records().len(), usize::from(forced), "{url}");
            match done {
                Ok(_) => assert!(forced),
                Err(RegistrationError::NotBelieved { unbelieved, .. }) => {
                    assert_eq!(unbelieved.distrust.as_str(), code);
                }
                Err(other) => panic!("{other}"),
            }
        }
    }
}

#[test]
fn a_process_that_starts_before_its_address_is_published_is_registered() {
    let mut bench = Bench::new(settings(false));
    bench.model.edit_status(&json!({"phase": "Pending"}));
    let ticket = bench.submit(add(&["a.A"]));
    bench.settle();
    bench.outcome(ticket).unwrap();
    assert_eq!(bench.model.records().len(), 1);
}
