//! What a running process has used, as Linux counts it.

use std::io;
use std::time::Duration;

/// So far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// On any processor, by all threads that are there.
    pub(crate) cpu: Duration,
    /// Resident now, in bytes.
    pub(crate) resident: u64,
    /// The most that was ever resident, in bytes.
    pub(crate) peak: u64,
}

impl Usage {
    /// Of a process.
    pub(crate) fn of(pid: u32) -> io::Result<Self> {
        let mut cpu = Duration::ZERO;
        for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
            // A thread that has just ended is not counted.
            let text = std::fs::read_to_string(task?.path().join("schedstat")).unwrap_or_default();
            let nanos = text.split(' ').next().and_then(|word| word.parse().ok());
            cpu += Duration::from_nanos(nanos.unwrap_or_default());
        }
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let bytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kibibytes = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
            kibibytes.map_or(0, |count: u64| count * 1024)
        };
        Ok(Self { cpu, resident: bytes("VmRSS:"), peak: bytes("VmHWM:") })
    }
}

/// Bytes in MiB.
#[expect(clippy::cast_precision_loss, reason = "a figure of one decimal")]
pub(crate) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
