//! A kube-apiserver with one Pod, and agents that run in it one after the other.

use std::path::PathBuf;

use dubbo_k8s_codec::{ANNOTATION, Annotation};
use dubbo_k8s_tests::agent::Agent;
use dubbo_k8s_tests::apiserver::{Options, Verb};
use dubbo_k8s_tests::cluster::Cluster;
use dubbo_k8s_tests::program::Running;
use serde_json::{Value, json};

/// The address of the Pod.
pub(crate) const IP: &str = "10.244.0.7";

/// The annotation in which the agent finds again what it has written.
pub(crate) const LEASES: &str = "dubbo.io/agent";

pub(crate) struct Rig {
    pub(crate) cluster: Cluster,
}

impl Rig {
    /// A server with the Pod `user-0` in the namespace `shop`, which carries nothing.
    pub(crate) async fn start() -> Self {
        let cluster = Cluster::start(Options::default(), "shop").await.unwrap();
        let pod = json!({
            "metadata": {"namespace": "shop", "name": "user-0", "annotations": {"team": "a"}},
            "status": {"phase": "Running", "podIP": IP, "podIPs": [{"ip": IP}],
                "conditions": [{"type": "Ready", "status": "True"}]},
        });
        cluster.server.store().create(pod).unwrap();
        Self { cluster }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.cluster.path("agent.sock")
    }

    /// An agent of the Pod that listens.
    pub(crate) fn agent(&self, arguments: &[&str]) -> Agent {
        Agent::start(self.cluster.kubeconfig(), ["shop", "user-0"], &self.socket(), arguments)
    }

    /// Starts one, which may end at once.
    pub(crate) fn start_agent(&self, arguments: &[&str]) -> Running {
        Agent::begin(self.cluster.kubeconfig(), ["shop", "user-0"], &self.socket(), arguments)
    }

    /// Starts one at a loopback address.
    pub(crate) fn start_on(&self, address: &str) -> Running {
        let mut command = self.cluster.command(&["agent", "--bind", address]);
        command.env("HOSTNAME", "user-0").env("NAMESPACE", "shop");
        Running::start(command)
    }

    pub(crate) fn annotations(&self) -> Value {
        self.cluster.server.store().pod("shop", "user-0").unwrap()["metadata"]["annotations"].take()
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
        self.cluster.server.requests().count(Verb::Patch)
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
