//! The one with the fewest requests in flight; of several, at random by weight. Members stand in levels by
//! their number of requests, so that neither a pick nor an end has to look at all of them.

use crate::random::Random;

/// How often context is asked for a member of fitting weight before any is taken.
const TRIES: usize = 32;

/// The levels.
#[derive(Clone, Debug, Default)]
pub struct LeastActive {
    /// Who has as many requests as the level has a number.
    levels: Vec<Vec<u32>>,
    /// The lowest level that is not empty.
    lowest: usize,
    members: Vec<Member>,
    heaviest: u64,
}

#[derive(Clone, Copy, Debug)]
struct Member {
    weight: u64,
    active: u32,
    /// Its place in its level; none for one that takes no requests.
    place: Option<u32>,
}

impl LeastActive {
    /// Members in their order, by weight and requests in flight.
    pub fn new(members: impl IntoIterator<Item = (u64, u32)>) -> Self {
        let mut levels = Self::default();
        for (weight, active) in members {
            let index = u32::try_from(levels.members.len()).unwrap_or(u32::MAX);
            levels.members.push(Member { weight, active, place: None });
            levels.heaviest = levels.heaviest.max(weight);
            if weight > 0 {
                levels.put(index, active);
            }
        }
        let first = levels.levels.iter().position(|level| !level.is_empty());
        levels.lowest = first.unwrap_or_default();
        levels
    }

    /// One of those with the fewest requests, if there is any that has a weight.
    pub fn pick(&self, random: &mut Random) -> Option<u32> {
        let level = self.levels.get(self.lowest)?;
        let mut picked = None;
        for _ in 0..TRIES {
            let at = usize::try_from(random.below(level.len() as u64)).ok()?;
            let index = *level.get(at)?;
            picked = Some(index);
            let weight = self.members.get(index as usize).map_or(0, |member| member.weight);
            if weight == self.heaviest || random.below(self.heaviest) < weight {
                break;
            }
        }
        picked
    }

    /// The fewest requests that a member has, if there is one to pick.
    pub fn fewest(&self) -> Option<u32> {
        let level = self.levels.get(self.lowest)?;
        if level.is_empty() { None } else { u32::try_from(self.lowest).ok() }
    }

    /// This member has one request more.
    pub fn raise(&mut self, index: u32) {
        self.shift(index, |active| active.saturating_add(1));
    }

    /// One request of this member has ended.
    pub fn release(&mut self, index: u32) {
        self.shift(index, |active| active.saturating_sub(1));
    }

    /// New weights for the same members.
    pub fn weigh(&mut self, weights: impl IntoIterator<Item = u64>) {
        let actives: Vec<u32> = self.members.iter().map(|member| member.active).collect();
        *self = Self::new(weights.into_iter().zip(actives));
    }

    fn shift(&mut self, index: u32, change: impl Fn(u32) -> u32) {
        let Some(member) = self.members.get_mut(index as usize) else { return };
        let (before, after) = (member.active, change(member.active));
        member.active = after;
        if member.place.is_none() || before == after {
            return;
        }
        self.take(index, before);
        self.put(index, after);
        // One request more or less is one level up or down, so the lowest is never far.
        self.lowest = self.lowest.min(after as usize);
        if self.levels.get(self.lowest).is_none_or(Vec::is_empty) {
            self.lowest = after as usize;
        }
    }

    fn take(&mut self, index: u32, level: u32) {
        let Some(place) = self.members.get_mut(index as usize).and_then(|m| m.place.take()) else {
            return;
        };
        let Some(level) = self.levels.get_mut(level as usize) else { return };
        if (place as usize) < level.len() {
            level.swap_remove(place as usize);
        }
        let moved = level.get(place as usize).copied();
        if let Some(moved) = moved.and_then(|moved| self.members.get_mut(moved as usize)) {
            moved.place = Some(place);
        }
    }

    fn put(&mut self, index: u32, level: u32) {
        let level = level as usize;
        if self.levels.len() <= level {
            self.levels.resize_with(level + 1, Vec::new);
        }
        let (Some(level), Some(member)) =
            (self.levels.get_mut(level), self.members.get_mut(index as usize))
        else {
            return;
        };
        member.place = u32::try_from(level.len()).ok();
        level.push(index);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against a plain count of requests.
        #[test]
        fn no_other_has_fewer_requests(
            members in prop::collection::vec((0_u64..5, 0_u32..6), 1..12),
            ends in prop::collection::vec(any::<(bool, u32)>(), 0..200),
            seed: u64,
        ) {
            let mut random = Random::new(seed);
            let mut levels = LeastActive::new(members.iter().copied());
            let mut active: Vec<u32> = members.iter().map(|(_, active)| *active).collect();
            for (is_end, which) in ends {
                if is_end {
                    let index = which as usize % active.len();
                    active[index] = active[index].saturating_sub(1);
                    levels.release(u32::try_from(index).unwrap());
                    continue;
                }
                let alive = members.iter().zip(&active).filter(|((weight, _), _)| *weight > 0);
                let fewest = alive.map(|(_, active)| *active).min();
                let pick = levels.pick(&mut random).map(|pick| pick as usize);
                prop_assert_eq!(pick.is_some(), fewest.is_some());
                let Some(pick) = pick else { continue };
                prop_assert!(members[pick].0 > 0);
                prop_assert_eq!(Some(active[pick]), fewest);
                prop_assert_eq!(levels.fewest(), fewest);
                active[pick] += 1;
                levels.raise(u32::try_from(pick).unwrap());
            }
        }
    }

    #[test]
    fn of_several_with_the_fewest_the_weight_decides() {
        let mut random = Random::new(9);
        let levels = LeastActive::new([(1, 0), (3, 0), (9, 1)]);
        let mut spread = [0; 3];
        for _ in 0..4000 {
            let pick = levels.pick(&mut random).unwrap();
            spread[pick as usize] += 1;
        }
        assert_eq!(spread[2], 0);
        assert!((900..1100).contains(&spread[0]), "{spread:?}");
    }

    #[test]
    fn new_weights_keep_the_requests_in_flight() {
        let mut random = Random::new(9);
        let mut levels = LeastActive::new([(1, 0), (1, 0)]);
        let first = levels.pick(&mut random).unwrap();
        levels.raise(first);
        levels.weigh([5, 5]);
        assert_ne!(levels.pick(&mut random), Some(first));
    }
}
