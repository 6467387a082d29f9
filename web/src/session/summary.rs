//! What is loaded, in one answer: kind, counts, and how it is looked at.
//!
//! Every change answers with it, so it never lists anything.

use dubbo_k8s_codec::problem::Severity;
use serde::Serialize;

use super::Session;
use crate::document::{Document, Format, Kind};
use crate::rows::By;
use crate::source;

/// What is loaded, and how it is looked at.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    state: &'static str,
    kind: &'static str,
    /// What people call a text like this.
    name: &'static str,
    format: Option<&'static str>,
    /// How it was packed and written.
    coding: Vec<&'static str>,
    /// Lines of other text between the objects.
    skipped: usize,
    /// Whether the text is, byte for byte, what was given.
    verbatim: bool,
    bytes: usize,
    pods: usize,
    records: usize,
    services: usize,
    edited: usize,
    errors: usize,
    warnings: usize,
    notes: usize,
    by: By,
    rows: usize,
    /// Whether the page has all of the source.
    whole: bool,
    /// Of a live registry.
    #[serde(skip_serializing_if = "Option::is_none")]
    live: Option<Span>,
}

/// From when to when a live registry can be gone back through, where it stands, how many that have just gone are
/// shown, which revision is known, and whether no more should be asked for until the past is left.
#[derive(Debug, Serialize)]
struct Span {
    from: u64,
    to: u64,
    at: Option<u64>,
    gone: usize,
    revision: String,
    full: bool,
}

impl Session {
    /// The summary as it is now.
    pub(crate) fn summary(&self) -> Summary {
        let model = &self.model;
        let counts = |wanted: Severity| {
            self.problems.iter().filter(|place| place.severity == wanted).count()
        };
        let document = self.document.as_ref();
        let alone = if self.live.is_on() { "events" } else { "empty" };
        let kind = document.map_or(alone, |document| match document.kind {
            Kind::Empty => "empty",
            Kind::Annotation => "annotation",
            Kind::Records => "records",
            Kind::Events => "events",
            _ => "pods",
        });
        let format = document.and_then(|document| match document.format {
            Format::Json => Some("json"),
            Format::Yaml => Some("yaml"),
            _ => None,
        });
        let errors = counts(Severity::Error);
        let warnings = counts(Severity::Warning);
        let state = match (kind, errors + warnings) {
            ("empty", 0) => "empty",
            (_, 0) => "ready",
            _ => "problems",
        };
        Summary {
            state,
            kind,
            name: document.map_or(alone, Document::name),
            format,
            coding: self.coding.clone(),
            skipped: document.map_or(0, |document| document.skipped_lines),
            verbatim: self.verbatim,
            bytes: self.source.len(),
            pods: model.pods.iter().filter(|pod| !pod.over).count(),
            records: model.pods.iter().filter_map(|pod| pod.records).sum(),
            services: model.sorted().count(),
            edited: model.pods.iter().filter(|pod| pod.is_edited()).count(),
            errors,
            warnings,
            notes: counts(Severity::Note),
            by: self.view.by,
            rows: self.view.rows().len(),
            whole: self.source.len() <= source::WHOLE,
            live: self.live.is_on().then(|| self.span()),
        }
    }

    fn span(&self) -> Span {
        let (from, to) = self.live.span();
        Span {
            from,
            to,
            at: self.live.at(),
            gone: self.model.departed.len(),
            revision: self.live.revision().to_owned(),
            full: self.live.is_full(),
        }
    }
}
