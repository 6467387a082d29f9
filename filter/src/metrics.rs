//! What is counted. Counts are kept here and handed to the proxy on the tick, so that no request pays for
//! them.

use crate::host::{Host, MetricKind};

/// The metrics, as the proxy knows them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Metrics {
    providers: u32,
    services: u32,
    age: u32,
    counters: [u32; Count::ALL.len()],
}

/// What is counted one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    Picks,
    Misses,
    Passed,
    DecodeErrors,
    Loads,
    LoadFailures,
}

impl Count {
    const ALL: [Self; 6] = [
        Self::Picks,
        Self::Misses,
        Self::Passed,
        Self::DecodeErrors,
        Self::Loads,
        Self::LoadFailures,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Picks => "dubbo.picks",
            Self::Misses => "dubbo.misses",
            Self::Passed => "dubbo.passed",
            Self::DecodeErrors => "dubbo.decode_errors",
            Self::Loads => "dubbo.loads",
            Self::LoadFailures => "dubbo.load_failures",
        }
    }
}

/// What has been counted since it was handed over last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally([u64; Count::ALL.len()]);

impl Tally {
    pub(crate) fn add(&mut self, count: Count, number: u64) {
        if let Some(tally) = self.0.get_mut(count as usize) {
            *tally = tally.saturating_add(number);
        }
    }
}

impl Metrics {
    pub(crate) fn define(host: &impl Host) -> Self {
        Self {
            providers: host.define_metric(MetricKind::Gauge, "dubbo.providers"),
            services: host.define_metric(MetricKind::Gauge, "dubbo.services"),
            age: host.define_metric(MetricKind::Gauge, "dubbo.registry_age_ms"),
            counters: Count::ALL.map(|count| host.define_metric(MetricKind::Counter, count.name())),
        }
    }

    /// Hands over what has been counted.
    pub(crate) fn flush(&self, host: &impl Host, tally: &mut Tally) {
        for (metric, tally) in self.counters.iter().zip(&mut tally.0) {
            let number = core::mem::take(tally);
            if number > 0 {
                host.increment_metric(*metric, number);
            }
        }
    }

    /// Records the size of the registry.
    pub(crate) fn size(&self, host: &impl Host, services: usize, providers: usize) {
        host.record_metric(self.services, services as u64);
        host.record_metric(self.providers, providers as u64);
    }

    /// Records the age of the registry.
    pub(crate) fn age(&self, host: &impl Host, age_ms: u64) {
        host.record_metric(self.age, age_ms);
    }
}
