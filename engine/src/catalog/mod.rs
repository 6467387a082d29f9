//! The catalog: which records are registered now, who carries them, and what changes.
//!
//! It is fed whole Pods and answers with the exact list of changes. It keeps nothing of a Pod but
//! its identity, its version and its records, and each distinct key once. The result depends only
//! on the Pods, never on the order in which they were seen.

mod carriers;
mod change;
mod content;
mod difference;
mod digest;
mod entry;
mod holder;
mod key_facts;
mod keys;
mod known;
mod liveness;
mod pod_problem;
mod quota;
mod relist;
mod services;
mod stored_key;

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Deref;

use dubbo_k8s_codec::trust::Trust;
use dubbo_k8s_codec::{DecodeError, Pod, PodError};
use imbl::OrdMap;

use self::carriers::Carriers;
pub use self::change::{Change, ChangeKind, Changes, PodChange, ProblemChange, ProblemKind};
use self::change::{Transition, emit};
use self::content::Pods;
pub use self::content::{Content, PodDifference};
use self::difference::Difference;
pub(crate) use self::digest::digest;
use self::entry::Interner;
pub use self::entry::{PodEntry, StoredRecord};
pub use self::holder::Holder;
pub use self::key_facts::KeyFacts;
pub(crate) use self::key_facts::doubt;
use self::keys::ByDigest;
pub use self::liveness::Liveness;
pub use self::pod_problem::PodProblem;
use self::quota::NamespaceUsage;
use self::relist::Staged;
pub use self::relist::{Relist, Scope};
pub use self::services::{Endpoint, ServiceEntry, Services};
use self::stored_key::SharedParts;
pub use self::stored_key::StoredKey;

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
///     ips: vec!["10.0.0.1".parse()?],
///     ..Pod::default()
/// };
/// let mut catalog = Catalog::new(Liveness::default());
/// let mut changes = Changes::default();
/// catalog.observe(&pod, &mut changes);
/// assert_eq!(changes.changes[0].kind, ChangeKind::Added);
/// assert_eq!(&*changes.changes[0].key, key);
/// assert_eq!(catalog.services().next().unwrap().service.to_string(), "a.B");
/// # Ok::<(), core::net::AddrParseError>(())
/// ```
///
/// It is the writer's half: what it holds is its [`Content`], to which it dereferences, and of which
/// readers keep copies at no cost.
#[derive(Clone, Debug)]
pub struct Catalog {
    liveness: Liveness,
    trust: Arc<Trust>,
    content: Content,
    /// What each namespace has registered.
    usage: BTreeMap<Arc<str>, NamespaceUsage>,
    parts: SharedParts,
    empty: Arc<str>,
}

impl Deref for Catalog {
    type Target = Content;

    fn deref(&self) -> &Content {
        &self.content
    }
}

impl Catalog {
    /// An empty catalog, with the default [`Trust`].
    pub fn new(liveness: Liveness) -> Self {
        Self::with_trust(liveness, Arc::default())
    }

    /// An empty catalog that believes what `trust` says.
    pub fn with_trust(liveness: Liveness, trust: Arc<Trust>) -> Self {
        Self {
            liveness,
            trust,
            content: Content::new(),
            usage: BTreeMap::new(),
            parts: SharedParts::default(),
            empty: Arc::from(""),
        }
    }

