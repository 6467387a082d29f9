//! The difference between two texts as the registry sees it: Pods and records, not lines.

use std::collections::{BTreeMap, BTreeSet};

use dubbo_k8s_codec::{Annotation, Key};
use serde_json::{Value as Json, json};

use crate::model::Model;

/// Differences that one answer lists.
const LISTED: usize = 500;

/// What was registered by whom in the text that was kept.
#[derive(Debug)]
pub struct Before {
    pods: BTreeMap<String, BTreeSet<String>>,
}

impl Before {
    /// Notes what is registered in a model.
    pub fn of(model: &Model, source: &str) -> Self {
        let pods = (0..model.pods.len())
            .filter_map(|at| Some((name(model, at)?, keys(model, at, source))))
            .collect();
        Self { pods }
    }

    /// What differs in `model`.
    pub fn against(&self, model: &Model, source: &str) -> Json {
        let after = Self::of(model, source);
        let names: BTreeSet<&String> = self.pods.keys().chain(after.pods.keys()).collect();
        let nothing = BTreeSet::new();
        let (mut changes, mut total, mut same) = (Vec::new(), 0, 0);
        for name in names {
            let old = self.pods.get(name).unwrap_or(&nothing);
            let new = after.pods.get(name).unwrap_or(&nothing);
            same += old.intersection(new).count();
            let gone = old.difference(new).map(|key| ("gone", key));
            for (what, key) in gone.chain(new.difference(old).map(|key| ("new", key))) {
                total += 1;
                if changes.len() < LISTED {
                    changes.push(json!({"what": what, "pod": name, "key": readable(key)}));
                }
            }
            let whole = (self.pods.contains_key(name), after.pods.contains_key(name));
            if old.is_empty() && new.is_empty() && whole.0 != whole.1 {
                total += 1;
                let what = if whole.0 { "gone" } else { "new" };
                changes.push(json!({"what": what, "pod": name, "key": null}));
            }
        }
        json!({"changes": changes, "total": total, "same": same})
    }
}

fn name(model: &Model, at: usize) -> Option<String> {
    let pod = model.pods.get(at)?;
    Some(format!("{}/{}", pod.text.namespace, pod.text.name))
}

fn keys(model: &Model, at: usize, source: &str) -> BTreeSet<String> {
    let annotation = model.value(at, source).map(Annotation::decode);
    match annotation {
        Some(Ok(annotation)) => annotation.records().map(|record| record.key.to_owned()).collect(),
        _ => BTreeSet::new(),
    }
}

/// A key with its URL unescaped, for people.
pub fn readable(key: &str) -> String {
    match Key::parse(key) {
        Ok(Key { root, interface: Some(interface), category: Some(category), url: Some(url) }) => {
            format!("/{root}/{interface}/{category}/{url}")
        }
        _ => key.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Session;
    use dubbo_k8s_codec::{Record, encode};

    fn text(name: &str, keys: &[&str]) -> String {
        let value = encode(keys.iter().map(|key| Record::new(key)));
        format!(
            "{{\"metadata\":{{\"name\":\"{name}\",\"namespace\":\"n\",\"annotations\":{{\"dubbo.io/annotation\":\"{value}\"}}}}}}"
        )
    }

    #[test]
    fn records_that_came_and_went_are_named_and_order_does_not_matter() {
        let mut session = Session::default();
        session.load((text("a", &["/dubbo", "/dubbo/x"]) + &text("b", &["/dubbo/y"])).into_bytes());
        session.request(r#"{"do":"keep"}"#);
        session.load((text("b", &["/dubbo/y"]) + &text("a", &["/dubbo/z", "/dubbo"])).into_bytes());
        let answer: Json = serde_json::from_str(&session.request(r#"{"do":"compare"}"#)).unwrap();
        assert_eq!(
            answer["changes"],
            json!([{"what": "gone", "pod": "n/a", "key": "/dubbo/x"}, {"what": "new", "pod": "n/a", "key": "/dubbo/z"}])
        );
        assert_eq!(answer["same"], 2);
    }
}
