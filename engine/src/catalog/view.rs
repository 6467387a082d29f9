//! The catalog as people and programs look at it: services with their providers and consumers,
//! problems, Pods. Borrowed, sorted, the same for the same Pods.

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::carriers::Carriers;
use super::entry::PodEntry;
use super::{Catalog, Holder, PodProblem, StoredKey};
use dubbo_k8s_codec::Service;
use dubbo_k8s_codec::Url;
use dubbo_k8s_codec::{Category, Key};

/// One service with who provides and who consumes it.
///
/// Serialises as in `list -o json`.
#[derive(Clone, Debug)]
pub struct ServiceView<'a> {
    /// The service.
    pub service: Service<'static>,
    /// Its providers, in the order of their keys.
    pub providers: Vec<EndpointView<'a>>,
    /// Its consumers, in the order of their keys.
    pub consumers: Vec<EndpointView<'a>>,
}

/// One provider or consumer of a service.
///
/// Serialises as `{"url","protocol","host","port","params","holders"}`.
#[derive(Clone, Debug)]
pub struct EndpointView<'a> {
    /// The key of its record.
    pub key: Cow<'a, str>,
    /// Its URL.
    pub url: Url<'a>,
    /// The Pods that carry it, in the order of their uids.
    pub holders: Vec<&'a Holder>,
}

/// One Pod with its records.
#[derive(Clone, Copy, Debug)]
pub struct PodView<'a> {
    entry: &'a PodEntry,
}

impl Catalog {
    /// All services in their order: by interface, then group, then version.
    pub fn services(&self) -> Vec<ServiceView<'_>> {
        self.service_views().collect()
    }

    /// The same one by one: only one service at a time is in memory with its URLs, which matters
    /// where there are tens of thousands of them.
    pub fn service_views(&self) -> impl Iterator<Item = ServiceView<'_>> {
        let mut services: BTreeMap<Service<'static>, Vec<Listed<'_>>> = BTreeMap::new();
        for listed in self.keys.iter().filter(|(key, _)| key.category().is_some_and(is_endpoint)) {
            let text = listed.0.to_text();
            let Some((_, url)) = endpoint(&text) else { continue };
            services.entry(url.service().into_owned()).or_default().push(listed);
        }
        services.into_iter().map(|(service, keys)| ServiceView::of(service, keys))
    }

    /// All records in the order of their keys: key, the value that counts, and the holders.
    pub fn entries(
        &self,
    ) -> impl Iterator<Item = (String, &str, impl Iterator<Item = &Arc<Holder>>)> {
        self.keys.sorted().into_iter().map(|(key, carriers)| {
            let value = carriers.value().map_or("", |value| value);
            (key.to_text(), value, carriers.holders())
        })
    }

    /// All problems, in the order of namespace and name.
    pub fn problems(&self) -> impl Iterator<Item = PodProblem> {
        self.pod_views().flat_map(|pod| pod.problems())
    }

    /// All Pods, in the order of namespace and name.
    pub fn pod_views(&self) -> impl Iterator<Item = PodView<'_>> {
        self.pod_entries().map(|entry| PodView { entry })
    }
}

/// A key of the catalog with who carries it.
type Listed<'a> = (&'a StoredKey, &'a Carriers);

impl<'a> ServiceView<'a> {
    fn of(service: Service<'static>, mut keys: Vec<Listed<'a>>) -> Self {
        let (mut providers, mut consumers) = (Vec::new(), Vec::new());
        keys.sort_unstable_by_key(|(key, _)| *key);
        for (key, carriers) in keys {
            let key = key.to_text();
            let Some((category, url)) = endpoint(&key) else { continue };
            let holders = carriers.holders().map(|holder| &**holder).collect();
            let endpoint = EndpointView { url, holders, key: Cow::Owned(key) };
            match category {
                Category::Providers => providers.push(endpoint),
                _ => consumers.push(endpoint),
            }
        }
        Self { service, providers, consumers }
    }
}

/// The category and the URL of a key that names a provider or a consumer.
fn endpoint(key: &str) -> Option<(Category, Url<'static>)> {
    let key = Key::parse(key).ok()?;
    let category = key.category.filter(|category| is_endpoint(*category))?;
    Some((category, Url::parse(key.url?.into_owned()).ok()?))
}

fn is_endpoint(category: Category) -> bool {
    matches!(category, Category::Providers | Category::Consumers)
}

impl<'a> PodView<'a> {
    /// Who it is.
    pub fn holder(&self) -> &'a Holder {
        &self.entry.holder
    }

    /// Its version.
    pub fn resource_version(&self) -> &'a str {
        &self.entry.resource_version
    }

    /// Its records in the order of its annotation, key and value, without those that could not be
    /// read.
    pub fn records(&self) -> impl ExactSizeIterator<Item = (String, &'a str)> + Clone + use<'a> {
        self.entry.records.iter().map(|record| (record.key.to_text(), &*record.value))
    }

    /// Its problems.
    pub fn problems(&self) -> impl Iterator<Item = PodProblem> + use<'a> {
        let entry = self.entry;
        entry
            .problems
            .iter()
            .map(|error| PodProblem { holder: Arc::clone(&entry.holder), error: error.clone() })
    }
}

impl Serialize for ServiceView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("ServiceView", 6)?;
        object.serialize_field("service", &format_args!("{}", self.service))?;
        object.serialize_field("interface", &self.service.interface)?;
        object.serialize_field("group", &self.service.group().unwrap_or_default())?;
        object.serialize_field("version", &self.service.version().unwrap_or_default())?;
        object.serialize_field("providers", &self.providers)?;
        object.serialize_field("consumers", &self.consumers)?;
        object.end()
    }
}

impl Serialize for EndpointView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut params: BTreeMap<Cow<'_, str>, Cow<'_, str>> = BTreeMap::new();
        for param in self.url.params() {
            params.entry(param.name()).or_insert_with(|| param.value());
        }
        let mut object = serializer.serialize_struct("EndpointView", 6)?;
        object.serialize_field("url", self.url.as_str())?;
        object.serialize_field("protocol", self.url.scheme())?;
        object.serialize_field("host", self.url.host())?;
        object.serialize_field("port", &self.url.port())?;
        object.serialize_field("params", &params)?;
        object.serialize_field("holders", &self.holders)?;
        object.end()
    }
}
