//! Finds what is wrong with a Pod's registration beyond its encoding: in one Pod and in one record. What is wrong
//! between Pods is said by [`relation`](crate::relation).
//!
//! It judges only what it is given; it never decides what is shown. Every sentence about a problem
//! is in [`problem`](crate::problem).

use alloc::borrow::Cow;
use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::OnceCell;
use core::net::IpAddr;

use crate::code::Code;
use crate::dubbo_go::{self, Finding, Identity};
use crate::facts::Facts;
use crate::kubernetes::{ANNOTATIONS_LIMIT, LABEL_VALUES, is_label, is_name};
use crate::problem::Problem;
use crate::trust::{self, Claim, Distrust, MAX_WEIGHT, Registrant, Trust};
use crate::{Annotation, Category, Key, Param, Record, Service, Url};

/// A Pod, as far as lint looks at it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Subject<'a> {
    /// Empty if unknown.
    pub namespace: &'a str,
    /// Empty if unknown.
    pub name: &'a str,
    /// The value of `dubbo.io/label`.
    pub label: Option<&'a str>,
    /// Whether the Pod has the annotation.
    pub annotated: bool,
    /// `Running` and the like.
    pub phase: Option<&'a str>,
    /// It has a deletionTimestamp.
    pub deleting: bool,
    /// The Ready condition.
    pub ready: Option<bool>,
    /// The Pod's own addresses; none if unknown.
    pub addresses: &'a [&'a str],
    /// Bytes of all annotations, names and values.
    pub annotation_bytes: usize,
}

impl Subject<'_> {
    /// The problems of the Pod as a whole.
    pub fn lint(&self, problems: &mut Vec<Problem>) {
        for (name, valid) in
            [(self.namespace, is_label(self.namespace)), (self.name, is_name(self.name))]
        {
            if !name.is_empty() && !valid {
                problems.push(Problem::new(Code::NameInvalid).about(name));
            }
        }
        match self.label {
            None if self.annotated => problems.push(Problem::new(Code::LabelMissing)),
            Some(label) if !LABEL_VALUES.contains(&label) => {
                problems.push(Problem::new(Code::LabelUnknown).about(label));
            }
            Some(_) if !self.annotated => problems.push(Problem::new(Code::AnnotationMissing)),
            _ => {}
        }
        let code = match self.annotation_bytes {
            bytes if bytes > ANNOTATIONS_LIMIT => Code::AnnotationsTooLarge,
            bytes if bytes > ANNOTATIONS_LIMIT / 10 * 9 => Code::AnnotationsNearLimit,
            _ => return,
        };
        problems.push(Problem::new(code).about(self.annotation_bytes));
    }

    /// The problems of an annotation and of every record in it; those of one record come in the order
    /// of the records. `endpoint` is called with every record that names one, and its place.
    pub fn lint_records<'r>(
        &self,
        annotation: &'r Annotation,
        problems: &mut Vec<Problem>,
        mut endpoint: impl FnMut(usize, &Entry<'r>),
    ) {
        problems.extend(annotation.warnings().iter().map(Problem::from));
        problems.extend(duplicates(annotation.records()));
        for (at, record) in annotation.records().enumerate() {
            let in_record = |problem: Problem| problem.in_record(at);
            match Entry::read(record) {
                Err(problem) => {
                    let found = dubbo_go::problems(record.key, None);
                    problems.extend(found.into_iter().chain([problem]).map(in_record));
                }
                Ok(None) => {}
                Ok(Some(entry)) => {
                    problems.extend(entry.of_dubbo_go(record.key).into_iter().map(in_record));
                    entry.lint(self, at, problems);
                    endpoint(at, &entry);
                }
            }
        }
    }

    fn lint_provider(&self, facts: &Facts<'_>, add: &mut impl FnMut(Problem)) {
        if self.deleting {
            add(Problem::new(Code::ProviderTerminating));
        } else if let Some(phase @ ("Succeeded" | "Failed")) = self.phase {
            add(Problem::new(Code::ProviderEnded).about(phase));
        } else if self.ready == Some(false) {
            add(Problem::new(Code::ProviderNotReady));
        }
        if !facts.is_enabled() || facts.weight() == 0 {
            add(Problem::new(Code::ProviderDisabled));
        }
    }

    /// Whether a registry with the default [`Trust`] believes it, if the addresses of the Pod are known.
    fn lint_trust(&self, entry: &Entry<'_>, add: &mut impl FnMut(Problem)) {
        if self.addresses.is_empty() {
            return;
        }
        let ips: Vec<IpAddr> = self.addresses.iter().filter_map(|ip| ip.parse().ok()).collect();
        let claim =
            Claim { interface: &entry.interface, category: entry.category, url: &entry.url };
        let pod = Registrant { namespace: self.namespace, ips: Some(&ips) };
        match Trust::new().judge(&claim, &pod).map_err(|unbelieved| unbelieved.distrust) {
            Err(Distrust::AddressNotPod) => {
                let problem = Problem::new(Code::AddressNotPod).about(entry.url.host());
                add(self.addresses.iter().fold(problem, Problem::about));
            }
            Err(other) => add(Problem::new(other.code())),
            Ok(()) => {}
        }
    }
}

