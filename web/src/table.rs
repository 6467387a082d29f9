//! What can be taken away: the endpoints that are shown, as a table; and the values by which they are filtered.
//!
//! Secrets in URLs are blanked, as in a link.

use std::collections::BTreeMap;

use dubbo_k8s_codec::{Annotation, Service};
use serde::Serialize;

use crate::model::{Model, SHOWN, ServiceNode};
use crate::rows::View;
use crate::share::url_of;
use crate::show::Shown;

/// How many columns there are: interface, group, version, role, protocol, address, namespace, Pod, application, ready,
/// problem, URL.
const COLUMNS: usize = 12;

/// A table: how many columns, and the texts of all rows, one after the other.
#[derive(Debug, Serialize)]
pub(crate) struct Table {
    columns: usize,
    cells: Vec<String>,
}

/// All endpoints that are shown, in the order of their services.
pub(crate) fn table(shown: &Shown<'_>, view: &View) -> Table {
    let model = shown.model;
    let members =
        model.sorted().filter_map(|id| model.services.get(id as usize)).flat_map(|node| {
            let all = SHOWN.iter().flat_map(|category| node.of(*category));
            all.map(move |member| (node, *member))
        });
    let mut cells = Vec::new();
    for (node, member) in members.filter(|(_, member)| view.takes(model, *member)) {
        cells.extend(row(shown, node, member).into_iter().flatten());
    }
    Table { columns: COLUMNS, cells }
}

fn row(shown: &Shown<'_>, node: &ServiceNode, member: (u32, u32)) -> Option<[String; COLUMNS]> {
    let model = shown.model;
    let (pod, endpoint) = model.endpoint(member)?;
    let traits = model.traits.get(endpoint.traits as usize)?;
    let annotation = Annotation::decode(model.value(member.0 as usize, shown.source)?).ok()?;
    let record = annotation.records().nth(endpoint.record as usize)?;
    let of_record = pod.problems.iter().filter(|it| it.record == Some(endpoint.record as usize));
    let worst = model.lonely(member).or_else(|| of_record.max_by_key(|it| it.code.severity()));
    let problem = worst.map(|problem| problem.code.as_str());
    let problem = problem.or(pod.is_unread().then_some(pod.verdict.as_str()));
    let ready = pod.text.ready.map(|ready| if ready { "true" } else { "false" });
    let url = url_of(record.key).unwrap_or_default();
    let cells = [
        &*node.service.interface,
        node.service.group().unwrap_or_default(),
        node.service.version().unwrap_or_default(),
        endpoint.category.as_str(),
        &traits.protocol,
        &endpoint.address,
        &pod.text.namespace,
        &pod.text.name,
        &traits.application,
        ready.unwrap_or_default(),
        problem.unwrap_or_default(),
        &url,
    ];
    Some(cells.map(str::to_owned))
}

/// The values that can be filtered by: each once, in order, and not all of very many.
#[derive(Debug, Serialize)]
pub(crate) struct Facets {
    ns: Vec<String>,
    app: Vec<String>,
    protocol: Vec<String>,
    group: Vec<String>,
    version: Vec<String>,
}

/// Values that are offered of a field.
const OFFERED: usize = 500;

/// What can be filtered by.
pub(crate) fn facets(model: &Model) -> Facets {
    let pods = model.pods.iter().filter(|pod| !pod.over);
    let services = model.sorted().filter_map(|id| model.services.get(id as usize));
    let services: Vec<&Service<'_>> = services.map(|node| &node.service).collect();
    Facets {
        ns: values(&mut pods.map(|pod| &*pod.text.namespace)),
        app: values(&mut model.traits.iter().map(|it| &*it.application)),
        protocol: values(&mut model.traits.iter().map(|it| &*it.protocol)),
        group: values(&mut services.iter().filter_map(|it| it.group())),
        version: values(&mut services.iter().filter_map(|it| it.version())),
    }
}

fn values(all: &mut dyn Iterator<Item = &str>) -> Vec<String> {
    let mut known: BTreeMap<String, u32> = BTreeMap::new();
    for value in all.filter(|value| !value.is_empty()) {
        if !known.contains_key(value) {
            known.insert(value.to_owned(), 0);
        }
    }
    known.into_keys().take(OFFERED).collect()
}
