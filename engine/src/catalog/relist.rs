//! A relist in the making: what a list, page by page, says about a scope. No subscriber sees it before it
//! is committed, and it shares with the catalog whatever has not changed.

use alloc::boxed::Box;
use alloc::sync::Arc;

use dubbo_k8s_codec::trust::Trust;
use dubbo_k8s_codec::{Pod, PodError};
use imbl::OrdMap;

use super::content::Pods;
use super::entry::{Interner, PodEntry};
use super::holder::Holder;
use super::key_facts::KeyFacts;
use super::keys::KeyMap;
use super::liveness::Liveness;
use super::stored_key::{SharedParts, StoredKey};
use super::{Catalog, Log};

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
///
/// The first list of all becomes a catalog right away, which takes the place of the empty one. Later
/// ones keep only what is different from the catalog.
#[derive(Debug)]
pub struct Relist(Staged);

#[derive(Debug)]
pub(super) enum Staged {
    /// A catalog in the making. The changes that lead to it are dropped.
    First(Box<Catalog>),
    Later(Later),
}

impl Relist {
    pub(super) fn new(catalog: &Catalog) -> Self {
        Self(if catalog.is_empty() {
            Staged::First(Box::new(Catalog::with_trust(
                catalog.liveness,
                Arc::clone(&catalog.trust),
            )))
        } else {
            Staged::Later(Later {
                liveness: catalog.liveness,
                trust: Arc::clone(&catalog.trust),
                pods: OrdMap::new(),
                keys: KeyMap::new(),
                parts: SharedParts::default(),
                empty: Arc::clone(&catalog.empty),
            })
        })
    }

    /// Takes in a Pod that is there. One that is not live counts as gone. The catalog is the one
    /// that the relist will be committed to.
    pub fn observe(&mut self, catalog: &Catalog, pod: &Pod<'_>) {
        match &mut self.0 {
            Staged::First(first) => first.take_in(pod, &mut Log::silent()),
            Staged::Later(later) => later.observe(catalog, pod),
        }
    }

    /// Takes in that a Pod is gone again. Ignored if the Pod of that name is by now another one.
    pub fn remove(&mut self, pod: &Pod<'_>) {
        match &mut self.0 {
            Staged::First(first) => first.let_go(pod, &mut Log::silent()),
            Staged::Later(later) => later.remove(pod),
        }
    }

    /// Takes in an object that could not be read.
    pub fn problem(&mut self, catalog: &Catalog, error: &PodError) {
        match &mut self.0 {
            Staged::First(first) => first.take_in_broken(error, &mut Log::silent()),
            Staged::Later(later) => later.problem(catalog, error),
        }
    }

    /// How many objects have been taken in.
    pub fn pods(&self) -> usize {
        let pods = match &self.0 {
            Staged::First(first) => &first.content.namespaces,
            Staged::Later(later) => &later.pods,
        };
        pods.values().map(OrdMap::len).sum()
    }

    pub(super) fn into_staged(self) -> Staged {
        self.0
    }
}

/// What has been listed over a catalog that is not empty.
#[derive(Debug)]
pub(super) struct Later {
    liveness: Liveness,
    trust: Arc<Trust>,
    pub(super) pods: OrdMap<Arc<str>, Pods>,
    /// The keys that the catalog does not know.
    keys: KeyMap<()>,
    pub(super) parts: SharedParts,
    empty: Arc<str>,
}

impl Later {
    fn observe(&mut self, catalog: &Catalog, pod: &Pod<'_>) {
        if !self.liveness.is_live(pod) {
            if let Some(pods) = self.pods.get_mut(&*pod.namespace) {
                pods.remove(&*pod.name);
            }
            return;
        }
        let held = catalog.content.entry(&pod.namespace, &pod.name);
        let entry = match held {
            Some(held) if held.is_of(pod) => Arc::clone(held),
            _ => {
                let earlier = held.map(|held| &**held);
                let trust = Arc::clone(&self.trust);
                let mut staging = Staging { catalog, later: self };
                Arc::new(PodEntry::read(pod, earlier, &trust, &mut staging))
            }
        };
        self.stage(entry);
    }

    fn remove(&mut self, pod: &Pod<'_>) {
        let Some(pods) = self.pods.get_mut(&*pod.namespace) else { return };
        if pods.get(&*pod.name).is_some_and(|staged| staged.is_removed_with(pod)) {
            pods.remove(&*pod.name);
        }
    }

    fn problem(&mut self, catalog: &Catalog, error: &PodError) {
        let entry = PodEntry::broken(error, &mut Staging { catalog, later: self });
        self.stage(Arc::new(entry));
    }

    fn stage(&mut self, entry: Arc<PodEntry>) {
        let namespace = Arc::clone(&entry.holder.namespace);
        let name = Arc::clone(&entry.holder.pod);
        self.pods.entry(namespace).or_default().insert(name, entry);
    }
}

/// Shares text with the catalog and with what has been staged before.
struct Staging<'a> {
    catalog: &'a Catalog,
    later: &'a mut Later,
}

impl Interner for Staging<'_> {
    fn key(&mut self, digest: u64, key: &str) -> Option<StoredKey> {
        let known = self.catalog.content.known_key(digest, key);
        known.or_else(|| self.later.keys.key(digest, key)).cloned()
    }

    fn store(&mut self, key: &str, facts: KeyFacts) -> StoredKey {
        let key = self.later.parts.store_with(&self.catalog.parts, key, facts);
        self.later.keys.insert(&key, ());
        key
    }

    fn namespace(&mut self, namespace: &str) -> Arc<str> {
        match self.later.pods.get_key_value(namespace) {
            Some((namespace, _)) => Arc::clone(namespace),
            None => self.catalog.content.known_namespace(namespace),
        }
    }

    fn value(&mut self, value: &str) -> Arc<str> {
        if value.is_empty() { Arc::clone(&self.later.empty) } else { Arc::from(value) }
    }

    fn holder(&mut self, namespace: &str, name: &str, uid: &str) -> Option<Arc<Holder>> {
        self.catalog.content.known_holder(namespace, name, uid)
    }
}
