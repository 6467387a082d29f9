//! Values that many keys share, each kept once for as long as a key has it, and not much longer.

use alloc::collections::BTreeSet;
use alloc::sync::Arc;

/// A set of shared values. It grows with the values in use, not with those ever seen.
#[derive(Debug)]
pub(super) struct Known<T> {
    values: BTreeSet<Arc<T>>,
    /// Beyond this many, values that are out of use are dropped.
    enough: usize,
}

/// A smaller set is not searched for values that are out of use.
const FEW: usize = 256;

impl<T: Ord> Known<T> {
    /// The shared value that equals this one; it is known from now on.
    pub(super) fn share(&mut self, value: T) -> Arc<T> {
        if let Some(known) = self.values.get(&value) {
            return Arc::clone(known);
        }
        let value = Arc::new(value);
        self.add(&value);
        value
    }

    /// The same, taking the value of `others` where they know it.
    pub(super) fn share_with(&mut self, others: &Self, value: T) -> Arc<T> {
        if let Some(known) = others.values.get(&value) {
            self.add(&Arc::clone(known));
        }
        self.share(value)
    }

    /// Adds those of another set.
    pub(super) fn merge(&mut self, other: &Self) {
        other.values.iter().for_each(|value| self.add(value));
    }

    fn add(&mut self, value: &Arc<T>) {
        if self.values.len() >= self.enough.max(FEW) {
            self.values.retain(|value| Arc::strong_count(value) > 1);
            self.enough = self.values.len() * 2;
        }
        if !self.values.contains(value) {
            self.values.insert(Arc::clone(value));
        }
    }
}

impl<T> Clone for Known<T> {
    fn clone(&self) -> Self {
        Self { values: self.values.clone(), enough: self.enough }
    }
}

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self { values: BTreeSet::new(), enough: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_out_of_use_are_dropped_and_those_in_use_are_shared() {
        let mut known = Known::default();
        let kept = known.share(usize::MAX);
        for number in 0..5 * FEW {
            known.share(number);
        }
        assert!(known.values.len() <= FEW + 1, "{}", known.values.len());
        assert!(Arc::ptr_eq(&known.share(usize::MAX), &kept));
    }

    #[test]
    fn a_value_of_others_is_shared_with_them() {
        let (mut one, mut two) = (Known::default(), Known::default());
        let kept = one.share(7);
        assert!(Arc::ptr_eq(&two.share_with(&one, 7), &kept));
    }
}
