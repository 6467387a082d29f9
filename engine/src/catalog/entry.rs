//! What the catalog keeps of one Pod, and how it is read.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::IpAddr;

use dubbo_k8s_codec::dubbo_go::Finding;
use dubbo_k8s_codec::kubernetes::{ANNOTATIONS_LIMIT, LABEL_VALUES};
use dubbo_k8s_codec::problem::Phrase;
use dubbo_k8s_codec::trust::{Distrust, Registrant, Trust, Unbelieved, Usage};
use dubbo_k8s_codec::{Annotation, DecodeError, Found, KeyError, Pod, PodError, Record, encode};

use super::digest::digest;
use super::holder::Holder;
use super::key_facts::{KeyFacts, ReadKey};
use super::keys::ByDigest;
use super::pod_problem::PodProblem;
use super::stored_key::StoredKey;

/// At most this many problems are kept of one Pod; the last one then says that there were more.
const MAX_PROBLEMS: usize = 16;

/// The longest annotation that is kept as it is: what kube-apiserver allows for all annotations of
/// an object together.
const MAX_RAW: usize = ANNOTATIONS_LIMIT;

/// What is known of one Pod: its identity, version, records and problems. It never changes: a Pod
/// that does gets another one.
#[derive(Debug, PartialEq, Eq)]
pub struct PodEntry {
    pub(super) holder: Arc<Holder>,
    pub(super) resource_version: Arc<str>,
    /// In the order of the annotation.
    pub(super) records: Box<[StoredRecord]>,
    pub(super) problems: Box<[DecodeError]>,
    /// Of a Pod with problems only: what cannot be made again from the records.
    raw: Option<Box<str>>,
    /// Its own addresses; none before its kubelet has published them.
    ips: Box<[IpAddr]>,
    /// The value of its label; the usual ones take no room.
    label: Option<Cow<'static, str>>,
    /// Whether it is ready, where that is known.
    ready: Option<bool>,
    /// What its records take.
    pub(super) usage: Usage,
    /// Its namespace is beyond its quota with it: none of its records counts.
    pub(super) over_quota: bool,
}

/// A record whose text is shared with the catalog and with other Pods.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredRecord {
    /// The key.
    pub key: StoredKey,
    /// The value.
    pub value: Arc<str>,
    /// Why it reaches no consumer, if so.
    pub distrust: Option<Distrust>,
}

impl PodEntry {
    /// Who it is.
    pub const fn holder(&self) -> &Arc<Holder> {
        &self.holder
    }

    /// Its version.
    pub fn resource_version(&self) -> &str {
        &self.resource_version
    }

    /// Its records in the order of its annotation, without those that could not be read.
    pub fn records(&self) -> &[StoredRecord] {
        &self.records
    }

    /// Its own addresses; none before its kubelet has published them.
    pub fn ips(&self) -> &[IpAddr] {
        &self.ips
    }

    /// The value of its label `dubbo.io/label`.
    pub fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    /// Whether it is ready, where that is known.
    pub const fn ready(&self) -> Option<bool> {
        self.ready
    }

    /// Whether a record of it counts: it is believed, and there is room for it.
    pub(super) const fn counts(&self, record: &StoredRecord) -> bool {
        !self.over_quota && record.distrust.is_none()
    }

    /// The same Pod, whose records count or do not.
    pub(super) fn with_over_quota(&self, over_quota: bool) -> Self {
        let problems = self.problems.iter().filter(|problem| **problem != over_namespace());
        let mut problems: Vec<_> = problems.cloned().collect();
        if over_quota {
            problems.push(over_namespace());
        }
        Self {
            holder: Arc::clone(&self.holder),
            resource_version: Arc::clone(&self.resource_version),
            records: self.records.clone(),
            problems: problems.into_boxed_slice(),
            // What does not count takes no room either.
            raw: None,
            ips: self.ips.clone(),
            label: self.label.clone(),
            ready: self.ready,
            usage: self.usage,
            over_quota,
        }
    }

    /// What could not be read of it, and what is not believed.
    pub fn problems(&self) -> &[DecodeError] {
        &self.problems
    }

