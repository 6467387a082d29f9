//! The providers of the services that are wanted, which of them have a file, and which files are not written yet. It is
//! notified and queried; it writes nothing.
//!
//! The host gives a handler room for so many files. Where there are more services, the room is shared evenly among
//! namespaces, and in each of them among Pods: one that registers a thousand services costs the others nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::assignment::{Endpoint, file_name};

/// So many services have a file at a time; the host takes a few more, for those that are just going.
pub(crate) const ROOM: usize = 1000;

/// Services with their endpoints, by key.
#[derive(Debug, Default)]
pub(crate) struct Table {
    /// All of them when it is empty.
    wanted: BTreeSet<String>,
    services: BTreeMap<String, BTreeMap<String, Provider>>,
    /// Services that have a file, with or without endpoints in it.
    files: BTreeSet<String>,
    unsaved: BTreeSet<String>,
}

#[derive(Debug)]
struct Provider {
    endpoint: Endpoint,
    pod: Pod,
}

/// The Pod that carries a record: its namespace and its name.
pub(crate) type Pod = (String, String);

/// Something to do with a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Put these endpoints into the service's file, each address once.
    Write(String, Vec<Endpoint>),
    /// Take the file away. There are no endpoints in it any more.
    Remove(String),
}

impl Table {
    /// For the services of a comma list. Those have a file from the start.
    pub(crate) fn wanting(list: &str) -> Self {
        let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
        let wanted: BTreeSet<String> = names.map(str::to_owned).collect();
        Self { wanted, ..Self::default() }
    }

    /// Nothing is registered; what has a file is to be written anew.
    pub(crate) fn clear(&mut self) {
        self.unsaved
            .extend(self.wanted.iter().chain(&self.files).chain(self.services.keys()).cloned());
        self.services.clear();
    }

    /// A provider has come, or its URL is another one. One that Envoy could not reach is left out.
    pub(crate) fn add(&mut self, service: &str, key: &str, url: &str, pod: Pod) {
        match Endpoint::of_url(url) {
            Some(endpoint) if self.wants(service) => {
                let endpoints = self.services.entry(service.to_owned()).or_default();
                endpoints.insert(key.to_owned(), Provider { endpoint, pod });
                self.unsaved.insert(service.to_owned());
            }
            Some(_) => {}
            None => self.remove(service, key),
        }
    }

    /// A provider has gone.
    pub(crate) fn remove(&mut self, service: &str, key: &str) {
        let Some(endpoints) = self.services.get_mut(service) else { return };
        if endpoints.remove(key).is_some() {
            self.unsaved.insert(service.to_owned());
        }
        if endpoints.is_empty() {
            self.services.remove(service);
        }
    }

    /// What to do with the files, in this order; [`saved`](Self::saved) and [`removed`](Self::removed) report what
    /// was done.
    pub(crate) fn steps(&self) -> Vec<Step> {
        let chosen = self.chosen();
        let write = |service: &String| Step::Write(service.clone(), self.endpoints(service));
        // First what makes room. A file that goes is emptied before: Envoy keeps what it read last.
        let leaving = || self.files.difference(&chosen);
        let emptied = leaving().filter(|service| self.must_empty(service));
        let emptied = emptied.map(|service| Step::Write(service.clone(), Vec::new()));
        let kept = ROOM.saturating_sub(chosen.len());
        let removed = leaving().skip(kept).cloned().map(Step::Remove);
        let is_due =
            |service: &&String| self.unsaved.contains(*service) || !self.files.contains(*service);
        emptied.chain(removed).chain(chosen.iter().filter(is_due).map(write)).collect()
    }

    /// Its file was written.
    pub(crate) fn saved(&mut self, service: &str) {
        self.unsaved.remove(service);
        self.files.insert(service.to_owned());
    }

    /// Its file was taken away.
    pub(crate) fn removed(&mut self, service: &str) {
        self.unsaved.remove(service);
        self.files.remove(service);
    }

    /// Whether the file may still have endpoints, of a service that is to have none.
    fn must_empty(&self, service: &str) -> bool {
        self.unsaved.contains(service) || self.services.contains_key(service)
    }

    fn endpoints(&self, service: &str) -> Vec<Endpoint> {
        let endpoints = self.services.get(service).into_iter().flat_map(BTreeMap::values);
        let once: BTreeMap<_, _> = endpoints
            .map(|Provider { endpoint, .. }| ((&endpoint.address, endpoint.port), endpoint))
            .collect();
        once.into_values().cloned().collect()
    }

    fn wants(&self, service: &str) -> bool {
        file_name(service).is_some() && (self.wanted.is_empty() || self.wanted.contains(service))
    }

    /// The services that have a file now: those that are wanted by name, or as many as there is room for.
    fn chosen(&self) -> BTreeSet<String> {
        if !self.wanted.is_empty() {
            return self
                .wanted
                .iter()
                .filter(|it| file_name(it).is_some())
                .take(ROOM)
                .cloned()
                .collect();
        }
        if self.services.len() <= ROOM {
            return self.services.keys().cloned().collect();
        }
        let by_rank: BTreeSet<_> =
            self.ranks().into_iter().map(|(name, rank)| (rank, name)).collect();
        by_rank.into_iter().take(ROOM).map(|(_, service)| service.to_owned()).collect()
    }

