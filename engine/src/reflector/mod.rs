//! Follows one scope: the state machine between the requests, the answers, and the waits.
//!
//! ```text
//!            ┌── refused, overdue ──▶ list, page by page ──┐
//! streaming list ── complete ────────────────────────────▶ watch ─┐
//!    ▲  ▲                                                  ▲  │   │ ends, breaks: back off
//!    │  └──────────── the version is lost (410) ───────────┼──┘   │
//!    └── breaks: back off ──                               └──────┘
//! ```
//!
//! It must never watch from a version that it was not given by a list or an event, never read a
//! scope anew because of a lost connection alone, and never try again without a wait between.

mod probe;
mod probing;
mod reading;
mod recovery;

use alloc::string::String;
use core::time::Duration;

use crate::catalog::Scope;

use dubbo_k8s_codec::random::Random;

use super::backoff::ServerBackoff;
use super::context::Context;
use super::exchange::{Exchange, Phase, Refused, Step};
use super::pods_request::PodsRequest;
use super::refusal::{Kind, Refusal};
use super::replica::{Effect, Replica};
use super::wire::{Events, Form, Items};
use super::{
    Cause, Failure, Input, Notice, RelistReason, ScopeStatus, Settings, StreamId, TransportError,
    TransportErrorKind, Verb,
};
use probe::Probe;

/// One scope, followed.
#[derive(Debug)]
pub(super) struct Reflector {
    replica: Replica,
    state: State,
    backoff: ServerBackoff,
    random: Random,
    streaming: Streaming,
    /// Why the scope is being read again.
    reason: Option<RelistReason>,
    /// Watches in a row that came to nothing.
    strikes: u8,
    probe: Option<Probe>,
    /// A watch is open, as far as can be known.
    followed: bool,
    /// The loss was reported.
    lost: bool,
    last_contact: Option<Duration>,
}

#[derive(Debug)]
enum State {
    Waiting {
        until: Duration,
        step: Step,
    },
    Open(Exchange),
    /// The list is complete, and nothing is to follow it.
    Done,
}

/// What is known of the server's streaming list.
#[derive(Debug, Default)]
struct Streaming {
    /// It does not serve it. Forgotten when the connection is lost: behind the same address there
    /// may be another server then.
    refused: bool,
    /// How often in a row it broke off before it was complete.
    cut: u8,
}

/// Streaming lists cut in a row before a paged list is tried: making progress is better.
const CUTS: u8 = 2;
/// Fruitless watches in a row before the scope is read anew.
const STRIKES: u8 = 3;
/// `timeoutSeconds`, at random, so that the watches of many clients do not end together.
const TIMEOUT: (u64, u64) = (300, 600);

impl Reflector {
    pub(super) fn new(scope: Scope, random: Random, settings: &Settings) -> Self {
        let streaming = Streaming::default();
        let step = streaming.step(settings);
        Self {
            replica: Replica::new(scope),
            state: State::Waiting { until: Duration::ZERO, step },
            backoff: ServerBackoff::new(),
            random,
            streaming,
            reason: None,
            strikes: 0,
            probe: None,
            followed: false,
            lost: false,
            last_contact: None,
        }
    }

    pub(super) fn status(&self) -> ScopeStatus {
        ScopeStatus {
            scope: self.replica.scope.clone(),
            synced: self.replica.synced,
            followed: self.followed,
            last_contact: self.last_contact,
            behind: self.replica.behind(),
        }
    }

    /// Pods of a first list that is being read.
    pub(super) fn staged(&self) -> usize {
        self.replica.staged()
    }

    pub(super) fn owns(&self, stream: StreamId) -> bool {
        let open = matches!(&self.state, State::Open(exchange) if exchange.stream == stream);
        open || self.is_probe(stream)
    }

    /// When something is due; none once it is done.
    pub(super) fn next_wake(&self) -> Option<Duration> {
        let own = match &self.state {
            State::Waiting { until, .. } => Some(*until),
            State::Open(exchange) => Some(exchange.next_wake()),
            State::Done => None,
        };
        own.into_iter().chain(self.probe.as_ref().map(|probe| probe.due)).min()
    }

    /// Does what has become due.
    pub(super) fn wake(&mut self, cx: &mut Context<'_>) {
        if self.probe.as_ref().is_some_and(|probe| cx.now >= probe.due) {
            self.drop_probe(cx);
        }
        match &self.state {
            State::Waiting { until, step } if cx.now >= *until => {
                let step = step.clone();
                self.send(cx, step);
            }
            State::Open(exchange) if exchange.is_overdue(cx.now) => self.overdue(cx),
            State::Open(exchange) if exchange.is_suspiciously_silent(cx.now) => self.probe(cx),
            State::Waiting { .. } | State::Open(_) | State::Done => {}
        }
    }

    pub(super) fn is_synced(&self) -> bool {
        self.replica.synced
    }

    /// Takes in what came of an exchange that it [`Self::owns`].
    pub(super) fn handle(&mut self, cx: &mut Context<'_>, stream: StreamId, input: Input<'_>) {
        match input {
            Input::Wake => self.wake(cx),
            Input::Head { status, retry_after, content_type, .. } => {
                self.head(cx, stream, status, retry_after, Form::of(content_type));
            }
            Input::Chunk { bytes, .. } => self.chunk(cx, stream, bytes),
            Input::End { .. } => self.end(cx, stream),
            Input::Failed { error, .. } => self.failed(cx, stream, error),
        }
    }

