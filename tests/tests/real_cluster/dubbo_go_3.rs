//! dubbo-go 3.3 beside an agent in each Pod, dubbo-rust and dubbo-go 1.5.9, all in one namespace: calls go on while a
//! provider is scaled away, is not ready or is killed, and while agents are killed and started again.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use dubbo_k8s_codec::{ANNOTATION, Annotation, query_escape};
use dubbo_k8s_tests::agent::Agent;
use dubbo_k8s_tests::control_plane::{ControlPlane, free_port};
use dubbo_k8s_tests::program::{Running, bare};
use dubbo_k8s_tests::skip;
use serde_json::{Value, json};

use crate::cluster::{Cluster, Namespace};
use crate::dubbo_go::Interop;
use crate::dubbo_rust::{self, ready};
use crate::scenarios::pod;

/// The Pods, each with an address of its own, at which its processes listen.
const PODS: [(&str, &str); 8] = [
    ("go-a", "127.33.0.1"),
    ("go-b", "127.33.0.2"),
    ("go-c", "127.33.0.3"),
    ("go-d", "127.33.0.4"),
    ("go-consumer", "127.33.0.5"),
    ("for-rust", "127.33.0.6"),
    ("rust", RUST),
    ("old", OLD),
];
const RUST: &str = "127.33.0.7";
const OLD: &str = "127.33.0.8";

/// So many calls in a row pass over one of two providers once in 2^40.
const ENOUGH: usize = 40;

/// More calls than any change takes.
const TOO_MANY: usize = 10_000;

/// What dubbo-rust 0.4 asks for in each call, whatever it was told.
const OF_DUBBO_RUST: [&str; 2] = ["cluster", "dubbo-rust/0.1.0"];

pub(crate) async fn run_all(server: &ControlPlane, cluster: &Cluster) {
    let Some(program) = program() else { return };
    let namespace = cluster.namespace("dubbo-go-3").await;
    let site = Site { program, server, namespace: &namespace };
    for (name, ip) in PODS {
        let mut plain = pod(name, None);
        plain["metadata"]["labels"] = json!({});
        namespace.run(&plain, &[ip]).await;
        ready(&namespace, name, true).await;
    }
    let agent = site.agent("go-consumer");
    let consumer = site.consumer(&agent, "tri");
    calls_follow_providers(&site, &consumer, agent).await;
    languages_call_each_other(&site).await;
    namespace.remove().await;
}

async fn calls_follow_providers(site: &Site<'_>, consumer: &Running, agent: Agent) {
    let (a, b) = (site.provider("go-a", ["", ""]), site.provider("go-b", ["", ""]));
    until_answered_by(consumer, "go-a");
    until_answered_by(consumer, "go-b");

    // Scaled away: the Pod is deleted, and its process is asked to end. No call fails.
    site.namespace.delete_gracefully("go-a").await;
    a.application.end("-TERM");
    until_passed_over(consumer, "go-a");
    assert_eq!(site.registered("go-a").await, 0, "nothing is left behind");

    // Not ready: it still answers, and is not called.
    let c = site.provider("go-c", ["", ""]);
    until_answered_by(consumer, "go-c");
    ready(site.namespace, "go-b", false).await;
    until_passed_over(consumer, "go-b");
    ready(site.namespace, "go-b", true).await;
    until_answered_by(consumer, "go-b");

    // Killed: its record stays until the kubelet reports the end. dubbo-go tries a call again once, with another provider.
    drop(c.application);
    site.namespace.report("go-c", &json!({"phase": "Failed"})).await;
    until_passed_over(consumer, "go-c");

    // Agents are killed: calls go on, and what was registered is registered.
    let [consumers, before] = [site.registered("go-consumer").await, site.registered("go-b").await];
    assert_eq!([consumers, before], [1, 1]);
    agent.end("-KILL");
    b.agent.end("-KILL");
    (0..ENOUGH).for_each(|_| drop(answered_by(consumer)));
    let agent = site.agent("go-consumer");
    let of_b = site.agent("go-b");
    of_b.running.says("took over 1 registration of an earlier agent");
    assert_eq!(site.registered("go-b").await, 1, "nothing is lost");
    let d = site.provider("go-d", ["", ""]);
    until_answered_by(consumer, "go-d");
    until_answered_by(consumer, "go-b");
    d.application.end("-TERM");
    until_passed_over(consumer, "go-d");
    assert_eq!(site.registered("go-d").await, 0, "nothing is left behind");
    b.application.end("-TERM");
    assert_eq!(site.registered("go-b").await, 0, "nor by the agent that came later");
    drop((agent, of_b));
}

async fn languages_call_each_other(site: &Site<'_>) {
    let agent = site.agent("go-consumer");
    if let Some(programs) = dubbo_rust::programs() {
        let rust = Rust { programs, site };
        let _provider = rust.provider();
        let consumer = site.consumer(&agent, "tri");
        until_answered_by(&consumer, "rust");
        let _go = site.provider("for-rust", OF_DUBBO_RUST);
        until_answered_by(&rust.consumer(), "for-rust");
    }
    if let Some(interop) = Interop::find() {
        let port = free_port();
        let url = format!(
            "dubbo://{OLD}:{port}/com.example.Greeter?interface=com.example.Greeter&side=provider"
        );
        let mut command = interop.in_pod(site.server, "old", &["serve", "old", &url]);
        command.env("NAMESPACE", &site.namespace.name).env("DUBBO_NAMESPACE", "");
        let old = Running::start(command);
        while !old.line().starts_with("registered ") {}
        let consumer = site.consumer(&agent, "dubbo");
        until_answered_by(&consumer, "old");
    }
}

