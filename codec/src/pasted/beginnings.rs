//! The lines of a pasted text, by how they begin: a value of JSON, YAML that holds Pods, the logs of a dump, a fence
//! of Markdown. It reads none of them.

use crate::find::find;

/// A byte-order mark, and what `jq --seq` writes before each value.
pub(super) const MARKS: [char; 2] = ['\u{feff}', '\u{1e}'];

/// What begins a line of YAML that holds Pods.
const HEADERS: [&str; 9] = [
    "apiVersion:",
    "kind:",
    "metadata:",
    "items:",
    "annotations:",
    "dubbo.io/annotation:",
    "- apiVersion:",
    "- kind:",
    "- metadata:",
];

pub(super) const LOGS_START: &str = "==== START logs ";

const LOGS_END: &str = "==== END logs ";

/// What stands before and behind a text in Markdown.
#[cfg(feature = "yaml")]
const FENCE: &str = "```";

/// The lines of a text with their places.
pub(super) fn lines_of(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split_inclusive('\n').map(move |line| {
        let start = at;
        at += line.len();
        (start, line.trim_end_matches(['\n', '\r']))
    })
}

/// How many lines of a text have something in them.
#[cfg(feature = "yaml")]
pub(super) fn lines(text: &str) -> usize {
    lines_of(text).filter(|(_, line)| !line.trim().is_empty()).count()
}

/// Whether a value of JSON begins here, and no other text.
pub(super) fn begins_json(start: &str) -> bool {
    match start.strip_prefix('[') {
        Some(rest) => {
            let rest = rest.trim_start();
            rest.is_empty() || rest.starts_with(['{', '[', ']', '"'])
        }
        None => start.starts_with(['{', '"']) || is_null(start),
    }
}

fn is_null(start: &str) -> bool {
    let rest = start.strip_prefix("null");
    rest.is_some_and(|rest| !rest.starts_with(|ch: char| ch.is_ascii_alphanumeric() || ch == ':'))
}

/// Whether a line begins with a JSON value, and none before it is one of YAML.
pub(super) fn value_before_yaml(text: &str) -> bool {
    let mut found = lines_of(text).filter(|(_, line)| is_value(line) || is_header(line));
    found.next().is_some_and(|(_, line)| is_value(line))
}

/// Whether a line begins with a value of JSON.
pub(super) fn is_value(line: &str) -> bool {
    match line.strip_prefix('[') {
        Some(rest) => rest.trim().is_empty() || rest.starts_with(['{', ']']),
        None => line.starts_with('{'),
    }
}

/// Whether a line begins YAML that holds Pods.
pub(super) fn is_header(line: &str) -> bool {
    line.starts_with("---") || HEADERS.iter().any(|header| line.starts_with(header))
}

/// Whether a line begins YAML that holds Pods.
#[cfg(feature = "yaml")]
pub(super) fn has_header(text: &str) -> bool {
    lines_of(text).any(|(_, line)| is_header(line))
}

/// Whether it is Markdown with fences, between which there are texts and prose.
#[cfg(feature = "yaml")]
pub(super) fn is_fenced(text: &str) -> bool {
    contains(text, FENCE) && lines_of(text).any(|(_, line)| line.starts_with(FENCE))
}

/// Whether a text holds another; most texts do not.
pub(super) fn contains(text: &str, other: &str) -> bool {
    find(text.as_bytes(), other.as_bytes()).is_some()
}

/// A text as it was given, or nothing of what must not be in a command.
pub(super) fn word(text: &str) -> Option<&str> {
    crate::kubernetes::is_name(text).then_some(text)
}

/// Where the next line begins that begins with a JSON value, and how many lines come before it. The logs
/// in a dump of `kubectl cluster-info` hold none.
pub(super) fn skip_text(text: &str, at: usize) -> (usize, usize) {
    let rest = text.get(at..).unwrap_or_default();
    let mut in_logs = false;
    let (mut end, mut skipped) = (text.len(), 0);
    for (index, (start, line)) in lines_of(rest).enumerate() {
        if in_logs {
            in_logs = !line.starts_with(LOGS_END);
        } else if line.starts_with(LOGS_START) {
            in_logs = true;
        } else if index > 0 && is_value(line.trim_start_matches('\u{feff}')) {
            end = at + start;
            break;
        }
        skipped += usize::from(!line.trim().is_empty());
    }
    (end, skipped)
}

/// What comes before the logs of a container in a dump, or before a fence of Markdown.
#[cfg(feature = "yaml")]
pub(super) fn before_text(text: &str) -> &str {
    if !contains(text, LOGS_START) && !contains(text, FENCE) {
        return text;
    }
    let begins = |line: &str| line.starts_with(LOGS_START) || line.starts_with(FENCE);
    let begin = lines_of(text).find(|(_, line)| begins(line));
    begin.map_or(text, |(at, _)| text.get(..at).unwrap_or_default())
}

/// Where the logs of a container end that begin here, or a fence, and how many lines they are.
#[cfg(feature = "yaml")]
pub(super) fn skip_between(text: &str, at: usize) -> (usize, usize) {
    let rest = text.get(at..).unwrap_or_default();
    let mut skipped = 0;
    for (start, line) in lines_of(rest) {
        skipped += usize::from(!line.trim().is_empty());
        if line.starts_with(LOGS_END) || line.starts_with(FENCE) {
            let end = rest.get(start..).and_then(|last| last.find('\n'));
            return (end.map_or(text.len(), |end| at + start + end + 1), skipped);
        }
    }
    (text.len(), skipped)
}

/// Where YAML begins behind other text that `start` begins, if it is that text which is no YAML at `broken`.
#[cfg(feature = "yaml")]
pub(super) fn yaml_after_text(text: &str, start: usize, broken: usize) -> Option<usize> {
    let rest = text.get(start..).unwrap_or_default();
    let (at, header) = lines_of(rest).find(|(_, line)| is_header(line))?;
    (at > 0 && broken <= start + at + header.len()).then_some(start + at)
}

/// Where the next document of YAML begins.
#[cfg(feature = "yaml")]
pub(super) fn next_yaml(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let next = lines_of(rest).skip(1).find(|(_, line)| line.starts_with("---"));
    next.map_or(text.len(), |(start, _)| at + start)
}
