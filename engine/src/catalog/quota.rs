//! The quota of a namespace: of its Pods, in the order of their names, those count for which there is room. It must
//! depend on the Pods alone, never on the order in which they were seen, and must cost nothing while there is room for all.

use alloc::sync::Arc;
use alloc::vec::Vec;

use dubbo_k8s_codec::trust::Usage;

use super::content::Pods;
use super::entry::PodEntry;
use super::{Catalog, Log};

/// What the Pods of a namespace have registered.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct NamespaceUsage {
    /// Of all of them together, also of those that do not count.
    usage: Usage,
    /// How many do not count.
    left_out: usize,
}

impl Catalog {
    /// Accounts for a Pod that has taken the place of an earlier state of it, has come or has gone.
    pub(super) fn account(
        &mut self,
        namespace: &Arc<str>,
        old: Option<&PodEntry>,
        new: Option<&PodEntry>,
        log: &mut Log,
    ) {
        let used = self.usage.entry(Arc::clone(namespace)).or_default();
        if let Some(old) = old {
            used.usage.minus(&old.usage);
            used.left_out -= usize::from(old.over_quota);
        }
        if let Some(new) = new {
            used.usage.plus(&new.usage);
            used.left_out += usize::from(new.over_quota);
        }
        let is_full = !self.trust.namespace.holds(&used.usage);
        if is_full || used.left_out > 0 {
            log.unbalanced.insert(Arc::clone(namespace));
        }
        if new.is_none() && !self.content.namespaces.contains_key(namespace) {
            self.usage.remove(namespace);
        }
    }

    /// Lets those Pods count for which there is room, where that may have changed.
    pub(super) fn balance(&mut self, log: &mut Log) {
        for namespace in core::mem::take(&mut log.unbalanced) {
            let Some(pods) = self.content.namespaces.get(&namespace) else { continue };
            for entry in self.misjudged(pods) {
                self.put(entry, log);
            }
            log.unbalanced.clear();
        }
    }

    /// The same for every namespace of a catalog that is not published.
    pub(super) fn balance_all(&mut self) {
        let mut log = Log { unbalanced: self.usage.keys().cloned().collect(), ..Log::silent() };
        self.balance(&mut log);
    }

    /// The Pods that count and should not, or the other way round, as they should be. Those that come to count are
    /// first, so that a key which passes from one Pod to another is never gone in between.
    fn misjudged(&self, pods: &Pods) -> Vec<Arc<PodEntry>> {
        let mut used = Usage::default();
        let mut changed = Vec::new();
        for entry in pods.values() {
            let mut with_it = used;
            with_it.plus(&entry.usage);
            let fits = self.trust.namespace.holds(&with_it);
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
}
