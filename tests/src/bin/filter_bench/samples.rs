//! Times, and what is said of many of them. Pure.

use std::time::Duration;

/// Times of one kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples(Vec<Duration>);

impl Samples {
    pub(crate) fn add(&mut self, time: Duration) {
        self.0.push(time);
    }

    /// The smallest time that so many of a hundred do not exceed; zero when there is none.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() * percent).div_ceil(100);
        sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    }
}

/// Microseconds with one decimal.
pub(crate) fn micros(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1e6)
}

/// Microseconds with one decimal and their sign: how much longer the first takes.
pub(crate) fn more(time: Duration, than: Duration) -> String {
    format!("{:+.1}", (time.as_secs_f64() - than.as_secs_f64()) * 1e6)
}

/// How much longer the first take than the second, pair by pair: the middle of the differences, in microseconds.
pub(crate) fn paired(times: &[Duration], than: &[Duration]) -> f64 {
    let difference = |(one, other): (&Duration, &Duration)| one.as_secs_f64() - other.as_secs_f64();
    let mut all: Vec<f64> = times.iter().zip(than).map(difference).collect();
    all.sort_unstable_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or_default() * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_times() {
        let mut samples = Samples::default();
        assert_eq!(samples.percentile(50), Duration::ZERO);
        for time in (1..=200).rev() {
            samples.add(Duration::from_micros(time));
        }
        assert_eq!(samples.percentile(50), Duration::from_micros(100));
        assert_eq!(samples.percentile(99), Duration::from_micros(198));
        assert_eq!(samples.percentile(100), Duration::from_micros(200));
    }

    #[test]
    fn differences_have_a_sign() {
        let [less, most] = [2500, 4000].map(Duration::from_nanos);
        assert_eq!((more(most, less), more(less, most)), ("+1.5".into(), "-1.5".into()));
    }

    #[test]
    fn pairs_have_the_middle_of_their_differences() {
        let times = |micros: [u64; 3]| micros.map(Duration::from_micros);
        let difference = paired(&times([12, 103, 1000]), &times([10, 100, 10]));
        assert!((difference - 3.0).abs() < 1e-6);
    }
}
