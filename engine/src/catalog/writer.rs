//! The writer's half of the catalog: takes Pods in and appends what changed. It must never compare anything but a Pod with
//! what was known of the same Pod.

use alloc::sync::Arc;
use core::ops::Deref;

use dubbo_k8s_codec::trust::Trust;
use dubbo_k8s_codec::{Pod, PodError};

use super::carriers::Carriers;
use super::change::Changes;
use super::content::Content;
use super::difference::Difference;
use super::entry::{Interner, PodEntry, StoredRecord};
use super::holder::Holder;
use super::key_facts::KeyFacts;
use super::liveness::Liveness;
use super::log::Log;
use super::quota::{Quotas, misjudged};
use super::stored_key::{SharedParts, StoredKey};

/// The registry as it is now. See the [module](super) and [`Changes`].
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
    pub(super) liveness: Liveness,
    pub(super) trust: Arc<Trust>,
    pub(super) content: Content,
    quotas: Quotas,
    pub(super) parts: SharedParts,
    pub(super) empty: Arc<str>,
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
            quotas: Quotas::default(),
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

    pub(super) fn take_in(&mut self, pod: &Pod<'_>, log: &mut Log) {
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

    pub(super) fn let_go(&mut self, pod: &Pod<'_>, log: &mut Log) {
        let held = self.entry(&pod.namespace, &pod.name);
        if held.is_some_and(|held| held.is_removed_with(pod)) {
            self.take_out(&pod.namespace, &pod.name, Some(&pod.resource_version), log);
        }
    }

    pub(super) fn take_in_broken(&mut self, error: &PodError, log: &mut Log) {
        let entry = PodEntry::broken(error, &mut KnownKeys(self));
        self.put(Arc::new(entry), log);
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
    pub(super) fn put(&mut self, entry: Arc<PodEntry>, log: &mut Log) {
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
    pub(super) fn take_out(
        &mut self,
        namespace: &str,
        name: &str,
        version: Option<&str>,
        log: &mut Log,
    ) {
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

    /// Accounts for a Pod that has taken the place of an earlier state of it, has come or has gone.
    fn account(
        &mut self,
        namespace: &Arc<str>,
        old: Option<&PodEntry>,
        new: Option<&PodEntry>,
        log: &mut Log,
    ) {
        if self.quotas.account(&self.trust, namespace, old, new) {
            log.unbalanced.insert(Arc::clone(namespace));
        }
        if new.is_none() && !self.content.namespaces.contains_key(namespace) {
            self.quotas.forget(namespace);
        }
    }

    /// Lets those Pods count for which there is room, where that may have changed.
    fn balance(&mut self, log: &mut Log) {
        for namespace in core::mem::take(&mut log.unbalanced) {
            let Some(pods) = self.content.namespaces.get(&namespace) else { continue };
            for entry in misjudged(&self.trust, pods) {
                self.put(entry, log);
            }
            log.unbalanced.clear();
        }
    }

    /// The same for every namespace of a catalog that is not published.
    pub(super) fn balance_all(&mut self) {
        let mut log = Log::silent();
        log.unbalanced.extend(self.quotas.namespaces().cloned());
        self.balance(&mut log);
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
    pub(super) fn finish(&mut self, mut log: Log, changes: &mut Changes) {
        self.balance(&mut log);
        self.content.revision += u64::from(log.dirty);
        log.report(changes);
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
