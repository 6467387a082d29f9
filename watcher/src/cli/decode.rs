//! `decode`: what is in what people paste and save, and what is wrong with it. Data goes to stdout
//! whatever is wrong beside it; the status is 1 when something could not be read.

use std::io::Write;

use dubbo_k8s_codec::{
    Annotation, Instance,
    pasted::{Document, Findings, Kind, PastedPod, Source},
    problem::{Language, Severity},
};
use serde::Serialize;

use super::{
    arguments::{Decode, DecodeOutput},
    decoded::{AnnotationReport, MetadataReport, PodJson, PodReport, refusal},
    ended::Ended,
    fault::{self, Fault},
    figures::counted,
    findings, input,
    plain::plain,
    records,
    terminal::{self, Progress, bar},
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
            Ok(source) if given.damaged => Ok(show.source(&source.damaged(), &given.bytes)),
            Ok(source) => Ok(show.source(&source, &given.bytes)),
            Err(refused) => Err(refused.to_string()),
        });
    given.unwrap_or_else(|message| {
        terminal::say_error(&message);
        Err(Ended::Failed)
    })
}

impl Show {
    /// Shows all that could be read, then why the rest could not.
    fn source(self, source: &Source<'_>, bytes: &[u8]) -> Result<(), Ended> {
        let mut document = source.read();
        // The fault of what begins as base64 is one of the annotation.
        let whole = bytes.trim_ascii();
        let as_it_is = document.kind == Kind::Annotation && !source.is_text();
        if as_it_is && whole.starts_with(source.text().trim().as_bytes()) {
            return self.annotation(whole);
        }
        let fault = Fault::of(&document, source);
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
            let bar = bar(done as u64, all as u64);
            progress.show(&format!("decoding: {bar} {done} of {all} Pods"));
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

/// How much is wrong in all Pods together.
fn tally(reports: &[PodReport<'_>], language: Language) -> String {
    let of = |severity| -> usize {
        reports.iter().map(|it| findings::count(&it.findings, severity)).sum()
    };
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

#[derive(Serialize)]
struct PodsJson<'a> {
    pods: Vec<PodJson<'a>>,
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
