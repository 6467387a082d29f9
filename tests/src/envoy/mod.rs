//! A real Envoy: started from a configuration that is a value, on ports that it takes itself, asked through
//! its admin interface, and stopped when dropped. It must never reach beyond the loopback interface, and
//! never leave a process behind.
//!
//! ```no_run
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use dubbo_k8s_tests::envoy::{Envoy, cluster, config};
//!
//! let listener = config::Listener::new("in").route(config::to_cluster("providers"));
//! let clusters = [cluster::fixed("providers", &["127.0.0.1:20880".parse()?])];
//! let program = std::env::var_os("ENVOY").ok_or("ENVOY names no Envoy")?;
//! let envoy = Envoy::start(program.as_ref(), &config::bootstrap(&[listener.value()], &clusters)).await?;
//! println!("{} {:?}", envoy.address("in")?, envoy.admin().stat("cluster.providers.upstream_rq_total").await?);
//! # Ok(())
//! # }
//! ```

mod admin;
pub mod cluster;
pub mod config;
mod validate;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

pub use admin::{Admin, Stats};
pub use validate::validate;

/// How long Envoy may take to become ready, and how often it is looked at.
const TIMEOUT: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(20);

/// How many lines of the log an error shows.
const LAST_LINES: usize = 20;

/// The environment variable that names the program; `cargo xtask test` sets it.
pub const VARIABLE: &str = "ENVOY";

/// The Envoy that the environment names, if it names one.
pub fn program() -> Option<PathBuf> {
    std::env::var_os(VARIABLE).filter(|set| !set.is_empty()).map(PathBuf::from)
}

/// Why there is no running Envoy, or no answer of it.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The program or its files.
    #[error("cannot {step}: {error}")]
    Io {
        /// What was being done.
        step: &'static str,
        /// What the system said.
        error: io::Error,
    },
    /// It ended instead of becoming ready: it refuses its configuration.
    #[error("Envoy ended with {status}:\n{log}")]
    Ended {
        /// How.
        status: ExitStatus,
        /// The end of its log.
        log: String,
    },
    /// It did not become ready in time, or something expected did not come.
    #[error("Envoy: {what} did not come in time:\n{log}")]
    Late {
        /// What was waited for.
        what: String,
        /// The end of its log.
        log: String,
    },
    /// An answer that is not what the admin interface documents.
    #[error("Envoy's admin interface, {path}: {why}")]
    Admin {
        /// What was asked.
        path: String,
        /// What is wrong with the answer.
        why: String,
    },
    /// The configuration has no such listener.
    #[error("Envoy has no listener {0}")]
    NoListener(String),
}

/// As it is shown: a test that fails on it shall be readable.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn failed(step: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |error| Error::Io { step, error }
}

/// How Envoy is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Worker threads.
    pub concurrency: u32,
    /// What the log holds: `warning`, `info`, `debug`.
    pub log_level: String,
    /// The levels of parts, as `wasm:debug,http:debug`.
    pub component_levels: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            concurrency: 1,
            log_level: "warning".to_owned(),
            component_levels: "wasm:debug".to_owned(),
        }
    }
}

/// A running Envoy.
#[derive(Debug)]
pub struct Envoy {
    child: Child,
    folder: TempDir,
    admin: Admin,
    listeners: BTreeMap<String, SocketAddr>,
}

impl Envoy {
    /// Starts it and waits until it is ready. The admin interface is added to the configuration.
    pub async fn start(program: &Path, configuration: &Value) -> Result<Self, Error> {
        Self::start_with(program, configuration, &Options::default()).await
    }

