//! What a catalog answers with: the exact difference between before and after.

use alloc::collections::BTreeMap;
use alloc::string::ToString as _;
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::difference::Difference;
use super::keys::ByDigest;
use super::{Holder, PodEntry, PodProblem, StoredKey};
use dubbo_k8s_codec::Key;
use dubbo_k8s_codec::Service;
use dubbo_k8s_codec::Url;

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
pub struct Change {
    /// What happened.
    pub kind: ChangeKind,
    /// The key of the record.
    pub key: Arc<str>,
    /// Its value; for a removed key the last one.
    pub value: Arc<str>,
    /// The Pod that caused it.
    pub holder: Arc<Holder>,
    /// The version of that Pod.
    pub resource_version: Arc<str>,
}

impl Serialize for Change {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let key = Key::parse(&self.key).ok();
        let url = key.as_ref().and_then(|key| key.url.as_deref());
        let parsed = url.and_then(|url| Url::parse(url).ok());
        let interface = key.as_ref().and_then(|key| key.interface.as_deref());
        let service = match &parsed {
            Some(url) => Some(url.service()),
            None => interface.map(Service::new),
        };
        let category =
            key.as_ref().and_then(|key| key.category).map(dubbo_k8s_codec::Category::as_str);
        let mut object = serializer.serialize_struct("Change", 10)?;
        object.serialize_field("event", self.kind.as_str())?;
        object.serialize_field("key", &*self.key)?;
        object.serialize_field("value", &*self.value)?;
        object.serialize_field("category", &category)?;
        object.serialize_field("service", &service.map(|service| service.to_string()))?;
        object.serialize_field("url", &url)?;
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

/// One Pod that came, went, or is not as it was, in whatever way: for those who keep a picture of
/// the whole catalog beside it. Pods whose version alone has changed are among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodChange {
    /// What was known of it before.
    pub before: Option<Arc<PodEntry>>,
    /// What is known of it now.
    pub after: Option<Arc<PodEntry>>,
}

impl PodChange {
    /// The keys that the Pod carries now and did not, or with another value (true), and those that
    /// it does not carry any more (false), each once.
    pub fn keys(&self) -> impl Iterator<Item = (&StoredKey, bool)> {
        let [before, after] =
            [&self.before, &self.after].map(|pod| pod.as_ref().map_or(&[][..], |pod| &pod.records));
        let Difference { gone, come } = Difference::between(before, after);
        let gone = gone.into_iter().map(|record| (&record.key, false));
        gone.chain(come.into_iter().map(|record| (&record.key, true)))
    }
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
    /// The catalog was empty, and everything in it is new: see [`Catalog::everything`](super::Catalog::everything). Only where
    /// that is asked for, by [`in_bulk`](Self::in_bulk); and then nothing of it is told one by one.
    pub filled: bool,
    bulk: bool,
}

impl Changes {
    /// For those who read the first list of all from the catalog, and need not be told each key of it.
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
        self.filled = false;
    }

    /// Whether nothing changed that is worth telling: neither a key nor a problem.
    pub const fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.problems.is_empty() && !self.filled
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

/// Appends the net effect of the transitions of one step. A key that went in between is told as
/// removed and added: that is a Pod replaced by another one of its name.
pub(super) fn emit(transitions: Vec<Transition>, changes: &mut Vec<Change>) {
    // A key that comes twice was there before the second time, or went in between.
    if transitions.iter().all(|transition| transition.before.is_none()) {
        changes.extend(transitions.into_iter().filter_map(|only| change(only, None)));
        return;
    }
    let mut last = BTreeMap::new();
    let mut befores: Vec<Option<Option<Arc<str>>>> = Vec::with_capacity(transitions.len());
    for (index, transition) in transitions.iter().enumerate() {
        let previous = last.insert(ByDigest::of(&transition.key), index);
        let previous = previous.filter(|_| transition.before.is_some());
        let before = previous.and_then(|previous| befores.get_mut(previous)?.take());
        befores.push(Some(before.unwrap_or_else(|| transition.before.clone())));
    }
    for (transition, before) in transitions.into_iter().zip(befores) {
        if let Some(before) = before {
            changes.extend(change(transition, before));
        }
    }
}

/// The change from `before` to where the last transition of a key led.
fn change(last: Transition, before: Option<Arc<str>>) -> Option<Change> {
    if before == last.after {
        return None;
    }
    let kind = match (&before, &last.after) {
        (None, _) => ChangeKind::Added,
        (Some(_), Some(_)) => ChangeKind::Updated,
        (Some(_), None) => ChangeKind::Removed,
    };
    Some(Change {
        kind,
        key: last.key.to_shared(),
        value: last.after.or(before)?,
        holder: last.holder,
        resource_version: last.resource_version,
    })
}
