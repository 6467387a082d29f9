//! `serve` from its start until it is in sync, and what it holds when it is at rest. Rows of the table
//! that `cargo xtask bench watcher` begins.

use std::time::Instant;

use crate::percentile::median;
use crate::programs::{Programs, settle};
use crate::usage::{Usage, mebibytes};
use crate::{Outcome, say};

pub(crate) async fn run(programs: &Programs, pods: usize, runs: usize) -> Outcome {
    let cluster = programs.cluster(pods, &[])?;
    let mut seen = Vec::new();
    for _ in 0..runs {
        let started = Instant::now();
        let mut serve = programs.serve(&cluster.kubeconfig, &[])?;
        serve.synced()?;
        let wall = started.elapsed();
        settle().await;
        seen.push((wall, serve.usage()?));
    }
    let nothing = programs.cluster(0, &[])?;
    let mut empty = programs.serve(&nothing.kubeconfig, &[])?;
    empty.synced()?;
    settle().await;
    let empty = empty.usage()?;
    let wall = median(seen.iter().map(|(wall, _)| *wall).collect());
    let cpu = median(seen.iter().map(|(_, usage)| usage.cpu).collect());
    let bytes = |of: fn(&Usage) -> u64| {
        let mut all: Vec<u64> = seen.iter().map(|(_, usage)| of(usage)).collect();
        all.sort_unstable();
        all.get(all.len() / 2).copied().unwrap_or_default()
    };
    let (peak, rest) = (bytes(|usage| usage.peak), bytes(|usage| usage.resident));
    let each = rest.saturating_sub(empty.resident) / pods.max(1) as u64;
    say(&format!(
        "| streaming | dubbo-watcher serve, until in sync | {:.2} | {:.2} | {:.0} | {:.0} MiB at rest, {each} bytes a Pod |",
        wall.as_secs_f64(),
        cpu.as_secs_f64(),
        mebibytes(peak),
        mebibytes(rest),
    ));
    Ok(())
}
