//! What is wrong with what was decoded, in the stable codes and the words that the inspector uses too.
//! It judges nothing itself: the codec's lint does.

use std::io::{self, Write};

use dubbo_k8s_codec::{
    Annotation, Category, DecodeError, Query, Service,
    dubbo_go::{GoUrl, Identity, Reason, takes_none},
    lint::{Entry, Providers, Subject, place},
    pasted::{Change, PastedPod},
    problem::{Code, Language, Problem, Severity},
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

/// A record that names an endpoint.
#[derive(Debug)]
struct Endpoint {
    record: usize,
    category: Category,
    service: Service<'static>,
    /// What dubbo-go compares; none of what it does not read, or of a consumer that is no dubbo-go.
    identity: Option<Identity>,
}

impl Endpoint {
    fn of(record: usize, entry: &Entry<'_>) -> Self {
        let identity = match entry.category {
            Category::Consumers => Identity::of_consumer(&entry.url),
            _ => GoUrl::parse(entry.url.as_str()).ok().map(|url| url.identity()),
        };
        let service = entry.service().into_owned();
        Self { record, category: entry.category, service, identity }
    }

    /// That a consumer finds providers, of which dubbo-go takes none.
    fn takes_none(&self, providers: &[&Self]) -> Option<Problem> {
        let query = Query::from(self.service.clone());
        let matching = providers.iter().filter(|provider| query.matches(&provider.service));
        takes_none(self.identity.as_ref()?, matching.filter_map(|it| it.identity.as_ref()))
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
        let endpoints = &mut self.endpoints;
        subject.lint_records(annotation, &mut self.problems, |at, entry| {
            endpoints.push(Endpoint::of(at, entry));
        });
        place(&mut self.problems, annotation, value);
    }

    /// Adds what is wrong between Pods: consumers that find no provider.
    pub(super) fn compare<'a>(all: impl IntoIterator<Item = &'a mut Self>) {
        let mut all: Vec<_> = all.into_iter().collect();
        if all.len() < 2 {
            return; // one Pod is not a registry: its providers may be anywhere
        }
        let endpoints = |of: Category| {
            let all = all.iter().enumerate();
            let each = all.flat_map(|(pod, one)| one.endpoints.iter().map(move |it| (pod, it)));
            each.filter(move |(_, it)| it.category == of)
        };
        let mut each: Vec<_> = endpoints(Category::Providers).map(|(_, it)| it).collect();
        each.sort_unstable_by(|one, other| one.service.cmp(&other.service));
        let providers: Providers<'_> = each.iter().map(|it| &it.service).collect();
        let lonely = endpoints(Category::Consumers).filter_map(|(pod, it)| {
            let of_interface = of_interface(&each, &it.service.interface);
            let problem = providers.lint(&it.service).or_else(|| it.takes_none(of_interface))?;
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
fn of_interface<'a, 'b>(providers: &'a [&'b Endpoint], interface: &str) -> &'a [&'b Endpoint] {
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
fn write(
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
