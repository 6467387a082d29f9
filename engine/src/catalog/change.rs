//! What a catalog answers with: the exact difference between before and after.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::ToString as _;
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::{Serialize, Serializer, ser::SerializeStruct};

use dubbo_k8s_codec::trust;
use dubbo_k8s_codec::{Category, Key, Service, Url};

use super::holder::Holder;
use super::key_facts::KeyFacts;
use super::keys::ByDigest;
use super::pod_problem::PodProblem;
use super::stored_key::StoredKey;

/// What happened to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    /// The first live Pod carries it.
    Added,
    /// Its value is another one now.
    Updated,
    /// The last live Pod that carried it no longer does.
    Removed,
}

impl ChangeKind {
    /// The name in JSON: `added`, `updated` or `removed`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Updated => "updated",
            Self::Removed => "removed",
        }
    }
}

/// One change of one key.
///
/// Serialises as a line of `watch -o jsonl`: `{"event","key","value","category","service","url",
/// "namespace","pod","uid","resourceVersion"}`; what a directory key does not have is null.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// What happened.
    pub kind: ChangeKind,
    /// The key of the record.
    pub key: Arc<str>,
    /// What the reader of the key learned of it.
    pub facts: Arc<KeyFacts>,
    /// Its value; for a removed key the last one.
    pub value: Arc<str>,
    /// The Pod that caused it.
    pub holder: Arc<Holder>,
    /// The version of that Pod.
    pub resource_version: Arc<str>,
}

impl Change {
    /// A change of a key by a Pod in a version.
    pub fn new(
        kind: ChangeKind,
        key: &StoredKey,
        value: &Arc<str>,
        holder: &Arc<Holder>,
        resource_version: &Arc<str>,
    ) -> Self {
        Self {
            kind,
            key: key.to_shared(),
            facts: Arc::clone(key.facts()),
            value: Arc::clone(value),
            holder: Arc::clone(holder),
            resource_version: Arc::clone(resource_version),
        }
    }

    /// The URL, unescaped, with no weight larger than what counts; `None` for a directory key.
    pub fn url(&self) -> Option<Cow<'_, str>> {
        self.facts.leaf_category()?;
        let url = Key::parse(&self.key).ok()?.url?;
        let Some(limit) = self.facts.weight_limit() else { return Some(url) };
        let mut url = Url::parse(url).ok()?;
        trust::cap(&mut url, limit);
        Some(url.to_string().into())
    }
}

impl Serialize for Change {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Change", 10)?;
        object.serialize_field("event", self.kind.as_str())?;
        object.serialize_field("key", &*self.key)?;
        object.serialize_field("value", &*self.value)?;
        object.serialize_field("category", &self.facts.category().map(Category::as_str))?;
        object.serialize_field("service", &self.facts.service().map(Service::to_string))?;
        object.serialize_field("url", &self.url())?;
        object.serialize_field("namespace", &*self.holder.namespace)?;
        object.serialize_field("pod", &*self.holder.pod)?;
        object.serialize_field("uid", &*self.holder.uid)?;
        object.serialize_field("resourceVersion", &*self.resource_version)?;
        object.end()
    }
}

/// What happened to a problem. One that is replaced is cleared and another one raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProblemKind {
    /// It is there now.
    Raised,
    /// It is no longer there.
    Cleared,
}

/// One problem that came or went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProblemChange {
    /// Came or went.
    pub kind: ProblemKind,
    /// The problem.
    pub problem: PodProblem,
}

/// One Pod that came, went, or is not as it was, in whatever way. Pods whose version alone has changed are
/// among them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PodChange {
    /// Which Pod.
    pub holder: Arc<Holder>,
    /// The keys that it carries now and did not, or does not carry any more, as far as no [`Change`] of
    /// the same step names them: another Pod carries them too.
    pub keys: Box<[StoredKey]>,
    /// The content is different though no [`Change`] of the step says so: `keys`, or the order of
    /// the Pod's records, or that it is there.
    pub is_unannounced: bool,
}

/// Where a catalog appends what changed. Made to be used again: take what is in it, or
/// [`clear`](Self::clear) it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Changes of keys, in order. One step never names a key twice, except that a Pod that was
    /// replaced by another one of its name is removed first and then added.
    pub changes: Vec<Change>,
    /// Problems that came and went.
    pub problems: Vec<ProblemChange>,
    /// Pods that came, went, or are not as they were.
    pub pods: Vec<PodChange>,
    /// The catalog was empty, and everything in it is new: see [`Content::everything`](super::Content::everything). Only where
    /// that is asked for, by [`in_bulk`](Self::in_bulk); and then it has no change for each key.
    pub first_list: bool,
    bulk: bool,
}

impl Changes {
    /// For callers that read the first list from the catalog and need no change for each key.
    pub fn in_bulk() -> Self {
        Self { bulk: true, ..Self::default() }
    }

    pub(super) const fn is_bulk(&self) -> bool {
        self.bulk
    }

    /// Forgets all changes and keeps the memory for the next ones.
    pub fn clear(&mut self) {
        self.changes.clear();
        self.problems.clear();
        self.pods.clear();
        self.first_list = false;
    }

    /// Whether nothing changed that subscribers see: neither a key nor a problem.
    pub const fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.problems.is_empty() && !self.first_list
    }
}

/// A key going from one value to another within a step; absent is none.
pub(super) struct Transition {
    pub(super) key: StoredKey,
    pub(super) before: Option<Arc<str>>,
    pub(super) after: Option<Arc<str>>,
    pub(super) holder: Arc<Holder>,
    pub(super) resource_version: Arc<str>,
}

/// Appends the net effect of the transitions of one step, and gives the keys it names. A key that went in
/// between is removed and added: that is a Pod replaced by another one of its name.
pub(super) fn emit(transitions: Vec<Transition>, changes: &mut Vec<Change>) -> BTreeSet<ByDigest> {
    let mut last = BTreeMap::new();
    let mut befores: Vec<Option<Option<Arc<str>>>> = Vec::with_capacity(transitions.len());
    for (index, transition) in transitions.iter().enumerate() {
        let previous = last.insert(ByDigest::of(&transition.key), index);
        let previous = previous.filter(|_| transition.before.is_some());
        let before = previous.and_then(|previous| befores.get_mut(previous)?.take());
        befores.push(Some(before.unwrap_or_else(|| transition.before.clone())));
    }
    let mut named = BTreeSet::new();
    for (transition, before) in transitions.into_iter().zip(befores) {
        let Some(before) = before else { continue };
        if let Some(change) = change(&transition, before.as_ref()) {
            changes.push(change);
            named.insert(ByDigest::of(&transition.key));
        }
    }
    named
}

/// The change from `before` to where the last transition of a key led.
fn change(last: &Transition, before: Option<&Arc<str>>) -> Option<Change> {
    if before == last.after.as_ref() {
        return None;
    }
    let kind = match (before, &last.after) {
        (None, _) => ChangeKind::Added,
        (Some(_), Some(_)) => ChangeKind::Updated,
        (Some(_), None) => ChangeKind::Removed,
    };
    let value = last.after.as_ref().or(before)?;
    Some(Change::new(kind, &last.key, value, &last.holder, &last.resource_version))
}
