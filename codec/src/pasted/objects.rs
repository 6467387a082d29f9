//! Walks through the values of a JSON text and collects the Pods: objects, lists, lists of lists, events, tables.
//!
//! It goes no deeper than lists of lists do; what a Pod holds is read by the reader of Pods.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::mem;
use core::ops::Range;

use super::{Change, Kind, MAX_OTHERS, Other, PastedError, PastedPod};
use crate::annotation::{ANNOTATION, Annotation};
use crate::instance::METADATA_ANNOTATION;
use crate::json::{Fault, Reader};
use crate::phrase::Phrase;
use crate::pod::{Annotations, Draft, is_pod};

/// A list may hold a list, and an event an object; each counts twice, as value and as item.
const MAX_LEVELS: usize = 8;

/// What has been collected.
#[derive(Default)]
pub(super) struct Objects<'a> {
    pub(super) pods: Vec<PastedPod<'a>>,
    pub(super) others: Vec<Other>,
    /// What there was beside Pods: events of a watch, or else the last that stood without its Pod.
    pub(super) kind: Option<Kind>,
    /// What is wrong with the records.
    pub(super) error: Option<PastedError>,
}

/// What one object turned out to be while its members were read.
#[derive(Default)]
struct Object<'a> {
    draft: Draft<'a>,
    change: Option<Cow<'a, str>>,
    has_metadata: bool,
    bare: bool,
    /// It has members that Dubbo Java's metadata has.
    java: bool,
    /// The Pods before those that its members brought.
    inner: Option<usize>,
}

impl<'a> Objects<'a> {
    /// Takes one value of a text.
    pub(super) fn document(&mut self, reader: &mut Reader<'a>) -> Result<(), Fault> {
        match reader.peek() {
            Some(b'n') => reader.literal(b"null"),
            Some(b'"') => {
                let start = reader.at();
                let value = reader.string()?.text()?;
                let span = start..reader.at();
                self.push_bare(Kind::Annotation, value, span.clone(), Some(span));
                Ok(())
            }
            Some(b'[') if is_records(reader.clone()) => self.records(reader),
            _ => self.value(reader, 0),
        }
    }

    /// Notes what the text holds beside Pods.
    pub(super) fn holds(&mut self, kind: Option<Kind>) {
        if self.kind != Some(Kind::Events) {
            self.kind = kind.or(self.kind);
        }
    }

    fn push_bare(
        &mut self,
        kind: Kind,
        value: Cow<'a, str>,
        span: Range<usize>,
        annotation: Option<Range<usize>>,
    ) {
        self.holds(Some(kind));
        let mut pod = PastedPod { span, annotation, ..PastedPod::default() };
        pod.pod.annotation = Some(value);
        self.pods.push(pod);
    }

    fn records(&mut self, reader: &mut Reader<'a>) -> Result<(), Fault> {
        let start = reader.at();
        reader.skip()?;
        match Annotation::from_json(reader.since(start)) {
            Ok(annotation) => {
                let value = annotation.encode().into();
                self.push_bare(Kind::Records, value, start..reader.at(), None);
            }
            Err(error) => self.error = Some(PastedError::of_records(&error, start)),
        }
        Ok(())
    }

    /// An object, a list of objects, or something that is no Pod.
    fn value(&mut self, reader: &mut Reader<'a>, level: usize) -> Result<(), Fault> {
        let first = reader.peek();
        let start = reader.at();
        match first {
            Some(b'{') if level < MAX_LEVELS => self.object(reader, start, level),
            Some(b'[') if level < MAX_LEVELS => self.elements(reader, level),
            _ => {
                reader.skip()?;
                self.other("", false, start);
                Ok(())
            }
        }
    }

    fn elements(&mut self, reader: &mut Reader<'a>, level: usize) -> Result<(), Fault> {
        reader.enter()?;
        let mut first = true;
        while reader.next_element(first)? {
            first = false;
            self.value(reader, level + 1)?;
        }
        Ok(())
    }

    fn object(&mut self, reader: &mut Reader<'a>, start: usize, level: usize) -> Result<(), Fault> {
        let mut object = Object::default();
        object.draft.annotations = Some(Annotations::default());
        reader.enter()?;
        let mut first = true;
        while let Some(name) = reader.next_member(first)? {
            first = false;
            self.member(&mut object, reader, &name.unescaped(), level)?;
        }
        if let Some(annotations) = object.draft.annotations.as_mut().filter(|_| object.java) {
            annotations.metadata =
                core::str::from_utf8(reader.since(start)).ok().map(Cow::Borrowed);
        }
        self.finish(object, start..reader.at(), level);
        Ok(())
    }

