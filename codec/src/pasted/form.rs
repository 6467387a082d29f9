//! What a text is, by its beginning and the lines in it.
//!
//! It reads no value: that is the work of its siblings.

use alloc::vec::Vec;

use super::beginnings::{MARKS, begins_json, value_before_yaml};
use super::document::of;
use super::{Document, Format, Kind, PastedPod, json, lines, printed};
use crate::annotation::Annotation;

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
    use super::PastedError;
    use crate::fault::Stage;
    use crate::phrase::Phrase;
    use crate::problem::Detail;
    let unread = PastedError::new(Stage::Json, 0, Detail::Wrong(Phrase::YamlUnread, None));
    let error = Some(PastedError { refused: true, ..unread });
    Document { error, ..of(Format::Yaml, Kind::Pods, Vec::new()) }
}

/// Whether it begins like a list, a document or a folded text, as no bare annotation does.
fn is_yaml_without_names(start: &str) -> bool {
    let document = ["- ", "--- ", "---\n", "---\r"].iter().any(|mark| start.starts_with(mark));
    document || (start.starts_with(['|', '>']) && start.contains('\n'))
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
