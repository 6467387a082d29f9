//! What a text is, by its beginning and the lines in it.
//!
//! It reads no value: that is the work of its siblings.

use alloc::vec::Vec;

use super::objects::Objects;
use super::{Document, Format, Kind, PastedError, PastedPod, json, lines, printed, states};
use crate::annotation::Annotation;
use crate::find::find;

/// Reads a text as what it is.
pub(super) fn read(text: &str) -> Document<'_> {
    let start = text.trim_start_matches(|ch: char| ch.is_whitespace() || MARKS.contains(&ch));
    if start.is_empty() {
        return of(Format::Base64, Kind::Empty, Vec::new());
    }
    if start.starts_with(['{', '[']) && begins_json(start) {
        return json::read(text);
    }
    if let Some(document) = lines::read(text).or_else(|| printed::read(text)) {
        return document;
    }
    if begins_json(start) {
        return json::read(text);
    }
    if value_before_yaml(text) {
        json::read(text)
    } else if text.contains(':') || is_yaml_without_names(start) {
        yaml(text)
    } else {
        bare(text)
    }
}

#[cfg(feature = "yaml")]
use super::yaml::read as yaml;

/// What is said of YAML where nothing reads it.
#[cfg(not(feature = "yaml"))]
fn yaml(_: &str) -> Document<'static> {
    use crate::fault::Stage;
    use crate::phrase::Phrase;
    use crate::problem::Detail;
    let unread = PastedError::new(Stage::Json, 0, Detail::Wrong(Phrase::YamlUnread, None));
    let error = Some(PastedError { refused: true, ..unread });
    Document { error, ..of(Format::Yaml, Kind::Pods, Vec::new()) }
}

/// A byte-order mark, and what `jq --seq` writes before each value.
pub(super) const MARKS: [char; 2] = ['\u{feff}', '\u{1e}'];

/// Whether it begins like a list, a document or a folded text, as no bare annotation does.
fn is_yaml_without_names(start: &str) -> bool {
    let document = ["- ", "--- ", "---\n", "---\r"].iter().any(|mark| start.starts_with(mark));
    document || (start.starts_with(['|', '>']) && start.contains('\n'))
}

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

/// A document of objects between which other text stands, perhaps the logs of a dump.
pub(super) fn with_text<'a>(
    text: &str,
    skipped_lines: usize,
    document: Document<'a>,
) -> Document<'a> {
    let is_dump = skipped_lines > 0 && document.kind == Kind::Pods && contains(text, LOGS_START);
    let kind = if is_dump { Kind::Dump } else { document.kind };
    Document { kind, skipped_lines, ..document }
}

/// A document without what its objects say.
pub(super) fn of(format: Format, kind: Kind, pods: Vec<PastedPod<'_>>) -> Document<'_> {
    Document { format, kind, pods, others: Vec::new(), skipped_lines: 0, error: None }
}

/// A document of these objects.
pub(super) fn document(
    format: Format,
    objects: Objects<'_>,
    error: Option<PastedError>,
) -> Document<'_> {
    let mut pods = objects.pods;
    if objects.kind == Some(Kind::Events) {
        states::last_of_events(&mut pods);
    } else {
        states::last_of_documents(&mut pods);
    }
    let kind = match (objects.kind, pods.as_slice()) {
        (Some(kind @ Kind::Events), _) | (Some(kind @ (Kind::Records | Kind::Metadata)), [_]) => {
            kind
        }
        (Some(Kind::Annotation), [pod]) if pod.is_bare() => match &pod.pod.annotation {
            Some(_) => Kind::Annotation,
            None if pod.metadata.is_some() => Kind::Metadata,
            None => Kind::Pods,
        },
        _ => Kind::Pods,
    };
    let error = error.or(objects.error);
    Document { others: objects.others, error, ..of(format, kind, pods) }
}

/// The value of an annotation, or several.
fn bare(text: &str) -> Document<'_> {
    let whole = text.trim_matches(|ch: char| ch.is_whitespace() || ch == '\u{feff}');
    // A line each, or a word each, as a JSONPath prints them.
    let each: Vec<&str> = whole.split_whitespace().collect();
    // A line break within base64 means nothing, unless what it divides is complete.
    let several = each.len() > 1
        && Annotation::decode(whole).is_err()
        && each.iter().all(|line| Annotation::decode(line).is_ok());
    let (kind, values) =
        if several { (Kind::Pods, each) } else { (Kind::Annotation, Vec::from([unquoted(whole)])) };
    let pods = values.into_iter().map(|value| {
        let start = lines::offset_in(text, value);
        let span = start..start + value.len();
        let mut pod = PastedPod { annotation: Some(span.clone()), span, ..PastedPod::default() };
        pod.pod.annotation = Some(value.into());
        pod
    });
    of(Format::Base64, kind, pods.collect())
}

/// Without the quotes of a shell or of Markdown.
fn unquoted(text: &str) -> &str {
    let inside = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    inside('\'').or_else(|| inside('`')).unwrap_or(text)
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
fn value_before_yaml(text: &str) -> bool {
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

const LOGS_START: &str = "==== START logs ";
const LOGS_END: &str = "==== END logs ";

/// What comes before the logs of a container in a dump, or before a fence of Markdown.
#[cfg(feature = "yaml")]
#[cfg(feature = "yaml")]
pub(super) fn before_text(text: &str) -> &str {
    if !contains(text, LOGS_START) && !contains(text, FENCE) {
        return text;
    }
    let begins = |line: &str| line.starts_with(LOGS_START) || line.starts_with(FENCE);
    let begin = lines_of(text).find(|(_, line)| begins(line));
    begin.map_or(text, |(at, _)| text.get(..at).unwrap_or_default())
}

/// Whether it is Markdown with fences, between which there are texts and prose.
#[cfg(feature = "yaml")]
pub(super) fn is_fenced(text: &str) -> bool {
    contains(text, FENCE) && lines_of(text).any(|(_, line)| line.starts_with(FENCE))
}

/// Whether a line begins YAML that holds Pods.
#[cfg(feature = "yaml")]
pub(super) fn has_header(text: &str) -> bool {
    lines_of(text).any(|(_, line)| is_header(line))
}

/// What stands before and behind a text in Markdown.
#[cfg(feature = "yaml")]
const FENCE: &str = "```";

/// Whether a text holds another; most texts do not.
pub(super) fn contains(text: &str, other: &str) -> bool {
    find(text.as_bytes(), other.as_bytes()).is_some()
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

/// A text as it was given, or nothing of what must not be in a command.
pub(super) fn word(text: &str) -> Option<&str> {
    crate::kubernetes::is_name(text).then_some(text)
}
