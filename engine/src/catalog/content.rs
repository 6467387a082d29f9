//! What a catalog holds, for those who read it: Pods, keys with the Pods that carry them, problems. It never
//! changes under a reader: a copy costs next to nothing, and shares with later ones what has not changed.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Bound;

use imbl::OrdMap;
use imbl::ordmap::DiffItem;

use super::carriers::Carriers;
use super::change::{Change, ChangeKind};
use super::entry::PodEntry;
use super::holder::Holder;
use super::keys::KeyMap;
use super::pod_problem::PodProblem;
use super::pods::{Namespaces, Pods, find};
use super::services::Services;
use super::stored_key::StoredKey;

/// A Pod in an earlier content and in a later one.
pub type PodDifference<'a> = (Option<&'a Arc<PodEntry>>, Option<&'a Arc<PodEntry>>);

/// What is registered at one moment.
#[derive(Clone, Debug)]
pub struct Content {
    pub(super) namespaces: Namespaces,
    /// What counts: what every reader gets.
    pub(super) keys: KeyMap<Carriers>,
    /// What does not count, for those who list it: carried by Pods of which it is not believed.
    pub(super) unbelieved: KeyMap<Carriers>,
    pub(super) revision: u64,
}

impl Content {
    pub(super) fn new() -> Self {
        Self {
            namespaces: OrdMap::new(),
            keys: KeyMap::new(),
            unbelieved: KeyMap::new(),
            revision: 0,
        }
    }

    /// A number that grows whenever records, their holders or problems change.
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// How many live Pods are known.
    pub fn pods(&self) -> usize {
        let named = |pods: &Pods| pods.len() - usize::from(pods.contains_key(""));
        self.namespaces.values().map(named).sum()
    }

