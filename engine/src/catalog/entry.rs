//! What the catalog keeps of one Pod, and how it is read.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;

use dubbo_k8s_codec::dubbo_go::Finding;
use dubbo_k8s_codec::kubernetes::ANNOTATIONS_LIMIT;
use dubbo_k8s_codec::problem::Phrase;
use dubbo_k8s_codec::{Annotation, DecodeError, Found, Pod, PodError, Record, encode};

use super::digest::digest;
use super::key_facts::{KeyFacts, KeyFault};
use super::keys::ByDigest;
use super::{Holder, PodProblem, StoredKey};

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
}

/// A record whose text is shared with the catalog and with other Pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecord {
    /// The key.
    pub key: StoredKey,
    /// The value.
    pub value: Arc<str>,
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

    /// What could not be read of it.
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

    /// The annotation: of a Pod with problems as it is (`None` beyond 256 KiB), otherwise as the
    /// records are written, which is byte for byte what dubbo-go wrote. `None` if it carries none.
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
        interner: &mut impl Interner,
    ) -> Self {
        let earlier = Earlier::of(earlier);
        let (records, problems) = match pod.annotation.as_deref() {
            Some(annotation) => read_annotation(annotation, earlier, interner),
            None => (Vec::new(), Vec::new()),
        };
        let raw = pod.annotation.as_deref();
        let raw = raw.filter(|raw| !problems.is_empty() && raw.len() <= MAX_RAW).map(Box::from);
        Self {
            holder: holder(&pod.namespace, &pod.name, &pod.uid, interner),
            resource_version: Arc::from(&*pod.resource_version),
            records: records.into_boxed_slice(),
            problems: problems.into_boxed_slice(),
            raw,
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

fn read_annotation(
    value: &str,
    mut earlier: Earlier<'_>,
    interner: &mut impl Interner,
) -> (Vec<StoredRecord>, Vec<DecodeError>) {
    let annotation = match Annotation::decode(value) {
        Ok(annotation) => annotation,
        Err(error) => return (Vec::new(), Vec::from([error])),
    };
    let mut records = Vec::with_capacity(annotation.records().len());
    let mut problems = Vec::new();
    for (index, record) in annotation.records().enumerate() {
        let digest = digest(record.key);
        let found = earlier.find(digest, record.key);
        let key = found.map(|found| found.key.clone());
        let key = match key.or_else(|| interner.key(digest, record.key)) {
            Some(key) => key,
            None => match KeyFacts::read(record.key) {
                Ok(facts) => interner.store(record.key, facts),
                Err(fault) => {
                    push(&mut problems, || placed(&fault, &annotation, value, index));
                    continue;
                }
            },
        };
        if let Some(refused) = key.facts().refusal() {
            push(&mut problems, || refused_by_dubbo_go(refused, &annotation, value, index));
        }
        let same = found.filter(|found| *found.value == *record.value);
        let value = same.map_or_else(|| interner.value(record.value), |it| Arc::clone(&it.value));
        records.push(StoredRecord { key, value });
    }
    (records, problems)
}

fn placed(fault: &KeyFault, annotation: &Annotation, value: &str, index: usize) -> DecodeError {
    let (offset, decoded_offset) = annotation.place_in_key(value, index, fault.offset);
    DecodeError::new(fault.stage, offset, decoded_offset, fault.expected, fault.found)
}

/// The record counts all the same: other readers take it.
fn refused_by_dubbo_go(
    refused: Finding,
    annotation: &Annotation,
    value: &str,
    index: usize,
) -> DecodeError {
    let (offset, decoded_offset) = annotation.place_in_key(value, index, refused.offset);
    let key = annotation.records().nth(index).map_or("", |record| record.key);
    let found = key.as_bytes().get(refused.offset).map_or(Found::End, |byte| Found::Byte(*byte));
    DecodeError::of_dubbo_go(refused.reason, offset, decoded_offset, found)
}

fn push(problems: &mut Vec<DecodeError>, problem: impl FnOnce() -> DecodeError) {
    if problems.len() + 1 < MAX_PROBLEMS {
        problems.push(problem());
    } else if problems.len() < MAX_PROBLEMS {
        let mut last = problem();
        (last.expected, last.found) = (Phrase::NoMoreUnreadable, Found::Thing(Phrase::More));
        last.reason = None;
        problems.push(last);
    }
}
