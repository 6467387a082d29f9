//! Errors of the HTTP API, as `application/problem+json` (RFC 9457). A refusal never quotes what
//! the client has sent beyond a short, printable piece, and never holds a secret.

use std::borrow::Cow;
use std::fmt;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::agent::Problem;

/// An answer that is an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    /// What was wrong and what to do about it, for people.
    pub(super) detail: String,
    /// Seconds after which it is worth trying again.
    pub(super) retry_after: Option<u32>,
    /// What it is in a word that never changes its meaning; the name of the status where there is none.
    pub(super) code: Option<&'static str>,
    /// What a program could want from `detail`.
    pub(super) arguments: Box<Map<String, Value>>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let (retry_after, code, arguments) = (None, None, Box::default());
        Self { status, detail: detail.into(), retry_after, code, arguments }
    }

    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// Out of a bounded resource, for now.
    pub(super) fn busy(detail: impl Into<String>) -> Self {
        Self { retry_after: Some(5), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, detail) }
    }

    /// Over a bound of one client, for now.
    pub(super) fn too_many(detail: impl Into<String>) -> Self {
        Self { retry_after: Some(5), ..Self::new(StatusCode::TOO_MANY_REQUESTS, detail) }
    }

    /// No token, or none that the kube-apiserver knows.
    pub(super) fn unauthenticated() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "Send a token of this cluster as `Authorization: Bearer …`, such as `kubectl create token` gives.",
        )
    }

    fn body(&self) -> String {
        let title = self.status.canonical_reason().unwrap_or("Error");
        let code = self.code.map(Cow::Borrowed);
        let body = Body {
            title,
            status: self.status.as_u16(),
            code: code.unwrap_or_else(|| title.to_ascii_lowercase().replace(' ', "-").into()),
            detail: &self.detail,
            arguments: &self.arguments,
        };
        serde_json::to_string(&body).unwrap_or_default()
    }

    /// The whole response as HTTP/1.1 bytes, for a client that is not even let in.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let body = self.body();
        let retry = self.retry_after.map(|s| format!("retry-after: {s}\r\n")).unwrap_or_default();
        format!(
            "HTTP/1.1 {} {}\r\ncontent-type: {CONTENT_TYPE}\r\ncontent-length: {}\r\n\
             cache-control: no-store\r\n{retry}connection: close\r\n\r\n{body}",
            self.status.as_u16(),
            self.status.canonical_reason().unwrap_or("Error"),
            body.len(),
        )
        .into_bytes()
    }
}

const CONTENT_TYPE: &str = "application/problem+json";

#[derive(Serialize)]
struct Body<'a> {
    title: &'a str,
    status: u16,
    code: Cow<'a, str>,
    detail: &'a str,
    #[serde(flatten)]
    arguments: &'a Map<String, Value>,
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        let status = StatusCode::from_u16(problem.status());
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self {
            retry_after: (status == StatusCode::SERVICE_UNAVAILABLE).then_some(5),
            code: Some(problem.code()),
            arguments: Box::new(problem.arguments().clone()),
            ..Self::new(status, problem.message())
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.body()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// What a client sent, short and printable enough to be sent back.
pub(super) struct Quoted<'a>(pub(super) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LONGEST: usize = 64;
        f.write_str("\"")?;
        for char in self.0.chars().take(LONGEST) {
            write!(f, "{}", char.escape_default())?;
        }
        f.write_str(if self.0.chars().nth(LONGEST).is_some() { "…\"" } else { "\"" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_is_quoted_short_and_printable() {
        assert_eq!(Quoted("a\"\n").to_string(), r#""a\"\n""#);
        assert_eq!(Quoted(&"x".repeat(65)).to_string(), format!("\"{}…\"", "x".repeat(64)));
    }

    #[test]
    fn bytes_are_a_whole_response() {
        let bytes = String::from_utf8(Refusal::busy("Too many clients.").to_bytes()).unwrap();
        let (head, body) = bytes.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{head}");
        assert!(head.contains("\r\nretry-after: 5\r\n"), "{head}");
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{head}");
        let detail = r#"{"title":"Service Unavailable","status":503,"code":"service-unavailable","detail":"Too many clients."}"#;
        assert_eq!(body, detail);
    }
}
