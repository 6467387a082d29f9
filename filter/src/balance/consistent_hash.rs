//! The one that a key belongs to: multi-probe consistent hashing (Appleton, O'Reilly 2015). Each member is
//! a few points on a circle; a key is looked up at several places of it, and belongs to the member with the
//! point that is closest behind any of them. When a member leaves, only its own keys move.

use crate::random::{hash, rehash};

/// How many points a member has, and at how many places a key is looked up: with these, members have about
/// 0.8 to 1.2 times the mean number of keys.
const POINTS: u64 = 8;
const PROBES: u64 = 8;

/// The points in their order.
#[derive(Clone, Debug, Default)]
pub struct ConsistentHash {
    points: Vec<(u64, u32)>,
}

impl ConsistentHash {
    /// Members in their order by name and weight; of the weight only counts whether it is 0.
    pub fn new<'a>(members: impl IntoIterator<Item = (&'a str, u64)>) -> Self {
        let alive = (0..).zip(members).filter(|(_, (_, weight))| *weight > 0);
        let of = |(member, (name, _)): (u32, (&str, u64))| {
            let name = hash(name.as_bytes());
            (1..=POINTS).map(move |point| (rehash(name, point), member))
        };
        let mut points: Vec<(u64, u32)> = alive.flat_map(of).collect();
        points.sort_unstable();
        Self { points }
    }

    /// The member that a key belongs to, if there is one.
    pub fn pick(&self, key: &[u8]) -> Option<u32> {
        let key = hash(key);
        let closest = |probe| {
            let place = rehash(key, probe);
            let at = self.points.partition_point(|(point, _)| *point < place);
            let (point, member) = self.points.get(at).or_else(|| self.points.first())?;
            Some((point.wrapping_sub(place), *member))
        };
        (1..=PROBES).filter_map(closest).min().map(|(_, member)| member)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|n| format!("10.0.{}.{}:50051", n / 256, n % 256)).collect()
    }

    /// Whose each of the keys is.
    fn owners(names: &[String], keys: u32) -> Vec<&str> {
        let ring = ConsistentHash::new(names.iter().map(|name| (&**name, 1)));
        let owner = |key: u32| names[ring.pick(&key.to_le_bytes()).unwrap() as usize].as_str();
        (0..keys).map(owner).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn only_the_keys_of_the_one_that_leaves_move(count in 2_usize..60, leaves: prop::sample::Index) {
            let all = names(count);
            let mut left = all.clone();
            let gone = left.remove(leaves.index(count));
            let (before, after) = (owners(&all, 2000), owners(&left, 2000));
            for (before, after) in before.iter().zip(&after) {
                prop_assert!(before == after || *before == gone);
                prop_assert!(*after != gone);
            }
            let moved = before.iter().filter(|owner| **owner == gone).count();
            // A fair share is 2000 / count; no member has much more.
            prop_assert!(moved <= 2000 / count * 3 / 2 + 40, "{} of 2000 moved among {}", moved, count);
        }
    }

    #[test]
    fn the_order_of_the_members_does_not_matter() {
        let all = names(40);
        let mut turned = all.clone();
        turned.reverse();
        assert_eq!(owners(&all, 500), owners(&turned, 500));
    }

    #[test]
    fn whose_a_key_is_never_changes() {
        let ring = ConsistentHash::new([("10.0.0.1:1", 1), ("10.0.0.2:1", 1), ("10.0.0.3:1", 0)]);
        let picks: Vec<_> = (0..12_u8).map(|key| ring.pick(&[key]).unwrap()).collect();
        assert_eq!(picks, [0, 1, 0, 1, 1, 0, 0, 1, 0, 0, 1, 1]);
        assert_eq!(ConsistentHash::default().pick(b"x"), None);
    }

    #[test]
    fn keys_are_spread_evenly() {
        let all = names(20);
        let owners = owners(&all, 40_000);
        for name in &all {
            let share = owners.iter().filter(|owner| *owner == name).count();
            assert!((1300..2700).contains(&share), "{name} has {share} of 40000");
        }
    }
}
