//! Where a few bytes stand in others.
//!
//! It prepares nothing: what is searched is short, or hardly ever has the first of the bytes.

use memchr::memchr_iter;

/// Where `part` stands first in `bytes`; one that is empty stands at the beginning.
pub(crate) fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    let Some(first) = part.first() else { return Some(0) };
    let begins = |at: &usize| bytes.get(*at..).is_some_and(|rest| rest.starts_with(part));
    memchr_iter(*first, bytes).find(begins)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_found_where_the_plain_search_finds_it(bytes in "[ab]{0,12}", part in "[ab]{0,3}") {
            prop_assert_eq!(find(bytes.as_bytes(), part.as_bytes()), bytes.find(&part));
        }
    }
}
