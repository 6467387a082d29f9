//! One state of the registry: what was known after one batch of changes, whole. It never changes;
//! the next one is another, which shares with it whatever is the same.

use std::sync::Arc;
use std::time::Duration;

use dubbo_k8s_engine::catalog::Content;
use dubbo_k8s_engine::{Failure, Status};
use tokio::time::Instant;

use super::entry::Entry;
use super::log::{Log, LogLimits};
use super::revision::Revision;

/// A state as it is published. A copy is cheap.
#[derive(Debug, Clone)]
pub struct State {
    pub(super) revision: Revision,
    /// What is registered.
    pub(super) content: Content,
    pub(super) log: Log,
    pub(super) freshness: Freshness,
}

/// How current a state is.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Freshness {
    /// Every scope has been complete once.
    pub synced: bool,
    /// Since when no news have come; `None` while every scope is followed.
    pub silent_since: Option<Instant>,
    /// Why, as far as it is known.
    pub failure: Option<Arc<Failure>>,
    /// How many versions the server is known to be ahead, counted over all objects of the cluster; `None` where
    /// that is not known.
    pub behind: Option<u64>,
}

impl Freshness {
    pub(super) fn update(&mut self, status: &Status, silent_since: Option<Instant>) {
        self.synced = status.synced();
        self.behind = status.behind();
        self.silent_since = silent_since;
        if silent_since.is_none() {
            self.failure = None;
        }
    }
}

impl State {
    /// What a catalog holds, not yet synced.
    pub(super) fn new(content: Content, limits: LogLimits) -> Self {
        Self {
            revision: Revision::new_run(),
            content,
            log: Log::new(limits),
            freshness: Freshness::default(),
        }
    }

    /// The same for a reader that takes long: without the log, which a slow reader must not keep
    /// alive. Costs little.
    pub fn without_log(&self) -> Arc<Self> {
        Arc::new(Self { log: self.log.emptied(self.revision), ..self.clone() })
    }

    /// What is registered.
    pub const fn content(&self) -> &Content {
        &self.content
    }

    /// Its revision: it names the content.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// All Pods have been read once.
    pub fn is_synced(&self) -> bool {
        self.freshness.synced
    }

    /// Every scope is followed now, as far as can be known.
    pub fn is_followed(&self) -> bool {
        self.freshness.silent_since.is_none()
    }

    /// Why not, as far as it is known.
    pub fn failure(&self) -> Option<&Failure> {
        self.freshness.failure.as_deref()
    }

    /// How many versions the server is known to be ahead of this state. `None` where that is not known.
    pub fn behind(&self) -> Option<u64> {
        self.freshness.behind
    }

    /// The time since the server was last heard; zero while every scope is followed, and `None`
    /// while there is nothing yet that could be old.
    pub fn age(&self) -> Option<Duration> {
        let age = self.freshness.silent_since.map_or(Duration::ZERO, |since| since.elapsed());
        self.is_synced().then_some(age)
    }

    /// The place in the log behind all that this state holds.
    pub fn end(&self) -> u64 {
        self.log.end()
    }

    /// The place in the log behind a revision, if the log still has all that came after it.
    pub fn place_after(&self, revision: Revision) -> Option<u64> {
        let known = revision.run == self.revision.run && revision.number <= self.revision.number;
        known.then(|| self.log.after(revision.number)).flatten()
    }

    /// What came after a revision, if all of it is still known.
    pub fn since(&self, revision: Revision) -> Option<impl Iterator<Item = &Arc<Entry>>> {
        Some(self.log.from(self.place_after(revision)?))
    }
}
