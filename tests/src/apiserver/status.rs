//! The `Status` objects with which the server refuses. Their texts are those of a real
//! kube-apiserver; nothing else may invent one.

use std::borrow::Cow;
use std::fmt;

use serde_json::{Map, Value, json};

use super::object::Encoding;
use super::{json, protobuf};

/// An error answer of the server, as HTTP body or as the object of an ERROR event.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Status {
    /// The HTTP status code.
    pub code: u16,
    /// The machine-readable reason; empty when the server gives none.
    pub reason: &'static str,
    /// The sentence for people.
    pub message: String,
    pub(crate) details: Option<Box<Details>>,
    pub(crate) continue_token: Option<Box<str>>,
}

/// What the error is about.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Details {
    pub(crate) name: String,
    pub(crate) group: &'static str,
    pub(crate) kind: Cow<'static, str>,
    pub(crate) causes: Vec<Cause>,
    pub(crate) retry_after_seconds: u32,
}

/// One reason of several.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Cause {
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    pub(crate) field: String,
}

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}: {}", self.code, self.reason, self.message)
    }
}

impl std::error::Error for Status {}

impl Status {
    /// A Status of any code, for scripted faults.
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: None, continue_token: None }
    }

    /// 401.
    pub fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized")
    }

    /// 410 as a watch gets it from a version that the server no longer has.
    pub fn too_old(requested: u64, oldest: u64) -> Self {
        Self::new(410, "Expired", format!("too old resource version: {requested} ({oldest})"))
    }

    /// 500 with a message.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(500, "InternalError", message)
    }

    /// 504 as given for a resourceVersion that the server has not reached.
    pub fn too_large(requested: u64, current: u64) -> Self {
        let message =
            format!("Timeout: Too large resource version: {requested}, current: {current}");
        let cause = Cause {
            reason: "ResourceVersionTooLarge",
            message: "Too large resource version".to_owned(),
            field: String::new(),
        };
        Self::new(504, "Timeout", message).with_details(Details {
            causes: vec![cause],
            retry_after_seconds: 1,
            ..Details::default()
        })
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub(crate) fn conflict(name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on pods \"{name}\": {why}");
        Self::new(409, "Conflict", message).with_details(Details {
            name: name.to_owned(),
            kind: "pods".into(),
            ..Details::default()
        })
    }

    pub(crate) fn not_found(name: &str) -> Self {
        Self::new(404, "NotFound", format!("pods \"{name}\" not found")).with_details(Details {
            name: name.to_owned(),
            kind: "pods".into(),
            ..Details::default()
        })
    }

    pub(crate) fn unknown_resource() -> Self {
        Self::new(404, "NotFound", "the server could not find the requested resource")
            .with_details(Details::default())
    }

    pub(crate) fn expired_list() -> Self {
        Self::new(410, "Expired", "The resourceVersion for the provided list is too old.")
    }

    /// 410 for a continue token; `token` continues at the newest version instead.
    pub(crate) fn expired_token(token: String) -> Self {
        let message = "The provided continue parameter is too old to display a consistent list \
                       result. You can start a new list without the continue parameter, or use \
                       the continue token in this response to retrieve the remainder of the \
                       results. Continuing with the provided token results in an inconsistent \
                       list - objects that were created, modified, or deleted between the time \
                       the first chunk was returned and now may show up in the list.";
        Self { continue_token: Some(token.into()), ..Self::new(410, "Expired", message) }
    }

    /// 422 with its causes, each of them said in the message too (once).
    pub(crate) fn invalid(subject: Subject<'_>, causes: Vec<Cause>) -> Self {
        let mut sentences: Vec<String> =
            causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect();
        sentences.dedup();
        let sentences = match sentences.as_slice() {
            [one] => one.clone(),
            several => format!("[{}]", several.join(", ")),
        };
        let kind = match subject.group {
            "" => subject.kind.to_owned(),
            group => format!("{}.{group}", subject.kind),
        };
        let message = format!("{kind} \"{}\" is invalid: {sentences}", subject.name);
        Self::new(422, "Invalid", message).with_details(Details {
            name: subject.name.to_owned(),
            group: subject.group,
            kind: subject.kind.into(),
            causes,
            retry_after_seconds: 0,
        })
    }

    pub(crate) fn with_details(mut self, details: Details) -> Self {
        self.details = Some(Box::new(details));
        self
    }

    /// The object, fields in the server's order.
    pub(crate) fn tree(&self) -> Value {
        let mut metadata = Map::new();
        if let Some(token) = &self.continue_token {
            metadata.insert("continue".to_owned(), json!(token));
        }
        let mut status = Map::new();
        status.insert("kind".to_owned(), json!("Status"));
        status.insert("apiVersion".to_owned(), json!("v1"));
        status.insert("metadata".to_owned(), Value::Object(metadata));
        status.insert("status".to_owned(), json!("Failure"));
        status.insert("message".to_owned(), json!(self.message));
        if !self.reason.is_empty() {
            status.insert("reason".to_owned(), json!(self.reason));
        }
        if let Some(details) = &self.details {
            status.insert("details".to_owned(), details.tree());
        }
        status.insert("code".to_owned(), json!(self.code));
        Value::Object(status)
    }

    /// The body of an HTTP answer: one line, or pretty over several without a newline at its end.
    pub(crate) fn body(&self, pretty: bool) -> Vec<u8> {
        if pretty {
            return json::pretty(&self.tree());
        }
        json::line(&self.tree())
    }

    /// The same as protobuf.
    pub(crate) fn message_body(&self) -> Vec<u8> {
        protobuf::body(&self.tree())
    }

    /// The ERROR event.
    pub(crate) fn event(&self, encoding: Encoding) -> Vec<u8> {
        let event = json!({"type": "ERROR", "object": self.tree()});
        match encoding {
            Encoding::Json => json::line(&event),
            Encoding::Protobuf => protobuf::frame(&event),
        }
    }
}

impl Details {
    fn tree(&self) -> Value {
        let mut details = Map::new();
        let texts = [("name", self.name.as_str()), ("group", self.group), ("kind", &*self.kind)];
        for (name, text) in texts {
            if !text.is_empty() {
                details.insert(name.to_owned(), json!(text));
            }
        }
        if !self.causes.is_empty() {
            let causes = self.causes.iter().map(Cause::tree).collect();
            details.insert("causes".to_owned(), Value::Array(causes));
        }
        if self.retry_after_seconds > 0 {
            details.insert("retryAfterSeconds".to_owned(), json!(self.retry_after_seconds));
        }
        Value::Object(details)
    }
}

impl Cause {
    pub(crate) fn new(
        reason: &'static str,
        field: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self { reason, message: message.into(), field: field.into() }
    }

    fn tree(&self) -> Value {
        let mut cause = Map::new();
        cause.insert("reason".to_owned(), json!(self.reason));
        cause.insert("message".to_owned(), json!(self.message));
        if !self.field.is_empty() {
            cause.insert("field".to_owned(), json!(self.field));
        }
        Value::Object(cause)
    }
}

/// What a 422 is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) kind: &'static str,
    pub(crate) group: &'static str,
    pub(crate) name: &'a str,
}