    /// As [`Envoy::start`], with options.
    pub async fn start_with(
        program: &Path,
        configuration: &Value,
        options: &Options,
    ) -> Result<Self, Error> {
        let folder = tempfile::Builder::new().prefix("envoy-").tempdir();
        let folder = folder.map_err(failed("make a folder for Envoy"))?;
        let mut configuration = configuration.clone();
        if let Some(map) = configuration.as_object_mut() {
            map.insert("admin".to_owned(), config::admin());
        }
        let file = folder.path().join("envoy.json");
        std::fs::write(&file, configuration.to_string())
            .map_err(failed("write its configuration"))?;
        let output = std::fs::File::create(folder.path().join("output"));
        let output = output.map_err(failed("make a file for its output"))?;
        let mut command = Command::new(program);
        command.arg("--config-path").arg(&file);
        command.arg("--admin-address-path").arg(folder.path().join("admin"));
        command.arg("--log-path").arg(folder.path().join("log"));
        command.args(["--log-level", &options.log_level, "--disable-hot-restart"]);
        // Access logs are read while Envoy runs.
        command.args(["--file-flush-interval-msec", "20"]);
        command.args(["--concurrency", &options.concurrency.to_string()]);
        if !options.component_levels.is_empty() {
            command.args(["--component-log-level", &options.component_levels]);
        }
        command.stdin(Stdio::null()).stdout(output.try_clone().map_err(failed("share a file"))?);
        let child = command.stderr(output).spawn().map_err(failed("start Envoy"))?;
        let mut envoy = Self { child, folder, admin: Admin::default(), listeners: BTreeMap::new() };
        envoy.ready().await?;
        envoy.listeners = envoy.admin.listeners().await?;
        Ok(envoy)
    }

    /// Looks until it is ready; a port of its own is written into a file when it has one.
    async fn ready(&mut self) -> Result<(), Error> {
        let waiting = async {
            let mut look = tokio::time::interval(LOOK);
            loop {
                look.tick().await;
                if let Some(status) = self.child.try_wait().map_err(failed("look at Envoy"))? {
                    return Err(Error::Ended { status, log: self.last_words() });
                }
                let written = std::fs::read_to_string(self.folder.path().join("admin"));
                let Some(address) = written.ok().and_then(|text| text.trim().parse().ok()) else {
                    continue;
                };
                self.admin = Admin::new(address);
                if self.admin.is_ready().await {
                    return Ok(());
                }
            }
        };
        match tokio::time::timeout(TIMEOUT, waiting).await {
            Ok(ready) => ready,
            Err(_) => Err(self.late("its readiness")),
        }
    }

    /// Where a listener of the configuration listens.
    pub fn address(&self, listener: &str) -> Result<SocketAddr, Error> {
        self.listeners.get(listener).copied().ok_or_else(|| Error::NoListener(listener.to_owned()))
    }

    /// Its admin interface.
    pub fn admin(&self) -> &Admin {
        &self.admin
    }

    /// The resident memory of the process, in bytes; `None` where the system does not say.
    pub fn resident(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        Some(line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? * 1024)
    }

    /// The CPU time that its threads have used; `None` where the system does not say.
    pub fn cpu(&self) -> Option<Duration> {
        crate::usage::cpu(self.child.id())
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        let text = |name| std::fs::read(self.folder.path().join(name)).unwrap_or_default();
        let bytes = [text("output"), text("log")].concat();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Waits for a line of the log that contains `text`, and gives the first.
    pub async fn logged(&self, text: &str) -> Result<String, Error> {
        let found = || self.log().lines().find(|line| line.contains(text)).map(str::to_owned);
        self.until(&format!("a log line with {text:?}"), async || Ok(found())).await
    }

    /// Asks again and again until there is an answer; an error ends it.
    pub async fn until<T>(
        &self,
        what: &str,
        ask: impl AsyncFn() -> Result<Option<T>, Error>,
    ) -> Result<T, Error> {
        let asking = async {
            let mut look = tokio::time::interval(LOOK);
            loop {
                look.tick().await;
                if let Some(answer) = ask().await? {
                    return Ok(answer);
                }
            }
        };
        match tokio::time::timeout(TIMEOUT, asking).await {
            Ok(answer) => answer,
            Err(_) => Err(self.late(what)),
        }
    }

    fn late(&self, what: &str) -> Error {
        Error::Late { what: what.to_owned(), log: self.last_words() }
    }

    fn last_words(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines.get(lines.len().saturating_sub(LAST_LINES)..).unwrap_or_default().join("\n")
    }
}

impl Drop for Envoy {
    #[expect(clippy::print_stderr, reason = "a failed test shows what Envoy said last")]
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may be gone already, and has nothing to save
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- the end of Envoy's log\n{}", self.last_words());
        }
    }
}
