//! A map from keys, made for finding them: keys are long and begin alike, so they are ordered by
//! a digest first, and by their text only where digests are equal.
//!
//! Keys that somebody makes up to have equal digests cost comparisons of text, and nothing more:
//! finding one still takes a number of steps that is logarithmic.

use alloc::collections::{BTreeMap, btree_map};
use alloc::vec::Vec;
use core::borrow::Borrow;
use core::cmp::Ordering;

use super::stored_key::StoredKey;

/// A map from keys. It has no order to speak of; see [`sorted`](Self::sorted).
#[derive(Clone, Debug)]
pub(super) struct KeyMap<V>(BTreeMap<ByDigest, V>);

impl<V> KeyMap<V> {
    pub(super) const fn new() -> Self {
        Self(BTreeMap::new())
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

    /// The value of a key, or a place for it.
    pub(super) fn entry(&mut self, key: &StoredKey) -> Entry<'_, V> {
        match self.0.entry(ByDigest::of(key)) {
            btree_map::Entry::Occupied(occupied) => Entry::Occupied(occupied.into_mut()),
            btree_map::Entry::Vacant(vacant) => Entry::Vacant(Vacant(vacant)),
        }
    }

    /// Everything, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&StoredKey, &V)> {
        self.0.iter().map(|(ByDigest(_, key), value)| (key, value))
    }

    /// Everything, in the order of the keys.
    pub(super) fn sorted(&self) -> Vec<(&StoredKey, &V)> {
        let mut all: Vec<_> = self.iter().collect();
        all.sort_unstable_by_key(|(key, _)| *key);
        all
    }
}

/// A place in the map.
pub(super) enum Entry<'a, V> {
    Occupied(&'a mut V),
    Vacant(Vacant<'a, V>),
}

/// A place that is free.
pub(super) struct Vacant<'a, V>(btree_map::VacantEntry<'a, ByDigest, V>);

impl<V> Vacant<'_, V> {
    pub(super) fn insert(self, value: V) {
        self.0.insert(value);
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

/// What is compared, whoever owns the text.
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

/// Not for secrets: it only has to tell apart the keys of honest people quickly.
pub(crate) fn digest(text: &str) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |sum: u64, word: [u8; 8]| {
        (sum ^ u64::from_le_bytes(word)).wrapping_mul(FACTOR).rotate_left(29)
    };
    // Two sums, because each step of one has to wait for the step before.
    let (mut one, mut two) = (text.len() as u64, FACTOR);
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    let (pairs, single) = words.as_chunks::<2>();
    for &[first, second] in pairs {
        (one, two) = (mix(one, first), mix(two, second));
    }
    let mut last = [0; 8];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    one = single.iter().fold(one, |sum, &word| mix(sum, word));
    two = mix(two, last);
    let sum = (one ^ two.rotate_left(32)).wrapping_mul(FACTOR);
    sum ^ sum >> 32
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn keys_are_found_and_come_sorted() {
        let mut map = KeyMap::new();
        let texts: Vec<_> = (0..500).map(|n| format!("/dubbo/a.B{n}")).collect();
        let keys: Vec<StoredKey> = texts.iter().map(|text| StoredKey::from(&**text)).collect();
        for (n, key) in keys.iter().enumerate() {
            match map.entry(key) {
                Entry::Vacant(vacant) => vacant.insert(n),
                Entry::Occupied(_) => panic!("{key} twice"),
            }
        }
        for (n, key) in keys.iter().enumerate() {
            assert_eq!(map.get(key), Some(&n));
            assert_eq!(map.key(digest(&texts[n]), &texts[n]), Some(key));
            assert!(matches!(map.entry(key), Entry::Occupied(value) if *value == n));
        }
        assert!(map.sorted().is_sorted_by_key(|(key, _)| key.to_text()));
        assert_eq!((map.remove(&keys[7]), map.get(&keys[7]), map.len()), (Some(7), None, 499));
        assert_eq!(map.key(digest("/dubbo"), "/dubbo"), None);
    }

    #[test]
    fn digests_tell_apart_what_differs_anywhere() {
        let text = "/dubbo/a.B/providers/dubbo%3A%2F%2F10.0.0.1";
        let mut digests = Vec::from([digest(text)]);
        for at in 0..text.len() {
            let other: alloc::string::String =
                text.char_indices().map(|(i, c)| if i == at { '!' } else { c }).collect();
            digests.push(digest(&other));
            digests.push(digest(&text[..at]));
        }
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), 2 * text.len() + 1);
    }
}
