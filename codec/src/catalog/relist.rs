//! A relist in the making: what a list, page by page, says about a scope. Nobody sees it before it
//! is committed, and it shares with the catalog whatever has not changed.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;

use super::entry::{Interner, PodEntry};
use super::{Catalog, Holder, KnownKeys, Liveness, Pods};
use crate::pod::{Pod, PodError};

/// Which Pods a relist is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Those of every namespace.
    All,
    /// Those of one namespace.
    Namespace(Arc<str>),
}

impl Scope {
    /// Whether Pods of this namespace belong to it. Objects whose namespace could not be read
    /// belong to every scope.
    pub(super) fn holds(&self, namespace: &str) -> bool {
        match self {
            Self::All => true,
            Self::Namespace(own) => **own == *namespace || namespace.is_empty(),
        }
    }
}

/// What has been listed so far. Made by [`Catalog::relist`], ends in [`Catalog::commit`].
#[derive(Debug)]
pub struct Relist {
    liveness: Liveness,
    pods: BTreeMap<Arc<str>, Pods>,
    keys: BTreeSet<Arc<str>>,
    empty: Arc<str>,
}

impl Relist {
    pub(super) const fn new(liveness: Liveness, empty: Arc<str>) -> Self {
        Self { liveness, pods: BTreeMap::new(), keys: BTreeSet::new(), empty }
    }

    /// Takes in a Pod that is there. One that is not live counts as gone. The catalog is the one
    /// that the relist will be committed to.
    pub fn observe(&mut self, catalog: &Catalog, pod: &Pod<'_>) {
        if !self.liveness.is_live(pod) {
            self.forget(&pod.namespace, &pod.name);
            return;
        }
        let held = catalog.entry(&pod.namespace, &pod.name).filter(|held| held.is_of(pod));
        let entry = match held {
            Some(held) => Arc::clone(held),
            None => Arc::new(PodEntry::read(pod, &mut Staging { catalog, relist: self })),
        };
        self.stage(entry);
    }

    /// Takes in that a Pod is gone again.
    pub fn remove(&mut self, pod: &Pod<'_>) {
        self.forget(&pod.namespace, &pod.name);
    }

    /// Takes in an object that could not be read.
    pub fn problem(&mut self, catalog: &Catalog, error: &PodError) {
        let entry = PodEntry::broken(error, &mut Staging { catalog, relist: self });
        self.stage(Arc::new(entry));
    }

    /// How many objects have been taken in.
    pub fn pods(&self) -> usize {
        self.pods.values().map(BTreeMap::len).sum()
    }

    pub(super) fn into_pods(self) -> BTreeMap<Arc<str>, Pods> {
        self.pods
    }

    fn stage(&mut self, entry: Arc<PodEntry>) {
        let namespace = Arc::clone(&entry.holder.namespace);
        let name = Arc::clone(&entry.holder.pod);
        self.pods.entry(namespace).or_default().insert(name, entry);
    }

    fn forget(&mut self, namespace: &str, name: &str) {
        if let Some(pods) = self.pods.get_mut(namespace) {
            pods.remove(name);
        }
    }
}

/// Shares text with the catalog and with what has been staged before.
struct Staging<'a> {
    catalog: &'a Catalog,
    relist: &'a mut Relist,
}

impl Interner for Staging<'_> {
    fn key(&mut self, key: &str) -> Option<Arc<str>> {
        self.relist.keys.get(key).cloned().or_else(|| KnownKeys(self.catalog).key(key))
    }

    fn learn(&mut self, key: &Arc<str>) {
        self.relist.keys.insert(Arc::clone(key));
    }

    fn namespace(&mut self, namespace: &str) -> Arc<str> {
        let known = self.relist.pods.get_key_value(namespace);
        match known {
            Some((namespace, _)) => Arc::clone(namespace),
            None => KnownKeys(self.catalog).namespace(namespace),
        }
    }

    fn value(&mut self, value: &str) -> Arc<str> {
        if value.is_empty() { Arc::clone(&self.relist.empty) } else { Arc::from(value) }
    }

    fn holder(&mut self, namespace: &str, name: &str, uid: &str) -> Option<Arc<Holder>> {
        KnownKeys(self.catalog).holder(namespace, name, uid)
    }
}
