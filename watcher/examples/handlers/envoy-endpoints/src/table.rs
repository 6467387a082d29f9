//! The providers of the services that are wanted, and which of them are not in a file yet. It is told and
//! asked; it writes nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::assignment::Endpoint;

/// Services with their endpoints, by key.
#[derive(Debug, Default)]
pub(crate) struct Table {
    /// All of them when it is empty.
    wanted: BTreeSet<String>,
    services: BTreeMap<String, BTreeMap<String, Endpoint>>,
    unsaved: BTreeSet<String>,
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
        for service in self.wanted.iter().chain(self.services.keys()) {
            self.unsaved.insert(service.clone());
        }
        self.services.clear();
    }

    /// A provider has come, or its URL is another one. One that Envoy could not reach is left out.
    pub(crate) fn add(&mut self, service: &str, key: &str, url: &str) {
        match Endpoint::of_url(url) {
            Some(endpoint) if self.wants(service) => {
                let endpoints = self.services.entry(service.to_owned()).or_default();
                endpoints.insert(key.to_owned(), endpoint);
                self.unsaved.insert(service.to_owned());
            }
            Some(_) => {}
            None => self.remove(service, key),
        }
    }

    /// A provider has gone.
    pub(crate) fn remove(&mut self, service: &str, key: &str) {
        if self.services.get_mut(service).is_some_and(|keys| keys.remove(key).is_some()) {
            self.unsaved.insert(service.to_owned());
        }
    }

    /// A service whose file has to be written, and its endpoints: each address once.
    pub(crate) fn unsaved(&self) -> Option<(String, Vec<Endpoint>)> {
        let service = self.unsaved.first()?;
        let endpoints = self.services.get(service).into_iter().flat_map(BTreeMap::values);
        let once: BTreeMap<_, _> =
            endpoints.map(|endpoint| ((&endpoint.address, endpoint.port), endpoint)).collect();
        Some((service.clone(), once.into_values().cloned().collect()))
    }

    /// Its file was written.
    pub(crate) fn saved(&mut self, service: &str) {
        self.unsaved.remove(service);
    }

    fn wants(&self, service: &str) -> bool {
        self.wanted.is_empty() || self.wanted.contains(service)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "tri://10.0.0.1:50051/a.B?interface=a.B";

    fn save(table: &mut Table) -> Vec<(String, usize)> {
        let mut saved = Vec::new();
        while let Some((service, endpoints)) = table.unsaved() {
            table.saved(&service);
            saved.push((service, endpoints.len()));
        }
        saved
    }

    #[test]
    fn only_what_has_changed_is_written_and_what_has_gone_is_written_empty() {
        let mut table = Table::default();
        table.add("a.B", "one", URL);
        table.add("a.B", "two", "dubbo://10.0.0.2:20880/a.B");
        table.add("a.C", "three", URL);
        assert_eq!(save(&mut table), [("a.B".to_owned(), 2), ("a.C".to_owned(), 1)]);
        table.remove("a.C", "three");
        table.remove("a.C", "unknown");
        assert_eq!(save(&mut table), [("a.C".to_owned(), 0)]);
        table.clear();
        assert_eq!(save(&mut table), [("a.B".to_owned(), 0), ("a.C".to_owned(), 0)]);
    }

    #[test]
    fn what_is_wanted_has_a_file_from_the_start_and_nothing_else_has() {
        let mut table = Table::wanting("a.B, a.C");
        table.clear();
        table.add("a.B", "one", URL);
        table.add("a.D", "two", URL);
        assert_eq!(save(&mut table), [("a.B".to_owned(), 1), ("a.C".to_owned(), 0)]);
    }

    #[test]
    fn two_protocols_at_one_address_are_one_endpoint() {
        let mut table = Table::default();
        table.add("a.B", "one", URL);
        table.add("a.B", "two", "rest://10.0.0.1:50051/a.B");
        assert_eq!(save(&mut table), [("a.B".to_owned(), 1)]);
    }
}
