//! The programs of a control plane, and their processes. One never outlives its value.

#![expect(clippy::missing_panics_doc, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::start_error::{StartError, failed};

/// Where the programs of a control plane are.
#[derive(Clone, Debug)]
pub struct Programs {
    /// The folder with etcd, etcdctl and etcdutl.
    pub etcd: PathBuf,
    /// The folder with kube-apiserver.
    pub kube_apiserver: PathBuf,
}

impl Programs {
    /// Those that `cargo xtask test` names by `ETCD` and `KUBE_APISERVERS` (the newest version first), else the one
    /// folder of `KUBEBUILDER_ASSETS`. Empty if neither is set.
    pub fn of_environment() -> Vec<Self> {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        if let (Some(etcd), Some(servers)) = (set("ETCD"), set("KUBE_APISERVERS")) {
            let with = |kube_apiserver| Self { etcd: etcd.clone().into(), kube_apiserver };
            return std::env::split_paths(&servers).map(with).collect();
        }
        let assets = set("KUBEBUILDER_ASSETS").map(PathBuf::from);
        assets
            .map(|folder| Self { etcd: folder.clone(), kube_apiserver: folder })
            .into_iter()
            .collect()
    }
}

/// A child that is killed when dropped; it has nothing to save.
pub(super) struct Process(pub(super) Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(super) fn output(mut command: Command) -> String {
    let done = command.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{command:?}: {said}");
    String::from_utf8_lossy(&done.stdout).into_owned()
}

pub(super) fn spawn(mut command: Command, log: &Path) -> Result<Process, StartError> {
    let log = std::fs::File::create(log).map_err(failed("write a log"))?;
    let errors = log.try_clone().map_err(failed("write a log"))?;
    command.stdin(Stdio::null()).stdout(log).stderr(errors);
    let program = PathBuf::from(command.get_program());
    command.spawn().map(Process).map_err(|error| StartError::Program { program, error })
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
