//! The source of providers: the registry as it is known now, and how it came here. One for all plugins of a
//! proxy's worker that ask for the same.

use crate::host::{Host, Level};
use crate::metrics::{Count, Metrics, Tally};
use crate::pod::Reading;
use crate::random::Random;
use crate::registry::{Draft, Registry};
use crate::settings::{PodAnnotation, Settings};

/// A registry and what keeps it current.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) registry: Registry,
    pub(crate) random: Random,
    pub(crate) tally: Tally,
}

impl Source {
    /// The source that a configuration names.
    pub(crate) fn new(settings: &Settings, host: &impl Host) -> Self {
        let seed = host.now() ^ (&raw const *settings).addr() as u64;
        let mut source = Self {
            registry: Registry::default(),
            random: Random::new(seed),
            tally: Tally::default(),
        };
        if let Some(annotations) = &settings.annotations {
            source.read(annotations, settings, host);
        }
        source
    }

    fn read(&mut self, pods: &[PodAnnotation], settings: &Settings, host: &impl Host) {
        let mut draft = Draft::default();
        for pod in pods {
            let reading = Reading::of(&pod.annotation, settings.allow_loopback);
            self.tally.add(Count::DecodeErrors, reading.faults.into());
            if let Some(bad) = reading.first {
                let PodAnnotation { namespace, name, .. } = pod;
                host.log(Level::Warn, &format!("Pod {namespace}/{name}: {bad}"));
            }
            for registration in &reading.registrations {
                draft.add(registration);
            }
        }
        let now = host.now() / 1_000_000;
        while draft.make_one(&self.registry, &settings.balance, now, &mut self.random) {}
        self.registry = draft.finish();
    }

    /// Tells the metrics.
    pub(crate) fn tick(&mut self, metrics: &Metrics, settings: &Settings, host: &impl Host) {
        self.registry.warm(&settings.balance, host.now() / 1_000_000, &mut self.random);
        metrics.flush(host, &mut self.tally);
        metrics.size(host, self.registry.services(), self.registry.providers());
        metrics.age(host, 0);
    }
}
