//! The Pods of a document or of a live registry, their records, and the services they add up to.
//!
//! It changes Pod by Pod, so that a live registry costs what changes in it, and what follows from
//! all of them together (who provides, who finds no provider) is worked out once before it is shown.

mod calls;
mod reading;

use std::collections::BTreeMap;

use dubbo_k8s_codec::lint::{Entry, Subject, place};
use dubbo_k8s_codec::problem::{Code, Problem, Severity};
use dubbo_k8s_codec::trust::Distrust;
use dubbo_k8s_codec::{Annotation, Category, DecodeError, Service, dubbo_go};

pub use self::calls::{Call, Calls};
use self::reading::Reading;
pub use self::reading::Traits;
use crate::editing::Edits;
use crate::pod::{Change, PodText};
use crate::rows::search::Found;
use crate::verdict::Verdict;

/// A Pod with what follows from its own text.
#[derive(Debug)]
pub struct Pod {
    /// What was read.
    pub text: PodText,
    /// What was changed here since.
    pub edits: Option<Edits>,
    /// How many records its annotation has; none if it is refused or missing.
    pub records: Option<usize>,
    /// The records that name an endpoint.
    pub endpoints: Vec<Endpoint>,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
    /// What a live registry reports of it: what it does not believe, and what is wrong with an annotation that it does
    /// not send.
    pub reported: Vec<Problem>,
    /// A live registry does not have it any more: it is not shown.
    pub over: bool,
    /// What dubbo-go would do with it.
    pub verdict: Verdict,
}

impl Pod {
    fn new(text: PodText) -> Self {
        Self {
            text,
            edits: None,
            records: None,
            endpoints: Vec::new(),
            problems: Vec::new(),
            reported: Vec::new(),
            over: false,
            verdict: Verdict::default(),
        }
    }

    /// Whether it is gone: by the last event of a watch, or of a live registry.
    pub fn is_gone(&self) -> bool {
        self.over || self.text.change == Some(Change::Deleted)
    }

    /// Whether something else than its annotation says that it is refused.
    fn is_reported(&self) -> bool {
        self.text.error.is_some() || !self.reported.is_empty()
    }

    /// Whether dubbo-go finds nothing of what it registers.
    pub fn is_unread(&self) -> bool {
        matches!(self.verdict, Verdict::Refused | Verdict::NotSelected)
    }

    /// The place of a record among the endpoints.
    pub fn place_of(&self, record: usize) -> Option<u32> {
        let found = self.endpoints.iter().position(|it| it.record as usize == record);
        found.map(index)
    }

    /// Whether it differs from what was read.
    pub fn is_edited(&self) -> bool {
        self.edits.as_ref().is_some_and(Edits::is_changed)
    }
}

/// A record that names an endpoint.
#[derive(Debug)]
pub struct Endpoint {
    /// Which record of the Pod.
    pub record: u32,
    /// Which service.
    pub service: u32,
    /// Provider, consumer or a rule.
    pub category: Category,
    /// The worst problem of the record.
    pub severity: Option<Severity>,
    /// When it came to a live registry; zero if it was there before.
    pub since: u64,
    /// Host and port.
    pub address: Box<str>,
    /// What it has in common with others, by its place among the model's.
    pub traits: u32,
    /// The weight of a provider when it is warm.
    pub weight: u32,
    /// When it was registered, in milliseconds since the epoch; zero if unknown.
    pub registered_ms: u64,
    /// Its address is its Pod's.
    pub believed: bool,
    /// dubbo-go refuses its URL.
    pub refused: bool,
    /// The same record stands before it in its Pod, and counts alone.
    pub repeated: bool,
    /// Everything that a search looks at, in lower case.
    pub haystack: Box<str>,
    /// Whether the last search has found it.
    pub found: Found,
}

/// A service and who is in it.
#[derive(Debug)]
pub struct ServiceNode {
    /// What it is.
    pub service: Service<'static>,
    /// Its endpoints as (Pod, place among the Pod's endpoints), by category.
    pub members: [Vec<(u32, u32)>; 4],
    /// The kinds of consumers that find no provider, the worst first.
    pub lonely: Vec<Lonely>,
}

/// Consumers of a kind that find no provider.
#[derive(Debug)]
pub struct Lonely {
    traits: u32,
    namespace: Box<str>,
    /// Why.
    pub problem: Problem,
    /// One of them: its Pod, and its place among the Pod's endpoints.
    pub member: (u32, u32),
}

impl ServiceNode {
    /// Its endpoints of one category.
    pub fn of(&self, category: Category) -> &[(u32, u32)] {
        self.members.get(category as usize).map_or(&[], Vec::as_slice)
    }

    fn is_empty(&self) -> bool {
        self.members.iter().all(Vec::is_empty)
    }
}

/// An endpoint that has just gone, shown for a moment longer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Departed {
    /// The service that it was in.
    pub service: u32,
    /// What it was.
    pub category: Category,
    /// Its address.
    pub address: String,
    /// The Pod that it was in.
    pub pod: String,
    /// When it went, in milliseconds.
    pub time: u64,
}

