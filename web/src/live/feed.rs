//! What `/v1/annotations` says, as far as the page reads it.
//!
//! What is not read here may be anything.

use dubbo_k8s_codec::problem::{Code, Problem};
use dubbo_k8s_codec::{DecodeError, Stage};
use serde::Deserialize;
use serde_json::value::RawValue;

/// All Pods, or those that have changed since a revision.
#[derive(Debug, Deserialize)]
pub(super) struct Feed {
    pub(super) revision: String,
    /// Missing where all Pods are in it.
    #[serde(default)]
    pub(super) since: Option<String>,
    pub(super) pods: Vec<Item>,
    /// Those that carry nothing any more, by what they are known by.
    #[serde(default)]
    pub(super) gone: Vec<String>,
    #[serde(default)]
    pub(super) problems: Vec<Item>,
}

/// A Pod and its annotation, or what the watcher finds wrong with a Pod or does not believe of it: one type for both,
/// as each more would be code that people wait for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Item {
    namespace: String,
    #[serde(alias = "pod")]
    name: String,
    uid: String,
    pub(super) annotation: String,
    pub(super) label: Option<String>,
    pub(super) ready: Option<bool>,
    error: Option<Box<RawValue>>,
}

/// The names of a Pod.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names<'a> {
    pub(super) namespace: &'a str,
    pub(super) pod: &'a str,
    pub(super) uid: &'a str,
}

impl Names<'_> {
    /// What the Pod is known by: its uid, or its name where it has none.
    pub(super) fn id(&self) -> String {
        match self.uid {
            "" => format!("{}/{}", self.namespace, self.pod),
            uid => uid.to_owned(),
        }
    }
}

impl Item {
    pub(super) fn names(&self) -> Names<'_> {
        Names { namespace: &self.namespace, pod: &self.name, uid: &self.uid }
    }

    /// The problem. An error of a kind that is not known here is still one.
    pub(super) fn problem(&self) -> Problem {
        let error = self.error.as_ref().and_then(|error| serde_json::from_str(error.get()).ok());
        let error: Option<DecodeError> = error;
        error.as_ref().map_or_else(|| Problem::new(Code::Refused(Stage::Shape)), Problem::from)
    }
}
