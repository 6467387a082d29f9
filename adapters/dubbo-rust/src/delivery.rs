//! What a subscriber of dubbo-rust was given, and what it is still to be given. It holds no backlog: what came and went
//! while the subscriber did not ask is not reported. Pure; it awaits nothing.

use std::collections::{BTreeMap, BTreeSet};

use dubbo::extension::registry_extension::ServiceChange;

/// The difference between what is provided and what the subscriber was given.
#[derive(Debug, Default)]
pub(crate) struct Delivery {
    /// How many records provide each URL.
    provided: BTreeMap<String, usize>,
    given: BTreeSet<String>,
    /// What of it is due; a URL is in one of them at most.
    removals: BTreeSet<String>,
    insertions: BTreeSet<String>,
}

impl Delivery {
    /// One more record provides a URL.
    pub(crate) fn add(&mut self, url: String) {
        *self.provided.entry(url.clone()).or_default() += 1;
        self.compare(url);
    }

    /// One record less provides a URL.
    pub(crate) fn remove(&mut self, url: String) {
        if let Some(count) = self.provided.get_mut(&url) {
            *count -= 1;
            if *count == 0 {
                self.provided.remove(&url);
            }
        }
        self.compare(url);
    }

    /// These records and no others provide.
    pub(crate) fn replace(&mut self, urls: impl Iterator<Item = String>) {
        self.provided.clear();
        for url in urls {
            *self.provided.entry(url).or_default() += 1;
        }
        let provides = |url: &&String| !self.provided.contains_key(*url);
        self.removals = self.given.iter().filter(provides).cloned().collect();
        let is_new = |url: &&String| !self.given.contains(*url);
        self.insertions = self.provided.keys().filter(is_new).cloned().collect();
    }

    /// Whether anything is due.
    pub(crate) fn is_due(&self) -> bool {
        !self.removals.is_empty() || !self.insertions.is_empty()
    }

    /// The next change. What has left comes first: a call that waits for a provider is better than one that fails.
    pub(crate) fn next(&mut self) -> Option<ServiceChange> {
        if let Some(url) = self.removals.pop_first() {
            self.given.remove(&url);
            return Some(ServiceChange::Remove(url));
        }
        let url = self.insertions.pop_first()?;
        self.given.insert(url.clone());
        Some(ServiceChange::Insert(url, ()))
    }

    fn compare(&mut self, url: String) {
        match (self.provided.contains_key(&url), self.given.contains(&url)) {
            (true, true) => drop(self.removals.remove(&url)),
            (false, false) => drop(self.insertions.remove(&url)),
            (true, false) => drop(self.insertions.insert(url)),
            (false, true) => drop(self.removals.insert(url)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Act {
        Add(u8),
        Remove(usize),
        Replace(Vec<u8>),
        Take(usize),
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            (0..6u8).prop_map(Act::Add),
            (0..9usize).prop_map(Act::Remove),
            prop::collection::vec(0..6u8, 0..8).prop_map(Act::Replace),
            (0..4usize).prop_map(Act::Take),
        ]
    }

    /// As dubbo-rust's directory does; nothing may come twice or go before it came.
    fn apply(directory: &mut BTreeSet<String>, change: ServiceChange) {
        match change {
            ServiceChange::Insert(url, ()) => assert!(directory.insert(url)),
            ServiceChange::Remove(url) => assert!(directory.remove(&url)),
        }
    }

    proptest! {
        #[test]
        fn the_directory_becomes_what_is_provided(acts in prop::collection::vec(act(), 0..60)) {
            let (mut delivery, mut records) = (Delivery::default(), Vec::<String>::new());
            let mut directory = BTreeSet::new();
            for act in acts {
                match act {
                    Act::Add(url) => {
                        records.push(url.to_string());
                        delivery.add(url.to_string());
                    }
                    Act::Remove(_) if records.is_empty() => {}
                    Act::Remove(at) => delivery.remove(records.swap_remove(at % records.len())),
                    Act::Replace(urls) => {
                        records = urls.iter().map(u8::to_string).collect();
                        delivery.replace(records.iter().cloned());
                    }
                    Act::Take(count) => {
                        for change in std::iter::from_fn(|| delivery.next()).take(count) {
                            apply(&mut directory, change);
                        }
                    }
                }
            }
            while let Some(change) = delivery.next() {
                apply(&mut directory, change);
            }
            prop_assert!(!delivery.is_due());
            prop_assert_eq!(directory, records.into_iter().collect::<BTreeSet<_>>());
        }
    }

    #[test]
    fn what_has_left_is_reported_before_what_came() {
        let mut delivery = Delivery::default();
        delivery.add("z".to_owned());
        assert!(matches!(delivery.next(), Some(ServiceChange::Insert(url, ())) if url == "z"));
        delivery.add("a".to_owned());
        delivery.remove("z".to_owned());
        assert!(matches!(delivery.next(), Some(ServiceChange::Remove(url)) if url == "z"));
        assert!(matches!(delivery.next(), Some(ServiceChange::Insert(url, ())) if url == "a"));
        assert!(delivery.next().is_none());
    }

    #[test]
    fn what_came_and_went_meanwhile_is_not_reported() {
        let mut delivery = Delivery::default();
        delivery.add("a".to_owned());
        delivery.remove("a".to_owned());
        assert!(!delivery.is_due());
    }
}