/// The categories in the order in which they are shown.
pub const SHOWN: [Category; 4] =
    [Category::Providers, Category::Consumers, Category::Configurators, Category::Routers];

/// All Pods and services.
#[derive(Debug, Default)]
pub struct Model {
    /// The Pods, in the order of the text.
    pub pods: Vec<Pod>,
    /// The services, in the order in which they were first met.
    pub services: Vec<ServiceNode>,
    /// By their names, in order: see [`order`].
    by_name: BTreeMap<String, u32>,
    /// What endpoints have in common, each once.
    pub traits: Vec<Traits>,
    by_traits: BTreeMap<String, u32>,
    /// Services whose members have changed since they were last compared.
    changed: Vec<u32>,
    /// Whether there was more than one Pod then.
    several: bool,
    /// What has just gone in a live registry.
    pub departed: Vec<Departed>,
    /// The time of a live registry in milliseconds, so that what is new can be marked; else zero.
    pub tick: u64,
}

impl Model {
    /// Adds a Pod; `source` is the text that it stands in.
    pub fn push(&mut self, text: PodText, source: &str) {
        self.pods.push(Pod::new(text));
        let at = self.pods.len() - 1;
        self.read(at, source);
    }

    /// Puts another Pod in the place of one that is over.
    pub fn replace(&mut self, at: usize, text: PodText) {
        self.take_endpoints(at);
        if let Some(pod) = self.pods.get_mut(at) {
            *pod = Pod::new(text);
        }
    }

    /// The annotation of a Pod as it is now, edits included.
    pub fn value<'a>(&'a self, pod: usize, source: &'a str) -> Option<&'a str> {
        let pod = self.pods.get(pod)?;
        match &pod.edits {
            Some(edits) => Some(edits.value()),
            None => pod.text.value(source),
        }
    }

    /// Reads the annotation of a Pod again; gives the endpoints that it had before.
    pub fn read(&mut self, at: usize, source: &str) -> Vec<Endpoint> {
        let before = self.take_endpoints(at);
        let Some(pod) = self.pods.get(at) else { return before };
        let value = self.value(at, source);
        let mut problems: Vec<Problem> = of_object(&pod.text).into_iter().collect();
        let addresses = pod.text.addresses();
        let gone = pod.text.change == Some(Change::Deleted);
        let mut subject = subject(&pod.text, &addresses, value);
        subject.annotated |= !pod.reported.is_empty();
        if !pod.text.is_bare() && pod.text.error.is_none() {
            subject.lint(&mut problems);
        }
        if pod.text.repeated {
            problems.push(Problem::new(Code::PodTwice));
        }
        problems.extend(pod.text.of_java.then(|| Problem::new(Code::JavaMetadata)));
        let mut endpoints = Vec::new();
        let annotation = match value.map(Annotation::decode) {
            _ if pod.text.error.is_some() => None,
            None => {
                problems.extend(pod.reported.iter().cloned());
                None
            }
            Some(Err(error)) => {
                problems.push(Problem::from(&error));
                None
            }
            Some(Ok(annotation)) => {
                let mut reading = Reading {
                    subject: &subject,
                    endpoints: &mut endpoints,
                    services: &mut self.services,
                    by_name: &mut self.by_name,
                    traits: &mut self.traits,
                    by_traits: &mut self.by_traits,
                    before: &before,
                    tick: self.tick,
                };
                subject.lint_records(&annotation, &mut problems, |at, entry| {
                    reading.endpoint(at, entry);
                });
                Some(annotation)
            }
        };
        if let (Some(annotation), Some(value), Some(pod)) =
            (&annotation, self.value(at, source), self.pods.get(at))
        {
            place(&mut problems, annotation, value);
            problems.extend(pod.reported.iter().filter_map(|it| disbelief(it, annotation, value)));
        }
        let readable = match (&annotation, self.value(at, source)) {
            (Some(annotation), _) => Some(dubbo_go::reads(annotation)),
            (None, Some(_)) => Some(false),
            (None, None) => self.pods.get(at).filter(|pod| pod.is_reported()).map(|pod| {
                let is_refusal = |problem: &Problem| matches!(problem.code, Code::Refused(_));
                pod.text.error.is_none() && !pod.reported.iter().any(is_refusal)
            }),
        };
        let records = annotation.map(|annotation| annotation.records().len());
        let Some(pod) = self.pods.get_mut(at) else { return before };
        pod.verdict = if pod.over { Verdict::Gone } else { Verdict::judge(&pod.text, readable) };
        if gone {
            endpoints.clear();
        }
        for (place, endpoint) in endpoints.iter_mut().enumerate() {
            let of_record = |problem: &&Problem| problem.record == Some(endpoint.record as usize);
            for problem in problems.iter().filter(of_record) {
                endpoint.severity = endpoint.severity.max(Some(problem.code.severity()));
                endpoint.believed &=
                    !matches!(problem.code, Code::AddressNotPod | Code::NotOwner | Code::OverQuota);
                endpoint.refused |= problem.code == Code::DubboGoRefusesUrl;
                endpoint.repeated |= problem.code == Code::DuplicateRecord;
            }
            self.changed.push(endpoint.service);
            if let Some(node) = self.services.get_mut(endpoint.service as usize)
                && let Some(members) = node.members.get_mut(endpoint.category as usize)
            {
                // In the order of the Pods, so that a Pod that changes stays where it is shown.
                let member = (index(at), index(place));
                members.insert(members.partition_point(|known| *known < member), member);
            }
        }
        (pod.records, pod.endpoints, pod.problems) = (records, endpoints, problems);
        before
    }

