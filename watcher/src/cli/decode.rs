//! `decode`: what is in what people paste and save, and what is wrong with it. Data goes to stdout
//! whatever is wrong beside it; the status is 1 when something could not be read.

use std::io::Write;

use dubbo_k8s_codec::{
    Annotation, DecodeError, Endpoint, Instance, Record, WarningCode,
    pasted::{Change, Document, Kind, PastedPod, Source},
    problem::{Code, Language, Severity},
};
use serde::Serialize;

use super::{
    Ended,
    arguments::{Decode, DecodeOutput},
    fault::{self, Fault},
    findings::{self, Findings, Report},
    input,
    list::counted,
    plain::plain,
    records,
    terminal::{self, Progress},
};

/// How what was read is shown.
#[derive(Clone, Copy)]
struct Show {
    json: bool,
    language: Language,
}

pub(super) fn run(arguments: &Decode) -> Result<(), Ended> {
    let show =
        Show { json: arguments.output == DecodeOutput::Json, language: arguments.language() };
    let given = input::read(&arguments.file)
        .and_then(|bytes| input::unpacked(bytes, &arguments.file))
        .and_then(|given| match Source::of(&given.bytes) {
            Ok(source) => Ok(show.source(&source, &given.bytes, given.damaged)),
            Err(refused) => Err(refused.to_string()),
        });
    given.unwrap_or_else(|message| {
        terminal::say_error(&message);
        Err(Ended::Failed)
    })
}

impl Show {
    /// Shows all that could be read, then why the rest could not.
    fn source(self, source: &Source<'_>, bytes: &[u8], damaged: bool) -> Result<(), Ended> {
        let mut document = source.read();
        // The fault of what begins as base64 is one of the annotation.
        let whole = bytes.trim_ascii();
        let as_it_is = document.kind == Kind::Annotation && !source.is_text();
        if as_it_is && whole.starts_with(source.text().trim().as_bytes()) {
            return self.annotation(whole);
        }
        let fault = Fault::of(&document, source).or_else(|| damaged.then(Fault::damaged));
        let shown = match (document.kind, document.pods.pop()) {
            (Kind::Empty, _) if fault.is_none() => self.annotation(b""),
            (Kind::Annotation | Kind::Records, Some(pod)) => {
                self.annotation(pod.pod.annotation.unwrap_or_default().as_bytes())
            }
            (Kind::Metadata, Some(pod)) => self.metadata(&pod.metadata.unwrap_or_default()),
            (_, None) if fault.is_some() => Ok(()),
            (_, last) => {
                document.pods.extend(last);
                self.pods(document)
            }
        };
        match (shown, fault) {
            (Ok(()) | Err(Ended::Failed), Some(fault)) => Err(self.fault(&fault, source)),
            (shown, _) => shown,
        }
    }

    fn fault(self, fault: &Fault, source: &Source<'_>) -> Ended {
        if self.json {
            return say_json(&ErrorReport { error: fault.report() });
        }
        let columns = terminal::message_columns();
        terminal::say_error(&fault.text(source.text(), columns, self.language));
        Ended::Failed
    }

    fn annotation(self, value: &[u8]) -> Result<(), Ended> {
        let Self { json, language } = self;
        let annotation = match Annotation::decode_bytes(value) {
            Ok(annotation) => annotation,
            Err(error) if json => return Err(say_json(&ErrorReport { error: &error })),
            Err(error) => {
                let columns = terminal::message_columns();
                terminal::say_error(&refusal(&error, value, columns, language));
                return Err(Ended::Failed);
            }
        };
        let mut out = output(json);
        let text = std::str::from_utf8(value).unwrap_or_default();
        let found = Findings::of_annotation(&annotation, text);
        if json {
            write_json(&mut out, &AnnotationReport::of(&annotation, &found, language))?;
        } else {
            records::annotation(&mut out, &annotation, &found, language, "")?;
        }
        Ok(out.flush()?)
    }

    fn metadata(self, value: &str) -> Result<(), Ended> {
        let instance = match Instance::parse(value) {
            Ok(instance) => instance,
            Err(error) if self.json => return Err(say_json(&ErrorReport { error: &error })),
            Err(error) => {
                terminal::say_error(&records::sentence(&error, self.language));
                return Err(Ended::Failed);
            }
        };
        let mut out = output(self.json);
        if self.json {
            write_json(&mut out, &MetadataReport::of(&instance))?;
        } else {
            records::metadata(&mut out, &instance, "")?;
        }
        Ok(out.flush()?)
    }

    fn pods(self, document: Document<'_>) -> Result<(), Ended> {
        let Self { json, language } = self;
        if !json {
            say_left_out(&document);
        }
        let mut reports = reports(document.pods);
        Findings::compare(reports.iter_mut().map(|report| &mut report.findings));
        let mut out = output(json);
        if json {
            let pods = reports.iter().map(|report| PodJson::of(report, language)).collect();
            write_json(&mut out, &PodsJson { pods })?;
        } else {
            if reports.is_empty() {
                terminal::say("the list holds no Pods");
            }
            for (place, report) in reports.iter().enumerate() {
                if place > 0 {
                    writeln!(out)?;
                }
                report.write(&mut out, language)?;
            }
        }
        out.flush()?;
        if !json && reports.len() > 1 {
            terminal::say(&tally(&reports, language));
        }
        if reports.iter().any(PodReport::is_unread) { Err(Ended::Failed) } else { Ok(()) }
    }
}

