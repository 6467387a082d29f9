//! An answer of a kube-apiserver, as far as two servers in the same state give the same. What each server makes up by
//! itself (versions, uids, times, its own book-keeping) is replaced by a mark, never left out.

use std::io::Read as _;

use dubbo_k8s_tests::raw::Reply;
use serde_json::{Map, Value};

/// Members of metadata that every server makes up by itself.
const MADE_UP: [&str; 6] =
    ["resourceVersion", "uid", "creationTimestamp", "deletionTimestamp", "generation", "continue"];

#[derive(Debug)]
pub(crate) struct Answer {
    status: u16,
    content_type: String,
    retry_after: String,
    body: Vec<String>,
}

impl Answer {
    /// Reads the rest of an answer, however long it lasts.
    pub(crate) async fn read(reply: &mut Reply) -> Self {
        let header = |name| reply.header(name).unwrap_or("-").to_owned();
        let (content_type, retry_after) = (header("content-type"), header("retry-after"));
        let status = reply.status;
        let body = reply.body().await.unwrap();
        Self { status, content_type, retry_after, body: lines(&body) }
    }

    /// What differs: its name, and what either says.
    pub(crate) fn differences(&self, other: &Self) -> Vec<(&'static str, String, String)> {
        let mut found = Vec::new();
        let mut compare = |what, ours: String, theirs: String| {
            if ours != theirs {
                let from = ours.bytes().zip(theirs.bytes()).take_while(|(a, b)| a == b).count();
                found.push((what, around(&ours, from), around(&theirs, from)));
            }
        };
        compare("status", self.status.to_string(), other.status.to_string());
        compare("content-type", self.content_type.clone(), other.content_type.clone());
        compare("retry-after", self.retry_after.clone(), other.retry_after.clone());
        compare("events", kinds(&self.body), kinds(&other.body));
        compare("body", self.body.join("\n"), other.body.join("\n"));
        found
    }
}

/// A piece of a text around the place where it differs.
fn around(text: &str, place: usize) -> String {
    let skipped = place.saturating_sub(60);
    text.chars().skip(skipped).take(240).collect()
}

/// The types of the events of a watch; empty for anything else.
fn kinds(lines: &[String]) -> String {
    let events = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let kinds = events.filter_map(|event| event["type"].as_str().map(str::to_owned));
    kinds.collect::<Vec<_>>().join(" ")
}

/// One JSON document a line, or the text as it is.
fn lines(body: &[u8]) -> Vec<String> {
    let body = decoded(body);
    let text = String::from_utf8_lossy(&body).into_owned();
    let documents: Result<Vec<Value>, _> =
        serde_json::Deserializer::from_str(&text).into_iter::<Value>().collect();
    let Ok(documents) = documents else { return vec![text] };
    let kept = documents.into_iter().filter(|document| !is_plain_bookmark(document));
    kept.map(|mut document| {
        mark(&mut document);
        document.to_string()
    })
    .collect()
}

fn decoded(body: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    match flate2::read::GzDecoder::new(body).read_to_end(&mut text) {
        Ok(_) => text,
        Err(_) => body.to_vec(),
    }
}

/// They come when they come; only the one that ends the initial events is promised.
fn is_plain_bookmark(event: &Value) -> bool {
    event["type"] == "BOOKMARK"
        && event["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"].is_null()
}

fn mark(tree: &mut Value) {
    match tree {
        Value::Object(members) => {
            if let Some(Value::Object(metadata)) = members.get_mut("metadata") {
                mark_metadata(metadata);
            }
            if members.get("kind").is_some_and(|kind| kind == "Status") {
                mark_message(members);
            }
            // Defaults of a Pod that the story made are those of admission, which the scripted server has none of.
            if members.get("metadata").is_some_and(|metadata| metadata["name"] == "story") {
                members
                    .retain(|name, _| ["kind", "apiVersion", "metadata"].contains(&name.as_str()));
            }
            members.values_mut().for_each(mark);
        }
        Value::Array(items) => items.iter_mut().for_each(mark),
        _ => {}
    }
}

fn mark_metadata(metadata: &mut Map<String, Value>) {
    metadata.remove("managedFields");
    for name in MADE_UP {
        if let Some(value) = metadata.get_mut(name) {
            *value = "…".into();
        }
    }
}

/// Numbers in messages are versions and times; what follows the first line or a whole object is Go's own print.
fn mark_message(status: &mut Map<String, Value>) {
    let Some(Value::String(message)) = status.get_mut("message") else { return };
    *message = numbers_marked(message);
    let causes = status.get_mut("details").and_then(|details| details["causes"].as_array_mut());
    for cause in causes.into_iter().flatten() {
        if let Some(Value::String(message)) = cause.get_mut("message") {
            *message = numbers_marked(message);
        }
    }
}

fn numbers_marked(message: &str) -> String {
    let message = message.split_once("\n@@").map_or(message, |(before, _)| before);
    let printed = message.find("\"{\\\"apiVersion").zip(message.find("}\": strict decoding error"));
    let (start, end) = printed.unwrap_or((message.len(), message.len()));
    let message = message.get(..start).into_iter().chain(message.get(end..)).collect::<String>();
    let mut marked = String::new();
    for character in message.chars() {
        match character {
            '0'..='9' if marked.ends_with('#') => {}
            '0'..='9' => marked.push('#'),
            other => marked.push(other),
        }
    }
    marked
}
