//! The scripted kube-apiserver as a program: prints one JSON line when it is ready, and ends at
//! the end of its input, at Ctrl-C or SIGTERM.

mod conductor;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Parser;
use dubbo_k8s_tests::apiserver::{Grant, Options, Server, Store};
use dubbo_k8s_tests::fleet::Fleet;
use dubbo_k8s_tests::simulation::{NAMESPACES, Simulation};
use serde_json::json;
use tokio::time::Instant;

use conductor::Conductor;

/// A scripted kube-apiserver on the loopback interface.
#[derive(Debug, Parser)]
#[command(name = "apiserver")]
#[expect(clippy::struct_excessive_bools, reason = "the flags of a command line")]
struct Arguments {
    /// The port; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Where to write the kubeconfig.
    #[arg(long, value_name = "FILE")]
    kubeconfig_out: Option<PathBuf>,
    /// How many Pods of a generated registry to serve, ten records each.
    #[arg(long, default_value_t = 0)]
    pods: usize,
    /// Over how many namespaces those Pods are spread.
    #[arg(long, default_value_t = 1)]
    namespaces: usize,
    /// Run a small simulated cluster that scales, rolls and crashes.
    #[arg(long)]
    simulate: bool,
    /// Another seed, another story.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many times faster than real time the simulation runs.
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// How many changes to those Pods are made each second, of every kind.
    #[arg(long, default_value_t = 0)]
    churn: u32,
    /// Be away for a second every so many seconds; every third time the past is forgotten.
    #[arg(long, value_name = "SECONDS")]
    restart_every: Option<u64>,
    /// Write down when each event of a watch is written: see the order `stamps`.
    #[arg(long)]
    stamps: bool,
    /// Plain HTTP instead of TLS, and everybody may do everything: as behind `kubectl proxy`.
    #[arg(long)]
    plain_http: bool,
    /// Offer HTTP/1.1 only.
    #[arg(long)]
    http1: bool,
    /// Does not know streaming lists, as older servers.
    #[arg(long)]
    no_streaming_list: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "apiserver: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    if !(arguments.speed.is_finite() && arguments.speed > 0.0) {
        return Err("--speed takes a positive number".into());
    }
    let server = Server::start(Options {
        port: arguments.port,
        tls: !arguments.plain_http,
        http2: !arguments.http1,
        streaming_list: !arguments.no_streaming_list,
        seed: arguments.seed,
        stamps: arguments.stamps,
        ..Options::default()
    })
    .await?;
    if arguments.plain_http {
        server.access().grant(Grant::all("system:anonymous"));
    }
    let (namespaces, simulation) = populate(&arguments, server.store())?;
    if let Some(path) = &arguments.kubeconfig_out {
        let namespace = namespaces.first().map_or("default", String::as_str);
        server.write_kubeconfig_to(path, namespace)?;
    }
    let ready = json!({"url": server.url(), "kubeconfig": arguments.kubeconfig_out, "namespaces": namespaces});
    writeln!(std::io::stdout(), "{ready}")?;
    let conductor = Conductor {
        server,
        fleet: Fleet { pods: arguments.pods, namespaces: arguments.namespaces },
        churn: arguments.churn,
        restart_every: arguments.restart_every.map(Duration::from_secs),
        seed: arguments.seed,
        alternation: None,
    };
    tokio::select! {
        ended = conductor.run() => Ok(ended?),
        () = end_of_service() => Ok(()),
        error = live(simulation, arguments.speed) => Err(error.into()),
    }
}

/// Fills the store; the namespaces that are in it.
fn populate(
    arguments: &Arguments,
    store: &Store,
) -> Result<(Vec<String>, Option<Simulation>), String> {
    let mut namespaces = Vec::new();
    let mut simulation = None;
    if arguments.simulate {
        let began = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        let created = Simulation::new(store.clone(), arguments.seed, began);
        simulation = Some(created.map_err(|status| status.to_string())?);
        namespaces.extend(NAMESPACES.map(str::to_owned));
    }
    if arguments.pods > 0 {
        let fleet = Fleet { pods: arguments.pods, namespaces: arguments.namespaces };
        store.create_all(fleet.pods()).map_err(|status| status.to_string())?;
        namespaces.extend(fleet.namespaces());
    }
    // What was there before the server is ready is no history.
    store.forget();
    Ok((namespaces, simulation))
}

/// Runs the simulation in real time; ends only with an error.
async fn live(simulation: Option<Simulation>, speed: f64) -> String {
    let Some(mut simulation) = simulation else { return std::future::pending().await };
    let start = Instant::now();
    loop {
        let Some(at) = simulation.next_wake() else { return std::future::pending().await };
        tokio::time::sleep_until(start + at.div_f64(speed)).await;
        if let Err(status) = simulation.advance(at) {
            return format!("the simulation failed: {}", status.message);
        }
    }
}

/// Waits for Ctrl-C or SIGTERM.
async fn end_of_service() {
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated() => {}
    }
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending().await
}
