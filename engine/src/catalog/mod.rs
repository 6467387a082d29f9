//! The catalog: which records are registered now, who carries them, and what changes.
//!
//! It is fed whole Pods and answers with the exact list of changes. It keeps nothing of a Pod but
//! its identity, its version and its records, and each distinct key once. The result depends only
//! on the Pods, never on the order in which they were seen.

mod carriers;
mod change;
mod difference;
mod entry;
mod keys;
mod relist;
mod stored_key;
mod view;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::{Serialize, Serializer, ser::SerializeStruct};

use self::carriers::Carriers;
pub use self::change::{Change, ChangeKind, Changes, PodChange, ProblemChange, ProblemKind};
use self::change::{Transition, emit};
use self::difference::Difference;
use self::entry::Interner;
pub use self::entry::{PodEntry, StoredRecord};
use self::keys::ByDigest;
pub(crate) use self::keys::digest;
use self::keys::{Entry, KeyMap};
use self::relist::Staged;
pub use self::relist::{Relist, Scope};
pub use self::stored_key::StoredKey;
use self::stored_key::Templates;
pub use self::view::{EndpointView, PodView, ServiceView};
use dubbo_k8s_codec::DecodeError;
use dubbo_k8s_codec::{Pod, PodError};

/// Who carries a record: a Pod. Its identity is the uid.
///
/// Serialises as `{"namespace","pod","uid"}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Holder {
    /// The namespace of the Pod.
    pub namespace: Arc<str>,
    /// Its name; empty for an object that could not be read at all.
    pub pod: Arc<str>,
    /// Its uid.
    pub uid: Arc<str>,
}

impl Holder {
    /// The order in which holders of one key count: by uid, the rest only breaks ties.
    fn rank(&self) -> (&str, &str, &str) {
        (&self.uid, &self.namespace, &self.pod)
    }
}

impl Serialize for Holder {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Holder", 3)?;
        object.serialize_field("namespace", &*self.namespace)?;
        object.serialize_field("pod", &*self.pod)?;
        object.serialize_field("uid", &*self.uid)?;
        object.end()
    }
}

/// What could not be read of a Pod, beside the records that could.
///
/// Serialises as `{"namespace","pod","uid","error"}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodProblem {
    /// Whose it is.
    pub holder: Arc<Holder>,
    /// What is wrong. The offsets are those in the annotation, or in the object where no
    /// annotation could be read.
    pub error: DecodeError,
}

impl Serialize for PodProblem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("PodProblem", 4)?;
        object.serialize_field("namespace", &*self.holder.namespace)?;
        object.serialize_field("pod", &*self.holder.pod)?;
        object.serialize_field("uid", &*self.holder.uid)?;
        object.serialize_field("error", &self.error)?;
        object.end()
    }
}

/// Which Pods count as live. A Pod that is gone, is being deleted or has ended never does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Liveness {
    /// Only Pods that are known to be ready.
    pub ready_only: bool,
    /// Only Pods that have the label `dubbo.io/label`. Off where another selector chooses them.
    pub labelled_only: bool,
}

impl Default for Liveness {
    fn default() -> Self {
        Self { ready_only: false, labelled_only: true }
    }
}

impl Liveness {
    /// Whether the Pod counts.
    pub fn is_live(self, pod: &Pod<'_>) -> bool {
        !pod.deleting
            && !pod.has_ended()
            && (!self.labelled_only || pod.label.is_some())
            && (!self.ready_only || pod.ready == Some(true))
    }
}

type Pods = BTreeMap<Arc<str>, Arc<PodEntry>>;

/// The registry as it is now. See the [module](self) and [`Changes`].
///
/// ```
/// use dubbo_k8s_codec::{Pod, Record, encode};
/// use dubbo_k8s_engine::catalog::{Catalog, ChangeKind, Changes, Liveness};
///
/// let key = "/dubbo/a.B/providers/dubbo%3A%2F%2F10.0.0.1%3A20880%2Fa.B";
/// let pod = Pod {
///     namespace: "shop".into(),
///     name: "a".into(),
///     uid: "1".into(),
///     label: Some("dubbo.io-value".into()),
///     annotation: Some(encode([Record::new(key)]).into()),
///     ..Pod::default()
/// };
/// let mut catalog = Catalog::new(Liveness::default());
/// let mut changes = Changes::default();
/// catalog.observe(&pod, &mut changes);
/// assert_eq!(changes.changes[0].kind, ChangeKind::Added);
/// assert_eq!(&*changes.changes[0].key, key);
/// assert_eq!(catalog.services()[0].service.to_string(), "a.B");
/// ```
#[derive(Clone, Debug)]
pub struct Catalog {
    liveness: Liveness,
    namespaces: BTreeMap<Arc<str>, Pods>,
    keys: KeyMap<Carriers>,
    templates: Templates,
    empty: Arc<str>,
    revision: u64,
}