/// The parameters that decide which share of the calls a provider gets.
const NUMBERS: [&str; 3] = ["weight", "warmup", "timestamp"];

/// A record that names an endpoint: its key and its URL, taken apart.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// The interface, by which it is found.
    pub interface: Cow<'a, str>,
    /// Provider, consumer, or a rule.
    pub category: Category,
    /// The URL.
    pub url: Url<'a>,
    /// Of a provider, once it is asked for: what dubbo-go knows it by, or why it refuses the URL.
    dubbo_go: OnceCell<Result<Arc<Identity>, Finding>>,
}

impl<'a> Entry<'a> {
    /// Of what a record says.
    pub const fn new(interface: Cow<'a, str>, category: Category, url: Url<'a>) -> Self {
        Self { interface, category, url, dubbo_go: OnceCell::new() }
    }

    /// Takes a record apart; a directory names no endpoint.
    ///
    /// # Errors
    /// [`Problem`] for a key or a URL that cannot be read.
    pub fn read(record: Record<'a>) -> Result<Option<Self>, Problem> {
        let key = Key::parse(record.key)
            .map_err(|error| Problem::new(Code::KeyMalformed).because(&error))?;
        let (Some(interface), Some(category), Some(url)) = (key.interface, key.category, key.url)
        else {
            return Ok(None);
        };
        let url =
            Url::parse(url).map_err(|error| Problem::new(Code::UrlMalformed).because(&error))?;
        Ok(Some(Self::new(interface, category, url)))
    }

    /// The service: the key's interface with the URL's group and version.
    pub fn service(&self) -> Service<'_> {
        Service { interface: Cow::Borrowed(&*self.interface), ..self.url.service() }
    }

    /// The problems of this record alone and in its Pod.
    pub fn lint(&self, subject: &Subject<'_>, record: usize, problems: &mut Vec<Problem>) {
        let mut add = |problem: Problem| problems.push(problem.in_record(record));
        let (mut facts, mut twice, mut no_numbers) = (Facts::default(), Vec::new(), Vec::new());
        let mut overweight = false;
        for param in self.url.params() {
            facts.add(param);
            overweight |= trust::is_over(&param, MAX_WEIGHT);
            if is_double_encoded(&param) {
                twice.push(param);
            }
            if NUMBERS.iter().any(|name| param.is(name)) && !is_number(&param.value()) {
                no_numbers.push(param);
            }
        }
        if let Some(interface) = facts.interface.map(|it| it.value())
            && interface != self.interface
        {
            let problem = Problem::new(Code::InterfaceMismatch);
            add(problem.about(&self.interface).about(interface));
        }
        if let Some(category) = facts.category.map(|it| it.value())
            && category.split(',').all(|name| name != self.category.as_str())
        {
            add(Problem::new(Code::CategoryMismatch).about(self.category).about(category));
        }
        if !twice.is_empty() {
            let problem = Problem::new(Code::DoubleEncoded);
            add(twice.iter().fold(problem, |it, param| it.about(param.name())));
        }
        for param in no_numbers {
            let text = [&*param.name(), "=", &*param.value()].concat();
            add(Problem::new(Code::NotANumber).about(text));
        }
        if self.category == Category::Providers {
            subject.lint_provider(&facts, &mut add);
            if overweight {
                add(Problem::new(Code::WeightOverLimit).about(facts.weight()));
            }
            subject.lint_trust(self, &mut add);
        }
    }

    /// Of a provider: what dubbo-go knows it by.
    ///
    /// # Errors
    /// Why dubbo-go refuses the URL, and where in it.
    pub(crate) fn identity(&self) -> Result<&Arc<Identity>, Finding> {
        let read = || Identity::of_provider(self.url.as_str()).map(Arc::new);
        self.dubbo_go.get_or_init(read).as_ref().map_err(|finding| *finding)
    }

    /// What dubbo-go refuses in it or reads in another way; it stands in this key.
    fn of_dubbo_go(&self, key: &str) -> Vec<Problem> {
        let checked = match self.category {
            Category::Providers => self.identity().map(|_| ()),
            _ => dubbo_go::check(self.url.as_str()),
        };
        dubbo_go::of_read(key, &self.url, self.category, checked)
    }
}

