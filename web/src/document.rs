//! What was pasted: an annotation, a Pod, a list of Pods, or watch events, in JSON or YAML, and
//! where in the text each Pod stands.
//!
//! It never decodes an annotation and never judges; a text that breaks off keeps the Pods before
//! the break.

use std::borrow::Cow;
use std::cell::RefCell;

use dubbo_k8s_codec::yaml::Yaml;
use dubbo_k8s_codec::{ANNOTATION, Annotation, LABEL, Readiness};

use crate::events::{Event, Reader, Spanned, SyntaxError};
use crate::json::Json;
use crate::pod::{Change, PodText, Value};

/// How the text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The bare value of an annotation.
    Base64,
    /// JSON, one value or several.
    Json,
    /// YAML, one document or several.
    Yaml,
}

/// What the text holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// White space only.
    Empty,
    /// One annotation without its Pod.
    Annotation,
    /// The records of an annotation, already decoded.
    Records,
    /// Pods: one, a list, or several documents.
    Pods,
    /// Events of a watch; the Pods are as the last event left them.
    Events,
}

/// An object that is no Pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stranger {
    /// Its kind, or what it looks like.
    pub kind: String,
    /// Where it begins.
    pub offset: usize,
}

/// The Pods of a text, in its order.
#[derive(Debug)]
pub struct Document {
    /// How it is written.
    pub format: Format,
    /// What it holds.
    pub kind: Kind,
    /// The Pods.
    pub pods: Vec<PodText>,
    /// The first objects that are no Pods, at most [`MAX_STRANGERS`], and how many there are.
    pub strangers: (Vec<Stranger>, usize),
    /// Where the text stops being what it began as. The Pods before it are there.
    pub error: Option<SyntaxError>,
}

/// Only so many objects that are no Pods are named.
pub const MAX_STRANGERS: usize = 20;

impl Document {
    /// Reads `text`, guessing from its beginning what it is.
    pub fn read(text: &str) -> Self {
        let start = text.trim_start();
        if start.is_empty() {
            return Self::of(Format::Base64, Kind::Empty, Vec::new());
        }
        match start.as_bytes().first() {
            Some(b'[') if let Some(records) = Self::records(text) => records,
            Some(b'{' | b'[' | b'"') => {
                Collector::default().run(&mut Json::new(text), Format::Json, text)
            }
            _ if looks_like_yaml(start) => {
                Collector::default().run(&mut Yaml::new(text), Format::Yaml, text)
            }
            _ => Self::bare(text),
        }
    }

    fn of(format: Format, kind: Kind, pods: Vec<PodText>) -> Self {
        Self { format, kind, pods, strangers: (Vec::new(), 0), error: None }
    }

    fn bare(text: &str) -> Self {
        let start = text.len() - text.trim_start().len();
        let span = start..start + text.trim().len();
        let pod = PodText { annotation: Some(Value::at(span.clone())), span, ..PodText::default() };
        Self::of(Format::Base64, Kind::Annotation, vec![pod])
    }

    /// `[{"k":…,"v":…}]`: what is inside an annotation. It is shown as the annotation it becomes.
    fn records(text: &str) -> Option<Self> {
        let mut json = Json::new(text);
        let opening = [json.next(), json.next(), json.next()].map(|piece| Some(piece.ok()?.event));
        let [Some(Event::List), Some(Event::Map), Some(Event::Text(name))] = opening else {
            return None;
        };
        if !matches!(name.as_ref(), "k" | "v") {
            return None;
        }
        let annotation = Annotation::from_json(text.trim().as_bytes()).ok()?.encode();
        let value = Value { span: 0..text.len(), text: Some(annotation.into()), linked: false };
        let pod = PodText { annotation: Some(value), span: 0..text.len(), ..PodText::default() };
        Some(Self::of(Format::Json, Kind::Records, vec![pod]))
    }
}

/// A colon that ends a word, or a mark that begins a document, a list or a comment.
fn looks_like_yaml(text: &str) -> bool {
    text.starts_with(['-', '#', '%', '&', '!', '|', '>', '\''])
        || memchr::memchr_iter(b':', text.as_bytes()).any(|at| {
            matches!(text.as_bytes().get(at + 1), None | Some(b' ' | b'\t' | b'\r' | b'\n'))
        })
}

