//! Sorting, compiled once for all that is sorted in this crate: a copy of the standard sort for each type and
//! each comparison is up to 10 kB of wasm. It must never be used where comparing costs less than a call.

use alloc::vec::Vec;
use core::cmp::Ordering;

/// The places `0..length` in this order, and in their own where it says that they are equal.
pub(crate) fn ordered(length: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut places: Vec<usize> = (0..length).collect();
    places.sort_by(|one, other| compare(*one, *other));
    places
}

/// The items in this order, and as they were where it says that they are equal.
pub(crate) fn sorted<T: Copy>(items: &[T], compare: impl Fn(&T, &T) -> Ordering) -> Vec<T> {
    let order = ordered(items.len(), &|one, other| match (items.get(one), items.get(other)) {
        (Some(one), Some(other)) => compare(one, other),
        _ => Ordering::Equal,
    });
    order.into_iter().filter_map(|place| items.get(place).copied()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_the_order_of_a_stable_sort(items in prop::collection::vec((0..9_u8, any::<u8>()), 0..200)) {
            let mut expected = items.clone();
            expected.sort_by_key(|(key, _)| *key);
            prop_assert_eq!(sorted(&items, |(one, _), (other, _)| one.cmp(other)), expected);
        }
    }
}
