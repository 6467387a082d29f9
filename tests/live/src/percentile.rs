//! Percentiles of durations, by their rank: no interpolation.

use std::time::Duration;

/// Durations in order.
pub(crate) struct Sorted(Vec<Duration>);

impl Sorted {
    pub(crate) fn new(mut durations: Vec<Duration>) -> Self {
        durations.sort_unstable();
        Self(durations)
    }

    /// The duration that so many per mille are not longer than.
    pub(crate) fn at(&self, per_mille: usize) -> Duration {
        let rank = (self.0.len() * per_mille).div_ceil(1000).max(1);
        self.0.get(rank - 1).copied().unwrap_or_default()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// The median of durations.
pub(crate) fn median(durations: Vec<Duration>) -> Duration {
    Sorted::new(durations).at(500)
}
