//! Walks through objects, lists and events, and collects the Pods among them.
//!
//! It goes no deeper than lists of lists do; what a Pod holds is read by `members`.

use std::borrow::Cow;

use dubbo_k8s_codec::ANNOTATION;

use super::members::{annotations, metadata, status};
use super::{Document, Format, Kind, MAX_UNSUPPORTED, Unsupported};
use crate::events::{Event, Reader, Spanned, SyntaxError};
use crate::pod::{Change, PodText, Value};

#[derive(Default)]
pub(super) struct Collector {
    pods: Vec<PodText>,
    unsupported: Vec<Unsupported>,
    unsupported_count: usize,
    events: bool,
    bare: bool,
}

/// What one object turned out to be while its members were read.
#[derive(Default)]
struct Object<'a> {
    kind: Option<Cow<'a, str>>,
    change: Option<Cow<'a, str>>,
    pod: PodText,
    has_metadata: bool,
    /// The Pods that its members brought.
    inner: Option<usize>,
}

/// A list may hold a list, and an event an object; each counts twice, as value and as item.
const MAX_OBJECTS: usize = 8;

impl Collector {
    pub(super) fn run<'a>(
        mut self,
        reader: &mut dyn Reader<'a>,
        format: Format,
        text: &'a str,
    ) -> Document {
        let error = self.documents(reader, text).err();
        let kind = match (self.events, self.bare) {
            (true, _) => Kind::Events,
            (_, true) if self.pods.len() == 1 => Kind::Annotation,
            _ => Kind::Pods,
        };
        let pods = last_states(self.pods, self.events);
        Document {
            format,
            kind,
            pods,
            unsupported: (self.unsupported, self.unsupported_count),
            error,
        }
    }

    fn documents<'a>(
        &mut self,
        reader: &mut dyn Reader<'a>,
        text: &'a str,
    ) -> Result<(), SyntaxError> {
        while reader.next_document()? {
            let first = reader.next()?;
            match &first.event {
                Event::Text(value) => {
                    let value = Value::new(value, first.span.clone(), text);
                    let span = first.span.clone();
                    self.bare = true;
                    self.pods.push(PodText { annotation: Some(value), span, ..PodText::default() });
                }
                Event::Null => {}
                _ => self.value(reader, &first, text, 0)?,
            }
        }
        Ok(())
    }

    /// An object, a list of objects, or something that is no Pod.
    fn value<'a>(
        &mut self,
        reader: &mut dyn Reader<'a>,
        first: &Spanned<'a>,
        text: &'a str,
        depth: usize,
    ) -> Result<(), SyntaxError> {
        match first.event {
            Event::Map if depth < MAX_OBJECTS => self.object(reader, first.span.start, text, depth),
            Event::List if depth < MAX_OBJECTS => loop {
                let item = reader.next()?;
                if item.event == Event::Close {
                    return Ok(());
                }
                self.value(reader, &item, text, depth + 1)?;
            },
            _ => {
                self.unsupported("", first.span.start);
                reader.skip(first).map(drop)
            }
        }
    }

    fn unsupported(&mut self, kind: &str, offset: usize) {
        self.unsupported_count += 1;
        if self.unsupported.len() < MAX_UNSUPPORTED {
            self.unsupported.push(Unsupported { kind: kind.to_owned(), offset });
        }
    }

    fn object<'a>(
        &mut self,
        reader: &mut dyn Reader<'a>,
        start: usize,
        text: &'a str,
        depth: usize,
    ) -> Result<(), SyntaxError> {
        let mut object = Object::default();
        loop {
            let name = reader.next()?;
            let Event::Text(member) = &name.event else {
                if name.event == Event::Close {
                    object.pod.span = start..name.span.end;
                    break;
                }
                reader.skip(&name)?; // a key that is no text
                let value = reader.next()?;
                reader.skip(&value)?;
                continue;
            };
            let value = reader.next()?;
            match (member.as_ref(), &value.event) {
                ("kind", Event::Text(kind)) => object.kind = Some(kind.clone()),
                ("type", Event::Text(change)) => object.change = Some(change.clone()),
                ("metadata", Event::Map) => {
                    object.has_metadata = true;
                    metadata(reader, &mut object.pod, text)?;
                }
                ("status", Event::Map) => status(reader, &mut object.pod)?,
                ("annotations", Event::Map) if depth == 0 => {
                    self.bare = true;
                    annotations(reader, &mut object.pod, text)?;
                }
                (ANNOTATION, Event::Text(value_text)) if depth == 0 => {
                    self.bare = true;
                    object.pod.annotation = Some(Value::new(value_text, value.span, text));
                }
                ("items" | "object", Event::Map | Event::List) => {
                    object.inner.get_or_insert(self.pods.len());
                    self.value(reader, &value, text, depth + 1)?;
                }
                _ => {
                    reader.skip(&value)?;
                }
            }
        }
        self.finish(object, start);
        Ok(())
    }

    fn finish(&mut self, object: Object<'_>, start: usize) {
        if let Some(first) = object.inner {
            if let Some(change) = object.change.as_deref() {
                self.events = true;
                if change == "BOOKMARK" {
                    self.pods.truncate(first);
                }
                let change = Change::of(change);
                self.pods.iter_mut().skip(first).for_each(|pod| pod.change = change);
            }
            return;
        }
        match object.kind.as_deref() {
            None if object.has_metadata || object.pod.annotation.is_some() => {
                self.pods.push(object.pod);
            }
            Some("Pod" | "PartialObjectMetadata") => self.pods.push(object.pod),
            Some(kind) if kind.ends_with("List") => {}
            kind => self.unsupported(kind.unwrap_or_default(), start),
        }
    }
}

/// Of several states of one Pod only the last one counts; outside of a watch it is noted that there were several.
fn last_states(pods: Vec<PodText>, events: bool) -> Vec<PodText> {
    let mut last = std::collections::BTreeMap::new();
    for (at, pod) in pods.iter().enumerate() {
        last.insert(identity(pod), crate::model::index(at));
    }
    if last.len() == pods.len() && !pods.iter().any(PodText::is_bare) {
        return pods;
    }
    let (mut at, mut again) = (0, std::collections::BTreeMap::new());
    let mut kept = pods;
    kept.retain(|pod| {
        at += 1;
        let name = identity(pod);
        let is_last = last.get(&name) == Some(&crate::model::index(at - 1)) || pod.is_bare();
        if !is_last {
            again.insert(name, 0_u32);
        }
        is_last
    });
    for pod in kept.iter_mut().filter(|_| !events) {
        pod.repeated = again.contains_key(&identity(pod));
    }
    kept
}

fn identity(pod: &PodText) -> String {
    match &*pod.uid {
        "" => format!("{}/{}", pod.namespace, pod.name),
        uid => uid.to_owned(),
    }
}