#[derive(Default)]
struct Collector {
    pods: Vec<PodText>,
    strangers: Vec<Stranger>,
    stranger_count: usize,
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
    fn run<'a>(mut self, reader: &mut dyn Reader<'a>, format: Format, text: &'a str) -> Document {
        let error = self.documents(reader, text).err();
        let kind = match (self.events, self.bare) {
            (true, _) => Kind::Events,
            (_, true) if self.pods.len() == 1 => Kind::Annotation,
            _ => Kind::Pods,
        };
        let pods = if self.events { last_states(self.pods) } else { self.pods };
        Document { format, kind, pods, strangers: (self.strangers, self.stranger_count), error }
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
                self.stranger("", first.span.start);
                reader.skip(first).map(drop)
            }
        }
    }

    fn stranger(&mut self, kind: &str, offset: usize) {
        self.stranger_count += 1;
        if self.strangers.len() < MAX_STRANGERS {
            self.strangers.push(Stranger { kind: kind.to_owned(), offset });
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
            kind => self.stranger(kind.unwrap_or_default(), start),
        }
    }
}

/// Of the events about one Pod only the last one counts.
fn last_states(pods: Vec<PodText>) -> Vec<PodText> {
    let mut last = std::collections::BTreeMap::new();
    for (at, pod) in pods.iter().enumerate() {
        last.insert(identity(pod), crate::model::index(at));
    }
    let mut at = 0;
    let mut kept = pods;
    kept.retain(|pod| {
        at += 1;
        last.get(&identity(pod)) == Some(&crate::model::index(at - 1))
    });
    kept
}

fn identity(pod: &PodText) -> String {
    match &*pod.uid {
        "" => format!("{}/{}", pod.namespace, pod.name),
        uid => uid.to_owned(),
    }
}

/// What takes one member of a mapping: the reader, the name, the value.
type Member<'m, 'a> =
    dyn FnMut(&mut dyn Reader<'a>, &str, Spanned<'a>) -> Result<(), SyntaxError> + 'm;

/// Calls `member` for every member of the mapping just opened; it must consume the value.
fn members<'a>(
    reader: &mut dyn Reader<'a>,
    member: &mut Member<'_, 'a>,
) -> Result<(), SyntaxError> {
    loop {
        let name = reader.next()?;
        if name.event == Event::Close {
            return Ok(());
        }
        let known = match &name.event {
            Event::Text(known) | Event::Plain(known) => known.clone(),
            _ => {
                reader.skip(&name)?;
                Cow::Borrowed("")
            }
        };
        let value = reader.next()?;
        member(reader, &known, value)?;
    }
}

fn metadata<'a>(
    reader: &mut dyn Reader<'a>,
    pod: &mut PodText,
    text: &'a str,
) -> Result<(), SyntaxError> {
    members(reader, &mut |reader, name, value| {
        match (name, &value.event) {
            ("namespace", Event::Text(it) | Event::Plain(it)) => pod.namespace = it.as_ref().into(),
            ("name", Event::Text(it) | Event::Plain(it)) => pod.name = it.as_ref().into(),
            ("uid", Event::Text(it) | Event::Plain(it)) => pod.uid = it.as_ref().into(),
            ("resourceVersion", Event::Text(it) | Event::Plain(it)) => {
                pod.resource_version = it.as_ref().into();
            }
            ("deletionTimestamp", Event::Text(_)) => pod.deleting = true,
            ("annotations", Event::Map) => return annotations(reader, pod, text),
            ("labels", Event::Map) => {
                return members(reader, &mut |reader, name, value| {
                    if let (LABEL, Event::Text(it) | Event::Plain(it)) = (name, &value.event) {
                        pod.label = Some(it.as_ref().into());
                    }
                    reader.skip(&value).map(drop)
                });
            }
            _ => {}
        }
        reader.skip(&value).map(drop)
    })
}

fn annotations<'a>(
    reader: &mut dyn Reader<'a>,
    pod: &mut PodText,
    text: &'a str,
) -> Result<(), SyntaxError> {
    pod.has_annotations = true;
    members(reader, &mut |reader, name, value| {
        if let Event::Text(it) | Event::Plain(it) = &value.event {
            if name == ANNOTATION {
                pod.annotation = Some(Value::new(it, value.span.clone(), text));
            } else {
                pod.other_annotations += name.len() + it.len();
            }
        }
        reader.skip(&value).map(drop)
    })
}

