//! A real dubbo-go 1.5.9 in Pods of its own, both ways: its provider is read here, its consumer is notified of a provider
//! that was registered here. What it never does is shown as well.

use std::process::{Command, Stdio};

use dubbo_k8s_engine::registration::{PodName, RegistrarSettings};
use dubbo_k8s_registry::Registrations;
use dubbo_k8s_registry::kube::Client;
use dubbo_k8s_tests::control_plane::ControlPlane;
use dubbo_k8s_tests::program::Running;
use dubbo_k8s_tests::registration::{Registration, Side};
use dubbo_k8s_tests::skip;
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::scenarios::pod;
use crate::view::{Seen, View};

const CONSUMER: &str = "dubbo://10.1.1.2/com.example.Greeter?interface=com.example.Greeter&version=1.0.0&\
                        side=consumer&category=providers";

/// dubbo-go reads its credentials from this place alone: a mount namespace of its own gives it some.
const IN_POD: &str = "mount -t tmpfs tmpfs /var/run && \
                      mkdir -p /var/run/secrets/kubernetes.io/serviceaccount && \
                      cp \"$CA\" /var/run/secrets/kubernetes.io/serviceaccount/ca.crt && \
                      printf %s \"$TOKEN\" > /var/run/secrets/kubernetes.io/serviceaccount/token && exec \"$@\"";

pub(crate) async fn run_all(server: &ControlPlane, cluster: &Cluster) {
    let Some(interop) = Interop::find() else { return };
    let (own, other) = (cluster.namespace("go").await, cluster.namespace("go-other").await);
    let interop = |pod: &str, arguments: &[&str]| {
        let mut command = interop.in_pod(server, pod, arguments);
        command.env("NAMESPACE", &own.name).env("DUBBO_NAMESPACE", &other.name);
        Running::start(command)
    };
    for (namespace, name, ip) in [
        (&own, "go-provider", "10.1.1.1"),
        (&own, "go-consumer", "10.1.1.2"),
        (&other, "provider", "10.1.1.3"),
    ] {
        let mut plain = pod(name, None);
        plain["metadata"]["labels"] = json!({});
        namespace.run(&plain, &[ip]).await;
    }
    let mut view = View::by(cluster.config().clone(), &[&own.name, &other.name]);

    // Theirs, read here.
    let provider = interop("go-provider", &["register", &url("10.1.1.1", "1.0.0")]);
    until(&provider, |line| line.starts_with("registered "));
    let consumer = notified_consumer(|| interop("go-consumer", &["subscribe", CONSUMER]));
    view.until("dubbo-go's provider and consumer", |seen| {
        let has = |part: &str| seen.records.keys().any(|key| key.starts_with(part));
        has("/dubbo/com.example.Greeter/providers/dubbo%3A%2F%2F10.1.1.1%3A20000%2F")
            && has("/dubbo/com.example.Greeter/consumers/consumer%3A%2F%2F")
    })
    .await;
    let snapshot = view.registry().snapshot();
    let read = snapshot.providers().next().unwrap();
    let pods: Vec<_> = read.holders().map(|pod| (&*pod.namespace, &*pod.pod)).collect();
    assert_eq!(pods, [(&*own.name, "go-provider")]);

    // Ours, read there: in another namespace, and in the same Pod as theirs.
    let registrations = |namespace: &str, name: &str| {
        let mut settings = RegistrarSettings::new(PodName::new(namespace, name).unwrap());
        settings.label_value = Some("dubbo.io.provider".to_owned());
        // Without a kubelet no Pod of the suite has the address that is registered.
        settings.trust = None;
        Registrations::new(Client::new(cluster.config().clone()).unwrap(), settings)
    };
    let ours = registrations(&other.name, "provider");
    // Another version is another service: dubbo-go's URLEqual decides.
    let skipped = ours.register(&url("10.1.1.3", "2.0.0")).await.unwrap();
    let held = ours.register(&url("10.1.1.3", "1.0.0")).await.unwrap();
    let event = notified(&consumer);
    assert_eq!((&event["action"], &event["host"]), (&json!("add"), &json!("10.1.1.3:20000")));

    // It never removes a provider: not when its record leaves the Pod, not when the Pod goes, and it unregisters nothing
    // itself. The next event of its consumer is the next provider; readers here see each of them go.
    held.close().await.unwrap();
    view.until("another version alone", |seen| hosts(seen, "10.1.1.3") == 1).await;
    other.delete("provider").await;
    view.until("no Pod, no record", |seen| hosts(seen, "10.1.1.3") == 0).await;
    drop((skipped, provider));
    let beside = registrations(&own.name, "go-provider");
    let _held = beside.register(&url("10.1.1.4", "1.0.0")).await.unwrap();
    let event = notified(&consumer);
    assert_eq!((&event["action"], &event["host"]), (&json!("add"), &json!("10.1.1.4:20000")));
    let both = |seen: &Seen| ["10.1.1.1", "10.1.1.4"].map(|ip| hosts(seen, ip)) == [1, 1];
    view.until("what dubbo-go left beside ours, in one Pod", both).await;
    own.remove().await;
    other.remove().await;
}

