//! Runs one program and says what it used: wall time, CPU time, peak memory. The kernel counts, not us:
//! it is this process's children that are counted, so a process measures one program and ends.

use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::process::{Context as _, Failure, Result, Tool};
use crate::say;

/// What one run used.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Usage {
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
    /// The largest resident set, in bytes.
    pub(crate) peak: u64,
}

/// Runs a program with its output thrown away, in a process that measures it and nothing else.
pub(crate) fn measured(program: &Path, arguments: &[String]) -> Result<Usage> {
    let own = std::env::current_exe().context(|| "finding this program".into())?;
    let text = Tool::new(own).args(["measure", "--"]).arg(program).args(arguments).read()?;
    parse(&text).ok_or_else(|| Failure::new(format!("a measurement that cannot be read: {text}")))
}

/// The measuring process: runs the program and prints what it used.
pub(crate) fn run(command: &[String]) -> Result {
    let (program, arguments) =
        command.split_first().ok_or_else(|| Failure::new("nothing to measure"))?;
    let started = Instant::now();
    let status =
        Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).status();
    let wall = started.elapsed();
    let status = status.context(|| format!("starting {program}"))?;
    if !status.success() {
        return Err(Failure::new(format!("{program} ended with {status}")));
    }
    say::line(&Usage { wall, ..of_children()? }.to_string());
    Ok(())
}

/// What the children that have ended, and were waited for, have used together.
#[cfg(unix)]
pub(super) fn of_children() -> Result<Usage> {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::{TimeVal, TimeValLike as _};
    let micros = |time: TimeVal| Duration::from_micros(time.num_microseconds().unsigned_abs());
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).context(|| "asking what it used".into())?;
    // Linux counts in KiB; the other systems are not measured on.
    let peak = usage.max_rss().unsigned_abs() * 1024;
    Ok(Usage {
        wall: Duration::ZERO,
        cpu: micros(usage.user_time()) + micros(usage.system_time()),
        peak,
    })
}

#[cfg(not(unix))]
pub(super) fn of_children() -> Result<Usage> {
    Err(Failure::new("this system does not say what a program used"))
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.wall.as_micros(), self.cpu.as_micros(), self.peak)
    }
}

fn parse(text: &str) -> Option<Usage> {
    let mut numbers = text.split_whitespace().map(|word| word.parse::<u64>().ok());
    let mut next = || numbers.next().flatten();
    Some(Usage {
        wall: Duration::from_micros(next()?),
        cpu: Duration::from_micros(next()?),
        peak: next()?,
    })
}

/// The median of each figure by itself.
pub(crate) fn median(runs: &[Usage]) -> Usage {
    Usage {
        wall: middle(runs.iter().map(|run| run.wall)),
        cpu: middle(runs.iter().map(|run| run.cpu)),
        peak: middle(runs.iter().map(|run| run.peak)),
    }
}

fn middle<T: Ord + Copy + Default>(figures: impl Iterator<Item = T>) -> T {
    let mut sorted: Vec<T> = figures.collect();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_read_again() {
        let usage =
            Usage { wall: Duration::from_millis(12), cpu: Duration::from_micros(7), peak: 4096 };
        assert_eq!(parse(&usage.to_string()), Some(usage));
        assert_eq!(parse("1 2"), None);
    }

    #[test]
    fn the_median_leaves_outliers_out() {
        let run =
            |millis, peak| Usage { wall: Duration::from_millis(millis), cpu: Duration::ZERO, peak };
        let median = median(&[run(900, 2), run(10, 1), run(11, 9)]);
        assert_eq!((median.wall, median.peak), (Duration::from_millis(11), 2));
    }
}