impl Catalog {
    /// An empty catalog.
    pub fn new(liveness: Liveness) -> Self {
        Self {
            liveness,
            namespaces: BTreeMap::new(),
            keys: KeyMap::new(),
            templates: Templates::default(),
            empty: Arc::from(""),
            revision: 0,
        }
    }

    /// Takes in a Pod that is there: a watch event `ADDED` or `MODIFIED`. One that is not live
    /// counts as gone. Appends what changed.
    pub fn observe(&mut self, pod: &Pod<'_>, changes: &mut Changes) {
        let mut log = Log::default();
        self.take_in(pod, &mut log);
        self.finish(log, changes);
    }

    /// Takes in that a Pod is gone: a watch event `DELETED`. Ignored if the Pod of that name is by
    /// now another one.
    pub fn remove(&mut self, pod: &Pod<'_>, changes: &mut Changes) {
        let mut log = Log::default();
        self.let_go(pod, &mut log);
        self.finish(log, changes);
    }

    /// Takes in an object that could not be read: it has a problem, and no records.
    pub fn problem(&mut self, error: &PodError, changes: &mut Changes) {
        let mut log = Log::default();
        self.take_in_broken(error, &mut log);
        self.finish(log, changes);
    }

    fn take_in(&mut self, pod: &Pod<'_>, log: &mut Log) {
        let held = self.entry(&pod.namespace, &pod.name).cloned();
        if held.as_ref().is_some_and(|held| held.is_of(pod)) {
            return;
        }
        let replaced = held.as_ref().is_some_and(|held| *held.holder.uid != *pod.uid);
        let live = self.liveness.is_live(pod);
        if replaced || !live {
            self.take_out(&pod.namespace, &pod.name, Some(&pod.resource_version), log);
        }
        if live {
            let entry = PodEntry::read(pod, held.as_deref(), &mut KnownKeys(self));
            self.put(Arc::new(entry), log);
        }
    }

    fn let_go(&mut self, pod: &Pod<'_>, log: &mut Log) {
        let held = self.entry(&pod.namespace, &pod.name);
        if held.is_some_and(|held| held.is_removed_with(pod)) {
            self.take_out(&pod.namespace, &pod.name, Some(&pod.resource_version), log);
        }
    }

    fn take_in_broken(&mut self, error: &PodError, log: &mut Log) {
        let entry = PodEntry::broken(error, &mut KnownKeys(self));
        self.put(Arc::new(entry), log);
    }

    /// Begins a relist: nothing of it is seen until [`commit`](Self::commit).
    pub fn relist(&self) -> Relist {
        Relist::new(self)
    }

    /// Replaces all that is known of a scope in one step, and appends exactly the difference.
    /// A Pod that was replaced by another one of its name is first removed, then added.
    pub fn commit(&mut self, scope: &Scope, relist: Relist, changes: &mut Changes) {
        let (staged, templates) = match relist.into_staged() {
            Staged::First(first) if self.is_empty() => return self.adopt(*first, changes),
            Staged::First(first) => (first.namespaces, first.templates),
            Staged::Later(later) => (later.pods, later.templates),
        };
        self.templates.merge(&templates);
        let mut log = Log::default();
        for (name, entry) in staged.values().flatten() {
            let namespace = &entry.holder.namespace;
            let held = self.entry(namespace, name);
            if held.is_some_and(|held| held.holder.uid != entry.holder.uid) {
                self.take_out(namespace, name, Some(&entry.resource_version), &mut log);
            }
        }
        let missing = self.missing(scope, &staged);
        for entry in staged.into_values().flat_map(BTreeMap::into_values) {
            self.put(entry, &mut log);
        }
        for (namespace, name) in missing {
            self.take_out(&namespace, &name, None, &mut log);
        }
        self.finish(log, changes);
    }

    fn is_empty(&self) -> bool {
        self.namespaces.is_empty() && self.keys.is_empty()
    }

    /// Becomes the catalog that a first list has made, and tells of everything in it.
    fn adopt(&mut self, first: Self, changes: &mut Changes) {
        let revision = self.revision + u64::from(!first.is_empty());
        *self = Self { revision, ..first };
        if changes.is_bulk() {
            changes.filled = !self.is_empty();
            return;
        }
        changes.changes.extend(self.everything());
        for entry in self.pod_entries() {
            changes.problems.extend(entry.problems.iter().map(|error| ProblemChange {
                kind: ProblemKind::Raised,
                problem: PodProblem { holder: Arc::clone(&entry.holder), error: error.clone() },
            }));
            changes.pods.push(PodChange { before: None, after: Some(Arc::clone(entry)) });
        }
    }

