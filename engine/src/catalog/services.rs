//! What a catalog holds as people ask for it: services with their providers and consumers. It never
//! decides which records there are.

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::{IntoIter, Vec};
use core::cmp::Ordering;
use core::iter::Peekable;

use dubbo_k8s_codec::{Category, Service, Url};
use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::carriers::Carriers;
use super::holder::Holder;
use super::keys::KeyMap;
use super::pods::{Namespaces, find};
use super::stored_key::StoredKey;

/// One service with its providers and consumers, each in the order of their keys.
///
/// Serialises as `{"service","interface","group","version","providers","consumers"}`.
#[derive(Clone, Debug)]
#[non_exhaustive]
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
/// Serialises as `{"url","protocol","host","port","params","trusted","holders"}`.
#[derive(Clone, Debug)]
pub struct Endpoint {
    key: StoredKey,
    url: Url<'static>,
    is_trusted: bool,
    holders: Vec<(Arc<Holder>, Option<bool>)>,
}

/// Services in their order: by interface, then group, then version. URLs are made for one service at a
/// time, when it is asked for.
#[derive(Debug)]
pub struct Services {
    endpoints: Peekable<IntoIter<Found>>,
    /// For the state of the Pods.
    pods: Namespaces,
    /// Who carries the keys that are believed, and the others.
    believed: KeyMap<Carriers>,
    unbelieved: KeyMap<Carriers>,
}

/// An endpoint before anything is made of it, and whether it is believed. As little as can be, for there is one for
/// each that is shown.
type Found = (StoredKey, bool);

impl Services {
    /// Those of these endpoints, carried by these Pods.
    pub(super) fn of<'a>(
        pods: &Namespaces,
        [believed, unbelieved]: [&KeyMap<Carriers>; 2],
        endpoints: impl Iterator<Item = (&'a StoredKey, bool)>,
    ) -> Self {
        let mut endpoints: Vec<Found> = endpoints.map(|(key, it)| (key.clone(), it)).collect();
        endpoints.sort_unstable_by(|(one, trusted), (two, also)| {
            let by_service = match (one.facts(), two.facts()) {
                (one, two) if Arc::ptr_eq(one, two) => Ordering::Equal,
                (one, two) => one.service().cmp(&two.service()),
            };
            by_service.then_with(|| one.cmp(two)).then_with(|| also.cmp(trusted))
        });
        Self {
            endpoints: endpoints.into_iter().peekable(),
            pods: pods.clone(),
            believed: believed.clone(),
            unbelieved: unbelieved.clone(),
        }
    }

    fn carriers(&self, key: &StoredKey, is_trusted: bool) -> Option<&Carriers> {
        if is_trusted { self.believed.get(key) } else { self.unbelieved.get(key) }
    }
}

impl Iterator for Services {
    type Item = ServiceEntry;

    fn next(&mut self) -> Option<ServiceEntry> {
        let service = self.endpoints.peek()?.0.facts().service()?.clone();
        let (mut providers, mut consumers) = (Vec::new(), Vec::new());
        let is_its = |(key, ..): &Found| key.facts().service() == Some(&service);
        while let Some((key, is_trusted)) = self.endpoints.next_if(is_its) {
            let Some((url, carriers)) = key.url().zip(self.carriers(&key, is_trusted)) else {
                continue;
            };
            let category = key.facts().category();
            let ready = |holder: &Holder| find(&self.pods, holder).and_then(|pod| pod.ready());
            let holders = carriers.holders().map(|holder| (Arc::clone(holder), ready(holder)));
            let endpoint = Endpoint { key, url, is_trusted, holders: holders.collect() };
            match category {
                Some(Category::Providers) => providers.push(endpoint),
                _ => consumers.push(endpoint),
            }
        }
        Some(ServiceEntry { service, providers, consumers })
    }
}

impl Endpoint {
    /// The key of its record.
    pub fn key(&self) -> &StoredKey {
        &self.key
    }

    /// Whether it is believed of these Pods. One that is not must reach no consumer.
    pub const fn is_trusted(&self) -> bool {
        self.is_trusted
    }

    /// Its URL, with no weight larger than what counts.
    pub fn url(&self) -> &Url<'static> {
        &self.url
    }

    /// The same with the holders alone that are `wanted`; `None` if that is none of them.
    pub fn held_by(mut self, wanted: impl Fn(&Holder) -> bool) -> Option<Self> {
        self.holders.retain(|(holder, _)| wanted(holder));
        (!self.holders.is_empty()).then_some(self)
    }

    /// The Pods that carry it, in the order of their uids.
    pub fn holders(&self) -> impl Iterator<Item = &Holder> {
        self.holders.iter().map(|(holder, _)| &**holder)
    }
}

/// A Pod that carries a record, and whether it is ready, where that is known.
#[derive(Serialize)]
struct State<'a> {
    #[serde(flatten)]
    holder: &'a Holder,
    #[serde(skip_serializing_if = "Option::is_none")]
    ready: Option<bool>,
}

impl Serialize for ServiceEntry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("ServiceEntry", 6)?;
        object.serialize_field("service", &format_args!("{}", self.service))?;
        object.serialize_field("interface", &self.service.interface)?;
        object.serialize_field("group", &self.service.group().unwrap_or_default())?;
        object.serialize_field("version", &self.service.version().unwrap_or_default())?;
        object.serialize_field("providers", &self.providers)?;
        object.serialize_field("consumers", &self.consumers)?;
        object.end()
    }
}

impl Serialize for Endpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut params: BTreeMap<Cow<'_, str>, Cow<'_, str>> = BTreeMap::new();
        for param in self.url.params() {
            params.entry(param.name()).or_insert_with(|| param.value());
        }
        let mut object = serializer.serialize_struct("Endpoint", 7)?;
        object.serialize_field("url", self.url.as_str())?;
        object.serialize_field("protocol", self.url.scheme())?;
        object.serialize_field("host", self.url.host())?;
        object.serialize_field("port", &self.url.port())?;
        object.serialize_field("params", &params)?;
        object.serialize_field("trusted", &self.is_trusted)?;
        let holders = self.holders.iter().map(|(holder, ready)| State { holder, ready: *ready });
        object.serialize_field("holders", &holders.collect::<Vec<_>>())?;
        object.end()
    }
}
