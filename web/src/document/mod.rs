//! What was pasted: an annotation, a Pod, a list of Pods, or watch events, in JSON or YAML, and
//! where in the text each Pod stands.
//!
//! It never decodes an annotation and never judges; a text that breaks off keeps the Pods before
//! the break.

mod collector;
mod members;

use dubbo_k8s_codec::Annotation;
use dubbo_k8s_codec::yaml::{Json, Yaml};

use self::collector::Collector;
use crate::events::{Event, Reader as _, SyntaxError};
use crate::pod::{PodText, Value};

/// How the text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The bare value of an annotation.
    Base64,
    /// JSON, one value or several.
    Json,
    /// YAML, one document or several.
    Yaml,
}

/// What the text holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// White space only.
    Empty,
    /// One annotation without its Pod.
    Annotation,
    /// The records of an annotation, already decoded.
    Records,
    /// Pods: one, a list, or several documents.
    Pods,
    /// Events of a watch; the Pods are as the last event left them.
    Events,
}

/// An object that is no Pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// Its kind, or what it looks like.
    pub kind: String,
    /// Where it begins.
    pub offset: usize,
}

/// The Pods of a text, in its order.
#[derive(Debug)]
pub struct Document {
    /// How it is written.
    pub format: Format,
    /// What it holds.
    pub kind: Kind,
    /// The Pods.
    pub pods: Vec<PodText>,
    /// The first objects that are no Pods, at most [`MAX_UNSUPPORTED`], and how many there are.
    pub unsupported: (Vec<Unsupported>, usize),
    /// Where the text stops being what it began as. The Pods before it are there.
    pub error: Option<SyntaxError>,
}

/// Only so many objects that are no Pods are named.
pub const MAX_UNSUPPORTED: usize = 20;

impl Document {
    /// Reads `text`, guessing from its beginning what it is.
    pub fn read(text: &str) -> Self {
        let start = text.trim_start();
        if start.is_empty() {
            return Self::of(Format::Base64, Kind::Empty, Vec::new());
        }
        match start.as_bytes().first() {
            Some(b'[') if let Some(records) = Self::records(text) => records,
            Some(b'{' | b'[' | b'"') => {
                Collector::default().run(&mut Json::new(text), Format::Json, text)
            }
            _ if looks_like_yaml(start) => {
                Collector::default().run(&mut Yaml::new(text), Format::Yaml, text)
            }
            _ => Self::bare(text),
        }
    }

    fn of(format: Format, kind: Kind, pods: Vec<PodText>) -> Self {
        Self { format, kind, pods, unsupported: (Vec::new(), 0), error: None }
    }

    fn bare(text: &str) -> Self {
        let start = text.len() - text.trim_start().len();
        let span = start..start + text.trim().len();
        let pod = PodText { annotation: Some(Value::at(span.clone())), span, ..PodText::default() };
        Self::of(Format::Base64, Kind::Annotation, vec![pod])
    }

    /// `[{"k":…,"v":…}]`: what is inside an annotation. It is shown as the annotation it becomes.
    fn records(text: &str) -> Option<Self> {
        let mut json = Json::new(text);
        let opening = [json.next(), json.next(), json.next()].map(|piece| Some(piece.ok()?.event));
        let [Some(Event::List), Some(Event::Map), Some(Event::Text(name))] = opening else {
            return None;
        };
        if !matches!(name.as_ref(), "k" | "v") {
            return None;
        }
        let annotation = Annotation::from_json(text.trim().as_bytes()).ok()?.encode();
        let value = Value { span: 0..text.len(), text: Some(annotation.into()), linked: false };
        let pod = PodText { annotation: Some(value), span: 0..text.len(), ..PodText::default() };
        Some(Self::of(Format::Json, Kind::Records, vec![pod]))
    }
}

/// A colon that ends a word, or a mark that begins a document, a list or a comment.
fn looks_like_yaml(text: &str) -> bool {
    text.starts_with(['-', '#', '%', '&', '!', '|', '>', '\''])
        || memchr::memchr_iter(b':', text.as_bytes()).any(|at| {
            matches!(text.as_bytes().get(at + 1), None | Some(b' ' | b'\t' | b'\r' | b'\n'))
        })
}

#[cfg(test)]
mod tests;
