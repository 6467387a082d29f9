//! The Pods that carry one key, in the order of their uids, and which value counts.
//!
//! Nearly always it is one. Small sets are a sorted list; a directory key, which every Pod may carry,
//! becomes a tree.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::slice;

use super::Holder;

/// Beyond this many, moving list elements would cost more than a tree.
const FEW: usize = 64;

#[derive(Clone, Debug)]
pub(super) enum Carriers {
    One((Ranked, Arc<str>)),
    Few(Vec<(Ranked, Arc<str>)>),
    Many(BTreeMap<Ranked, Arc<str>>),
}

/// A holder, compared by its rank.
#[derive(Clone, Debug)]
pub(super) struct Ranked(Arc<Holder>);

impl Carriers {
    pub(super) fn one(holder: &Arc<Holder>, value: &Arc<str>) -> Self {
        Self::One((Ranked(Arc::clone(holder)), Arc::clone(value)))
    }

    /// The value that counts: that of the holder with the smallest uid.
    pub(super) fn value(&self) -> Option<&Arc<str>> {
        match self {
            Self::One((_, value)) => Some(value),
            Self::Few(list) => list.first().map(|(_, value)| value),
            Self::Many(tree) => tree.first_key_value().map(|(_, value)| value),
        }
    }

    /// Adds a holder, or changes its value. True if anything is different now.
    pub(super) fn insert(&mut self, holder: &Arc<Holder>, value: &Arc<str>) -> bool {
        let ranked = Ranked(Arc::clone(holder));
        match self {
            Self::One((other, old)) if *other == ranked => replace(old, value),
            Self::One(other) => {
                let (one, two) = (other.clone(), (ranked, Arc::clone(value)));
                *self = Self::Few(Vec::from(if two.0 < one.0 { [two, one] } else { [one, two] }));
                true
            }
            Self::Few(list) => match list.binary_search_by(|(other, _)| other.cmp(&ranked)) {
                Ok(at) => list.get_mut(at).is_some_and(|(_, old)| replace(old, value)),
                Err(_) if list.len() == FEW => {
                    let mut tree = BTreeMap::new();
                    tree.insert(ranked, Arc::clone(value));
                    // One by one: `collect` would bring a sort of its own.
                    for (ranked, value) in core::mem::take(list) {
                        tree.insert(ranked, value);
                    }
                    *self = Self::Many(tree);
                    true
                }
                Err(at) => {
                    list.insert(at, (ranked, Arc::clone(value)));
                    true
                }
            },
            Self::Many(tree) => match tree.get_mut(&ranked) {
                Some(old) => replace(old, value),
                None => tree.insert(ranked, Arc::clone(value)).is_none(),
            },
        }
    }

    /// Removes a holder. True if it was there.
    pub(super) fn remove(&mut self, holder: &Arc<Holder>) -> bool {
        let ranked = Ranked(Arc::clone(holder));
        match self {
            Self::One((other, _)) => {
                let known = *other == ranked;
                if known {
                    *self = Self::Few(Vec::new());
                }
                known
            }
            Self::Few(list) => {
                let at = list.binary_search_by(|(other, _)| other.cmp(&ranked));
                at.map(|at| list.remove(at)).is_ok()
            }
            Self::Many(tree) => tree.remove(&ranked).is_some(),
        }
    }

    /// The holders in the order of their uids.
    pub(super) fn holders(&self) -> impl Iterator<Item = &Arc<Holder>> {
        let (list, tree) = match self {
            Self::One(one) => (slice::from_ref(one), None),
            Self::Few(list) => (list.as_slice(), None),
            Self::Many(tree) => (&[][..], Some(tree)),
        };
        let listed = list.iter().map(|(ranked, _)| &ranked.0);
        listed.chain(tree.into_iter().flat_map(BTreeMap::keys).map(|ranked| &ranked.0))
    }
}

fn replace(old: &mut Arc<str>, value: &Arc<str>) -> bool {
    let different = old != value;
    if different {
        *old = Arc::clone(value);
    }
    different
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ranked {}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.rank().cmp(&other.0.rank())
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;

    use super::*;

    fn holder(uid: usize) -> Arc<Holder> {
        let text = |text: String| Arc::from(text);
        Arc::new(Holder {
            namespace: text("n".into()),
            pod: text(format!("p{uid}")),
            uid: text(format!("{uid:04}")),
        })
    }

    #[test]
    fn the_smallest_uid_counts_whatever_the_order_and_the_number() {
        for count in [1, FEW, FEW + 1, 3 * FEW] {
            let mut carriers = Carriers::one(&holder(count), &Arc::from(format!("{count}")));
            for uid in (1..count).rev() {
                assert!(carriers.insert(&holder(uid), &Arc::from(format!("{uid}"))));
            }
            assert_eq!(carriers.holders().count(), count);
            assert!(carriers.holders().map(|holder| &holder.uid).is_sorted());
            for uid in 1..=count {
                assert_eq!(carriers.value().map(|value| &**value), Some(&*format!("{uid}")));
                assert!(carriers.remove(&holder(uid)));
                assert!(!carriers.remove(&holder(uid)));
            }
            assert_eq!(carriers.value(), None);
        }
    }

    #[test]
    fn a_value_is_replaced_in_place() {
        for count in [1, 2 * FEW] {
            let mut carriers = Carriers::one(&holder(0), &Arc::from("a"));
            for uid in 1..count {
                carriers.insert(&holder(uid), &Arc::from("x"));
            }
            assert!(!carriers.insert(&holder(0), &Arc::from("a")));
            assert!(carriers.insert(&holder(0), &Arc::from("b")));
            assert_eq!(carriers.value().map(|value| &**value), Some("b"));
            assert_eq!(carriers.holders().count(), count);
        }
    }
}
