//! A real control plane without nodes: etcd and kube-apiserver, with certificates and a token of their own, in a
//! folder of their own. What can happen to one is a method. It must never outlive its value: dropped, it has ended.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::apiserver::{Authority, kubeconfig};
use crate::raw::Endpoint;

/// How long a kube-apiserver may take to become ready, and how often it is asked.
const START: Duration = Duration::from_mins(2);
const ASK: Duration = Duration::from_millis(250);

const TOKEN: &str = "token-of-the-suite";

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

/// A running control plane.
pub struct ControlPlane {
    // In the order in which they are stopped.
    apiserver: Option<Process>,
    etcd: Option<Process>,
    programs: Programs,
    authority: Authority,
    etcd_url: String,
    port: u16,
    /// Flags of kube-apiserver beyond the usual ones.
    flags: Vec<String>,
    kubeconfig: PathBuf,
    folder: TempDir,
}

impl ControlPlane {
    /// Starts one and waits until it is ready.
    ///
    /// # Panics
    ///
    /// When it cannot be started or does not get ready, with the ends of its logs.
    pub async fn start(programs: &Programs, flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let etcd_url = format!("http://127.0.0.1:{}", free_port());
        let port = free_port();
        let authority = Authority::new().unwrap();
        let path = folder.path().join("kubeconfig");
        let url = format!("https://127.0.0.1:{port}");
        std::fs::write(&path, kubeconfig(&url, Some(&authority.pem()), TOKEN, "default")).unwrap();
        let mut control_plane = Self {
            apiserver: None,
            etcd: None,
            programs: programs.clone(),
            authority,
            etcd_url,
            port,
            flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
            kubeconfig: path,
            folder,
        };
        control_plane.write_server_certificate();
        control_plane.start_etcd("etcd");
        control_plane.start_apiserver().await;
        control_plane
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
        let mut command = Command::new(self.programs.kube_apiserver.join("kube-apiserver"));
        command.args(self.apiserver_flags());
        self.apiserver = Some(spawn(command, &self.folder.path().join("kube-apiserver.log")));
        let ready = tokio::time::timeout(START, self.ready()).await;
        assert!(ready.is_ok(), "not ready in time:\n{}", self.last_words());
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
        self.start_etcd("restored");
        self.start_apiserver().await;
    }

    /// Makes the server a new certificate of the same authority; it reads it again by itself.
    pub fn write_server_certificate(&self) {
        let serving = self.authority.server().unwrap();
        self.write("server.pem", &serving.certificate_pem);
        self.write("server.key", &serving.key_pem);
    }

    fn start_etcd(&mut self, data: &str) {
        let peer = format!("http://127.0.0.1:{}", free_port());
        let mut command = Command::new(self.programs.etcd.join("etcd"));
        command
            .arg("--data-dir")
            .arg(self.folder.path().join(data))
            .args(["--listen-client-urls", &self.etcd_url])
            .args(["--advertise-client-urls", &self.etcd_url])
            .args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer])
            .args(["--initial-cluster", &format!("default={peer}")])
            .arg("--unsafe-no-fsync");
        self.etcd = Some(spawn(command, &self.folder.path().join("etcd.log")));
    }

    fn apiserver_flags(&self) -> Vec<String> {
        // A key pair for the tokens of service accounts, made once.
        if !self.folder.path().join("accounts.key").exists() {
            let accounts = self.authority.client("service-accounts").unwrap();
            self.write("accounts.pub", &accounts.public_key_pem);
            self.write("accounts.key", &accounts.key_pem);
        }
        let path = |name: &str| self.folder.path().join(name).to_str().unwrap().to_owned();
        let flags = [
            ("etcd-servers", self.etcd_url.clone()),
            ("bind-address", "127.0.0.1".to_owned()),
            ("secure-port", self.port.to_string()),
            ("cert-dir", path("certificates")),
            ("tls-cert-file", path("server.pem")),
            ("tls-private-key-file", path("server.key")),
            ("client-ca-file", self.write("ca.pem", &self.authority.pem())),
            (
                "token-auth-file",
                self.write("tokens.csv", &format!("{TOKEN},suite,suite,system:masters\n")),
            ),
            ("authorization-mode", "RBAC".to_owned()),
            ("service-account-issuer", "https://kubernetes.default.svc".to_owned()),
            ("service-account-key-file", path("accounts.pub")),
            ("service-account-signing-key-file", path("accounts.key")),
            ("service-cluster-ip-range", "10.0.0.0/24".to_owned()),
            // There is no controller that would make the service accounts of a new namespace.
            ("disable-admission-plugins", "ServiceAccount".to_owned()),
            ("endpoint-reconciler-type", "none".to_owned()),
        ];
        let usual = flags.into_iter().map(|(name, value)| format!("--{name}={value}"));
        usual.chain(self.flags.iter().cloned()).collect()
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Asks until it is ready, and until the namespace is there that everything starts from.
    async fn ready(&mut self) {
        let endpoint = self.endpoint();
        let mut ask = tokio::time::interval(ASK);
        for target in ["/readyz", "/api/v1/namespaces/default"] {
            loop {
                ask.tick().await;
                let ended = [&mut self.etcd, &mut self.apiserver].map(|process| {
                    process.as_mut().is_none_or(|it| it.0.try_wait().unwrap().is_some())
                });
                assert_eq!(ended, [false, false], "ended early:\n{}", self.last_words());
                let answer = endpoint.get(target, "application/json").await;
                if answer.is_ok_and(|reply| reply.status == 200) {
                    break;
                }
            }
        }
    }

    /// The ends of the logs.
    fn last_words(&self) -> String {
        let logs = ["etcd.log", "kube-apiserver.log"].map(|name| {
            let text = std::fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            let last = lines.get(lines.len().saturating_sub(15)..).unwrap_or_default();
            format!("--- {name}\n{}\n", last.join("\n"))
        });
        logs.concat()
    }
}

/// A child that is killed when dropped; it has nothing to save.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn output(mut command: Command) -> String {
    let done = command.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{command:?}: {said}");
    String::from_utf8_lossy(&done.stdout).into_owned()
}

fn spawn(mut command: Command, log: &Path) -> Process {
    let log = std::fs::File::create(log).unwrap();
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
    let program = command.get_program().to_owned();
    Process(command.spawn().unwrap_or_else(|error| panic!("{}: {error}", program.display())))
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
