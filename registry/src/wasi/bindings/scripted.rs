//! The host of the tests: what it answers and when is written down, and time passes only while the
//! component sleeps. It has the surface of the real bindings, and counts what was not let go of.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "whatever fails in here fails the test that wrote it down"
)]

use std::{
    cell::RefCell,
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use super::fault::Fault;

thread_local! {
    static HOST: RefCell<Host> = RefCell::default();
}

#[derive(Default)]
struct Host {
    now: Duration,
    scripts: VecDeque<Vec<(u64, Step)>>,
    asked: Vec<String>,
    open: Arc<Mutex<usize>>,
    sleeps: Vec<Duration>,
}

/// What a server does next.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Head(u16, &'static [(&'static str, &'static str)]),
    Bytes(&'static [u8]),
    End,
    Fault(Fault),
}

/// Answers the next request with these steps, each at so many milliseconds after it was asked.
pub(super) fn answer_with(steps: &[(u64, Step)]) {
    HOST.with_borrow_mut(|host| host.scripts.push_back(steps.to_vec()));
}

/// What was asked so far: the URL and the headers, a line each.
pub(super) fn asked() -> Vec<String> {
    HOST.with_borrow(|host| host.asked.clone())
}

/// How many exchanges hold something of the host.
pub(super) fn open() -> usize {
    HOST.with_borrow(|host| *host.open.lock().unwrap())
}

/// How long each sleep was.
pub(super) fn sleeps() -> Vec<Duration> {
    HOST.with_borrow(|host| host.sleeps.clone())
}

/// Something that becomes ready at a time, or never.
#[derive(Debug)]
pub(super) struct Pollable(Arc<Mutex<Option<Duration>>>);

pub(super) fn poll(list: &[&Pollable]) -> Vec<u32> {
    let times: Vec<_> = list.iter().map(|pollable| *pollable.0.lock().unwrap()).collect();
    let first = times.iter().flatten().min().expect("it would sleep for ever");
    HOST.with_borrow_mut(|host| {
        let slept = first.saturating_sub(host.now);
        host.sleeps.push(slept);
        host.now += slept;
        let ready = |time: &Option<Duration>| time.is_some_and(|time| time <= host.now);
        (0..).zip(&times).filter(|(_, time)| ready(time)).map(|(at, _)| at).collect()
    })
}

pub(super) fn timer(time: Duration) -> Pollable {
    Pollable(Arc::new(Mutex::new(Some(now() + time))))
}

pub(super) fn now() -> Duration {
    HOST.with_borrow(|host| host.now)
}

pub(super) struct Outgoing<'a> {
    pub(super) secure: bool,
    pub(super) authority: &'a str,
    pub(super) target: &'a str,
    pub(super) headers: &'a [(&'a str, &'a str)],
    pub(super) connect: Duration,
}

pub(super) fn ask(outgoing: &Outgoing<'_>) -> Result<Asking, Fault> {
    HOST.with_borrow_mut(|host| {
        let scheme = if outgoing.secure { "https" } else { "http" };
        let mut asked = format!("{scheme}://{}{}", outgoing.authority, outgoing.target);
        for (name, value) in outgoing.headers {
            asked = asked + "\n" + name + ": " + value;
        }
        host.asked.push(asked);
        assert!(!outgoing.connect.is_zero());
        let script = host.scripts.pop_front().expect("nothing is written down for this request");
        if let Some((0, Step::Fault(fault))) = script.first() {
            return Err(fault.clone());
        }
        let now = host.now;
        let at = |millis| now + Duration::from_millis(millis);
        let steps = script.into_iter().map(|(millis, step)| (at(millis), step)).collect();
        let exchange = Exchange { steps, ready: Arc::default(), _held: Held::of(&host.open) };
        exchange.set_ready();
        let pollable = Arc::new(Pollable(Arc::clone(&exchange.ready)));
        Ok(Asking { pollable, exchange: RefCell::new(Some(exchange)) })
    })
}

struct Exchange {
    steps: VecDeque<(Duration, Step)>,
    ready: Arc<Mutex<Option<Duration>>>,
    _held: Held,
}

/// Counted until it is dropped.
struct Held(Arc<Mutex<usize>>);

impl Held {
    fn of(count: &Arc<Mutex<usize>>) -> Self {
        *count.lock().unwrap() += 1;
        Self(Arc::clone(count))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        *self.0.lock().unwrap() -= 1;
    }
}

impl Exchange {
    fn set_ready(&self) {
        *self.ready.lock().unwrap() = self.steps.front().map(|(at, _)| *at);
    }

    fn next(&mut self) -> Option<Step> {
        let due = self.steps.front().is_some_and(|(at, _)| *at <= now());
        let step = if due { self.steps.pop_front() } else { None };
        self.set_ready();
        step.map(|(_, step)| step)
    }
}

pub(super) struct Asking {
    pollable: Arc<Pollable>,
    exchange: RefCell<Option<Exchange>>,
}

impl Asking {
    pub(super) fn pollable(&self) -> &Arc<Pollable> {
        &self.pollable
    }

    pub(super) fn answer(&self) -> Option<Result<Answer, Fault>> {
        let mut exchange = self.exchange.borrow_mut();
        match exchange.as_mut()?.next()? {
            Step::Head(status, headers) => {
                let (pollable, exchange) = (Arc::clone(&self.pollable), exchange.take()?);
                Some(Ok(Answer { pollable, exchange: RefCell::new(exchange), status, headers }))
            }
            Step::Fault(fault) => Some(Err(fault)),
            other => panic!("{other:?} before a head"),
        }
    }
}

pub(super) struct Answer {
    pollable: Arc<Pollable>,
    exchange: RefCell<Exchange>,
    status: u16,
    headers: &'static [(&'static str, &'static str)],
}

pub(super) enum Piece {
    None,
    Bytes(Vec<u8>),
    End,
    Fault(Fault),
}

impl Answer {
    pub(super) fn status(&self) -> u16 {
        self.status
    }

    pub(super) fn header(&self, name: &str) -> Option<String> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| (*value).to_owned())
    }

    pub(super) fn pollable(&self) -> &Arc<Pollable> {
        &self.pollable
    }

    pub(super) fn read(&self) -> Piece {
        match self.exchange.borrow_mut().next() {
            None => Piece::None,
            Some(Step::Bytes(bytes)) => Piece::Bytes(bytes.to_vec()),
            Some(Step::End) => Piece::End,
            Some(Step::Fault(fault)) => Piece::Fault(fault),
            Some(other) => panic!("{other:?} after the head"),
        }
    }
}
