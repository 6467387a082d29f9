//! `decode`: what is in an annotation or in Pods, and what is wrong with it. Data goes to stdout
//! whatever is wrong beside it; the status is 1 when something could not be decoded.

use std::{borrow::Cow, io::Write};

use dubbo_k8s_codec::{
    Annotation, DecodeError, Pod, Record, WarningCode,
    problem::{Code, Language, Severity},
};
use serde::Serialize;

use super::{
    Ended,
    arguments::{Decode, DecodeOutput},
    findings::{self, Findings, Report},
    input::{self, Fault, Input},
    list::counted,
    records,
    terminal::{self, Progress},
};

pub(super) fn run(arguments: &Decode) -> Result<(), Ended> {
    let bytes = input::read(&arguments.file).map_err(|message| {
        terminal::say_error(&message);
        Ended::Failed
    })?;
    let json = arguments.output == DecodeOutput::Json;
    let language = arguments.language();
    match input::sort_out(&bytes) {
        Ok(Input::Annotation(value)) => annotation(&value, json, language),
        Ok(Input::Pods { pods: objects, others }) => {
            if !others.is_empty() && !json {
                let others = super::plain::plain(&input::listed(&others)).into_owned();
                terminal::say(&format!("left out what is not a Pod: {others}"));
            }
            pods(&objects, json, language)
        }
        Err(fault) if json => Err(say_json(&ErrorReport { error: FaultReport::from(&fault) })),
        Err(fault) => {
            terminal::say_error(&records::fault(
                &fault,
                &bytes,
                terminal::message_columns(),
                language,
            ));
            Err(Ended::Failed)
        }
    }
}

fn annotation(value: &[u8], json: bool, language: Language) -> Result<(), Ended> {
    let annotation = match Annotation::decode_bytes(value) {
        Ok(annotation) => annotation,
        Err(error) if json => return Err(say_json(&ErrorReport { error: &error })),
        Err(error) => {
            terminal::say_error(&refusal(&error, value, terminal::message_columns(), language));
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

/// An error of an annotation: its place, what it means, and the way out.
fn refusal(error: &DecodeError, value: &[u8], columns: usize, language: Language) -> String {
    let place = records::decode_error(error, value, columns, language);
    format!("{place}\n\n  {}", findings::explanation(Code::Refused(error.stage), language))
}

fn pods(objects: &[Vec<u8>], json: bool, language: Language) -> Result<(), Ended> {
    let mut reports = read(objects);
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
    if reports.iter().any(|report| report.error.is_some()) { Err(Ended::Failed) } else { Ok(()) }
}

/// Decodes all; shows how far it is where a person waits.
fn read(objects: &[Vec<u8>]) -> Vec<PodReport<'_>> {
    const STEP: usize = 1000;
    let mut progress = Progress::new();
    let mut reports = Vec::with_capacity(objects.len());
    for (done, object) in objects.iter().enumerate() {
        if done > 0 && done % STEP == 0 {
            progress.show(&format!("decoding: {done} of {} Pods", objects.len()));
        }
        reports.push(PodReport::of(object));
    }
    reports
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
    namespace: Cow<'a, str>,
    name: Cow<'a, str>,
    value: Option<Cow<'a, str>>,
    annotation: Annotation,
    findings: Findings,
    error: Option<DecodeError>,
}

impl<'a> PodReport<'a> {
    fn of(object: &'a [u8]) -> Self {
        let pod = match Pod::parse(object) {
            Ok(pod) => pod,
            Err(error) => {
                let refused = DecodeError::from(&error);
                return Self {
                    findings: Findings::default().refused(&refused),
                    error: Some(refused),
                    namespace: error.namespace.unwrap_or_default().into_string().into(),
                    name: error.name.unwrap_or_default().into_string().into(),
                    value: None,
                    annotation: Annotation::default(),
                };
            }
        };
        let decoded = pod.annotation.as_deref().map(Annotation::decode).transpose();
        let (annotation, error) = match decoded {
            Ok(annotation) => (annotation.unwrap_or_default(), None),
            Err(error) => (Annotation::default(), Some(error)),
        };
        let mut findings = Findings::of_pod(&pod, object, &annotation);
        if let Some(error) = &error {
            findings = findings.refused(error);
        }
        let Pod { namespace, name, annotation: value, .. } = pod;
        Self { namespace, name, value, annotation, findings, error }
    }

    fn write(&self, out: &mut dyn Write, language: Language) -> Result<(), Ended> {
        records::pod_heading(out, &self.namespace, &self.name)?;
        match (&self.error, &self.value) {
            (Some(error), Some(value)) => {
                let columns = terminal::message_columns().saturating_sub(2);
                let text = refusal(error, value.as_bytes(), columns, language);
                records::indented_error(out, &text, language)?;
                self.findings.write_rest(out, "  ", language)?;
            }
            (Some(error), None) => {
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
        Ok(())
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
    #[serde(flatten)]
    annotation: AnnotationReport<'a>,
    error: Option<&'a DecodeError>,
}

impl<'a> PodJson<'a> {
    fn of(report: &'a PodReport<'a>, language: Language) -> Self {
        Self {
            namespace: &report.namespace,
            name: &report.name,
            annotation: AnnotationReport::of(&report.annotation, &report.findings, language),
            error: report.error.as_ref(),
        }
    }
}

#[derive(Serialize)]
struct ErrorReport<E> {
    error: E,
}

/// A fault of the file around the annotations, in the shape of the codec's errors.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FaultReport {
    code: &'static str,
    stage: &'static str,
    offset: usize,
    decoded_offset: Option<usize>,
    message: String,
}

impl From<&Fault> for FaultReport {
    fn from(fault: &Fault) -> Self {
        Self {
            code: fault.stage.code(),
            stage: fault.stage.as_str(),
            offset: fault.offset,
            decoded_offset: None,
            message: fault.message(Language::English),
        }
    }
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