    /// Every key as if it had just come, in the order of the Pods that it counts for.
    pub fn everything(&self) -> impl Iterator<Item = Change> {
        self.pod_entries().flat_map(move |entry| {
            let mut told = BTreeSet::new();
            let records = entry.records.iter();
            records.filter_map(move |StoredRecord { key, .. }| {
                let carriers = self.keys.get(key)?;
                let (first, value) = (carriers.holders().next()?, carriers.value()?);
                let is_its = first.rank() == entry.holder.rank() && told.insert(ByDigest::of(key));
                is_its.then(|| Change {
                    kind: ChangeKind::Added,
                    key: key.to_shared(),
                    value: Arc::clone(value),
                    holder: Arc::clone(first),
                    resource_version: Arc::clone(&entry.resource_version),
                })
            })
        })
    }

    /// All Pods, in the order of namespace and name.
    pub fn pod_entries(&self) -> impl Iterator<Item = &Arc<PodEntry>> {
        self.namespaces.values().flat_map(BTreeMap::values)
    }

    /// Every key with the value that counts and the Pods that carry it, in no order.
    pub fn carried(
        &self,
    ) -> impl Iterator<Item = (&StoredKey, &Arc<str>, impl Iterator<Item = &Arc<Holder>>)> {
        self.keys
            .iter()
            .filter_map(|(key, carriers)| Some((key, carriers.value()?, carriers.holders())))
    }

    /// The Pods of a scope that are not among the staged ones.
    fn missing(
        &self,
        scope: &Scope,
        staged: &BTreeMap<Arc<str>, Pods>,
    ) -> Vec<(Arc<str>, Arc<str>)> {
        let is_staged = |namespace: &str, name: &str| {
            staged.get(namespace).is_some_and(|pods| pods.contains_key(name))
        };
        let mut missing = Vec::new();
        for (namespace, pods) in self.namespaces.iter().filter(|(name, _)| scope.holds(name)) {
            for name in pods.keys().filter(|name| !is_staged(namespace, name)) {
                missing.push((Arc::clone(namespace), Arc::clone(name)));
            }
        }
        missing
    }

    /// How many live Pods are known.
    pub fn pods(&self) -> usize {
        let named = |pods: &Pods| pods.len() - usize::from(pods.contains_key(""));
        self.namespaces.values().map(named).sum()
    }

    /// The value that counts of a key: that of the holder with the smallest uid.
    pub fn value(&self, key: &StoredKey) -> Option<&Arc<str>> {
        self.keys.get(key)?.value()
    }

    /// How many distinct records are registered.
    pub fn records(&self) -> usize {
        self.keys.len()
    }

    /// A number that grows whenever records, their holders or problems change.
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// Which Pods count as live here.
    pub const fn liveness(&self) -> Liveness {
        self.liveness
    }

    fn entry(&self, namespace: &str, name: &str) -> Option<&Arc<PodEntry>> {
        self.namespaces.get(namespace)?.get(name)
    }

    /// Puts a Pod in place of what was known of it, if anything, under the same uid.
    fn put(&mut self, entry: Arc<PodEntry>, log: &mut Log) {
        let holder = Arc::clone(&entry.holder);
        let old = self.entry(&holder.namespace, &holder.pod).cloned();
        if let Some(old) = &old {
            if Arc::ptr_eq(old, &entry) {
                return;
            }
            let Difference { gone, come } = Difference::between(&old.records, &entry.records);
            for record in gone {
                self.drop_carrier(record, &old.holder, &entry.resource_version, log);
            }
            for record in come {
                self.add_carrier(record, &holder, &entry.resource_version, log);
            }
        } else {
            for record in &entry.records {
                self.add_carrier(record, &holder, &entry.resource_version, log);
            }
        }
        log.problems(&holder, old.as_ref().map_or(&[], |old| &old.problems), &entry.problems);
        log.dirty |= old.is_none();
        log.pod(old, Some(&entry));
        self.pods_of(&holder.namespace).insert(Arc::clone(&holder.pod), entry);
    }

    fn pods_of(&mut self, namespace: &Arc<str>) -> &mut Pods {
        self.namespaces.entry(Arc::clone(namespace)).or_default()
    }