    fn member(
        &mut self,
        object: &mut Object<'a>,
        reader: &mut Reader<'a>,
        name: &[u8],
        level: usize,
    ) -> Result<(), Fault> {
        let first = reader.peek();
        let draft = &mut object.draft;
        match (name, first) {
            (b"kind", _) => draft.kind = draft.text(reader, Phrase::Kind)?,
            (b"metadata", _) => {
                object.has_metadata |= first == Some(b'{');
                draft.metadata(reader)?;
            }
            (b"status", _) => draft.status(reader)?,
            (b"type", Some(b'"')) => object.change = Some(reader.string()?.text()?),
            (b"items" | b"rows", Some(b'[' | b'n')) | (b"object", Some(b'{')) => {
                object.inner.get_or_insert(self.pods.len());
                match first {
                    Some(b'n') => reader.literal(b"null")?,
                    _ => self.value(reader, level + 1)?,
                }
            }
            (b"annotations", Some(b'{')) if level == 0 => {
                object.bare = true;
                draft.annotations(reader)?;
            }
            (name, Some(b'"')) if level == 0 && name == ANNOTATION.as_bytes() => {
                object.bare = true;
                draft.registry_annotation(reader)?;
            }
            (name, Some(b'"')) if level == 0 && name == METADATA_ANNOTATION.as_bytes() => {
                object.bare = true;
                if let Some(annotations) = &mut draft.annotations {
                    annotations.other(name, reader)?;
                }
            }
            _ => {
                object.java |= level == 0 && is_of_java(name);
                reader.scan()?;
            }
        }
        Ok(())
    }

    fn finish(&mut self, object: Object<'a>, span: Range<usize>, level: usize) {
        let kind = object.draft.kind.as_deref();
        if let Some(first) = object.inner {
            if let Some(change) = object.change.as_deref() {
                self.event(change, first);
            } else if let Some(kind) = kind.and_then(|kind| kind.strip_suffix("List")) {
                self.items_of(kind, first);
            }
            return;
        }
        match kind {
            Some(kind) if is_pod(kind) => self.pod(object, span, level),
            None | Some("") if object.has_metadata || object.bare => self.pod(object, span, level),
            None | Some("") if object.java => self.pod(object, span, level),
            Some(kind) if kind.ends_with("List") => {}
            kind => {
                let kind = String::from(kind.unwrap_or_default());
                self.other(&kind, true, span.start);
            }
        }
    }

    /// An event brought the Pods from `first` on.
    fn event(&mut self, change: &str, first: usize) {
        self.kind = Some(Kind::Events);
        if change == "BOOKMARK" {
            self.pods.truncate(first);
        }
        let change = Change::of(change);
        self.pods.iter_mut().skip(first).for_each(|pod| pod.change = change);
    }

    /// A list of objects of this kind brought the Pods from `first` on. Its items need not say what they are.
    fn items_of(&mut self, kind: &str, first: usize) {
        if kind.is_empty() || is_pod(kind) {
            return;
        }
        let items = self.pods.split_off(first.min(self.pods.len()));
        for pod in items {
            if pod.has_kind {
                self.pods.push(pod);
            } else {
                self.other(kind, true, pod.span.start);
            }
        }
    }

    fn pod(&mut self, object: Object<'a>, span: Range<usize>, level: usize) {
        let Object { mut draft, has_metadata, java, .. } = object;
        let has_kind = draft.kind.as_deref().is_some_and(|kind| !kind.is_empty());
        if !has_kind {
            draft.kind = None;
        }
        let annotations = draft.annotations.take().unwrap_or_default();
        let is_bare = !has_kind && !has_metadata;
        if is_bare {
            self.holds(Some(if java { Kind::Metadata } else { Kind::Annotation }));
        }
        let error = if is_bare { None } else { draft.fault() };
        let error = error.map(|mut error| {
            error.offset = error.offset.saturating_sub(span.start);
            error
        });
        self.pods.push(PastedPod {
            pod: draft.finish(),
            error,
            span,
            annotation: annotations.place,
            annotated: annotations.present,
            other_annotation_bytes: annotations.other_bytes,
            metadata: annotations.metadata,
            change: None,
            has_kind,
            alone: level == 0 && has_metadata,
        });
    }

    fn other(&mut self, kind: &str, is_object: bool, offset: usize) {
        self.add_others(kind, is_object, offset, 1);
    }

    /// Counts objects that are no Pods.
    pub(super) fn add_others(&mut self, kind: &str, is_object: bool, offset: usize, count: usize) {
        let room = self.others.len() < MAX_OTHERS;
        match self.others.iter_mut().find(|it| it.kind == kind && it.is_object == is_object) {
            Some(known) => known.count += count,
            None if room => {
                self.others.push(Other { kind: kind.into(), is_object, offset, count });
            }
            None => {}
        }
    }
}

/// Whether it is a list whose first item is a record, `{"k":…,"v":…}`, perhaps with other members.
fn is_records(mut reader: Reader<'_>) -> bool {
    let mut opening = || -> Result<bool, Fault> {
        reader.enter()?;
        if !reader.next_element(true)? || reader.peek() != Some(b'{') {
            return Ok(false);
        }
        reader.enter()?;
        let mut first = true;
        while let Some(name) = reader.next_member(mem::take(&mut first))? {
            if matches!(&*name.unescaped(), b"k" | b"v" | b"K" | b"V") {
                return Ok(true);
            }
            reader.scan()?;
        }
        Ok(false)
    };
    opening().unwrap_or_default()
}

/// Whether Dubbo Java's metadata has a member of this name.
fn is_of_java(name: &[u8]) -> bool {
    name.starts_with(b"dubbo.metadata") || name == b"dubbo.endpoints"
}
