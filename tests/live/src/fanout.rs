//! What each further subscriber of `serve` costs, in memory and in CPU.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::programs::{Programs, settle};
use crate::report::{Outcome, say};
use crate::sse::Stream;
use crate::usage::mebibytes;

const COUNTS: [usize; 3] = [0, 50, 500];
const TIMEOUT: Duration = Duration::from_mins(1);

#[expect(clippy::cast_precision_loss, reason = "figures of three digits")]
pub(crate) async fn run(programs: &Programs, pods: usize, changes: usize, rate: u32) -> Outcome {
    let mut cluster = programs.cluster(pods, &["--stamps".to_owned()])?;
    cluster.prepare()?;
    say(&format!(
        "| subscribers of `serve` ({pods} Pods, {changes} changes at {rate}/s) | resident MiB | KiB each | CPU µs a change | CPU µs an event and subscriber |"
    ));
    say("|---|---|---|---|---|");
    let mut baseline = None;
    for count in COUNTS {
        let mut serve = programs.serve(
            &cluster.kubeconfig,
            &["--max-clients", "1000", "--max-clients-per-peer", "1000"],
        )?;
        serve.synced()?;
        let taken = Arc::new(AtomicUsize::new(0));
        let mut tasks = JoinSet::new();
        for _ in 0..count {
            let mut stream = Stream::open(serve.address, "/v1/events", None, None).await?;
            stream.next().await?;
            let taken = Arc::clone(&taken);
            tasks.spawn(async move {
                while let Ok(Some(_)) = stream.next().await {
                    taken.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        settle().await;
        let before = serve.usage()?;
        cluster.order(&format!("change {changes} {rate}"))?;
        let all = async {
            while taken.load(Ordering::Relaxed) < 2 * changes * count {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(TIMEOUT, all).await.map_err(|_| "not everything arrived")?;
        let after = serve.usage()?;
        let cpu = (after.cpu.saturating_sub(before.cpu)).as_secs_f64() * 1e6 / changes as f64;
        let (resident, alone) = *baseline.get_or_insert((after.resident, cpu));
        let each = |whole: f64| {
            if count == 0 { "–".to_owned() } else { format!("{:.1}", whole / count as f64) }
        };
        let memory = each(mebibytes(after.resident.saturating_sub(resident)) * 1024.0);
        let time = each((cpu - alone) / 2.0);
        say(&format!(
            "| {count} | {:.1} | {memory} | {cpu:.0} | {time} |",
            mebibytes(after.resident)
        ));
        tasks.shutdown().await;
    }
    Ok(())
}
