//! Threads of one proxy: which of them asks the watcher, and what the others are given of its answers.

use std::rc::Rc;
use std::time::Duration;

use dubbo_k8s_filter::Plugin;

use crate::proxy::{Proxy, Threads, addresses, annotation, body};

/// One thread of a proxy with the filter in it.
struct Thread {
    proxy: Proxy,
    plugin: Plugin,
}

impl Thread {
    /// Threads of one proxy. In one real thread they would share what they know, so each has a zone of its own.
    fn of(threads: &Rc<Threads>, number: u32) -> Self {
        let proxy = Proxy::thread_of(threads);
        proxy.pass(Duration::from_nanos(number.into()));
        let json = format!(r#"{{"discovery":{{"cluster":"w"}},"zone":"z{number}"}}"#);
        let plugin = Plugin::configure(json.as_bytes(), &proxy).unwrap();
        Self { proxy, plugin }
    }

    fn run(&self, time: Duration) {
        self.proxy.run(&self.plugin, time);
    }

    fn asked(&self) -> usize {
        self.proxy.sent.borrow().len()
    }

    /// The path of the last question.
    fn path(&self) -> String {
        let sent = self.proxy.sent.borrow();
        let (_, headers, _) = sent.last().unwrap();
        headers.iter().find(|(name, _)| name == ":path").unwrap().1.clone()
    }

    /// Answers with everything.
    fn everything(&self, number: u32, host: u8) {
        let etag = format!("W/\"00ab-{number}\"");
        let pod = ("p", annotation(&[&format!("tri://10.0.0.{host}:1/a.B")]));
        let head = [(":status", "200"), ("etag", &*etag), ("age", "0")];
        self.proxy.answer(&self.plugin, &head, &body(&[pod]));
    }

    /// Answers with another address of the one Pod.
    fn change(&self, number: u32, host: u8) {
        let annotation = annotation(&[&format!("tri://10.0.0.{host}:1/a.B")]);
        let ips = addresses(&annotation);
        let body = format!(
            r#"{{"since":"x","pods":[{{"uid":"p-0","annotation":"{annotation}","ips":{ips:?}}}],"gone":[]}}"#
        );
        let etag = format!("W/\"00ab-{number}\"");
        let head = [(":status", "200"), ("etag", &*etag), ("age", "0")];
        self.proxy.answer(&self.plugin, &head, body.as_bytes());
    }

    fn endpoint(&self) -> Option<String> {
        self.proxy.request(&self.plugin, "/a.B/get", &[]).0
    }
}

/// Three threads, of which the first asks and has been answered with everything.
fn started() -> (Rc<Threads>, [Thread; 3]) {
    let threads = Rc::new(Threads::default());
    let all = [0, 1, 2].map(|number| Thread::of(&threads, number));
    for thread in &all {
        thread.run(Duration::from_millis(1));
    }
    assert_eq!(all.each_ref().map(Thread::asked), [1, 0, 0], "one question for all");
    all[0].everything(1, 1);
    (threads, all)
}

const SOON: Duration = Duration::from_millis(300);

#[test]
fn one_thread_asks_and_the_others_are_woken_with_its_answers() {
    let (threads, all) = started();
    let [first, others @ ..] = &all;
    let woken = || threads.queues.borrow().iter().map(|(_, length)| *length).collect::<Vec<_>>();
    assert_eq!(woken(), [0, 1, 1]);
    for thread in others {
        thread.plugin.wake(&thread.proxy);
        assert_eq!(thread.endpoint().as_deref(), Some("10.0.0.1:1"));
    }
    assert_eq!(woken(), [0, 0, 0]);
    for (number, host) in [(2, 2), (5, 3)] {
        assert!(first.path().contains("?since=00ab-"), "{}", first.path());
        first.change(number, host);
        for thread in &all {
            thread.plugin.wake(&thread.proxy);
            assert_eq!(thread.endpoint(), Some(format!("10.0.0.{host}:1")));
        }
        first.run(SOON);
    }
    for thread in others {
        thread.run(SOON);
        assert_eq!(thread.asked(), 0);
        assert_eq!(thread.proxy.metric("dubbo.loads"), 3);
    }
}

#[test]
fn a_thread_that_nothing_wakes_looks_at_its_next_tick() {
    let (_threads, all) = started();
    all[1].run(SOON);
    assert_eq!(all[1].endpoint().as_deref(), Some("10.0.0.1:1"));
}

#[test]
fn a_thread_that_has_missed_an_answer_asks_for_itself_once() {
    let (_threads, [first, second, late]) = started();
    second.plugin.wake(&second.proxy);
    for number in 2..20 {
        first.change(number, 2);
        first.run(SOON);
    }
    second.run(SOON);
    assert_eq!(
        (second.asked(), second.path()),
        (1, "/v1/annotations?since=00ab-1&wait=30000ms".into())
    );
    late.run(SOON);
    assert_eq!((late.asked(), late.path()), (1, "/v1/annotations".into()), "it holds nothing yet");
    second.change(21, 4);
    assert_eq!(second.endpoint().as_deref(), Some("10.0.0.4:1"));
    // What another thread was answered before that is no news, and what follows on an earlier state is.
    first.change(20, 3);
    second.plugin.wake(&second.proxy);
    assert_eq!(second.endpoint().as_deref(), Some("10.0.0.4:1"));
    first.run(SOON);
    first.change(22, 5);
    second.plugin.wake(&second.proxy);
    assert_eq!(second.endpoint().as_deref(), Some("10.0.0.5:1"));
    second.run(SOON);
    assert_eq!(second.asked(), 1);
}

#[test]
fn another_thread_asks_when_the_one_that_did_is_gone() {
    let (_threads, [first, second, third]) = started();
    second.run(Duration::from_secs(1));
    assert_eq!(second.asked(), 0);
    drop(first);
    second.run(Duration::from_secs(3));
    third.run(Duration::from_secs(3));
    assert_eq!((second.asked(), third.asked()), (1, 0));
    second.change(2, 7);
    third.plugin.wake(&third.proxy);
    assert_eq!(third.endpoint().as_deref(), Some("10.0.0.7:1"));
}

#[test]
fn an_answer_that_is_of_no_help_to_one_thread_changes_nothing_in_another() {
    let (_threads, all) = started();
    let [first, second, _] = &all;
    second.run(SOON);
    first.run(SOON);
    for answer in [&[(":status", "503")][..], &[(":status", "200"), ("etag", "W/\"00ab-2\"")], &[]]
    {
        first.proxy.answer(&first.plugin, answer, b"{}");
        first.run(Duration::from_secs(20));
        second.run(Duration::from_secs(20));
    }
    let head = [(":status", "200"), ("etag", "W/\"00ab-3\""), ("age", "0")];
    first.proxy.answer(&first.plugin, &head, b"no JSON");
    second.run(SOON);
    assert_eq!(second.endpoint().as_deref(), Some("10.0.0.1:1"));
    assert_eq!(second.asked(), 0);
    first.run(Duration::from_secs(20));
    first.everything(4, 9);
    second.run(SOON);
    assert_eq!(second.endpoint().as_deref(), Some("10.0.0.9:1"));
}
