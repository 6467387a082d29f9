//! The difference between two texts as the registry sees it: Pods and records, not lines.

use std::collections::BTreeMap;

use dubbo_k8s_codec::{Annotation, Key, Url};
use serde::Serialize;

use crate::diff::{Runs, texts};
use crate::model::{Model, index};

/// Differences that one answer lists.
const LISTED: usize = 500;

/// What differs: the first changes, how many there are, and how many records are the same.
#[derive(Debug, Default, Serialize)]
pub struct Comparison {
    changes: Vec<Change>,
    total: usize,
    same: usize,
}

/// What happened to a record or a Pod.
#[derive(Debug, Serialize)]
struct Change {
    what: &'static str,
    pod: String,
    key: Option<String>,
    /// What became of the parameters of an endpoint that has changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    params: Option<Vec<Parameter>>,
    /// How a key is written now that means the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    runs: Option<Runs>,
}

/// A parameter before and after.
#[derive(Debug, Serialize)]
struct Parameter {
    name: String,
    before: Option<String>,
    after: Option<String>,
}

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
    pub fn against(&self, model: &Model, source: &str) -> Comparison {
        let after = Self::of(model, source);
        let mut listing = Comparison::default();
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
        listing
    }
}

impl Comparison {
    fn add(&mut self, what: &'static str, pod: &str, key: Option<&str>) {
        self.total += 1;
        if self.changes.len() < LISTED {
            let (pod, key) = (pod.to_owned(), key.map(readable));
            self.changes.push(Change { what, pod, key, params: None, runs: None });
        }
    }

    fn records(&mut self, pod: &str, old: &[String], new: &[String]) {
        let (gone, mut come) = self.differing(old, new);
        let mut places: Vec<Option<String>> = come.iter().map(|key| place(key)).collect();
        for key in gone {
            // What is not listed is not paired, which bounds the work.
            let wanted = if self.changes.len() < LISTED { place(key) } else { None };
            let at = places.iter().position(|place| wanted.is_some() && *place == wanted);
            match at.and_then(|at| Some((come.get_mut(at)?, places.get_mut(at)?))) {
                Some((other, place)) if self.changed(pod, key, other) => {
                    (*other, *place) = ("", None);
                }
                _ => self.add("gone", pod, Some(key)),
            }
        }
        for key in come.into_iter().filter(|key| !key.is_empty()) {
            self.add("new", pod, Some(key));
        }
    }

    /// The same endpoint: with other parameters, or only written in another way. False if it is neither.
    fn changed(&mut self, pod: &str, old: &str, new: &str) -> bool {
        let (Some(before), Some(after)) = (url(old), url(new)) else { return false };
        let mut params = Vec::new();
        for param in before.params() {
            let name = param.name().into_owned();
            let (before, after) = (Some(param.value().into_owned()), value(&after, &name));
            if before != after {
                params.push(Parameter { name, before, after });
            }
        }
        for param in after.params() {
            let name = param.name().into_owned();
            if before.param(&name).is_none() {
                let after = Some(param.value().into_owned());
                params.push(Parameter { name, before: None, after });
            }
        }
        self.total += 1;
        let key = place(new);
        let runs = params.is_empty().then(|| texts(&readable(old), &readable(new)));
        let what = if runs.is_some() { "rewritten" } else { "changed" };
        let params = runs.is_none().then_some(params);
        self.changes.push(Change { what, pod: pod.to_owned(), key, params, runs });
        true
    }

    /// What only one of two ordered lists has.
    fn differing<'a>(
        &mut self,
        old: &'a [String],
        new: &'a [String],
    ) -> (Vec<&'a str>, Vec<&'a str>) {
        let (mut gone, mut come) = (Vec::new(), Vec::new());
        let (mut old, mut new) = (old.iter().peekable(), new.iter().peekable());
        loop {
            match (old.peek(), new.peek()) {
                (Some(one), Some(other)) if one == other => {
                    self.same += 1;
                    old.next();
                    new.next();
                }
                (Some(one), other) if other.is_none_or(|other| one < other) => {
                    gone.push(one.as_str());
                    old.next();
                }
                (_, Some(other)) => {
                    come.push(other.as_str());
                    new.next();
                }
                (_, None) => return (gone, come),
            }
        }
    }
}

/// The URL of an endpoint's key.
fn url(key: &str) -> Option<Url<'static>> {
    Url::parse(Key::parse(key).ok()?.url?.into_owned()).ok()
}

/// The value of a parameter.
fn value(url: &Url<'_>, name: &str) -> Option<String> {
    url.param(name).map(std::borrow::Cow::into_owned)
}

/// What makes two endpoints the same, whatever their parameters say: category, interface and address.
fn place(key: &str) -> Option<String> {
    let mut place = readable(key);
    place.truncate(place.find('?')?);
    Some(place)
}

