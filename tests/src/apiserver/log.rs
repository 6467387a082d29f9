//! What was asked, for tests that count requests. Holds no credential.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::watch;

use super::request::{Request, Verb};

/// How many requests are remembered; older ones are only counted.
const CAPACITY: usize = 10_000;

/// One request, and the status of its answer.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The how-manieth request of the server it was, from 0.
    pub number: usize,
    /// The connection that carried it, counted from 0.
    pub connection: usize,
    /// What it asked for.
    pub verb: Verb,
    /// Path and query, as sent.
    pub target: String,
    /// The Accept header.
    pub accept: String,
    /// The Accept-Encoding header.
    pub accept_encoding: String,
    /// The Content-Type header.
    pub content_type: String,
    /// The User-Agent header.
    pub user_agent: String,
    /// Its body.
    pub body: Bytes,
    /// Whether it came over HTTP/2.
    pub http2: bool,
    /// The status of the answer, as soon as there is one.
    pub status: Option<u16>,
}

impl Seen {
    /// The decoded value of a query parameter.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let (_, query) = self.target.split_once('?')?;
        super::query::Query::parse(query).find(name).map(str::to_owned)
    }
}

/// The requests that the server got, oldest first.
#[derive(Debug)]
pub struct Requests {
    seen: Mutex<VecDeque<Seen>>,
    /// Counts requests and answers.
    changes: watch::Sender<usize>,
}

impl Requests {
    pub(crate) fn new() -> Self {
        Self { seen: Mutex::default(), changes: watch::Sender::new(0) }
    }

    /// All that are remembered.
    pub fn all(&self) -> Vec<Seen> {
        self.lock().iter().cloned().collect()
    }

    /// Those of one verb.
    pub fn of(&self, verb: Verb) -> Vec<Seen> {
        self.lock().iter().filter(|seen| seen.verb == verb).cloned().collect()
    }

    /// How many there were of one verb.
    pub fn count(&self, verb: Verb) -> usize {
        self.of(verb).len()
    }

    /// Forgets what was asked so far.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// Waits until the requests so far satisfy `condition`, and returns them. It is looked at again
    /// at each request and each answer. Cancellation safe.
    pub async fn wait_for(&self, condition: impl Fn(&[Seen]) -> bool) -> Vec<Seen> {
        let mut changes = self.changes.subscribe();
        loop {
            let seen = self.all();
            if condition(&seen) {
                return seen;
            }
            if changes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Waits until there were `count` requests of a verb.
    pub async fn wait_for_count(&self, verb: Verb, count: usize) -> Vec<Seen> {
        let of = |seen: &[Seen]| seen.iter().filter(|seen| seen.verb == verb).count();
        let mut all = self.wait_for(|seen| of(seen) >= count).await;
        all.retain(|seen| seen.verb == verb);
        all
    }

    pub(crate) fn arrived(&self, request: &Request, connection: usize) -> usize {
        let number = *self.changes.borrow();
        let seen = Seen {
            number,
            connection,
            verb: request.verb,
            target: request.target.clone(),
            accept: request.accept.clone(),
            accept_encoding: request.accept_encoding.clone(),
            content_type: request.content_type.clone(),
            user_agent: request.user_agent.clone(),
            body: request.body.clone(),
            http2: request.http2,
            status: None,
        };
        let mut log = self.lock();
        log.push_back(seen);
        if log.len() > CAPACITY {
            log.pop_front();
        }
        drop(log);
        self.changes.send_modify(|count| *count += 1);
        number
    }

    pub(crate) fn answered(&self, number: usize, status: u16) {
        let mut log = self.lock();
        if let Some(seen) = log.iter_mut().rev().find(|seen| seen.number == number) {
            seen.status = Some(status);
        }
        drop(log);
        self.changes.send_modify(|count| *count += 1);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
