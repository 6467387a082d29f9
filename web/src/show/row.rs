//! What one row of the tree says.
//!
//! It is asked for the rows in sight alone, and never looks at others.

use dubbo_k8s_codec::lint::Entry;
use dubbo_k8s_codec::problem::Severity;
use dubbo_k8s_codec::{Category, Record};
use serde::Serialize;

use super::{Shown, key_of, pod_name};
use crate::model::{Pod, address, index};
use crate::rows::{Node, Row};

/// Milliseconds for which an endpoint counts as new.
const FRESH: u64 = 2500;

/// A row and its place in the tree.
#[derive(Debug, Serialize)]
pub struct RowData {
    id: String,
    depth: u8,
    open: Option<bool>,
    pos: u32,
    size: u32,
    #[serde(flatten)]
    what: What,
}

/// What a row stands for.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum What {
    Unread,
    Service(ServiceRow),
    Role { text: &'static str, count: usize },
    Endpoint(EndpointRow),
    Pod(PodRow),
    Record(RecordRow),
}

#[derive(Debug, Default, Serialize)]
struct ServiceRow {
    text: String,
    group: Option<String>,
    version: Option<String>,
    providers: usize,
    consumers: usize,
    /// Members in Pods that dubbo-go refuses or never sees.
    unread: usize,
    severity: Option<&'static str>,
}

#[derive(Debug, Default, Serialize)]
struct EndpointRow {
    #[serde(flatten)]
    entry: EntryData,
    #[serde(skip_serializing_if = "Option::is_none")]
    pod: Option<u32>,
    record: Option<u32>,
    r#in: String,
    state: Option<&'static str>,
    /// What dubbo-go does with the Pod, unless it reads it.
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<&'static str>,
    severity: Option<&'static str>,
    fresh: bool,
}

#[derive(Debug, Default, Serialize)]
struct PodRow {
    text: String,
    pod: usize,
    records: Option<usize>,
    verdict: &'static str,
    state: Option<&'static str>,
    edited: bool,
    severity: Option<&'static str>,
    why: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct RecordRow {
    #[serde(flatten)]
    entry: EntryData,
    pod: usize,
    record: usize,
    severity: Option<&'static str>,
}

/// What a record says in a row.
#[derive(Debug, Default, Serialize)]
pub(super) struct EntryData {
    text: String,
    category: &'static str,
    interface: Option<String>,
    protocol: Option<String>,
    service: Option<String>,
    group: Option<String>,
    version: Option<String>,
    application: Option<String>,
    weight: Option<u32>,
    why: Option<&'static str>,
}

impl Shown<'_> {
    /// One row.
    pub fn row(&self, row: &Row, tick: u64) -> RowData {
        let what = match row.node {
            Node::Unread => What::Unread,
            Node::Service(id) => What::Service(self.service_row(id).unwrap_or_default()),
            Node::Role(id, category) => {
                let node = self.model.services.get(id as usize);
                let count = node.map_or(0, |node| node.of(category).len());
                What::Role { text: category.as_str(), count }
            }
            Node::Endpoint(pod, place) => {
                What::Endpoint(self.endpoint_row(pod, place, tick).unwrap_or_default())
            }
            Node::Departed(at) => What::Endpoint(self.departed_row(at).unwrap_or_default()),
            Node::Pod(pod) => What::Pod(self.pod_row(pod as usize).unwrap_or_default()),
            Node::Record(pod, record) => {
                What::Record(self.record_row(pod as usize, record as usize))
            }
        };
        RowData {
            id: row.node.id(),
            depth: row.depth,
            open: row.open,
            pos: row.position,
            size: row.siblings,
            what,
        }
    }

    fn service_row(&self, id: u32) -> Option<ServiceRow> {
        let node = self.model.services.get(id as usize)?;
        let unread = |(pod, _): &&(u32, u32)| self.pod(*pod as usize).is_some_and(Pod::is_unread);
        let unread = node.members.iter().flatten().filter(unread).count();
        let problem = node.lonely.first().map(|lonely| lonely.problem.code.severity());
        let severity = problem.max((unread > 0).then_some(Severity::Error));
        Some(ServiceRow {
            text: node.service.interface.as_ref().to_owned(),
            group: node.service.group().map(str::to_owned),
            version: node.service.version().map(str::to_owned),
            providers: node.of(Category::Providers).len(),
            consumers: node.of(Category::Consumers).len(),
            unread,
            severity: severity.map(Severity::as_str),
        })
    }

