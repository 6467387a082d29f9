//! `cargo xtask bench`: measures, side by side in one run, and prints tables. A person puts the figures
//! into BENCHMARKS.md; this never writes them.

mod live;
pub(crate) mod measure;
mod wasi;
mod watcher;

use std::time::Duration;

use clap::ValueEnum;

use crate::cluster::Profile;
use crate::mesh;
use crate::process::{Result, Tool, cargo};
use crate::say;
use crate::toolchain;
use crate::wasm;
use crate::web;

/// What can be measured.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Subject {
    /// Decoding and encoding, beside the naive version of the same work.
    Codec,
    /// From start to a synced list of many Pods, beside curl fetching the same bytes; then the latency
    /// and the cost of changes, and of subscribers.
    Watcher,
    /// The first list of a real kube-apiserver, beside curl and client-go: time, CPU of both ends, memory.
    Wire,
    /// Handing changes to an empty handler, beside a closure that does nothing.
    Handlers,
    /// The inspector's page in Chromium: sizes, first rows, scrolling, searching, live updates.
    Web,
    /// The filter in a real Envoy, beside no filter and an empty one: latency, loading, memory, changes.
    Filter,
    /// The watcher as a WASI component, beside the native one: size, start-up, list.
    Wasi,
}

/// Measures one subject, or all.
pub(crate) fn run(subject: Option<Subject>, pods: &[u32], runs: u32) -> Result {
    let wanted = |one: Subject| subject.is_none_or(|subject| subject == one);
    if wanted(Subject::Codec) {
        say::heading("codec");
        criterion("dubbo-k8s-codec", "codec")?;
    }
    if wanted(Subject::Watcher) {
        say::heading(&format!("watcher: the first sync, medians of {runs} runs"));
        watcher::run(pods, runs)?;
        live::changes()?;
        say::heading("the watcher's core, without a network");
        criterion("dubbo-k8s-watcher", "core")?;
    }
    if wanted(Subject::Wire) {
        say::heading(&format!("wire: a real kube-apiserver, medians of {runs} runs"));
        live::wire(runs)?;
    }
    if wanted(Subject::Handlers) {
        say::heading("handlers: WebAssembly that is notified of changes");
        let toolchain = toolchain::resolve()?;
        let bench = benchmark("dubbo-k8s-watcher", "handlers");
        let handler = wasm::build_some(&toolchain, &["MISBEHAVING_HANDLER"])?.into_iter();
        handler.fold(bench, |bench, (_, file)| bench.env("EMPTY_HANDLER", file)).run()?;
    }
    if wanted(Subject::Wasi) {
        let toolchain = toolchain::resolve()?;
        for pods in pods {
            say::heading(&format!("wasi: {pods} Pods, the median of {runs} runs"));
            wasi::run(&toolchain, *pods, runs)?;
        }
    }
    if wanted(Subject::Web) {
        say::heading("web: the inspector in Chromium");
        web::build(&toolchain::resolve()?)?;
        web::weigh()?;
        web::bench()?;
    }
    if wanted(Subject::Filter) {
        say::heading("filter: in a real Envoy");
        let files = ["FILTER_WASM", "EMPTY_FILTER_WASM"];
        mesh::tool(Profile::Release, "filter_bench", &files)?.run()?;
    }
    Ok(())
}

/// The soak: fails when anything was lost, or memory has grown.
pub(crate) fn soak(length: Option<Duration>) -> Result {
    live::soak(length.unwrap_or(SOAK))
}

/// How long a soak lasts by default.
const SOAK: Duration = Duration::from_mins(3);

fn criterion(package: &str, bench: &str) -> Result {
    benchmark(package, bench).run()
}

/// By name: `cargo bench` would also build the unit tests, optimised and for nothing. In the profile of
/// the programs that are measured too: everything below, wasmtime above all, is compiled once.
fn benchmark(package: &str, bench: &str) -> Tool {
    let tool = cargo("bench").args(["--locked", "--profile", "release"]);
    tool.args(["--package", package, "--bench", bench])
}
