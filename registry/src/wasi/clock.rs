//! Time as the host's monotonic clock has it.

use std::{ops::Add, time::Duration};

use super::bindings;

/// A moment, to be compared with others of this process only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(Duration);

impl Instant {
    /// The present one.
    pub fn now() -> Self {
        Self(bindings::now())
    }

    /// How long ago it was; nothing for one that is yet to come.
    pub fn elapsed(&self) -> Duration {
        Self::now().since(*self)
    }

    pub(super) fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, time: Duration) -> Self {
        Self(self.0.saturating_add(time))
    }
}
