//! What was registered at one moment, as readers see it. It never changes, costs nothing to keep
//! but what has changed since, and can be looked at for as long as one likes.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use dubbo_k8s_codec::{Category, Key, Service, Url, query_escape};
use dubbo_k8s_engine::catalog::PodProblem;
use dubbo_k8s_engine::catalog::{EndpointView, Holder};
use serde::{Serialize, Serializer};

use super::Revision;
use super::record::Record;
use super::selection::Selection;
use super::state::{Placed, State};

/// What was registered at one moment: everything, or what a query asks for.
///
/// It is one whole state: no change is ever seen in part. Taking one and cloning it cost the same
/// however much is registered.
#[derive(Clone)]
pub struct Snapshot {
    state: Arc<State>,
    selection: Option<Arc<Selection>>,
}

/// One service with who provides and who consumes it, each in the order of their keys.
#[derive(Debug, Clone)]
pub struct ServiceEntry {
    /// The service.
    pub service: Service<'static>,
    /// Its providers.
    pub providers: Vec<Endpoint>,
    /// Its consumers.
    pub consumers: Vec<Endpoint>,
}

/// One provider or consumer of a service.
///
/// Serialises as `{"url","protocol","host","port","params","holders"}`.
#[derive(Debug, Clone)]
pub struct Endpoint {
    key: Box<str>,
    url: Url<'static>,
    record: Record,
}

impl Snapshot {
    /// What a state holds of a selection; of everything without one.
    pub fn new(state: &State, selection: Option<Arc<Selection>>) -> Self {
        Self { state: state.content(), selection }
    }

    /// Names the content. Equal revisions are equal contents.
    pub fn revision(&self) -> Revision {
        self.state.revision
    }

    /// All Pods have been read once: what is not here did not exist.
    pub fn is_synced(&self) -> bool {
        self.state.is_synced()
    }

    /// How old it may be by now: zero if every scope was followed when it was taken, otherwise the
    /// time since the server was last heard. `None` before the first sync.
    pub fn age(&self) -> Option<Duration> {
        self.state.age()
    }

    /// How many live Pods are known, asked for or not.
    pub fn pods(&self) -> usize {
        self.state.pods()
    }

    /// How many distinct records there are, asked for or not.
    pub fn records(&self) -> usize {
        self.state.records()
    }

    /// The value of a key, asked for or not.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.state.records.get(key).map(|record| &*record.value)
    }

    /// The records that are asked for, in the order of their keys: key, value, and the Pods that
    /// carry it in the order of their uids.
    pub fn iter(&self) -> impl Iterator<Item = (String, &str, impl Iterator<Item = &Holder>)> {
        let asked = |key: &str| self.selection.as_ref().is_none_or(|all| all.selects_key(key));
        let records = self.state.records.iter().map(|(key, record)| (key.to_text(), record));
        records.filter(move |(key, _)| asked(key)).map(|(key, record)| {
            (key, &*record.value, record.holders.iter().map(|holder| &**holder))
        })
    }

    /// The services that are asked for, by interface, then group, then version. They are put
    /// together one interface at a time.
    pub fn services(&self) -> Services {
        Services {
            state: Arc::clone(&self.state),
            selection: self.selection.clone(),
            interfaces: self.interfaces(),
            ready: VecDeque::new(),
        }
    }

    /// The providers that are asked for.
    pub fn providers(&self) -> impl Iterator<Item = Endpoint> + use<> {
        self.services().flat_map(|service| service.providers)
    }

    /// What could not be read, in the order of namespace and name, asked for or not: it may be why
    /// something is not found.
    pub fn problems(&self) -> impl Iterator<Item = PodProblem> + use<> {
        let (state, mut last) = (Arc::clone(&self.state), None::<Placed>);
        let pods = std::iter::from_fn(move || {
            last = state.problem_after(last.as_ref()).cloned();
            last.clone()
        });
        pods.flat_map(|Placed(pod)| {
            let of = |error: &dubbo_k8s_codec::DecodeError| PodProblem {
                holder: Arc::clone(pod.holder()),
                error: error.clone(),
            };
            pod.problems().iter().map(of).collect::<Vec<_>>()
        })
    }

    /// The interfaces that are asked for, in order, each with the paths it is found under: one,
    /// unless there are several roots.
    fn interfaces(&self) -> std::collections::btree_map::IntoIter<String, Vec<String>> {
        let only = self.selection.as_ref().and_then(|selection| selection.interface());
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut from = Bound::Unbounded;
        while let Some(key) = self.state.records.next_key(as_str(&from)) {
            let Some((prefix, interface)) = split(&key) else {
                from = Bound::Excluded(key);
                continue;
            };
            if only.is_none_or(|only| only == interface) {
                found.entry(interface).or_default().push(prefix.clone());
            }
            from = match only {
                // On to the next interface: `0` follows the slash that ends the prefix.
                None => Bound::Included(format!("{}0", prefix.trim_end_matches('/'))),
                // Straight to the only one, or beyond it.
                Some(only) => next_towards(&prefix, only),
            };
        }
        found.into_iter()
    }
}