    /// The same, each with the Pod.
    pub fn pod_problems(&self) -> impl Iterator<Item = PodProblem> {
        let problem = |error: &DecodeError| PodProblem {
            holder: Arc::clone(&self.holder),
            error: error.clone(),
        };
        self.problems.iter().map(problem)
    }

    /// Its keys, each once.
    pub(super) fn distinct_keys(&self) -> Vec<&StoredKey> {
        let mut seen = BTreeSet::new();
        let keys = self.records.iter().map(|record| &record.key);
        keys.filter(|key| seen.insert(ByDigest::of(key))).collect()
    }

    /// The annotation: of a Pod with problems as it is (`None` beyond 256 KiB, and where its namespace is beyond its
    /// quota), otherwise as the records are written, which is byte for byte what dubbo-go wrote. `None` if it carries
    /// none.
    pub fn annotation(&self) -> Option<Cow<'_, str>> {
        if !self.problems.is_empty() {
            return self.raw.as_deref().map(Cow::Borrowed);
        }
        if self.records.is_empty() {
            return None;
        }
        let keys: Vec<_> = self.records.iter().map(|record| record.key.to_text()).collect();
        let records = keys.iter().zip(&self.records);
        let records = records.map(|(key, record)| Record { key, value: &record.value });
        Some(Cow::Owned(encode(records)))
    }

    /// Whether the two differ at most in their version.
    pub fn shows_the_same(&self, other: &Self) -> bool {
        self.holder == other.holder
            && self.records == other.records
            && self.problems == other.problems
            && self.raw == other.raw
            && self.ips == other.ips
            && self.label == other.label
            && self.ready == other.ready
            && self.over_quota == other.over_quota
    }
}

/// Finds text that is stored already.
pub(super) trait Interner {
    /// The stored key of this digest, which has been checked when it was stored.
    fn key(&mut self, digest: u64, key: &str) -> Option<StoredKey>;
    /// Stores a key that has been read.
    fn store(&mut self, key: &str, facts: KeyFacts) -> StoredKey;
    fn namespace(&mut self, namespace: &str) -> Arc<str>;
    fn value(&mut self, value: &str) -> Arc<str>;
    fn holder(&mut self, namespace: &str, name: &str, uid: &str) -> Option<Arc<Holder>>;
}

impl PodEntry {
    /// Reads a live Pod, of which an earlier version may be known.
    pub(super) fn read(
        pod: &Pod<'_>,
        earlier: Option<&Self>,
        trust: &Trust,
        interner: &mut impl Interner,
    ) -> Self {
        // A server knows the addresses of its Pods: where it names none, there are none.
        let ips = &*pod.ips;
        let over_quota = earlier.is_some_and(|earlier| earlier.over_quota);
        let reader = AnnotationReader {
            trust,
            pod: Registrant { namespace: &pod.namespace, ips: Some(ips) },
            same_ips: earlier.is_some_and(|earlier| *earlier.ips == *ips),
            interner,
            records: Vec::new(),
            problems: Vec::new(),
            usage: Usage::default(),
        };
        let (records, mut problems, mut usage) =
            reader.read(pod.annotation.as_deref(), Earlier::of(earlier));
        // Of a Pod with problems the annotation takes room as it is, whether it is kept or not.
        let raw = pod.annotation.as_deref();
        let raw = raw.filter(|raw| !problems.is_empty() && raw.len() <= MAX_RAW);
        usage.bytes = usage.bytes.max(raw.map_or(0, str::len));
        let raw = raw.filter(|_| !over_quota).map(Box::from);
        if over_quota {
            problems.push(over_namespace());
        }
        Self {
            holder: holder(&pod.namespace, &pod.name, &pod.uid, interner),
            resource_version: Arc::from(&*pod.resource_version),
            records: records.into_boxed_slice(),
            problems: problems.into_boxed_slice(),
            raw,
            ips: ips.into(),
            label: pod.label.as_deref().map(label),
            ready: pod.ready,
            usage,
            over_quota,
        }
    }

