//! What `/v1/events` and `/v1/snapshot` say, as far as the page reads it.
//!
//! What is missing is empty, and what is not read here may be anything.

use dubbo_k8s_codec::problem::{Code, Problem};
use dubbo_k8s_codec::{DecodeError, Stage};
use serde::Deserialize;
use serde_json::value::RawValue;

/// One event, or a snapshot.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Event {
    #[serde(rename = "event")]
    pub(super) kind: String,
    namespace: Option<String>,
    pod: Option<String>,
    uid: Option<String>,
    pub(super) key: String,
    pub(super) value: String,
    /// Of a `problem` its parts; of others a sentence.
    error: Option<Box<RawValue>>,
    /// Of `snapshot` and `holders`.
    pub(super) data: Snapshot,
}

/// All that is registered at one moment.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Snapshot {
    pub(super) services: Vec<Service>,
    /// As the events that raise them.
    pub(super) problems: Vec<Event>,
}

/// A service and who is in it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Service {
    pub(super) interface: String,
    pub(super) providers: Vec<Endpoint>,
    pub(super) consumers: Vec<Endpoint>,
}

/// A provider or a consumer, and the Pods that carry its record.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Endpoint {
    pub(super) url: String,
    pub(super) holders: Vec<Holder>,
}

/// A Pod that carries a record.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Holder {
    namespace: String,
    pod: String,
    uid: String,
}

/// The names of a Pod.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names<'a> {
    pub(super) namespace: &'a str,
    pub(super) pod: &'a str,
    pub(super) uid: &'a str,
}

impl Event {
    /// Whether all that was known before is over.
    pub fn is_snapshot(&self) -> bool {
        self.kind == "snapshot"
    }

    pub(super) fn names(&self) -> Names<'_> {
        Names {
            namespace: self.namespace.as_deref().unwrap_or_default(),
            pod: self.pod.as_deref().unwrap_or_default(),
            uid: self.uid.as_deref().unwrap_or_default(),
        }
    }

    /// Why an annotation is refused. An error of a kind that is not known here is still one.
    pub(super) fn problem(&self) -> Problem {
        let error = self.error.as_ref().and_then(|error| serde_json::from_str(error.get()).ok());
        let error: Option<DecodeError> = error;
        error.as_ref().map_or_else(|| Problem::new(Code::Refused(Stage::Shape)), Problem::from)
    }
}

impl Holder {
    pub(super) fn names(&self) -> Names<'_> {
        Names { namespace: &self.namespace, pod: &self.pod, uid: &self.uid }
    }
}
