//! The writer half of the live registry. There is one, and it alone changes what is published: a
//! whole batch at a time, in one swap, so that no reader ever sees half of it.

use std::sync::Arc;

use arc_swap::ArcSwap;
use dubbo_k8s_engine::catalog::{Content, PodChange, ProblemChange, ProblemKind};
use dubbo_k8s_engine::{Notice, Status};
use tokio::sync::watch;
use tokio::time::Instant;

use super::entry::{Entry, Touched, What};
use super::log::LogLimits;
use super::meters::Meters;
use super::reader::{Published, Reader};
use super::state::State;

/// More keys than this are not remembered for one event.
const MANY_KEYS: usize = 64;

/// The writer half. Dropping it ends all subscriptions.
#[derive(Debug)]
pub(crate) struct Publisher {
    next: State,
    published: Arc<Published>,
    moved: watch::Sender<()>,
    meters: Arc<Meters>,
}

impl Publisher {
    /// A registry of an empty content, and its reader half.
    pub(crate) fn new(content: &Content, limits: LogLimits, meters: Arc<Meters>) -> (Self, Reader) {
        let next = State::new(content.clone(), limits);
        let published = Arc::new(Published { state: ArcSwap::from_pointee(next.clone()) });
        let (moved, is_moved) = watch::channel(());
        let reader = Reader { published: Arc::clone(&published), moved: is_moved };
        (Self { next, published, moved, meters }, reader)
    }

    /// Publishes one batch of notices and empties it. The content is the one they lead to, and the
    /// status that of the engine then; silent while one scope is not followed.
    pub(crate) fn publish(
        &mut self,
        content: &Content,
        status: &Status,
        silent_since: Option<Instant>,
        notices: &mut Vec<Notice>,
    ) {
        for notice in notices.drain(..) {
            self.meters.count(&notice);
            match notice {
                Notice::Progress { .. } | Notice::RefreshCredential => {}
                Notice::Pod(change) => self.pod(change),
                Notice::FirstList => self.first_list(content),
                Notice::Change(change) => self.log(true, What::Notice(Notice::Change(change))),
                notice => {
                    if let Notice::Disconnected { error, .. } | Notice::Failed { error, .. } =
                        &notice
                    {
                        self.next.freshness.failure = Some(Arc::new(error.clone()));
                    }
                    let content = matches!(notice, Notice::Problem(_) | Notice::Synced { .. });
                    self.log(content, What::Notice(notice));
                }
            }
        }
        self.next.content = content.clone();
        self.next.freshness.update(status, silent_since);
        self.published.state.store(Arc::new(self.next.clone()));
        self.moved.send_replace(());
    }

    /// Logs all of a content, where there was nothing.
    fn first_list(&mut self, content: &Content) {
        self.meters.first_list(content.records());
        if content.records() > self.next.log.room() {
            // The log has no room for each: a subscriber from before gets them as a snapshot.
            self.next.revision = self.next.revision.next();
            self.next.log.skip(self.next.revision);
        } else {
            for change in content.everything() {
                self.log(true, What::Notice(Notice::Change(change)));
            }
        }
        for problem in content.problems() {
            let notice = Notice::Problem(ProblemChange { kind: ProblemKind::Raised, problem });
            self.meters.count(&notice);
            self.log(true, What::Notice(notice));
        }
    }

    fn log(&mut self, content: bool, what: What) {
        if content {
            self.next.revision = self.next.revision.next();
        }
        self.next.log.push(Entry::new(self.next.revision, content, what));
    }

    /// Logs a Pod that is not as it was, as far as no other event says so.
    fn pod(&mut self, change: PodChange) {
        if change.is_unannounced {
            let many = change.keys.len() > MANY_KEYS;
            let touched = if many { Touched::Many } else { Touched::Keys(change.keys) };
            self.log(true, What::Touched(touched));
        }
    }
}