    /// A Pod that could not be read, as far as its identity is known.
    pub(super) fn broken(error: &PodError, interner: &mut impl Interner) -> Self {
        let text = |text: &Option<Box<str>>| Arc::<str>::from(text.as_deref().unwrap_or_default());
        let (namespace, name, uid) = (text(&error.namespace), text(&error.name), text(&error.uid));
        Self {
            holder: holder(&namespace, &name, &uid, interner),
            resource_version: text(&error.resource_version),
            records: Box::default(),
            problems: Box::new([DecodeError::from(error)]),
            raw: None,
            ips: Box::default(),
            label: None,
            ready: None,
            usage: Usage::default(),
            over_quota: false,
        }
    }

    /// Whether this is the Pod that is gone when that one is.
    pub(super) fn is_removed_with(&self, pod: &Pod<'_>) -> bool {
        *self.holder.uid == *pod.uid || self.holder.uid.is_empty()
    }

    /// Whether this is exactly that Pod in that version.
    pub(super) fn is_of(&self, pod: &Pod<'_>) -> bool {
        !pod.resource_version.is_empty()
            && *self.resource_version == *pod.resource_version
            && *self.holder.uid == *pod.uid
    }
}

fn label(value: &str) -> Cow<'static, str> {
    let known = LABEL_VALUES.iter().find(|known| **known == value);
    known.map_or_else(|| Cow::Owned(value.into()), |known| Cow::Borrowed(*known))
}

fn holder(namespace: &str, name: &str, uid: &str, interner: &mut impl Interner) -> Arc<Holder> {
    interner.holder(namespace, name, uid).unwrap_or_else(|| {
        let namespace = interner.namespace(namespace);
        Arc::new(Holder { namespace, pod: Arc::from(name), uid: Arc::from(uid) })
    })
}

/// The records that a Pod carried before. Nearly all of them come again, most in the same order.
struct Earlier<'a> {
    records: &'a [StoredRecord],
    /// Where the next one is looked for first.
    next: usize,
}

/// Records further away than this from where they are looked for are found like those of others.
const NEAR: usize = 16;

impl<'a> Earlier<'a> {
    fn of(pod: Option<&'a PodEntry>) -> Self {
        Self { records: pod.map_or(&[], |pod| &pod.records), next: 0 }
    }

    /// The record with a key of this digest and text, if it is near.
    fn find(&mut self, digest: u64, key: &str) -> Option<&'a StoredRecord> {
        let (behind, ahead) = self.records.split_at_checked(self.next)?;
        let near = ahead.iter().chain(behind).take(NEAR);
        let is_it = |record: &&StoredRecord| {
            record.key.digest() == digest && record.key.cmp_text(key).is_eq()
        };
        let (steps, record) = near.enumerate().find(|(_, record)| is_it(record))?;
        self.next = (self.next + steps + 1) % self.records.len();
        Some(record)
    }
}

/// Reads the annotation of one Pod into records and problems.
struct AnnotationReader<'a, I> {
    trust: &'a Trust,
    pod: Registrant<'a>,
    /// The Pod had the same addresses before, so what was believed of it is.
    same_ips: bool,
    interner: &'a mut I,
    records: Vec<StoredRecord>,
    problems: Vec<DecodeError>,
    usage: Usage,
}

