//! What a subscriber gets: one snapshot, then every change. It holds nothing but a place in the
//! shared log, so that it can neither slow another one down nor fill the memory.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use dubbo_k8s_codec::Query;
use dubbo_k8s_engine::catalog::{Change, ProblemChange, Scope};
use futures_util::{Stream, stream};

use super::entry::What;
use super::meters::{Meters, Subscriber};
use super::reader::{Cursor, Reader, Step};
use super::selection::Selection;
use super::state::State;
use super::{Revision, Snapshot};
use dubbo_k8s_engine::{Failure, Notice, RelistReason};

/// What a [`Subscription`] yields.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Update {
    /// Everything that is asked for, as it is now: the first item, and again whenever the
    /// subscriber was too slow for the changes that led to it. It replaces all that came before.
    Snapshot(Snapshot),
    /// A key came, changed its value, or went.
    Change(Change),
    /// A Pod has become unreadable, or readable again.
    Problem(ProblemChange),
    /// All Pods have been read for the first time: from now on, what is not there does not exist.
    /// It comes once, after a first snapshot that is not [synced](Snapshot::is_synced).
    Synced {
        /// Pods that carry records.
        pods: usize,
        /// Distinct records.
        records: usize,
    },
    /// A scope was read from the start again. Its changes came before, each as its own item.
    Relisted {
        /// The scope.
        scope: Scope,
        /// Why the watch could not go on.
        reason: RelistReason,
    },
    /// The server was lost. What is known stays in service.
    Disconnected {
        /// The scope.
        scope: Scope,
        /// What happened.
        error: Failure,
        /// When the next attempt starts, from when this happened.
        retry_in: Duration,
    },
    /// The server is back.
    Reconnected {
        /// The scope.
        scope: Scope,
    },
    /// Another attempt has failed; they go on.
    Failed {
        /// What happened.
        error: Failure,
        /// When the next attempt starts, from when this happened.
        retry_in: Duration,
    },
}

/// A stream of [`Update`]s: first a snapshot, then changes; for one key in order, nothing lost,
/// nothing twice.
///
/// A subscriber that stays behind by more than the registry remembers gets one fresh snapshot in
/// the place of what it missed. Dropping the subscription ends it. The stream ends when the
/// registry is closed or dropped. Cancellation safe: an item that was not yielded comes next time.
pub struct Subscription {
    updates: Pin<Box<dyn Stream<Item = (Revision, Update)> + Send>>,
    revision: Option<Revision>,
}

impl Subscription {
    /// What [`Registry::subscribe`](crate::Registry::subscribe) gives, for who has the reader half only.
    pub fn new(reader: &Reader, query: Option<Query<'static>>, meters: &Arc<Meters>) -> Self {
        let selection = query.map(|query| Arc::new(Selection::new(query)));
        let state = reader.state();
        let feed = Feed {
            cursor: reader.cursor(&state, selection.clone()),
            due: Some(whole(&state, selection.clone())),
            selection,
            unsynced: !state.is_synced(),
            subscriber: Subscriber::new(meters, "library"),
        };
        let updates = stream::unfold(feed, |mut feed| async move {
            let update = feed.next().await?;
            Some((update, feed))
        });
        Self { updates: Box::pin(updates), revision: None }
    }

    /// The revision that the last item led to; `None` before the first.
    pub fn revision(&self) -> Option<Revision> {
        self.revision
    }
}

impl Stream for Subscription {
    type Item = Update;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Update>> {
        self.updates.as_mut().poll_next(cx).map(|item| {
            let (revision, update) = item?;
            self.revision = Some(revision);
            Some(update)
        })
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("revision", &self.revision).finish_non_exhaustive()
    }
}

struct Feed {
    /// What comes before the next event.
    due: Option<(Revision, Update)>,
    cursor: Cursor,
    selection: Option<Arc<Selection>>,
    /// The notice that all Pods have been read has still to be given.
    unsynced: bool,
    subscriber: Subscriber,
}

impl Feed {
    async fn next(&mut self) -> Option<(Revision, Update)> {
        if let Some(due) = self.due.take() {
            return Some(due);
        }
        loop {
            match self.cursor.next().await? {
                Step::Lagged(state) => {
                    self.subscriber.lagged();
                    self.due = self.missed_synced(&state);
                    return Some(whole(&state, self.selection.clone()));
                }
                Step::Entry(entry) => {
                    if let What::Notice(notice) = &entry.what
                        && let Some(update) = update(notice)
                    {
                        self.unsynced &= !matches!(update, Update::Synced { .. });
                        return Some((entry.revision, update));
                    }
                }
            }
        }
    }

    /// The end of the first list, if it is among what a snapshot of this state replaces.
    fn missed_synced(&mut self, state: &State) -> Option<(Revision, Update)> {
        let missed = self.unsynced && state.is_synced();
        self.unsynced &= !missed;
        let synced =
            Update::Synced { pods: state.content().pods(), records: state.content().records() };
        missed.then_some((state.revision(), synced))
    }
}

/// All that is asked for of a state.
fn whole(state: &State, selection: Option<Arc<Selection>>) -> (Revision, Update) {
    let snapshot = Snapshot::new(state, selection);
    (snapshot.revision(), Update::Snapshot(snapshot))
}

/// A notice as a subscriber sees it; `None` for what only concerns the driver.
fn update(notice: &Notice) -> Option<Update> {
    Some(match notice.clone() {
        Notice::Change(change) => Update::Change(change),
        Notice::Problem(problem) => Update::Problem(problem),
        Notice::Synced { pods, records } => Update::Synced { pods, records },
        Notice::Relisted { scope, reason } => Update::Relisted { scope, reason },
        Notice::Disconnected { scope, error, retry_in } => {
            Update::Disconnected { scope, error, retry_in }
        }
        Notice::Reconnected { scope } => Update::Reconnected { scope },
        Notice::Failed { error, retry_in } => Update::Failed { error, retry_in },
        _ => return None,
    })
}
