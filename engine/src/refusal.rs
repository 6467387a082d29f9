//! What a server's refusal means: an HTTP status with any body, or the Status of an ERROR event.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::time::Duration;

use dubbo_k8s_codec::Status;

use super::Cause;
use super::wire::Form;

/// The kinds of refusal that the reflector distinguishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The version (or the continue token) is too old: 410, reason `Expired` or `Gone`.
    Expired,
    /// The version is newer than anything that the server has.
    TooLarge,
    /// Not now: 429, or a 5xx that says when to come back.
    Later,
    /// 401: the credential is not accepted.
    Unauthorized,
    /// 403: the credential is accepted, the request is not allowed.
    Forbidden,
    /// Any other 4xx: the request itself will not do.
    Request,
    /// Everything else: the server (or a proxy in front of it) cannot answer now.
    Server,
}

/// One refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) kind: Kind,
    pub(super) status: u16,
    pub(super) reason: String,
    pub(super) message: String,
    pub(super) retry_after: Option<Duration>,
}

/// How much of an error's body is read.
pub(super) const BODY_LIMIT: usize = 64 << 10;
/// A message is for people; a proxy's error page is not.
const MESSAGE_LIMIT: usize = 500;

impl Refusal {
    /// Of an HTTP status and its body: a Status (on one line or several), plain text, or a page.
    pub(super) fn of_response(
        status: u16,
        retry_after: Option<Duration>,
        form: Form,
        body: &[u8],
    ) -> Self {
        match form.status(body) {
            Ok(body) => Self::new(status, retry_after, &body),
            Err(error) => Self {
                kind: by_status(status, "", retry_after),
                status,
                reason: String::new(),
                message: match form {
                    Form::Json => readable(&String::from_utf8_lossy(body)),
                    Form::Protobuf => error.to_string(),
                },
                retry_after,
            },
        }
    }

    /// Of an ERROR event.
    pub(super) fn of_event(status: &Status) -> Self {
        Self::new(status.code, None, status)
    }

    fn new(status: u16, retry_after: Option<Duration>, body: &Status) -> Self {
        let body_seconds =
            body.retry_after_seconds.map(|seconds| Duration::from_secs(seconds.into()));
        let retry_after = retry_after.or(body_seconds);
        Self {
            kind: if body.is_resource_version_too_large() {
                Kind::TooLarge
            } else {
                by_status(status, &body.reason, retry_after)
            },
            status,
            reason: readable(&body.reason),
            message: readable(&body.message),
            retry_after,
        }
    }

    /// In words, for people who read why a scope was listed again.
    pub(super) fn into_message(self) -> String {
        if self.message.is_empty() {
            format!("{} {}", self.status, self.reason)
        } else {
            self.message
        }
    }

    pub(super) fn into_cause(self) -> Cause {
        Cause::Refused { status: self.status, reason: self.reason, message: self.message }
    }
}

fn by_status(status: u16, reason: &str, retry_after: Option<Duration>) -> Kind {
    match (status, reason) {
        (410, _) | (_, "Expired" | "Gone") => Kind::Expired,
        (429, _) | (_, "TooManyRequests") => Kind::Later,
        (500.., _) if retry_after.is_some() => Kind::Later,
        (401, _) => Kind::Unauthorized,
        (403, _) => Kind::Forbidden,
        (400..=499, _) => Kind::Request,
        _ => Kind::Server,
    }
}

/// One line, without control characters (they could steer a terminal), not too long.
fn readable(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(4 * MESSAGE_LIMIT);
    let words = plain.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(MESSAGE_LIMIT) {
        Some((end, _)) => words.get(..end).unwrap_or_default().to_owned() + "…",
        None => words,
    }
}
