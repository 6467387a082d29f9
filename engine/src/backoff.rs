//! How long to wait before the next attempt: as client-go's reflector, 800 ms doubling to 30 s,
//! each with up to 100 % on top, from the start again after two quiet minutes.

use core::time::Duration;

use dubbo_k8s_codec::{backoff::Backoff, random::Random};

const FIRST: Duration = Duration::from_millis(800);
const LAST: Duration = Duration::from_secs(30);
const QUIET: Duration = Duration::from_mins(2);
/// The longest `Retry-After` that is honoured. A server (or a proxy) that asks for hours is asked
/// again after a minute.
const RETRY_AFTER: Duration = Duration::from_mins(1);

/// The waits before the next request to a server.
#[derive(Debug)]
pub(super) struct ServerBackoff(Backoff);

impl ServerBackoff {
    pub(super) const fn new() -> Self {
        Self(Backoff::new(FIRST, LAST).forgetting_after(QUIET))
    }

    /// The wait after a failure at `now`. A server's `Retry-After` is a lower bound, within reason.
    pub(super) fn after_failure(
        &mut self,
        now: Duration,
        retry_after: Option<Duration>,
        random: &mut Random,
    ) -> Duration {
        let least = retry_after.unwrap_or_default().min(RETRY_AFTER);
        self.0.spread_after_failure(now, least, random)
    }

    /// The wait after a stream that the server closed properly but early: perhaps it is shutting
    /// down, and all its other clients got the same answer at this moment.
    pub(super) fn spread(random: &mut Random) -> Duration {
        random.part_of(FIRST)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    const NOW: Duration = Duration::from_secs(1000);

    #[test]
    fn it_doubles_to_a_plateau_and_starts_again_after_two_quiet_minutes() {
        let (mut backoff, mut random) = (ServerBackoff::new(), Random::new(1));
        let mut now = NOW;
        for step in [800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000, 30_000] {
            let step = Duration::from_millis(step);
            let delay = backoff.after_failure(now, None, &mut random);
            assert!(delay >= step && delay <= step * 2, "{delay:?} for {step:?}");
            now += delay + QUIET;
        }
        let delay = backoff.after_failure(now + Duration::from_millis(1), None, &mut random);
        assert!(delay <= FIRST * 2, "{delay:?}");
    }

    #[test]
    fn retry_after_is_a_bounded_lower_bound() {
        for (asked, least, most) in [(1, 1000, 1800), (20, 20_000, 20_800), (9999, 60_000, 60_800)]
        {
            let asked = Some(Duration::from_secs(asked));
            let delay = ServerBackoff::new().after_failure(
                NOW,
                asked,
                &mut Random::new(asked.map_or(0, |d| d.as_secs())),
            );
            assert!(delay >= Duration::from_millis(least) && delay <= Duration::from_millis(most));
        }
    }

    #[test]
    fn clients_of_different_seeds_do_not_come_back_together() {
        let delay = |seed| ServerBackoff::new().after_failure(NOW, None, &mut Random::new(seed));
        let mut delays: Vec<_> = (0..1000).map(delay).collect();
        delays.sort();
        let spread = delays.last().unwrap().saturating_sub(delays[0]);
        assert!(spread > Duration::from_millis(750), "{spread:?}");
        delays.dedup();
        assert!(delays.len() > 990, "{}", delays.len());
    }
}