fn status(reader: &mut dyn Reader<'_>, pod: &mut PodText) -> Result<(), SyntaxError> {
    let mut readiness = Readiness::default();
    readiness.status();
    let read = members(reader, &mut |reader, name, value| {
        match (name, &value.event) {
            ("phase", Event::Text(it)) => pod.phase = Some(it.as_ref().into()),
            ("podIP", Event::Text(it)) => pod.add_address(it),
            ("podIPs", Event::List) => return addresses(reader, pod),
            ("conditions", Event::List) => return conditions(reader, &mut readiness),
            _ => {}
        }
        reader.skip(&value).map(drop)
    });
    pod.ready = readiness.get();
    read
}

fn addresses(reader: &mut dyn Reader<'_>, pod: &mut PodText) -> Result<(), SyntaxError> {
    items(
        reader,
        &mut |reader, name, value| {
            if let ("ip", Event::Text(it)) = (name, &value.event) {
                pod.add_address(it);
            }
            reader.skip(&value).map(drop)
        },
        &mut || {},
    )
}

fn conditions(reader: &mut dyn Reader<'_>, pod: &mut Readiness) -> Result<(), SyntaxError> {
    let (kind, status) = (RefCell::new(None), RefCell::new(None));
    items(
        reader,
        &mut |reader, name, value| {
            if let Event::Text(it) | Event::Plain(it) = &value.event {
                match name {
                    "type" => drop(kind.replace(Some(it.to_string()))),
                    "status" => drop(status.replace(Some(it.to_string()))),
                    _ => {}
                }
            }
            reader.skip(&value).map(drop)
        },
        &mut || pod.condition(kind.take().as_deref(), status.take().as_deref()),
    )
}

