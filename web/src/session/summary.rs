//! What is loaded, in one answer: kind, counts, and how it is looked at.
//!
//! Every change answers with it, so it never lists anything.

use dubbo_k8s_codec::problem::Severity;

use super::{Session, by_name};
use crate::document::{Format, Kind};
use crate::source;
use serde_json::{Value as Json, json};

impl Session {
    /// The summary as it is now.
    pub(crate) fn summary(&self) -> Json {
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
            Kind::Pods => "pods",
            Kind::Events => "events",
        });
        let format = document.map(|document| match document.format {
            Format::Base64 => "base64",
            Format::Json => "json",
            Format::Yaml => "yaml",
        });
        let errors = counts(Severity::Error);
        let warnings = counts(Severity::Warning);
        let state = match (kind, errors + warnings) {
            ("empty", _) => "empty",
            (_, 0) => "ready",
            _ => "problems",
        };
        let providers: usize = self.model.services.iter().map(|node| node.members[3].len()).sum();
        let consumers: usize = self.model.services.iter().map(|node| node.members[0].len()).sum();
        json!({
            "state": state, "kind": kind, "format": format, "bytes": self.source.len(),
            "pods": model.pods.iter().filter(|pod| !pod.over).count(),
            "records": model.pods.iter().filter_map(|pod| pod.records).sum::<usize>(),
            "services": model.sorted().count(), "providers": providers, "consumers": consumers,
            "edited": model.pods.iter().filter(|pod| pod.edits.is_some()).count(),
            "errors": errors, "warnings": warnings, "notes": counts(Severity::Note),
            "by": by_name(self.view.by), "rows": self.view.rows().len(),
            "whole": self.source.len() <= source::WHOLE,
        })
    }
}
