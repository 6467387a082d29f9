//! What a process has used, as the system counts it.

use std::path::PathBuf;
use std::time::Duration;

/// The CPU time that the threads of a process have used; `None` where the system does not say.
pub fn cpu(process: u32) -> Option<Duration> {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).ok()?;
    let used = |path: PathBuf| {
        let text = std::fs::read_to_string(path.join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    };
    // A thread that has just ended is left out.
    let nanoseconds = threads.flatten().filter_map(|thread| used(thread.path())).sum();
    Some(Duration::from_nanos(nanoseconds))
}
