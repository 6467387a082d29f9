//! What is wrong with what was decoded, in the stable codes and the words that the inspector uses too.
//! It judges nothing itself: the codec's lint and relations do.

use std::io::{self, Write};

use dubbo_k8s_codec::{
    Annotation, Category, DecodeError,
    dubbo_go::Reason,
    lint::{Entry, Subject, place},
    pasted::{Change, PastedPod},
    problem::{Code, Language, Problem, Severity},
    relation::{self, Consumer, PodState, Provider, Rules},
};
use serde::Serialize;

use super::{
    plain::plain,
    terminal::{CHANGED, DIM, ERROR, WARNING},
};

/// The problems of one annotation, and who is in it.
#[derive(Debug, Default)]
pub(super) struct Findings {
    problems: Vec<Problem>,
    endpoints: Vec<Endpoint>,
}

/// A record that names an endpoint that calls, or may be called.
#[derive(Debug)]
struct Endpoint {
    record: usize,
    of: Party,
}

#[derive(Debug)]
enum Party {
    Consumer(Consumer<'static>),
    Provider(Box<Provider<'static>>),
}

impl Endpoint {
    fn of(record: usize, entry: &Entry<'_>, pod: &PodState<'static>) -> Option<Self> {
        let of = match entry.category {
            Category::Consumers => Party::Consumer(Consumer::of(entry, pod.namespace.clone())),
            Category::Providers => Party::Provider(Box::new(Provider::of(entry, pod.clone()))),
            _ => return None,
        };
        Some(Self { record, of })
    }
}

impl Findings {
    /// Of an annotation without its Pod.
    pub(super) fn of_annotation(annotation: &Annotation, value: &str) -> Self {
        let mut findings = Self::default();
        findings.records(&Subject::default(), annotation, value);
        findings
    }

    /// Of a Pod; `annotation` is what could be decoded of it. One that was deleted has no endpoints.
    pub(super) fn of_pod(pasted: &PastedPod<'_>, annotation: &Annotation) -> Self {
        let pod = &pasted.pod;
        let value = pod.annotation.as_deref();
        if pasted.is_bare() {
            return Self::of_annotation(annotation, value.unwrap_or_default());
        }
        let addresses: Vec<String> = pod.ips.iter().map(ToString::to_string).collect();
        let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
        let subject = Subject {
            namespace: &pod.namespace,
            name: &pod.name,
            label: pod.label.as_deref(),
            annotated: value.is_some(),
            phase: pod.phase.as_deref(),
            deleting: pod.deleting,
            ready: pod.ready,
            addresses: &addresses,
            annotation_bytes: pasted.annotation_bytes(),
        };
        let mut findings = Self::default();
        subject.lint(&mut findings.problems);
        findings.records(&subject, annotation, value.unwrap_or_default());
        if pasted.change == Some(Change::Deleted) {
            findings.endpoints.clear();
        }
        findings
    }

    /// The same, and that the annotation is refused.
    pub(super) fn refused(mut self, error: &DecodeError) -> Self {
        self.problems.insert(0, Problem::from(error));
        self
    }

    fn records(&mut self, subject: &Subject<'_>, annotation: &Annotation, value: &str) {
        let pod = PodState::of(subject, annotation).into_owned();
        let endpoints = &mut self.endpoints;
        subject.lint_records(annotation, &mut self.problems, |at, entry| {
            endpoints.extend(Endpoint::of(at, entry, &pod));
        });
        place(&mut self.problems, annotation, value);
        for endpoint in &mut self.endpoints {
            let Party::Provider(provider) = &mut endpoint.of else { continue };
            let codes = self.problems.iter().filter(|it| it.record == Some(endpoint.record));
            for code in codes.map(|problem| problem.code) {
                provider.believed &= code != Code::AddressNotPod;
                provider.refused |= code == Code::DubboGoRefusesUrl;
            }
        }
    }

    /// Adds what is wrong between Pods: consumers that find no provider.
    pub(super) fn compare<'a>(all: impl IntoIterator<Item = &'a mut Self>) {
        let mut all: Vec<_> = all.into_iter().collect();
        if all.len() < 2 {
            return; // one Pod is not a registry: its providers may be anywhere
        }
        let endpoints = || {
            let all = all.iter().enumerate();
            all.flat_map(|(pod, one)| one.endpoints.iter().map(move |it| (pod, it)))
        };
        let mut providers: Vec<&Provider<'_>> = endpoints()
            .filter_map(|(_, it)| match &it.of {
                Party::Provider(provider) => Some(&**provider),
                Party::Consumer(_) => None,
            })
            .collect();
        providers.sort_by(|one, other| one.service.cmp(&other.service));
        let lonely = endpoints().filter_map(|(pod, it)| {
            let Party::Consumer(consumer) = &it.of else { return None };
            let provided = of_interface(&providers, &consumer.service.interface);
            let problem = relation::lint(consumer, provided.iter().copied(), Rules::dubbo_go(0))?;
            Some((pod, problem.in_record(it.record)))
        });
        for (pod, problem) in lonely.collect::<Vec<_>>() {
            if let Some(one) = all.get_mut(pod) {
                one.problems.push(problem);
            }
        }
    }

    /// Writes those of one record.
    pub(super) fn write_record(
        &self,
        out: &mut dyn Write,
        record: usize,
        indent: &str,
        language: Language,
    ) -> io::Result<()> {
        let mut of = self.problems.iter().filter(|problem| problem.record == Some(record));
        of.try_for_each(|problem| write(out, problem, indent, language))
    }

    /// Writes those of the annotation and its Pod, a blank line before them. A refusal has been written
    /// with its place by then.
    pub(super) fn write_rest(
        &self,
        out: &mut dyn Write,
        indent: &str,
        language: Language,
    ) -> io::Result<()> {
        let written = |problem: &Problem| matches!(problem.code, Code::Refused(_));
        let rest = self.problems.iter().filter(|it| it.record.is_none() && !written(it));
        let mut rest = rest.peekable();
        if rest.peek().is_some() {
            writeln!(out)?;
        }
        rest.try_for_each(|problem| write(out, problem, indent, language))
    }

    /// Those that the shape of the contract has no other place for: all but the annotation's oddities.
    pub(super) fn reports(&self, language: Language) -> Vec<Report> {
        let beyond = |problem: &&Problem| !matches!(problem.code, Code::Odd(_));
        self.problems.iter().filter(beyond).map(|problem| Report::of(problem, language)).collect()
    }

    /// How many there are of a severity.
    pub(super) fn count(&self, severity: Severity) -> usize {
        self.problems.iter().filter(|problem| problem.code.severity() == severity).count()
    }
}

/// The providers of an interface, of all in the order of their services.
fn of_interface<'a, 'b>(
    providers: &'a [&'b Provider<'b>],
    interface: &str,
) -> &'a [&'b Provider<'b>] {
    let start = providers.partition_point(|it| *it.service.interface < *interface);
    let rest = providers.get(start..).unwrap_or_default();
    let end = rest.partition_point(|it| it.service.interface == interface);
    rest.get(..end).unwrap_or_default()
}

