//! A real control plane without nodes: etcd and kube-apiserver from a folder of binaries (as
//! `setup-envtest` brings them), with certificates and a token of their own. Stopped when dropped.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use dubbo_k8s_tests::apiserver::{Authority, kubeconfig};
use dubbo_k8s_tests::raw::Endpoint;
use tempfile::TempDir;

/// How long a kube-apiserver may take to become ready, and how often it is asked.
const START: Duration = Duration::from_mins(2);
const ASK: Duration = Duration::from_millis(250);

const TOKEN: &str = "token-of-the-suite";

pub(crate) struct ControlPlane {
    // In the order in which they are stopped.
    apiserver: Process,
    etcd: Process,
    folder: TempDir,
    kubeconfig: PathBuf,
}

impl ControlPlane {
    pub(crate) async fn start(assets: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let etcd_url = format!("http://127.0.0.1:{}", free_port());
        let etcd = start_etcd(assets, folder.path(), &etcd_url);
        let port = free_port();
        let authority = Authority::new().unwrap();
        let apiserver = start_apiserver(assets, folder.path(), &etcd_url, port, &authority);
        let url = format!("https://127.0.0.1:{port}");
        let path = folder.path().join("kubeconfig");
        std::fs::write(&path, kubeconfig(&url, Some(&authority.pem()), TOKEN, "default")).unwrap();
        let mut control_plane = Self { apiserver, etcd, folder, kubeconfig: path };
        let endpoint = Endpoint::new(&url, Some(&authority.pem()), Some(TOKEN), None).unwrap();
        let ready = tokio::time::timeout(START, control_plane.ready(&endpoint)).await;
        assert!(ready.is_ok(), "not ready in time:\n{}", control_plane.last_words());
        control_plane
    }

    pub(crate) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Asks until it is ready, and until the namespace is there that everything starts from.
    async fn ready(&mut self, endpoint: &Endpoint) {
        let mut ask = tokio::time::interval(ASK);
        for target in ["/readyz", "/api/v1/namespaces/default"] {
            loop {
                ask.tick().await;
                let ended = [&mut self.etcd, &mut self.apiserver]
                    .map(|process| process.0.try_wait().unwrap().is_some());
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

fn start_etcd(assets: &Path, folder: &Path, url: &str) -> Process {
    let peer = format!("http://127.0.0.1:{}", free_port());
    let mut command = Command::new(assets.join("etcd"));
    command
        .arg("--data-dir")
        .arg(folder.join("etcd"))
        .args(["--listen-client-urls", url, "--advertise-client-urls", url])
        .args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer])
        .args(["--initial-cluster", &format!("default={peer}")])
        .arg("--unsafe-no-fsync");
    spawn(command, &folder.join("etcd.log"))
}

fn start_apiserver(
    assets: &Path,
    folder: &Path,
    etcd_url: &str,
    port: u16,
    authority: &Authority,
) -> Process {
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let serving = authority.server().unwrap();
    // A key pair for the tokens of service accounts, which nobody here has.
    let accounts = authority.client("service-accounts").unwrap();
    let flags = [
        ("etcd-servers", etcd_url.to_owned()),
        ("bind-address", "127.0.0.1".to_owned()),
        ("secure-port", port.to_string()),
        ("cert-dir", folder.join("certificates").to_str().unwrap().to_owned()),
        ("tls-cert-file", write("server.pem", &serving.certificate_pem)),
        ("tls-private-key-file", write("server.key", &serving.key_pem)),
        ("client-ca-file", write("ca.pem", &authority.pem())),
        ("token-auth-file", write("tokens.csv", &format!("{TOKEN},suite,suite,system:masters\n"))),
        ("authorization-mode", "RBAC".to_owned()),
        ("service-account-issuer", "https://kubernetes.default.svc".to_owned()),
        ("service-account-key-file", write("accounts.pub", &accounts.public_key_pem)),
        ("service-account-signing-key-file", write("accounts.key", &accounts.key_pem)),
        ("service-cluster-ip-range", "10.0.0.0/24".to_owned()),
        // There is no controller that would make the service accounts of a new namespace.
        ("disable-admission-plugins", "ServiceAccount".to_owned()),
    ];
    let mut command = Command::new(assets.join("kube-apiserver"));
    command.args(flags.map(|(name, value)| format!("--{name}={value}")));
    spawn(command, &folder.join("kube-apiserver.log"))
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