    /// How many distinct records are registered and believed.
    pub fn records(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is nothing: no Pod and no record.
    pub fn is_empty(&self) -> bool {
        self.namespaces.is_empty() && self.keys.is_empty()
    }

    /// The value that counts of a key: that of the holder with the smallest uid.
    pub fn value(&self, key: &StoredKey) -> Option<&Arc<str>> {
        self.keys.get(key)?.value()
    }

    /// All Pods, in the order of namespace and name.
    pub fn pod_entries(&self) -> impl Iterator<Item = &Arc<PodEntry>> {
        self.namespaces.values().flat_map(OrdMap::values)
    }

    /// The Pod behind another one in the order of namespace and name, or the first: for a reader that
    /// takes long and keeps nothing borrowed meanwhile.
    pub fn pod_after(&self, last: Option<&Holder>) -> Option<&Arc<PodEntry>> {
        let Some(last) = last else { return self.pod_entries().next() };
        let behind = (Bound::Excluded(&*last.pod), Bound::Unbounded);
        let pods = self.namespaces.get(&*last.namespace);
        if let Some((_, entry)) = pods.and_then(|pods| pods.range::<_, str>(behind).next()) {
            return Some(entry);
        }
        let behind = (Bound::Excluded(&*last.namespace), Bound::Unbounded);
        let mut others = self.namespaces.range::<_, str>(behind);
        others.find_map(|(_, pods)| pods.get_min()).map(|(_, entry)| entry)
    }

    /// What is known of a Pod now; `None` if it is gone, or another one has its name.
    pub fn pod(&self, holder: &Holder) -> Option<&Arc<PodEntry>> {
        find(&self.namespaces, holder)
    }

    /// The Pods that show something else in a later content: before and after. It costs about as much as has
    /// changed, because what both share is not looked at.
    pub fn changed_pods<'a>(&'a self, later: &'a Self) -> Vec<PodDifference<'a>> {
        let mut changed = Vec::new();
        for namespace in self.namespaces.diff(&later.namespaces) {
            match namespace {
                DiffItem::Add(_, pods) => {
                    changed.extend(pods.values().map(|pod| (None, Some(pod))));
                }
                DiffItem::Remove(_, pods) => {
                    changed.extend(pods.values().map(|pod| (Some(pod), None)));
                }
                DiffItem::Update { old: (_, old), new: (_, new) } => {
                    changed.extend(old.diff(new).map(|pod| match pod {
                        DiffItem::Add(_, new) => (None, Some(new)),
                        DiffItem::Remove(_, old) => (Some(old), None),
                        DiffItem::Update { old: (_, old), new: (_, new) } => (Some(old), Some(new)),
                    }));
                }
            }
        }
        changed.retain(|pair| match pair {
            (Some(before), Some(after)) => !before.shows_the_same(after),
            _ => true,
        });
        changed
    }

    /// All problems, in the order of namespace and name.
    pub fn problems(&self) -> impl Iterator<Item = PodProblem> {
        self.pod_entries().flat_map(|entry| entry.pod_problems())
    }

    /// How many Pods have a problem.
    pub fn broken_pods(&self) -> usize {
        self.pod_entries().filter(|entry| !entry.problems().is_empty()).count()
    }

    /// All services in their order: by interface, then group, then version, with the endpoints that are believed.
    /// One at a time is put together with its URLs.
    pub fn services(&self) -> Services {
        self.services_of(|_| true)
    }

    /// The same with the endpoints alone that are `wanted`, by their keys.
    pub fn services_of(&self, wanted: impl Fn(&StoredKey) -> bool) -> Services {
        let endpoints = self.keys.keys().filter(|key| key.facts().is_endpoint() && wanted(key));
        self.services_from(endpoints.map(|key| (key, true)))
    }

    /// The same with the endpoints too that are not believed, for those who look into the registry: no consumer may
    /// be given them.
    pub fn listed_services_of(&self, wanted: impl Fn(&StoredKey) -> bool) -> Services {
        let believed = self.keys.keys().map(|key| (key, true));
        let all = believed.chain(self.unbelieved.keys().map(|key| (key, false)));
        self.services_from(all.filter(|(key, _)| key.facts().is_endpoint() && wanted(key)))
    }

    fn services_from<'a>(&self, found: impl Iterator<Item = (&'a StoredKey, bool)>) -> Services {
        Services::of(&self.namespaces, [&self.keys, &self.unbelieved], found)
    }

    /// Every key with the value that counts and the Pods that carry it, in no order that means
    /// anything.
    pub fn carried(
        &self,
    ) -> impl Iterator<Item = (&StoredKey, &Arc<str>, impl Iterator<Item = &Arc<Holder>>)> {
        let all = self.keys.iter();
        all.filter_map(|(key, carriers)| Some((key, carriers.value()?, carriers.holders())))
    }

    /// All records in the order of their keys: key, the value that counts, and the holders.
    pub fn entries(
        &self,
    ) -> impl Iterator<Item = (String, &str, impl Iterator<Item = &Arc<Holder>>)> {
        let mut all: Vec<_> = self.keys.iter().collect();
        all.sort_unstable_by_key(|(key, _)| *key);
        all.into_iter().map(|(key, carriers)| {
            let value = carriers.value().map_or("", |value| value);
            (key.to_text(), value, carriers.holders())
        })
    }

    /// Every key as if it had just come, in the order of the Pods whose value counts.
    pub fn everything(&self) -> impl Iterator<Item = Change> {
        self.pod_entries().flat_map(move |entry| {
            let own = entry.distinct_keys();
            own.into_iter().filter_map(move |key| {
                let carriers = self.keys.get(key)?;
                let (first, value) = (carriers.holders().next()?, carriers.value()?);
                let counts = first.rank() == entry.holder.rank();
                let version = &entry.resource_version;
                counts.then(|| Change::new(ChangeKind::Added, key, value, first, version))
            })
        })
    }

    pub(super) fn entry(&self, namespace: &str, name: &str) -> Option<&Arc<PodEntry>> {
        self.namespaces.get(namespace)?.get(name)
    }

    pub(super) fn known_key(&self, digest: u64, key: &str) -> Option<&StoredKey> {
        self.keys.key(digest, key).or_else(|| self.unbelieved.key(digest, key))
    }

    pub(super) fn known_namespace(&self, namespace: &str) -> Arc<str> {
        let known = self.namespaces.get_key_value(namespace);
        known.map_or_else(|| Arc::from(namespace), |(namespace, _)| Arc::clone(namespace))
    }

    pub(super) fn known_holder(
        &self,
        namespace: &str,
        name: &str,
        uid: &str,
    ) -> Option<Arc<Holder>> {
        let entry = self.entry(namespace, name)?;
        (*entry.holder.uid == *uid).then(|| Arc::clone(&entry.holder))
    }
}
