//! What the page shows, as JSON: rows, problems, the detail of a Pod and a record, and how it would be
//! written back. Offsets are UTF-16 units of the very text that is sent.
//!
//! Everything from outside is sent as plain text; the page never takes any of it for markup.

mod changes;
mod output;
mod places;
mod problems;
mod relations;
mod row;
mod timeline;
mod url;

use dubbo_k8s_codec::kubernetes::ANNOTATIONS_LIMIT;
use dubbo_k8s_codec::lint::Entry;
use dubbo_k8s_codec::problem::Language;
use dubbo_k8s_codec::{Annotation, Service};
use serde::Serialize;

use self::changes::{Change, Repair, changes, repairs};
pub use self::output::Output;
use self::places::LayerData;
pub use self::places::{Places, Target};
pub use self::problems::{Of, Place, ProblemData, problems};
use self::relations::Relations;
pub use self::row::RowData;
use self::row::{EntryData, pod_state};
use self::url::{Parameter, Part, params, parts};
use crate::layers::Layer;
use crate::model::{Model, Pod};
use crate::source;
use crate::verdict::readers;

/// A model and its text, to be shown.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// The text.
    pub source: &'a str,
    /// What was read from it.
    pub model: &'a Model,
}

/// Everything about a Pod, and about one record of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Detail {
    pod: usize,
    name: String,
    namespace: String,
    uid: String,
    /// Whether a live registry reports problems of the annotation, and did not send it.
    reported: bool,
    state: Option<&'static str>,
    bare: bool,
    verdict: VerdictData,
    /// Whether it would be written as it is.
    same: Option<bool>,
    meter: Meter,
    problems: Vec<ProblemData>,
    repairs: Option<Vec<Repair>>,
    relations: Option<Relations>,
    records: Vec<RecordLine>,
    record: Option<RecordData>,
    layers: Option<Vec<LayerData>>,
    edited: Option<Edited>,
}

/// What dubbo-go does with a Pod, and which versions of it.
#[derive(Debug, Serialize)]
struct VerdictData {
    code: &'static str,
    versions: &'static [&'static str],
}

/// The bytes of all annotations, and how many there may be.
#[derive(Debug, Serialize)]
struct Meter {
    bytes: usize,
    limit: usize,
}

/// A record of a Pod, in a line.
#[derive(Debug, Serialize)]
struct RecordLine {
    record: usize,
    #[serde(flatten)]
    entry: EntryData,
}

/// A record with all of its parts.
#[derive(Debug, Serialize)]
struct RecordData {
    record: usize,
    #[serde(flatten)]
    entry: EntryData,
    key: String,
    value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    parts: Vec<Part>,
    params: Vec<Parameter>,
}

/// What was changed here since the Pod was read.
#[derive(Debug, Serialize)]
struct Edited {
    steps: usize,
    undone: usize,
    changes: Vec<Change>,
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

    fn window_start(&self, pod: Option<usize>) -> usize {
        source::window_start(self.source, pod.and_then(|at| self.pod(at)).map(|pod| &pod.text))
    }

    /// Everything about a Pod, and about one record of it.
    pub fn detail(
        &self,
        at: usize,
        record: Option<usize>,
        now_ms: u64,
        language: Language,
    ) -> Option<Detail> {
        let of = self.pod(at)?;
        let text = &of.text;
        let value = self.model.value(at, self.source);
        let verdict = of.verdict;
        let annotation = self.annotation(at);
        let layers = value.map(|_| self.layers(at, record));
        let start = self.window_start(Some(at));
        let length = value.map_or(0, str::len);
        let place = |offset: usize| {
            let layers = layers.as_ref()?;
            // What is missing at the end is shown at what is there last.
            let offset = offset.min(length.saturating_sub(1));
            Some(self.places(layers, Layer::Base64, offset..offset + 1, start))
        };
        let same = annotation.as_ref().map(|it| Some(it.encode().as_str()) == value);
        Some(Detail {
            pod: at,
            name: text.name.to_string(),
            namespace: text.namespace.to_string(),
            uid: text.uid.to_string(),
            reported: value.is_none() && !of.reported.is_empty(),
            state: pod_state(of),
            bare: text.is_bare(),
            verdict: VerdictData { code: verdict.as_str(), versions: readers(text) },
            same,
            meter: Meter { bytes: text.annotation_bytes(value), limit: ANNOTATIONS_LIMIT },
            problems: self.problems_of(at, of, record, &place),
            relations: record.and_then(|record| self.relations(at, record, now_ms)),
            repairs: value.map(|value| repairs(value, language)),
            records: annotation.as_ref().map_or_else(Vec::new, RecordLine::all),
            record: annotation.as_ref().and_then(|it| RecordData::of(it, record)),
            layers: layers.as_ref().map(Self::layers_shown),
            edited: of.edits.as_ref().map(|edits| Edited {
                steps: edits.steps(),
                undone: edits.undone(),
                changes: changes(text.value(self.source), edits.value()),
            }),
        })
    }
}

impl RecordLine {
    fn all(annotation: &Annotation) -> Vec<Self> {
        let numbered = annotation.records().take(RECORDS).enumerate();
        numbered.map(|(record, of)| Self { record, entry: EntryData::of(of) }).collect()
    }
}

impl RecordData {
    fn of(annotation: &Annotation, at: Option<usize>) -> Option<Self> {
        let of = annotation.records().nth(at?)?;
        let entry = Entry::read(of).ok().flatten();
        let url = entry.as_ref().map(|entry| entry.url.as_str());
        Some(Self {
            record: at?,
            entry: EntryData::of(of),
            key: of.key.to_owned(),
            value: of.value.to_owned(),
            url: url.map(str::to_owned),
            parts: url.map(parts).unwrap_or_default(),
            params: url.map(params).unwrap_or_default(),
        })
    }
}

fn key_of(service: &Service<'_>) -> String {
    service.to_string()
}

/// `namespace/name`, or the name alone where no namespace is known.
pub fn pod_name(pod: &Pod) -> String {
    match (&*pod.text.namespace, &*pod.text.name) {
        ("", name) => name.to_owned(),
        (namespace, name) => format!("{namespace}/{name}"),
    }
}
