//! `list --why`: whom the consumers of a Pod would call and with which share, and for each other provider of the
//! interface the one reason. It judges no pair itself; the codec's relations do.

use std::io::{self, Write};

use dubbo_k8s_codec::{
    Category, Service, Url, dubbo_go,
    lint::Entry,
    problem::{Code, Language, Problem},
    relation::{self, Consumer, Mismatch, PodState, Provider, Relation, Rules},
};
use dubbo_k8s_engine::catalog::{Catalog, Endpoint, Holder, ServiceEntry};
use serde::Serialize;

use super::{
    findings,
    listing::address,
    plain::{plain, width},
    terminal::{DIM, GOOD, HEADING},
};

/// What the consumers of a Pod do. Serialises as `{"consumers":[…]}`.
#[derive(Debug, Serialize)]
pub(super) struct Why {
    consumers: Vec<Answer>,
}

/// One consumer, and each provider of its interface.
#[derive(Debug, Serialize)]
struct Answer {
    namespace: String,
    pod: String,
    service: String,
    /// Why it calls none of them, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Found>,
    providers: Vec<Pair>,
}

/// A problem in its stable code and in words.
#[derive(Debug, PartialEq, Serialize)]
struct Found {
    code: &'static str,
    message: String,
    #[serde(skip)]
    problem: Problem,
}

/// A provider and what the consumer does with it: its share of the calls, or why it gets none.
#[derive(Debug, PartialEq, Serialize)]
struct Pair {
    namespace: String,
    pod: String,
    address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    share: Option<f64>,
    #[serde(flatten)]
    never: Option<Mismatch>,
}

impl Why {
    /// What the consumers of this Pod, `[namespace/]pod`, do at this time; of all Pods whose names begin with it and a
    /// hyphen, as those of a Deployment do, where no Pod has the name itself.
    pub(super) fn of(catalog: &Catalog, wanted: &str, now_ms: u64) -> Self {
        let services: Vec<ServiceEntry> = catalog.listed_services_of(|_| true).collect();
        let (namespace, name) = wanted.rsplit_once('/').unwrap_or(("", wanted));
        let exact = Self::of_pods(&services, namespace, now_ms, |pod| pod == name);
        if !exact.is_empty() {
            return exact;
        }
        let is_of = |pod: &str| pod.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'));
        Self::of_pods(&services, namespace, now_ms, is_of)
    }

    fn of_pods(
        services: &[ServiceEntry],
        namespace: &str,
        now_ms: u64,
        is_pod: impl Fn(&str) -> bool,
    ) -> Self {
        let is_wanted = |holder: &Holder| {
            (namespace.is_empty() || *holder.namespace == *namespace) && is_pod(&holder.pod)
        };
        let mut consumers = Vec::new();
        for entry in services {
            for endpoint in &entry.consumers {
                let holders = endpoint.holders().filter(|holder| is_wanted(holder));
                consumers.extend(
                    holders.map(|holder| answer(services, entry, endpoint, holder, now_ms)),
                );
            }
        }
        Self { consumers }
    }

    /// Whether the Pod consumes nothing, or is not there.
    pub(super) const fn is_empty(&self) -> bool {
        self.consumers.is_empty()
    }

    /// Whether each of its consumers calls a provider.
    pub(super) fn is_well(&self) -> bool {
        self.consumers.iter().all(|it| it.problem.is_none())
    }

    /// Whether one of its consumers asks for an interface that nothing provides here.
    pub(super) fn lacks_a_provider(&self) -> bool {
        let codes = self.consumers.iter().filter_map(|it| it.problem.as_ref());
        codes.map(|found| found.problem.code).any(|code| code == Code::ConsumerWithoutProvider)
    }

    /// Writes it for people, what several Pods have in common once.
    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut written: Vec<&Answer> = Vec::new();
        for answer in &self.consumers {
            if written.iter().any(|other| other.is_same(answer)) {
                continue;
            }
            if !written.is_empty() {
                writeln!(out)?;
            }
            written.push(answer);
            answer
                .write(out, self.consumers.iter().filter(|other| other.is_same(answer)).count())?;
        }
        Ok(())
    }
}

impl Answer {
    /// Whether the two differ in their Pods only.
    fn is_same(&self, other: &Self) -> bool {
        (&self.namespace, &self.service, &self.problem, &self.providers)
            == (&other.namespace, &other.service, &other.problem, &other.providers)
    }

