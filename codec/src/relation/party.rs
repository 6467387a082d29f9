//! What is compared of a consumer, of a provider and of the Pod that it is in.

use alloc::borrow::Cow;
use alloc::sync::Arc;

use super::Rules;
use super::obstacle::Obstacle;
use crate::dubbo_go::{self, Identity};
use crate::facts::{Facts, given};
use crate::kubernetes::LABEL_VALUES;
use crate::lint::{Entry, Subject};
use crate::trust::Trust;
use crate::{Annotation, Param, Service};

/// The time a provider takes to warm up when its URL does not say: Dubbo's own default.
const WARMUP_MS: u64 = 600_000;

/// What a consumer asks for.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Consumer<'a> {
    /// The service; wildcards and group lists are allowed.
    pub service: Service<'a>,
    /// The protocol, where it names one.
    pub protocol: Option<Cow<'a, str>>,
    /// Its own tag.
    pub tag: Option<Cow<'a, str>>,
    /// The namespace of its Pod; empty if unknown.
    pub namespace: Cow<'a, str>,
    /// What dubbo-go compares, if it is one.
    pub dubbo_go: Option<Arc<Identity>>,
}

/// The Pod of a provider, as far as a registry looks at it.
#[derive(Clone, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts about a Pod, each of which may hold or not"
)]
#[non_exhaustive]
pub struct PodState<'a> {
    /// Empty if unknown.
    pub namespace: Cow<'a, str>,
    /// No label that a registry selects.
    pub not_selected: bool,
    /// Its annotation is refused.
    pub refused: bool,
    /// It has ended, or is gone.
    pub ended: bool,
    /// It is being deleted.
    pub deleting: bool,
    /// The Ready condition.
    pub ready: Option<bool>,
}

/// What a provider offers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Provider<'a> {
    /// The service.
    pub service: Service<'a>,
    /// The protocol of its URL.
    pub protocol: Cow<'a, str>,
    /// Others that it speaks on the same port, a comma list.
    pub more_protocols: Option<Cow<'a, str>>,
    /// The category that its URL names, if that does not hold `providers`.
    pub category: Option<Cow<'a, str>>,
    /// The tag that it is reserved for.
    pub tag: Option<Cow<'a, str>>,
    /// Whether it takes part.
    pub enabled: bool,
    /// The weight when warm, as far as it counts.
    pub weight: u32,
    /// When it was registered, in milliseconds since the epoch; zero if unknown.
    pub registered_ms: u64,
    /// How long it takes to warm up, in milliseconds.
    pub warmup_ms: u64,
    /// Whether its address is its Pod's.
    pub believed: bool,
    /// Whether dubbo-go refuses its URL.
    pub refused: bool,
    /// What dubbo-go compares, if it reads the URL.
    pub dubbo_go: Option<Arc<Identity>>,
    /// Its Pod.
    pub pod: PodState<'a>,
}

impl<'a> PodState<'a> {
    /// Of a Pod with this annotation. Of an annotation without its Pod nothing is known of a label.
    pub fn of(pod: &Subject<'a>, annotation: &Annotation) -> Self {
        let is_bare = pod.name.is_empty() && pod.namespace.is_empty() && pod.label.is_none();
        let is_selected = pod.label.is_some_and(|label| LABEL_VALUES.contains(&label));
        Self {
            namespace: Cow::Borrowed(pod.namespace),
            not_selected: !is_selected && !is_bare,
            refused: !dubbo_go::reads(annotation),
            ended: matches!(pod.phase, Some("Succeeded" | "Failed")),
            deleting: pod.deleting,
            ready: pod.ready,
        }
    }

    /// The same, without borrowing.
    pub fn into_owned(self) -> PodState<'static> {
        let Self { not_selected, refused, ended, deleting, ready, .. } = self;
        let namespace = Cow::Owned(self.namespace.into_owned());
        PodState { namespace, not_selected, refused, ended, deleting, ready }
    }
}

impl<'a> Consumer<'a> {
    /// The same, with the texts of this one.
    pub fn borrowed(&self) -> Consumer<'_> {
        Consumer {
            service: borrowed(&self.service),
            protocol: part(self.protocol.as_ref()),
            tag: part(self.tag.as_ref()),
            namespace: Cow::Borrowed(&self.namespace),
            dubbo_go: self.dubbo_go.clone(),
        }
    }

    /// A consumer by its record, in a Pod of this namespace.
    pub fn of(entry: &Entry<'_>, namespace: impl Into<Cow<'a, str>>) -> Self {
        let facts = Facts::of(entry.url.params());
        Self {
            service: service(entry, &facts),
            protocol: value(facts.protocol),
            tag: value(facts.tag),
            namespace: namespace.into(),
            dubbo_go: Identity::of_facts(&entry.url, &facts).map(Arc::new),
        }
    }
}

