//! Jitter from a seed. Not for secrets.

use core::time::Duration;

use dubbo_k8s_codec::random;

/// A stream of numbers that its seed decides.
#[derive(Debug, Clone)]
pub(super) struct Random(random::Random);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(random::Random::new(seed))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0.bits()
    }

    /// A whole number of `low..=high`.
    pub(super) fn within(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    /// A part of `whole`, from nothing to all of it.
    pub(super) fn part_of(&mut self, whole: Duration) -> Duration {
        let nanos = u64::try_from(whole.as_nanos()).unwrap_or(u64::MAX - 1);
        Duration::from_nanos(self.within(0, nanos))
    }
}
