//! The scripted kube-apiserver as a process of its own, and the real `dubbo-watcher` beside it. It must
//! never leave one of them behind: a cluster that is dropped has ended.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout};

use serde_json::Value;
use tempfile::TempDir;

use crate::places::target_dir;
use crate::process::{Context as _, Failure, Result, Tool, cargo};

/// How the programs are built.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Profile {
    /// Soon there.
    Dev,
    /// What is measured.
    Release,
}

impl Profile {
    /// Builds the watcher, and the programs of `tests` that a verb runs in this profile.
    pub(crate) fn build(self) -> Result {
        match self {
            Self::Dev => build_as_tested(),
            Self::Release => build_to_measure(&[]),
        }
    }

    /// A program that `build` built.
    pub(crate) fn program(self, name: &str) -> PathBuf {
        let folder = if self == Self::Release { "release" } else { "debug" };
        target_dir().join(folder).join(name)
    }
}

/// Builds with what the whole workspace and its tests ask of dependencies, so that what this compiles is there for
/// a test run, and the other way round.
fn build_as_tested() -> Result {
    let tool = cargo("build").args(["--locked", "--workspace"]);
    let tool = ["dubbo-watcher", "apiserver", "mesh_demo"]
        .into_iter()
        .fold(tool, |tool, program| tool.args(["--bin", program]));
    // What tests ask counts for cargo only where a test or an example is built: the smallest one.
    tool.args(["--example", "own_filter"]).run()
}

/// Builds the programs of the watcher, of `tests` and of these packages as they are measured: with what they
/// themselves ask of dependencies, and no more.
pub(crate) fn build_to_measure(others: &[&str]) -> Result {
    let packages = ["dubbo-k8s-watcher", "dubbo-k8s-tests"];
    let packages = packages.iter().chain(others).flat_map(|package| ["--package", package]);
    cargo("build").arg("--locked").args(packages).args(["--bins", "--release"]).run()
}

/// A running scripted kube-apiserver.
pub(crate) struct Cluster {
    server: Child,
    pub(crate) url: String,
    pub(crate) kubeconfig: PathBuf,
    /// Holds the kubeconfig, and takes it away at the end.
    _folder: TempDir,
}

impl Cluster {
    /// Starts it on a free port and waits until it says that it is ready.
    pub(crate) fn start(profile: Profile, arguments: &[String]) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("dubbo-k8s-").tempdir();
        let folder = folder.context(|| "making a folder for the kubeconfig".into())?;
        let kubeconfig = folder.path().join("kubeconfig");
        let tool = Tool::new(profile.program("apiserver")).arg("--kubeconfig-out").arg(&kubeconfig);
        let mut server = tool.args(["--port", "0"]).args(arguments).spawn_piped()?;
        let ready = server.stdout.take().map(first_line).transpose()?;
        let ready: Value = serde_json::from_str(ready.as_deref().unwrap_or_default())
            .context(|| "the scripted kube-apiserver did not get ready".into())?;
        let url = ready.get("url").and_then(Value::as_str);
        let url =
            url.ok_or_else(|| Failure::new("the scripted kube-apiserver names no URL"))?.to_owned();
        Ok(Self { server, url, kubeconfig, _folder: folder })
    }

    /// A verb of the watcher, pointed at all of this cluster.
    pub(crate) fn watcher(&self, profile: Profile, verb: &str) -> Tool {
        let tool = Tool::new(profile.program("dubbo-watcher")).arg(verb);
        tool.arg("--all-namespaces").arg("--kubeconfig").arg(&self.kubeconfig)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.server.stdin.take()); // the end of its input is what it ends at
        let _ = self.server.wait();
    }
}

fn first_line(output: ChildStdout) -> Result<String> {
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line).context(|| "reading from the server".into())?;
    Ok(line)
}

/// Asks the watcher to end as a supervisor would, and holds it to ending well. At Ctrl-C the terminal
/// asks it too; then it may be gone already.
pub(crate) fn end(watcher: &mut Child, ended_itself: bool) -> Result {
    if !ended_itself {
        ask_to_end(watcher);
    }
    let status = watcher.wait().context(|| "waiting for the watcher".into())?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new(format!("the watcher ended with {status}")))
    }
}

#[cfg(unix)]
fn ask_to_end(watcher: &mut Child) {
    use nix::sys::signal::{Signal, kill};
    if let Ok(id) = i32::try_from(watcher.id()) {
        let _ = kill(nix::unistd::Pid::from_raw(id), Signal::SIGTERM); // it may have ended just now
    }
}

#[cfg(not(unix))]
fn ask_to_end(watcher: &mut Child) {
    let _ = watcher.kill(); // it may have ended just now
}
