//! What one step of a catalog does, until it is reported: transitions of keys, problems, Pods. It keeps nothing of a step
//! that is silent.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;

use dubbo_k8s_codec::DecodeError;

use super::change::{Changes, PodChange, ProblemChange, ProblemKind, Transition, emit};
use super::holder::Holder;
use super::keys::ByDigest;
use super::pod_problem::PodProblem;
use super::stored_key::StoredKey;

/// What one step does.
#[derive(Default)]
pub(super) struct Log {
    transitions: Vec<Transition>,
    problems: Vec<ProblemChange>,
    pods: Vec<TouchedPod>,
    pub(super) dirty: bool,
    /// Namespaces whose Pods may have to count, or to count no longer.
    pub(super) unbalanced: BTreeSet<Arc<str>>,
    /// Nothing is reported of it.
    silent: bool,
}

/// A Pod that a step has come upon, with the keys of the records in which it differs.
struct TouchedPod {
    holder: Arc<Holder>,
    keys: Vec<StoredKey>,
    is_same: bool,
}

impl TouchedPod {
    /// What is left to report of it beside the changes of these keys.
    fn beside(self, named: &BTreeSet<ByDigest>) -> PodChange {
        let differs = !self.keys.is_empty();
        let unnamed = self.keys.into_iter().filter(|key| !named.contains(&ByDigest::of(key)));
        let keys: Box<[_]> = unnamed.collect();
        let is_unannounced = !keys.is_empty() || !differs && !self.is_same;
        PodChange { holder: self.holder, keys, is_unannounced }
    }
}

impl Log {
    pub(super) fn silent() -> Self {
        Self { silent: true, ..Self::default() }
    }

    pub(super) fn pod<'a>(
        &mut self,
        holder: &Arc<Holder>,
        keys: impl IntoIterator<Item = &'a StoredKey>,
        is_same: bool,
    ) {
        if !self.silent {
            let keys = keys.into_iter().cloned().collect();
            self.pods.push(TouchedPod { holder: Arc::clone(holder), keys, is_same });
        }
    }

    pub(super) fn transition(
        &mut self,
        key: &StoredKey,
        before: Option<Arc<str>>,
        after: Option<Arc<str>>,
        holder: &Arc<Holder>,
        version: &Arc<str>,
    ) {
        if before != after && !self.silent {
            self.transitions.push(Transition {
                key: key.clone(),
                before,
                after,
                holder: Arc::clone(holder),
                resource_version: Arc::clone(version),
            });
        }
    }

    pub(super) fn problems(
        &mut self,
        holder: &Arc<Holder>,
        before: &[DecodeError],
        after: &[DecodeError],
    ) {
        let cleared = before.iter().filter(|error| !after.contains(error));
        let cleared = cleared.map(|error| (ProblemKind::Cleared, error));
        let raised = after.iter().filter(|error| !before.contains(error));
        for (kind, error) in cleared.chain(raised.map(|error| (ProblemKind::Raised, error))) {
            self.dirty = true;
            if !self.silent {
                let problem = PodProblem { holder: Arc::clone(holder), error: error.clone() };
                self.problems.push(ProblemChange { kind, problem });
            }
        }
    }

    /// Appends it to the changes.
    pub(super) fn report(mut self, changes: &mut Changes) {
        let named = emit(self.transitions, &mut changes.changes);
        changes.pods.extend(self.pods.into_iter().map(|pod| pod.beside(&named)));
        changes.problems.append(&mut self.problems);
    }
}
