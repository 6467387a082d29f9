//! `decode`: what is in an annotation or in Pods. Data goes to stdout whatever is wrong beside it;
//! the status is 1 when something could not be decoded.

use std::{borrow::Cow, io::Write};

use dubbo_k8s_codec::{Annotation, DecodeError, Pod, Record, Warning};
use serde::Serialize;

use super::{
    Ended,
    arguments::{Decode, DecodeOutput},
    input::{self, Fault, Input},
    records, terminal,
};

pub(super) fn run(arguments: &Decode) -> Result<(), Ended> {
    let bytes = input::read(&arguments.file).map_err(|message| {
        terminal::say_error(&message);
        Ended::Failed
    })?;
    let json = arguments.output == DecodeOutput::Json;
    match input::sort_out(&bytes) {
        Ok(Input::Annotation(value)) => annotation(&value, json),
        Ok(Input::Pods { pods: objects, others }) => {
            if !others.is_empty() && !json {
                let others = super::plain::plain(&input::listed(&others)).into_owned();
                terminal::say(&format!("left out what is not a Pod: {others}"));
            }
            pods(&objects, json)
        }
        Err(fault) if json => Err(say_json(&ErrorReport { error: FaultReport::from(&fault) })),
        Err(fault) => {
            terminal::say_error(&records::fault(&fault, &bytes, terminal::message_columns()));
            Err(Ended::Failed)
        }
    }
}

fn annotation(value: &[u8], json: bool) -> Result<(), Ended> {
    let mut out = terminal::stdout();
    match Annotation::decode_bytes(value) {
        Ok(annotation) if json => write_json(&mut out, &AnnotationReport::from(&annotation))?,
        Ok(annotation) => records::annotation(&mut out, &annotation, "")?,
        Err(error) if json => return Err(say_json(&ErrorReport { error: &error })),
        Err(error) => {
            terminal::say_error(&records::decode_error(&error, value, terminal::message_columns()));
            return Err(Ended::Failed);
        }
    }
    Ok(out.flush()?)
}

fn pods(objects: &[Vec<u8>], json: bool) -> Result<(), Ended> {
    let reports: Vec<_> = objects.iter().map(|object| PodReport::of(object)).collect();
    let mut out = terminal::stdout();
    if json {
        let pods = reports.iter().map(PodJson::from).collect();
        write_json(&mut out, &PodsJson { pods })?;
    } else {
        if reports.is_empty() {
            terminal::say("the list holds no Pods");
        }
        for (place, report) in reports.iter().enumerate() {
            if place > 0 {
                writeln!(out)?;
            }
            report.write(&mut out)?;
        }
    }
    out.flush()?;
    if reports.iter().any(|report| report.error.is_some()) { Err(Ended::Failed) } else { Ok(()) }
}

/// One Pod, decoded as far as it goes.
struct PodReport<'a> {
    namespace: Cow<'a, str>,
    name: Cow<'a, str>,
    value: Option<Cow<'a, str>>,
    annotation: Annotation,
    error: Option<DecodeError>,
}

impl<'a> PodReport<'a> {
    fn of(object: &'a [u8]) -> Self {
        let pod = match Pod::parse(object) {
            Ok(pod) => pod,
            Err(error) => {
                return Self {
                    error: Some(DecodeError::from(&error)),
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
        Self { namespace: pod.namespace, name: pod.name, value: pod.annotation, annotation, error }
    }

    fn write(&self, out: &mut dyn Write) -> Result<(), Ended> {
        records::pod_heading(out, &self.namespace, &self.name)?;
        match (&self.error, &self.value) {
            (Some(error), Some(value)) => {
                let columns = terminal::message_columns().saturating_sub(2);
                let text = records::decode_error(error, value.as_bytes(), columns);
                records::indented_error(out, &text)?;
            }
            (Some(error), None) => records::indented_error(out, &error.to_string())?,
            (None, None) => writeln!(out, "  no dubbo.io/annotation: nothing is registered")?,
            (None, Some(_)) => records::annotation(out, &self.annotation, "  ")?,
        }
        Ok(())
    }
}

#[derive(Serialize)]
struct AnnotationReport<'a> {
    records: Vec<Record<'a>>,
    warnings: &'a [Warning],
}

impl<'a> From<&'a Annotation> for AnnotationReport<'a> {
    fn from(annotation: &'a Annotation) -> Self {
        Self { records: annotation.records().collect(), warnings: annotation.warnings() }
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

impl<'a> From<&'a PodReport<'a>> for PodJson<'a> {
    fn from(report: &'a PodReport<'a>) -> Self {
        Self {
            namespace: &report.namespace,
            name: &report.name,
            annotation: (&report.annotation).into(),
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
struct FaultReport<'a> {
    stage: &'static str,
    offset: usize,
    decoded_offset: Option<usize>,
    message: &'a str,
}

impl<'a> From<&'a Fault> for FaultReport<'a> {
    fn from(fault: &'a Fault) -> Self {
        Self {
            stage: fault.stage.as_str(),
            offset: fault.offset,
            decoded_offset: None,
            message: &fault.message,
        }
    }
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
