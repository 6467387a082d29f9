//! The reader half of the live registry: the state that is published now, and a place in the log.
//! Reading takes no lock and never waits for the writer or for another reader.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::entry::Entry;
use super::selection::Selection;
use super::state::State;

/// What the writer publishes to.
#[derive(Debug)]
pub(super) struct Published {
    pub(super) state: ArcSwap<State>,
}

/// Reads what is published. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Reader {
    pub(super) published: Arc<Published>,
    /// Notified after each publication; closed when the writer is gone.
    pub(super) moved: watch::Receiver<()>,
}

/// What a place in the log came upon.
#[derive(Debug)]
pub enum Step {
    /// The next event.
    Entry(Arc<Entry>),
    /// Some events are no longer in the log. This state has them all, and the place is behind it.
    Lagged(Arc<State>),
}

/// A place in the log of the registry.
#[derive(Debug)]
pub struct Cursor {
    reader: Reader,
    selection: Option<Arc<Selection>>,
    place: u64,
}

impl Reader {
    /// The state now: revision, content and log from one publication.
    pub fn state(&self) -> Arc<State> {
        self.published.state.load_full()
    }

    /// The writer is there, so the state may still change.
    pub fn is_live(&self) -> bool {
        self.moved.has_changed().is_ok()
    }

    /// A place behind what this state holds.
    pub fn cursor(&self, state: &State, selection: Option<Arc<Selection>>) -> Cursor {
        self.cursor_at(state.log.end(), selection)
    }

    /// A given place.
    pub fn cursor_at(&self, place: u64, selection: Option<Arc<Selection>>) -> Cursor {
        Cursor { reader: self.clone(), selection, place }
    }

    /// Waits until `wanted` says something about a state, which is asked at once and after each
    /// publication. `None` when the writer is gone before. Cancellation safe.
    pub async fn wait<T>(&mut self, mut wanted: impl FnMut(&Arc<State>) -> Option<T>) -> Option<T> {
        loop {
            self.moved.mark_unchanged();
            if let Some(found) = wanted(&self.state()) {
                return Some(found);
            }
            self.moved.changed().await.ok()?;
        }
    }
}

impl Cursor {
    /// The next event that is asked for, or a state when some of them are lost. `None` when the
    /// writer is gone and all its events were taken. Cancellation safe.
    pub async fn next(&mut self) -> Option<Step> {
        loop {
            self.reader.moved.mark_unchanged();
            if let Some(step) = self.take() {
                return Some(step);
            }
            if self.reader.moved.changed().await.is_err() {
                return self.take();
            }
        }
    }

    /// The next event, if it is there already.
    pub fn take(&mut self) -> Option<Step> {
        let state = self.reader.published.state.load();
        if state.log.has_lost(self.place) {
            self.place = state.log.end();
            return Some(Step::Lagged(Arc::clone(&state)));
        }
        while let Some(entry) = state.log.get(self.place) {
            self.place += 1;
            if self.selection.as_ref().is_none_or(|selection| entry.matches(selection)) {
                return Some(Step::Entry(Arc::clone(entry)));
            }
        }
        None
    }
}
