//! A relist in the making: what a list, page by page, says about a scope. No subscriber sees it before it
//! is committed, and it shares with the catalog whatever has not changed.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use dubbo_k8s_codec::trust::Trust;
use dubbo_k8s_codec::{Pod, PodError};
use imbl::OrdMap;

use super::change::{Changes, PodChange, ProblemChange, ProblemKind};
use super::entry::{Interner, PodEntry};
use super::holder::Holder;
use super::key_facts::KeyFacts;
use super::keys::KeyMap;
use super::liveness::Liveness;
use super::log::Log;
use super::pods::Namespaces;
use super::stored_key::{SharedParts, StoredKey};
use super::writer::Catalog;

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
    fn holds(&self, namespace: &str) -> bool {
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
enum Staged {
    /// A catalog in the making. The changes that lead to it are dropped.
    First(Box<Catalog>),
    Later(Later),
}

impl Catalog {
    /// Begins a relist: nothing of it is seen until [`commit`](Self::commit).
    pub fn relist(&self) -> Relist {
        Relist::new(self)
    }

    /// Replaces all that is known of a scope in one step, and appends exactly the difference.
    /// A Pod that was replaced by another one of its name is first removed, then added.
    pub fn commit(&mut self, scope: &Scope, relist: Relist, changes: &mut Changes) {
        let (staged, parts) = match relist.0 {
            Staged::First(first) if self.is_empty() => return self.adopt(*first, changes),
            Staged::First(first) => (first.content.namespaces, first.parts),
            Staged::Later(later) => (later.pods, later.parts),
        };
        self.parts.merge(&parts);
        let mut log = Log::default();
        for (name, entry) in staged.values().flatten() {
            let namespace = &entry.holder.namespace;
            let held = self.entry(namespace, name);
            if held.is_some_and(|held| held.holder.uid != entry.holder.uid) {
                self.take_out(namespace, name, Some(&entry.resource_version), &mut log);
            }
        }
        let missing = self.missing(scope, &staged);
        for (_, entry) in staged.into_iter().flat_map(|(_, pods)| pods) {
            self.put(entry, &mut log);
        }
        for (namespace, name) in missing {
            self.take_out(&namespace, &name, None, &mut log);
        }
        self.finish(log, changes);
    }

    /// Becomes the catalog that a first list has made, and reports everything in it.
    fn adopt(&mut self, mut first: Self, changes: &mut Changes) {
        first.balance_all();
        let revision = self.revision() + u64::from(!first.is_empty());
        *self = first;
        self.content.revision = revision;
        if changes.is_bulk() {
            changes.first_list = !self.is_empty();
            return;
        }
        changes.changes.extend(self.content.everything());
        for entry in self.content.pod_entries() {
            let raised = |problem| ProblemChange { kind: ProblemKind::Raised, problem };
            changes.problems.extend(entry.pod_problems().map(raised));
            changes.pods.push(PodChange {
                holder: Arc::clone(&entry.holder),
                keys: Box::default(),
                is_unannounced: !entry.records().iter().any(|record| entry.counts(record)),
            });
        }
    }

    /// The Pods of a scope that are not among the staged ones.
    fn missing(&self, scope: &Scope, staged: &Namespaces) -> Vec<(Arc<str>, Arc<str>)> {
        let is_staged = |namespace: &str, name: &str| {
            staged.get(namespace).is_some_and(|pods| pods.contains_key(name))
        };
        let mut missing = Vec::new();
        for (namespace, pods) in
            self.content.namespaces.iter().filter(|(name, _)| scope.holds(name))
        {
            for name in pods.keys().filter(|name| !is_staged(namespace, name)) {
                missing.push((Arc::clone(namespace), Arc::clone(name)));
            }
        }
        missing
    }
}

impl Relist {
    fn new(catalog: &Catalog) -> Self {
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
}

/// What has been listed over a catalog that is not empty.
#[derive(Debug)]
struct Later {
    liveness: Liveness,
    trust: Arc<Trust>,
    pods: Namespaces,
    /// The keys that the catalog does not know.
    keys: KeyMap<()>,
    parts: SharedParts,
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
