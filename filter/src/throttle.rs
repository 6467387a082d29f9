//! Log lines, never more than a reader can bear: a few at once, then one now and then, which says how many
//! were left out.

use crate::host::{Host, Level};

/// How many lines may come at once.
const BURST: u64 = 8;

/// The time in which one more may come, in nanoseconds.
const PACE: u64 = 10_000_000_000;

/// What has been logged lately.
#[derive(Clone, Debug, Default)]
pub(crate) struct Throttle {
    /// When all lines that were written would have been written at the slow pace.
    paid_at: u64,
    left_out: u64,
}

impl Throttle {
    /// Writes a line, unless there were too many.
    pub(crate) fn log(&mut self, host: &impl Host, level: Level, line: impl FnOnce() -> String) {
        let now = host.now();
        self.paid_at = self.paid_at.max(now).saturating_add(PACE);
        if self.paid_at - now > BURST * PACE {
            self.paid_at -= PACE;
            self.left_out += 1;
            return;
        }
        match core::mem::take(&mut self.left_out) {
            0 => host.log(level, &line()),
            more => host.log(level, &format!("{} ({more} lines before it were left out)", line())),
        }
    }
}
