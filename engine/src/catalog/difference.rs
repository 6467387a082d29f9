//! In which records two versions of a Pod differ. Of a key that comes twice in one of them, the last
//! one counts.

use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Ordering;

use super::entry::StoredRecord;

/// Each key once, in the order of the annotation.
#[derive(Debug, Default)]
pub(super) struct Difference<'a> {
    /// What the later version does not carry any more, or carries in another standing.
    pub(super) gone: Vec<&'a StoredRecord>,
    /// What the earlier one did not carry, or with another value or in another standing.
    pub(super) come: Vec<&'a StoredRecord>,
}

/// A record and where it stands.
type Placed<'a> = (usize, &'a StoredRecord);

impl<'a> Difference<'a> {
    /// `moved` says of a record in both versions whether it counts in one of them only.
    pub(super) fn between(
        before: &'a [StoredRecord],
        after: &'a [StoredRecord],
        moved: impl Fn(&StoredRecord, &StoredRecord) -> bool,
    ) -> Self {
        let (old, new) = (by_key(before), by_key(after));
        let (mut old, mut new) = (old.as_slice(), new.as_slice());
        let mut gone = vec![false; before.len()];
        let mut come = vec![false; after.len()];
        loop {
            let order = match (old.first(), new.first()) {
                (Some((_, old)), Some((_, new))) => compare(old, new),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => break,
            };
            let was = if order.is_le() { old.split_off_first() } else { None };
            let is = if order.is_ge() { new.split_off_first() } else { None };
            let (leaves, comes) = match (was, is) {
                (Some((_, was)), Some((_, is))) => {
                    let moved = moved(was, is);
                    (moved, moved || was.value != is.value)
                }
                _ => (was.is_some(), is.is_some()),
            };
            mark(&mut gone, was.filter(|_| leaves));
            mark(&mut come, is.filter(|_| comes));
        }
        Self { gone: marked(before, &gone), come: marked(after, &come) }
    }
}

/// The record that counts of each key, in an order that is quick to compare.
fn by_key(records: &[StoredRecord]) -> Vec<Placed<'_>> {
    let mut placed: Vec<Placed<'_>> = records.iter().enumerate().collect();
    placed.sort_unstable_by(|one, two| compare(one.1, two.1).then(two.0.cmp(&one.0)));
    placed.dedup_by(|next, kept| compare(next.1, kept.1).is_eq());
    placed
}

fn compare(one: &StoredRecord, two: &StoredRecord) -> Ordering {
    one.key.digest().cmp(&two.key.digest()).then_with(|| one.key.cmp(&two.key))
}

fn mark(marks: &mut [bool], placed: Option<&Placed<'_>>) {
    if let Some(mark) = placed.and_then(|(place, _)| marks.get_mut(*place)) {
        *mark = true;
    }
}

fn marked<'a>(records: &'a [StoredRecord], marks: &[bool]) -> Vec<&'a StoredRecord> {
    let both = records.iter().zip(marks);
    both.filter(|(_, marked)| **marked).map(|(record, _)| record).collect()
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;
    use alloc::format;
    use alloc::string::String;
    use alloc::sync::Arc;

    use proptest::prelude::*;

    use super::*;

    fn records(list: &[(u8, u8)]) -> Vec<StoredRecord> {
        let record = |&(key, value): &(u8, u8)| StoredRecord {
            key: (&*format!("/dubbo/a.B{key}")).into(),
            value: Arc::from(format!("{value}")),
            distrust: None,
        };
        list.iter().map(record).collect()
    }

    fn texts(records: &[&StoredRecord]) -> Vec<(String, String)> {
        records.iter().map(|record| (record.key.to_text(), (&*record.value).into())).collect()
    }

    proptest! {
        #[test]
        fn it_is_that_of_two_maps(
            before in prop::collection::vec((0..6_u8, 0..2_u8), 0..9),
            after in prop::collection::vec((0..6_u8, 0..2_u8), 0..9),
        ) {
            let (before, after) = (records(&before), records(&after));
            let difference = Difference::between(&before, &after, |_, _| false);
            let map = |records: &[StoredRecord]| {
                records.iter().map(|r| (r.key.to_text(), (*r.value).into())).collect::<BTreeMap<_, String>>()
            };
            let (old, new) = (map(&before), map(&after));
            let mut gone: Vec<_> = old.clone().into_iter().filter(|(key, _)| !new.contains_key(key)).collect();
            let mut come: Vec<_> = new.clone().into_iter().filter(|(key, value)| old.get(key) != Some(value)).collect();
            // In the order in which those that count stand.
            let place = |list: &[StoredRecord], key: &str| list.iter().rposition(|r| r.key.cmp_text(key).is_eq());
            gone.sort_by_key(|(key, _)| place(&before, key));
            come.sort_by_key(|(key, _)| place(&after, key));
            prop_assert_eq!(texts(&difference.gone), gone);
            prop_assert_eq!(texts(&difference.come), come);
        }
    }
}