/// Where the processes are, and what they share.
struct Site<'a> {
    program: PathBuf,
    server: &'a ControlPlane,
    namespace: &'a Namespace<'a>,
}

/// A provider of dubbo-go 3.3 and the agent of its Pod.
struct Provider {
    application: Running,
    agent: Agent,
}

impl Site<'_> {
    /// The agent of a Pod.
    fn agent(&self, pod: &str) -> Agent {
        let socket = self.server.folder().join(format!("{pod}.sock"));
        let arguments = ["--ready-only", "--address", "127.0.0.0/8"];
        Agent::start(self.server.kubeconfig(), [&self.namespace.name, pod], &socket, &arguments)
    }

    /// A provider that is registered, in its Pod.
    fn provider(&self, pod: &str, [group, version]: [&str; 2]) -> Provider {
        let agent = self.agent(pod);
        let (_, host) = PODS.into_iter().find(|(name, _)| *name == pod).unwrap();
        let mut command = self.command("provider", &agent);
        command.args(["--name", pod, "--host", host, "--port", &free_port().to_string()]);
        command.args(["--group", group, "--version", version]);
        let application = Running::start(command);
        while application.line() != "ready" {}
        Provider { application, agent }
    }

    /// A consumer that calls without an end.
    fn consumer(&self, agent: &Agent, protocol: &str) -> Running {
        let mut command = self.command("consumer", agent);
        // A call that finds no provider yet is waited for by the one that reads.
        command.args(["--protocol", protocol, "--timeout-ms", "10000", "--await-first"]);
        Running::start(command)
    }

    fn command(&self, role: &str, agent: &Agent) -> Command {
        let mut command = bare(&self.program);
        command.arg(role).arg("--registry");
        command.arg(format!("kubernetes://{}", agent.socket().display()));
        // Its input ends with this process, and the program with its input.
        command.stdin(Stdio::piped());
        command
    }

    /// How many records a Pod carries.
    async fn registered(&self, pod: &str) -> usize {
        let pod = self.namespace.pod(pod).await;
        let value = pod["metadata"]["annotations"][ANNOTATION].as_str();
        value.map_or(0, |value| Annotation::decode(value).unwrap().records().count())
    }
}

/// dubbo-rust in the same namespace.
struct Rust<'a> {
    programs: PathBuf,
    site: &'a Site<'a>,
}

impl Rust<'_> {
    fn provider(&self) -> Running {
        let mut command = self.command("greet_provider", "");
        let port = free_port().to_string();
        command.args(["--name", "rust", "--host", RUST, "--port", &port]);
        command.env("HOSTNAME", "rust").env("NAMESPACE", &self.site.namespace.name);
        let provider = Running::start(command);
        assert!(provider.line().starts_with("ready "));
        provider
    }

    fn consumer(&self) -> Running {
        let [group, version] = OF_DUBBO_RUST.map(|text| query_escape(text).into_owned());
        let service = format!("&service-group={group}&service-version={version}");
        Running::start(self.command("greet_consumer", &service))
    }

    fn command(&self, program: &str, parameters: &str) -> Command {
        let path = self.site.server.kubeconfig().to_str().unwrap();
        let (kubeconfig, namespace) = (query_escape(path), &self.site.namespace.name);
        let mut command = bare(self.programs.join(program));
        command.arg("--registry").arg(format!(
            "kubernetes://?kubeconfig={kubeconfig}&namespace={namespace}&address=127.0.0.0/8{parameters}"
        ));
        command
    }
}

/// Reads calls, of which none may fail, up to one that this provider answered.
fn until_answered_by(consumer: &Running, name: &str) {
    let answered = (0..TOO_MANY).any(|_| answered_by(consumer) == name);
    assert!(answered, "{name} is not called");
}

/// Reads calls, of which none may fail, until so many in a row were answered by others that this one is no longer called.
fn until_passed_over(consumer: &Running, name: &str) {
    let mut in_a_row = 0;
    for _ in 0..TOO_MANY {
        in_a_row = if answered_by(consumer) == name { 0 } else { in_a_row + 1 };
        if in_a_row == ENOUGH {
            return;
        }
    }
    panic!("{name} is still called");
}

/// Who answered the next call. What dubbo-go logs is passed over.
fn answered_by(consumer: &Running) -> String {
    loop {
        let line = consumer.line();
        if line.starts_with('{') {
            let call: Value = serde_json::from_str(&line).unwrap();
            assert_eq!(call["ok"], true, "{call}");
            return call["from"].as_str().unwrap().to_owned();
        }
    }
}

/// The program, or why this test cannot run.
fn program() -> Option<PathBuf> {
    let folder = std::env::var_os("INTEROP33").filter(|folder| !folder.is_empty());
    if folder.is_none() {
        let way =
            "INTEROP33 is not set: with Go 1.26 or newer `cargo xtask test` builds it and sets it";
        skip::missing("a real dubbo-go 3.3", way);
    }
    folder.map(|folder| PathBuf::from(folder).join("interop33"))
}