    /// Takes a Pod's endpoints out of their services; gives since when each was there.
    fn take_endpoints(&mut self, at: usize) -> Vec<Endpoint> {
        let Some(pod) = self.pods.get_mut(at) else { return Vec::new() };
        let old = std::mem::take(&mut pod.endpoints);
        for endpoint in &old {
            self.changed.push(endpoint.service);
            if let Some(node) = self.services.get_mut(endpoint.service as usize) {
                node.members.iter_mut().for_each(|all| all.retain(|(pod, _)| *pod != index(at)));
            }
        }
        old
    }

    /// Remembers which of the endpoints that a Pod had before have gone, and forgets those that went long ago.
    pub fn departed(&mut self, pod: usize, before: &[Endpoint], time: u64) {
        let Some(of) = self.pods.get(pod) else { return };
        let name = format!("{}/{}", of.text.namespace, of.text.name);
        let stays = |it: &&Endpoint| of.endpoints.iter().all(|now| now.haystack != it.haystack);
        for endpoint in before.iter().take(SAME).filter(stays) {
            if self.departed.len() == DEPARTED_SHOWN {
                break;
            }
            self.departed.push(Departed {
                service: endpoint.service,
                category: endpoint.category,
                address: endpoint.address.to_string(),
                pod: name.clone(),
                time,
            });
        }
    }

    /// The services that have members, in the order of their names.
    pub fn sorted(&self) -> impl Iterator<Item = u32> {
        let used =
            |id: &&u32| self.services.get(**id as usize).is_some_and(|node| !node.is_empty());
        self.by_name.values().filter(used).copied()
    }

    /// The worst problem of a Pod.
    pub fn severity(&self, pod: usize) -> Option<Severity> {
        let problems = self.pods.get(pod)?.problems.iter();
        problems.map(|problem| problem.code.severity()).max()
    }

    /// Whether nothing of this Pod is shown among the services.
    pub fn is_unread(&self, pod: usize) -> bool {
        self.pods.get(pod).is_some_and(|pod| {
            pod.records.is_none() && pod.problems.iter().any(|p| matches!(p.code, Code::Refused(_)))
        })
    }
}

/// Why a registry does not read the object at all.
fn of_object(text: &PodText) -> Option<Problem> {
    let mut problem = Problem::from(&DecodeError::from(text.error.as_ref()?));
    // Its place is one in the object, and not in the annotation.
    problem.offset = None;
    Some(problem)
}

/// That a live registry does not believe a record, by its own settings; what else it reports of an annotation is found
/// in that as well.
fn disbelief(reported: &Problem, annotation: &Annotation, value: &str) -> Option<Problem> {
    let code = reported.code;
    let is_of_trust = Distrust::ALL.iter().any(|distrust| distrust.code() == code);
    let offset = reported.offset.filter(|_| is_of_trust)?;
    // The last record that begins before it: places are found by looking at all of the annotation.
    let (mut first, mut end) = (0, annotation.records().len());
    while first < end {
        let middle = first.midpoint(end);
        if annotation.place_in_key(value, middle, 0).0 <= offset {
            first = middle + 1;
        } else {
            end = middle;
        }
    }
    Some(reported.clone().in_record(first.saturating_sub(1)))
}

/// So many endpoints of a Pod are recognised when it changes; what a Pod really has is far less.
const SAME: usize = 500;

/// So many that have just gone are shown at once.
const DEPARTED_SHOWN: usize = 200;

/// Host and port of an endpoint, as one reads them.
pub fn address(entry: &Entry<'_>) -> String {
    let host = entry.url.host();
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    match entry.url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host,
    }
}

/// The Pod as lint looks at it, with `value` as its annotation.
pub fn subject<'a>(
    text: &'a PodText,
    addresses: &'a [&'a str],
    value: Option<&str>,
) -> Subject<'a> {
    Subject {
        namespace: &text.namespace,
        name: &text.name,
        label: text.label.as_deref(),
        annotated: value.is_some(),
        phase: text.phase.as_deref(),
        deleting: text.deleting,
        ready: text.ready,
        addresses,
        annotation_bytes: text.annotation_bytes(value),
    }
}

/// A text that sorts as services do: by interface, then group, then version. One map of texts to
/// numbers serves the whole page, because every other one would be code that people wait for.
fn order(service: &Service<'_>) -> String {
    let (group, version) = (service.group().unwrap_or(""), service.version().unwrap_or(""));
    let mut order = String::from(&*service.interface);
    for part in [group, version] {
        order.push('\0');
        order.push_str(part);
    }
    order
}

/// An index as it is kept; there are never more than 2^32 of anything in a text of bounded size.
pub fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
