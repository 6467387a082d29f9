//! What the inspector keeps of a Pod: its identity, its state, and the place of its annotation.
//!
//! It never copies an annotation that stands in the text as it is.

use std::ops::Range;

use dubbo_k8s_codec::pasted::PastedPod;
use dubbo_k8s_codec::{ANNOTATION, PodError};

/// The type of the last watch event about a Pod.
pub use dubbo_k8s_codec::pasted::Change;

/// A text of the source, and what it means if that differs from how it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// Its bytes in the source, without quotes where it is written as it is.
    pub span: Range<usize>,
    /// What it means, unless the source has just that.
    pub text: Option<Box<str>>,
    /// False if the places of the text do not correspond to places of the source.
    pub linked: bool,
}

impl Value {
    /// A text that stands in the source as it is.
    pub const fn at(span: Range<usize>) -> Self {
        Self { span, text: None, linked: true }
    }

    /// The text `value` that is written at `span` of `source`, perhaps quoted or wrapped.
    pub fn new(value: &str, span: Range<usize>, source: &str) -> Self {
        let inner = span.start + 1..span.end.saturating_sub(1).max(span.start + 1);
        [span.clone(), inner]
            .into_iter()
            .find(|place| source.get(place.clone()) == Some(value))
            .map_or_else(|| Self { span, text: Some(value.into()), linked: true }, Self::at)
    }

    /// A text of which no place of the source is the place.
    pub fn made(value: &str) -> Self {
        Self { span: 0..0, text: Some(value.into()), linked: false }
    }

    /// The text.
    pub fn get<'a>(&'a self, source: &'a str) -> &'a str {
        self.text.as_deref().unwrap_or_else(|| source.get(self.span.clone()).unwrap_or_default())
    }
}

/// A Pod, as far as the registry and its lint are concerned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodText {
    /// Its bytes in the source.
    pub span: Range<usize>,
    /// Empty if the text does not say.
    pub namespace: Box<str>,
    /// Empty if the text does not say.
    pub name: Box<str>,
    /// Empty if the text does not say.
    pub uid: Box<str>,
    /// Empty if the text does not say.
    pub resource_version: Box<str>,
    /// The value of `dubbo.io/label`.
    pub label: Option<Box<str>>,
    /// The value of `dubbo.io/annotation`.
    pub annotation: Option<Value>,
    /// Bytes of all other annotations, names and values; none if the Pod has no annotations at all, so that a JSON Patch
    /// has to add the map.
    pub other_annotations: Option<usize>,
    /// `Running` and the like.
    pub phase: Option<Box<str>>,
    /// It has a deletionTimestamp.
    pub deleting: bool,
    /// The Ready condition, if there is a status.
    pub ready: Option<bool>,
    /// It stands in the text more than once; this is the last time.
    pub repeated: bool,
    /// Why a registry would not read the object; the offset is one in it.
    pub error: Option<PodError>,
    /// It has Dubbo Java's annotation `io.dubbo/metadata`.
    pub of_java: bool,
    /// What the last watch event said.
    pub change: Option<Change>,
    /// The Pod's own addresses.
    pub ips: Vec<Box<str>>,
}

impl PodText {
    /// The Pod as it was read from `source`.
    pub fn of(read: PastedPod<'_>, source: &str) -> Self {
        let PastedPod { pod, error, span, annotation: place, annotated, change, .. } = read;
        let annotation = pod.annotation.as_deref().map(|value| match place {
            Some(place) => Value::new(value, place, source),
            None => Value::made(value),
        });
        Self {
            span,
            namespace: pod.namespace.as_ref().into(),
            name: pod.name.as_ref().into(),
            uid: pod.uid.as_ref().into(),
            resource_version: pod.resource_version.as_ref().into(),
            label: pod.label.as_deref().map(Into::into),
            annotation,
            other_annotations: annotated.then_some(read.other_annotation_bytes),
            phase: pod.phase.as_deref().map(Into::into),
            deleting: pod.deleting,
            ready: pod.ready,
            repeated: false,
            error,
            of_java: read.metadata.is_some(),
            change,
            ips: pod.ips.iter().map(|ip| ip.to_string().into()).collect(),
        }
    }

    /// The Pod's own addresses.
    pub fn addresses(&self) -> Vec<&str> {
        self.ips.iter().map(AsRef::as_ref).collect()
    }

    /// Whether it is an annotation without its Pod.
    pub fn is_bare(&self) -> bool {
        self.name.is_empty() && self.namespace.is_empty() && self.label.is_none()
    }

    /// The annotation's text, if there is one.
    pub fn value<'a>(&'a self, source: &'a str) -> Option<&'a str> {
        self.annotation.as_ref().map(|value| value.get(source))
    }

    /// Bytes of all annotations together, as the server counts them, with `value` as this one.
    pub fn annotation_bytes(&self, value: Option<&str>) -> usize {
        self.other_annotations.unwrap_or(0)
            + value.map_or(0, |value| ANNOTATION.len() + value.len())
    }
}
