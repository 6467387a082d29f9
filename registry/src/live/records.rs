//! The records of a state, in the order of their keys: a persistent map whose keys take little room
//! and can be looked for by text that nobody stores.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::ops::Bound;

use dubbo_k8s_engine::catalog::StoredKey;
use imbl::OrdMap;

use super::record::Record;

/// A copy is cheap.
#[derive(Debug, Clone, Default)]
pub(super) struct Records(OrdMap<Keyed, Record>);

impl Records {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn get(&self, key: &str) -> Option<&Record> {
        self.0.get(&key as &dyn Text)
    }

    pub(super) fn get_mut(&mut self, key: &StoredKey) -> Option<&mut Record> {
        self.0.get_mut(key as &dyn Text)
    }

    pub(super) fn insert(&mut self, key: &StoredKey, record: Record) {
        self.0.insert(Keyed(key.clone()), record);
    }

    pub(super) fn remove(&mut self, key: &StoredKey) {
        self.0.remove(key as &dyn Text);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&StoredKey, &Record)> {
        self.0.iter().map(|(Keyed(key), record)| (key, record))
    }

    /// The text of the first key from a text on.
    pub(super) fn next_key(&self, start: Bound<&str>) -> Option<String> {
        self.from(start).next().map(|(key, _)| key.to_text())
    }

    /// Those from a text on.
    pub(super) fn from(&self, start: Bound<&str>) -> impl Iterator<Item = (&StoredKey, &Record)> {
        let start = match &start {
            Bound::Included(text) => Bound::Included(text as &dyn Text),
            Bound::Excluded(text) => Bound::Excluded(text as &dyn Text),
            Bound::Unbounded => Bound::Unbounded,
        };
        let range = self.0.range::<_, dyn Text>((start, Bound::Unbounded));
        range.map(|(Keyed(key), record)| (key, record))
    }
}

/// A key in the order of its text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Keyed(StoredKey);

/// What keys are compared with: other keys, and texts.
trait Text {
    fn compare(&self, key: &StoredKey) -> Ordering;
    fn key(&self) -> Option<&StoredKey>;
    fn text(&self) -> Option<&str>;
}

impl Text for StoredKey {
    fn compare(&self, key: &StoredKey) -> Ordering {
        self.cmp(key)
    }

    fn key(&self) -> Option<&StoredKey> {
        Some(self)
    }

    fn text(&self) -> Option<&str> {
        None
    }
}

impl Text for Keyed {
    fn compare(&self, key: &StoredKey) -> Ordering {
        self.0.cmp(key)
    }

    fn key(&self) -> Option<&StoredKey> {
        Some(&self.0)
    }

    fn text(&self) -> Option<&str> {
        None
    }
}

impl Text for &str {
    fn compare(&self, key: &StoredKey) -> Ordering {
        key.cmp_text(self).reverse()
    }

    fn key(&self) -> Option<&StoredKey> {
        None
    }

    fn text(&self) -> Option<&str> {
        Some(self)
    }
}

impl<'a> Borrow<dyn Text + 'a> for Keyed {
    fn borrow(&self) -> &(dyn Text + 'a) {
        self
    }
}

impl Ord for dyn Text + '_ {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.key(), other.key()) {
            (_, Some(key)) => self.compare(key),
            (Some(key), None) => other.compare(key).reverse(),
            (None, None) => self.text().cmp(&other.text()),
        }
    }
}

impl PartialOrd for dyn Text + '_ {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for dyn Text + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for dyn Text + '_ {}
