//! The watcher as a component beside the native one, against the same server in the same run: size,
//! start-up, a list of many Pods, and changes as fast as they are sent. The server speaks plain HTTP to both, as
//! `kubectl proxy` does; the component runs under wasmtime's command line.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::live;
use super::measure::{Usage, measured, median};
use crate::cluster::{Cluster, Profile, build_to_measure};
use crate::process::{Context as _, Result, Tool};
use crate::toolchain::Toolchain;
use crate::weight::size;
use crate::{say, wasm, wheel};

/// One provider, as an annotation.
const ANNOTATION: &str = "W3siayI6Ii9kdWJiby9hLkIvcHJvdmlkZXJzL2R1YmJvJTNBJTJGJTJGMTAuMC4wLjElM0EyMDg4MCUyRmEuQiIsInYiOiIifV0=";

/// How one program is started.
struct Build {
    name: &'static str,
    program: PathBuf,
    /// What comes before its own arguments.
    host: Vec<String>,
}

pub(super) fn run(toolchain: &Toolchain, pods: u32, runs: u32) -> Result {
    build_to_measure(&["dubbo-k8s-live"])?;
    let folder = tempfile::tempdir().context(|| "making a folder for the component".into())?;
    let component = wasm::watcher(toolchain)?;
    let wasmtime = wheel::WASMTIME.bring()?;
    let compiled = folder.path().join("dubbo-watcher.cwasm");
    Tool::new(&wasmtime).arg("compile").arg("-o").arg(&compiled).arg(&component).run()?;
    std::fs::write(folder.path().join("annotation"), ANNOTATION)
        .context(|| "writing an annotation".into())?;
    let builds = builds(&wasmtime, &component, &compiled, folder.path());
    sizes(&component, &compiled)?;
    start_up(&builds.iter().collect::<Vec<_>>(), folder.path(), runs)?;
    let native_and_compiled: Vec<&Build> = builds.iter().filter(|it| it.is_ready()).collect();
    lists(&native_and_compiled, pods, runs)?;
    let [_, _, compiled] = &builds;
    changes(compiled, pods, runs)
}

fn builds(wasmtime: &Path, component: &Path, compiled: &Path, folder: &Path) -> [Build; 3] {
    let host = |file: &Path| {
        let shown = |path: &Path| path.display().to_string();
        let folder = shown(folder);
        let options = ["run", "--allow-precompiled", "-S", "http", "-S", "inherit-network"];
        let mut host: Vec<String> = options.map(str::to_owned).to_vec();
        host.extend(["--dir".to_owned(), folder, shown(file)]);
        host
    };
    let native = Profile::Release.program("dubbo-watcher");
    let wasmtime = wasmtime.to_owned();
    [
        Build { name: "native", program: native, host: Vec::new() },
        Build { name: "component", program: wasmtime.clone(), host: host(component) },
        Build { name: "component, compiled before", program: wasmtime, host: host(compiled) },
    ]
}

impl Build {
    /// Whether nothing is compiled before it starts.
    fn is_ready(&self) -> bool {
        self.name != "component"
    }

    fn arguments(&self, own: &[&str]) -> Vec<String> {
        self.host.iter().cloned().chain(own.iter().map(|word| (*word).to_owned())).collect()
    }
}

fn sizes(component: &Path, compiled: &Path) -> Result {
    say::line("| file | bytes |");
    say::line("|---|---|");
    let native = Profile::Release.program("dubbo-watcher");
    for (name, path) in [
        ("`dubbo-watcher.wasm`", component),
        ("compiled for this machine", compiled),
        ("native program, with the inspector and all verbs", &native),
    ] {
        say::line(&format!("| {name} | {} |", size(path)?));
    }
    say::line("");
    Ok(())
}

fn start_up(builds: &[&Build], folder: &Path, runs: u32) -> Result {
    let annotation = folder.join("annotation").display().to_string();
    say::line("| start-up | build | wall ms | CPU ms | peak MiB |");
    say::line("|---|---|---|---|---|");
    for (name, own) in [
        ("`--version`", vec!["--version"]),
        ("`decode` one annotation", vec!["decode", &annotation]),
    ] {
        for (build, usage) in builds.iter().zip(in_turn(builds, &own, runs)?) {
            let (wall, cpu) = (millis(usage.wall), millis(usage.cpu));
            let peak = usage.peak / 1024 / 1024;
            say::line(&format!("| {name} | {} | {wall:.1} | {cpu:.1} | {peak} |", build.name));
        }
    }
    say::line("");
    Ok(())
}

/// The medians of all builds, measured in turn so that all meet the same machine.
fn in_turn(builds: &[&Build], own: &[&str], runs: u32) -> Result<Vec<Usage>> {
    let mut measures: Vec<Vec<Usage>> = builds.iter().map(|_| Vec::new()).collect();
    for _ in 0..runs {
        for (build, measures) in builds.iter().zip(&mut measures) {
            measures.push(measured(&build.program, &build.arguments(own))?);
        }
    }
    Ok(measures.iter().map(|measures| median(measures)).collect())
}

fn lists(builds: &[&Build], pods: u32, runs: u32) -> Result {
    say::line("| list | build | wall s | CPU s | peak MiB | of native, by wall | by CPU |");
    say::line("|---|---|---|---|---|---|---|");
    for (name, flags) in [("streaming", &[][..]), ("paged", &["--no-streaming-list"])] {
        let cluster = cluster(pods, flags)?;
        let own = ["list", "-A", "-o", "json", "--timeout", "600", "--server", &cluster.url];
        let usages = in_turn(builds, &own, runs)?;
        for (build, usage) in builds.iter().zip(&usages) {
            let (wall, cpu) = (usage.wall.as_secs_f64(), usage.cpu.as_secs_f64());
            let peak = usage.peak / 1024 / 1024;
            let parts = parts(&usages, usage);
            say::line(&format!(
                "| {name} | {} | {wall:.2} | {cpu:.2} | {peak} | {parts} |",
                build.name
            ));
        }
    }
    say::line("");
    Ok(())
}

/// What a change of a Pod costs `watch`, from the server to a line of its output: natively, and here.
fn changes(other: &Build, pods: u32, runs: u32) -> Result {
    let (pods, runs) = (pods.to_string(), runs.to_string());
    let program = other.program.display().to_string();
    let own = ["watch", "--pods", &pods, "--runs", &runs, "--name", other.name, "--", &program];
    let host = other.host.iter().map(String::as_str);
    live::run(&own.into_iter().chain(host).collect::<Vec<_>>())
}

fn cluster(pods: u32, flags: &[&str]) -> Result<Cluster> {
    let pods = pods.to_string();
    let flags = [&["--plain-http", "--pods", &pods][..], flags].concat();
    Cluster::start(
        Profile::Release,
        &flags.iter().map(|flag| (*flag).to_owned()).collect::<Vec<_>>(),
    )
}

/// How fast it is for a native program that needs all of it: the first one.
fn parts(usages: &[Usage], usage: &Usage) -> String {
    let native = usages.first().copied().unwrap_or_default();
    let part = |native: Duration, own: Duration| 100.0 * native.as_secs_f64() / own.as_secs_f64();
    format!("{:.0} % | {:.0} %", part(native.wall, usage.wall), part(native.cpu, usage.cpu))
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