    /// What it holds now: copy it to keep it.
    pub const fn content(&self) -> &Content {
        &self.content
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
            let trust = Arc::clone(&self.trust);
            let entry = PodEntry::read(pod, held.as_deref(), &trust, &mut KnownKeys(self));
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
        let (staged, parts) = match relist.into_staged() {
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
    fn missing(&self, scope: &Scope, staged: &OrdMap<Arc<str>, Pods>) -> Vec<(Arc<str>, Arc<str>)> {
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

    /// What is believed here.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Which Pods count as live here.
    pub const fn liveness(&self) -> Liveness {
        self.liveness
    }

    /// Puts a Pod in place of what was known of it, if anything, under the same uid.
    fn put(&mut self, entry: Arc<PodEntry>, log: &mut Log) {
        let holder = Arc::clone(&entry.holder);
        let old = self.entry(&holder.namespace, &holder.pod).cloned();
        if old.as_ref().is_some_and(|old| Arc::ptr_eq(old, &entry)) {
            return;
        }
        let before = old.as_ref().map_or(&[][..], |old| &old.records);
        let counted = |record: &StoredRecord| old.as_ref().is_some_and(|old| old.counts(record));
        let Difference { gone, come } =
            Difference::between(before, &entry.records, |was, is| counted(was) != entry.counts(is));
        for record in &gone {
            self.drop_carrier((record, counted(record)), &holder, &entry.resource_version, log);
        }
        for record in &come {
            let counts = entry.counts(record);
            self.add_carrier((record, counts), &holder, &entry.resource_version, log);
        }
        self.account(&holder.namespace, old.as_deref(), Some(&entry), log);
        let keys = gone.iter().chain(&come).map(|record| &record.key);
        let is_same = old.as_ref().is_some_and(|old| old.shows_the_same(&entry));
        log.pod(&holder, keys, is_same);
        log.problems(&holder, old.as_ref().map_or(&[], |old| &old.problems), &entry.problems);
        log.dirty |= old.is_none();
        let pods = self.content.namespaces.entry(Arc::clone(&holder.namespace)).or_default();
        pods.insert(Arc::clone(&holder.pod), entry);
    }

    /// Removes a Pod. The version is that of the change, else the last one known.
    fn take_out(&mut self, namespace: &str, name: &str, version: Option<&str>, log: &mut Log) {
        let Some(pods) = self.content.namespaces.get_mut(namespace) else { return };
        let Some(entry) = pods.remove(name) else { return };
        if pods.is_empty() {
            self.content.namespaces.remove(namespace);
        }
        let version = version.map_or_else(|| Arc::clone(&entry.resource_version), Arc::from);
        let records = entry.distinct_keys();
        for record in &entry.records {
            self.drop_carrier((record, entry.counts(record)), &entry.holder, &version, log);
        }
        self.account(&entry.holder.namespace, Some(&entry), None, log);
        log.pod(&entry.holder, records, false);
        log.problems(&entry.holder, &entry.problems, &[]);
        log.dirty = true;
    }

    fn add_carrier(
        &mut self,
        (record, counts): (&StoredRecord, bool),
        holder: &Arc<Holder>,
        version: &Arc<str>,
        log: &mut Log,
    ) {
        if !counts {
            return self.add_unbelieved(record, holder, log);
        }
        let keys = &mut self.content.keys;
        let Some(carriers) = keys.get_mut(&record.key) else {
            keys.insert(&record.key, Carriers::one(holder, &record.value));
            log.dirty = true;
            log.transition(&record.key, None, Some(Arc::clone(&record.value)), holder, version);
            return;
        };
        let before = carriers.value().cloned();
        log.dirty |= carriers.insert(holder, &record.value);
        let after = carriers.value().cloned();
        log.transition(&record.key, before, after, holder, version);
    }

    fn drop_carrier(
        &mut self,
        (record, counted): (&StoredRecord, bool),
        holder: &Arc<Holder>,
        version: &Arc<str>,
        log: &mut Log,
    ) {
        if !counted {
            return self.drop_unbelieved(record, holder, log);
        }
        let Some(carriers) = self.content.keys.get_mut(&record.key) else { return };
        let before = carriers.value().cloned();
        log.dirty |= carriers.remove(holder);
        let after = carriers.value().cloned();
        if after.is_none() {
            self.content.keys.remove(&record.key);
        }
        log.transition(&record.key, before, after, holder, version);
    }

    /// Of what does not count no reader is notified one by one; that there is another state is enough.
    fn add_unbelieved(&mut self, record: &StoredRecord, holder: &Arc<Holder>, log: &mut Log) {
        let unbelieved = &mut self.content.unbelieved;
        if let Some(carriers) = unbelieved.get_mut(&record.key) {
            log.dirty |= carriers.insert(holder, &record.value);
        } else {
            unbelieved.insert(&record.key, Carriers::one(holder, &record.value));
            log.dirty = true;
        }
    }

    fn drop_unbelieved(&mut self, record: &StoredRecord, holder: &Arc<Holder>, log: &mut Log) {
        let Some(carriers) = self.content.unbelieved.get_mut(&record.key) else { return };
        log.dirty |= carriers.remove(holder);
        if carriers.value().is_none() {
            self.content.unbelieved.remove(&record.key);
        }
    }

    /// Appends what a step has done.
    fn finish(&mut self, mut log: Log, changes: &mut Changes) {
        self.balance(&mut log);
        self.content.revision += u64::from(log.dirty);
        let named = emit(log.transitions, &mut changes.changes);
        changes.pods.extend(log.pods.into_iter().map(|pod| pod.beside(&named)));
        changes.problems.append(&mut log.problems);
    }
}

/// What one step does.
#[derive(Default)]
struct Log {
    transitions: Vec<Transition>,
    problems: Vec<ProblemChange>,
    pods: Vec<TouchedPod>,
    dirty: bool,
    /// Namespaces whose Pods may have to count, or to count no longer.
    unbalanced: BTreeSet<Arc<str>>,
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
    fn silent() -> Self {
        Self { silent: true, ..Self::default() }
    }

    fn pod<'a>(
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
}

/// Shares text with what the catalog holds already.
struct KnownKeys<'a>(&'a mut Catalog);

impl Interner for KnownKeys<'_> {
    fn key(&mut self, digest: u64, key: &str) -> Option<StoredKey> {
        self.0.content.known_key(digest, key).cloned()
    }

    fn store(&mut self, key: &str, facts: KeyFacts) -> StoredKey {
        self.0.parts.store(key, facts)
    }

    fn namespace(&mut self, namespace: &str) -> Arc<str> {
        self.0.content.known_namespace(namespace)
    }

    fn value(&mut self, value: &str) -> Arc<str> {
        if value.is_empty() { Arc::clone(&self.0.empty) } else { Arc::from(value) }
    }

    fn holder(&mut self, namespace: &str, name: &str, uid: &str) -> Option<Arc<Holder>> {
        self.0.content.known_holder(namespace, name, uid)
    }
}
