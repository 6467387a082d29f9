//! Which Pods have changed since a revision, for `GET /v1/annotations?since=REVISION`.
//!
//! What is remembered is which Pods were different from one answer to the next, and no more: what they carry is
//! taken from the state that answers. It must never grow beyond its bound; who asks for an older revision gets
//! everything.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use dubbo_k8s_engine::catalog::{Content, Holder};
use dubbo_k8s_registry::Revision;
use dubbo_k8s_registry::feed::State;

/// How many changes of Pods are remembered: at 100 a second those of the last two and a half minutes, twice as long
/// as a client may wait for an answer.
const MOST: usize = 16 << 10;

/// Which Pods have changed lately.
#[derive(Debug, Default)]
pub(super) struct Changes(Mutex<Option<Log>>);

#[derive(Debug)]
struct Log {
    /// The newest state that was compared.
    revision: Revision,
    content: Content,
    /// Changed Pods, each with the number of the revision at which the change was found; in that order.
    pods: VecDeque<(u64, Arc<Holder>)>,
    /// Changes up to this number are no longer remembered.
    floor: u64,
}

impl Changes {
    /// The Pods that may have changed between a revision and this state, each once. `None` if that is not known any
    /// more.
    pub(super) fn since(&self, revision: Revision, state: &State) -> Option<Vec<Arc<Holder>>> {
        // A log is whole after every step; a panic elsewhere does not spoil it.
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let log = match &mut *slot {
            Some(log) if log.revision.is_of_run(state.revision()) => log,
            slot => slot.insert(Log::starting(state)),
        };
        log.follow(state);
        log.since(revision)
    }
}

impl Log {
    fn starting(state: &State) -> Self {
        Self {
            revision: state.revision(),
            content: state.content().clone(),
            pods: VecDeque::new(),
            floor: state.revision().number(),
        }
    }

    /// Compares with a newer state; an older one, which a slower request still holds, adds nothing.
    fn follow(&mut self, state: &State) {
        let number = state.revision().number();
        if number <= self.revision.number() {
            return;
        }
        for (before, after) in self.content.changed_pods(state.content()) {
            let holders = [before, after].map(|pod| pod.map(|pod| pod.holder()));
            let [before, after] = holders;
            // Of a Pod that is the same one, one entry is enough.
            let before = before.filter(|before| after.is_none_or(|after| after.uid != before.uid));
            for holder in [before, after].into_iter().flatten() {
                self.pods.push_back((number, Arc::clone(holder)));
            }
        }
        self.revision = state.revision();
        self.content = state.content().clone();
        while self.pods.len() > MOST {
            let Some((number, _)) = self.pods.pop_front() else { break };
            self.floor = number;
        }
    }

    fn since(&self, revision: Revision) -> Option<Vec<Arc<Holder>>> {
        let known = self.floor..=self.revision.number();
        if !revision.is_of_run(self.revision) || !known.contains(&revision.number()) {
            return None;
        }
        let first = self.pods.partition_point(|(number, _)| *number <= revision.number());
        let mut seen = HashSet::new();
        let newer = self.pods.range(first..).map(|(_, holder)| holder);
        Some(newer.filter(|holder| seen.insert(&holder.uid)).cloned().collect())
    }
}
