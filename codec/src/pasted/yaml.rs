//! YAML documents one after the other, read as JSON, with the places that they have in the YAML.

use core::ops::Range;

use super::objects::Objects;
use super::{Document, Format, PastedError, beginnings, document};
use crate::json::Reader;
use crate::yaml::{self, Traced};

/// Of so many Pods in a text it is looked up where what is wrong with them stands; each costs a reading.
const LOOKED_UP: usize = 20;

/// Reads all documents of a text. What is broken ends at the next line `---`.
pub(super) fn read(text: &str) -> Document<'static> {
    let mut objects = Objects::default();
    let (mut skipped_lines, mut error, mut start) = (0, None, 0);
    let fenced = beginnings::is_fenced(text);
    while let Some(rest) = text.get(start..).filter(|rest| !rest.is_empty()) {
        // The logs in a dump are no YAML, nor are the fences of Markdown.
        let section = beginnings::before_text(rest);
        let before = objects.pods.len();
        let is_prose = fenced && !beginnings::has_header(section);
        skipped_lines += if is_prose { beginnings::lines(section) } else { 0 };
        let broken = if is_prose { None } else { documents(section, start, &mut objects) };
        let Some(broken) = broken else {
            start += section.len();
            let (end, more) = beginnings::skip_between(text, start);
            skipped_lines += more;
            start = end;
            continue;
        };
        let at = broken.offset;
        if let Some(begin) = beginnings::yaml_after_text(text, start, at) {
            // Words are no annotation.
            objects.pods.truncate(before);
            skipped_lines += beginnings::lines(text.get(start..begin).unwrap_or_default());
            start = begin;
        } else {
            error.get_or_insert(broken);
            start = beginnings::next_yaml(text, at);
        }
    }
    document::with_text(text, skipped_lines, document::document(Format::Yaml, objects, error))
}

/// Reads the documents of a part of the text that begins at `base`, up to what is broken.
fn documents(part: &str, base: usize, objects: &mut Objects<'static>) -> Option<PastedError> {
    let mut documents = yaml::documents(part);
    let mut index = 0;
    while let Some(Traced { json, places, error }) = documents.next_traced() {
        let mut found = Objects::default();
        // It was written here, so the one thing that can be wrong with it is that it ends too early.
        let _ended_early = found.document(&mut Reader::new(&json));
        merge(objects, found, &Places { part, base, index, known: places });
        if let Some(error) = error {
            return Some(PastedError::of_yaml(error, base));
        }
        index += 1;
    }
    None
}

/// Where in a text a document and some of what is in it stand.
struct Places<'a> {
    part: &'a str,
    base: usize,
    index: usize,
    known: yaml::Places,
}

impl Places<'_> {
    /// Of what begins at this place in the JSON.
    fn of(&self, json: usize) -> Option<Range<usize>> {
        let place = self.known.get(json)?;
        Some(self.base + place.start..self.base + place.end)
    }
}

fn merge(objects: &mut Objects<'static>, found: Objects<'_>, places: &Places<'_>) {
    let end = places.base + places.part.len();
    let place = |json: usize| places.of(json).or_else(|| places.of(0)).unwrap_or(places.base..end);
    for pod in found.pods {
        let lookup = objects.pods.iter().filter(|pod| pod.error.is_some()).count() < LOOKED_UP;
        let mut pod = pod.into_owned();
        let json = pod.span.start;
        pod.span = place(json);
        pod.annotation = pod.annotation.and_then(|place| places.of(place.start));
        if let Some(error) = &mut pod.error {
            let at = json + error.offset;
            let at = if lookup { yaml::source(places.part, places.index, at) } else { 0 };
            error.offset = (places.base + at).saturating_sub(pod.span.start);
        }
        objects.pods.push(pod);
    }
    for other in found.others {
        objects.add_others(&other.kind, other.is_object, place(other.offset).start, other.count);
    }
    objects.holds(found.kind);
    if let Some(error) = found.error {
        let offset = place(0).start;
        objects.error.get_or_insert(PastedError { offset, ..error });
    }
}
