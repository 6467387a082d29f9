//! How long a guest may compute: a bucket of time that drains while it computes and fills at half that
//! rate by the clock. The decision is a function of the times that it is given.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// A bucket of computing time.
#[derive(Debug)]
struct Budget {
    most: Duration,
    left: Duration,
    last: Duration,
}

impl Budget {
    fn new(most: Duration, now: Duration) -> Self {
        Self { most, left: most, last: now }
    }

    /// Takes the time from `start` to `end`, in which the guest computed; false when it had less.
    fn spend(&mut self, start: Duration, end: Duration) -> bool {
        self.left = self.most.min(self.left + end.saturating_sub(self.last) / 2);
        self.last = end;
        match self.left.checked_sub(end.saturating_sub(start)) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }
}

/// Runs a guest's future, and ends with `None` when it has computed for longer than it may. The
/// guest has to give up the thread now and then, which the epoch makes it do.
pub(super) struct Metered<F> {
    future: F,
    began: Instant,
    budget: Budget,
}

impl<F: Future + Unpin> Metered<F> {
    pub(super) fn new(future: F, compute: Duration) -> Self {
        Self { future, began: Instant::now(), budget: Budget::new(compute, Duration::ZERO) }
    }
}

impl<F: Future + Unpin> Future for Metered<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let start = self.began.elapsed();
        let polled = Pin::new(&mut self.future).poll(cx);
        let end = self.began.elapsed();
        match polled {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if self.budget.spend(start, end) => Poll::Pending,
            Poll::Pending => Poll::Ready(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn one_that_never_waits_is_stopped_after_twice_the_time() {
        let mut budget = Budget::new(ms(1000), ms(0));
        let slices = (0..).map(|slice| slice * 10);
        let stopped = slices.map(|at| (at, budget.spend(ms(at), ms(at + 10)))).find(|(_, ok)| !ok);
        assert!(matches!(stopped, Some((1980..=2000, _))), "{stopped:?}");
    }

    #[test]
    fn one_that_waits_half_of_the_time_goes_on_for_ever() {
        let mut budget = Budget::new(ms(100), ms(0));
        assert!((0..10_000).all(|slice| budget.spend(ms(slice * 20), ms(slice * 20 + 10))));
    }

    #[test]
    fn a_long_wait_saves_no_more_than_the_bucket_holds() {
        let mut budget = Budget::new(ms(100), ms(0));
        assert!(budget.spend(ms(1_000_000), ms(1_000_090)));
        assert!(!budget.spend(ms(1_000_090), ms(1_000_200)));
    }
}