/// The name of a Pod, unless it is gone.
fn name(model: &Model, at: usize) -> Option<String> {
    let pod = model.pods.get(at).filter(|pod| !pod.is_gone())?;
    Some(format!("{}/{}", pod.text.namespace, pod.text.name))
}

fn keys(model: &Model, at: usize, source: &str) -> Vec<String> {
    let Some(Ok(annotation)) = model.value(at, source).map(Annotation::decode) else {
        return Vec::new();
    };
    let mut keys: BTreeMap<String, u32> = BTreeMap::new();
    for record in annotation.records() {
        *keys.entry(record.key.to_owned()).or_default() += 1;
    }
    let times = |(key, count): (String, u32)| std::iter::repeat_n(key, count as usize);
    keys.into_iter().flat_map(times).collect()
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
    use dubbo_k8s_codec::{Category, Key, Record, encode};

    fn text(name: &str, keys: &[&str]) -> String {
        let value = encode(keys.iter().map(|key| Record::new(key)));
        format!(
            "{{\"metadata\":{{\"name\":\"{name}\",\"namespace\":\"n\",\"annotations\":{{\"dubbo.io/annotation\":\"{value}\"}}}}}}"
        )
    }

    #[test]
    fn an_endpoint_that_changed_is_compared_parameter_by_parameter() {
        let key = |url| Key::leaf("a.B", Category::Providers, url).to_string();
        let (old, kept) =
            (key("dubbo://10.0.0.1:1/a.B?a=1&b=2&c=3"), key("dubbo://10.0.0.2:1/a.B?a=1"));
        let (new, moved) =
            (key("dubbo://10.0.0.1:1/a.B?a=1&b=5&d=x%20y"), key("dubbo://10.0.0.3:1/a.B?a=1"));
        let mut session = Session::default();
        session.load(text("a", &[&old, &kept]).into_bytes());
        session.request(r#"{"do":"keep"}"#);
        session.load(text("a", &[&new, &moved]).into_bytes());
        let answer: serde_json::Value =
            serde_json::from_str(&session.request(r#"{"do":"compare"}"#)).unwrap();
        assert_eq!(
            answer["changes"],
            serde_json::json!([
                {"what": "changed", "pod": "n/a", "key": "/dubbo/a.B/providers/dubbo://10.0.0.1:1/a.B", "params": [
                    {"name": "b", "before": "2", "after": "5"},
                    {"name": "c", "before": "3", "after": null},
                    {"name": "d", "before": null, "after": "x y"}]},
                {"what": "gone", "pod": "n/a", "key": "/dubbo/a.B/providers/dubbo://10.0.0.2:1/a.B?a=1"},
                {"what": "new", "pod": "n/a", "key": "/dubbo/a.B/providers/dubbo://10.0.0.3:1/a.B?a=1"}])
        );
    }

    #[test]
    fn a_pod_that_a_watch_deleted_and_a_copy_that_went_are_differences() {
        let event = |change: &str, name: &str, keys: &[&str]| {
            format!("{{\"type\":\"{change}\",\"object\":{}}}\n", text(name, keys))
        };
        let mut session = Session::default();
        let before = event("ADDED", "a", &["/dubbo/x"]) + &event("ADDED", "b", &["/dubbo/y"; 2]);
        session.load(before.into_bytes());
        session.request(r#"{"do":"keep"}"#);
        let after = event("DELETED", "a", &["/dubbo/x"]) + &event("MODIFIED", "b", &["/dubbo/y"]);
        session.load(after.into_bytes());
        let answer: serde_json::Value =
            serde_json::from_str(&session.request(r#"{"do":"compare"}"#)).unwrap();
        assert_eq!(
            answer["changes"],
            serde_json::json!([{"what": "gone", "pod": "n/a", "key": "/dubbo/x"}, {"what": "gone", "pod": "n/b", "key": "/dubbo/y"}])
        );
    }

    #[test]
    fn another_order_or_spelling_is_the_same_url_written_differently() {
        let key = |url| Key::leaf("a.B", Category::Providers, url).to_string();
        for (old, new, shown) in [
            ("dubbo://h:1/a.B?a=1&b=2", "dubbo://h:1/a.B?b=2&a=1", "[\"-\",\"a=1&\"]"),
            ("dubbo://h:1/a.B?a=x+y", "dubbo://h:1/a.B?a=x%20y", "[\"-\",\"+y\"]"),
        ] {
            let mut session = Session::default();
            session.load(text("a", &[&key(old)]).into_bytes());
            session.request(r#"{"do":"keep"}"#);
            session.load(text("a", &[&key(new)]).into_bytes());
            let answer = session.request(r#"{"do":"compare"}"#);
            assert!(answer.contains(r#""what":"rewritten""#), "{answer}");
            assert!(answer.contains(r#""total":1"#) && answer.contains(shown), "{answer}");
        }
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
