//! A map from keys, made for finding them: keys are long and begin alike, so they are ordered by
//! a digest first, and by their text only where digests are equal.
//!
//! Keys that somebody makes up to have equal digests cost comparisons of text, and nothing more:
//! finding one still takes a number of steps that is logarithmic.

use alloc::collections::{BTreeMap, btree_map};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::borrow::Borrow;
use core::cmp::Ordering;

/// A map from shared keys. It has no order to speak of; see [`sorted`](Self::sorted).
#[derive(Clone, Debug)]
pub(super) struct KeyMap<V>(BTreeMap<Digested, V>);

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

    /// The key as it is shared, if it is there.
    pub(super) fn key(&self, text: &str) -> Option<&Arc<str>> {
        self.0.get_key_value(&Probe::of(text) as &dyn AsDigested).map(|(key, _)| &key.text)
    }

    pub(super) fn get(&self, text: &str) -> Option<&V> {
        self.0.get(&Probe::of(text) as &dyn AsDigested)
    }

    pub(super) fn get_mut(&mut self, text: &str) -> Option<&mut V> {
        self.0.get_mut(&Probe::of(text) as &dyn AsDigested)
    }

    pub(super) fn remove(&mut self, text: &str) -> Option<V> {
        self.0.remove(&Probe::of(text) as &dyn AsDigested)
    }

    /// The value of a key, or a place for it.
    pub(super) fn entry(&mut self, text: &Arc<str>) -> Entry<'_, V> {
        let key = Digested { digest: digest(text), text: Arc::clone(text) };
        match self.0.entry(key) {
            btree_map::Entry::Occupied(occupied) => Entry::Occupied(occupied.into_mut()),
            btree_map::Entry::Vacant(vacant) => Entry::Vacant(Vacant(vacant)),
        }
    }

    /// Everything, in the order of the keys.
    pub(super) fn sorted(&self) -> Vec<(&Arc<str>, &V)> {
        let mut sorted: Vec<_> = self.0.iter().map(|(key, value)| (&key.text, value)).collect();
        sorted.sort_unstable_by_key(|(key, _)| *key);
        sorted
    }
}

/// A place in the map.
pub(super) enum Entry<'a, V> {
    Occupied(&'a mut V),
    Vacant(Vacant<'a, V>),
}

/// A place that is free.
pub(super) struct Vacant<'a, V>(btree_map::VacantEntry<'a, Digested, V>);

impl<V> Vacant<'_, V> {
    pub(super) fn insert(self, value: V) {
        self.0.insert(value);
    }
}

#[derive(Clone, Debug)]
struct Digested {
    digest: u64,
    text: Arc<str>,
}

/// A key to look for.
struct Probe<'a> {
    digest: u64,
    text: &'a str,
}

impl<'a> Probe<'a> {
    fn of(text: &'a str) -> Self {
        Self { digest: digest(text), text }
    }
}

/// What is compared, whoever owns the text.
trait AsDigested {
    fn parts(&self) -> (u64, &str);
}

impl AsDigested for Digested {
    fn parts(&self) -> (u64, &str) {
        (self.digest, &self.text)
    }
}

impl AsDigested for Probe<'_> {
    fn parts(&self) -> (u64, &str) {
        (self.digest, self.text)
    }
}

impl<'a> Borrow<dyn AsDigested + 'a> for Digested {
    fn borrow(&self) -> &(dyn AsDigested + 'a) {
        self
    }
}

impl PartialEq for dyn AsDigested + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for dyn AsDigested + '_ {}

impl PartialOrd for dyn AsDigested + '_ {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for dyn AsDigested + '_ {
    fn cmp(&self, other: &Self) -> Ordering {
        self.parts().cmp(&other.parts())
    }
}

impl PartialEq for Digested {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for Digested {}

impl PartialOrd for Digested {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Digested {
    fn cmp(&self, other: &Self) -> Ordering {
        self.parts().cmp(&other.parts())
    }
}

/// Not for secrets: it only has to tell apart the keys of honest people quickly.
fn digest(text: &str) -> u64 {
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
        let keys: Vec<Arc<str>> = (0..500).map(|n| Arc::from(format!("/dubbo/a.B{n}"))).collect();
        for (n, key) in keys.iter().enumerate() {
            match map.entry(key) {
                Entry::Vacant(vacant) => vacant.insert(n),
                Entry::Occupied(_) => panic!("{key} twice"),
            }
        }
        for (n, key) in keys.iter().enumerate() {
            assert_eq!(map.get(key), Some(&n));
            assert!(map.key(key).is_some_and(|shared| Arc::ptr_eq(shared, key)));
            assert!(matches!(map.entry(key), Entry::Occupied(value) if *value == n));
        }
        assert!(map.sorted().is_sorted_by_key(|(key, _)| *key));
        assert_eq!((map.remove(&keys[7]), map.get(&keys[7]), map.len()), (Some(7), None, 499));
        assert_eq!(map.key("/dubbo"), None);
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
