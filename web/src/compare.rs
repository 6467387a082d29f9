//! The difference between two texts as the registry sees it: Pods and records, not lines.

use std::collections::BTreeMap;

use crate::answer::{Json, json};
use dubbo_k8s_codec::{Annotation, Key};

use crate::model::{Model, index};

/// Differences that one answer lists.
const LISTED: usize = 500;

/// What was registered by whom in the text that was kept.
#[derive(Debug)]
pub struct Before {
    /// By name, the place among `keys`.
    pods: BTreeMap<String, u32>,
    /// The keys of each Pod, in order.
    keys: Vec<Vec<String>>,
}

impl Before {
    /// Notes what is registered in a model.
    pub fn of(model: &Model, source: &str) -> Self {
        let mut before = Self { pods: BTreeMap::new(), keys: Vec::new() };
        for at in 0..model.pods.len() {
            if let Some(name) = name(model, at) {
                before.pods.insert(name, index(before.keys.len()));
                before.keys.push(keys(model, at, source));
            }
        }
        before
    }

    fn keys(&self, name: &str) -> Option<&[String]> {
        Some(self.keys.get(*self.pods.get(name)? as usize)?)
    }

    /// What differs in `model`.
    pub fn against(&self, model: &Model, source: &str) -> Json {
        let after = Self::of(model, source);
        let mut listing = Listing { changes: Vec::new(), total: 0, same: 0 };
        for name in self.pods.keys() {
            let old = self.keys(name).unwrap_or_default();
            match after.keys(name) {
                Some(new) => listing.records(name, old, new),
                None if old.is_empty() => listing.add("gone", name, None),
                None => listing.records(name, old, &[]),
            }
        }
        for name in after.pods.keys().filter(|name| self.keys(name).is_none()) {
            let new = after.keys(name).unwrap_or_default();
            if new.is_empty() {
                listing.add("new", name, None);
            }
            listing.records(name, &[], new);
        }
        json!({"changes": listing.changes, "total": listing.total, "same": listing.same})
    }
}

struct Listing {
    changes: Vec<Json>,
    total: usize,
    same: usize,
}

impl Listing {
    fn add(&mut self, what: &str, pod: &str, key: Option<&str>) {
        self.total += 1;
        if self.changes.len() < LISTED {
            self.changes.push(json!({"what": what, "pod": pod, "key": key.map(readable)}));
        }
    }

    /// Two ordered lists, side by side.
    fn records(&mut self, pod: &str, old: &[String], new: &[String]) {
        let (mut old, mut new) = (old.iter().peekable(), new.iter().peekable());
        loop {
            match (old.peek(), new.peek()) {
                (Some(one), Some(other)) if one == other => {
                    self.same += 1;
                    old.next();
                    new.next();
                }
                (Some(one), other) if other.is_none_or(|other| one < other) => {
                    self.add("gone", pod, Some(one));
                    old.next();
                }
                (_, Some(other)) => {
                    self.add("new", pod, Some(other));
                    new.next();
                }
                (_, None) => return,
            }
        }
    }
}

fn name(model: &Model, at: usize) -> Option<String> {
    let pod = model.pods.get(at)?;
    Some(format!("{}/{}", pod.text.namespace, pod.text.name))
}

fn keys(model: &Model, at: usize, source: &str) -> Vec<String> {
    let Some(Ok(annotation)) = model.value(at, source).map(Annotation::decode) else {
        return Vec::new();
    };
    let mut keys: BTreeMap<String, u32> = BTreeMap::new();
    for record in annotation.records() {
        keys.insert(record.key.to_owned(), 0);
    }
    keys.into_keys().collect()
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
        let answer: serde_json::Value =
            serde_json::from_str(&session.request(r#"{"do":"compare"}"#)).unwrap();
        assert_eq!(
            answer["changes"],
            serde_json::json!([{"what": "gone", "pod": "n/a", "key": "/dubbo/x"}, {"what": "new", "pod": "n/a", "key": "/dubbo/z"}])
        );
        assert_eq!(answer["same"], 2);
    }
}
