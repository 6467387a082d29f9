//! The real `dubbo-watcher`: where the program is, and `serve` as a process that can be killed and started
//! again at the same address.

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use tempfile::NamedTempFile;

use crate::raw::Endpoint;

/// How long `serve` may take to listen, and how often it is looked at.
const PATIENCE: Duration = Duration::from_mins(1);
const LOOK: Duration = Duration::from_millis(10);

/// The program of the same profile as this one, built if it is not.
pub fn program() -> io::Result<&'static Path> {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    if let Some(built) = PROGRAM.get() {
        return Ok(built);
    }
    let built = build()?;
    Ok(PROGRAM.get_or_init(|| built))
}

fn build() -> io::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let beside = own.parent().filter(|folder| !folder.ends_with("deps"));
    let folder = beside.or_else(|| own.parent()?.parent());
    let folder = folder.ok_or_else(|| io::Error::other("this program has no folder"))?;
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--package", "dubbo-k8s-watcher", "--bin", "dubbo-watcher"]);
    cargo.arg("--target-dir").arg(folder.parent().unwrap_or(folder));
    // What cargo told this program about its own package would make ring build anew each time.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    if folder.ends_with("release") {
        cargo.arg("--release");
    }
    let status = cargo.status()?;
    if !status.success() {
        return Err(io::Error::other(format!("building dubbo-watcher ended with {status}")));
    }
    Ok(folder.join(format!("dubbo-watcher{}", std::env::consts::EXE_SUFFIX)))
}

/// A running `dubbo-watcher serve`, killed when dropped: it has nothing to save.
#[derive(Debug)]
pub struct Serving {
    child: Child,
    address: SocketAddr,
    said: NamedTempFile,
}

impl Serving {
    /// Starts it over the namespace of a kubeconfig, on a free port of the loopback interface.
    pub async fn start(kubeconfig: &Path) -> io::Result<Self> {
        Self::start_at(kubeconfig, SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await
    }

    /// Starts it at an address, where another one may have been before.
    pub async fn start_at(kubeconfig: &Path, bind: SocketAddr) -> io::Result<Self> {
        let said = NamedTempFile::new()?;
        let stderr: File = said.reopen()?;
        let mut command = Command::new(program()?);
        command.args(["serve", "--bind", &bind.to_string()]).env_clear();
        command.env("KUBECONFIG", kubeconfig).stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.stderr(stderr).spawn()?;
        let mut serving = Self { child, address: bind, said };
        match tokio::time::timeout(PATIENCE, serving.listening()).await {
            Ok(Ok(address)) => serving.address = address,
            Ok(Err(error)) => return Err(error),
            Err(_) => return Err(io::Error::other(format!("not serving: {}", serving.said()))),
        }
        Ok(serving)
    }

    async fn listening(&mut self) -> io::Result<SocketAddr> {
        let mut look = tokio::time::interval(LOOK);
        loop {
            look.tick().await;
            if let Some(status) = self.child.try_wait()? {
                return Err(io::Error::other(format!("it ended with {status}: {}", self.said())));
            }
            let said = self.said();
            let complete = said.rsplit_once('\n').map_or("", |(complete, _)| complete);
            let address = complete.lines().find_map(|line| {
                line.strip_prefix("serving ")?.rsplit_once("http://")?.1.parse().ok()
            });
            if let Some(address) = address {
                return Ok(address);
            }
        }
    }

    /// Waits until it has read the whole registry.
    pub async fn synced(&self) -> io::Result<()> {
        let ready = async {
            let endpoint = Endpoint::new(&format!("http://{}", self.address), None, None, None)?;
            let mut look = tokio::time::interval(LOOK);
            while endpoint.get("/readyz", "*/*").await?.status != 200 {
                look.tick().await;
            }
            Ok(())
        };
        let late = |_| io::Error::other(format!("not in sync: {}", self.said()));
        tokio::time::timeout(PATIENCE, ready).await.map_err(late)?
    }

    /// Where it serves.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it said on stderr.
    pub fn said(&self) -> String {
        std::fs::read_to_string(self.said.path()).unwrap_or_default()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may be gone already
        let _ = self.child.wait();
    }
}
