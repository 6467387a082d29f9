//! Runs the program that measures live registries, `tests/live`: the soak, and what changes and
//! subscribers cost. What it prints is the report.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::cluster::{Profile, build_to_measure};
use crate::go;
use crate::places::target_dir;
use crate::process::{Context as _, Result, Tool};
use crate::say;

/// One verb of it, with the programs that were built beside it.
pub(super) fn run(arguments: &[&str]) -> Result {
    tool(arguments).run()
}

fn tool(arguments: &[&str]) -> Tool {
    let profile = Profile::Release;
    let tool = Tool::new(profile.program("live"));
    let tool = tool.arg("--watcher").arg(profile.program("dubbo-watcher"));
    tool.arg("--apiserver").arg(profile.program("apiserver")).args(arguments)
}

/// A list of a real kube-apiserver, beside curl and client-go.
pub(super) fn wire(runs: u32) -> Result {
    build_to_measure(&["dubbo-k8s-live"])?;
    let [newest, ..] = go::KUBERNETES;
    let informer = go::CLIENT_GO.bring()?.join("informer");
    let measure = std::env::current_exe().context(|| "finding this program".into())?;
    let (informer, measure) = (informer.display().to_string(), measure.display().to_string());
    let arguments =
        ["wire", "--runs", &runs.to_string(), "--informer", &informer, "--measure", &measure];
    tool(&arguments).env("ETCD", go::ETCD.bring()?).env("KUBE_APISERVERS", newest.bring()?).run()
}

/// What a change costs, and how soon it is there.
pub(super) fn changes() -> Result {
    say::heading("watcher: from the server's write to a subscriber");
    run(&["latency"])?;
    say::heading("watcher: changes as fast as they are sent");
    run(&["rate"])?;
    say::heading("watcher: what a subscriber costs");
    run(&["fanout"])?;
    say::heading("agent: from the server's write to an application at its socket");
    run(&["agent"])?;
    say::heading("watcher: hostile clients of one address, and a client of another");
    run(&["hostile"])
}

/// The soak, with its report under the target folder.
pub(super) fn soak(length: Duration) -> Result {
    build_to_measure(&["dubbo-k8s-live"])?;
    let folder = target_dir().join("soak");
    std::fs::create_dir_all(&folder).context(|| format!("making {}", folder.display()))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let report = folder.join(format!("{now}.json")).display().to_string();
    say::heading(&format!("soak: {} s", length.as_secs()));
    run(&["soak", "--for", &length.as_secs().to_string(), "--report", &report])
}
