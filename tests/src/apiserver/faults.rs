//! Misbehaviour on request: rules that pick requests, and what happens to them. A rule that is
//! not added has no effect; nothing here is random.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;

use super::replay::Exchange;
use super::request::{Request, Verb};
use super::status::Status;

/// What happens to a request.
#[derive(Clone, Debug)]
pub enum Act {
    /// An error as HTTP answer. A `Retry-After` when the Status has one.
    Refuse(Status),
    /// 429 in plain text with `Retry-After` in seconds, as API priority and fairness sends it.
    TooManyRequests {
        /// The value of the header.
        retry_after: u32,
    },
    /// HTTP 200 and one ERROR event, then the end of the stream.
    ErrorEvent(Status),
    /// These bytes first, then the ordinary answer. Lines need their newline.
    Before(Bytes),
    /// After so many bytes of the body the connection closes (HTTP/1.1) or the stream is
    /// reset (HTTP/2).
    Cut {
        /// Bytes of the body that still arrive.
        after: usize,
    },
    /// After so many bytes the body ends, as if it were whole.
    End {
        /// Bytes of the body that still arrive.
        after: usize,
    },
    /// After so many bytes nothing comes any more; the connection stays open. With 0 bytes
    /// only the head arrives.
    Stall {
        /// Bytes of the body that still arrive.
        after: usize,
    },
    /// No answer at all; the connection stays open.
    Silence,
    /// After so many bytes of the body the TCP connection is reset.
    Reset {
        /// Bytes of the body that still arrive (some may be lost in the reset).
        after: usize,
    },
    /// HTTP/2: GOAWAY as soon as the answer begins; what runs goes on. HTTP/1.1: the connection
    /// closes after this answer.
    GoAway,
    /// Pieces of so many bytes with a pause between them.
    Trickle {
        /// Bytes in a piece.
        bytes: usize,
        /// How long to wait before the next.
        pause: Duration,
    },
    /// Each chunk of the body as a gzip member of its own under `Content-Encoding: gzip`.
    GzipPerChunk,
    /// Another time of day in the head: the clock of a server that is wrong.
    Date(HeaderValue),
    /// The answer recorded in a capture, chunk by chunk.
    Replay(Arc<Exchange>),
}

/// Which requests a fault is for, how often, and what it does.
#[derive(Clone, Debug)]
pub struct Fault {
    verb: Option<Verb>,
    streaming: Option<bool>,
    target: Option<String>,
    skip: usize,
    times: Option<usize>,
    act: Act,
}

impl Fault {
    /// For every request until it is removed.
    pub fn any(act: Act) -> Self {
        Self { verb: None, streaming: None, target: None, skip: 0, times: None, act }
    }

    /// For requests of one verb.
    pub fn on(verb: Verb, act: Act) -> Self {
        Self { verb: Some(verb), ..Self::any(act) }
    }

    /// For watches that are streaming lists only.
    pub fn on_streaming_list(act: Act) -> Self {
        Self { streaming: Some(true), ..Self::on(Verb::Watch, act) }
    }

    /// For watches that are no streaming lists only.
    pub fn on_plain_watch(act: Act) -> Self {
        Self { streaming: Some(false), ..Self::on(Verb::Watch, act) }
    }

    /// Only where path and query contain `text`.
    #[must_use]
    pub fn matching(mut self, text: impl Into<String>) -> Self {
        self.target = Some(text.into());
        self
    }

    /// Leaves the first `count` matching requests alone.
    #[must_use]
    pub fn skip(mut self, count: usize) -> Self {
        self.skip = count;
        self
    }

    /// At most `count` times.
    #[must_use]
    pub fn times(mut self, count: usize) -> Self {
        self.times = Some(count);
        self
    }

    /// Only once.
    #[must_use]
    pub fn once(self) -> Self {
        self.times(1)
    }

    fn picks(&self, request: &Request) -> bool {
        let streaming = request.verb == Verb::Watch && request.query.is_true("sendInitialEvents");
        self.verb.is_none_or(|verb| verb == request.verb)
            && self.streaming.is_none_or(|wanted| wanted == streaming)
            && self.target.as_ref().is_none_or(|text| request.target.contains(text))
    }
}

/// The faults that are waiting for their request. The first one that matches is taken.
#[derive(Debug, Default)]
pub struct Faults {
    rules: Mutex<Vec<Fault>>,
}

impl Faults {
    /// Adds a fault behind those that are there.
    pub fn add(&self, fault: Fault) {
        self.lock().push(fault);
    }

    /// Ends all misbehaviour that has not begun.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// How many faults still wait.
    pub fn pending(&self) -> usize {
        self.lock().len()
    }

    pub(crate) fn take(&self, request: &Request) -> Option<Act> {
        let mut rules = self.lock();
        for position in 0..rules.len() {
            let Some(rule) = rules.get_mut(position).filter(|rule| rule.picks(request)) else {
                continue;
            };
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            let act = rule.act.clone();
            if let Some(times) = &mut rule.times {
                *times = times.saturating_sub(1);
                if *times == 0 {
                    rules.remove(position);
                }
            }
            return Some(act);
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