    /// In which round a service gets its file: in each round every namespace has one turn, and in a namespace every
    /// Pod in turn.
    fn ranks(&self) -> BTreeMap<&str, usize> {
        let mut of_pods: BTreeMap<&Pod, BTreeSet<&str>> = BTreeMap::new();
        for (service, providers) in &self.services {
            for provider in providers.values() {
                of_pods.entry(&provider.pod).or_default().insert(service);
            }
        }
        let mut of_namespaces: BTreeMap<&str, BTreeSet<(usize, &str)>> = BTreeMap::new();
        for ((namespace, _), services) in &of_pods {
            let turns = of_namespaces.entry(namespace).or_default();
            turns.extend(services.iter().copied().enumerate());
        }
        let mut ranks = BTreeMap::new();
        for turns in of_namespaces.values() {
            for (rank, (_, service)) in turns.iter().enumerate() {
                let best = ranks.entry(*service).or_insert(rank);
                *best = rank.min(*best);
            }
        }
        ranks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "tri://10.0.0.1:50051/a.B?interface=a.B";

    fn pod(namespace: &str, name: &str) -> Pod {
        (namespace.to_owned(), name.to_owned())
    }

    fn add(table: &mut Table, service: &str, key: &str, url: &str) {
        table.add(service, key, url, pod("shop", "web"));
    }

    /// Does all there is to do: what was written with how many endpoints, and what was taken away.
    fn save(table: &mut Table) -> (Vec<(String, usize)>, Vec<String>) {
        let (mut saved, mut removed) = (Vec::new(), Vec::new());
        let mut most = table.files.len();
        for step in table.steps() {
            match step {
                Step::Write(service, endpoints) => {
                    table.saved(&service);
                    saved.push((service, endpoints.len()));
                }
                Step::Remove(service) => {
                    table.removed(&service);
                    removed.push(service);
                }
            }
            most = most.max(table.files.len());
        }
        assert!(most <= ROOM, "{most} files at a time");
        assert!(table.steps().is_empty(), "it is done at once");
        (saved, removed)
    }

    fn saved(table: &mut Table) -> Vec<(String, usize)> {
        let (saved, removed) = save(table);
        assert!(removed.is_empty());
        saved
    }

    #[test]
    fn only_what_has_changed_is_written_and_what_has_gone_is_written_empty() {
        let mut table = Table::default();
        add(&mut table, "a.B", "one", URL);
        add(&mut table, "a.B", "two", "dubbo://10.0.0.2:20880/a.B");
        add(&mut table, "a.C", "three", URL);
        assert_eq!(saved(&mut table), [("a.B".to_owned(), 2), ("a.C".to_owned(), 1)]);
        table.remove("a.C", "three");
        table.remove("a.C", "unknown");
        assert_eq!(saved(&mut table), [("a.C".to_owned(), 0)]);
        table.clear();
        assert_eq!(saved(&mut table), [("a.B".to_owned(), 0), ("a.C".to_owned(), 0)]);
    }

    #[test]
    fn what_is_wanted_has_a_file_from_the_start_and_nothing_else_has() {
        let mut table = Table::wanting("a.B, a.C");
        table.clear();
        add(&mut table, "a.B", "one", URL);
        add(&mut table, "a.D", "two", URL);
        assert_eq!(saved(&mut table), [("a.B".to_owned(), 1), ("a.C".to_owned(), 0)]);
    }

    #[test]
    fn two_protocols_at_one_address_are_one_endpoint() {
        let mut table = Table::default();
        add(&mut table, "a.B", "one", URL);
        add(&mut table, "a.B", "two", "rest://10.0.0.1:50051/a.B");
        assert_eq!(saved(&mut table), [("a.B".to_owned(), 1)]);
    }

    #[test]
    fn fifteen_hundred_services_of_one_pod_cost_no_other_pod_its_file() {
        let mut table = Table::default();
        for number in 0..1500 {
            let service = format!("aaa.S{number:04}");
            table.add(&service, &service, URL, pod("shop", "evil"));
        }
        assert_eq!(saved(&mut table).len(), ROOM);
        for (namespace, service) in [("shop", "z.Same"), ("other", "z.Other")] {
            table.add(service, service, URL, pod(namespace, "good"));
        }
        let (written, removed) = save(&mut table);
        assert!(written.contains(&("z.Same".to_owned(), 1)), "{written:?}");
        assert!(written.contains(&("z.Other".to_owned(), 1)), "{written:?}");
        // Two made room, and were emptied before.
        assert_eq!(removed.len(), 2);
        assert!(removed.iter().all(|service| written.contains(&(service.clone(), 0))));
        assert_eq!(table.files.len(), ROOM);
    }

    #[test]
    fn services_that_come_and_go_never_use_up_the_room() {
        let mut table = Table::default();
        add(&mut table, "a.Good", "good", URL);
        for number in 0..ROOM + 200 {
            let service = format!("b.S{number}");
            add(&mut table, &service, &service, URL);
            save(&mut table);
            table.remove(&service, &service);
            save(&mut table);
        }
        assert!(table.files.contains("a.Good") && table.files.len() <= ROOM);
        add(&mut table, "z.Late", "late", URL);
        assert!(save(&mut table).0.contains(&("z.Late".to_owned(), 1)));
    }

    #[test]
    fn a_service_whose_name_is_too_long_for_a_file_stops_no_other() {
        let mut table = Table::default();
        add(&mut table, &"x".repeat(5000), "one", URL);
        add(&mut table, "a.B", "two", URL);
        assert_eq!(saved(&mut table), [("a.B".to_owned(), 1)]);
    }
}
