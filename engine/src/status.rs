//! How current the catalog is, for each scope. Data only.

use alloc::vec::Vec;
use core::time::Duration;

use crate::catalog::Scope;

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
    pub last_contact: Option<Duration>,
    /// How many versions the server is known to be ahead of what is held. The versions count all changes of
    /// a cluster, not those of Pods alone. `None` before the first list, and where versions are no
    /// numbers (they are since Kubernetes 1.35, KEP-5504).
    pub behind: Option<u64>,
}

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
        let ages = lost.map(|scope| now.saturating_sub(scope.last_contact.unwrap_or_default()));
        Some(ages.max().unwrap_or_default())
    }
}