    fn head(
        &mut self,
        cx: &mut Context<'_>,
        stream: StreamId,
        status: u16,
        retry_after: Option<Duration>,
        form: Form,
    ) {
        self.last_contact = Some(cx.now);
        let refused = || Refused::new(status, retry_after, form);
        let is_refused = !(200..=299).contains(&status);
        if self.is_probe(stream) {
            return self.probe_head(cx, form, is_refused.then(refused));
        }
        let State::Open(exchange) = &mut self.state else { return };
        if is_refused {
            return exchange.refuse(cx.now, refused());
        }
        let limit = cx.settings.object_limit;
        match exchange.step {
            Step::Page { .. } => exchange.open(cx.now, Phase::Items(Items::new(form, limit))),
            Step::StreamingList => exchange.open(cx.now, Phase::Events(Events::new(form, limit))),
            Step::Watch => {
                exchange.open(cx.now, Phase::Events(Events::new(form, limit)));
                if self.lost {
                    exchange.follows_outage();
                }
                self.replica.watch();
                self.regained(cx);
            }
        }
    }

    fn chunk(&mut self, cx: &mut Context<'_>, stream: StreamId, bytes: &[u8]) {
        self.last_contact = Some(cx.now);
        if self.is_probe(stream) {
            return self.probe_body(bytes);
        }
        let State::Open(exchange) = &mut self.state else { return };
        exchange.hear(cx.now);
        match &mut exchange.phase {
            Phase::Sent => {}
            Phase::Refused(refused) => refused.keep(bytes),
            Phase::Events(_) => self.events(cx, bytes),
            Phase::Items(_) => self.items(cx, bytes),
        }
    }

    fn end(&mut self, cx: &mut Context<'_>, stream: StreamId) {
        if self.is_probe(stream) {
            return self.probe_end(cx);
        }
        if self.last_line(cx) {
            return;
        }
        let Some(exchange) = self.close(cx) else { return };
        if let Some(refusal) = exchange.phase.refusal() {
            return self.refused(cx, exchange, refusal);
        }
        let (short, early) = (exchange.was_short(cx.now), exchange.was_early(cx.now));
        match (exchange.step, exchange.phase) {
            (Step::StreamingList, _) => self.cut(cx, Cause::CutShort),
            (step @ Step::Page { .. }, phase) => self.page_ended(cx, phase, step),
            (Step::Watch, _) if short => self.struck(cx, Cause::ShortWatch, None),
            (Step::Watch, _) => self.watch_ended(cx, early),
        }
    }

    fn failed(&mut self, cx: &mut Context<'_>, stream: StreamId, error: TransportError) {
        if self.is_probe(stream) {
            self.probe = None;
            return;
        }
        let Some(exchange) = self.close(cx) else { return };
        match exchange.phase.refusal() {
            Some(refusal) => self.refused(cx, exchange, refusal),
            None => self.broken(cx, exchange, error),
        }
    }

    /// How to read the scope from the start.
    fn sync_step(&self, cx: &Context<'_>) -> Step {
        self.streaming.step(cx.settings)
    }

    fn send(&mut self, cx: &mut Context<'_>, step: Step) {
        self.open(cx, step, false);
    }

    fn open(&mut self, cx: &mut Context<'_>, step: Step, refreshed: bool) {
        if step.starts_over() {
            self.replica.stage(cx);
        }
        let (low, high) = TIMEOUT;
        let timeout = self.random.within(low, high);
        let pods_request = match &step {
            Step::StreamingList => {
                PodsRequest::StreamingList { not_older_than: self.replica.list_version(), timeout }
            }
            Step::Page { token, whole } => PodsRequest::Page {
                limit: (!whole).then_some(cx.settings.page_limit),
                not_older_than: self.replica.list_version(),
                token,
            },
            Step::Watch => PodsRequest::Watch { since: self.replica.version(), timeout },
        };
        let request = pods_request.request(&self.replica.scope, cx.settings);
        let limit = request.deadline;
        let stream = cx.send(request);
        self.state = State::Open(Exchange::new(stream, step, limit, refreshed, cx.now));
    }

    /// Takes the exchange that is open, and with it a probe of it. What comes next must be said.
    fn close(&mut self, cx: &mut Context<'_>) -> Option<Exchange> {
        self.drop_probe(cx);
        let between = State::Waiting { until: cx.now, step: self.sync_step(cx) };
        match core::mem::replace(&mut self.state, between) {
            State::Open(exchange) => Some(exchange),
            other @ (State::Waiting { .. } | State::Done) => {
                self.state = other;
                None
            }
        }
    }
}

impl Streaming {
    fn step(&self, settings: &Settings) -> Step {
        if !settings.follow {
            // In one piece it comes from the server's cache; in pages it makes progress on a bad line.
            Step::Page { token: String::new(), whole: self.cut == 0 }
        } else if settings.streaming_list && !self.refused {
            Step::StreamingList
        } else {
            Step::FIRST_PAGE
        }
    }
}
