//! What was registered at one moment, as readers see it. It never changes, costs nothing to keep
//! but what has changed since, and can be looked at for as long as one likes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use dubbo_k8s_engine::catalog::{Content, Endpoint, Holder, PodProblem, Services, StoredKey};

use super::revision::Revision;
use super::selection::Selection;
use super::state::State;

/// What was registered at one moment: everything, or what a query asks for.
///
/// It is one whole state: no change is ever seen in part. Taking one and cloning it cost the same
/// however much is registered.
#[derive(Clone)]
pub struct Snapshot {
    state: Arc<State>,
    selection: Option<Arc<Selection>>,
}

impl Snapshot {
    /// What a state holds of a selection; of everything without one.
    pub fn new(state: &State, selection: Option<Arc<Selection>>) -> Self {
        Self { state: state.without_log(), selection }
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
        self.content().pods()
    }

    /// How many distinct records there are, asked for or not.
    pub fn records(&self) -> usize {
        self.content().records()
    }

    /// The value of a key, asked for or not.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.content().value(&StoredKey::from(key)).map(|value| &**value)
    }

    /// The records that are asked for, in the order of their keys: key, value, and the Pods that
    /// carry it in the order of their uids.
    pub fn iter(&self) -> impl Iterator<Item = (String, &str, impl Iterator<Item = &Holder>)> {
        let carried = self.content().carried();
        let mut records: Vec<_> = carried.filter(|(key, ..)| self.selects(key)).collect();
        records.sort_unstable_by_key(|(key, ..)| *key);
        records
            .into_iter()
            .map(|(key, value, holders)| (key.to_text(), &**value, holders.map(|holder| &**holder)))
    }

    /// The services that are asked for, by interface, then group, then version, with the endpoints that are
    /// believed. One at a time is put together with its URLs.
    pub fn services(&self) -> Services {
        self.content().services_of(|key| self.selects(key))
    }

    /// The same with the endpoints too that are not believed ([`Endpoint::is_trusted`]), for those who look into the
    /// registry. No request may be sent to these.
    pub fn listed_services(&self) -> Services {
        self.content().listed_services_of(|key| self.selects(key))
    }

    /// The providers that are asked for and believed.
    pub fn providers(&self) -> impl Iterator<Item = Endpoint> + use<> {
        self.services().flat_map(|service| service.providers)
    }

    /// What could not be read, in the order of namespace and name, asked for or not: it may be why
    /// something is not found.
    pub fn problems(&self) -> impl Iterator<Item = PodProblem> + use<> {
        let (state, mut last) = (Arc::clone(&self.state), None::<Arc<Holder>>);
        let pods = std::iter::from_fn(move || {
            let entry = state.content().pod_after(last.as_deref())?;
            last = Some(Arc::clone(entry.holder()));
            Some(Arc::clone(entry))
        });
        pods.flat_map(|entry| entry.pod_problems().collect::<Vec<_>>())
    }

    /// All that is registered, asked for or not.
    pub fn content(&self) -> &Content {
        self.state.content()
    }

    fn selects(&self, key: &StoredKey) -> bool {
        self.selection.as_ref().is_none_or(|selection| selection.selects(key.facts()))
    }
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
