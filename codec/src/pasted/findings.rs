//! What is wrong with the Pods of a text, one by one and between them: the answer of `decode`, of the library for
//! JavaScript and of the component.
//!
//! It judges nothing itself: the codec's lint does.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{Change, Format, Other, PastedError, PastedPod};
use crate::dubbo_go::{GoUrl, Identity, takes_none};
use crate::lint::{Entry, Providers, Subject, place};
use crate::problem::{Code, Detail, Problem};
use crate::{Annotation, Category, DecodeError, Query, Service};

/// A Pod of a text, decoded as far as it goes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Examined {
    /// Its records; none if it has no annotation, or one that is refused.
    pub annotation: Annotation,
    /// Why its records are not read.
    pub error: Option<DecodeError>,
    /// What is wrong with it.
    pub findings: Findings,
}

impl Examined {
    /// Decodes the annotation of a Pod, and looks at what is in it.
    pub fn of(pasted: &PastedPod<'_>) -> Self {
        if let Some(error) = &pasted.error {
            return Self::refused(Findings::default(), error.into());
        }
        let decoded = pasted.pod.annotation.as_deref().map(Annotation::decode).transpose();
        match decoded {
            Err(error) => Self::refused(Findings::of_pod(pasted, &Annotation::default()), error),
            Ok(annotation) => {
                let annotation = annotation.unwrap_or_default();
                let findings = Findings::of_pod(pasted, &annotation);
                Self { annotation, error: None, findings }
            }
        }
    }

    fn refused(mut findings: Findings, error: DecodeError) -> Self {
        findings.problems.insert(0, Problem::from(&error));
        Self { annotation: Annotation::default(), error: Some(error), findings }
    }
}

/// The problems of one annotation, and who is in it.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Findings {
    /// What is wrong, that with the Pod as a whole first.
    pub problems: Vec<Problem>,
    endpoints: Vec<Endpoint>,
}

/// A record that names an endpoint.
#[derive(Clone, Debug)]
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
    pub fn of_annotation(annotation: &Annotation, value: &str) -> Self {
        let mut findings = Self::default();
        findings.records(&Subject::default(), annotation, value);
        findings
    }

    /// Of a Pod; `annotation` is what could be decoded of it. One that was deleted has no endpoints.
    pub fn of_pod(pasted: &PastedPod<'_>, annotation: &Annotation) -> Self {
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

    fn records(&mut self, subject: &Subject<'_>, annotation: &Annotation, value: &str) {
        let endpoints = &mut self.endpoints;
        subject.lint_records(annotation, &mut self.problems, |at, entry| {
            endpoints.push(Endpoint::of(at, entry));
        });
        place(&mut self.problems, annotation, value);
    }

    /// Adds what is wrong between Pods: consumers that find no provider.
    pub fn compare<'a>(all: impl IntoIterator<Item = &'a mut Self>) {
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
}

/// The providers of an interface, of all in the order of their services.
fn of_interface<'a, 'b>(providers: &'a [&'b Endpoint], interface: &str) -> &'a [&'b Endpoint] {
    let start = providers.partition_point(|it| *it.service.interface < *interface);
    let rest = providers.get(start..).unwrap_or_default();
    let end = rest.partition_point(|it| it.service.interface == interface);
    rest.get(..end).unwrap_or_default()
}

impl PastedError {
    /// The problem that the text as a whole has.
    pub fn problem(&self, format: Format) -> Problem {
        let code = match format {
            Format::Printed => Code::SourcePrinted,
            _ if self.refused => Code::SourceRefused,
            _ => Code::SourceSyntax,
        };
        let problem = Problem::new(code).because(self.detail.clone());
        match &self.run {
            Some(run) => problem.because(Detail::Run(run.clone())),
            None => problem,
        }
    }
}

impl Other {
    /// That they are no Pods, and how many there are.
    pub fn problem(&self) -> Problem {
        let problem = Problem::new(Code::NotAPod).about(&self.kind);
        if self.count > 1 { problem.about(format_args!("× {}", self.count)) } else { problem }
    }
}
