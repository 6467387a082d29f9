//! The engine: one reflector for each scope, one catalog for all of them.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use crate::catalog::{Catalog, Changes, Liveness, Scope};

use super::context::{Context, Streams};
use super::random::Random;
use super::reflector::Reflector;
use super::{Input, Notice, Output, Settings, StreamId};

/// Follows the Pods of its scopes. See the module for how a driver runs it.
#[derive(Debug)]
pub struct Engine {
    settings: Settings,
    catalog: Catalog,
    reflectors: Vec<Reflector>,
    streams: Streams,
    changes: Changes,
    synced: bool,
    /// Pods of incomplete lists when the progress was last reported.
    progress: usize,
}

/// How current the catalog is.
#[derive(Debug, Clone, Default)]
pub struct Status {
    /// One for each scope, in the order of the settings.
    pub scopes: Vec<ScopeStatus>,
}

/// How current one scope is.
#[derive(Debug, Clone)]
pub struct ScopeStatus {
    /// The scope.
    pub scope: Scope,
    /// Its list has been complete once, so the catalog holds a state of it.
    pub synced: bool,
    /// It is being followed now: a watch is open, as far as can be known.
    pub followed: bool,
    /// When the server last sent anything for it.
    pub heard: Option<Duration>,
    /// How many versions the server is known to be ahead of what is held. The versions count all changes of
    /// a cluster, not those of Pods alone. `None` before the first list, and where versions are no
    /// numbers (they are since Kubernetes 1.35, KEP-5504).
    pub behind: Option<u64>,
}

/// How often a large first list reports its progress, in Pods.
const PROGRESS: usize = 500;

impl Status {
    /// Every scope has been complete once.
    pub fn synced(&self) -> bool {
        self.scopes.iter().all(|scope| scope.synced)
    }

    /// How many versions the server is known to be ahead: the most of all scopes, as far as it is known.
    pub fn behind(&self) -> Option<u64> {
        self.scopes.iter().filter_map(|scope| scope.behind).max()
    }

    /// How old the catalog may be: zero while every scope is followed, otherwise the longest time
    /// since the server sent anything for one that is not. `None` before [`Self::synced`].
    pub fn age(&self, now: Duration) -> Option<Duration> {
        if !self.synced() {
            return None;
        }
        let lost = self.scopes.iter().filter(|scope| !scope.followed);
        let ages = lost.map(|scope| now.saturating_sub(scope.heard.unwrap_or_default()));
        Some(ages.max().unwrap_or_default())
    }
}

impl Engine {
    /// An engine that has sent nothing yet. The seed decides all jitter: take a different one for
    /// each process, so that clients which lose a server together do not come back together.
    pub fn new(settings: Settings, seed: u64) -> Self {
        // Which labels count is said by the selector, and judged by the server.
        let liveness = Liveness { ready_only: settings.ready_only, labelled_only: false };
        let mut seeds = Random::new(seed);
        let reflectors = settings
            .scopes
            .iter()
            .map(|scope| Reflector::new(scope.clone(), Random::new(seeds.next()), &settings))
            .collect();
        Self {
            catalog: Catalog::with_trust(liveness, Arc::new(settings.trust.clone())),
            changes: if settings.bulk { Changes::in_bulk() } else { Changes::default() },
            settings,
            reflectors,
            streams: Streams::default(),
            synced: false,
            progress: 0,
        }
    }

    /// Takes one input in at the time `now` (which never goes back), and adds what follows from it
    /// to `out`. Inputs for an exchange that is over are ignored.
    pub fn handle(&mut self, now: Duration, input: Input<'_>, out: &mut Vec<Output>) {
        let mut cx = Context {
            now,
            settings: &self.settings,
            catalog: &mut self.catalog,
            changes: &mut self.changes,
            streams: &mut self.streams,
            out,
        };
        if let Some(stream) = input.stream() {
            if let Some(reflector) = self.reflectors.iter_mut().find(|r| r.owns(stream)) {
                reflector.handle(&mut cx, stream, input);
            }
        } else {
            for reflector in &mut self.reflectors {
                reflector.wake(&mut cx);
            }
        }
        cx.tell_changes();
        if !self.synced {
            self.tell_progress(out);
        }
    }

    /// When to call [`Self::handle`] with [`Input::Wake`] at the latest.
    pub fn next_wake(&self) -> Option<Duration> {
        self.reflectors.iter().filter_map(Reflector::next_wake).min()
    }

    /// What is registered now.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// How current that is.
    pub fn status(&self) -> Status {
        Status { scopes: self.reflectors.iter().map(Reflector::status).collect() }
    }

    fn tell_progress(&mut self, out: &mut Vec<Output>) {
        let staged: usize = self.reflectors.iter().map(Reflector::staged).sum();
        let (pods, records) = (self.catalog.pods(), self.catalog.records());
        self.synced = self.reflectors.iter().all(Reflector::is_synced);
        if self.synced {
            out.push(Output::Notice(Notice::Synced { pods, records }));
        } else if staged / PROGRESS > self.progress {
            out.push(Output::Notice(Notice::Progress { pods: staged + pods, records }));
        }
        self.progress = staged / PROGRESS;
    }
}

impl Input<'_> {
    fn stream(&self) -> Option<StreamId> {
        match self {
            Self::Wake => None,
            Self::Head { stream, .. }
            | Self::Chunk { stream, .. }
            | Self::End { stream }
            | Self::Failed { stream, .. } => Some(*stream),
        }
    }
}
