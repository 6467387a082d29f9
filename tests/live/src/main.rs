//! Measures live registries: real processes, real TLS, one machine and one clock. Driven by
//! `cargo xtask bench`, which builds the programs; prints markdown, and fails when something was lost.
//!
//! It must never measure with other means than those that its report names.

#![expect(
    clippy::disallowed_methods,
    reason = "a measurement is paced by the clock; nothing is synchronised by it"
)]

mod agent;
mod disturbance;
mod fanout;
mod hostile;
mod latency;
mod library;
mod memory;
mod percentile;
mod programs;
mod rate;
mod reader;
mod report;
mod soak;
mod sse;
mod stages;
mod subscriber;
mod sync;
mod truth;
mod usage;
mod watch;
mod wire;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

use programs::Programs;
use report::{Outcome, note};

/// That of `dubbo-watcher`, for what is measured in this process.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
    /// The program `dubbo-watcher`.
    #[arg(long, global = true, default_value = "dubbo-watcher")]
    watcher: PathBuf,
    /// The program `apiserver`.
    #[arg(long, global = true, default_value = "apiserver")]
    apiserver: PathBuf,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Many subscribers, changes and restarts, for minutes: is anything lost?
    Soak(soak::Soak),
    /// From the start of `serve` until it is in sync, and what it holds then.
    Sync {
        #[arg(long, default_value_t = 10_000)]
        pods: usize,
        #[arg(long, default_value_t = 5)]
        runs: usize,
    },
    /// From the moment the server sent a change until a subscriber has it.
    Latency {
        #[arg(long, default_value_t = 10_000)]
        pods: usize,
        #[arg(long, default_value_t = 10_000)]
        changes: usize,
        /// Changes a second.
        #[arg(long, default_value_t = 1000)]
        rate: u32,
    },
    /// What an agent holds, and from the moment the server sent a change until an application at its socket has it.
    Agent {
        /// Three providers each.
        #[arg(long, default_value_t = 334)]
        pods: usize,
        #[arg(long, default_value_t = 2000)]
        changes: usize,
        /// Changes a second.
        #[arg(long, default_value_t = 100)]
        rate: u32,
    },
    /// How many changes a second, and what each costs.
    Rate {
        #[arg(long, default_value_t = 10_000)]
        pods: usize,
        #[arg(long, default_value_t = 50_000)]
        changes: usize,
    },
    /// How many changes a second `watch` prints, and what each costs it; in another host too.
    Watch(watch::Watch),
    /// A list of a real kube-apiserver, beside curl and client-go.
    Wire(wire::Wire),
    /// What hostile clients of one address cost a client of another.
    Hostile {
        #[arg(long, default_value_t = 10_000)]
        pods: usize,
        #[arg(long, default_value_t = 1000)]
        clients: usize,
        #[arg(long, default_value_t = 300)]
        requests: usize,
    },
    /// What each further subscriber costs.
    Fanout {
        #[arg(long, default_value_t = 200)]
        pods: usize,
        #[arg(long, default_value_t = 1000)]
        changes: usize,
        /// Changes a second.
        #[arg(long, default_value_t = 100)]
        rate: u32,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let programs = Programs { watcher: arguments.watcher, apiserver: arguments.apiserver };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let measured = runtime.map_err(Into::into).and_then(|runtime| {
        let measured = runtime.block_on(measure(&arguments.what, &programs));
        runtime.shutdown_timeout(Duration::from_secs(1));
        measured
    });
    match measured {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            note(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

async fn measure(what: &What, programs: &Programs) -> Outcome {
    match what {
        What::Soak(soak) => soak::run(programs, soak).await,
        What::Sync { pods, runs } => sync::run(programs, *pods, *runs).await,
        What::Latency { pods, changes, rate } => {
            latency::run(programs, *pods, *changes, *rate).await
        }
        What::Agent { pods, changes, rate } => agent::run(programs, *pods, *changes, *rate).await,
        What::Rate { pods, changes } => rate::run(programs, *pods, *changes).await,
        What::Watch(watch) => watch::run(programs, watch).await,
        What::Wire(wire) => wire::run(programs, wire).await,
        What::Hostile { pods, clients, requests } => {
            hostile::run(programs, *pods, *clients, *requests).await
        }
        What::Fanout { pods, changes, rate } => fanout::run(programs, *pods, *changes, *rate).await,
    }
}
