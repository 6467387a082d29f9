//! What one caller may see of the registry: which namespaces, and whether the secrets in URLs. Everything that is
//! made for a caller goes through here.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE;
use dubbo_k8s_codec::{Record, encode};
use dubbo_k8s_engine::catalog::{Content, Endpoint, Holder, PodEntry, ServiceEntry};
use serde::Serialize;

use super::secrets;

/// What one caller may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View {
    /// These alone, in their order; all that are followed without a list.
    namespaces: Option<Arc<[String]>>,
    secrets: bool,
}

impl View {
    pub(super) fn new(namespaces: Option<Vec<String>>, secrets: bool) -> Self {
        Self { namespaces: namespaces.map(Arc::from), secrets }
    }

    /// Whether no namespace is left out.
    pub(super) const fn is_whole(&self) -> bool {
        self.namespaces.is_none()
    }

    pub(super) fn sees(&self, holder: &Holder) -> bool {
        let is_its = |name: &String| **name == *holder.namespace;
        self.namespaces.as_ref().is_none_or(|names| names.iter().any(is_its))
    }

    /// A service with the providers and consumers that may be seen; `None` without any.
    pub(super) fn service(&self, mut service: ServiceEntry) -> Option<ServiceEntry> {
        if !self.is_whole() {
            let seen = |all: Vec<Endpoint>| -> Vec<Endpoint> {
                all.into_iter().filter_map(|one| one.held_by(|holder| self.sees(holder))).collect()
            };
            service.providers = seen(service.providers);
            service.consumers = seen(service.consumers);
        }
        (!service.providers.is_empty() || !service.consumers.is_empty()).then_some(service)
    }

    /// How many Pods and how many distinct records may be seen.
    pub(super) fn counts(&self, content: &Content) -> (usize, usize) {
        if self.is_whole() {
            return (content.pods(), content.records());
        }
        let pods = content.pod_entries().filter(|pod| self.sees(pod.holder()));
        let pods = pods.filter(|pod| !pod.holder().pod.is_empty()).count();
        let carried = content.carried();
        let seen =
            carried.filter_map(|(_, _, mut pods)| pods.any(|pod| self.sees(pod)).then_some(()));
        (pods, seen.count())
    }

    /// A text for people.
    pub(super) fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.secrets { Cow::Borrowed(text) } else { secrets::hide(text) }
    }

    /// Writes an object as JSON.
    pub(super) fn write(&self, out: &mut Vec<u8>, object: &impl Serialize) -> io::Result<()> {
        let start = out.len();
        serde_json::to_writer(&mut *out, object)?;
        if !self.secrets
            && let Some(json) = out.get(start..).and_then(|json| std::str::from_utf8(json).ok())
            && let Cow::Owned(hidden) = secrets::hide_in_json(json)
        {
            out.truncate(start);
            out.extend_from_slice(hidden.as_bytes());
        }
        Ok(())
    }

    /// The annotation of a Pod. One that cannot be read may hold secrets where nothing finds them: it is left out
    /// for those who may not see any, unless its text can be searched.
    pub(super) fn annotation<'a>(&self, pod: &'a PodEntry) -> Option<Cow<'a, str>> {
        if self.secrets || pod.records().is_empty() && pod.problems().is_empty() {
            return pod.annotation();
        }
        if !pod.problems().is_empty() {
            let annotation = pod.annotation()?;
            let text = String::from_utf8(BASE64_URL_SAFE.decode(&*annotation).ok()?).ok()?;
            return Some(match secrets::hide_in_json(&text) {
                Cow::Owned(hidden) => Cow::Owned(BASE64_URL_SAFE.encode(hidden)),
                Cow::Borrowed(_) => annotation,
            });
        }
        let keys: Vec<_> = pod.records().iter().map(|record| record.key.to_text()).collect();
        let texts = keys.iter().zip(pod.records());
        let hidden: Vec<_> =
            texts.map(|(key, record)| (secrets::hide(key), secrets::hide(&record.value))).collect();
        let records = hidden.iter().map(|(key, value)| Record { key, value });
        Some(Cow::Owned(encode(records)))
    }
}
