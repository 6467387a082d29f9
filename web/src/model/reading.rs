//! What a Pod's records add to the model: endpoints, and services that had no member before.
//!
//! It judges nothing, and takes nothing out again.

use std::collections::BTreeMap;

use dubbo_k8s_codec::lint::{Entry, Subject};
use dubbo_k8s_codec::relation::{Consumer, PodState, Provider};
use dubbo_k8s_codec::{Category, Service};

use crate::rows::search::Found;

use super::{Endpoint, SAME, ServiceNode, address, index, order};

/// What endpoints have in common that differ in their Pods, addresses and weights only.
#[derive(Debug)]
pub struct Traits {
    /// Its application; empty if it names none.
    pub application: Box<str>,
    /// Its protocol: that of a consumer is the one that it asks for.
    pub protocol: Box<str>,
    /// As a relation compares it.
    pub(super) role: Role,
}

/// As which of the two sides of a relation an endpoint counts.
#[derive(Debug)]
pub(super) enum Role {
    Consumer(Consumer<'static>),
    Provider(Box<Provider<'static>>),
    Rule,
}

/// Takes the records of a Pod that name an endpoint, one by one.
pub(super) struct Reading<'a, 'b> {
    pub(super) subject: &'a Subject<'b>,
    pub(super) endpoints: &'a mut Vec<Endpoint>,
    pub(super) services: &'a mut Vec<ServiceNode>,
    pub(super) by_name: &'a mut BTreeMap<String, u32>,
    pub(super) traits: &'a mut Vec<Traits>,
    pub(super) by_traits: &'a mut BTreeMap<String, u32>,
    pub(super) before: &'a [Endpoint],
    pub(super) tick: u64,
}

impl Reading<'_, '_> {
    pub(super) fn endpoint(&mut self, at: usize, entry: &Entry<'_>) {
        let service = self.service(&entry.service());
        let (traits, weight, registered_ms) = self.traits(service, entry);
        let haystack = haystack(entry, self.subject);
        let known = self.before.iter().take(SAME).find(|known| known.haystack == haystack);
        let since = known.map_or(self.tick, |known| known.since);
        self.endpoints.push(Endpoint {
            record: index(at),
            service,
            category: entry.category,
            severity: None,
            since,
            address: address(entry).into(),
            traits,
            weight,
            registered_ms,
            believed: true,
            refused: false,
            repeated: false,
            haystack,
            found: Found::default(),
        });
    }

    /// What the endpoint has in common with others, its weight and when it was registered.
    fn traits(&mut self, service: u32, entry: &Entry<'_>) -> (u32, u32, u64) {
        let application = entry.url.get("application").unwrap_or_default();
        let (mut weight, mut registered_ms) = (0, 0);
        let mut name = format!("{service}\0{}\0{application}", entry.category as u8);
        let mut add = |part: &str| {
            name.push('\0');
            name.push_str(part);
        };
        let role = match entry.category {
            Category::Consumers => {
                let consumer = Consumer::of(entry, "");
                for part in [&consumer.protocol, &consumer.tag] {
                    add(part.as_deref().unwrap_or_default());
                }
                add(&consumer.dubbo_go.as_ref().map(|it| it.kind()).unwrap_or_default());
                Role::Consumer(consumer)
            }
            Category::Providers => {
                let mut provider = Provider::of(entry, PodState::default());
                weight = std::mem::take(&mut provider.weight);
                registered_ms = std::mem::take(&mut provider.registered_ms);
                add(&provider.protocol);
                for part in [&provider.more_protocols, &provider.category, &provider.tag] {
                    add(part.as_deref().unwrap_or_default());
                }
                add(if provider.enabled { "" } else { "disabled" });
                add(&provider.warmup_ms.to_string());
                add(&provider.dubbo_go.as_ref().map(|it| it.kind()).unwrap_or_default());
                Role::Provider(Box::new(provider))
            }
            _ => Role::Rule,
        };
        if let Some(known) = self.by_traits.get(&name) {
            return (*known, weight, registered_ms);
        }
        let protocol = match &role {
            Role::Consumer(consumer) => consumer.protocol.as_deref().unwrap_or_default(),
            _ => entry.url.scheme(),
        };
        let (application, protocol) = ((&*application).into(), protocol.into());
        let id = index(self.traits.len());
        self.traits.push(Traits { application, protocol, role });
        self.by_traits.insert(name, id);
        (id, weight, registered_ms)
    }

    fn service(&mut self, service: &Service<'_>) -> u32 {
        let name = order(service);
        if let Some(id) = self.by_name.get(&name) {
            return *id;
        }
        let id = index(self.services.len());
        let service = service.clone().into_owned();
        self.by_name.insert(name, id);
        self.services.push(ServiceNode {
            service,
            members: Default::default(),
            lonely: Vec::new(),
        });
        id
    }
}

fn haystack(entry: &Entry<'_>, subject: &Subject<'_>) -> Box<str> {
    let mut text = String::with_capacity(entry.url.as_str().len() + 64);
    for part in
        [subject.namespace, "/", subject.name, " ", &entry.interface, " ", entry.url.as_str()]
    {
        text.push_str(part);
    }
    text.make_ascii_lowercase();
    text.into()
}
