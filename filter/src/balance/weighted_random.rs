//! At random by weight: Vose's alias method. A pick is one random number and one look into a table.

use crate::random::Random;

/// The table. Each of its places belongs to one member up to a limit, and to another one from there.
#[derive(Clone, Debug, Default)]
pub struct WeightedRandom {
    places: Vec<Place>,
    total: u64,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    /// Below it the place is `member`'s, else `other`'s.
    limit: u32,
    member: u32,
    other: u32,
}

/// A place that is not settled yet: how much of it, in parts of the total, its member still has.
struct Share {
    member: u32,
    parts: u128,
}

impl WeightedRandom {
    /// Members in their order by weight.
    pub fn new(weights: impl IntoIterator<Item = u64>) -> Self {
        let alive = |(member, weight): (u32, u64)| (weight > 0).then_some((member, weight));
        let alive: Vec<(u32, u64)> = (0..).zip(weights).filter_map(alive).collect();
        let total: u128 = alive.iter().map(|(_, weight)| u128::from(*weight)).sum();
        let share = |&(member, weight): &(u32, u64)| Share {
            member,
            parts: u128::from(weight) * alive.len() as u128,
        };
        let (mut small, mut large): (Vec<Share>, Vec<Share>) =
            alive.iter().map(share).partition(|share| share.parts < total);
        let mut places = Vec::with_capacity(alive.len());
        while let Some(low) = small.pop() {
            let Some(mut high) = large.pop() else {
                places.push(Place::whole(low.member));
                continue;
            };
            let limit = (low.parts << 32).checked_div(total).unwrap_or_default();
            let limit = u32::try_from(limit).unwrap_or(u32::MAX);
            places.push(Place { limit, member: low.member, other: high.member });
            high.parts -= total - low.parts;
            if high.parts < total { small.push(high) } else { large.push(high) }
        }
        places.extend(large.into_iter().map(|share| Place::whole(share.member)));
        Self { places, total: u64::try_from(total).unwrap_or(u64::MAX) }
    }

    /// One member, if there is any that has a weight.
    pub fn pick(&self, random: &mut Random) -> Option<u32> {
        let bits = random.bits();
        let (high, low) = (bits >> 32, (bits & 0xffff_ffff) as u32);
        let place = self.places.get(((high * self.places.len() as u64) >> 32) as usize)?;
        Some(if low < place.limit { place.member } else { place.other })
    }

    /// The sum of all weights.
    pub const fn total(&self) -> u64 {
        self.total
    }
}

impl Place {
    const fn whole(member: u32) -> Self {
        Self { limit: u32::MAX, member, other: member }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// How often each of `count` members is picked.
    pub(crate) fn spread(
        count: usize,
        picks: u32,
        mut pick: impl FnMut() -> Option<u32>,
    ) -> Vec<u32> {
        let mut spread = vec![0; count];
        for _ in 0..picks {
            spread[pick().unwrap() as usize] += 1;
        }
        spread
    }

    proptest! {
        #[test]
        fn weights_converge(weights in prop::collection::vec(0_u32..1000, 1..20), seed: u64) {
            let total: u32 = weights.iter().sum();
            let table = WeightedRandom::new(weights.iter().map(|weight| u64::from(*weight)));
            let mut random = Random::new(seed);
            prop_assert_eq!(table.total(), u64::from(total));
            if total == 0 {
                prop_assert_eq!(table.pick(&mut random), None);
                return Ok(());
            }
            let picks = 20_000;
            let spread = spread(weights.len(), picks, || table.pick(&mut random));
            for (weight, count) in weights.iter().zip(spread) {
                let share = f64::from(*weight) / f64::from(total);
                // Six standard deviations: once in half a billion.
                let room = 6.0 * (share * (1.0 - share) * f64::from(picks)).sqrt();
                let off = (f64::from(count) - share * f64::from(picks)).abs();
                prop_assert!(off <= room + 1.0, "weight {} of {}: {} picks", weight, total, count);
            }
        }
    }

    #[test]
    fn weights_of_any_size_are_kept_apart() {
        let table = WeightedRandom::new([u64::from(u32::MAX) * 1000, 1, 0]);
        let mut random = Random::new(3);
        assert!((0..10_000).all(|_| table.pick(&mut random) == Some(0)));
        assert_eq!(WeightedRandom::new([]).pick(&mut random), None);
    }
}