/// A consumer that was notified of the provider that is there. One that subscribes while dubbo-go reads its first list may
/// block for ever ("Listen with no url" is the last that it logs), so it is started again, as users of it do.
fn notified_consumer(start: impl Fn() -> Running) -> Running {
    for _ in 0..5 {
        let consumer = start();
        while let Some(line) = consumer.next_line() {
            if line.starts_with("{\"action\"") {
                let event: Value = serde_json::from_str(&line).unwrap();
                assert_eq!(event["host"], "10.1.1.1:20000");
                return consumer;
            }
        }
    }
    panic!("dubbo-go's consumer is not notified of the provider that is there");
}

/// How many records there are of an address.
fn hosts(seen: &Seen, ip: &str) -> usize {
    seen.records.keys().filter(|key| key.contains(&format!("2F{ip}%3A"))).count()
}

fn url(ip: &str, version: &str) -> String {
    Registration {
        side: Side::Provider,
        protocol: "dubbo",
        interface: "com.example.Greeter",
        group: "",
        version,
        ip,
        port: 20000,
        application: "greeter",
        methods: &["Hello"],
        timestamp: 1_760_000_000,
        parameters: &[],
    }
    .url()
}

/// The next event that dubbo-go's consumer is notified of, past what it logs.
fn notified(consumer: &Running) -> Value {
    serde_json::from_str(&until(consumer, |line| line.starts_with("{\"action\""))).unwrap()
}

fn until(process: &Running, wanted: impl Fn(&str) -> bool) -> String {
    loop {
        let line = process.line();
        if wanted(&line) {
            return line;
        }
    }
}

/// How a Pod's process of dubbo-go is started: a mount namespace of its own, and the program in it.
pub(crate) struct Interop {
    program: String,
    unshare: &'static [&'static str],
}

impl Interop {
    /// Or the reason why this machine cannot.
    pub(crate) fn find() -> Option<Self> {
        let test = "a real dubbo-go";
        let folder = std::env::var("DUBBO_GO").ok().filter(|folder| !folder.is_empty());
        let Some(folder) = folder else {
            skip::missing(
                test,
                "DUBBO_GO is not set: with Go 1.26 or newer `cargo xtask test` sets it",
            );
            return None;
        };
        // As root, and as a user who may have a user namespace.
        let ways: [&[&str]; 2] = [&["--mount"], &["--mount", "--map-root-user"]];
        let way = ways.into_iter().find(|way| {
            let tried = Command::new("unshare").args(*way).arg("true").output();
            tried.is_ok_and(|output| output.status.success())
        });
        let Some(unshare) = way else {
            skip::missing(
                test,
                "`unshare --mount` is refused: run as root, or allow user namespaces",
            );
            return None;
        };
        Some(Self { program: format!("{folder}/interop"), unshare })
    }

    /// A process of dubbo-go in a Pod, as its kubelet would start it.
    pub(crate) fn in_pod(&self, server: &ControlPlane, pod: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("unshare");
        command.args(self.unshare).args(["sh", "-c", IN_POD, "sh", &self.program]).args(arguments);
        command.env("CA", server.folder().join("ca.pem")).env("TOKEN", server.token());
        command.env("KUBERNETES_SERVICE_HOST", "127.0.0.1");
        command.env("KUBERNETES_SERVICE_PORT", server.port().to_string()).env("HOSTNAME", pod);
        // Its input ends with this process, and the program with its input.
        command.stdin(Stdio::piped());
        command
    }
}
