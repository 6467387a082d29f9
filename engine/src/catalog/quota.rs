//! The quota of a namespace: of its Pods, in the order of their names, those count for which there is room. It must
//! depend on the Pods alone, never on the order in which they were seen, and must cost nothing while there is room for all.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use dubbo_k8s_codec::trust::{Trust, Usage};

use super::entry::PodEntry;
use super::pods::Pods;

/// What the Pods of a namespace have registered.
#[derive(Clone, Copy, Debug, Default)]
struct NamespaceUsage {
    /// Of all of them together, also of those that do not count.
    usage: Usage,
    /// How many do not count.
    left_out: usize,
}

/// What each namespace has registered.
#[derive(Clone, Debug, Default)]
pub(super) struct Quotas(BTreeMap<Arc<str>, NamespaceUsage>);

impl Quotas {
    /// Accounts for a Pod that has taken the place of an earlier state of it, has come or has gone: whether other Pods of
    /// its namespace may have to count now, or to count no longer.
    pub(super) fn account(
        &mut self,
        trust: &Trust,
        namespace: &Arc<str>,
        old: Option<&PodEntry>,
        new: Option<&PodEntry>,
    ) -> bool {
        let used = self.0.entry(Arc::clone(namespace)).or_default();
        if let Some(old) = old {
            used.usage.minus(&old.usage);
            used.left_out -= usize::from(old.over_quota);
        }
        if let Some(new) = new {
            used.usage.plus(&new.usage);
            used.left_out += usize::from(new.over_quota);
        }
        !trust.namespace.holds(&used.usage) || used.left_out > 0
    }

    /// A namespace has no Pods any more.
    pub(super) fn forget(&mut self, namespace: &str) {
        self.0.remove(namespace);
    }

    /// The namespaces that are accounted for.
    pub(super) fn namespaces(&self) -> impl Iterator<Item = &Arc<str>> {
        self.0.keys()
    }
}

/// The Pods that count and should not, or the other way round, as they should be. Those that come to count are
/// first, so that a key which passes from one Pod to another is never gone in between.
pub(super) fn misjudged(trust: &Trust, pods: &Pods) -> Vec<Arc<PodEntry>> {
    let mut used = Usage::default();
    let mut changed = Vec::new();
    for entry in pods.values() {
        let mut with_it = used;
        with_it.plus(&entry.usage);
        let fits = trust.namespace.holds(&with_it);
        if fits {
            used = with_it;
        }
        if entry.over_quota == fits {
            changed.push(Arc::new(entry.with_over_quota(!fits)));
        }
    }
    changed.sort_by_key(|entry| entry.over_quota);
    changed
}
