//! The soak: subscribers of every habit, changes of every kind, a server that restarts and sometimes
//! forgets its past, and a relay before it that cuts, slows and stalls. In the end everybody must hold what
//! the server holds, no event may have been impossible, and memory must not have grown.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use dubbo_k8s_tests::relay::{Flow, Relay};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep};

use crate::disturbance::{Done, disturb};
use crate::memory::{Memory, Samples};
use crate::programs::{Programs, Serve};
use crate::report::{Outcome, note, say};
use crate::subscriber::{Habit, Subscriber};
use crate::truth::{Endpoints, of_server, of_snapshot};

#[derive(Debug, Args)]
pub(crate) struct Soak {
    /// How many seconds.
    #[arg(long = "for", default_value_t = 180)]
    length: u64,
    #[arg(long, default_value_t = 10_000)]
    pods: usize,
    /// Changes a second.
    #[arg(long, default_value_t = 200)]
    rate: u32,
    #[arg(long, default_value_t = 50)]
    subscribers: usize,
    /// How many of them stop reading again and again.
    #[arg(long, default_value_t = 5)]
    stalled: usize,
    /// Seconds between restarts of the server.
    #[arg(long, default_value_t = 20)]
    restart_every: u64,
    /// Where to write the report, as JSON.
    #[arg(long)]
    report: Option<PathBuf>,
}

/// Longer than the log remembers and shorter than a client is waited for; and longer than that.
const STALLS: [Duration; 2] = [Duration::from_secs(28), Duration::from_secs(45)];
/// Every so many of the others goes away and comes back.
const RESTLESS: usize = 9;
const STAY: Duration = Duration::from_secs(15);
/// How many first snapshots are read at once.
const FEW: usize = 4;
/// How long everybody has to get level after the last change: longer than any stall.
const LEVEL: Duration = Duration::from_mins(2);
/// After so many changes the log of `serve` is full, so that memory must not grow any more, and who
/// stalls must miss something.
const FULL: u64 = 8192;

pub(crate) async fn run(programs: &Programs, soak: &Soak) -> Outcome {
    note(&format!("soak: {} s with {} Pods", soak.length, soak.pods));
    let flags =
        ["--churn", &soak.rate.to_string(), "--restart-every", &soak.restart_every.to_string()];
    let mut cluster = programs.cluster(soak.pods, &flags.map(str::to_owned))?;
    let relay = Relay::start(cluster.address()?).await?;
    let mut serve = programs.serve(&cluster.kubeconfig_through(relay.address())?, &[])?;
    serve.synced()?;
    let few = Arc::new(Semaphore::new(FEW));
    let subscribers: Vec<_> =
        (0..soak.subscribers).map(|n| Subscriber::new(habit(n, soak))).collect();
    let mut tasks = JoinSet::new();
    for subscriber in &subscribers {
        tasks.spawn(subscriber.clone().run(serve.address, Arc::clone(&few)));
    }
    let mut done = Done::default();
    let samples = tokio::select! {
        samples = watch_memory(&serve, Duration::from_secs(soak.length)) => samples?,
        () = disturb(&relay, &mut done) => Samples::new(),
    };
    relay.set(Flow::Pass);
    let rest = cluster.order("rest")?;
    let truth = of_server(&cluster.endpoint()?).await?;
    let apart = get_level(&subscribers, &truth).await;
    let served = served(&serve, &truth).await?;
    tasks.shutdown().await;
    let connections = *relay.accepted().borrow();
    let reconnects = serve.metric("dubbo_watcher_reconnects_total").await?;
    let mut found = Found {
        truth: truth.len(),
        apart,
        served,
        done,
        connections,
        reconnects,
        ..Found::default()
    };
    found.look(&subscribers);
    report(soak, &rest, &found, &samples, &serve).await
}

fn habit(number: usize, soak: &Soak) -> Habit {
    if number < soak.stalled {
        let [short, long] = STALLS;
        Habit::Stalling(if number.is_multiple_of(2) { short } else { long })
    } else if number.is_multiple_of(RESTLESS) {
        Habit::Restless(STAY)
    } else {
        Habit::Steady
    }
}

async fn watch_memory(serve: &Serve, length: Duration) -> Outcome<Samples> {
    let (started, mut second) = (Instant::now(), interval(Duration::from_secs(1)));
    let mut samples = Vec::new();
    while started.elapsed() < length {
        second.tick().await;
        samples.push((started.elapsed().as_secs_f64(), serve.usage()?.resident));
    }
    Ok(samples)
}

/// Waits until everybody holds the truth; how many do not.
async fn get_level(subscribers: &[Subscriber], truth: &Endpoints) -> usize {
    let started = Instant::now();
    loop {
        let apart = subscribers.iter().filter(|it| it.seen().endpoints != *truth).count();
        if apart == 0 || started.elapsed() > LEVEL {
            return apart;
        }
        sleep(Duration::from_millis(200)).await;
    }
}