impl<'a> Provider<'a> {
    /// The same in no particular Pod, with the texts of this one.
    pub fn borrowed(&self) -> Provider<'_> {
        Provider {
            service: borrowed(&self.service),
            protocol: Cow::Borrowed(&self.protocol),
            more_protocols: part(self.more_protocols.as_ref()),
            category: part(self.category.as_ref()),
            tag: part(self.tag.as_ref()),
            dubbo_go: self.dubbo_go.clone(),
            pod: PodState::default(),
            ..*self
        }
    }

    /// A provider by its record, in this Pod, whose address is believed and whose URL is read.
    pub fn of(entry: &Entry<'_>, pod: PodState<'a>) -> Self {
        let facts = Facts::of(entry.url.params());
        let category = value(facts.category);
        Self {
            service: service(entry, &facts),
            protocol: Cow::Owned(entry.url.scheme().into()),
            more_protocols: value(facts.more_protocols),
            category: category.filter(|list| list.split(',').all(|name| name != "providers")),
            tag: value(facts.tag),
            enabled: facts.is_enabled(),
            weight: Trust::new().weight(facts.weight()),
            registered_ms: facts.timestamp_ms().unwrap_or(0),
            warmup_ms: facts.warmup_ms().unwrap_or(WARMUP_MS),
            believed: true,
            refused: false,
            dubbo_go: entry.identity().ok().map(Arc::clone),
            pod,
        }
    }

    /// Why no consumer at all calls it, if so.
    pub fn obstacle(&self, rules: Rules) -> Option<Obstacle> {
        let all = [
            (Obstacle::NotSelected, self.pod.not_selected),
            (Obstacle::Refused, self.pod.refused || self.refused),
            (Obstacle::Ended, self.pod.ended),
            (Obstacle::Terminating, self.pod.deleting),
            (Obstacle::NotReady, rules.ready_only && self.pod.ready == Some(false)),
            (Obstacle::NotBelieved, !self.believed),
            (Obstacle::Disabled, !self.enabled),
            (Obstacle::NoWeight, self.weight == 0),
        ];
        all.into_iter().find(|(_, applies)| *applies).map(|(obstacle, _)| obstacle)
    }

    /// Whether it speaks this protocol, or one of this comma list.
    pub(super) fn speaks(&self, list: &str) -> bool {
        let own = self.more_protocols.iter().flat_map(|more| more.split(','));
        let own = [&*self.protocol].into_iter().chain(own);
        own.map(str::trim)
            .any(|own| list.split(',').any(|asked| is_same_protocol(asked.trim(), own)))
    }

    pub(super) fn in_namespace(&self, namespace: &str) -> bool {
        namespace.is_empty() || self.pod.namespace.is_empty() || namespace == self.pod.namespace
    }

    /// What counts of the weight at this time, in thousandths; without a time it is warm.
    pub fn effective(&self, now_ms: u64) -> u64 {
        let warmup_ms = if now_ms == 0 { 0 } else { self.warmup_ms };
        effective(self.weight, self.registered_ms, warmup_ms, now_ms)
    }
}

/// What counts of a weight, in thousandths: it grows evenly while the provider warms up, from a hundredth of it. A
/// registration that is still to come counts as one of now, one of an unknown time as warm.
pub fn effective(weight: u32, registered_ms: u64, warmup_ms: u64, now_ms: u64) -> u64 {
    let full = u64::from(weight) * 1000;
    let uptime = now_ms.saturating_sub(registered_ms);
    if registered_ms == 0 || uptime >= warmup_ms {
        return full;
    }
    let uptime = uptime.max(warmup_ms / 100);
    let warm = match full.checked_mul(uptime) {
        Some(product) => product / warmup_ms,
        None => full / warmup_ms * uptime, // years, of which milliseconds do not matter
    };
    warm.max(u64::from(weight > 0))
}

/// Whether two names mean one protocol: `triple` is another name of `tri`, and no name asks for any.
fn is_same_protocol(one: &str, other: &str) -> bool {
    one.is_empty() || short(one).eq_ignore_ascii_case(short(other))
}

fn short(protocol: &str) -> &str {
    if protocol.eq_ignore_ascii_case("triple") { "tri" } else { protocol }
}

fn part<'a>(of: Option<&'a Cow<'_, str>>) -> Option<Cow<'a, str>> {
    of.map(|text| Cow::Borrowed(&**text))
}

fn borrowed<'a>(service: &'a Service<'_>) -> Service<'a> {
    Service {
        interface: Cow::Borrowed(&service.interface),
        group: part(service.group.as_ref()),
        version: part(service.version.as_ref()),
    }
}

/// The service: the key's interface with the URL's group and version.
fn service(entry: &Entry<'_>, facts: &Facts<'_>) -> Service<'static> {
    let interface = Cow::Owned(entry.interface.clone().into_owned());
    Service { interface, group: value(facts.group.own), version: value(facts.version.own) }
}

/// The value of a parameter, if it says anything.
fn value(of: Option<Param<'_>>) -> Option<Cow<'static, str>> {
    given(of).map(|value| Cow::Owned(value.into_owned()))
}
