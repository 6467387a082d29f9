//! From the moment the server hands a change to its connection until it has arrived: at clients that
//! only read lines, at each stage of the library in this process, and at a client of the event stream.

use std::time::Duration;

use tokio::task::JoinHandle;

use crate::percentile::Sorted;
use crate::programs::{Cluster, Programs, settle};
use crate::reader::{Reader, nanos};
use crate::report::{Outcome, say};
use crate::sse::{Socket, Stream};
use crate::stages::{Arrivals, Watched, by_exchange, by_subscription, watch};

/// What is still on its way gets this long.
const TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) async fn run(programs: &Programs, pods: usize, changes: usize, rate: u32) -> Outcome {
    let mut cluster = programs.cluster(pods, &["--stamps".to_owned()])?;
    cluster.prepare()?;
    say(&format!(
        "| {changes} changes at {rate}/s of {pods} Pods: arrival at | p50 µs | p99 µs | p99.9 µs |"
    ));
    say("|---|---|---|---|");
    let wanted = Wanted { changes, rate };
    let task = tokio::spawn(by_line(Reader::open(&cluster).await?, changes));
    let run = wanted.run(&mut cluster, task).await?;
    run.row("a client that only reads the lines", &run.arrivals)?;
    let task = tokio::spawn(by_exchange(watch(&cluster).await?, changes));
    let run = wanted.run(&mut cluster, task).await?;
    run.row("the library's client, of which only the lines are read", &run.arrivals)?;
    library(&wanted, &mut cluster).await?;
    let mut serve = programs.serve(&cluster.kubeconfig, &[])?;
    serve.synced()?;
    let mut stream = Stream::open(serve.address, "/v1/events", None, None).await?;
    stream.next().await?;
    settle().await;
    let task = tokio::spawn(by_event(stream, changes));
    let run = wanted.run(&mut cluster, task).await?;
    run.row("a client of the event stream of `serve`", &run.arrivals)
}

/// The stages of one run.
async fn library(wanted: &Wanted, cluster: &mut Cluster) -> Outcome {
    let watched = Watched::start(cluster).await?;
    settle().await;
    let task = tokio::spawn(by_subscription(watched.registry.subscribe_all(), wanted.changes));
    let run = wanted.run(cluster, task).await?;
    let stages = watched.stages();
    run.row("the library's catalog, in its process", &stages.applied)?;
    run.row("… published", &stages.published)?;
    run.row("… and a subscriber of the library", &run.arrivals)
}

pub(crate) struct Wanted {
    pub(crate) changes: usize,
    pub(crate) rate: u32,
}

/// What was sent when, and when it arrived at the last stage.
pub(crate) struct Run {
    sent: Vec<(u64, u64)>,
    pub(crate) arrivals: Arrivals,
    changes: usize,
}

impl Wanted {
    pub(crate) async fn run(
        &self,
        cluster: &mut Cluster,
        mut task: JoinHandle<Outcome<Arrivals>>,
    ) -> Outcome<Run> {
        cluster.stamps()?;
        cluster.order(&format!("change {} {}", self.changes, self.rate))?;
        let arrivals = tokio::time::timeout(TIMEOUT, &mut task).await;
        let arrivals = arrivals.map_err(|_| "not everything arrived")???;
        Ok(Run { sent: cluster.stamps()?, arrivals, changes: self.changes })
    }
}

impl Run {
    pub(crate) fn row(&self, name: &str, arrivals: &Arrivals) -> Outcome {
        let latencies = self.sent.iter().filter_map(|(version, sent)| {
            Some(Duration::from_nanos(arrivals.get(version)?.saturating_sub(*sent)))
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

pub(crate) async fn by_event<S: Socket>(
    mut stream: Stream<S>,
    changes: usize,
) -> Outcome<Arrivals> {
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
