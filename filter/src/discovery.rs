//! When the watcher is asked, and what its answers mean: sans-IO, time and answers in, questions out. What
//! is known stays in service until something whole and newer is there.

use core::fmt;
use core::time::Duration;

use dubbo_k8s_codec::backoff::Backoff;

use crate::random::Random;
use crate::settings::Discovery as Settings;

/// The path of the annotations.
const PATH: &str = "/v1/annotations";

/// What an answer may take beyond the time that the watcher was asked to wait.
const PATIENCE_MS: u64 = 15_000;

/// The wait after the first failure, and the longest one.
const SHORTEST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(10);

/// After an answer without anything new, which was not waited for.
const PAUSE_MS: u64 = 1000;

/// Reading may take one part of the time in so many.
const SHARE: u64 = 4;

/// An answer that comes sooner than this after its question was not waited for.
const QUICK_MS: u64 = 100;

/// So many answers with news may come in a row, and one more in each of these times. What comes sooner is followed by a
/// rest of about half of it: what changes all the time is asked for in batches.
const BURST: u64 = 20;
const EACH_MS: u64 = 100;

/// The conversation with a watcher.
#[derive(Debug)]
pub(crate) struct Discovery {
    etag: Option<String>,
    /// The tag of the state that is in service.
    held: Option<String>,
    state: State,
    /// Whether the last question was for changes, and whether the watcher refuses such a question.
    asked_for_changes: bool,
    refuses_changes: bool,
    /// Whether the last answer came at once.
    is_quick: bool,
    /// When all answers with news would have come, had each taken its time.
    paid_ms: u64,
    backoff: Backoff,
    /// When the watcher last said that this is the state, and how old it was then.
    confirmed_ms: Option<u64>,
    watcher_age_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// To be asked from then on.
    Resting { until_ms: u64 },
    /// Asked; given up for lost then.
    Asked { token: u32, at_ms: u64, until_ms: u64 },
    /// Answered with a body that is being read.
    Reading { since_ms: u64 },
}

/// A question for the watcher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) path: String,
    pub(crate) if_none_match: Option<String>,
    pub(crate) timeout: Duration,
}

/// The head of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// 0 if there was none.
    pub(crate) status: u16,
    pub(crate) etag: Option<String>,
    /// Seconds since the watcher heard of its server; none before it knows the whole registry.
    pub(crate) age: Option<u64>,
}

/// What to do with an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Read its body.
    Read,
    /// Nothing.
    Nothing,
    /// Log that the watcher is of no help.
    Complain(Trouble),
}

/// What an answer to another thread is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overheard {
    /// News.
    Follows,
    /// No news.
    Known,
    /// Something before it is missing.
    Missed,
}

/// Why the watcher is of no help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The proxy has no such cluster, or no host in it.
    Unsent,
    /// No answer.
    Silent,
    /// An answer that is none.
    Status(u16),
    /// The watcher does not know the whole registry yet.
    Unsynced,
    /// A body that cannot be read.
    Body(String),
}

impl Trouble {
    /// Whether one line in the log is enough for both.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Body(_), Self::Body(_)) => true,
            (one, other) => one == other,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsent => f.write_str("the proxy has no such cluster, or no endpoint in it"),
            Self::Silent => f.write_str("it does not answer"),
            Self::Status(status) => write!(f, "it answers with status {status}"),
            Self::Unsynced => f.write_str("it does not know the whole registry yet"),
            Self::Body(why) => write!(f, "its answer cannot be read: {why}"),
        }
    }
}

impl Discovery {
    pub(crate) const fn new() -> Self {
        Self {
            etag: None,
            held: None,
            state: State::Resting { until_ms: 0 },
            asked_for_changes: false,
            refuses_changes: false,
            is_quick: false,
            paid_ms: 0,
            backoff: Backoff::new(SHORTEST, LONGEST),
            confirmed_ms: None,
            watcher_age_ms: 0,
        }
    }

