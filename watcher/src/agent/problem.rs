//! What can be wrong with a registration, as data: a code that never changes its meaning, its arguments, and a sentence
//! for people. It must never hold a credential of the agent.

use dubbo_k8s_codec::{Key, kubernetes::ANNOTATIONS_LIMIT};
use dubbo_k8s_engine::registration::{RegistrationError, RegistryUrlError, RegistryUrlWarning};
use dubbo_k8s_engine::{Cause, Verb};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::limits::{
    API, LARGEST_BODY, LONGEST_ID, LONGEST_LEASE, MOST_REGISTRATIONS, MOST_URLS, SHORTEST_LEASE,
};

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    code: &'static str,
    message: String,
    #[serde(flatten)]
    arguments: Map<String, Value>,
    /// The status of an HTTP answer that is this problem.
    #[serde(skip)]
    status: u16,
}

impl Problem {
    fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), arguments: Map::new(), status }
    }

    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.arguments.insert(name.to_owned(), value.into());
        self
    }

    /// The code.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The sentence.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What a program could want from the sentence.
    pub fn arguments(&self) -> &Map<String, Value> {
        &self.arguments
    }

    /// The status of an HTTP answer that is this problem.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// An API that this agent does not speak.
    pub fn unsupported_api(asked: &str) -> Self {
        let message = format!(
            "This agent speaks version {API} of its API: use an adapter for that version, or another agent."
        );
        Self::new(400, "unsupported-api", message)
            .with("asked", short(asked))
            .with("supported", json!([API]))
    }

    pub(super) fn bad_id(id: &str) -> Self {
        let message = format!(
            "An id has 1 to {LONGEST_ID} characters of A-Z, a-z, 0-9, \"-\", \"_\" and \".\"."
        );
        Self::new(400, "bad-id", message).with("found", short(id)).with("limit", LONGEST_ID)
    }

    pub(super) fn bad_body(error: &serde_json::Error) -> Self {
        let message =
            format!("The body must be {{\"urls\":[\"dubbo://…\"],\"leaseSeconds\":30}}: {error}.");
        let problem = Self::new(400, "bad-body", message);
        problem.with("line", error.line()).with("column", error.column())
    }

    /// A body that is too large.
    pub fn body_too_large() -> Self {
        let message = format!("The body of a request has at most {LARGEST_BODY} bytes.");
        Self::new(413, "body-too-large", message).with("limit", LARGEST_BODY)
    }

    /// A body that does not arrive.
    pub fn body_missing() -> Self {
        Self::new(408, "body-missing", "The body of the request did not arrive.")
    }

    pub(super) fn bad_lease(seconds: u64) -> Self {
        let message = format!("A lease lasts from {SHORTEST_LEASE} to {LONGEST_LEASE} seconds.");
        let problem = Self::new(400, "bad-lease", message).with("found", seconds);
        problem.with("min", SHORTEST_LEASE).with("max", LONGEST_LEASE)
    }

    pub(super) fn no_urls() -> Self {
        Self::new(400, "no-urls", "A registration has at least one URL; DELETE ends it.")
    }

    pub(super) fn too_many_urls(found: usize) -> Self {
        let message = format!("A registration has at most {MOST_URLS} URLs.");
        Self::new(400, "too-many-urls", message).with("limit", MOST_URLS).with("found", found)
    }

    pub(super) fn bad_url(url: &str, error: &RegistryUrlError) -> Self {
        let span = error.span();
        let problem = Self::new(400, "bad-url", format!("This URL cannot be registered: {error}."));
        problem.with("url", url).with("offset", span.start).with("length", span.len())
    }

    pub(super) fn too_many_registrations() -> Self {
        let message = format!(
            "There are {MOST_REGISTRATIONS} registrations already; put several URLs into one, or end some."
        );
        Self::new(409, "too-many-registrations", message).with("limit", MOST_REGISTRATIONS)
    }

    pub(super) fn too_many_bytes() -> Self {
        let message = "All URLs together are more than the annotations of a Pod can hold.";
        Self::new(409, "annotations-too-large", message).with("limit", ANNOTATIONS_LIMIT)
    }

    pub(super) fn too_many_changes(limit: usize) -> Self {
        let message = "Several changes of this registration wait for the kube-apiserver already; \
                       try again when they are done.";
        Self::new(503, "too-many-changes", message).with("limit", limit)
    }

    /// No registration has this id.
    pub fn unknown(id: &str) -> Self {
        let message = "There is no such registration; it may have ended with its lease.";
        Self::new(404, "unknown-registration", message).with("id", short(id))
    }

    /// The agent is ending.
    pub fn closing() -> Self {
        Self::new(503, "agent-closing", "The agent is shutting down.")
    }

    /// Why the Pod does not carry a record.
    pub(super) fn of(error: &RegistrationError) -> Self {
        let message = error.to_string();
        let pod = error.pod().to_string();
        let problem = match error {
            RegistrationError::NotFound(_) => Self::new(409, "pod-not-found", message),
            RegistrationError::Gone(_) => Self::new(409, "pod-gone", message),
            RegistrationError::Replaced(_) => Self::new(409, "pod-replaced", message),
            RegistrationError::Terminating(_) => Self::new(409, "pod-terminating", message),
            RegistrationError::NotKept(_) => Self::new(409, "change-not-kept", message),
            RegistrationError::Conflict { attempts, .. } => {
                Self::new(503, "pod-conflict", message).with("attempts", *attempts)
            }
            RegistrationError::Unreadable { error, .. } => {
                let problem = Self::new(409, "annotation-unreadable", message);
                problem.with("error", serde_json::to_value(error).unwrap_or_default())
            }
            RegistrationError::TooLarge { sizes, .. } => {
                let part =
                    |(name, size): &(String, usize)| json!({"annotation": name, "bytes": size});
                let parts: Vec<_> = sizes.parts.iter().map(part).collect();
                let problem = Self::new(409, "annotations-too-large", message);
                problem
                    .with("limit", ANNOTATIONS_LIMIT)
                    .with("total", sizes.total)
                    .with("parts", parts)
            }
            RegistrationError::NotBelieved { key, unbelieved, .. } => {
                let url = Key::parse(key).ok().and_then(|key| key.url).unwrap_or_default();
                let (expected, found) = (unbelieved.distrust.expected(), unbelieved.found);
                Self::new(422, unbelieved.distrust.as_str(), message)
                    .with("url", url)
                    .with("key", &**key)
                    .with("offset", unbelieved.offset)
                    .with("expected", serde_json::to_value(expected).unwrap_or_default())
                    .with("found", serde_json::to_value(found).unwrap_or_default())
            }
            RegistrationError::Request { verb, cause, .. } => request(message, *verb, cause),
            // A later variant is named by its sentence alone.
            _ => Self::new(502, "not-registered", message),
        };
        let problem = problem.with("pod", pod);
        match error.advice() {
            Some(advice) => problem.with("advice", advice),
            None => problem,
        }
    }

    /// What is odd about a URL that is registered.
    pub(super) fn warning(warning: RegistryUrlWarning) -> Self {
        let code = match warning {
            RegistryUrlWarning::LocalHost => "local-host",
            RegistryUrlWarning::UserInfo => "user-info",
            _ => "odd-url",
        };
        Self::new(200, code, warning.to_string())
    }

    pub(super) fn of_url(&self, key: &str) -> bool {
        self.arguments.get("key").is_none_or(|named| named == key)
    }
}

fn request(message: String, verb: Verb, cause: &Cause) -> Problem {
    let problem = match cause {
        Cause::Refused { status: 403, .. } => Problem::new(502, "server-forbids", message),
        Cause::Refused { status, .. } => {
            Problem::new(502, "server-refuses", message).with("serverStatus", *status)
        }
        _ => Problem::new(503, "server-unreachable", message),
    };
    problem.with("verb", verb.to_string())
}

/// What a client sent, short enough to be sent back.
fn short(text: &str) -> String {
    text.chars().take(64).collect()
}
