//! A URL in its parts, each with its place in UTF-16 units of the very text that the page has.
//!
//! It never changes what stands there: what is no URL has no parts that mean anything.

use dubbo_k8s_codec::Url;
use serde::Serialize;

use crate::spans::to_utf16;

/// Scheme, user, hosts or path.
#[derive(Debug, Serialize)]
pub(super) struct Part {
    name: &'static str,
    text: String,
    at: [usize; 2],
}

/// A parameter as it is read.
#[derive(Debug, Serialize)]
pub(super) struct Parameter {
    name: String,
    value: String,
    /// Whether it is percent-encoded twice.
    twice: bool,
    at: [usize; 2],
}

/// Scheme, user, hosts and path of a URL with their places.
pub(super) fn parts(url: &str) -> Vec<Part> {
    let scheme = url.as_bytes().windows(3).position(|at| at == b"://").unwrap_or(0);
    let authority = scheme + 3;
    let rest = url.get(authority..).unwrap_or_default();
    let path = authority + rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let user = url.get(authority..path).unwrap_or_default().rfind('@');
    let hosts = user.map_or(authority, |at| authority + at + 1);
    let tail = url.get(path..).unwrap_or_default();
    let end = path + tail.find(['?', '#']).unwrap_or(tail.len());
    let part = |name, from: usize, to: usize| Part {
        name,
        text: url.get(from..to).unwrap_or_default().to_owned(),
        at: [to_utf16(url, from), to_utf16(url, to)],
    };
    let mut all = vec![part("scheme", 0, scheme)];
    if user.is_some() {
        all.push(part("user", authority, hosts.saturating_sub(1)));
    }
    all.push(part("host", hosts, path));
    if end > path {
        all.push(part("path", path, end));
    }
    all
}

/// The parameters of a URL with their places.
pub(super) fn params(url: &str) -> Vec<Parameter> {
    let query = url.find('?').map_or(url.len(), |at| at + 1);
    let end = url.find('#').unwrap_or(url.len()).max(query);
    let Ok(parsed) = Url::parse(url) else { return Vec::new() };
    let mut at = query;
    let segments = url.get(query..end).unwrap_or_default().split('&').map(|segment| {
        let start = at;
        at += segment.len() + 1;
        (start, start + segment.len())
    });
    let written = segments.filter(|(start, end)| end > start);
    let named = parsed.params().zip(written).take(1000).map(|(param, (start, end))| Parameter {
        name: param.name().into_owned(),
        value: param.value().into_owned(),
        twice: param.value() != param.value_once(),
        at: [to_utf16(url, start), to_utf16(url, end)],
    });
    named.collect()
}