/// Decodes all; shows how far it is where a person waits.
fn reports(pods: Vec<PastedPod<'_>>) -> Vec<PodReport<'_>> {
    const STEP: usize = 1000;
    let (all, mut progress) = (pods.len(), Progress::new());
    let decoded = pods.into_iter().enumerate().map(|(done, pod)| {
        if done > 0 && done % STEP == 0 {
            progress.show(&format!("decoding: {done} of {all} Pods"));
        }
        PodReport::of(pod)
    });
    decoded.collect()
}

/// Names what is no Pod.
fn say_left_out(document: &Document<'_>) {
    if !document.others.is_empty() {
        let others = fault::listed(&document.others);
        terminal::say(&format!("left out what is not a Pod: {}", plain(&others)));
    }
    if document.skipped_lines > 0 {
        terminal::say(&format!(
            "left out {} of other text",
            counted(document.skipped_lines, "line")
        ));
    }
}

/// An error of an annotation: its place, what it means, and the way out.
fn refusal(error: &DecodeError, value: &[u8], columns: usize, language: Language) -> String {
    let place = records::decode_error(error, value, columns, language);
    format!("{place}\n\n  {}", findings::explanation(Code::Refused(error.stage), language))
}

/// How much is wrong in all Pods together.
fn tally(reports: &[PodReport<'_>], language: Language) -> String {
    let of = |severity| -> usize { reports.iter().map(|it| it.findings.count(severity)).sum() };
    let [errors, warnings, notes] = [Severity::Error, Severity::Warning, Severity::Note].map(of);
    let pods = reports.len();
    match language {
        Language::English => format!(
            "{}: {}, {}, {}",
            counted(pods, "Pod"),
            counted(errors, "error"),
            counted(warnings, "warning"),
            counted(notes, "note")
        ),
        Language::Chinese => {
            format!("{pods} 个 Pod：{errors} 个错误，{warnings} 个警告，{notes} 个提示")
        }
    }
}

/// One Pod, decoded as far as it goes.
struct PodReport<'a> {
    pasted: PastedPod<'a>,
    annotation: Annotation,
    findings: Findings,
    error: Option<DecodeError>,
    metadata: Option<Result<Instance, DecodeError>>,
}

impl<'a> PodReport<'a> {
    fn of(pasted: PastedPod<'a>) -> Self {
        if let Some(error) = &pasted.error {
            let refused = DecodeError::from(error);
            return Self {
                pasted,
                findings: Findings::default().refused(&refused),
                error: Some(refused),
                annotation: Annotation::default(),
                metadata: None,
            };
        }
        let decoded = pasted.pod.annotation.as_deref().map(Annotation::decode).transpose();
        let (annotation, error) = match decoded {
            Ok(annotation) => (annotation.unwrap_or_default(), None),
            Err(error) => (Annotation::default(), Some(error)),
        };
        let mut findings = Findings::of_pod(&pasted, &annotation);
        if let Some(error) = &error {
            findings = findings.refused(error);
        }
        let metadata = pasted.metadata.as_deref().map(Instance::parse);
        Self { pasted, annotation, findings, error, metadata }
    }

    /// Whether something of it could not be read.
    fn is_unread(&self) -> bool {
        self.error.is_some() || self.metadata.as_ref().is_some_and(Result::is_err)
    }

    fn write(&self, out: &mut dyn Write, language: Language) -> Result<(), Ended> {
        let deleted = self.pasted.change == Some(Change::Deleted);
        records::pod_heading(out, &self.pasted.pod.namespace, &self.pasted.pod.name, deleted)?;
        match (&self.error, &self.pasted.pod.annotation) {
            (Some(error), Some(value)) if self.pasted.error.is_none() => {
                let columns = terminal::message_columns().saturating_sub(2);
                let text = refusal(error, value.as_bytes(), columns, language);
                records::indented_error(out, &text, language)?;
                self.findings.write_rest(out, "  ", language)?;
            }
            (Some(error), _) => {
                let text = records::sentence(error, language);
                records::indented_error(out, &text, language)?;
            }
            (None, None) => {
                writeln!(out, "  no dubbo.io/annotation: nothing is registered")?;
                self.findings.write_rest(out, "  ", language)?;
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
struct MetadataReport<'a> {
    metadata: &'a Instance,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoints: Option<Vec<Endpoint>>,
}

impl<'a> MetadataReport<'a> {
    fn of(instance: &'a Instance) -> Self {
        Self { metadata: instance, endpoints: instance.endpoints() }
    }
}

/// What is in an annotation. `problems` is what the inspector says of it beyond `warnings`, left out
/// where there is nothing to say.
#[derive(Serialize)]
struct AnnotationReport<'a> {
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
    fn of(annotation: &'a Annotation, findings: &Findings, language: Language) -> Self {
        let warnings = annotation.warnings().iter().map(|warning| WarningReport {
            code: warning.code.as_str(),
            message: oddity(warning.code, language),
            offset: warning.offset,
        });
        Self {
            records: annotation.records().collect(),
            warnings: warnings.collect(),
            problems: findings.reports(language),
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
struct PodsJson<'a> {
    pods: Vec<PodJson<'a>>,
}

#[derive(Serialize)]
struct PodJson<'a> {
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
    fn of(report: &'a PodReport<'a>, language: Language) -> Self {
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

#[derive(Serialize)]
struct ErrorReport<E> {
    error: E,
}

fn output(json: bool) -> Box<dyn Write> {
    if json { terminal::data() } else { terminal::stdout() }
}

fn write_json(out: &mut dyn Write, value: &impl Serialize) -> Result<(), Ended> {
    serde_json::to_writer(&mut *out, value).map_err(std::io::Error::from)?;
    Ok(writeln!(out)?)
}

fn say_json(value: &impl Serialize) -> Ended {
    if let Ok(text) = serde_json::to_string(value) {
        terminal::say(&text);
    }
    Ended::Failed
}
