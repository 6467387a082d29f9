//! The waits between attempts that fail: each twice as long as the one before, up to a bound. Times in, times out: it
//! reads no clock and draws no number.

use core::time::Duration;

use crate::random::Random;

/// A wait that doubles with each failure.
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    quiet: Duration,
    failures: u32,
    /// When the last wait was to end.
    until: Duration,
}

impl Backoff {
    /// Waits of `first`, then twice as long each time, `longest` at the most.
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, quiet: Duration::MAX, failures: 0, until: Duration::ZERO }
    }

    /// Forgets all failures when there was none for more than `quiet` since the last wait.
    #[must_use]
    pub const fn forgetting_after(self, quiet: Duration) -> Self {
        Self { quiet, ..self }
    }

    /// The failures that count.
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// The wait after one more failure, at `now`.
    pub fn after_failure(&mut self, now: Duration) -> Duration {
        let wait = self.step(now);
        self.until = now.saturating_add(wait);
        wait
    }

    /// The same, no shorter than `least`, and with up to one step on top: clients that fail at the same moment do not
    /// come back at the same moment.
    pub fn spread_after_failure(
        &mut self,
        now: Duration,
        least: Duration,
        random: &mut Random,
    ) -> Duration {
        let step = self.step(now);
        let wait = step.max(least) + random.part_of(step);
        self.until = now.saturating_add(wait);
        wait
    }

    /// An attempt has succeeded: no failure counts.
    pub const fn reset(&mut self) {
        self.failures = 0;
    }

    /// Forgets failures that are too old at `now`.
    pub fn forget_old(&mut self, now: Duration) {
        if now.saturating_sub(self.until) > self.quiet {
            self.reset();
        }
    }

    fn step(&mut self, now: Duration) -> Duration {
        self.forget_old(now);
        let factor = 2_u32.checked_pow(self.failures).unwrap_or(u32::MAX);
        self.failures = self.failures.saturating_add(1);
        self.first.saturating_mul(factor).min(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn backoff() -> Backoff {
        Backoff::new(seconds(1), seconds(10)).forgetting_after(seconds(60))
    }

    #[test]
    fn each_wait_is_twice_the_one_before_up_to_the_longest() {
        let mut backoff = backoff();
        for (failures, wait) in (1..).zip([1, 2, 4, 8, 10, 10]) {
            assert_eq!(backoff.after_failure(seconds(0)), seconds(wait));
            assert_eq!(backoff.failures(), failures);
        }
        for _ in 0..100 {
            assert_eq!(backoff.after_failure(seconds(0)), seconds(10));
        }
    }

    #[test]
    fn it_begins_anew_after_a_success_and_after_the_quiet_time_since_the_last_wait() {
        let mut backoff = backoff();
        backoff.after_failure(seconds(0));
        backoff.reset();
        assert_eq!((backoff.failures(), backoff.after_failure(seconds(0))), (0, seconds(1)));
        assert_eq!(backoff.after_failure(seconds(61)), seconds(2));
        assert_eq!(backoff.after_failure(seconds(61 + 2 + 61)), seconds(1));
    }

    #[test]
    fn a_spread_wait_is_no_shorter_than_asked_and_a_step_longer_at_the_most() {
        let mut random = Random::new(1);
        for (least, from) in [(0, 1), (5, 5)] {
            for _ in 0..100 {
                let wait = backoff().spread_after_failure(seconds(0), seconds(least), &mut random);
                assert!(wait >= seconds(from) && wait <= seconds(from + 1), "{wait:?}");
            }
        }
    }
}