    /// What to ask now, if it is time: for changes, for everything once anything is different, or, where something is
    /// lacking, for everything at once.
    pub(crate) fn question(
        &mut self,
        settings: &Settings,
        lacks: bool,
        now_ms: u64,
    ) -> Option<Question> {
        if let State::Asked { until_ms, .. } = self.state
            && now_ms >= until_ms
        {
            self.state = State::Resting { until_ms: 0 };
        }
        if !matches!(self.state, State::Resting { until_ms } if now_ms >= until_ms) {
            return None;
        }
        let wait = millis(settings.wait);
        let held = self.etag.as_deref().filter(|etag| self.held.as_deref() == Some(*etag));
        let revision = held.and_then(revision).filter(|_| !lacks && !self.refuses_changes);
        self.asked_for_changes = revision.is_some();
        let path = match (revision, &self.etag) {
            (Some(revision), _) => format!("{PATH}?since={revision}&wait={wait}ms"),
            (None, Some(_)) if !lacks => format!("{PATH}?wait={wait}ms"),
            (None, _) => PATH.to_owned(),
        };
        let if_none_match = self.etag.clone().filter(|_| !self.asked_for_changes && !lacks);
        let timeout = Duration::from_millis(wait + PATIENCE_MS);
        Some(Question { path, if_none_match, timeout })
    }

    /// Whether the last question was for changes: its answer may be of them alone.
    pub(crate) const fn asked_for_changes(&self) -> bool {
        self.asked_for_changes
    }

    /// The time until the next question, where that is known.
    pub(crate) fn rest(&self, now_ms: u64) -> Option<Duration> {
        let State::Resting { until_ms } = self.state else { return None };
        Some(Duration::from_millis(until_ms.saturating_sub(now_ms)))
    }

    /// The question was sent, or could not be.
    pub(crate) fn asked(
        &mut self,
        token: Option<u32>,
        settings: &Settings,
        now_ms: u64,
        random: &mut Random,
    ) -> Step {
        let Some(token) = token else { return self.fail(Trouble::Unsent, now_ms, random) };
        // The proxy keeps the time; this is for an answer that got lost on its way here.
        let until_ms = now_ms + millis(settings.wait) + 2 * PATIENCE_MS;
        self.state = State::Asked { token, at_ms: now_ms, until_ms };
        Step::Nothing
    }

    /// Whether an answer is to the question that was asked last.
    pub(crate) fn expects(&self, token: u32) -> bool {
        matches!(self.state, State::Asked { token: asked, .. } if asked == token)
    }

    /// Takes up an answer that another thread was given: whether it follows on what is held here.
    pub(crate) fn overhear(
        &mut self,
        base: Option<&str>,
        answer: &Answer,
        now_ms: u64,
    ) -> Overheard {
        let (held, to) = (self.held.as_deref(), answer.etag.as_deref());
        if held.is_some() && (held == to || is_later(held, to)) && answer.status != 304 {
            return Overheard::Known;
        }
        let follows = match (answer.status, base) {
            (304, _) => held == to,
            (_, None) => true,
            (_, Some(base)) => held == Some(base) || is_later(held, Some(base)),
        };
        if !follows {
            return Overheard::Missed;
        }
        self.asked_for_changes = base.is_some();
        // No token is its own: whatever was asked here is not waited for.
        self.state = State::Asked { token: 0, at_ms: now_ms, until_ms: now_ms };
        Overheard::Follows
    }

    /// The tag since whose state the last question asked for changes.
    pub(crate) fn base(&self) -> Option<&str> {
        self.held.as_deref().filter(|_| self.asked_for_changes)
    }

    /// The plugin that asked is gone: ask again.
    pub(crate) fn abandon(&mut self) {
        if let State::Asked { .. } = self.state {
            self.state = State::Resting { until_ms: 0 };
        }
    }

