//! What one row of the tree says.
//!
//! It is asked for the rows in sight alone, and never looks at others.

use dubbo_k8s_codec::lint::Entry;
use dubbo_k8s_codec::problem::{Language, Severity};
use dubbo_k8s_codec::{Category, Record};

use super::{Shown, key_of, pod_name};
use crate::answer::with;
use crate::model::{Pod, address};
use crate::rows::{Node, Row};
use serde_json::{Value as Json, json};

/// Milliseconds for which an endpoint counts as new.
const FRESH: u64 = 2500;

impl Shown<'_> {
    /// One row.
    pub fn row(&self, row: &Row, language: Language, tick: u64) -> Json {
        let json = match row.node {
            Node::Unread => json!({"kind": "unread"}),
            Node::Service(id) => self.service_row(id),
            Node::Role(id, category) => {
                let count =
                    self.model.services.get(id as usize).map_or(0, |node| node.of(category).len());
                json!({"kind": "role", "text": category.as_str(), "count": count})
            }
            Node::Endpoint(pod, place) => self.endpoint_row(pod, place, tick),
            Node::Ghost(at) => self.model.ghosts.get(at as usize).map_or_else(|| json!({}), |ghost| {
                json!({"kind": "endpoint", "text": ghost.address, "in": ghost.pod, "state": "gone"})
            }),
            Node::Pod(pod) => self.pod_row(pod as usize, language),
            Node::Record(pod, record) => self.record_row(pod as usize, record as usize),
        };
        let place = json!({"id": row.node.id(), "depth": row.depth, "open": row.open,
                           "pos": row.position, "size": row.siblings});
        with(json, place)
    }

    fn service_row(&self, id: u32) -> Json {
        let Some(node) = self.model.services.get(id as usize) else { return json!({}) };
        let severity = node.problem.as_ref().map(|problem| problem.code.severity().as_str());
        json!({
            "kind": "service", "text": node.service.interface,
            "group": node.service.group(), "version": node.service.version(),
            "providers": node.of(Category::Providers).len(),
            "consumers": node.of(Category::Consumers).len(), "severity": severity,
        })
    }

    fn endpoint_row(&self, pod: u32, place: u32, tick: u64) -> Json {
        let at = pod as usize;
        let Some(of) = self.pod(at) else { return json!({}) };
        let Some(endpoint) = of.endpoints.get(place as usize) else { return json!({}) };
        let annotation = self.annotation(at);
        let record = annotation.as_ref().and_then(|it| it.records().nth(endpoint.record as usize));
        let own = json!({
            "kind": "endpoint", "pod": pod, "record": endpoint.record, "in": pod_name(of),
            "state": pod_state(of), "severity": endpoint.severity.map(Severity::as_str),
            "fresh": endpoint.since > 0 && endpoint.since + FRESH > tick, "since": endpoint.since,
        });
        with(record.map_or_else(|| json!({}), entry_json), own)
    }

    fn pod_row(&self, at: usize, language: Language) -> Json {
        let Some(of) = self.pod(at) else { return json!({}) };
        let verdict = self.verdict(at, of);
        let worst = of.problems.iter().max_by_key(|problem| problem.code.severity());
        json!({
            "kind": "pod", "text": pod_name(of), "pod": at, "records": of.records,
            "verdict": verdict.as_str(), "state": pod_state(of), "edited": of.edits.is_some(),
            "severity": worst.map(|problem| problem.code.severity().as_str()),
            "why": worst.map(|problem| problem.code.title(language)),
        })
    }

    fn record_row(&self, at: usize, record: usize) -> Json {
        let annotation = self.annotation(at);
        let found = annotation.as_ref().and_then(|it| it.records().nth(record));
        let severity = self.pod(at).and_then(|pod| {
            let of = pod.problems.iter().filter(|problem| problem.record == Some(record));
            of.map(|problem| problem.code.severity()).max()
        });
        let own = json!({"kind": "record", "pod": at, "record": record,
                         "severity": severity.map(Severity::as_str)});
        with(found.map_or_else(|| json!({}), entry_json), own)
    }
}

/// What a record says in a row.
pub(super) fn entry_json(record: Record<'_>) -> Json {
    match Entry::read(record) {
        Ok(Some(entry)) => {
            let service = entry.service();
            let param = |name: &str| entry.url.get(name).map(std::borrow::Cow::into_owned);
            json!({
                "text": address(&entry), "interface": entry.interface, "category": entry.category.as_str(),
                "protocol": entry.url.scheme(), "service": key_of(&service),
                "group": service.group(), "version": service.version(),
                "application": param("application"),
                "weight": Some(entry.url.weight(None)).filter(|weight| *weight != 100),
            })
        }
        Ok(None) => json!({"text": record.key, "category": "directory"}),
        Err(problem) => {
            json!({"text": record.key, "category": "broken", "why": problem.code.as_str()})
        }
    }
}

pub(super) fn pod_state(pod: &Pod) -> Option<&'static str> {
    let text = &pod.text;
    match text.change {
        Some(crate::pod::Change::Deleted) => return Some("gone"),
        _ if text.deleting => return Some("terminating"),
        _ => {}
    }
    match (text.phase.as_deref(), text.ready) {
        (Some("Succeeded" | "Failed"), _) => Some("ended"),
        (_, Some(false)) => Some("unready"),
        _ => None,
    }
}
