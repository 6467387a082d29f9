//! From the moment the server hands a change to its connection until it has arrived: at a client that
//! only reads lines, at a subscriber in this process, and at a client of the event stream.

use std::collections::HashMap;
use std::time::Duration;

use dubbo_k8s_watcher::registry::Update;
use futures_util::StreamExt as _;
use tokio::task::JoinHandle;

use crate::library::registry;
use crate::percentile::Sorted;
use crate::programs::{Cluster, Programs, settle};
use crate::reader::{Reader, nanos};
use crate::sse::Stream;
use crate::{Outcome, say};

/// When each version had arrived: all of it, where it comes in several events.
type Arrivals = HashMap<u64, u64>;

/// What is still on its way gets this long.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) async fn run(programs: &Programs, pods: usize, changes: usize, rate: u32) -> Outcome {
    let mut cluster = programs.cluster(pods, &["--stamps".to_owned()])?;
    cluster.prepare()?;
    say(&format!(
        "| {changes} changes at {rate}/s of {pods} Pods: arrival at | p50 µs | p99 µs | p99.9 µs |"
    ));
    say("|---|---|---|---|");
    let wanted = Wanted { changes, rate };
    let task = tokio::spawn(by_line(Reader::open(&cluster).await?, changes));
    wanted.row(&mut cluster, "a client that only reads the lines", task).await?;
    let registry = registry(&cluster).await?;
    settle().await;
    let task = tokio::spawn(by_subscription(registry.subscribe_all(), changes));
    wanted.row(&mut cluster, "a subscriber of the library, in its process", task).await?;
    registry.close().await;
    let mut serve = programs.serve(&cluster.kubeconfig, &[])?;
    serve.synced()?;
    let mut stream = Stream::open(serve.address, "/v1/events", None, None).await?;
    stream.next().await?;
    settle().await;
    let task = tokio::spawn(by_event(stream, changes));
    wanted.row(&mut cluster, "a client of the event stream of `serve`", task).await
}

struct Wanted {
    changes: usize,
    rate: u32,
}

impl Wanted {
    async fn row(
        &self,
        cluster: &mut Cluster,
        name: &str,
        mut task: JoinHandle<Outcome<Arrivals>>,
    ) -> Outcome {
        cluster.stamps()?;
        cluster.order(&format!("change {} {}", self.changes, self.rate))?;
        let arrivals = tokio::time::timeout(PATIENCE, &mut task).await;
        let arrivals = arrivals.map_err(|_| format!("not everything arrived at {name}"))???;
        let latencies = cluster.stamps()?.into_iter().filter_map(|(version, sent)| {
            Some(Duration::from_nanos(arrivals.get(&version)?.saturating_sub(sent)))
        });
        let latencies = Sorted::new(latencies.collect());
        if latencies.len() < self.changes {
            return Err(format!("{} of {} arrived at {name}", latencies.len(), self.changes).into());
        }
        let [p50, p99, p999] = [500, 990, 999].map(|at| latencies.at(at).as_micros());
        say(&format!("| {name} | {p50} | {p99} | {p999} |"));
        Ok(())
    }
}

async fn by_line(mut reader: Reader, changes: usize) -> Outcome<Arrivals> {
    let mut arrivals = Arrivals::new();
    while arrivals.len() < changes {
        let mut arrived = |version| {
            arrivals.insert(version, nanos());
        };
        reader.read(&mut arrived).await?;
    }
    Ok(arrivals)
}

async fn by_subscription(
    mut updates: dubbo_k8s_watcher::registry::Subscription,
    changes: usize,
) -> Outcome<Arrivals> {
    let mut arrivals = Arrivals::new();
    let mut events = 0;
    // Each change takes one key away and brings one.
    while events < 2 * changes {
        let update = updates.next().await.ok_or("the registry has ended")?;
        if let Update::Change(change) = update {
            events += 1;
            arrivals.insert(change.resource_version.parse()?, nanos());
        }
    }
    Ok(arrivals)
}

async fn by_event(mut stream: Stream, changes: usize) -> Outcome<Arrivals> {
    let mut arrivals = Arrivals::new();
    let mut events = 0;
    while events < 2 * changes {
        let event = stream.next().await?.ok_or("the stream has ended")?;
        let now = nanos();
        let mark = "\"resourceVersion\":\"";
        let at = event.data.rfind(mark).map(|at| at + mark.len());
        let version = at.and_then(|at| event.data.get(at..)?.split('"').next()?.parse().ok());
        arrivals.insert(version.ok_or("an event without a version")?, now);
        events += 1;
    }
    Ok(arrivals)
}