/// Whether the value of a parameter is a number, or says nothing.
fn is_number(value: &str) -> bool {
    value.is_empty() || value.parse::<i64>().is_ok()
}

/// Whether an old dubbo-go escaped the value of this parameter twice.
pub(crate) fn is_double_encoded(param: &Param<'_>) -> bool {
    param.value_escaped() && param.raw_value.contains("%25") && param.value() != param.value_once()
}

/// So many problems of an annotation get their place in it: finding one takes a look at all of it.
const PLACED: usize = 64;

/// Gives the problems inside of keys their places in the annotation, `value`, that they were found in.
pub fn place(problems: &mut [Problem], annotation: &Annotation, value: &str) {
    let inside = problems.iter_mut().filter_map(|problem| {
        let place = (problem.record?, problem.key_offset?);
        Some((problem, place))
    });
    for (problem, (record, key_offset)) in inside.take(PLACED) {
        let (offset, decoded_offset) = annotation.place_in_key(value, record, key_offset);
        (problem.offset, problem.decoded_offset) = (Some(offset), decoded_offset);
    }
}

/// The records that stand in a list more than once, each but the first.
pub fn duplicates<'a>(records: impl IntoIterator<Item = Record<'a>>) -> Vec<Problem> {
    let mut known = BTreeSet::new();
    let again = records.into_iter().enumerate().filter(|(_, record)| !known.insert(*record));
    again.map(|(at, _)| Problem::new(Code::DuplicateRecord).in_record(at)).collect()
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;

    use super::*;
    use crate::query_escape;

    fn key(interface: &str, category: &str, url: &str) -> String {
        format!("/dubbo/{interface}/{category}/{}", query_escape(url))
    }

    fn of_record(subject: &Subject<'_>, key: &str) -> Vec<&'static str> {
        let mut problems = Vec::new();
        match Entry::read(Record::new(key)) {
            Ok(Some(entry)) => entry.lint(subject, 0, &mut problems),
            Ok(None) => {}
            Err(problem) => problems.push(problem),
        }
        problems.iter().map(|problem| problem.code.as_str()).collect()
    }

    fn of_pod(subject: Subject<'_>) -> Vec<&'static str> {
        let mut problems = Vec::new();
        subject.lint(&mut problems);
        problems.iter().map(|problem| problem.code.as_str()).collect()
    }

    #[test]
    fn a_name_that_kubernetes_would_refuse_is_a_problem() {
        assert_eq!(of_pod(Subject { name: "<b>", ..Subject::default() }), ["name-invalid"]);
    }

    #[test]
    fn labels_and_sizes_are_judged() {
        let pod = Subject { annotated: true, label: Some("dubbo.io-value"), ..Subject::default() };
        assert!(of_pod(pod).is_empty());
        assert_eq!(of_pod(Subject { label: None, ..pod }), ["label-missing"]);
        assert_eq!(of_pod(Subject { label: Some("x"), ..pod }), ["label-unknown"]);
        assert_eq!(of_pod(Subject { annotated: false, ..pod }), ["annotation-missing"]);
        assert_eq!(
            of_pod(Subject { annotation_bytes: 240_000, ..pod }),
            ["annotations-near-limit"]
        );
        assert!(of_pod(Subject { annotation_bytes: 230_000, ..pod }).is_empty());
        assert_eq!(of_pod(Subject { annotation_bytes: 262_145, ..pod }), ["annotations-too-large"]);
        assert!(
            !of_pod(Subject { annotation_bytes: 262_144, ..pod })
                .contains(&"annotations-too-large")
        );
    }

    #[test]
    fn a_record_and_its_url_must_agree() {
        let pod = Subject::default();
        let good = key("a.B", "providers", "dubbo://h:1/a.B?interface=a.B&category=providers");
        assert!(of_record(&pod, &good).is_empty());
        assert!(of_record(&pod, "/dubbo/a.B").is_empty());
        let cases = [
            ("a.B".into(), "key-malformed"),
            (key("a.B", "providers", "nonsense"), "url-malformed"),
            (key("a.B", "providers", "dubbo://h:1/a?interface=a.C"), "interface-mismatch"),
            (key("a.B", "consumers", "consumer://h/a?category=providers"), "category-mismatch"),
            (key("a.B", "consumers", "consumer://h/a?m=Get%252CList"), "double-encoded"),
            (key("a.B", "providers", "dubbo://h:1/a?weight=0"), "provider-disabled"),
            (key("a.B", "providers", "dubbo://h:1/a?weight=abc"), "not-a-number"),
            (key("a.B", "providers", "dubbo://h:1/a?warmup=10m"), "not-a-number"),
        ];
        for (key, code) in cases {
            assert_eq!(of_record(&pod, &key), [code], "{key}");
        }
    }

    #[test]
    fn a_provider_is_judged_by_its_pod() {
        let provider = key("a.B", "providers", "dubbo://[fd00:0::1]:1/a.B");
        let pod = Subject { addresses: &["10.0.0.1", "fd00::1"], ..Subject::default() };
        assert!(of_record(&pod, &provider).is_empty());
        let other = Subject { addresses: &["10.0.0.2"], ..pod };
        assert_eq!(of_record(&other, &provider), ["address-not-pod"]);
        assert_eq!(
            of_record(&Subject { deleting: true, ..pod }, &provider),
            ["provider-terminating"]
        );
        assert_eq!(
            of_record(&Subject { phase: Some("Failed"), ..pod }, &provider),
            ["provider-ended"]
        );
        assert_eq!(
            of_record(&Subject { ready: Some(false), ..pod }, &provider),
            ["provider-not-ready"]
        );
        let consumer = key("a.B", "consumers", "consumer://10.9.9.9/a.B");
        assert!(of_record(&other, &consumer).is_empty());
    }

    #[test]
    fn an_annotation_is_judged_with_its_records() {
        let provider = key("a.B", "providers", "dubbo://10.0.0.1:1/a.B?weight=0");
        let value = crate::encode(["/dubbo", "/dubbo", &provider, "nonsense"].map(Record::new));
        let annotation = Annotation::decode(value.trim_end_matches('=')).unwrap();
        let (mut problems, mut endpoints) = (Vec::new(), Vec::new());
        Subject::default().lint_records(&annotation, &mut problems, |at, entry| {
            endpoints.push((at, entry.url.port()));
        });
        let found: Vec<_> = problems.iter().map(|it| (it.code.as_str(), it.record)).collect();
        assert_eq!(
            found,
            [
                ("missing-padding", None),
                ("duplicate-record", Some(1)),
                ("provider-disabled", Some(2)),
                ("key-malformed", Some(3)),
            ]
        );
        assert_eq!(endpoints, [(2, Some(1))]);
    }

    #[test]
    fn duplicates_are_all_but_the_first() {
        let records = ["/a", "/b", "/a", "/a"].map(Record::new);
        let at: Vec<_> = duplicates(records).iter().map(|problem| problem.record).collect();
        assert_eq!(at, [Some(2), Some(3)]);
    }
}
