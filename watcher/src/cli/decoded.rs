//! One Pod or annotation, decoded as far as it goes: as text for people, and in the JSON of the contract. Finds nothing
//! itself.

use std::io::Write;

use dubbo_k8s_codec::{
    Annotation, DecodeError, Endpoint, Instance, Record, WarningCode,
    pasted::{Change, Examined, Findings, PastedPod},
    problem::{Code, Language},
};
use serde::Serialize;

use super::{
    ended::Ended,
    findings::{self, Report},
    records, terminal,
};

/// An error of an annotation: its place, what it means, and the way out.
pub(super) fn refusal(
    error: &DecodeError,
    value: &[u8],
    columns: usize,
    language: Language,
) -> String {
    let place = records::decode_error(error, value, columns, language);
    format!("{place}\n\n  {}", findings::explanation(Code::Refused(error.stage), language))
}

/// One Pod, decoded as far as it goes.
pub(super) struct PodReport<'a> {
    pasted: PastedPod<'a>,
    annotation: Annotation,
    pub(super) findings: Findings,
    error: Option<DecodeError>,
    metadata: Option<Result<Instance, DecodeError>>,
}

impl<'a> PodReport<'a> {
    pub(super) fn of(pasted: PastedPod<'a>) -> Self {
        let Examined { annotation, error, findings, .. } = Examined::of(&pasted);
        let metadata = pasted.metadata.as_deref().filter(|_| pasted.error.is_none());
        let metadata = metadata.map(Instance::parse);
        Self { pasted, annotation, findings, error, metadata }
    }

    /// Whether something of it could not be read.
    pub(super) fn is_unread(&self) -> bool {
        self.error.is_some() || self.metadata.as_ref().is_some_and(Result::is_err)
    }

    pub(super) fn write(&self, out: &mut dyn Write, language: Language) -> Result<(), Ended> {
        let deleted = self.pasted.change == Some(Change::Deleted);
        records::pod_heading(out, &self.pasted.pod.namespace, &self.pasted.pod.name, deleted)?;
        match (&self.error, &self.pasted.pod.annotation) {
            (Some(error), Some(value)) if self.pasted.error.is_none() => {
                let columns = terminal::message_columns().saturating_sub(2);
                let text = refusal(error, value.as_bytes(), columns, language);
                records::indented_error(out, &text, language)?;
                findings::write_rest(&self.findings, out, "  ", language)?;
            }
            (Some(error), _) => {
                let text = records::sentence(error, language);
                records::indented_error(out, &text, language)?;
            }
            (None, None) => {
                writeln!(out, "  no dubbo.io/annotation: nothing is registered")?;
                findings::write_rest(&self.findings, out, "  ", language)?;
            }
            (None, Some(_)) => {
                records::annotation(out, &self.annotation, &self.findings, language, "  ")?;
            }
        }
        match &self.metadata {
            Some(Ok(instance)) => {
                writeln!(out)?;
                records::metadata(out, instance, "  ")?;
            }
            Some(Err(error)) => {
                let text = format!("io.dubbo/metadata: {}", records::sentence(error, language));
                records::indented_error(out, &text, language)?;
            }
            None => {}
        }
        Ok(())
    }
}

/// Dubbo Java's annotation.
#[derive(Serialize)]
pub(super) struct MetadataReport<'a> {
    metadata: &'a Instance,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoints: Option<Vec<Endpoint>>,
}

impl<'a> MetadataReport<'a> {
    pub(super) fn of(instance: &'a Instance) -> Self {
        Self { metadata: instance, endpoints: instance.endpoints() }
    }
}

/// What is in an annotation. `problems` is what the inspector says of it beyond `warnings`, left out
/// where there is nothing to say.
#[derive(Serialize)]
pub(super) struct AnnotationReport<'a> {
    records: Vec<Record<'a>>,
    warnings: Vec<WarningReport>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<Report>,
}

#[derive(Serialize)]
struct WarningReport {
    code: &'static str,
    message: &'static str,
    offset: usize,
}

impl<'a> AnnotationReport<'a> {
    pub(super) fn of(annotation: &'a Annotation, findings: &Findings, language: Language) -> Self {
        let warnings = annotation.warnings().iter().map(|warning| WarningReport {
            code: warning.code.as_str(),
            message: oddity(warning.code, language),
            offset: warning.offset,
        });
        Self {
            records: annotation.records().collect(),
            warnings: warnings.collect(),
            problems: findings::reports(findings, language),
        }
    }
}

/// The oddity in a few words.
fn oddity(code: WarningCode, language: Language) -> &'static str {
    match language {
        Language::English => code.message(),
        Language::Chinese => Code::Odd(code).title(language),
    }
}

#[derive(Serialize)]
pub(super) struct PodJson<'a> {
    namespace: &'a str,
    name: &'a str,
    /// The last event of a watch.
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<&'static str>,
    #[serde(flatten)]
    annotation: AnnotationReport<'a>,
    #[serde(flatten)]
    metadata: Option<MetadataReport<'a>>,
    error: Option<&'a DecodeError>,
    #[serde(rename = "metadataError", skip_serializing_if = "Option::is_none")]
    metadata_error: Option<&'a DecodeError>,
}

impl<'a> PodJson<'a> {
    pub(super) fn of(report: &'a PodReport<'a>, language: Language) -> Self {
        let metadata = report.metadata.as_ref().map(Result::as_ref);
        Self {
            namespace: &report.pasted.pod.namespace,
            name: &report.pasted.pod.name,
            change: report.pasted.change.map(Change::as_str),
            annotation: AnnotationReport::of(&report.annotation, &report.findings, language),
            metadata: metadata.and_then(Result::ok).map(MetadataReport::of),
            error: report.error.as_ref(),
            metadata_error: metadata.and_then(Result::err),
        }
    }
}