/// What a refusal means, and the way out, on one line.
pub(super) fn explanation(code: Code, language: Language) -> String {
    match language {
        Language::English => {
            format!("{code}: {}. {}", code.title(language), code.advice(language))
        }
        Language::Chinese => format!("{code}：{}。{}", code.title(language), code.advice(language)),
    }
}

/// `error[code]: what it is (what it is about) at byte N`, and the advice below.
pub(super) fn write(
    out: &mut dyn Write,
    problem: &Problem,
    indent: &str,
    language: Language,
) -> io::Result<()> {
    let (style, word) = match problem.code.severity() {
        Severity::Error => (ERROR, ["error", "错误"]),
        Severity::Warning => (WARNING, ["warning", "警告"]),
        Severity::Note => (CHANGED, ["note", "提示"]),
    };
    let (word, place, colon) = match language {
        Language::English => (word[0], " at byte ", ":"),
        Language::Chinese => (word[1], "，位于字节 ", "："),
    };
    let message = problem.message(language);
    let head = format!("{style}{word}[{}]{colon}{style:#}", problem.code);
    let space = if language == Language::English { " " } else { "" };
    write!(out, "{indent}{head}{space}{}", plain(&message))?;
    match problem.offset {
        Some(offset) => writeln!(out, "{place}{offset}")?,
        None => writeln!(out)?,
    }
    writeln!(out, "{indent}  {DIM}{}{DIM:#}", problem.code.advice(language))
}

/// A problem in JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    code: &'static str,
    severity: &'static str,
    message: String,
    advice: &'static str,
    record: Option<usize>,
    offset: Option<usize>,
    decoded_offset: Option<usize>,
    /// Of what dubbo-go refuses or reads otherwise: where in the record's key, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    key_offset: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

impl Report {
    /// In these words.
    pub(super) fn of(problem: &Problem, language: Language) -> Self {
        Self {
            code: problem.code.as_str(),
            severity: problem.code.severity().as_str(),
            message: problem.message(language),
            advice: problem.code.advice(language),
            record: problem.record,
            offset: problem.offset,
            decoded_offset: problem.decoded_offset,
            key_offset: problem.key_offset,
            reason: problem.reason.map(Reason::as_str),
        }
    }
}
