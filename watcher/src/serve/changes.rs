//! `GET /v1/annotations?since=REVISION`: the Pods that have changed since a revision, for a reader that has the rest.
//!
//! What is remembered is which Pods were different from one answer to the next, and no more: what they carry is
//! taken from the state that answers. It must never grow beyond its bound; who asks for an older revision gets
//! everything. It must never show a caller more than a whole answer would.

use std::collections::{HashSet, VecDeque};
use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use dubbo_k8s_engine::catalog::{Content, Holder};
use dubbo_k8s_registry::Revision;
use dubbo_k8s_registry::feed::State;

use super::annotations::{PROBLEMS, Stage, write_pod, write_problems};
use super::pieces::Steps;
use super::view::View;

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

/// The JSON in pieces: the changed Pods that a caller may see, what is wrong with them, and then the uids of those that
/// carry nothing any more.
pub(super) fn pieces(
    view: View,
    since: Revision,
    state: Arc<State>,
    mut changed: Vec<Arc<Holder>>,
) -> impl Iterator<Item = Bytes> + Send {
    // Not even that it is gone is shown of a Pod in another namespace.
    changed.retain(|holder| view.sees(holder));
    let mut writer =
        Writer { view, since, state, changed, at: 0, gone: Vec::new(), stage: Stage::Head };
    std::iter::from_fn(move || writer.piece())
}

struct Writer {
    view: View,
    since: Revision,
    state: Arc<State>,
    changed: Vec<Arc<Holder>>,
    /// The place of the next of them.
    at: usize,
    gone: Vec<String>,
    stage: Stage,
}

impl Steps for Writer {
    fn is_over(&self) -> bool {
        self.stage == Stage::End
    }

    fn step(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        if self.stage == Stage::Head {
            let [revision, since] =
                [self.state.revision(), self.since].map(|revision| self.view.tag(revision));
            write!(out, r#"{{"revision":"{revision}","since":"{since}","pods":["#)?;
            self.stage = Stage::First;
            return Ok(());
        }
        let Some(holder) = self.changed.get(self.at) else {
            if !self.stage.is_of_problems() {
                out.extend_from_slice(PROBLEMS);
                (self.at, self.stage) = (0, Stage::FirstProblem);
                return Ok(());
            }
            out.extend_from_slice(b"],\"gone\":");
            serde_json::to_writer(&mut *out, &self.gone)?;
            out.push(b'}');
            self.stage = Stage::End;
            return Ok(());
        };
        self.at += 1;
        let pod = self.state.content().pod(holder);
        if self.stage.is_of_problems() {
            let is_first = self.stage == Stage::FirstProblem;
            if let Some(pod) = pod
                && write_problems(out, &self.view, pod, is_first)?
            {
                self.stage = Stage::RestProblems;
            }
            return Ok(());
        }
        let is_first = self.stage == Stage::First;
        if let Some(pod) = pod
            && write_pod(out, &self.view, pod, is_first)?
        {
            self.stage = Stage::Rest;
        } else {
            self.gone.push(id(holder));
        }
        Ok(())
    }
}

/// What a Pod is known by: its uid, or its name where it has none.
fn id(holder: &Holder) -> String {
    let Holder { namespace, pod, uid } = holder;
    if uid.is_empty() { format!("{namespace}/{pod}") } else { uid.to_string() }
}
