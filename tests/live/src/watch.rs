//! As many changes as the server sends, printed by `watch -o jsonl`: of the native program, and of others
//! that take the same arguments, in turn and from the same server. The server speaks plain HTTP, as
//! `kubectl proxy` does.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use crate::percentile::median;
use crate::programs::{Cluster, Programs, settle};
use crate::report::{Outcome, say};
use crate::usage::Usage;

/// Each change takes a record away and puts another one in its place.
const LINES_OF_A_CHANGE: usize = 2;

/// Beyond this many lines that wait to be printed, `watch` prints what became of a key instead of each step.
const MOST_CHANGES: usize = 30_000;

#[derive(Debug, clap::Args)]
pub(crate) struct Watch {
    #[arg(long, default_value_t = 10_000)]
    pods: usize,
    /// At most 30000, so that each of them is printed.
    #[arg(long, default_value_t = 20_000)]
    changes: usize,
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// What the other program is called.
    #[arg(long, default_value = "component")]
    name: String,
    /// Another program that takes the arguments of `dubbo-watcher`, with what comes before them.
    #[arg(last = true)]
    other: Vec<String>,
}

pub(crate) async fn run(programs: &Programs, watch: &Watch) -> Outcome {
    if watch.changes == 0 || watch.changes > MOST_CHANGES {
        return Err(format!("--changes takes 1 to {MOST_CHANGES}").into());
    }
    let mut cluster = programs.cluster(watch.pods, &["--plain-http".to_owned()])?;
    cluster.prepare()?;
    let native = vec![programs.watcher.display().to_string()];
    let named = [("native", &native), (watch.name.as_str(), &watch.other)];
    let named: Vec<_> = named.into_iter().filter(|(_, command)| !command.is_empty()).collect();
    let mut costs: Vec<Vec<Cost>> = named.iter().map(|_| Vec::new()).collect();
    for _ in 0..watch.runs {
        for ((_, command), costs) in named.iter().zip(&mut costs) {
            costs.push(measure(&mut cluster, command, watch.changes).await?);
        }
    }
    let (pods, changes) = (watch.pods, watch.changes);
    say(&format!(
        "| {changes} changes of {pods} Pods | build | changes/s | CPU µs a change | of native, by wall | by CPU |"
    ));
    say("|---|---|---|---|---|---|");
    let mut native = None;
    for ((name, _), costs) in named.iter().zip(costs) {
        let cost = Cost {
            wall: median(costs.iter().map(|cost| cost.wall).collect()),
            cpu: median(costs.iter().map(|cost| cost.cpu).collect()),
        };
        say(&row(name, &cost, native.get_or_insert(cost), changes));
    }
    Ok(())
}

/// What all the changes took together.
#[derive(Clone, Copy)]
struct Cost {
    wall: Duration,
    cpu: Duration,
}

#[expect(clippy::cast_precision_loss, reason = "a figure of three digits")]
fn row(name: &str, cost: &Cost, native: &Cost, changes: usize) -> String {
    let each = |time: Duration| time.as_secs_f64() / changes as f64;
    let part = |native: Duration, own: Duration| 100.0 * native.as_secs_f64() / own.as_secs_f64();
    format!(
        "| `watch -o jsonl` | {name} | {:.0} | {:.1} | {:.0} % | {:.0} % |",
        1.0 / each(cost.wall),
        each(cost.cpu) * 1e6,
        part(native.wall, cost.wall),
        part(native.cpu, cost.cpu),
    )
}

/// From the order for the changes to the last line about them. The list before them is not counted.
async fn measure(cluster: &mut Cluster, command: &[String], changes: usize) -> Outcome<Cost> {
    let mut watching = Watching::start(cluster, command)?;
    tokio::task::block_in_place(|| watching.lines_until("\"event\":\"synced\""))?;
    settle().await;
    let (before, started) = (watching.usage()?, Instant::now());
    let Watching { lines, .. } = &mut watching;
    let mut lines = lines.take().ok_or("its lines are read already")?;
    let read = tokio::task::spawn_blocking(move || -> Outcome<Instant> {
        for _ in 0..changes * LINES_OF_A_CHANGE {
            next_line(&mut lines)?;
        }
        Ok(Instant::now())
    });
    cluster.order(&format!("change {changes} 0"))?;
    let ended = read.await??;
    let cpu = watching.usage()?.cpu.saturating_sub(before.cpu);
    Ok(Cost { wall: ended - started, cpu })
}

/// A running `watch`, which ends when it is dropped.
struct Watching {
    process: Child,
    lines: Option<BufReader<ChildStdout>>,
}

impl Watching {
    fn start(cluster: &Cluster, command: &[String]) -> Outcome<Self> {
        let (program, before) = command.split_first().ok_or("no program")?;
        let mut process = Command::new(program)
            .args(before)
            .args(["watch", "-A", "-o", "jsonl", "--server", cluster.url()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let lines = process.stdout.take().map(BufReader::new);
        Ok(Self { process, lines })
    }

    fn lines_until(&mut self, words: &str) -> Outcome {
        let lines = self.lines.as_mut().ok_or("no output")?;
        while !next_line(lines)?.contains(words) {}
        Ok(())
    }

    fn usage(&self) -> Outcome<Usage> {
        Ok(Usage::of(self.process.id())?)
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn next_line(lines: &mut BufReader<ChildStdout>) -> Outcome<String> {
    let mut line = String::new();
    if lines.read_line(&mut line)? == 0 {
        return Err("watch has ended".into());
    }
    Ok(line)
}
