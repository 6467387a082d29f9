//! A provider and a consumer of dubbo-rust, each a process in its Pod: Triple calls go on while a provider leaves, is
//! not ready, or is killed.

use std::path::{Path, PathBuf};
use std::process::Command;

use dubbo_k8s_codec::query_escape;
use dubbo_k8s_tests::control_plane::free_port;
use dubbo_k8s_tests::program::{Running, bare};
use dubbo_k8s_tests::skip;
use dubbo_k8s_tests::triple::{Call, Connection};
use serde_json::{Value, json};

use crate::cluster::{Cluster, Namespace};
use crate::scenarios::pod;

pub(crate) async fn run_all(kubeconfig: &Path, cluster: &Cluster) {
    let Some(programs) = programs() else { return };
    let namespace = cluster.namespace("dubbo-rust").await;
    for name in ["one", "two"] {
        let mut plain = pod(name, None);
        plain["metadata"]["labels"] = json!({});
        namespace.run(&plain, &["127.0.0.1"]).await;
        ready(&namespace, name, true).await;
    }
    let site = Site { programs, kubeconfig, namespace: &namespace };
    let mut providers = [("one", site.provider("one").await), ("two", site.provider("two").await)];

    // All calls of a dubbo-rust 0.4 go to one provider, until that leaves its list.
    let consumer = site.consumer();
    let used = answered(&consumer, |_| true, 1);
    providers.sort_by_key(|(name, _)| *name != used);
    let [(first, leaves), (second, stays)] = providers;

    // Scaled away: it leaves the registry, then it stops to answer. No call fails, none is tried again.
    leaves.signal("-TERM");
    assert_eq!(leaves.line(), "left");
    answered(&consumer, |from| from == second, 1);
    drop(leaves);
    answered(&consumer, |from| from == second, 1);

    // It comes back, and the other is not ready. That one still answers: calls go elsewhere because the registry changed.
    let back = site.provider(first).await;
    ready(&namespace, second, false).await;
    answered(&consumer, |from| from == first, 1);
    ready(&namespace, second, true).await;

    // Killed: its record stays until the kubelet reports the end. A call is tried again at most once.
    let used = answered(&consumer, |_| true, 1);
    let mut providers = [(first, back), (second, stays)];
    providers.sort_by_key(|(name, _)| *name != used);
    let [(first, killed), (second, _stays)] = providers;
    drop(killed);
    namespace.report(first, &json!({"phase": "Failed"})).await;
    answered(&consumer, |from| from == second, 2);
    answered(&consumer, |from| from == second, 1);

    drop(consumer);
    namespace.remove().await;
}

/// Where the processes are, and what they share.
struct Site<'a> {
    programs: PathBuf,
    kubeconfig: &'a Path,
    namespace: &'a Namespace<'a>,
}

impl Site<'_> {
    /// A provider that is registered and answers: dubbo-rust's consumer, and any client of gRPC.
    async fn provider(&self, name: &str) -> Running {
        let port = free_port();
        let mut command = self.command("greet_provider");
        command.args(["--name", name, "--host", "127.0.0.1", "--port", &port.to_string()]);
        // It answers until the test ends it.
        command.args(["--drain-ms", "600000"]);
        command.env("HOSTNAME", name).env("NAMESPACE", &self.namespace.name);
        let provider = Running::start(command);
        let url = format!("tri://127.0.0.1:{port}/greet.GreetService?interface=greet.GreetService");
        assert_eq!(provider.line(), format!("ready {url}&side=provider"));
        let mut connection = Connection::open(([127, 0, 0, 1], port).into()).await.unwrap();
        let answer = connection.call(&Call::new("greet.GreetService", "Greet")).await.unwrap();
        assert_eq!(answer.grpc_status(), Some("0"), "{answer:?}");
        assert_eq!(answer.body.strip_prefix(&[0, 0, 0, 0, 5, 10, 3]), Some(name.as_bytes()));
        provider
    }

    /// A consumer that calls without an end.
    fn consumer(&self) -> Running {
        let mut command = self.command("greet_consumer");
        // Long enough for the kubelet's report, on a machine that is busy with other tests.
        command.args(["--retry-after-ms", "2000", "--timeout-ms", "30000"]);
        Running::start(command)
    }

    fn command(&self, program: &str) -> Command {
        let kubeconfig = query_escape(self.kubeconfig.to_str().unwrap()).into_owned();
        let namespace = &self.namespace.name;
        let mut command = bare(self.programs.join(program));
        command.arg("--registry").arg(format!(
            "kubernetes://?kubeconfig={kubeconfig}&namespace={namespace}&address=127.0.0.0/8"
        ));
        command
    }
}

/// Reads the calls of a consumer up to one that was answered by whom is `wanted`. None may fail, and none may take more
/// attempts.
fn answered(consumer: &Running, wanted: impl Fn(&str) -> bool, attempts: u64) -> String {
    loop {
        let call: Value = serde_json::from_str(&consumer.line()).unwrap();
        assert_eq!(call["ok"], true, "{call}");
        assert!(call["attempts"].as_u64().unwrap() <= attempts, "{call}");
        let from = call["from"].as_str().unwrap();
        if wanted(from) {
            return from.to_owned();
        }
    }
}

/// What a kubelet reports of a readiness probe.
pub(crate) async fn ready(namespace: &Namespace<'_>, pod: &str, is: bool) {
    let status = if is { "True" } else { "False" };
    namespace.report(pod, &json!({"conditions": [{"type": "Ready", "status": status}]})).await;
}

/// The folder with the programs, or why this test cannot run.
pub(crate) fn programs() -> Option<PathBuf> {
    let folder = std::env::var_os("DUBBO_RUST").filter(|folder| !folder.is_empty());
    if folder.is_none() {
        skip::missing(
            "a real dubbo-rust",
            "DUBBO_RUST is not set: `cargo xtask test` builds its programs and sets it",
        );
    }
    folder.map(Into::into)
}