impl<I: Interner> AnnotationReader<'_, I> {
    fn read(
        mut self,
        value: Option<&str>,
        mut earlier: Earlier<'_>,
    ) -> (Vec<StoredRecord>, Vec<DecodeError>, Usage) {
        match value.map(|value| (value, Annotation::decode(value))) {
            None => {}
            Some((_, Err(error))) => self.problems.push(error),
            Some((value, Ok(annotation))) => {
                self.records.reserve_exact(annotation.records().len());
                for (index, record) in annotation.records().enumerate() {
                    let place = Place { annotation: &annotation, value, index };
                    let mut usage = self.usage;
                    usage.add(record.key, record.value);
                    if !self.trust.pod.holds(&usage) {
                        push(&mut self.problems, || place.unbelieved(over_quota()));
                        break;
                    }
                    self.usage = usage;
                    self.record(record, &mut earlier, &place);
                }
            }
        }
        (self.records, self.problems, self.usage)
    }

    fn record(&mut self, record: Record<'_>, earlier: &mut Earlier<'_>, place: &Place<'_>) {
        let digest = digest(record.key);
        let found = earlier.find(digest, record.key);
        let key = found.map(|found| found.key.clone());
        let mut read = None;
        let key = match key.or_else(|| self.interner.key(digest, record.key)) {
            Some(key) => key,
            None => match ReadKey::read(record.key) {
                Ok(new) => {
                    let key = self.interner.store(record.key, KeyFacts::of(&new, self.trust));
                    read = Some(new);
                    key
                }
                Err(fault) => return push(&mut self.problems, || place.fault(&fault)),
            },
        };
        if let Some(refused) = key.facts().refusal() {
            push(&mut self.problems, || place.refused_by_dubbo_go(refused));
        }
        let was_believed = self.same_ips && found.is_some_and(|found| found.distrust.is_none());
        let is_judged = key.facts().is_claim() && !was_believed;
        if is_judged || key.facts().weight_limit().is_some() {
            read = read.or_else(|| ReadKey::read(record.key).ok());
        }
        let read = read.as_ref();
        let unbelieved =
            read.filter(|_| is_judged).and_then(|it| it.unbelieved(self.trust, &self.pod));
        let overweight = read.filter(|_| key.facts().weight_limit().is_some());
        let overweight = overweight.and_then(|it| it.overweight(self.trust));
        for unbelieved in unbelieved.into_iter().chain(overweight) {
            push(&mut self.problems, || place.unbelieved(unbelieved));
        }
        let same = found.filter(|found| *found.value == *record.value);
        let value =
            same.map_or_else(|| self.interner.value(record.value), |it| Arc::clone(&it.value));
        self.records.push(StoredRecord {
            key,
            value,
            distrust: unbelieved.map(|unbelieved| unbelieved.distrust),
        });
    }
}

/// Where a record stands: problems name the place in the annotation.
struct Place<'a> {
    annotation: &'a Annotation,
    value: &'a str,
    index: usize,
}

impl Place<'_> {
    fn in_key(&self, offset: usize) -> (usize, Option<usize>) {
        self.annotation.place_in_key(self.value, self.index, offset)
    }

    fn fault(&self, fault: &KeyError) -> DecodeError {
        let (offset, decoded_offset) = self.in_key(fault.offset);
        DecodeError::new(fault.stage, offset, decoded_offset, fault.expected, fault.found)
    }

    fn unbelieved(&self, unbelieved: Unbelieved) -> DecodeError {
        let (offset, decoded_offset) = self.in_key(unbelieved.offset);
        DecodeError::of_unbelieved(unbelieved, offset, decoded_offset)
    }

    /// The record counts all the same: other readers take it.
    fn refused_by_dubbo_go(&self, refused: Finding) -> DecodeError {
        let (offset, decoded_offset) = self.in_key(refused.offset);
        let key = self.annotation.records().nth(self.index).map_or("", |record| record.key);
        let found =
            key.as_bytes().get(refused.offset).map_or(Found::End, |byte| Found::Byte(*byte));
        DecodeError::of_dubbo_go(refused.reason, offset, decoded_offset, found)
    }
}

/// That there is more than the Pod may register, at the first record that is too many.
const fn over_quota() -> Unbelieved {
    Unbelieved { distrust: Distrust::OverQuota, offset: 0, found: Phrase::More }
}

/// That there is no room for the Pod in its namespace.
const fn over_namespace() -> DecodeError {
    DecodeError::of_unbelieved(over_quota(), 0, None)
}

fn push(problems: &mut Vec<DecodeError>, problem: impl FnOnce() -> DecodeError) {
    if problems.len() + 1 < MAX_PROBLEMS {
        problems.push(problem());
    } else if problems.len() < MAX_PROBLEMS {
        let mut last = problem();
        (last.expected, last.found) = (Phrase::NoMoreUnreadable, Found::Thing(Phrase::More));
        (last.reason, last.distrust) = (None, None);
        problems.push(last);
    }
}