    /// Takes the head of an answer.
    pub(crate) fn answer(&mut self, answer: Answer, now_ms: u64, random: &mut Random) -> Step {
        let State::Asked { at_ms, .. } = self.state else { return Step::Nothing };
        match (answer.status, answer.age) {
            (200, Some(age)) => {
                self.is_quick = now_ms < at_ms.saturating_add(QUICK_MS);
                self.etag = answer.etag;
                self.watcher_age_ms = age.saturating_mul(1000);
                self.state = State::Reading { since_ms: now_ms };
                Step::Read
            }
            (200, None) => {
                // It changes soon, and a watcher that can wait answers then.
                let step = self.fail(Trouble::Unsynced, now_ms, random);
                self.etag = answer.etag;
                step
            }
            (304, age) if age.is_some() && self.confirmed_ms.is_some() => {
                self.confirm(now_ms);
                self.watcher_age_ms = age.unwrap_or_default().saturating_mul(1000);
                let until_ms = if now_ms < at_ms + 100 { now_ms + PAUSE_MS } else { now_ms };
                self.state = State::Resting { until_ms };
                Step::Nothing
            }
            (304, _) => {
                self.etag = None;
                self.fail(Trouble::Unsynced, now_ms, random)
            }
            (0, _) => self.fail(Trouble::Silent, now_ms, random),
            (400, _) if self.asked_for_changes => {
                // A watcher of an earlier version: it knows no changes, and what it knows is asked for instead.
                self.refuses_changes = true;
                self.state = State::Resting { until_ms: now_ms };
                Step::Nothing
            }
            (status, _) => self.fail(Trouble::Status(status), now_ms, random),
        }
    }

    /// The body was read, and is in service; whether anything in it was new.
    pub(crate) fn loaded(&mut self, has_news: bool, now_ms: u64, random: &mut Random) {
        if let State::Reading { since_ms } = self.state {
            self.held.clone_from(&self.etag);
            let took = now_ms.saturating_sub(since_ms);
            let is_too_soon = has_news && self.is_too_soon(now_ms);
            let pause = match &self.etag {
                None => PAUSE_MS,
                // A watcher that does not wait for changes.
                Some(_) if self.is_quick && !has_news => PAUSE_MS,
                Some(_) if is_too_soon => EACH_MS / 4 + random.below(EACH_MS / 2),
                Some(_) => 0,
            };
            self.state = State::Resting { until_ms: now_ms + pause.max(took * SHARE) };
        }
        self.confirm(now_ms);
    }

    /// Counts an answer with news; whether there were too many of late.
    fn is_too_soon(&mut self, now_ms: u64) -> bool {
        let most = now_ms + BURST * EACH_MS;
        let paid_ms = self.paid_ms.max(now_ms) + EACH_MS;
        self.paid_ms = paid_ms.min(most);
        paid_ms > most
    }

    /// The body could not be read.
    pub(crate) fn unreadable(&mut self, why: String, now_ms: u64, random: &mut Random) -> Step {
        self.etag = None;
        self.fail(Trouble::Body(why), now_ms, random)
    }

    /// Whether the last answer, or its absence, was of no help.
    pub(crate) const fn is_failing(&self) -> bool {
        self.backoff.failures() > 0
    }

    fn confirm(&mut self, now_ms: u64) {
        self.backoff.reset();
        self.confirmed_ms = Some(now_ms);
    }

    fn fail(&mut self, trouble: Trouble, now_ms: u64, random: &mut Random) -> Step {
        // Anything from half of it: many proxies lose their watcher at the same moment.
        let half = self.backoff.after_failure(Duration::from_millis(now_ms)) / 2;
        self.state = State::Resting { until_ms: now_ms + millis(half + random.part_of(half)) };
        Step::Complain(trouble)
    }

    /// The time since the state in service was known to be current, in milliseconds; none if there is none.
    /// While the watcher waits for a change this grows up to the time that it may wait.
    pub(crate) fn age_ms(&self, now_ms: u64) -> Option<u64> {
        self.confirmed_ms.map(|at| self.watcher_age_ms + now_ms.saturating_sub(at))
    }
}

/// Whether both tags are of one run of a watcher and of one view of it, and the first is of a later state.
fn is_later(one: Option<&str>, other: Option<&str>) -> bool {
    let parts = |tag: Option<&str>| {
        let (run, rest) = revision(tag?)?.split_once('-')?;
        let (number, view) = rest.split_once('-').unwrap_or((rest, ""));
        Some((number.parse::<u64>().ok()?, (run.to_owned(), view.to_owned())))
    };
    let (Some((one, of_one)), Some((other, of_other))) = (parts(one), parts(other)) else {
        return false;
    };
    of_one == of_other && one > other
}

/// The revision in an entity tag, where it is one that can stand in a query.
fn revision(etag: &str) -> Option<&str> {
    let revision = etag.strip_prefix("W/").unwrap_or(etag).strip_prefix('"')?.strip_suffix('"')?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (!revision.is_empty() && revision.bytes().all(is_plain)).then_some(revision)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