/// Whether a snapshot says the same.
async fn served(serve: &Serve, truth: &Endpoints) -> Outcome<bool> {
    let url = format!("http://{}", serve.address);
    let endpoint = dubbo_k8s_tests::raw::Endpoint::new(&url, None, None, None)?;
    let body = endpoint.get("/v1/snapshot", "application/json").await?.body().await?;
    Ok(of_snapshot(std::str::from_utf8(&body)?)? == *truth)
}

/// What the subscribers have seen, all together.
#[derive(Debug, Default)]
struct Found {
    truth: usize,
    /// Subscribers that do not hold the truth.
    apart: usize,
    /// The snapshot holds the truth.
    served: bool,
    /// What the relay did, and over how many connections.
    done: Done,
    connections: usize,
    /// How often the watcher was back.
    reconnects: f64,
    events: u64,
    snapshots: u64,
    lags: u64,
    drops: u64,
    resumed: u64,
    wrong: u64,
    faults: Vec<String>,
}

impl Found {
    fn look(&mut self, subscribers: &[Subscriber]) {
        for subscriber in subscribers {
            let seen = subscriber.seen();
            self.events += seen.events;
            self.snapshots += seen.snapshots;
            self.resumed += seen.resumed;
            self.wrong += seen.wrong;
            self.faults.extend(seen.faults.iter().cloned());
            if matches!(subscriber.habit, Habit::Stalling(_)) {
                self.lags += seen.lags;
                self.drops += seen.drops;
            } else if seen.drops > 0 {
                self.wrong += seen.drops;
                self.faults.push(format!("one that reads was dropped {} times", seen.drops));
            }
        }
    }
}

async fn report(
    soak: &Soak,
    rest: &Value,
    found: &Found,
    samples: &Samples,
    serve: &Serve,
) -> Outcome {
    let memory = Memory::of(samples);
    let usage = serve.usage()?;
    let number = |name| rest.get(name).and_then(Value::as_u64).unwrap_or_default();
    let (changes, restarts) = (number("changes"), number("restarts"));
    let relists = serve.metric("dubbo_watcher_relists_total").await?;
    let (stalled, done, reconnects) = (soak.stalled, found.done, found.reconnects);
    let rows = [
        ("length", format!("{} s", soak.length)),
        ("Pods; changes; restarts of the server", format!("{}; {changes}; {restarts}", soak.pods)),
        (
            "at the relay: cuts; slowed; stalled; dead connections",
            format!("{}; {}; {}; {}", done.cuts, done.slow, done.stalls, done.dead),
        ),
        ("connections to the server", found.connections.to_string()),
        ("reconnects; lists read anew", format!("{reconnects}; {relists}")),
        ("subscribers, stalled ones among them", format!("{}, {stalled}", soak.subscribers)),
        ("events that they took", found.events.to_string()),
        ("streams resumed by the last id", found.resumed.to_string()),
        ("fresh snapshots in the stalled ones' streams", found.lags.to_string()),
        ("stalled streams that the server ended", found.drops.to_string()),
        ("endpoints in the end", found.truth.to_string()),
        ("subscribers that hold something else", found.apart.to_string()),
        ("events that could not be", found.wrong.to_string()),
        ("resident, medians of the second and the last third; the most", memory.to_string()),
        ("slope of the last two thirds", format!("{:+.2} MiB a minute", memory.slope)),
        ("CPU of serve", format!("{:.1} s", usage.cpu.as_secs_f64())),
    ];
    say("| soak | |\n|---|---|");
    for (name, value) in &rows {
        say(&format!("| {name} | {value} |"));
    }
    let lost = found.lost(&memory, soak);
    if let Some(path) = &soak.report {
        let rows: serde_json::Map<_, _> =
            rows.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
        let report =
            json!({ "rows": rows, "faults": found.faults, "lost": lost, "resident": samples });
        std::fs::write(path, serde_json::to_vec_pretty(&report)?)?;
        note(&format!("the report is in {}", path.display()));
    }
    if lost.is_empty() {
        return Ok(());
    }
    found.faults.iter().take(10).for_each(|fault| note(fault));
    Err(format!("the soak failed: {}", lost.join("; ")).into())
}

impl Found {
    /// Everything that must not be. What takes its time is not asked of a soak that is too short.
    fn lost(&self, memory: &Memory, soak: &Soak) -> Vec<String> {
        let long = soak.length / 3 * u64::from(soak.rate) >= FULL && soak.stalled > 0;
        let judgements = [
            (self.truth == 0, "nothing was registered in the end".to_owned()),
            (self.apart > 0, format!("{} subscribers hold something else", self.apart)),
            (!self.served, "the snapshot says something else".to_owned()),
            (self.wrong > 0, format!("{} events could not be", self.wrong)),
            (self.done.cuts > 0 && self.reconnects < 1.0, "no cut was noticed".to_owned()),
            (long && self.lags + self.drops == 0, "no stalled one was noticed".to_owned()),
            (long && memory.grew(), format!("memory grew: {memory}")),
        ];
        judgements.into_iter().filter(|(bad, _)| *bad).map(|(_, what)| what).collect()
    }
}
