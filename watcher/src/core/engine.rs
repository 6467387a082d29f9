//! The engine: one reflector for each scope, one catalog for all of them.

use std::time::Duration;

use super::{Catalog, Input, Output, Scope, Settings};

/// Follows the Pods of its scopes. See the module for how a driver runs it.
#[derive(Debug)]
pub struct Engine {
    settings: Settings,
    catalog: Catalog,
    status: Status,
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
}

impl Status {
    /// Every scope has been complete once.
    pub fn synced(&self) -> bool {
        self.scopes.iter().all(|scope| scope.synced)
    }

    /// How old the catalog may be: zero while every scope is followed, otherwise the time since
    /// the server was last heard for the one that was lost first. `None` before [`Self::synced`].
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
        let _ = seed;
        Self { settings, catalog: Catalog, status: Status::default() }
    }

    /// Takes one input in at the time `now` (which never goes back), and adds what follows from it
    /// to `out`. Inputs for an exchange that is over are ignored.
    pub fn handle(&mut self, now: Duration, input: Input<'_>, out: &mut Vec<Output>) {
        let _ = (&self.settings, now, input, out);
    }

    /// When to call [`Self::handle`] with [`Input::Wake`] at the latest.
    pub fn next_wake(&self) -> Option<Duration> {
        None
    }

    /// What is registered now.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// How current that is.
    pub fn status(&self) -> Status {
        self.status.clone()
    }
}
