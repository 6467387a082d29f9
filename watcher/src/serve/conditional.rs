//! Conditional requests: a revision as an entity tag, and how long to wait for another one.

use std::fmt::Display;
use std::time::Duration;

use http::header::IF_NONE_MATCH;
use http::{HeaderMap, HeaderValue};

use super::refusal::{Quoted, Refusal};
use super::view::View;
use dubbo_k8s_registry::Revision;

/// The longest wait. A client that asks for longer gets this.
pub(super) const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// The revision as an entity tag. It is a weak one, because the body also has its age, and may be
/// compressed.
pub(super) fn etag(revision: impl Display) -> HeaderValue {
    HeaderValue::try_from(format!("W/\"{revision}\""))
        .unwrap_or_else(|_| HeaderValue::from_static("W/\"\""))
}

/// What `If-None-Match` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Known {
    /// Nothing: no header.
    Nothing,
    /// `*`: whatever there is.
    Anything,
    /// These revisions; tags that were never ours are left out.
    Revisions(Vec<Revision>),
}

impl Known {
    /// What a caller with this view names.
    pub(super) fn of(headers: &HeaderMap, view: &View) -> Self {
        let mut values = headers.get_all(IF_NONE_MATCH).into_iter().peekable();
        if values.peek().is_none() {
            return Self::Nothing;
        }
        let tags = values.filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(','));
        let mut revisions = Vec::new();
        for tag in tags.map(str::trim) {
            if tag == "*" {
                return Self::Anything;
            }
            // The comparison is the weak one; a bare revision is what people type.
            let opaque = tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"');
            revisions.extend(view.revision(opaque));
        }
        Self::Revisions(revisions)
    }
}

/// Reads a time to wait: `30s`, `500ms`, `1m`, or a plain number of seconds.
pub(super) fn parse_wait(text: &str) -> Result<Duration, Refusal> {
    let digits = text.find(|char: char| !char.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let milliseconds: u64 = match unit {
        "ms" => 1,
        "s" | "" => 1000,
        "m" => 60_000,
        _ => return Err(bad_wait(text)),
    };
    let number: u32 = number.parse().map_err(|_| bad_wait(text))?;
    Ok(Duration::from_millis(u64::from(number) * milliseconds).min(LONGEST_WAIT))
}

fn bad_wait(text: &str) -> Refusal {
    let quoted = Quoted(text);
    Refusal::bad_request(format!("wait={quoted} is not a time: write it like 30s, 500ms or 1m."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(values: &[&'static str]) -> Known {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(IF_NONE_MATCH, HeaderValue::from_static(value));
        }
        Known::of(&headers, &View::new(None, false))
    }

    #[test]
    fn tags_are_read_in_every_form() {
        let revision: Revision = "00ab12ff-7".parse().unwrap();
        assert_eq!(known(&[]), Known::Nothing);
        assert_eq!(known(&["*"]), Known::Anything);
        assert_eq!(etag(revision), "W/\"00ab12ff-7\"");
        for value in
            ["W/\"00ab12ff-7\"", "\"00ab12ff-7\"", "00ab12ff-7", "\"other\", \"00ab12ff-7\""]
        {
            assert_eq!(known(&[value]), Known::Revisions(vec![revision]), "{value}");
        }
        assert_eq!(known(&["\"other\""]), Known::Revisions(vec![]));
        assert_eq!(known(&["\"a\"", "\"00ab12ff-7\""]), Known::Revisions(vec![revision]));
    }

    #[test]
    fn waits_are_read_and_bounded() {
        assert_eq!(parse_wait("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(parse_wait("0"), Ok(Duration::ZERO));
        assert_eq!(parse_wait("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_wait("1m"), Ok(LONGEST_WAIT));
        assert_eq!(parse_wait("4294967295m"), Ok(LONGEST_WAIT));
        for text in ["", "s", "-1s", "1h", "1.5s", "4294967296", "1 s"] {
            let refusal = parse_wait(text).unwrap_err();
            assert_eq!(refusal.status, 400, "{text}");
        }
    }
}
