//! Resident memory over time, and whether it is flat: the last third of a run is held against the one
//! before it, when everything that is bounded has reached its bound.

use std::fmt;

use crate::usage::mebibytes;

/// When, in seconds, and how many bytes were resident.
pub(crate) type Samples = Vec<(f64, u64)>;

/// How much larger the median of the last third may be than that of the second …
const GROWTH: f64 = 1.05;
/// … and MiB on top, for a snapshot more or less that was being written when it was looked at. With
/// 120 MiB, 200 changes a second and three minutes, a leak of 1 KiB a change is more than both; smaller
/// ones need a longer run.
const NOISE: f64 = 4.0;

/// Medians of resident bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    middle: u64,
    last: u64,
    most: u64,
    /// MiB a minute, of the last two thirds.
    pub(crate) slope: f64,
}

impl Memory {
    pub(crate) fn of(samples: &Samples) -> Self {
        let third = samples.len() / 3;
        let part = |from: usize, to: usize| samples.get(from..to).unwrap_or_default();
        Self {
            middle: median(part(third, 2 * third)),
            last: median(part(2 * third, samples.len())),
            most: samples.iter().map(|(_, bytes)| *bytes).max().unwrap_or_default(),
            slope: slope(part(third, samples.len())),
        }
    }

    /// The most that the last third may have.
    pub(crate) fn bound(self) -> f64 {
        mebibytes(self.middle) * GROWTH + NOISE
    }

    /// Also when there is nothing to judge by.
    pub(crate) fn grew(self) -> bool {
        self.middle == 0 || mebibytes(self.last) > self.bound()
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [middle, last, most] = [self.middle, self.last, self.most].map(mebibytes);
        write!(f, "{middle:.1}, {last:.1} (at most {:.1}), {most:.1} MiB", self.bound())
    }
}

fn median(samples: &[(f64, u64)]) -> u64 {
    let mut bytes: Vec<u64> = samples.iter().map(|(_, bytes)| *bytes).collect();
    bytes.sort_unstable();
    bytes.get(bytes.len() / 2).copied().unwrap_or_default()
}

/// The line of least squares, in MiB a minute.
#[expect(clippy::cast_precision_loss, reason = "a few hundred samples")]
fn slope(samples: &[(f64, u64)]) -> f64 {
    let count = samples.len().max(1) as f64;
    let points = || samples.iter().map(|(time, bytes)| (*time / 60.0, mebibytes(*bytes)));
    let mean_time = points().map(|(time, _)| time).sum::<f64>() / count;
    let mean_bytes = points().map(|(_, bytes)| bytes).sum::<f64>() / count;
    let covariance: f64 = points().map(|(x, y)| (x - mean_time) * (y - mean_bytes)).sum();
    let variance: f64 = points().map(|(x, _)| (x - mean_time) * (x - mean_time)).sum();
    if variance > 0.0 { covariance / variance } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three minutes, of 120 MiB and so much more each second.
    fn run(each_second: impl Fn(u32) -> u64) -> Memory {
        let samples = (0..180).map(|second| (f64::from(second), (120 << 20) + each_second(second)));
        Memory::of(&samples.collect())
    }

    #[test]
    fn a_plateau_is_flat_however_it_was_reached_and_whatever_stands_out() {
        assert!(!run(|_| 0).grew());
        assert!(!run(|second| u64::from(second.min(60)) << 20).grew(), "filled in the first third");
        let spikes = |second: u32| if second.is_multiple_of(4) { 60 << 20 } else { 0 };
        assert!(!run(spikes).grew());
        assert!(!run(|second| u64::from(second % 20) << 18).grew(), "saws");
    }

    #[test]
    fn a_leak_is_not() {
        // 1 KiB for each of 200 changes a second.
        let leak = run(|second| u64::from(second) * (200 << 10));
        assert!(leak.grew(), "{leak}");
        assert!((leak.slope - 11.7).abs() < 0.1, "{leak:?}");
        // A stalled subscriber's snapshot of 15 MiB, kept every 45 seconds.
        assert!(run(|second| u64::from(second / 45) * (15 << 20)).grew());
    }

    #[test]
    fn nothing_was_measured() {
        assert!(Memory::of(&Vec::new()).grew());
    }
}
