//! What the page shows, as JSON: rows, problems, the detail of a Pod and a record, and how it would be
//! written back. Offsets are UTF-16 units of the very text that is sent.
//!
//! Everything from outside is sent as plain text; the page never takes any of it for markup.

mod changes;
mod row;
mod url;

use std::ops::Range;

use dubbo_k8s_codec::lint::{ANNOTATIONS_LIMIT, Entry};
use dubbo_k8s_codec::patch::{Edit, Form};
use dubbo_k8s_codec::problem::{Code, Language, Problem, Severity};
use dubbo_k8s_codec::{Annotation, Category, Service};

pub(crate) use self::changes::texts;
use self::changes::{changes, repairs};
use self::row::{entry_json, pod_state};
use self::url::{params, parts};
use crate::answer::{Json, json};
use crate::document::Document;
use crate::layers::{Layer, Layers};
use crate::model::{Model, Pod};
use crate::pod::Value;
use crate::source;
use crate::spans::{from_utf16, to_utf16};
use crate::verdict::{Verdict, readers};

/// A problem among all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// How bad it is.
    pub severity: Severity,
    /// Where it is found.
    pub of: Of,
}

/// What a problem belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// The text as a whole: a syntax error.
    Document,
    /// An object that is no Pod.
    Stranger(u32),
    /// A Pod's problem.
    Pod(u32, u32),
    /// A service's.
    Service(u32),
}

/// All problems, the worst first, in the order of the text.
pub fn problems(model: &Model, document: Option<&Document>) -> Vec<Place> {
    let mut all = Vec::new();
    if let Some(document) = document {
        if document.error.is_some() {
            all.push(Place { severity: Severity::Error, of: Of::Document });
        }
        for at in 0..document.strangers.0.len() {
            all.push(Place { severity: Severity::Note, of: Of::Stranger(crate::model::index(at)) });
        }
    }
    for service in model.sorted() {
        let problem = model.services.get(service as usize).and_then(|node| node.problem.as_ref());
        if let Some(problem) = problem {
            all.push(Place { severity: problem.code.severity(), of: Of::Service(service) });
        }
    }
    for (pod, of) in model.pods.iter().enumerate() {
        for (at, problem) in of.problems.iter().enumerate() {
            let (pod, at) = (crate::model::index(pod), crate::model::index(at));
            all.push(Place { severity: problem.code.severity(), of: Of::Pod(pod, at) });
        }
    }
    let of =
        |severity: Severity| all.iter().filter(move |place| place.severity == severity).copied();
    let worst = [Severity::Error, Severity::Warning, Severity::Note];
    worst.into_iter().flat_map(of).collect()
}

/// A model and its text, to be shown.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// The text.
    pub source: &'a str,
    /// What was read from it.
    pub model: &'a Model,
}

/// The most of a layer's text that is sent.
const CLIP: usize = 24 << 10;

