//! One server, a folder with a kubeconfig for it, and clients made from that.

use std::{fs, path::PathBuf, time::Duration};

use dubbo_k8s_engine::{Request, TransportError, Verb};
use dubbo_k8s_registry::kube::{
    Client, Event,
    config::{Config, Environment, Overrides},
};
use dubbo_k8s_tests::apiserver::{Grant, Options, Server};
use dubbo_k8s_tests::program::{Ran, bare, dubbo_watcher, run};
use tempfile::TempDir;

/// Nothing here takes that long; a test that waits longer has failed.
const TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) struct Rig {
    pub(crate) server: Server,
    folder: TempDir,
}

impl Rig {
    pub(crate) async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    pub(crate) async fn start_with(options: Options) -> Self {
        let server = Server::start(options).await.unwrap();
        server.access().grant(Grant::all("ada"));
        Self { server, folder: tempfile::tempdir().unwrap() }
    }

    /// Writes a file beside the kubeconfig.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes the kubeconfig: fields of the cluster entry besides `ca.crt`, and the user entry,
    /// both YAML in flow style.
    pub(crate) fn kubeconfig(&self, cluster: &str, user: &str) {
        self.write("ca.crt", &self.server.ca_pem());
        self.write(
            "kubeconfig",
            &format!(
                "current-context: x\n\
                 contexts: [{{name: x, context: {{cluster: c, user: u, namespace: shop}}}}]\n\
                 clusters: [{{name: c, cluster: {{certificate-authority: ca.crt, {cluster}}}}}]\n\
                 users: [{{name: u, user: {user}}}]\n"
            ),
        );
    }

    /// `server: …` of the scripted server, for [`Self::kubeconfig`].
    pub(crate) fn here(&self) -> String {
        format!("server: '{}'", self.server.url())
    }

    /// `{token: …}` of its admin.
    pub(crate) fn admin(&self) -> String {
        format!("{{token: {}}}", self.server.token())
    }

    pub(crate) fn config(&self, variables: &[(&str, &str)]) -> Config {
        let kubeconfig = Some(self.path("kubeconfig"));
        let overrides = Overrides { kubeconfig, ..Overrides::default() };
        Config::load(&overrides, &Environment::empty(variables.iter().copied())).unwrap()
    }

    /// Runs the program with the kubeconfig, to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = bare(dubbo_watcher());
        command.args(arguments).arg("--kubeconfig").arg(self.path("kubeconfig"));
        command.env("PATH", "/usr/bin:/bin"); // a plugin is a script
        run(command).await
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.config(&[])).unwrap()
    }
}

/// A request for the Pods of `shop`.
pub(crate) fn list() -> Request {
    Request {
        verb: Verb::List,
        target: "/api/v1/namespaces/shop/pods".to_owned(),
        accept: "application/json",
        gzip: false,
        content_type: None,
        body: Vec::new(),
        deadline: TIMEOUT,
    }
}

/// Asks for the Pods: the status of the answer.
pub(crate) async fn ask(client: &mut Client, now: Duration) -> Result<u16, TransportError> {
    let mut exchange = client.send(now, list());
    let answer = async {
        let mut answered = 0;
        loop {
            match exchange.next().await {
                Some(Event::Head { status, .. }) => answered = status,
                Some(Event::Chunk(_)) => {}
                Some(Event::Failed(error)) => return Err(error),
                Some(Event::End) | None => return Ok(answered),
            }
        }
    };
    tokio::time::timeout(TIMEOUT, answer).await.expect("in time")
}
