//! The real `dubbo-watcher serve` as a process that can be killed and started again at the same address. It
//! must never outlive who started it.

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use tempfile::NamedTempFile;

use crate::program::dubbo_watcher;
use crate::raw::Endpoint;

/// How long `serve` may take to listen, and how often it is looked at.
const TIMEOUT: Duration = Duration::from_mins(1);
const LOOK: Duration = Duration::from_millis(10);

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
        let mut command = Command::new(dubbo_watcher());
        command.args(["serve", "--bind", &bind.to_string()]).env_clear();
        command.env("KUBECONFIG", kubeconfig).stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.stderr(stderr).spawn()?;
        let mut serving = Self { child, address: bind, said };
        match tokio::time::timeout(TIMEOUT, serving.listening()).await {
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
            let endpoint = self.endpoint()?;
            let mut look = tokio::time::interval(LOOK);
            while endpoint.get("/readyz", "*/*").await?.status != 200 {
                look.tick().await;
            }
            Ok(())
        };
        let late = |_| io::Error::other(format!("not in sync: {}", self.said()));
        tokio::time::timeout(TIMEOUT, ready).await.map_err(late)?
    }

    /// Where it serves.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Requests of one's own.
    pub fn endpoint(&self) -> io::Result<Endpoint> {
        Endpoint::new(&format!("http://{}", self.address), None, None, None)
    }

    /// Ends it with a signal, `-TERM` or `-KILL`, and waits for the end. It stays known where it served.
    pub fn end(&mut self, signal: &str) -> io::Result<ExitStatus> {
        let sent = Command::new("kill").args([signal, &self.id().to_string()]).status()?;
        if !sent.success() {
            return Err(io::Error::other(format!("{signal} was not sent")));
        }
        self.child.wait()
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
