//! How the room for providers is shared: evenly among namespaces, and in each of them evenly among its Pods. What one
//! does not need is for the others, so no Pod gives way to those that register more.

use std::collections::BTreeMap;

/// How many endpoints each Pod keeps, of those that it has, so that they are no more than `room` in all. `pods` is the
/// namespace and the number of endpoints of each Pod.
pub(crate) fn shares(pods: &[(&str, usize)], room: usize) -> Vec<usize> {
    let mut namespaces: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, (namespace, _)) in pods.iter().enumerate() {
        namespaces.entry(namespace).or_default().push(index);
    }
    let endpoints = |index: &usize| pods.get(*index).map_or(0, |(_, endpoints)| *endpoints);
    let wanted: Vec<usize> =
        namespaces.values().map(|pods| pods.iter().map(endpoints).sum()).collect();
    let mut shares = vec![0; pods.len()];
    for (pods, granted) in namespaces.values().zip(divide(&wanted, room)) {
        let wanted: Vec<usize> = pods.iter().map(endpoints).collect();
        for (index, granted) in pods.iter().zip(divide(&wanted, granted)) {
            if let Some(share) = shares.get_mut(*index) {
                *share = granted;
            }
        }
    }
    shares
}

/// Divides the room evenly among those who want some; who wants less than an even part gets what he wants.
fn divide(wanted: &[usize], room: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    let want = |index: usize| wanted.get(index).copied().unwrap_or_default();
    order.sort_by_key(|index| want(*index));
    let mut granted = vec![0; wanted.len()];
    let (mut left, mut others) = (room, wanted.len());
    for index in order {
        let share = want(index).min(left / others.max(1));
        if let Some(granted) = granted.get_mut(index) {
            *granted = share;
        }
        left -= share;
        others -= 1;
    }
    granted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn seventeen_pods_with_many_endpoints_leave_another_namespace_its_few() {
        let mut pods: Vec<(&str, usize)> = (0..17).map(|_| ("evil", 17_000)).collect();
        pods.push(("shop", 3));
        let shares = shares(&pods, 200_000);
        assert_eq!(shares.last(), Some(&3));
        assert_eq!(shares.iter().sum::<usize>(), 200_000);
        let evil = &shares[..17];
        assert!(evil.iter().max().unwrap() - evil.iter().min().unwrap() <= 1, "{evil:?}");
    }

    #[test]
    fn a_large_pod_leaves_its_neighbours_their_room() {
        assert_eq!(shares(&[("a", 100), ("a", 2), ("a", 30)], 40), [19, 2, 19]);
        assert_eq!(shares(&[("a", 5), ("b", 5)], 10), [5, 5]);
        assert_eq!(shares(&[("a", 5), ("b", 5)], 0), [0, 0]);
        assert!(shares(&[], 7).is_empty());
    }

    proptest! {
        #[test]
        fn the_room_is_used_and_no_pod_gets_less_than_an_even_part(
            pods in prop::collection::vec((prop::sample::select(vec!["a", "b", "c"]), 0_usize..50), 0..12),
            room in 0_usize..200,
        ) {
            let shares = shares(&pods, room);
            let wanted: usize = pods.iter().map(|(_, wanted)| wanted).sum();
            prop_assert_eq!(shares.iter().sum::<usize>(), wanted.min(room));
            let of = |namespace: &str, values: &dyn Fn(usize) -> usize| -> usize {
                (0..pods.len()).filter(|index| pods[*index].0 == namespace).map(values).sum()
            };
            let mut namespaces: Vec<&str> = pods.iter().map(|(namespace, _)| *namespace).collect();
            namespaces.sort_unstable();
            namespaces.dedup();
            for namespace in &namespaces {
                let (wants, gets) = (of(namespace, &|index| pods[index].1), of(namespace, &|index| shares[index]));
                prop_assert!(gets >= wants.min(room / namespaces.len()));
                let count = pods.iter().filter(|(of, _)| of == namespace).count();
                for (index, (of, wants)) in pods.iter().enumerate() {
                    prop_assert!(of != namespace || shares[index] >= (*wants).min(gets / count));
                }
            }
        }
    }
}
