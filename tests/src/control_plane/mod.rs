//! A real control plane without nodes: etcd and kube-apiserver, with certificates and a token of their own, in a
//! folder of their own. What can happen to one is a method. It must never outlive its value: dropped, it has ended.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod flags;
mod process;
mod start_error;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::apiserver::{Authority, kubeconfig};
use crate::raw::Endpoint;
use process::{Process, output, spawn};
use start_error::{ATTEMPTS, START, failed};

pub use process::{Programs, free_port};
pub use start_error::StartError;

/// How often a kube-apiserver is asked whether it is ready.
const ASK: Duration = Duration::from_millis(250);

/// How both programs name a port that is taken in their logs.
const TAKEN: &str = "address already in use";

const TOKEN: &str = "token-of-the-suite";

/// A running control plane.
pub struct ControlPlane {
    // In the order in which they are stopped.
    apiserver: Option<Process>,
    etcd: Option<Process>,
    programs: Programs,
    authority: Authority,
    etcd_url: String,
    peer_url: String,
    port: u16,
    /// Flags of kube-apiserver beyond the usual ones, or in their place.
    flags: Vec<String>,
    kubeconfig: PathBuf,
    folder: TempDir,
}

impl ControlPlane {
    /// Starts one on free ports of 127.0.0.1 and waits until it is ready.
    ///
    /// # Panics
    ///
    /// When it cannot be started or does not get ready, with the reason.
    pub async fn start(programs: &Programs, flags: &[&str]) -> Self {
        Self::try_start(programs, flags, free_port).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// As [`start`](Self::start), on ports that `port` chooses; those that are taken by then are chosen again.
    ///
    /// # Errors
    ///
    /// When it cannot be started or does not get ready.
    pub async fn try_start(
        programs: &Programs,
        flags: &[&str],
        mut port: impl FnMut() -> u16,
    ) -> Result<Self, StartError> {
        for _ in 0..ATTEMPTS {
            match Self::start_at(programs, flags, [port(), port(), port()]).await {
                Err(StartError::Ended { logs, .. }) if logs.contains(TAKEN) => {}
                done => return done,
            }
        }
        Err(StartError::Ports)
    }

    /// Starts one on these ports: etcd for clients and for peers, and kube-apiserver.
    async fn start_at(
        programs: &Programs,
        flags: &[&str],
        [etcd_port, peer_port, port]: [u16; 3],
    ) -> Result<Self, StartError> {
        let folder = tempfile::tempdir().map_err(failed("make a folder"))?;
        let authority = Authority::new()?;
        let path = folder.path().join("kubeconfig");
        let url = format!("https://127.0.0.1:{port}");
        std::fs::write(&path, kubeconfig(&url, Some(&authority.pem()), TOKEN, "default"))
            .map_err(failed("write a kubeconfig"))?;
        let mut control_plane = Self {
            apiserver: None,
            etcd: None,
            programs: programs.clone(),
            authority,
            etcd_url: format!("http://127.0.0.1:{etcd_port}"),
            peer_url: format!("http://127.0.0.1:{peer_port}"),
            port,
            flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
            kubeconfig: path,
            folder,
        };
        control_plane.write_server_certificate();
        control_plane.start_etcd("etcd")?;
        control_plane.try_start_apiserver().await?;
        Ok(control_plane)
    }

    /// The kubeconfig of a user who may do everything.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The folder of its own, which goes with it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The server's URL.
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// The port on 127.0.0.1.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The authority behind the server's certificate, as PEM.
    pub fn authority_pem(&self) -> String {
        self.authority.pem()
    }

    /// The process of kube-apiserver, for what it uses.
    ///
    /// # Panics
    ///
    /// While it is not running.
    pub fn apiserver_pid(&self) -> u32 {
        self.apiserver.as_ref().expect("kube-apiserver runs").0.id()
    }

    /// A configuration for curl: the authority, and the token of the user who may do everything.
    pub fn curl_config(&self) -> PathBuf {
        let authority = self.write("curl-authority.pem", &self.authority.pem());
        let text = format!(
            "silent\nshow-error\nfail\ncacert = \"{authority}\"\nheader = \"Authorization: Bearer {TOKEN}\"\n"
        );
        self.write("curl.conf", &text).into()
    }

    /// The token of the user who may do everything.
    pub const fn token(&self) -> &'static str {
        TOKEN
    }

    /// Requests by the user who may do everything.
    pub fn endpoint(&self) -> Endpoint {
        Endpoint::new(&self.url(), Some(&self.authority.pem()), Some(TOKEN), None).unwrap()
    }

    /// Ends kube-apiserver at once, by SIGKILL.
    pub fn kill_apiserver(&mut self) {
        self.apiserver = None;
    }

