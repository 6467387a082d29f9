//! What the parameters of a URL say of a provider or a consumer, by one look at all of them.
//!
//! It reads parameters that are given to it, and never looks for one itself.

use alloc::borrow::Cow;

use crate::escape::query_unescape_lossy;
use crate::params::{Param, Params};
use crate::service::Service;

/// The weight of a provider that names none.
pub const DEFAULT_WEIGHT: u32 = 100;

/// A timestamp below this is in seconds (as Go writes it), otherwise in milliseconds (Java).
const SECONDS_END: u64 = 100_000_000_000;

/// The first parameter of each name that decides something.
#[derive(Default)]
pub(crate) struct Facts<'u> {
    pub(crate) interface: Option<Param<'u>>,
    pub(crate) group: WithFallback<'u>,
    pub(crate) version: WithFallback<'u>,
    pub(crate) category: Option<Param<'u>>,
    pub(crate) protocol: Option<Param<'u>>,
    pub(crate) more_protocols: Option<Param<'u>>,
    pub(crate) tag: Option<Param<'u>>,
    timestamp: Option<Param<'u>>,
    disabled: Option<Param<'u>>,
    pub(crate) enabled: WithFallback<'u>,
    weight: WithFallback<'u>,
    warmup: WithFallback<'u>,
}

/// A parameter, and the one that counts where it is absent.
#[derive(Default)]
pub(crate) struct WithFallback<'u> {
    pub(crate) own: Option<Param<'u>>,
    fallback: Option<Param<'u>>,
}

impl<'u> Facts<'u> {
    /// What these say.
    pub(crate) fn of(params: Params<'u>) -> Self {
        let mut facts = Self::default();
        params.for_each(|param| facts.add(param));
        facts
    }

    /// Takes the next parameter.
    pub(crate) fn add(&mut self, param: Param<'u>) {
        let place = match &*param.name() {
            "interface" => &mut self.interface,
            "group" => &mut self.group.own,
            "default.group" => &mut self.group.fallback,
            "version" => &mut self.version.own,
            "default.version" => &mut self.version.fallback,
            "category" => &mut self.category,
            "protocol" => &mut self.protocol,
            "ext.protocol" => &mut self.more_protocols,
            "dubbo.tag" => &mut self.tag,
            "timestamp" => &mut self.timestamp,
            "disabled" => &mut self.disabled,
            "enabled" => &mut self.enabled.own,
            "default.enabled" => &mut self.enabled.fallback,
            "weight" => &mut self.weight.own,
            "default.weight" => &mut self.weight.fallback,
            "warmup" => &mut self.warmup.own,
            "default.warmup" => &mut self.warmup.fallback,
            _ => return,
        };
        place.get_or_insert(param);
    }

    /// The service that their URL, which has this path, is about.
    pub(crate) fn service(&self, path: &'u str) -> Service<'u> {
        Service {
            interface: given(self.interface).unwrap_or_else(|| query_unescape_lossy(path)),
            group: given(self.group.own),
            version: given(self.version.own),
        }
    }

    /// Whether the URL takes part.
    pub(crate) fn is_enabled(&self) -> bool {
        let says = |param: Option<Param<'u>>, text| param.is_some_and(|it| it.value() == text);
        !says(self.disabled, "true") && !says(self.enabled.own, "false")
    }

    /// The weight when no method has one of its own.
    pub(crate) fn weight(&self) -> u32 {
        weight(self.weight.value())
    }

    /// The time of registration in milliseconds since the epoch.
    pub(crate) fn timestamp_ms(&self) -> Option<u64> {
        let number = self.raw_timestamp()?;
        Some(if number < SECONDS_END { number * 1000 } else { number })
    }

    /// The time that a provider takes to warm up, in milliseconds.
    pub(crate) fn warmup_ms(&self) -> Option<u64> {
        let number: u64 = self.warmup.value()?.parse().ok()?;
        let seconds = self.raw_timestamp().is_some_and(|timestamp| timestamp < SECONDS_END);
        Some(if seconds { number.saturating_mul(1000) } else { number })
    }

    fn raw_timestamp(&self) -> Option<u64> {
        self.timestamp?.value().parse().ok()
    }
}

impl<'u> WithFallback<'u> {
    pub(crate) fn value(&self) -> Option<Cow<'u, str>> {
        self.own.or(self.fallback).map(|param| param.value())
    }
}

/// The value of a parameter, if it says anything.
pub(crate) fn given(param: Option<Param<'_>>) -> Option<Cow<'_, str>> {
    param.map(|param| param.value()).filter(|value| !value.is_empty())
}

/// What counts of a weight that may be absent or no number.
pub(crate) fn weight(value: Option<Cow<'_, str>>) -> u32 {
    let number = value.and_then(|value| value.parse::<i64>().ok());
    number.map_or(DEFAULT_WEIGHT, |number| u32::try_from(number.max(0)).unwrap_or(u32::MAX))
}
