//! What a Pod's records add to the model: endpoints, and services that nobody was in before.
//!
//! It judges nothing, and takes nothing out again.

use std::collections::BTreeMap;

use dubbo_k8s_codec::Service;
use dubbo_k8s_codec::lint::{Entry, Subject};

use super::{Endpoint, ServiceNode, index, order};

/// So many endpoints of a Pod are recognised when it changes; what a Pod really has is far less.
const SAME: usize = 500;

/// Takes the records of a Pod that name an endpoint, one by one.
pub(super) struct Reading<'a, 'b> {
    pub(super) subject: &'a Subject<'b>,
    pub(super) endpoints: &'a mut Vec<Endpoint>,
    pub(super) services: &'a mut Vec<ServiceNode>,
    pub(super) by_name: &'a mut BTreeMap<String, u32>,
    pub(super) before: &'a [Endpoint],
    pub(super) tick: u64,
}

impl Reading<'_, '_> {
    pub(super) fn endpoint(&mut self, at: usize, entry: &Entry<'_>) {
        let service = self.service(&entry.service());
        let haystack = haystack(entry, self.subject);
        let known = self.before.iter().take(SAME).find(|known| known.haystack == haystack);
        let since = known.map_or(self.tick, |known| known.since);
        self.endpoints.push(Endpoint {
            record: index(at),
            service,
            category: entry.category,
            severity: None,
            since,
            haystack,
        });
    }

    fn service(&mut self, service: &Service<'_>) -> u32 {
        let name = order(service);
        if let Some(id) = self.by_name.get(&name) {
            return *id;
        }
        let id = index(self.services.len());
        let service = service.clone().into_owned();
        self.by_name.insert(name, id);
        self.services.push(ServiceNode { service, members: Default::default(), problem: None });
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
