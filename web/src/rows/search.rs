//! Whether a text stands in another, asked of every row at each key that is pressed.
//!
//! It looks for bytes, which for UTF-8 is the same.

use std::cell::Cell;

/// The bytes that URLs are full of, the commonest first: a search looks for another one.
const COMMON: &[u8] = b"e.otrcsian=&/dlmpv:10-hug23k";

/// Whether a text was found by the last search that looked at it, so that none is searched twice for the same.
#[derive(Debug, Default)]
pub struct Found(Cell<(u32, bool)>);

impl Found {
    /// Whether it is found by this search, which counts from one.
    pub(super) fn of(&self, search: u32, look: impl FnOnce() -> bool) -> bool {
        let (last, found) = self.0.get();
        if last == search && search > 0 {
            return found;
        }
        let found = look();
        self.0.set((search, found));
        found
    }
}

/// The place of the rarest byte of a text.
pub(super) fn rarest(needle: &[u8]) -> usize {
    let rank = |byte: &u8| COMMON.iter().rposition(|common| common == byte).unwrap_or(usize::MAX);
    needle.iter().enumerate().max_by_key(|(_, byte)| rank(byte)).map_or(0, |(at, _)| at)
}

/// Whether `needle` stands in `haystack`; it is looked for by its byte `at`, best the rarest.
pub(crate) fn contains(haystack: &[u8], needle: &[u8], at: usize) -> bool {
    let Some(rare) = needle.get(at) else { return true };
    let last = haystack.len().checked_sub(needle.len() - at);
    let Some(places) = last.and_then(|last| haystack.get(at..=last)) else { return false };
    memchr::memchr_iter(*rare, places)
        .any(|place| haystack.get(place..place + needle.len()) == Some(needle))
}
