//! What is published of one key: its value and the Pods that carry it.

use std::cmp::Ordering;
use std::sync::Arc;

use dubbo_k8s_engine::catalog::Holder;
use imbl::OrdSet;

/// The value of a key, and who carries it.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) value: Arc<str>,
    pub(super) holders: Holders,
}

/// The Pods that carry a key, in the order of their uids: nearly always one, but a directory key
/// may be carried by every Pod there is, and in the middle of a batch there may be none.
#[derive(Debug, Clone)]
pub(super) enum Holders {
    One(Arc<Holder>),
    Many(OrdSet<Ranked>),
}

/// A holder in the order in which holders count: by uid, the rest only breaks ties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ranked(Arc<Holder>);

impl Ranked {
    fn rank(&self) -> (&str, &str, &str) {
        (&self.0.uid, &self.0.namespace, &self.0.pod)
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Holders {
    /// These, in the order of their uids; `None` if there are none.
    pub(super) fn of<'a>(mut holders: impl Iterator<Item = &'a Arc<Holder>>) -> Option<Self> {
        let (first, second) = (holders.next()?, holders.next());
        let Some(second) = second else { return Some(Self::One(Arc::clone(first))) };
        let all = [first, second].into_iter().chain(holders);
        Some(Self::Many(all.map(|holder| Ranked(Arc::clone(holder))).collect()))
    }

    /// Adds a holder, unless it is there.
    pub(super) fn insert(&mut self, holder: &Arc<Holder>) {
        match self {
            Self::Many(many) if many.is_empty() => *self = Self::One(Arc::clone(holder)),
            Self::Many(many) => drop(many.insert(Ranked(Arc::clone(holder)))),
            Self::One(only) if only == holder => {}
            Self::One(only) => {
                let both = [Arc::clone(only), Arc::clone(holder)];
                *self = Self::Many(both.into_iter().map(Ranked).collect());
            }
        }
    }

    /// Takes a holder out, if it is there.
    pub(super) fn remove(&mut self, holder: &Arc<Holder>) {
        match self {
            Self::One(only) if only == holder => *self = Self::Many(OrdSet::new()),
            Self::One(_) => {}
            Self::Many(many) => {
                many.remove(&Ranked(Arc::clone(holder)));
                let only = many.get_min().cloned().filter(|_| many.len() == 1);
                if let Some(Ranked(only)) = only {
                    *self = Self::One(only);
                }
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Holder>> {
        let (one, many) = match self {
            Self::One(holder) => (Some(holder), None),
            Self::Many(holders) => (None, Some(holders)),
        };
        one.into_iter().chain(many.into_iter().flatten().map(|Ranked(holder)| holder))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(uid: &str) -> Arc<Holder> {
        Arc::new(Holder { namespace: "n".into(), pod: "p".into(), uid: uid.into() })
    }

    fn uids(holders: &Holders) -> Vec<&str> {
        holders.iter().map(|holder| &*holder.uid).collect()
    }

    #[test]
    fn holders_are_a_set_in_the_order_of_their_uids() {
        let mut holders = Holders::One(holder("b"));
        for uid in ["b", "c", "a", "a"] {
            holders.insert(&holder(uid));
        }
        assert_eq!(uids(&holders), ["a", "b", "c"]);
        for uid in ["b", "x", "a"] {
            holders.remove(&holder(uid));
        }
        assert!(matches!(holders, Holders::One(_)));
        assert_eq!(uids(&holders), ["c"]);
    }

    #[test]
    fn the_last_holder_may_go_before_the_next_one_comes() {
        let mut holders = Holders::One(holder("a"));
        holders.remove(&holder("a"));
        assert_eq!(uids(&holders), [""; 0]);
        holders.insert(&holder("b"));
        assert_eq!(uids(&holders), ["b"]);
    }
}
