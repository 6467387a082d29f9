//! The Pods that carry one key, in the order of their uids, and which value counts. Nearly always it is one
//! Pod; a directory key may be carried by every Pod. A copy is cheap.

use alloc::sync::Arc;
use core::cmp::Ordering;

use imbl::OrdMap;

use super::holder::Holder;

/// Who carries a key, each with its value.
#[derive(Clone, Debug)]
pub(super) enum Carriers {
    One(Ranked, Arc<str>),
    Many(OrdMap<Ranked, Arc<str>>),
}

/// A holder, compared by its rank.
#[derive(Clone, Debug)]
pub(super) struct Ranked(Arc<Holder>);

impl Carriers {
    pub(super) fn one(holder: &Arc<Holder>, value: &Arc<str>) -> Self {
        Self::One(Ranked(Arc::clone(holder)), Arc::clone(value))
    }

    /// The value that counts: that of the holder with the smallest uid.
    pub(super) fn value(&self) -> Option<&Arc<str>> {
        match self {
            Self::One(_, value) => Some(value),
            Self::Many(many) => many.get_min().map(|(_, value)| value),
        }
    }

    /// Adds a holder, or changes its value. True if anything is different now.
    pub(super) fn insert(&mut self, holder: &Arc<Holder>, value: &Arc<str>) -> bool {
        let ranked = Ranked(Arc::clone(holder));
        match self {
            Self::One(only, old) if *only == ranked => {
                let different = *old != *value;
                *old = Arc::clone(value);
                different
            }
            Self::One(only, old) => {
                let both = [(only.clone(), Arc::clone(old)), (ranked, Arc::clone(value))];
                *self = Self::Many(both.into_iter().collect());
                true
            }
            Self::Many(many) => {
                many.insert(ranked, Arc::clone(value)).is_none_or(|old| old != *value)
            }
        }
    }

    /// Removes a holder. True if it was there.
    pub(super) fn remove(&mut self, holder: &Arc<Holder>) -> bool {
        let ranked = Ranked(Arc::clone(holder));
        match self {
            Self::One(only, _) => {
                let known = *only == ranked;
                if known {
                    *self = Self::Many(OrdMap::new());
                }
                known
            }
            Self::Many(many) => {
                let known = many.remove(&ranked).is_some();
                if many.len() == 1
                    && let Some((only, value)) = many.get_min().cloned()
                {
                    *self = Self::One(only, value);
                }
                known
            }
        }
    }

    /// The holders in the order of their uids.
    pub(super) fn holders(&self) -> impl Iterator<Item = &Arc<Holder>> {
        let (one, many) = match self {
            Self::One(only, _) => (Some(only), None),
            Self::Many(many) => (None, Some(many)),
        };
        one.into_iter().chain(many.into_iter().flat_map(OrdMap::keys)).map(|Ranked(holder)| holder)
    }
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

    /// As many as fill more than one node of a tree.
    const FEW: usize = 64;

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