    fn endpoint_row(&self, pod: u32, place: u32, tick: u64) -> Option<EndpointRow> {
        let at = pod as usize;
        let of = self.pod(at)?;
        let endpoint = of.endpoints.get(place as usize)?;
        let annotation = self.annotation(at);
        let record = annotation.as_ref().and_then(|it| it.records().nth(endpoint.record as usize));
        let unread = of.is_unread();
        let lonely = self.model.lonely((pod, place)).map(|problem| problem.code.severity());
        let severity = endpoint.severity.max(lonely).max(unread.then_some(Severity::Error));
        Some(EndpointRow {
            entry: record.map(EntryData::of).unwrap_or_default(),
            pod: Some(pod),
            record: Some(endpoint.record),
            r#in: pod_name(of),
            state: pod_state(of),
            verdict: unread.then_some(of.verdict.as_str()),
            severity: severity.map(Severity::as_str),
            fresh: endpoint.since > 0 && endpoint.since + FRESH > tick,
        })
    }

    fn departed_row(&self, at: u32) -> Option<EndpointRow> {
        let departed = self.model.departed.get(at as usize)?;
        Some(EndpointRow {
            entry: EntryData { text: departed.address.clone(), ..EntryData::default() },
            r#in: departed.pod.clone(),
            state: Some("gone"),
            ..EndpointRow::default()
        })
    }

    fn pod_row(&self, at: usize) -> Option<PodRow> {
        let of = self.pod(at)?;
        let places = 0..index(of.endpoints.len());
        let lonely = places.filter_map(|place| self.model.lonely((index(at), place)));
        let worst = of.problems.iter().chain(lonely).max_by_key(|problem| problem.code.severity());
        Some(PodRow {
            text: pod_name(of),
            pod: at,
            records: of.records,
            verdict: of.verdict.as_str(),
            state: pod_state(of),
            edited: of.is_edited(),
            severity: worst.map(|problem| problem.code.severity().as_str()),
            why: worst.map(|problem| problem.code.as_str()),
        })
    }

    fn record_row(&self, at: usize, record: usize) -> RecordRow {
        let annotation = self.annotation(at);
        let found = annotation.as_ref().and_then(|it| it.records().nth(record));
        let severity = self.pod(at).and_then(|pod| {
            let of = pod.problems.iter().filter(|problem| problem.record == Some(record));
            let place = pod.place_of(record);
            let lonely = place.and_then(|place| self.model.lonely((index(at), place)));
            of.chain(lonely).map(|problem| problem.code.severity()).max()
        });
        RecordRow {
            entry: found.map(EntryData::of).unwrap_or_default(),
            pod: at,
            record,
            severity: severity.map(Severity::as_str),
        }
    }
}

impl EntryData {
    pub(super) fn of(record: Record<'_>) -> Self {
        let text = record.key.to_owned();
        let entry = match Entry::read(record) {
            Ok(Some(entry)) => entry,
            Ok(None) => return Self { text, category: "directory", ..Self::default() },
            Err(problem) => {
                let why = Some(problem.code.as_str());
                return Self { text, category: "broken", why, ..Self::default() };
            }
        };
        let service = entry.service();
        Self {
            text: address(&entry),
            category: entry.category.as_str(),
            interface: Some(entry.interface.clone().into_owned()),
            protocol: Some(entry.url.scheme().to_owned()),
            service: Some(key_of(&service)),
            group: service.group().map(str::to_owned),
            version: service.version().map(str::to_owned),
            application: entry.url.get("application").map(std::borrow::Cow::into_owned),
            weight: Some(entry.url.weight(None)).filter(|weight| *weight != 100),
            why: None,
        }
    }
}

pub(super) fn pod_state(pod: &Pod) -> Option<&'static str> {
    let text = &pod.text;
    if pod.is_gone() {
        return Some("gone");
    }
    if text.deleting {
        return Some("terminating");
    }
    match (text.phase.as_deref(), text.ready) {
        (Some("Succeeded" | "Failed"), _) => Some("ended"),
        (_, Some(false)) => Some("unready"),
        _ => None,
    }
}
