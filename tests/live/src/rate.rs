//! As many changes as the server sends, and what each of them costs those who take them.

use std::time::{Duration, Instant};

use dubbo_k8s_registry::Update;
use futures_util::StreamExt as _;

use crate::library::registry;
use crate::programs::{Cluster, Programs, settle};
use crate::reader::Reader;
use crate::report::{Outcome, say};
use crate::sse::Stream;
use crate::usage::Usage;

pub(crate) async fn run(programs: &Programs, pods: usize, changes: usize) -> Outcome {
    let mut cluster = programs.cluster(pods, &["--stamps".to_owned()])?;
    cluster.prepare()?;
    say(&format!(
        "| {changes} changes of {pods} Pods, taken by | changes/s | CPU µs a change | changes a CPU second |"
    ));
    say("|---|---|---|---|");
    let own = std::process::id();
    let mut reader = Reader::open(&cluster).await?;
    let task = async move {
        let mut seen = 0;
        while seen < changes {
            reader.read(&mut |_| seen += 1).await?;
        }
        Ok(())
    };
    row(&mut cluster, "a client that only reads the lines", changes, || Ok(Usage::of(own)?), task)
        .await?;

    let registry = registry(&cluster).await?;
    let mut updates = registry.subscribe_all();
    settle().await;
    let task = async move {
        let (mut events, mut lagged) = (0, false);
        // Who falls behind gets a snapshot, and then counts no more.
        while events < 2 * changes && !lagged {
            match updates.next().await.ok_or("the registry has ended")? {
                Update::Change(_) => events += 1,
                Update::Snapshot(_) => lagged = events > 0,
                _ => {}
            }
        }
        if lagged { Err("the subscriber was too slow".into()) } else { Ok(()) }
    };
    let name = "the library and a subscriber, in its process";
    row(&mut cluster, name, changes, || Ok(Usage::of(own)?), task).await?;
    registry.close().await;

    let mut serve = programs.serve(&cluster.kubeconfig, &[])?;
    serve.synced()?;
    let mut stream = Stream::open(serve.address, "/v1/events", None, None).await?;
    stream.next().await?;
    settle().await;
    let task = async move {
        let mut events = 0;
        while events < 2 * changes {
            let event = stream.next().await?.ok_or("the stream has ended")?;
            if event.name == "snapshot" {
                return Err("the subscriber was too slow".into());
            }
            events += 1;
        }
        Ok(())
    };
    let name = "`serve` and one client of its event stream (CPU of `serve`)";
    row(&mut cluster, name, changes, || serve.usage(), task).await
}

#[expect(clippy::cast_precision_loss, reason = "a figure of three digits")]
async fn row(
    cluster: &mut Cluster,
    name: &str,
    changes: usize,
    usage: impl Fn() -> Outcome<Usage>,
    task: impl Future<Output = Outcome> + Send + 'static,
) -> Outcome {
    let (before, started) = (usage()?, Instant::now());
    let task = tokio::spawn(task);
    cluster.order(&format!("change {changes} 0"))?;
    task.await??;
    let (wall, used) = (started.elapsed(), usage()?.cpu.saturating_sub(before.cpu));
    cluster.stamps()?;
    let each = |time: Duration| time.as_secs_f64() / changes as f64;
    say(&format!(
        "| {name} | {:.0} | {:.1} | {:.0} |",
        1.0 / each(wall),
        each(used) * 1e6,
        1.0 / each(used)
    ));
    Ok(())
}
