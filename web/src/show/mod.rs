//! What the page shows, as JSON: rows, problems, the detail of a Pod and a record, and how it would be
//! written back. Offsets are UTF-16 units of the very text that is sent.
//!
//! Everything from outside is sent as plain text; the page never takes any of it for markup.

mod changes;
mod output;
mod places;
mod problems;
mod row;
mod url;

use dubbo_k8s_codec::kubernetes::ANNOTATIONS_LIMIT;
use dubbo_k8s_codec::lint::Entry;
use dubbo_k8s_codec::problem::Language;
use dubbo_k8s_codec::{Annotation, Service};

pub(crate) use self::changes::texts;
use self::changes::{changes, repairs};
pub use self::problems::{Of, Place, problems};
use self::row::{entry_json, pod_state};
use self::url::{params, parts};
use crate::answer::{Json, json};
use crate::layers::Layer;
use crate::model::{Model, Pod};
use crate::source;
use crate::verdict::{Verdict, readers};

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

/// The most records of a Pod that are listed.
const RECORDS: usize = 2000;

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
        let place = |offset: usize| {
            let layers = layers.as_ref()?;
            Some(self.places(layers, Layer::Base64, offset..offset + 1, start))
        };
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
            "problems": self.problems_of(of, record, &place, language),
            "repairs": value.map(|value| repairs(value, language)),
            "records": annotation.as_ref().map_or_else(Json::list, records_json),
            "record": annotation.as_ref().and_then(|it| Self::record_json(it, record)),
            "layers": layers.as_ref().map(Self::layers_json),
            "edited": of.edits.as_ref().map(|edits| json!({
                "steps": edits.steps(),
                "changes": changes(text.value(self.source), edits.value()),
            })),
        })
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
}

/// The records of a Pod, each in a line.
fn records_json(annotation: &Annotation) -> Json {
    let numbered = annotation.records().take(RECORDS).enumerate();
    numbered.map(|(at, record)| entry_json(record).with(&json!({"record": at}))).collect()
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
