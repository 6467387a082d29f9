//! What the engine wants done, and the notices it emits.

use alloc::string::String;
use core::fmt;
use core::time::Duration;

use crate::catalog::{Change, PodChange, ProblemChange, Scope};

use super::{Failure, Request, StreamId};

/// One thing for the driver to do. They are carried out in order.
#[derive(Debug)]
pub enum Output {
    /// Start this exchange.
    Send {
        /// Its name from now on.
        stream: StreamId,
        /// What to send.
        request: Request,
    },
    /// Drop this exchange; no input for it may follow.
    Cancel {
        /// The exchange.
        stream: StreamId,
    },
    /// Hand this notice to the subscribers.
    Notice(Notice),
}

/// One notice. After each [`Engine::handle`](super::Engine::handle) the catalog holds
/// exactly what the notices of that call and of all calls before it add up to.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Notice {
    /// A key of the registry came, changed its value, or went.
    Change(Change),
    /// The catalog was empty, and everything that it holds now is new. Only with
    /// [`Settings::bulk`](super::Settings::bulk), and then instead of changes, problems and Pods.
    FirstList,
    /// A Pod's annotation (or the Pod itself) has become unreadable, or readable again.
    Problem(ProblemChange),
    /// A Pod came, went, or is not as it was. It follows the changes and problems that it led to, and
    /// is there without any when only a holder of a key, the order of records or the version has
    /// changed.
    Pod(PodChange),
    /// A large list is loading. Sent about every 500 Pods, until the scope is in sync.
    Progress {
        /// Pods read so far for this attempt, all scopes together.
        pods: usize,
        /// Records in the catalog so far: those of scopes that are complete.
        records: usize,
    },
    /// Every scope is complete for the first time. Sent once.
    Synced {
        /// Pods that carry records.
        pods: usize,
        /// Distinct records.
        records: usize,
    },
    /// A scope was read from the start again; its changes, if any, came just before.
    Relisted {
        /// The scope.
        scope: Scope,
        /// Why the watch could not go on.
        reason: RelistReason,
    },
    /// A scope that was being followed is not any more. Its last state stays in the catalog.
    Disconnected {
        /// The scope.
        scope: Scope,
        /// What happened.
        error: Failure,
        /// When the next attempt starts, from now.
        retry_in: Duration,
    },
    /// The scope of an earlier [`Notice::Disconnected`] is followed again.
    Reconnected {
        /// The scope.
        scope: Scope,
    },
    /// An attempt has failed while the scope was not followed: at the start, or after
    /// [`Notice::Disconnected`]. The engine goes on trying, whatever the failure.
    Failed {
        /// What happened.
        error: Failure,
        /// When the next attempt starts, from now.
        retry_in: Duration,
    },
    /// The server did not accept the credential. Read it again (run the plugin again) before the
    /// next [`Output::Send`]; if that fails, go on with the old one. Sent once for each attempt;
    /// a second 401 becomes a [`Notice::Failed`] or [`Notice::Disconnected`].
    RefreshCredential,
}

/// Why a scope was read from the start again.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RelistReason {
    /// The server no longer has the changes since the last one seen (410 Expired or Gone).
    Expired,
    /// The server's state is older than what was seen: it was restored from a backup, or a replica of it lags.
    ///
    /// It cannot be noticed when the restored server has come past the version held before any client
    /// asks: a version does not say which history it is of, and the watch goes on in the other one.
    /// What differs then stays until the next list.
    Rewound,
    /// The server broke off the watch with this error.
    WatchError(String),
}

impl RelistReason {
    /// Every code that [`code`](Self::code) gives.
    pub const CODES: [&'static str; 3] = ["expired", "rewound", "watch_error"];

    /// A short name that never changes its meaning, for metrics and programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Rewound => "rewound",
            Self::WatchError(_) => "watch_error",
        }
    }
}

impl fmt::Display for RelistReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired => {
                f.write_str("the server no longer has the changes since the last one seen")
            }
            Self::Rewound => f.write_str(
                "the server's state is older than what was seen: restored from a backup, or does this \
                 replica of it lag behind the others?",
            ),
            Self::WatchError(message) => write!(f, "the server broke off the watch: {message}"),
        }
    }
}