/// Calls `member` for every member of every mapping of the list just opened, `after` behind each.
fn items<'a>(
    reader: &mut dyn Reader<'a>,
    member: &mut Member<'_, 'a>,
    after: &mut dyn FnMut(),
) -> Result<(), SyntaxError> {
    loop {
        let item = reader.next()?;
        match item.event {
            Event::Close => return Ok(()),
            Event::Map => {
                members(reader, member)?;
                after();
            }
            _ => {
                reader.skip(&item)?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUE: &str = "W3siayI6Ii9kdWJibyIsInYiOiIifV0=";

    fn values<'a>(text: &'a str, document: &'a Document) -> Vec<&'a str> {
        document.pods.iter().map(|pod| pod.annotation.as_ref().unwrap().get(text)).collect()
    }

    #[test]
    fn who_is_ready_is_what_the_codec_says() {
        for status in [
            "",
            r#","status":{}"#,
            r#","status":{"phase":"Running"}"#,
            r#","status":{"conditions":[]}"#,
            r#","status":{"conditions":[{"type":"Ready","status":"True"}]}"#,
            r#","status":{"conditions":[{"status":"True","type":"Ready"},{"type":"Initialized","status":"False"}]}"#,
            r#","status":{"conditions":[{"type":"Ready","status":"true"}]}"#,
            r#","status":{"conditions":[{"type":"Initialized","status":"True"}]}"#,
        ] {
            let text = format!(r#"{{"kind":"Pod","metadata":{{"name":"a"}}{status}}}"#);
            let codec = dubbo_k8s_codec::Pod::parse(text.as_bytes()).unwrap();
            let here = Document::read(&text);
            let ready = here.pods.first().map(|pod| pod.ready);
            assert_eq!(ready, Some(codec.ready), "{status}");
        }
    }

    #[test]
    fn a_bare_annotation_may_have_space_around_it() {
        let text = format!("\n  {VALUE}\n");
        let document = Document::read(&text);
        assert_eq!(document.kind, Kind::Annotation);
        assert_eq!(values(&text, &document), [VALUE]);
        assert_eq!(&text[document.pods[0].annotation.as_ref().unwrap().span.clone()], VALUE);
    }

    #[test]
    fn a_quoted_annotation_and_a_pasted_map_entry_are_annotations() {
        for text in [
            format!("\"{VALUE}\""),
            format!("dubbo.io/annotation: {VALUE}"),
            format!("annotations:\n  dubbo.io/annotation: >-\n    {VALUE}\n"),
            format!("{{\"dubbo.io/annotation\":\"{VALUE}\"}}"),
        ] {
            let document = Document::read(&text);
            assert_eq!(document.kind, Kind::Annotation, "{text}");
            assert_eq!(values(&text, &document), [VALUE], "{text}");
        }
    }

    #[test]
    fn decoded_records_are_shown_as_the_annotation_they_become() {
        let document = Document::read(r#" [{"k":"/dubbo","v":""}]"#);
        assert_eq!(document.kind, Kind::Records);
        assert_eq!(values("", &document), [VALUE]);
    }

    #[test]
    fn a_pod_in_yaml_is_read_with_its_places() {
        let text = format!(
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: 用户-0\n  namespace: prod\n  uid: u1\n  \
             resourceVersion: \"42\"\n  deletionTimestamp: \"2026-01-01T00:00:00Z\"\n  labels:\n    \
             dubbo.io/label: dubbo.io-value\n  annotations:\n    a: bc\n    dubbo.io/annotation: \
             {VALUE}\nstatus:\n  phase: Running\n  podIP: 10.0.0.1\n  podIPs:\n  - ip: 10.0.0.1\n  \
             - ip: fd00::1\n  conditions:\n  - status: \"True\"\n    type: Ready\n"
        );
        let document = Document::read(&text);
        assert_eq!((document.format, document.kind), (Format::Yaml, Kind::Pods));
        let pod = &document.pods[0];
        assert_eq!((&*pod.namespace, &*pod.name, &*pod.uid), ("prod", "用户-0", "u1"));
        assert_eq!((&*pod.resource_version, pod.deleting), ("42", true));
        assert_eq!(pod.label.as_deref(), Some("dubbo.io-value"));
        assert_eq!((pod.phase.as_deref(), pod.ready), (Some("Running"), Some(true)));
        assert_eq!(pod.addresses(), ["10.0.0.1", "fd00::1"]);
        assert_eq!(pod.other_annotations, 3);
        assert_eq!(&text[pod.annotation.as_ref().unwrap().span.clone()], VALUE);
    }

    #[test]
    fn lists_in_lists_and_several_documents_give_all_pods() {
        let pod = |name: &str| format!("{{\"metadata\":{{\"name\":\"{name}\"}}}}");
        let text = format!(
            "{{\"items\":[{},{{\"kind\":\"PodList\",\"items\":[{}]}},{{\"kind\":\"Service\",\
             \"metadata\":{{}}}}],\"kind\":\"List\"}}\n{}",
            pod("a"),
            pod("b"),
            pod("c")
        );
        let document = Document::read(&text);
        let names: Vec<&str> = document.pods.iter().map(|pod| &*pod.name).collect();
        assert_eq!(names, ["a", "b", "c"]);
        assert_eq!(document.strangers.1, 1);
        assert_eq!(document.strangers.0[0].kind, "Service");
    }

    #[test]
    fn of_watch_events_the_last_state_of_each_pod_counts() {
        let event = |kind: &str, uid: &str, label: &str| {
            format!(
                "{{\"type\":\"{kind}\",\"object\":{{\"kind\":\"Pod\",\"metadata\":{{\"uid\":\"{uid}\",\
                 \"labels\":{{\"dubbo.io/label\":\"{label}\"}}}}}}}}\n"
            )
        };
        let text = event("ADDED", "1", "x")
            + &event("ADDED", "2", "x")
            + &event("BOOKMARK", "", "")
            + &event("MODIFIED", "1", "y")
            + &event("DELETED", "2", "x");
        let document = Document::read(&text);
        assert_eq!(document.kind, Kind::Events);
        let seen: Vec<_> = document.pods.iter().map(|p| (&*p.uid, p.change)).collect();
        assert_eq!(seen, [("1", Some(Change::Modified)), ("2", Some(Change::Deleted))]);
        assert_eq!(document.pods[0].label.as_deref(), Some("y"));
    }

    #[test]
    fn a_text_that_breaks_off_keeps_what_came_before() {
        let text = r#"{"items":[{"metadata":{"name":"a"}},{"metadata":{"name""#;
        let document = Document::read(text);
        assert_eq!(document.pods.len(), 1);
        assert_eq!(document.error.unwrap().offset, text.len());
    }

    #[test]
    fn nothing_is_nothing() {
        assert_eq!(Document::read(" \n\t").kind, Kind::Empty);
    }
}
