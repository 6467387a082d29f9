//! Who calls whom, as a graph: applications that consume an interface, and those that provide it.
//!
//! It places nothing; where a node stands is the page's.

use std::collections::BTreeMap;

use dubbo_k8s_codec::Category;
use dubbo_k8s_codec::relation::Obstacle;
use serde::Serialize;

use crate::model::{Model, Pod, index};
use crate::rows::View;

/// The most nodes that are drawn.
const MOST: usize = 2000;

/// Nodes, edges between them by their places, and whether some are left out.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Graph {
    nodes: Vec<Node>,
    edges: Vec<Edge>,
    more: bool,
}

/// `app` or `service`, its name, and the Pod and the record of one of its endpoints, to go to.
type Node = (&'static str, String, u32, u32);

/// From which node to which, how many endpoints, how many of them find no provider or are called by no consumer,
/// and why the first of these is: the code of a problem, or of an obstacle.
type Edge = (u32, u32, u32, u32, Option<&'static str>);

/// The graph of what is shown.
pub(crate) fn graph(model: &Model, view: &View) -> Graph {
    let (mut graph, mut known) = (Graph::default(), BTreeMap::new());
    let mut edges: BTreeMap<String, u32> = BTreeMap::new();
    for id in model.sorted() {
        let Some(node) = model.services.get(id as usize) else { continue };
        for category in [Category::Consumers, Category::Providers] {
            for member in node.of(category).iter().filter(|it| view.takes(model, **it)) {
                let Some((pod, endpoint)) = model.endpoint(*member) else { continue };
                let at = (member.0, endpoint.record);
                let named = model.traits.get(endpoint.traits as usize).map(|it| &*it.application);
                let application =
                    named.filter(|name| !name.is_empty()).unwrap_or_else(|| workload(pod));
                let ends = [("app", application), ("service", &*node.service.interface)];
                let [app, service] =
                    ends.map(|(kind, text)| graph.node(&mut known, kind, text, at));
                let (Some(app), Some(service)) = (app, service) else { continue };
                let (asks, why) = match category {
                    Category::Consumers => {
                        let problem = model.lonely(*member);
                        (true, problem.map(|problem| problem.code.as_str()))
                    }
                    _ => (false, model.unusable(*member).map(Obstacle::as_str)),
                };
                let (from, to) = if asks { (app, service) } else { (service, app) };
                let new = index(graph.edges.len());
                let at = *edges.entry(format!("{from}.{to}")).or_insert(new);
                if at == new {
                    graph.edges.push((from, to, 0, 0, None));
                }
                if let Some((_, _, count, broken, reason)) = graph.edges.get_mut(at as usize) {
                    *count += 1;
                    *broken += u32::from(why.is_some());
                    *reason = reason.or(why);
                }
            }
        }
    }
    graph
}

impl Graph {
    fn node(
        &mut self,
        known: &mut BTreeMap<String, u32>,
        kind: &'static str,
        text: &str,
        (pod, record): (u32, u32),
    ) -> Option<u32> {
        let name = format!("{kind}:{text}");
        if let Some(at) = known.get(&name) {
            return Some(*at);
        }
        if self.nodes.len() >= MOST {
            self.more = true;
            return None;
        }
        let at = index(self.nodes.len());
        self.nodes.push((kind, text.to_owned(), pod, record));
        known.insert(name, at);
        Some(at)
    }
}

/// The name of a Pod without what makes it one of several: the hash of its template, and its own.
fn workload(pod: &Pod) -> &str {
    let mut name = &*pod.text.name;
    for _ in 0..2 {
        match name.rsplit_once('-') {
            Some((rest, end)) if end.bytes().any(|it| it.is_ascii_digit()) => name = rest,
            _ => break,
        }
    }
    name
}
