//! A kube-apiserver with one Pod, and agents that run in it one after the other.

use std::path::PathBuf;

use dubbo_k8s_codec::{ANNOTATION, Annotation};
use dubbo_k8s_tests::agent::Agent;
use dubbo_k8s_tests::apiserver::{Options, Server, Verb};
use dubbo_k8s_tests::program::{self, Running};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The address of the Pod.
pub(crate) const IP: &str = "10.244.0.7";

/// The annotation in which the agent finds again what it has written.
pub(crate) const LEASES: &str = "dubbo.io/agent";

pub(crate) struct Rig {
    pub(crate) server: Server,
    folder: TempDir,
    kubeconfig: PathBuf,
}

impl Rig {
    /// A server with the Pod `user-0` in the namespace `shop`, which carries nothing.
    pub(crate) async fn start() -> Self {
        let server = Server::start(Options::default()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        server.write_kubeconfig_to(&kubeconfig, "shop").unwrap();
        let pod = json!({
            "metadata": {"namespace": "shop", "name": "user-0", "annotations": {"team": "a"}},
            "status": {"phase": "Running", "podIP": IP, "podIPs": [{"ip": IP}],
                "conditions": [{"type": "Ready", "status": "True"}]},
        });
        server.store().create(pod).unwrap();
        Self { server, folder, kubeconfig }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("agent.sock")
    }

    /// An agent of the Pod that listens.
    pub(crate) fn agent(&self, arguments: &[&str]) -> Agent {
        Agent::start(&self.kubeconfig, ["shop", "user-0"], &self.socket(), arguments)
    }

    /// Starts one, which may end at once.
    pub(crate) fn start_agent(&self, arguments: &[&str]) -> Running {
        Agent::begin(&self.kubeconfig, ["shop", "user-0"], &self.socket(), arguments)
    }

    /// Starts one at a loopback address.
    pub(crate) fn start_on(&self, address: &str) -> Running {
        let mut command = program::bare(program::dubbo_watcher());
        command.args(["agent", "--bind", address]).env("KUBECONFIG", &self.kubeconfig);
        command.env("HOSTNAME", "user-0").env("NAMESPACE", "shop");
        Running::start(command)
    }

    pub(crate) fn annotations(&self) -> Value {
        self.server.store().pod("shop", "user-0").unwrap()["metadata"]["annotations"].take()
    }

    /// The URLs in the Pod, in order.
    pub(crate) fn urls(&self) -> Vec<String> {
        let annotations = self.annotations();
        let Some(value) = annotations[ANNOTATION].as_str() else { return Vec::new() };
        let annotation = Annotation::decode(value).unwrap();
        let keys =
            annotation.records().map(|record| dubbo_k8s_codec::Key::parse(record.key).unwrap().url);
        let mut urls: Vec<_> = keys.map(|url| url.unwrap().into_owned()).collect();
        urls.sort();
        urls
    }

    pub(crate) fn patches(&self) -> usize {
        self.server.requests().count(Verb::Patch)
    }
}

/// A provider's URL at the address of the Pod.
pub(crate) fn url(number: usize) -> String {
    format!("dubbo://{IP}:20880/com.example.Service{number}?version=1.0.0")
}

/// Some of them.
pub(crate) fn urls(numbers: impl IntoIterator<Item = usize>) -> Vec<String> {
    numbers.into_iter().map(url).collect()
}
