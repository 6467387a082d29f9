//! `serve` from its start until it is in sync, and what it holds when it is at rest; and the same with any address
//! believed, which shows what it costs to judge them. Rows of the table that `cargo xtask bench watcher` begins.

use std::time::{Duration, Instant};

use crate::percentile::median;
use crate::programs::{Programs, settle};
use crate::report::{Outcome, say};
use crate::usage::{Usage, mebibytes};

/// As it is, and with any address believed.
const WAYS: [(&str, &[&str]); 2] = [("serve", &[]), ("serve --address any", &["--address", "any"])];

pub(crate) async fn run(programs: &Programs, pods: usize, runs: usize) -> Outcome {
    let cluster = programs.cluster(pods, &[])?;
    let mut seen = [(); 2].map(|()| Vec::new());
    for _ in 0..runs {
        for (seen, (_, flags)) in seen.iter_mut().zip(WAYS) {
            let started = Instant::now();
            let mut serve = programs.serve(&cluster.kubeconfig, flags)?;
            serve.synced()?;
            let (wall, usage) = (started.elapsed(), serve.usage()?);
            settle().await;
            let resident = serve.usage()?.resident;
            seen.push((wall, Usage { resident, ..usage }));
        }
    }
    let nothing = programs.cluster(0, &[])?;
    let mut empty = programs.serve(&nothing.kubeconfig, &[])?;
    empty.synced()?;
    settle().await;
    let empty = empty.usage()?.resident;
    for (seen, (way, _)) in seen.iter().zip(WAYS) {
        row(way, seen, empty, pods);
    }
    Ok(())
}

fn row(way: &str, seen: &[(Duration, Usage)], empty: u64, pods: usize) {
    let wall = median(seen.iter().map(|(wall, _)| *wall).collect());
    let cpu = median(seen.iter().map(|(_, usage)| usage.cpu).collect());
    let bytes = |of: fn(&Usage) -> u64| {
        let mut all: Vec<u64> = seen.iter().map(|(_, usage)| of(usage)).collect();
        all.sort_unstable();
        all.get(all.len() / 2).copied().unwrap_or_default()
    };
    let (peak, rest) = (bytes(|usage| usage.peak), bytes(|usage| usage.resident));
    let each = rest.saturating_sub(empty) / pods.max(1) as u64;
    say(&format!(
        "| streaming | dubbo-watcher {way}, until in sync | {:.2} | {:.2} | {:.0} | {:.0} MiB at rest, {each} bytes a Pod |",
        wall.as_secs_f64(),
        cpu.as_secs_f64(),
        mebibytes(peak),
        mebibytes(rest),
    ));
}
