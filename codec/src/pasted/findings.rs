//! What is wrong with the Pods of a text, one by one and between them: the answer of `decode`, of the library for
//! JavaScript and of the component.
//!
//! It judges nothing itself: the codec's lint and relations do.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{Change, Format, Other, PastedError, PastedPod};
use crate::code::Code;
use crate::lint::{Entry, Subject, place};
use crate::problem::{Detail, Problem};
use crate::relation::{self, Consumer, PodState, Provider, Rules};
use crate::{Annotation, Category, DecodeError};

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

/// A record that names an endpoint that calls, or may be called.
#[derive(Clone, Debug)]
struct Endpoint {
    record: usize,
    of: Party,
}

#[derive(Clone, Debug)]
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
    pub fn compare<'a>(all: impl IntoIterator<Item = &'a mut Self>) {
        let mut all: Vec<_> = all.into_iter().collect();
        if all.len() < 2 {
            return; // one Pod is not a registry: its providers may be anywhere
        }
        let endpoints = || {
            let all = all.iter().enumerate();
            all.flat_map(|(pod, one)| one.endpoints.iter().map(move |it| (pod, it)))
        };
        let mut providers = BTreeMap::<&str, Vec<&Provider<'_>>>::new();
        for (_, endpoint) in endpoints() {
            if let Party::Provider(provider) = &endpoint.of {
                providers.entry(&provider.service.interface).or_default().push(provider);
            }
        }
        for of_interface in providers.values_mut() {
            of_interface.sort_by(|one, other| one.service.cmp(&other.service));
        }
        let lonely = endpoints().filter_map(|(pod, it)| {
            let Party::Consumer(consumer) = &it.of else { return None };
            let provided = providers.get(&*consumer.service.interface);
            let provided = provided.into_iter().flatten().copied();
            let problem = relation::lint(consumer, provided, Rules::dubbo_go(0))?;
            Some((pod, problem.in_record(it.record)))
        });
        for (pod, problem) in lonely.collect::<Vec<_>>() {
            if let Some(one) = all.get_mut(pod) {
                one.problems.push(problem);
            }
        }
    }
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
