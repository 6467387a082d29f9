//! `cargo xtask demo`: the real `dubbo-watcher` against a simulated cluster on this machine, or the filter in
//! a real Envoy. It must never end well unless what it is there to show was really seen.

mod seen;

use std::io::{BufRead as _, BufReader};
use std::process::ChildStdout;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use crate::cluster::{self, Cluster, Profile};
use crate::inspector::{self, Inspector};
use crate::process::{Context as _, Failure, Result, cargo};
use crate::say;
use seen::Seen;

/// How long it runs without a terminal.
const UNATTENDED: Duration = Duration::from_mins(1);

const OWN_CLUSTER: &str = "\
To see a cluster of your own, with the kubeconfig that kubectl uses:
    cargo run --release --package dubbo-k8s-watcher -- list -A
    cargo run --release --package dubbo-k8s-watcher -- watch -n NAMESPACE
--context, --kubeconfig, --server and --selector mean what they mean to kubectl.";

/// What ends the watching, or goes on with it.
enum Event {
    Line(String),
    /// The watcher ended.
    End,
    CtrlC,
}

/// Runs it for a while: as long as asked, else until Ctrl-C on a terminal and a minute otherwise.
pub(crate) fn run(length: Option<Duration>) -> Result {
    let without = inspector::page()?;
    say::note("building the watcher and the simulated cluster");
    build()?;
    let (events, received) = channel();
    let interrupts = events.clone();
    // Without a receiver the demo is over, and there is nothing left to interrupt.
    ctrlc::set_handler(move || drop(interrupts.send(Event::CtrlC)))
        .context(|| "listening to Ctrl-C".into())?;
    let cluster = Cluster::start(Profile::Dev, &["--simulate".to_owned()])?;
    say::line(&format!(
        "A simulated cluster is at {}: its Deployments scale, roll and crash.",
        cluster.url
    ));
    let mut seen = Seen::default();
    if let Some(reason) = without {
        say::note(reason);
    }
    let inspector = Inspector::start(&cluster, without.is_none())?;
    inspector.show();
    list(&cluster, &mut seen)?;
    let length = length.or_else(|| (!say::on_terminal()).then_some(UNATTENDED));
    watch(&cluster, length, events, &received, &mut seen)?;
    let inspected = inspector.end()?;
    say::heading("seen");
    say::line(&seen.to_string());
    say::line(&inspected.to_string());
    say::line(&format!("\n{OWN_CLUSTER}"));
    match seen.missing().or_else(|| inspected.missing().map(str::to_owned)) {
        Some(missing) => Err(Failure::new(format!("not everything was seen working: {missing}"))),
        None => Ok(()),
    }
}

/// Builds the two programs, the watcher without the sandbox: wasmtime, which is most of the rest together, would
/// take minutes.
fn build() -> Result {
    let tool = cargo("build").args(["--locked", "--no-default-features"]);
    let tool = tool.args(["--package", "dubbo-k8s-watcher", "--package", "dubbo-k8s-tests"]);
    tool.args(["--bin", "dubbo-watcher", "--bin", "apiserver"]).run()
}

/// Shows the filter in a real Envoy: the program that does it decides what was seen, and ends so.
pub(crate) fn envoy(length: Option<Duration>) -> Result {
    let length = length.or_else(|| (!say::on_terminal()).then_some(UNATTENDED));
    let tool = crate::mesh::tool(Profile::Dev, "mesh_demo", &["FILTER_WASM"])?;
    say::heading("Envoy with the filter");
    // Ctrl-C reaches both; the program ends at it in its own time.
    ctrlc::set_handler(|| {}).context(|| "listening to Ctrl-C".into())?;
    match length {
        Some(length) => tool.args(["--seconds", &length.as_secs().to_string()]).run(),
        None => tool.run(),
    }
}

/// The table goes straight to the terminal, so that it fits it; what it holds is asked for once more.
fn list(cluster: &Cluster, seen: &mut Seen) -> Result {
    say::heading("dubbo-watcher list --all-namespaces");
    cluster.watcher(Profile::Dev, "list").run()?;
    let snapshot = cluster.watcher(Profile::Dev, "list").args(["-o", "json"]).read()?;
    seen.snapshot(&serde_json::from_str(&snapshot).context(|| "reading the snapshot".into())?);
    Ok(())
}

fn watch(
    cluster: &Cluster,
    length: Option<Duration>,
    events: Sender<Event>,
    received: &Receiver<Event>,
    seen: &mut Seen,
) -> Result {
    let until =
        length.map_or("until Ctrl-C".to_owned(), |length| format!("for {} s", length.as_secs()));
    say::heading(&format!("dubbo-watcher watch --all-namespaces   ({until})"));
    let tool = cluster.watcher(Profile::Dev, "watch");
    // Its output is a pipe, which it would not colour by itself.
    let tool = if say::in_color() { tool.env("CLICOLOR_FORCE", "1") } else { tool };
    let mut watcher = tool.spawn_piped()?;
    let output = watcher.stdout.take().ok_or_else(|| Failure::new("the watcher has no output"))?;
    let reader = std::thread::spawn(move || forward(output, &events));
    let deadline = length.map(|length| Instant::now() + length);
    let ended_itself = show(received, deadline, seen);
    cluster::end(&mut watcher, ended_itself)?;
    reader.join().map_err(|_| Failure::new("reading the watcher's output failed"))
}

/// Shows every line until Ctrl-C, the deadline or the watcher's end; says whether it was the last.
fn show(received: &Receiver<Event>, deadline: Option<Instant>, seen: &mut Seen) -> bool {
    loop {
        let event = match deadline {
            None => received.recv().ok(),
            Some(deadline) => {
                received.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok()
            }
        };
        match event {
            Some(Event::Line(line)) => {
                say::line(&line);
                seen.line(&line);
            }
            Some(Event::CtrlC) | None => return false,
            Some(Event::End) => return true,
        }
    }
}

fn forward(output: ChildStdout, events: &Sender<Event>) {
    for line in BufReader::new(output).lines() {
        let Ok(line) = line else { break };
        if events.send(Event::Line(line)).is_err() {
            return;
        }
    }
    drop(events.send(Event::End));
}