    /// Starts kube-apiserver on the same port, and waits until it is ready.
    ///
    /// # Panics
    ///
    /// When it does not get ready.
    pub async fn start_apiserver(&mut self) {
        self.try_start_apiserver().await.unwrap_or_else(|error| panic!("{error}"));
    }

    async fn try_start_apiserver(&mut self) -> Result<(), StartError> {
        let mut command = Command::new(self.programs.kube_apiserver.join("kube-apiserver"));
        command.args(self.apiserver_flags());
        self.apiserver = Some(spawn(command, &self.folder.path().join("kube-apiserver.log"))?);
        match tokio::time::timeout(START, self.ready()).await {
            Ok(ready) => ready,
            Err(_) => Err(StartError::Late { logs: self.log_ends() }),
        }
    }

    /// Stops etcd as it is (SIGSTOP): it answers nothing until [`resume_etcd`](Self::resume_etcd).
    pub fn pause_etcd(&self) {
        self.signal_etcd(Signal::SIGSTOP);
    }

    /// Lets etcd go on.
    pub fn resume_etcd(&self) {
        self.signal_etcd(Signal::SIGCONT);
    }

    fn signal_etcd(&self, signal: Signal) {
        let pid = self.etcd.as_ref().expect("etcd runs").0.id();
        kill(Pid::from_raw(pid.try_into().unwrap()), signal).unwrap();
    }

    /// Runs etcdctl against its etcd.
    ///
    /// # Panics
    ///
    /// When it fails.
    pub fn etcdctl(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(self.programs.etcd.join("etcdctl"));
        command.args(["--endpoints", &self.etcd_url]).args(arguments);
        output(command)
    }

    /// Saves what etcd holds, for [`restore`](Self::restore).
    pub fn save(&self) -> PathBuf {
        let path = self.folder.path().join("snapshot.db");
        self.etcdctl(&["snapshot", "save", path.to_str().unwrap()]);
        path
    }

    /// Ends both, puts what was saved in the place of what etcd holds, and starts both again: versions go back.
    pub async fn restore(&mut self, saved: &Path) {
        self.apiserver = None;
        self.etcd = None;
        let mut command = Command::new(self.programs.etcd.join("etcdutl"));
        let folder = self.folder.path().join("restored");
        command.args(["snapshot", "restore"]).arg(saved).arg("--data-dir").arg(&folder);
        output(command);
        self.start_etcd("restored").unwrap_or_else(|error| panic!("{error}"));
        self.start_apiserver().await;
    }

    /// Makes the server a new certificate of the same authority; it reads it again by itself.
    pub fn write_server_certificate(&self) {
        let serving = self.authority.server().unwrap();
        self.write("server.pem", &serving.certificate_pem);
        self.write("server.key", &serving.key_pem);
    }

    fn start_etcd(&mut self, data: &str) -> Result<(), StartError> {
        let peer = &self.peer_url;
        let mut command = Command::new(self.programs.etcd.join("etcd"));
        command
            .arg("--data-dir")
            .arg(self.folder.path().join(data))
            .args(["--listen-client-urls", &self.etcd_url])
            .args(["--advertise-client-urls", &self.etcd_url])
            .args(["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer])
            .args(["--initial-cluster", &format!("default={peer}")])
            .arg("--unsafe-no-fsync");
        self.etcd = Some(spawn(command, &self.folder.path().join("etcd.log"))?);
        Ok(())
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Asks until it is ready, and until the namespace is there that everything starts from.
    async fn ready(&mut self) -> Result<(), StartError> {
        let endpoint = self.endpoint();
        let mut ask = tokio::time::interval(ASK);
        for target in ["/readyz", "/api/v1/namespaces/default"] {
            loop {
                self.still_runs()?;
                let answer = endpoint.get(target, "application/json");
                tokio::pin!(answer);
                // Another program may hold the port and say nothing.
                let answer = loop {
                    tokio::select! {
                        answer = &mut answer => break answer,
                        _ = ask.tick() => self.still_runs()?,
                    }
                };
                if answer.is_ok_and(|reply| reply.status == 200) {
                    break;
                }
                ask.tick().await;
            }
        }
        Ok(())
    }

    fn still_runs(&mut self) -> Result<(), StartError> {
        let processes = [("etcd", &mut self.etcd), ("kube-apiserver", &mut self.apiserver)];
        let ended = processes.into_iter().find_map(|(what, process)| {
            let ended = process.as_mut().is_none_or(|it| it.0.try_wait().unwrap().is_some());
            ended.then_some(what)
        });
        match ended {
            Some(what) => Err(StartError::Ended { what, logs: self.log_ends() }),
            None => Ok(()),
        }
    }

    fn log_ends(&self) -> String {
        let logs = ["etcd.log", "kube-apiserver.log"].map(|name| {
            let text = std::fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            let last = lines.get(lines.len().saturating_sub(15)..).unwrap_or_default();
            format!("--- {name}\n{}\n", last.join("\n"))
        });
        logs.concat()
    }
}
