//! A map from keys, made for finding them: keys are long and begin alike, so they are ordered by a digest
//! first, and by their text only where digests are equal. A copy is cheap: copies share what is equal.
//!
//! Keys that are made up to have equal digests cost comparisons of text, and nothing more: finding one
//! still takes a number of steps that is logarithmic.

use core::borrow::Borrow;
use core::cmp::Ordering;

use imbl::OrdMap;

use super::stored_key::StoredKey;

/// A persistent map from keys, in the order of their digests.
#[derive(Clone, Debug)]
pub(super) struct KeyMap<V>(OrdMap<ByDigest, V>);

impl<V: Clone> KeyMap<V> {
    pub(super) fn new() -> Self {
        Self(OrdMap::new())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key of this text, whose digest this is, as it is stored, if it is there.
    pub(super) fn key(&self, digest: u64, text: &str) -> Option<&StoredKey> {
        let probe = Probe { digest, text };
        self.0.get_key_value(&probe as &dyn Digested).map(|(ByDigest(_, key), _)| key)
    }

    pub(super) fn get(&self, key: &StoredKey) -> Option<&V> {
        self.0.get(key as &dyn Digested)
    }

    pub(super) fn get_mut(&mut self, key: &StoredKey) -> Option<&mut V> {
        self.0.get_mut(key as &dyn Digested)
    }

    pub(super) fn remove(&mut self, key: &StoredKey) -> Option<V> {
        self.0.remove(key as &dyn Digested)
    }

    pub(super) fn insert(&mut self, key: &StoredKey, value: V) {
        self.0.insert(ByDigest::of(key), value);
    }

    /// The keys, in no order that means anything.
    pub(super) fn keys(&self) -> impl Iterator<Item = &StoredKey> {
        self.0.keys().map(|ByDigest(_, key)| key)
    }

    /// Everything, in no order that means anything.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&StoredKey, &V)> {
        self.0.iter().map(|(ByDigest(_, key), value)| (key, value))
    }
}

/// A key, ordered by its digest.
#[derive(Clone, Debug)]
pub(super) struct ByDigest(u64, StoredKey);

impl ByDigest {
    pub(super) fn of(key: &StoredKey) -> Self {
        Self(key.digest(), key.clone())
    }
}

/// A key to look for.
struct Probe<'a> {
    digest: u64,
    text: &'a str,
}

/// What is compared, for owned and for borrowed text.
trait Digested {
    fn digest(&self) -> u64;
    fn text(&self) -> Text<'_>;
}

enum Text<'a> {
    Plain(&'a str),
    Stored(&'a StoredKey),
}

impl Digested for ByDigest {
    fn digest(&self) -> u64 {
        self.0
    }

    fn text(&self) -> Text<'_> {
        Text::Stored(&self.1)
    }
}

impl Digested for StoredKey {
    fn digest(&self) -> u64 {
        Self::digest(self)
    }

    fn text(&self) -> Text<'_> {
        Text::Stored(self)
    }
}

impl Digested for Probe<'_> {
    fn digest(&self) -> u64 {
        self.digest
    }

    fn text(&self) -> Text<'_> {
        Text::Plain(self.text)
    }
}

impl<'a> Borrow<dyn Digested + 'a> for ByDigest {
    fn borrow(&self) -> &(dyn Digested + 'a) {
        self
    }
}

impl Ord for dyn Digested + '_ {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_text = || match (self.text(), other.text()) {
            (Text::Plain(a), Text::Plain(b)) => a.cmp(b),
            (Text::Stored(a), Text::Stored(b)) => a.cmp(b),
            (Text::Stored(a), Text::Plain(b)) => a.cmp_text(b),
            (Text::Plain(a), Text::Stored(b)) => b.cmp_text(a).reverse(),
        };
        self.digest().cmp(&other.digest()).then_with(by_text)
    }
}

impl PartialOrd for dyn Digested + '_ {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for dyn Digested + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for dyn Digested + '_ {}

impl Ord for ByDigest {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0).then_with(|| self.1.cmp(&other.1))
    }
}

impl PartialOrd for ByDigest {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ByDigest {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for ByDigest {}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::vec::Vec;

    use super::super::digest::digest;
    use super::*;

    #[test]
    fn keys_are_found_by_key_and_by_text() {
        let mut map = KeyMap::new();
        let texts: Vec<_> = (0..500).map(|n| format!("/dubbo/a.B{n}")).collect();
        let keys: Vec<StoredKey> = texts.iter().map(|text| StoredKey::from(&**text)).collect();
        for (n, key) in keys.iter().enumerate() {
            assert!(map.get(key).is_none(), "{key} twice");
            map.insert(key, n);
        }
        for (n, key) in keys.iter().enumerate() {
            assert_eq!(map.get(key), Some(&n));
            assert_eq!(map.key(digest(&texts[n]), &texts[n]), Some(key));
        }
        assert_eq!((map.remove(&keys[7]), map.get(&keys[7]), map.len()), (Some(7), None, 499));
        assert_eq!(map.key(digest("/dubbo"), "/dubbo"), None);
    }
}