/// The start of the next range of keys that may be the interface's, from one under this prefix.
fn next_towards(prefix: &str, interface: &str) -> Bound<String> {
    let root = prefix.split('/').nth(1).unwrap_or_default();
    let wanted = format!("/{root}/{}/", query_escape(interface));
    if *prefix < *wanted { Bound::Included(wanted) } else { Bound::Included(format!("/{root}0")) }
}

fn as_str(bound: &Bound<String>) -> Bound<&str> {
    match bound {
        Bound::Included(text) => Bound::Included(text),
        Bound::Excluded(text) => Bound::Excluded(text),
        Bound::Unbounded => Bound::Unbounded,
    }
}

/// `/<root>/<interface>/` of a key below an interface, and the interface unescaped.
fn split(key: &str) -> Option<(String, String)> {
    let slash = key.match_indices('/').nth(2)?.0;
    let interface = Key::parse(key).ok()?.interface?.into_owned();
    Some((key.get(..=slash)?.to_owned(), interface))
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("revision", &self.revision())
            .field("synced", &self.is_synced())
            .field("records", &self.records())
            .finish_non_exhaustive()
    }
}

/// The services of a [`Snapshot`], in order.
#[derive(Debug)]
pub struct Services {
    state: Arc<State>,
    selection: Option<Arc<Selection>>,
    interfaces: std::collections::btree_map::IntoIter<String, Vec<String>>,
    ready: VecDeque<ServiceEntry>,
}

impl Services {
    /// Puts the services of one interface together.
    fn gather(&self, prefixes: &[String]) -> VecDeque<ServiceEntry> {
        let mut services: BTreeMap<Service<'static>, ServiceEntry> = BTreeMap::new();
        for prefix in prefixes {
            let keys = self.state.records.from(Bound::Included(prefix));
            let keys = keys.map(|(key, record)| (key.to_text(), record));
            for (key, record) in keys.take_while(|(key, _)| key.starts_with(prefix)) {
                if self.selection.as_ref().is_some_and(|selection| !selection.selects_key(&key)) {
                    continue;
                }
                let Some((category, url)) = endpoint(&key) else { continue };
                let service = url.service().into_owned();
                let entry = services.entry(service).or_insert_with_key(ServiceEntry::new);
                let endpoint = Endpoint { key: key.into(), url, record: record.clone() };
                match category {
                    Category::Providers => entry.providers.push(endpoint),
                    _ => entry.consumers.push(endpoint),
                }
            }
        }
        services.into_values().collect()
    }
}

impl Iterator for Services {
    type Item = ServiceEntry;

    fn next(&mut self) -> Option<ServiceEntry> {
        loop {
            if let Some(service) = self.ready.pop_front() {
                return Some(service);
            }
            let (_, prefixes) = self.interfaces.next()?;
            self.ready = self.gather(&prefixes);
        }
    }
}

/// The category and the URL of a key that names a provider or a consumer.
fn endpoint(key: &str) -> Option<(Category, Url<'static>)> {
    let key = Key::parse(key).ok()?;
    let category = key.category?;
    if !matches!(category, Category::Providers | Category::Consumers) {
        return None;
    }
    Some((category, Url::parse(key.url?.into_owned()).ok()?))
}

impl ServiceEntry {
    fn new(service: &Service<'static>) -> Self {
        Self { service: service.clone(), providers: Vec::new(), consumers: Vec::new() }
    }
}

impl Endpoint {
    /// The key of its record.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Its URL.
    pub fn url(&self) -> &Url<'static> {
        &self.url
    }

    /// The Pods that carry it, in the order of their uids.
    pub fn holders(&self) -> impl Iterator<Item = &Holder> {
        self.record.holders.iter().map(|holder| &**holder)
    }
}

impl Serialize for Endpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (key, url) = (self.key().into(), self.url.clone());
        let holders = self.holders().collect();
        EndpointView { key, url, holders }.serialize(serializer)
    }
}