    fn write(&self, out: &mut dyn Write, pods: usize) -> io::Result<()> {
        let (namespace, pod) = (plain(&self.namespace), plain(&self.pod));
        let others = match pods {
            1 => String::new(),
            _ => format!(" and {} more", pods - 1),
        };
        let service = plain(&self.service);
        write!(out, "{HEADING}{service}{HEADING:#}  ")?;
        writeln!(out, "{DIM}consumed by {namespace}/{pod}{others}{DIM:#}")?;
        if let Some(found) = &self.problem {
            findings::write(out, &found.problem, "  ", Language::English)?;
        }
        let widest = |text: fn(&Pair) -> String| {
            self.providers.iter().map(|pair| width(&text(pair))).max().unwrap_or_default()
        };
        let widths = [widest(Pair::host), widest(Pair::place)];
        // Those that are called first.
        let (called, others): (Vec<_>, Vec<_>) =
            self.providers.iter().partition(|pair| pair.share.is_some());
        called.iter().chain(&others).try_for_each(|pair| pair.write(out, widths))
    }
}

impl Pair {
    fn host(&self) -> String {
        plain(&self.address).into_owned()
    }

    fn place(&self) -> String {
        format!("{}/{}", plain(&self.namespace), plain(&self.pod))
    }

    fn write(&self, out: &mut dyn Write, widths: [usize; 2]) -> io::Result<()> {
        match &self.share {
            Some(share) => write!(out, "  {GOOD}{:>6.1} %{GOOD:#}", share * 100.0)?,
            None => write!(out, "  {DIM}{:>8}{DIM:#}", "never")?,
        }
        let (host, place) = (self.host(), self.place());
        let [host_gap, place_gap] = [(&host, widths[0]), (&place, widths[1])]
            .map(|(text, widest)| " ".repeat(widest.saturating_sub(width(text))));
        write!(out, "  {host}{host_gap}  {place}")?;
        match &self.never {
            Some(never) => writeln!(out, "{place_gap}  {}", plain(&never.text(Language::English))),
            None => writeln!(out),
        }
    }
}

fn answer(
    services: &[ServiceEntry],
    entry: &ServiceEntry,
    endpoint: &Endpoint,
    holder: &Holder,
    now_ms: u64,
) -> Answer {
    let rules = Rules::dubbo_go(now_ms);
    let record = record(&entry.service, Category::Consumers, endpoint.url());
    let consumer = Consumer::of(&record, &*holder.namespace);
    let of_interface = services.iter().filter(|it| it.service.interface == entry.service.interface);
    let each = of_interface.flat_map(|it| it.providers.iter().map(move |of| (it, of)));
    let each = each.flat_map(|(it, of)| of.holders().map(move |holder| (it, of, holder)));
    let (mut providers, mut pairs) = (Vec::new(), Vec::new());
    for (it, of, holder) in each {
        providers.push(provider(it, of, holder));
        pairs.push(Pair {
            namespace: holder.namespace.to_string(),
            pod: holder.pod.to_string(),
            address: address(of.url()),
            share: None,
            never: None,
        });
    }
    let relations = relation::relations(&consumer, &providers, rules);
    let total: u64 = relations.iter().map(Relation::weight).sum();
    for (pair, relation) in pairs.iter_mut().zip(relations) {
        match relation {
            Relation::Calls(weight) => pair.share = Some(portion(weight, total)),
            Relation::Never(mismatch) => pair.never = Some(mismatch),
        }
    }
    let problem = relation::lint(&consumer, &providers, rules);
    Answer {
        namespace: holder.namespace.to_string(),
        pod: holder.pod.to_string(),
        service: entry.service.to_string(),
        problem: problem.as_ref().map(Found::of),
        providers: pairs,
    }
}

impl Found {
    fn of(problem: &Problem) -> Self {
        let message = problem.message(Language::English);
        Self { code: problem.code.as_str(), message, problem: problem.clone() }
    }
}

/// The part of all, in ten thousandths at the finest.
#[expect(clippy::cast_precision_loss, reason = "at most ten thousand")]
fn portion(weight: u64, total: u64) -> f64 {
    (weight.saturating_mul(10_000) / total.max(1)) as f64 / 10_000.0
}

fn record<'a>(service: &'a Service<'_>, category: Category, url: &Url<'static>) -> Entry<'a> {
    Entry::new((&*service.interface).into(), category, url.clone())
}