impl<'a> Shown<'a> {
    fn pod(&self, at: usize) -> Option<&'a Pod> {
        self.model.pods.get(at)
    }

    fn annotation(&self, at: usize) -> Option<Annotation> {
        Annotation::decode(self.model.value(at, self.source)?).ok()
    }

    fn verdict(&self, at: usize, of: &Pod) -> Verdict {
        match of.told {
            Some(_) => Verdict::Refused,
            None => Verdict::of(&of.text, self.model.value(at, self.source)),
        }
    }

    /// One problem of the list.
    pub fn problem(&self, place: &Place, document: Option<&Document>, language: Language) -> Json {
        match place.of {
            Of::Document => document.and_then(|it| it.error.as_ref()).map_or(json!({}), |error| {
                let code = if error.refused { Code::SourceRefused } else { Code::SourceSyntax };
                let problem = Problem::new(code).about(&error.message);
                let line = self.source.get(..error.offset).unwrap_or_default();
                let line = line.bytes().filter(|byte| *byte == b'\n').count() + 1;
                problem_json(&problem, language)
                    .with(&json!({"line": line, "source": self.source_place(None, error.offset)}))
            }),
            Of::Stranger(at) => {
                let stranger = document.and_then(|it| it.strangers.0.get(at as usize));
                stranger.map_or(json!({}), |stranger| {
                    let problem = Problem::new(Code::NotAPod).about(&stranger.kind);
                    let source = self.source_place(None, stranger.offset);
                    problem_json(&problem, language).with(&json!({"source": source}))
                })
            }
            Of::Pod(pod, at) => {
                let Some(of) = self.pod(pod as usize) else { return json!({}) };
                let Some(problem) = of.problems.get(at as usize) else { return json!({}) };
                let more = json!({"pod": pod, "record": problem.record, "in": pod_name(of)});
                problem_json(problem, language).with(&more)
            }
            Of::Service(id) => {
                let Some(node) = self.model.services.get(id as usize) else { return json!({}) };
                let Some(problem) = &node.problem else { return json!({}) };
                let first = node.of(Category::Consumers).first();
                let record = first.and_then(|(pod, place)| {
                    Some(self.pod(*pod as usize)?.endpoints.get(*place as usize)?.record)
                });
                let more = json!({"pod": first.map(|(pod, _)| *pod), "record": record,
                                  "in": node.service.to_string()});
                problem_json(problem, language).with(&more)
            }
        }
    }

    fn source_place(&self, pod: Option<usize>, offset: usize) -> Option<[usize; 2]> {
        let start = self.window_start(pod);
        source::in_window(self.source, start, &(offset..offset + 1))
    }

    fn window_start(&self, pod: Option<usize>) -> usize {
        source::window_start(self.source, pod.and_then(|at| self.pod(at)).map(|pod| &pod.text))
    }

    /// Everything about a Pod, and about one record of it.
    pub fn detail(&self, at: usize, record: Option<usize>, language: Language) -> Json {
        let Some(of) = self.pod(at) else { return json!({"refused": "no such Pod"}) };
        let text = &of.text;
        let value = self.model.value(at, self.source);
        let verdict = self.verdict(at, of);
        let annotation = self.annotation(at);
        let layers = value.map(|_| self.layers(at, record));
        let start = self.window_start(Some(at));
        let list: Vec<Json> = annotation
            .iter()
            .flat_map(Annotation::records)
            .take(2000)
            .enumerate()
            .map(|(index, record)| entry_json(record).with(&json!({"record": index})))
            .collect();
        let of_service = self.service_problem(of, record);
        let problems: Vec<Json> = of_service
            .iter()
            .chain(of.problems.iter().take(200))
            .map(|problem| {
                let places = problem.offset.zip(layers.as_ref()).map(|(offset, layers)| {
                    self.places(layers, Layer::Base64, offset..offset + 1, start)
                });
                let more = json!({"record": problem.record, "places": places});
                problem_json(problem, language).with(&more)
            })
            .collect();
        let same = annotation.as_ref().map(|it| Some(it.encode().as_str()) == value);
        json!({
            "pod": at, "name": &*text.name, "namespace": &*text.namespace, "uid": &*text.uid,
            "resourceVersion": &*text.resource_version, "label": text.label, "phase": text.phase,
            "ready": text.ready, "deleting": text.deleting, "addresses": text.addresses(),
            "told": of.told.is_some(), "state": pod_state(of), "bare": text.is_bare(),
            "verdict": json!({"code": verdict.as_str(), "text": verdict.sentence(language),
                        "versions": readers(text)}),
            "same": same,
            "meter": json!({"bytes": text.annotation_bytes(value), "limit": ANNOTATIONS_LIMIT,
                      "own": value.map_or(0, str::len)}),
            "problems": problems,
            "repairs": value.map(|value| repairs(value, language)),
            "records": list,
            "record": annotation.as_ref().and_then(|it| Self::record_json(it, record)),
            "layers": layers.map(|layers| Self::layers_json(&layers)),
            "edited": of.edits.as_ref().map(|edits| json!({
                "steps": edits.steps(),
                "changes": changes(text.value(self.source), edits.value()),
            })),
        })
    }

    /// Why a consumer finds nobody, if this record is one.
    fn service_problem(&self, of: &Pod, record: Option<usize>) -> Option<Problem> {
        let mut endpoints = of.endpoints.iter();
        let endpoint = endpoints.find(|endpoint| Some(endpoint.record as usize) == record)?;
        let node = self.model.services.get(endpoint.service as usize)?;
        let asks = endpoint.category == Category::Consumers;
        node.problem
            .clone()
            .filter(|_| asks)
            .map(|problem| problem.in_record(endpoint.record as usize))
    }

    fn record_json(annotation: &Annotation, at: Option<usize>) -> Option<Json> {
        let record = annotation.records().nth(at?)?;
        let mut json = entry_json(record)
            .with(&json!({"record": at, "key": record.key, "value": record.value}));
        if let Ok(Some(entry)) = Entry::read(record) {
            let url = entry.url.as_str();
            json.put("url", &url);
            json.put("parts", &parts(url));
            json.put("params", &params(url));
        }
        Some(json)
    }

    fn layers(&self, at: usize, record: Option<usize>) -> Layers {
        let none = Value { span: 0..0, text: Some("".into()), linked: false };
        let value = self.pod(at).map(|pod| match &pod.edits {
            Some(edits) => Value { span: 0..0, text: Some(edits.value().into()), linked: false },
            None => pod.text.annotation.clone().unwrap_or_else(|| none.clone()),
        });
        Layers::of(self.source, value.as_ref().unwrap_or(&none), record)
    }

    /// The layers below the source, each cut to what carries the record.
    fn layers_json(layers: &Layers) -> Json {
        let one = |layer: Layer| {
            let (text, clip) = (layers.text(layer), clip(layers, layer));
            let shown = text.get(clip.clone()).unwrap_or_default();
            let units = |at: usize| to_utf16(text, at);
            json!({"id": layer.as_str(), "text": shown, "before": units(clip.start),
                   "after": units(text.len()) - units(clip.end)})
        };
        Layer::ALL.into_iter().skip(1).map(one).collect()
    }

    /// The places in every layer that a selection in one of them lights up.
    pub fn select(
        &self,
        at: usize,
        record: Option<usize>,
        layer: Layer,
        units: Range<usize>,
    ) -> Json {
        if self.model.value(at, self.source).is_none() {
            return json!({"refused": "no annotation"});
        }
        let layers = self.layers(at, record);
        let start = self.window_start(Some(at));
        let (text, base) = match layer {
            Layer::Source => (self.source.get(start..).unwrap_or_default(), start),
            inner => {
                let clip = clip(&layers, inner);
                (layers.text(inner).get(clip.clone()).unwrap_or_default(), clip.start)
            }
        };
        let range = base + from_utf16(text, units.start)..base + from_utf16(text, units.end);
        self.places(&layers, layer, range, start)
    }

    fn places(&self, layers: &Layers, layer: Layer, range: Range<usize>, start: usize) -> Json {
        let mut json = json!({});
        for (at, place) in Layer::ALL.into_iter().zip(layers.select(layer, range)) {
            let units = place.and_then(|place| match at {
                Layer::Source => source::in_window(self.source, start, &place),
                inner => {
                    let clip = clip(layers, inner);
                    let text = layers.text(inner).get(clip.clone())?;
                    if place.end <= clip.start || place.start >= clip.end {
                        return None;
                    }
                    let units = |at: usize| to_utf16(text, at.saturating_sub(clip.start));
                    Some([units(place.start), units(place.end)])
                }
            });
            json.put(
                at.as_str(),
                &units.map_or_else(Json::list, |[start, end]| json!([start, end])),
            );
        }
        json
    }

    /// The Pod and record at a byte of the source.
    pub fn at(&self, offset: usize) -> Json {
        let inside = |pod: &&Pod| pod.text.span.start <= offset && offset <= pod.text.span.end;
        let pods = &self.model.pods;
        let next = pods.partition_point(|pod| pod.text.span.start <= offset);
        let Some(at) = next.checked_sub(1).filter(|at| pods.get(*at).as_ref().is_some_and(inside))
        else {
            return json!({"pod": None::<u32>});
        };
        let layers = self.layers(at, None);
        let records = self.pod(at).and_then(|pod| pod.records).unwrap_or(0);
        let [_, _, byte, ..] = layers.select(Layer::Source, offset..offset + 1);
        let record = byte.and_then(|byte| layers.record_at(byte.start, records));
        json!({"pod": at, "record": record})
    }

    /// The annotation as it would be written, and the ways to write it.
    pub fn output(&self, at: usize, language: Language) -> Json {
        let (Some(of), Some(value)) = (self.pod(at), self.model.value(at, self.source)) else {
            return json!({"refused": "no annotation"});
        };
        let text = &of.text;
        let edit = Edit {
            namespace: &text.namespace,
            name: &text.name,
            uid: &text.uid,
            resource_version: &text.resource_version,
            has_annotations: text.has_annotations,
            old: text.value(self.source),
            new: value,
        };
        let command = |form: Form| match edit.kubectl(form) {
            Ok(command) => {
                json!({"line": command.line, "file": command.file.map(|(name, text)| json!([name, text]))})
            }
            Err(problem) => json!({"refused": problem.message(language),
                                   "advice": problem.code.advice(language)}),
        };
        json!({
            "annotation": value, "changed": of.edits.is_some(),
            "json": edit.json_patch(), "merge": edit.merge_patch(),
            "kubectl": command(Form::Json), "kubectlMerge": command(Form::Merge),
            "bytes": text.annotation_bytes(Some(value)), "limit": ANNOTATIONS_LIMIT,
            "bare": text.is_bare(),
        })
    }
}

/// What of a layer is sent: what carries the record, else what surrounds the beginning.
fn clip(layers: &Layers, layer: Layer) -> Range<usize> {
    let text = layers.text(layer);
    let focus = layers.focus(layer);
    let focus = if focus.is_empty() { 0..text.len() } else { focus };
    let end = focus.end.min(focus.start + CLIP);
    text.floor_char_boundary(focus.start)..text.floor_char_boundary(end)
}

fn problem_json(problem: &Problem, language: Language) -> Json {
    json!({
        "code": problem.code.as_str(), "severity": problem.code.severity().as_str(),
        "title": problem.code.title(language), "advice": problem.code.advice(language),
        "about": problem.about, "offset": problem.offset, "decodedOffset": problem.decoded_offset,
    })
}

fn key_of(service: &Service<'_>) -> String {
    service.to_string()
}

fn pod_name(pod: &Pod) -> String {
    match (&*pod.text.namespace, &*pod.text.name) {
        ("", name) => name.to_owned(),
        (namespace, name) => format!("{namespace}/{name}"),
    }
}
