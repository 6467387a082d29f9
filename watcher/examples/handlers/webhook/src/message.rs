//! What is posted: JSON for a program that knows nothing of WebAssembly.

use serde::Serialize;

use crate::wit::dubbo::registry::types::{Change, ChangeKind, Endpoint, Service};

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Message<'a> {
    Snapshot { services: Vec<Listed<'a>> },
    Changes { changes: Vec<Changed<'a>> },
}

#[derive(Serialize)]
struct Listed<'a> {
    service: &'a str,
    providers: Vec<&'a str>,
    consumers: Vec<&'a str>,
}

#[derive(Serialize)]
struct Changed<'a> {
    kind: &'static str,
    key: &'a str,
    value: &'a str,
    category: Option<&'a str>,
    service: Option<&'a str>,
    url: Option<&'a str>,
    namespace: &'a str,
    pod: &'a str,
}

pub(crate) fn snapshot(services: &[Service]) -> Vec<u8> {
    let services = services.iter().map(|service| Listed {
        service: &service.name,
        providers: urls(&service.providers),
        consumers: urls(&service.consumers),
    });
    json(&Message::Snapshot { services: services.collect() })
}

pub(crate) fn changes(changes: &[Change]) -> Vec<u8> {
    let changes = changes.iter().map(|change| Changed {
        kind: match change.kind {
            ChangeKind::Added => "added",
            ChangeKind::Updated => "updated",
            ChangeKind::Removed => "removed",
        },
        key: &change.key,
        value: &change.value,
        category: change.category.as_deref(),
        service: change.service.as_deref(),
        url: change.url.as_deref(),
        namespace: &change.pod.namespace,
        pod: &change.pod.name,
    });
    json(&Message::Changes { changes: changes.collect() })
}

fn urls(endpoints: &[Endpoint]) -> Vec<&str> {
    endpoints.iter().map(|endpoint| endpoint.url.as_str()).collect()
}

fn json(message: &Message<'_>) -> Vec<u8> {
    // Text and lists always become JSON.
    serde_json::to_vec(message).unwrap_or_default()
}