fn provider(entry: &ServiceEntry, endpoint: &Endpoint, holder: &Holder) -> Provider<'static> {
    let mut pod = PodState::default();
    pod.namespace = holder.namespace.to_string().into();
    let of = record(&entry.service, Category::Providers, endpoint.url());
    let mut provider = Provider::of(&of, pod);
    provider.believed = endpoint.is_trusted();
    provider.refused = dubbo_go::refusal(endpoint.url().as_str(), Category::Providers).is_some();
    provider
}

#[cfg(test)]
mod tests {
    use dubbo_k8s_codec::{Key, Pod, Record, encode};
    use dubbo_k8s_engine::catalog::{Changes, Liveness};
    use serde_json::json;

    use super::*;

    fn observe(catalog: &mut Catalog, name: &str, ip: &str, category: Category, url: &str) {
        let key = Key::leaf("a.B", category, url).to_string();
        let text = json!({"metadata": {"namespace": "n", "name": name, "uid": name,
            "labels": {"dubbo.io/label": "dubbo.io-value"},
            "annotations": {"dubbo.io/annotation": encode([Record::new(&key)])}},
            "status": {"podIPs": [{"ip": ip}]}})
        .to_string();
        let pod = Pod::parse(text.as_bytes()).unwrap();
        catalog.observe(&pod, &mut Changes::default());
    }

    #[test]
    fn each_provider_has_its_share_or_the_reason_why_it_gets_none() {
        let mut catalog = Catalog::new(Liveness::default());
        let mut provide = |name: &str, ip: &str, more: &str| {
            let url = format!("dubbo://{ip}:1/a.B?{more}");
            observe(&mut catalog, name, ip, Category::Providers, &url);
        };
        provide("p", "10.0.0.1", "weight=300");
        provide("q", "10.0.0.2", "");
        provide("r", "10.0.0.3", "version=2");
        observe(&mut catalog, "c", "10.0.0.9", Category::Consumers, "consumer://10.0.0.9/a.B");
        let why = Why::of(&catalog, "n/c", 0);
        assert!(why.is_well() && !why.is_empty());
        let mut text = Vec::new();
        why.write(&mut text).unwrap();
        let text = anstream::adapter::strip_bytes(&text).into_vec();
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "a.B  consumed by n/c\n    75.0 %  10.0.0.1:1  n/p\n    25.0 %  10.0.0.2:1  n/q\n     never  10.0.0.3:1  n/r  other version: none ≠ 2\n"
        );
        let json = serde_json::to_value(&why).unwrap();
        let third = &json["consumers"][0]["providers"][2];
        assert_eq!((&third["obstacle"], &third["found"]), (&json!("version"), &json!("2")));
        assert!(Why::of(&catalog, "another", 0).is_empty());
    }

    #[test]
    fn pods_of_a_deployment_are_found_by_its_name_and_written_once_where_they_do_the_same() {
        let mut catalog = Catalog::new(Liveness::default());
        observe(&mut catalog, "p", "10.0.0.1", Category::Providers, "dubbo://10.0.0.1:1/a.B");
        for (name, host, more) in
            [("c-1", 7, ""), ("c-2", 8, ""), ("c-3", 9, "?version=2"), ("cc", 10, "")]
        {
            let (ip, url) =
                (format!("10.0.0.{host}"), format!("consumer://10.0.0.{host}/a.B{more}"));
            observe(&mut catalog, name, &ip, Category::Consumers, &url);
        }
        let why = Why::of(&catalog, "c", 0);
        assert_eq!(why.consumers.len(), 3);
        let mut text = Vec::new();
        why.write(&mut text).unwrap();
        let text = String::from_utf8(anstream::adapter::strip_bytes(&text).into_vec()).unwrap();
        assert!(
            text.contains("a.B  consumed by n/c-1 and 1 more\n   100.0 %  10.0.0.1:1  n/p\n\n"),
            "{text}"
        );
        assert!(
            text.contains("a.B:2  consumed by n/c-3\n  error[group-or-version-mismatch]: "),
            "{text}"
        );
        assert_eq!(
            Why::of(&catalog, "n/c-2", 0).consumers.len(),
            1,
            "a Pod's own name comes first"
        );
    }

    #[test]
    fn consumer_without_a_provider_has_the_problem_of_the_inspector() {
        let mut catalog = Catalog::new(Liveness::default());
        observe(&mut catalog, "c", "10.0.0.9", Category::Consumers, "consumer://10.0.0.9/a.B");
        let why = Why::of(&catalog, "c", 0);
        assert!(!why.is_well());
        let json = serde_json::to_value(&why).unwrap();
        assert_eq!(json["consumers"][0]["problem"]["code"], "consumer-without-provider");
    }
}
