//! Processes of dubbo-go 3.3, dubbo-rust and dubbo-go 1.5.9, each in a Pod of one namespace and at its Pod's address: those
//! of dubbo-go 3.3 beside a real agent.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use dubbo_k8s_codec::{ANNOTATION, Annotation, query_escape};
use dubbo_k8s_tests::agent::Agent;
use dubbo_k8s_tests::control_plane::{ControlPlane, free_port};
use dubbo_k8s_tests::program::{Running, bare};
use serde_json::json;

use crate::cluster::Namespace;
use crate::dubbo_go::Interop;

/// The Pods, each with an address of its own, at which its processes listen.
pub(crate) const PODS: [(&str, &str); 9] = [
    ("go-a", "127.33.0.1"),
    ("go-b", "127.33.0.2"),
    ("go-c", "127.33.0.3"),
    ("go-d", "127.33.0.4"),
    ("go-consumer", "127.33.0.5"),
    ("for-rust", "127.33.0.6"),
    ("rust", RUST),
    ("old", OLD),
    ("new", "127.33.0.9"),
];
const RUST: &str = "127.33.0.7";
const OLD: &str = "127.33.0.8";

/// What dubbo-rust 0.4 asks for in each call, whatever its configuration.
pub(crate) const OF_DUBBO_RUST: [&str; 2] = ["cluster", "dubbo-rust/0.1.0"];

/// Where the processes are, and what they share.
pub(crate) struct Site<'a> {
    pub(crate) program: PathBuf,
    pub(crate) server: &'a ControlPlane,
    pub(crate) namespace: &'a Namespace<'a>,
}

/// A provider of dubbo-go 3.3 and the agent of its Pod.
pub(crate) struct Provider {
    pub(crate) application: Running,
    pub(crate) agent: Agent,
}

impl Site<'_> {
    /// The agent of a Pod.
    pub(crate) fn agent(&self, pod: &str) -> Agent {
        self.agent_with(pod, &[])
    }

    fn agent_with(&self, pod: &str, arguments: &[&str]) -> Agent {
        let socket = self.server.folder().join(format!("{pod}.sock"));
        let arguments = [&["--ready-only", "--address", "127.33.0.0/16"], arguments].concat();
        Agent::start(self.server.kubeconfig(), [&self.namespace.name, pod], &socket, &arguments)
    }

    /// A provider that is registered, in its Pod.
    pub(crate) fn provider(&self, pod: &str, [group, version]: [&str; 2]) -> Provider {
        self.provider_with(pod, &[], &["--group", group, "--version", version])
    }

    /// The same, with arguments of the agent and of the provider.
    pub(crate) fn provider_with(&self, pod: &str, of_agent: &[&str], own: &[&str]) -> Provider {
        let agent = self.agent_with(pod, of_agent);
        let (_, host) = PODS.into_iter().find(|(name, _)| *name == pod).unwrap();
        let mut command = self.command("provider", &agent);
        command.args(["--name", pod, "--host", host, "--port", &free_port().to_string()]);
        command.args(own);
        let application = Running::start(command);
        while application.line() != "ready" {}
        Provider { application, agent }
    }

    /// How a provider ends that names an address which is not its Pod's: its status, and what it says.
    pub(crate) fn stray(&self, agent: &Agent) -> (Option<i32>, String) {
        let mut command = self.command("provider", agent);
        command.args(["--name", "stray", "--host", "127.34.0.1"]);
        command.args(["--port", &free_port().to_string()]);
        let stray = Running::start(command);
        let said: Vec<_> = std::iter::from_fn(|| stray.next_line()).collect();
        (stray.ended().status, said.join("\n"))
    }

    /// A consumer that calls without an end.
    pub(crate) fn consumer(&self, agent: &Agent, protocol: &str) -> Running {
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
    pub(crate) async fn registered(&self, pod: &str) -> usize {
        let pod = self.namespace.pod(pod).await;
        let value = pod["metadata"]["annotations"][ANNOTATION].as_str();
        value.map_or(0, |value| Annotation::decode(value).unwrap().records().count())
    }
}

/// dubbo-rust in the same namespace.
pub(crate) struct Rust<'a> {
    pub(crate) programs: PathBuf,
    pub(crate) site: &'a Site<'a>,
}

impl Rust<'_> {
    pub(crate) fn provider(&self) -> Running {
        let mut command = self.command("greet_provider", "");
        let port = free_port().to_string();
        command.args(["--name", "rust", "--host", RUST, "--port", &port]);
        command.env("HOSTNAME", "rust").env("NAMESPACE", &self.site.namespace.name);
        let provider = Running::start(command);
        assert!(provider.line().starts_with("ready "));
        provider
    }

    pub(crate) fn consumer(&self) -> Running {
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

/// dubbo-go 1.5.9 in the same namespace.
pub(crate) struct Old<'a> {
    pub(crate) interop: Interop,
    pub(crate) site: &'a Site<'a>,
}

impl Old<'_> {
    pub(crate) fn provider(&self) -> Running {
        let port = free_port();
        let provider = self.start(&[
            "serve",
            "old",
            &format!("dubbo://{OLD}:{port}/com.example.Greeter?interface=com.example.Greeter&side=provider"),
        ]);
        while !provider.line().starts_with("registered ") {}
        provider
    }

    /// Whether a consumer calls this provider. One that subscribes while dubbo-go 1.5.9 reads its first list may block for
    /// ever: it is started again, as its users do.
    pub(crate) fn calls(&self, name: &str) -> bool {
        let wanted = json!({"from": name}).to_string();
        let url = format!(
            "dubbo://{OLD}/com.example.Greeter?interface=com.example.Greeter&side=consumer&category=providers"
        );
        (0..5).any(|_| {
            let consumer = self.start(&["call", &url]);
            std::iter::from_fn(|| consumer.next_line()).any(|line| line == wanted)
        })
    }

    fn start(&self, arguments: &[&str]) -> Running {
        let mut command = self.interop.in_pod(self.site.server, "old", arguments);
        let namespace = &self.site.namespace.name;
        command.env("NAMESPACE", namespace).env("DUBBO_NAMESPACE", namespace);
        Running::start(command)
    }
}