    /// Removes a Pod. The version is that of the change, else the last one known.
    fn take_out(&mut self, namespace: &str, name: &str, version: Option<&str>, log: &mut Log) {
        let Some(pods) = self.namespaces.get_mut(namespace) else { return };
        let Some(entry) = pods.remove(name) else { return };
        if pods.is_empty() {
            self.namespaces.remove(namespace);
        }
        let version = version.map_or_else(|| Arc::clone(&entry.resource_version), Arc::from);
        for record in &entry.records {
            self.drop_carrier(record, &entry.holder, &version, log);
        }
        log.problems(&entry.holder, &entry.problems, &[]);
        log.pod(Some(entry), None);
        log.dirty = true;
    }

    fn add_carrier(
        &mut self,
        record: &StoredRecord,
        holder: &Arc<Holder>,
        version: &Arc<str>,
        log: &mut Log,
    ) {
        let (before, after) = match self.keys.entry(&record.key) {
            Entry::Vacant(vacant) => {
                vacant.insert(Carriers::one(holder, &record.value));
                log.dirty = true;
                (None, Some(Arc::clone(&record.value)))
            }
            Entry::Occupied(carriers) => {
                let before = carriers.value().cloned();
                log.dirty |= carriers.insert(holder, &record.value);
                (before, carriers.value().cloned())
            }
        };
        log.transition(&record.key, before, after, holder, version);
    }

    fn drop_carrier(
        &mut self,
        record: &StoredRecord,
        holder: &Arc<Holder>,
        version: &Arc<str>,
        log: &mut Log,
    ) {
        let Some(carriers) = self.keys.get_mut(&record.key) else { return };
        let before = carriers.value().cloned();
        log.dirty |= carriers.remove(holder);
        let after = carriers.value().cloned();
        if after.is_none() {
            self.keys.remove(&record.key);
        }
        log.transition(&record.key, before, after, holder, version);
    }

    /// Tells what a step has done.
    fn finish(&mut self, mut log: Log, changes: &mut Changes) {
        self.revision += u64::from(log.dirty);
        emit(log.transitions, &mut changes.changes);
        changes.problems.append(&mut log.problems);
        changes.pods.append(&mut log.pods);
    }
}

/// What one step does, before it is told.
#[derive(Default)]
struct Log {
    transitions: Vec<Transition>,
    problems: Vec<ProblemChange>,
    pods: Vec<PodChange>,
    dirty: bool,
    /// Nobody is told.
    silent: bool,
}

impl Log {
    fn silent() -> Self {
        Self { silent: true, ..Self::default() }
    }

    fn pod(&mut self, before: Option<Arc<PodEntry>>, after: Option<&Arc<PodEntry>>) {
        if !self.silent {
            self.pods.push(PodChange { before, after: after.map(Arc::clone) });
        }
    }

    fn transition(
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

    fn problems(&mut self, holder: &Arc<Holder>, before: &[DecodeError], after: &[DecodeError]) {
        let mut tell = |kind, error: &DecodeError| {
            let problem = PodProblem { holder: Arc::clone(holder), error: error.clone() };
            if !self.silent {
                self.problems.push(ProblemChange { kind, problem });
            }
            self.dirty = true;
        };
        for error in before.iter().filter(|error| !after.contains(error)) {
            tell(ProblemKind::Cleared, error);
        }
        for error in after.iter().filter(|error| !before.contains(error)) {
            tell(ProblemKind::Raised, error);
        }
    }
}

/// Shares text with what the catalog holds already.
struct KnownKeys<'a>(&'a mut Catalog);

impl Interner for KnownKeys<'_> {
    fn key(&mut self, digest: u64, key: &str) -> Option<StoredKey> {
        self.0.keys.key(digest, key).cloned()
    }

    fn learn(&mut self, key: &str) -> StoredKey {
        self.0.templates.store(key)
    }

    fn namespace(&mut self, namespace: &str) -> Arc<str> {
        known_namespace(self.0, namespace)
    }

    fn value(&mut self, value: &str) -> Arc<str> {
        if value.is_empty() { Arc::clone(&self.0.empty) } else { Arc::from(value) }
    }

    fn holder(&mut self, namespace: &str, name: &str, uid: &str) -> Option<Arc<Holder>> {
        known_holder(self.0, namespace, name, uid)
    }
}

fn known_namespace(catalog: &Catalog, namespace: &str) -> Arc<str> {
    let known = catalog.namespaces.get_key_value(namespace);
    known.map_or_else(|| Arc::from(namespace), |(namespace, _)| Arc::clone(namespace))
}

fn known_holder(catalog: &Catalog, namespace: &str, name: &str, uid: &str) -> Option<Arc<Holder>> {
    let entry = catalog.entry(namespace, name)?;
    (*entry.holder.uid == *uid).then(|| Arc::clone(&entry.holder))
}
