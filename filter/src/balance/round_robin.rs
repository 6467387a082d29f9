//! In turn by weight: each member has a time when it is due next, and the one that is due first is picked.
//! A pick costs as many steps as the number of members has bits.

use core::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::random::Random;

/// The time between two turns of a member of weight 1.
const ROUND: u64 = 1 << 42;

/// When times have grown to this, all are set back.
const LATEST: u64 = 1 << 62;

/// The members by the time when they are due.
#[derive(Clone, Debug, Default)]
pub struct RoundRobin {
    due: BinaryHeap<Reverse<Turn>>,
    total: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    at: u64,
    /// The time between two turns.
    pace: u64,
    member: u32,
}

impl RoundRobin {
    /// Members in their order by weight. Where each begins is left to context, so that many proxies do not
    /// all begin with the same one.
    pub fn new(weights: impl IntoIterator<Item = u64>, random: &mut Random) -> Self {
        let mut total = 0_u64;
        let turn = |(member, weight)| {
            let pace = ROUND.checked_div(weight)?.max(1);
            total = total.saturating_add(weight);
            Some(Reverse(Turn { at: random.below(pace), pace, member }))
        };
        let due = (0..).zip(weights).filter_map(turn).collect();
        Self { due, total }
    }

    /// The member that is due, if there is any that has a weight.
    pub fn pick(&mut self) -> Option<u32> {
        if self.due.peek()?.0.at >= LATEST {
            self.set_back();
        }
        let mut first = self.due.peek_mut()?;
        first.0.at += first.0.pace;
        Some(first.0.member)
    }

    /// The sum of all weights.
    pub const fn total(&self) -> u64 {
        self.total
    }

    fn set_back(&mut self) {
        let turns = core::mem::take(&mut self.due).into_vec();
        let early = turns.iter().map(|turn| turn.0.at).min().unwrap_or_default();
        let earlier = |Reverse(turn): Reverse<Turn>| Reverse(Turn { at: turn.at - early, ..turn });
        self.due = turns.into_iter().map(earlier).collect();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_window_holds_each_in_proportion(
            weights in prop::collection::vec(0_u64..50, 1..20),
            seed: u64,
        ) {
            let total: u64 = weights.iter().sum();
            let mut turns = RoundRobin::new(weights.iter().copied(), &mut Random::new(seed));
            if total == 0 {
                prop_assert_eq!(turns.pick(), None);
                return Ok(());
            }
            let mut spread = vec![0_u64; weights.len()];
            for _ in 0..total * 3 {
                spread[turns.pick().unwrap() as usize] += 1;
            }
            for (weight, count) in weights.iter().zip(spread) {
                let room = if *weight == 0 { 0 } else { weights.len() as u64 };
                prop_assert!(count.abs_diff(weight * 3) <= room, "{} for {}", count, weight);
            }
        }
    }

    #[test]
    fn equals_take_turns_strictly() {
        let mut turns = RoundRobin::new([7; 5], &mut Random::new(1));
        let first: Vec<_> = (0..5).map(|_| turns.pick().unwrap()).collect();
        let second: Vec<_> = (0..5).map(|_| turns.pick().unwrap()).collect();
        assert_eq!(first, second);
        let mut sorted = first;
        sorted.sort_unstable();
        assert_eq!(sorted, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn time_never_runs_out() {
        let mut turns = RoundRobin::new([1, 3], &mut Random::new(1));
        let old = core::mem::take(&mut turns.due).into_iter();
        turns.due = old.map(|Reverse(t)| Reverse(Turn { at: t.at + LATEST, ..t })).collect();
        let picks: Vec<_> = (0..40).map(|_| turns.pick().unwrap()).collect();
        assert_eq!(picks.iter().filter(|pick| **pick == 0).count(), 10);
        assert!(turns.due.peek().unwrap().0.at < LATEST);
    }
}
