//! A `Status` of kube-apiserver: how it says that a request, or a watch, failed.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::Deserialize;

use crate::fault::{Found, Stage};
use crate::json::{Fault, Reader};
use crate::phrase::Phrase;
use crate::pod_error::PodError;

/// What a `Status` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// The HTTP status; 0 if it names none.
    pub code: u16,
    /// The reason as one word, such as `Expired`; often empty.
    pub reason: String,
    /// The message for people.
    pub message: String,
    /// What it was about.
    pub causes: Vec<Cause>,
    /// How long to wait before the next try.
    pub retry_after_seconds: Option<u32>,
    /// With an expired continue token: one that goes on at a newer version.
    pub continue_token: Option<String>,
}

/// One cause of a failure. What is absent is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Cause {
    /// The cause as one word, such as `ResourceVersionTooLarge`.
    pub reason: String,
    /// The cause for people.
    pub message: String,
    /// The field of the object at fault.
    pub field: String,
}

impl Status {
    /// Reads a `Status`, compact or pretty-printed. Anything else is an error.
    ///
    /// # Errors
    /// [`PodError`] for bytes that are no `Status`.
    pub fn parse(object: &[u8]) -> Result<Self, PodError> {
        let mut reader = Reader::new(object);
        let what = reader.skip()?;
        if reader.peek().is_some() {
            return Err(reader.fault(Phrase::NothingAfterStatus).into());
        }
        let not_one = |found| Fault::new(Stage::Shape, 0, Phrase::Status, found);
        let wire: Wire = serde_json::from_slice(object).map_err(|_| not_one(Found::Thing(what)))?;
        if wire.kind.as_deref() != Some("Status") {
            return Err(not_one(Found::Thing(Phrase::AnotherKind)).into());
        }
        let details = wire.details.unwrap_or_default();
        let token = wire.metadata.and_then(|metadata| metadata.continue_token);
        Ok(Self {
            code: wire.code.unwrap_or_default(),
            reason: wire.reason.unwrap_or_default(),
            message: wire.message.unwrap_or_default(),
            causes: details.causes.unwrap_or_default(),
            retry_after_seconds: details.retry_after_seconds.filter(|&seconds| seconds > 0),
            continue_token: token.filter(|token| !token.is_empty()),
        })
    }

    /// Whether the asked-for version is lost: relist. Comes as 410, reason `Expired` or `Gone`.
    pub fn is_expired(&self) -> bool {
        self.code == 410 || matches!(self.reason.as_str(), "Expired" | "Gone")
    }

    /// Whether the asked-for version lies in the server's future. As in client-go it is known by
    /// its cause's reason, its cause's message, or its message.
    pub fn is_resource_version_too_large(&self) -> bool {
        const TEXT: &str = "Too large resource version";
        self.code == 504
            && (self.message.contains(TEXT)
                || self.causes.iter().any(|cause| {
                    cause.reason == "ResourceVersionTooLarge" || cause.message.contains(TEXT)
                }))
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if !self.reason.is_empty() {
            write!(f, " {}", self.reason)?;
        }
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Wire {
    kind: Option<String>,
    metadata: Option<Metadata>,
    code: Option<u16>,
    reason: Option<String>,
    message: Option<String>,
    details: Option<Details>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(rename = "continue")]
    continue_token: Option<String>,
}

#[derive(Default, Deserialize)]
struct Details {
    causes: Option<Vec<Cause>>,
    #[serde(rename = "retryAfterSeconds")]
    retry_after_seconds: Option<u32>,
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn an_expired_token_comes_with_another_one() {
        let status = Status::parse(
            br#"{
  "kind": "Status", "apiVersion": "v1", "metadata": {"continue": "abc"}, "status": "Failure",
  "message": "too old", "reason": "Expired", "code": 410
}
"#,
        )
        .unwrap();
        assert!(status.is_expired() && !status.is_resource_version_too_large());
        assert_eq!(status.continue_token.as_deref(), Some("abc"));
        assert_eq!(status.to_string(), "410 Expired: too old");
    }

    #[test]
    fn a_version_of_the_future_is_known_by_any_of_three_marks() {
        for body in [
            r#"{"kind":"Status","code":504,"details":{"causes":[{"reason":"ResourceVersionTooLarge"}],"retryAfterSeconds":1}}"#,
            r#"{"kind":"Status","code":504,"details":{"causes":[{"message":"Too large resource version"}],"retryAfterSeconds":1}}"#,
            r#"{"kind":"Status","code":504,"message":"Timeout: Too large resource version: 9","details":{"retryAfterSeconds":1}}"#,
        ] {
            let status = Status::parse(body.as_bytes()).unwrap();
            assert!(status.is_resource_version_too_large(), "{body}");
            assert_eq!(status.retry_after_seconds, Some(1));
        }
    }

    #[test]
    fn what_is_no_status_is_an_error() {
        for (body, at) in [
            ("Too many requests, please try again later.\n", 0),
            ("", 0),
            (r#"{"kind":"Pod"}"#, 0),
            (r#"{"kind":"Status","code":"x"}"#, 0),
            (r#"{"kind":"Status"} x"#, 18),
        ] {
            assert_eq!(Status::parse(body.as_bytes()).unwrap_err().offset, at, "{body}");
        }
    }
}
