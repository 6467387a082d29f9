//! One exchange that is open: what was asked, how far the answer has come, and until when it may
//! take. It must never hold more than the start of an error's body, one line, or one item.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::refusal::{BODY_LIMIT, Refusal};
use super::wire::{Events, Form, Items};
use super::{StreamId, Verb};

/// What the reflector does next, or is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Read the scope as the start of a watch.
    StreamingList,
    /// Read the scope as a list, from this page on (empty: the first).
    Page {
        /// The continue token.
        token: String,
        /// Without a limit: a continue token had expired.
        whole: bool,
    },
    /// Follow the changes since the version that is held.
    Watch,
}

impl Step {
    pub(super) const FIRST_PAGE: Self = Self::Page { token: String::new(), whole: false };

    /// Whether it begins a list, so that what was read of another is dropped.
    pub(super) fn starts_over(&self) -> bool {
        match self {
            Self::StreamingList => true,
            Self::Page { token, .. } => token.is_empty(),
            Self::Watch => false,
        }
    }

    pub(super) fn verb(&self) -> Verb {
        match self {
            Self::Page { .. } => Verb::List,
            Self::StreamingList | Self::Watch => Verb::Watch,
        }
    }
}

/// How far the answer has come.
#[derive(Debug)]
pub(super) enum Phase {
    /// No head yet.
    Sent,
    /// An error status; its body is being read.
    Refused(Refused),
    /// The events of a watch.
    Events(Events),
    /// The items of a list.
    Items(Items),
}

/// An error status, and what has come of its body.
#[derive(Debug)]
pub(super) struct Refused {
    status: u16,
    retry_after: Option<Duration>,
    form: Form,
    body: Vec<u8>,
}

impl Refused {
    pub(super) const fn new(status: u16, retry_after: Option<Duration>, form: Form) -> Self {
        Self { status, retry_after, form, body: Vec::new() }
    }

    /// Keeps the start of the body.
    pub(super) fn keep(&mut self, bytes: &[u8]) {
        let room = BODY_LIMIT.saturating_sub(self.body.len());
        self.body.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    pub(super) fn refusal(&self) -> Refusal {
        Refusal::of_response(self.status, self.retry_after, self.form, &self.body)
    }
}

/// How long the head of an answer may take. kube-apiserver queues a request for 15 s at most.
const HEAD: Duration = Duration::from_secs(30);
/// How long the body of an error may take.
const ERROR_BODY: Duration = Duration::from_secs(10);
/// How long the initial events of a streaming list may take. On a line that is too slow for it
/// a list in pages does better.
const INITIAL_EVENTS: Duration = Duration::from_mins(1);
/// How long the next of them, or the bookmark that ends them, may take. A server has them at hand;
/// some accept such a list and never end it.
const NEXT_INITIAL_EVENT: Duration = Duration::from_secs(5);
/// A watch that ends sooner than this and without news counts as an error.
const SHORT: Duration = Duration::from_secs(1);
/// A server closes a watch about when it was asked to; sooner, something else happened.
const EARLY: Duration = Duration::from_secs(10);
/// Servers send a bookmark every minute. A watch that is silent for longer may start from a
/// version that the server does not have, which it would not say.
const SILENCE: Duration = Duration::from_secs(90);
/// The same for the first watch after an outage.
const SILENCE_AFTER_OUTAGE: Duration = Duration::from_secs(2);

/// One exchange.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) stream: StreamId,
    pub(super) step: Step,
    pub(super) phase: Phase,
    /// The credential was read again for it.
    pub(super) refreshed: bool,
    /// It told something that was not known.
    pub(super) news: bool,
    /// Any line has come, or the silence was looked into.
    pub(super) spoken: bool,
    /// How long a watch may be silent before it is looked into.
    silence: Duration,
    sent: Duration,
    opened: Duration,
    /// The whole exchange, from sending.
    limit: Duration,
    /// When the present phase is overdue.
    due: Duration,
    /// The initial events must end by then, whatever comes.
    initial_end: Duration,
}

impl Exchange {
    /// One that was sent now, and may take up to `limit`.
    pub(super) fn new(
        stream: StreamId,
        step: Step,
        limit: Duration,
        refreshed: bool,
        now: Duration,
    ) -> Self {
        Self {
            stream,
            step,
            phase: Phase::Sent,
            refreshed,
            news: false,
            spoken: false,
            silence: SILENCE,
            sent: now,
            opened: now,
            limit,
            due: now + limit.min(HEAD),
            initial_end: now,
        }
    }

    pub(super) fn refuse(&mut self, now: Duration, refused: Refused) {
        self.phase = Phase::Refused(refused);
        self.due = now + ERROR_BODY;
    }

    pub(super) fn open(&mut self, now: Duration, phase: Phase) {
        self.phase = phase;
        self.opened = now;
        self.due = self.sent + self.limit;
        self.initial_end = self.due.min(now + INITIAL_EVENTS);
        self.hear(now);
    }

    /// Something came of the body.
    pub(super) fn hear(&mut self, now: Duration) {
        if self.step == Step::StreamingList && matches!(self.phase, Phase::Events(_)) {
            self.due = self.initial_end.min(now + NEXT_INITIAL_EVENT);
        }
    }

    /// It is the first watch after the server was lost.
    pub(super) fn follows_outage(&mut self) {
        self.silence = SILENCE_AFTER_OUTAGE;
    }

    /// A bookmark came that does not end the initial events. The one that does must come soon,
    /// whatever else comes: a server that sends the others may know no such bookmark.
    pub(super) fn expects_end(&mut self) {
        self.initial_end = self.initial_end.min(self.due);
    }

    /// The initial events are complete: the same stream is a watch from now on.
    pub(super) fn becomes_watch(&mut self) {
        self.step = Step::Watch;
        self.news = true;
        self.due = self.sent + self.limit;
    }

    pub(super) fn has_answered(&self) -> bool {
        !matches!(self.phase, Phase::Sent)
    }

    /// Whether it was over before anything could have been told.
    pub(super) fn was_short(&self, now: Duration) -> bool {
        !self.news && now.saturating_sub(self.opened) < SHORT
    }

    /// Whether the server closed it well before it was asked to.
    pub(super) fn was_early(&self, now: Duration) -> bool {
        now + EARLY < self.sent + self.limit
    }

    pub(super) fn is_overdue(&self, now: Duration) -> bool {
        now >= self.due
    }

    /// Whether to ask if the server has the version that this watch started from at all.
    pub(super) fn is_suspiciously_silent(&self, now: Duration) -> bool {
        self.silence_ends().is_some_and(|end| now >= end)
    }

    fn silence_ends(&self) -> Option<Duration> {
        let silent = self.step == Step::Watch && !self.spoken;
        (silent && matches!(self.phase, Phase::Events(_))).then(|| self.opened + self.silence)
    }

    pub(super) fn next_wake(&self) -> Duration {
        self.silence_ends().map_or(self.due, |end| end.min(self.due))
    }
}

impl Phase {
    /// What the server refused with, if it did.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Refused(refused) => Some(refused.refusal()),
            _ => None,
        }
    }
}
