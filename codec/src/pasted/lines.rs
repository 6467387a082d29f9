//! Texts whose lines stand for themselves: Dubbo URLs and registry keys, escaped or not, and annotations as
//! `name=value` (the downward API, `kubectl annotate`) or in Go's `map[name:value]`.

use alloc::borrow::Cow;
use alloc::string::ToString;
use alloc::vec::Vec;

use super::beginnings::{contains, lines_of};
use super::document::of;
use super::{Document, Format, Kind, PastedError, PastedPod};
use crate::annotation::{ANNOTATION, encode};
use crate::escape::query_unescape;
use crate::fault::Stage;
use crate::instance::METADATA_ANNOTATION;
use crate::json::Reader;
use crate::path::{Key, ROOT};
use crate::problem::Detail;
use crate::record::Record;

/// The document, if the text is one of those.
pub(super) fn read(text: &str) -> Option<Document<'_>> {
    if let Some(annotations) = annotations(text) {
        return Some(annotations);
    }
    let first = names(text).next()?;
    (is_url(first) || is_key(first)).then(|| records(text, &names(text).collect::<Vec<_>>()))
}

/// What stands on each line, or between the commas of a bracket, as the client of `ZooKeeper` prints children.
fn names(text: &str) -> impl Iterator<Item = &str> {
    let text = text.trim().trim_start_matches('\u{feff}');
    let list = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let (of_list, of_lines) = match list {
        Some(list) => (Some(list.split(", ")), None),
        None => (None, Some(text.lines())),
    };
    let pieces = of_list.into_iter().flatten().chain(of_lines.into_iter().flatten());
    let quotes = |ch: char| ch.is_whitespace() || matches!(ch, '"' | '\'' | '`' | ',');
    pieces.map(move |piece| piece.trim_matches(quotes)).filter(|it| !it.is_empty())
}

/// Whether it begins with a protocol and `://`, escaped or not.
fn is_url(text: &str) -> bool {
    let end = text.find(|ch: char| !(ch.is_ascii_alphanumeric() || "+.-".contains(ch)));
    let Some((protocol, rest)) = end.and_then(|end| text.split_at_checked(end)) else {
        return false;
    };
    let escaped = rest.get(..9).is_some_and(|rest| rest.eq_ignore_ascii_case("%3A%2F%2F"));
    protocol.starts_with(|ch: char| ch.is_ascii_alphabetic())
        && (rest.starts_with("://") || escaped)
}

fn is_key(text: &str) -> bool {
    let of_root = text.strip_prefix('/').and_then(|text| text.strip_prefix(ROOT));
    of_root.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        || Key::parse(text).is_ok_and(|key| key.category.is_some())
}

/// The records that these URLs and keys would be.
fn records<'a>(text: &'a str, names: &[&'a str]) -> Document<'a> {
    let mut keys = Vec::new();
    let mut error = None;
    for name in names {
        match key(name) {
            Ok(key) => keys.push(key),
            Err((stage, offset, detail)) => {
                let offset = offset_in(text, name) + offset;
                error.get_or_insert_with(|| PastedError::new(stage, offset, detail));
            }
        }
    }
    let annotation = encode(keys.iter().map(|key| Record::new(key)));
    let mut pod = PastedPod { span: 0..text.len(), ..PastedPod::default() };
    pod.pod.annotation = Some(annotation.into());
    let pods = if keys.is_empty() { Vec::new() } else { Vec::from([pod]) };
    Document { error, ..of(Format::Lines, Kind::Records, pods) }
}

/// The key of a record; what is a key already stays one, right or wrong.
fn key(name: &str) -> Result<Cow<'_, str>, (Stage, usize, Detail)> {
    if name.starts_with('/') {
        return Ok(Cow::Borrowed(name));
    }
    let url = if name.contains("://") {
        Cow::Borrowed(name)
    } else {
        query_unescape(name).map_err(|error| {
            let (expected, found) = (error.expected, error.found);
            (Stage::Shape, error.offset, Detail::Expected { expected, found, at: None })
        })?
    };
    let key = Key::of_url(&url).map_err(|error| {
        let (expected, found) = (error.expected, error.found);
        (Stage::Shape, error.offset, Detail::Expected { expected, found, at: None })
    })?;
    Ok(key.to_string().into())
}

/// Annotations by their names, the registry's among them or Dubbo Java's.
fn annotations(text: &str) -> Option<Document<'_>> {
    let find = |name| of_lines(text, name).or_else(|| of_map(text, name));
    let (value, metadata) = (find(ANNOTATION), find(METADATA_ANNOTATION));
    if value.is_none() && metadata.is_none() {
        return None;
    }
    let kind = if value.is_some() { Kind::Annotation } else { Kind::Metadata };
    let annotation = match &value {
        Some(Cow::Borrowed(value)) => {
            let start = offset_in(text, value);
            Some(start..start + value.len())
        }
        _ => None,
    };
    let mut pod = PastedPod { span: 0..text.len(), annotation, metadata, ..PastedPod::default() };
    pod.pod.annotation = value;
    Some(of(Format::Lines, kind, Vec::from([pod])))
}

/// Of lines `name=value`, where the value may be a string as Go writes it.
fn of_lines<'a>(text: &'a str, name: &str) -> Option<Cow<'a, str>> {
    if !contains(text, &[name, "="].concat()) {
        return None;
    }
    let mut values = lines_of(text).filter_map(|(_, line)| {
        line.trim().trim_start_matches('\u{feff}').strip_prefix(name)?.strip_prefix('=')
    });
    let value = values.next()?.trim();
    if let Some(inner) = value.strip_prefix('\'').and_then(|value| value.strip_suffix('\'')) {
        return Some(Cow::Borrowed(inner));
    }
    let mut reader = Reader::new(value.as_bytes());
    let string = value.starts_with('"').then(|| reader.string().ok()?.text().ok()).flatten();
    Some(string.unwrap_or(Cow::Borrowed(value)))
}

/// Of `map[name:value name:value]`, as templates and older kubectl print it. A value with a space cannot be distinguished from two.
fn of_map<'a>(text: &'a str, name: &str) -> Option<Cow<'a, str>> {
    let map = text.trim().strip_prefix("map[")?.strip_suffix(']')?;
    let start = map.match_indices(name).map(|(at, _)| at);
    let mut starts =
        start.filter(|at| *at == 0 || map.get(..*at).is_some_and(|it| it.ends_with(' ')));
    let value = map.get(starts.next()? + name.len()..)?.strip_prefix(':')?;
    Some(Cow::Borrowed(value.split(' ').next().unwrap_or_default()))
}

/// Where in `text` a piece of it stands.
pub(super) fn offset_in(text: &str, piece: &str) -> usize {
    // Both are the same text, so that the difference of their addresses is a place in it.
    (piece.as_ptr() as usize).saturating_sub(text.as_ptr() as usize).min(text.len())
}
