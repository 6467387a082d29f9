//! One state of the registry: what was known after one batch of changes, whole. It never changes;
//! the next one is another, which shares with it whatever is the same.

use std::cmp::Ordering;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use dubbo_k8s_engine::catalog::PodEntry;
use imbl::OrdSet;
use tokio::time::Instant;

use super::Revision;
use super::entry::Entry;
use super::log::{Log, LogLimits};
use super::records::Records;
use dubbo_k8s_engine::Failure;

/// A state as it is published. A copy is cheap.
#[derive(Debug, Clone)]
pub struct State {
    pub(super) revision: Revision,
    /// By key.
    pub(super) records: Records,
    /// Every Pod that is known.
    pub(super) pods: OrdSet<Placed>,
    /// Those with a problem.
    pub(super) problems: OrdSet<Placed>,
    pub(super) log: Log,
    pub(super) freshness: Freshness,
}

/// How current a state is.
#[derive(Debug, Clone, Default)]
pub struct Freshness {
    /// Every scope has been complete once.
    pub synced: bool,
    /// Since when no news have come; `None` while every scope is followed.
    pub silent_since: Option<Instant>,
    /// Why, as far as it is known.
    pub failure: Option<Arc<Failure>>,
}

impl Freshness {
    pub(super) fn update(&mut self, synced: bool, silent_since: Option<Instant>) {
        self.synced = synced;
        self.silent_since = silent_since;
        if silent_since.is_none() {
            self.failure = None;
        }
    }
}

/// A Pod in its place: ordered, and equal, by namespace and name.
#[derive(Debug, Clone)]
pub struct Placed(pub(super) Arc<PodEntry>);

impl Placed {
    /// The Pod with its records.
    pub fn pod(&self) -> &PodEntry {
        &self.0
    }

    fn place(&self) -> (&str, &str) {
        let holder = self.0.holder();
        (&holder.namespace, &holder.pod)
    }
}

impl Ord for Placed {
    fn cmp(&self, other: &Self) -> Ordering {
        self.place().cmp(&other.place())
    }
}

impl PartialOrd for Placed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Placed {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Placed {}

impl State {
    /// Nothing is known yet.
    pub(super) fn new(limits: LogLimits) -> Self {
        Self {
            revision: Revision::new_run(),
            records: Records::default(),
            pods: OrdSet::new(),
            problems: OrdSet::new(),
            log: Log::new(limits),
            freshness: Freshness::default(),
        }
    }

    /// The same content for somebody who shows it for a long time: without the past, which must not
    /// be kept by a slow reader. Costs little.
    pub fn content(&self) -> Arc<Self> {
        Arc::new(Self { log: self.log.emptied(self.revision), ..self.clone() })
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

    /// The time since the server was last heard; zero while every scope is followed, and `None`
    /// while there is nothing yet that could be old.
    pub fn age(&self) -> Option<Duration> {
        let age = self.freshness.silent_since.map_or(Duration::ZERO, |since| since.elapsed());
        self.is_synced().then_some(age)
    }

    /// Pods that are known.
    pub fn pods(&self) -> usize {
        self.pods.len()
    }

    /// Distinct records.
    pub fn records(&self) -> usize {
        self.records.len()
    }

    /// Pods that have a problem.
    pub fn problems(&self) -> usize {
        self.problems.len()
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

    /// The Pods in the order of namespace and name, each found anew from the one before it, so that
    /// whoever takes long holds nothing but the state.
    pub fn pod_after(&self, last: Option<&Placed>) -> Option<&Placed> {
        after(&self.pods, last)
    }

    /// The same for the Pods that have a problem.
    pub(super) fn problem_after(&self, last: Option<&Placed>) -> Option<&Placed> {
        after(&self.problems, last)
    }
}

fn after<'a>(pods: &'a OrdSet<Placed>, last: Option<&Placed>) -> Option<&'a Placed> {
    match last {
        None => pods.get_min(),
        Some(last) => pods.range::<_, Placed>((Bound::Excluded(last), Bound::Unbounded)).next(),
    }
}
