//! The Helm chart, by the real Helm and a real kube-apiserver: it is linted, rendered, taken by the server without being kept,
//! and the injected sidecar is what the server makes of a Pod. Without Helm, or without a server, that part is skipped.

#![cfg(test)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use dubbo_k8s_docs::root;
use dubbo_k8s_tests::control_plane::{ControlPlane, Programs};
use dubbo_k8s_tests::program::{self, Ran};
use dubbo_k8s_tests::skip;
use serde_json::{Value, json};

/// Everything that can be switched on, except what needs kinds that are not Kubernetes' own.
const ALL: &str = "allNamespaces=true,replicas=2,podDisruptionBudget.enabled=true,networkPolicy.enabled=true,\
                   dashboard.enabled=true,registrar.enabled=true,injection.enabled=true,policy.enabled=true";

/// How long a policy may take until it holds.
const TIMEOUT: Duration = Duration::from_mins(1);

fn helm(test: &str) -> Option<PathBuf> {
    let named = std::env::var_os("HELM").map(PathBuf::from);
    let found = named.or_else(|| on_path("helm"));
    if found.is_none() {
        skip::missing(test, "HELM is not set, and there is no helm on the PATH");
    }
    found
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|path| path.is_file())
}

fn run(command: &mut Command) -> Ran {
    Ran::from(command.output().unwrap())
}

/// What Helm makes of the chart with these values, and says of them.
fn render(helm: &Path, values: &str) -> Ran {
    let mut command = Command::new(helm);
    command.args(["template", "dubbo", "-n", "shop", "--kube-version", "1.36.0"]);
    if !values.is_empty() {
        command.args(["--set", values]);
    }
    run(command.arg(root().join("charts/dubbo-watcher")))
}

#[test]
fn helm_finds_nothing_wrong() {
    let Some(helm) = helm("the chart") else { return };
    let ran = run(Command::new(&helm)
        .args(["lint", "--strict"])
        .arg(root().join("charts/dubbo-watcher")));
    assert_eq!(ran.status, Some(0), "{ran:?}");
    for values in [
        "",
        ALL,
        "serviceMonitor.enabled=true,prometheusRule.enabled=true",
        "namespaces={a,b}",
        "auth=none",
    ] {
        let ran = render(&helm, values);
        assert_eq!(ran.status, Some(0), "{values}: {}", ran.stderr);
        for document in dubbo_k8s_codec::yaml::documents(&ran.stdout) {
            document.unwrap_or_else(|error| panic!("{values}: {error}"));
        }
    }
}

#[test]
fn a_wrong_value_is_answered_with_its_name() {
    let Some(helm) = helm("the chart's schema") else { return };
    for (values, said) in [
        ("replicas=two", "at '/replicas': got string, want integer"),
        ("replica=2", "additional properties 'replica' not allowed"),
        ("image.pullPolicy=Sometimes", "at '/image/pullPolicy': value must be one of"),
        ("allNamespaces=true,namespaces={a}", "namespaces and allNamespaces exclude each other"),
        (
            "podDisruptionBudget.enabled=true",
            "podDisruptionBudget.enabled needs replicas: 2 or more",
        ),
        ("tls.secretName=", "tls.secretName: tokens must not cross the network in plain"),
        ("serviceAccount.create=false", "serviceAccount.name: name a ServiceAccount that is there"),
    ] {
        let ran = render(&helm, values);
        assert_ne!(ran.status, Some(0), "{values}");
        assert!(ran.stderr.contains(said), "{values}: {}", ran.stderr);
    }
}

#[test]
fn each_namespace_that_is_read_gets_a_role_and_nothing_else_does() {
    let Some(helm) = helm("the chart's roles") else { return };
    let roles = |values: &str| {
        let ran = render(&helm, values);
        let documents = dubbo_k8s_codec::yaml::documents(&ran.stdout);
        let documents = documents.map(|it| serde_json::from_slice::<Value>(&it.unwrap()).unwrap());
        let is_role = |it: &Value| it["kind"] == "Role" || it["kind"] == "ClusterRole";
        let named =
            |it: Value| format!("{} {}", it["kind"].as_str().unwrap(), it["metadata"]["namespace"]);
        documents.filter(is_role).map(named).collect::<Vec<_>>()
    };
    assert_eq!(roles(""), ["Role \"shop\""]);
    assert_eq!(roles("namespaces={a,b}"), ["Role \"a\"", "Role \"b\""]);
    assert_eq!(roles("allNamespaces=true"), ["ClusterRole null"]);
}

/// What `serve` asks its callers for, Prometheus is to send.
#[test]
fn prometheus_sends_a_token_over_tls_where_serve_asks_for_one() {
    let Some(helm) = helm("the chart's ServiceMonitor") else { return };
    let endpoint = |values: &str| {
        let ran = render(&helm, &format!("serviceMonitor.enabled=true,{values}"));
        let documents = dubbo_k8s_codec::yaml::documents(&ran.stdout);
        let documents = documents.map(|it| serde_json::from_slice::<Value>(&it.unwrap()).unwrap());
        let monitor = documents.into_iter().find(|it| it["kind"] == "ServiceMonitor").unwrap();
        monitor["spec"]["endpoints"][0].clone()
    };
    let guarded = endpoint("auth=kubernetes");
    assert_eq!((&guarded["port"], &guarded["scheme"]), (&"https".into(), &"https".into()));
    assert_eq!(guarded["tlsConfig"]["serverName"], "dubbo.shop.svc");
    let token = "/var/run/secrets/kubernetes.io/serviceaccount/token";
    assert_eq!(guarded["bearerTokenFile"], token);
    let open = endpoint("auth=none");
    assert_eq!((&open["port"], &open["bearerTokenFile"]), (&"http".into(), &Value::Null));
}

#[test]
fn an_image_is_named_by_its_digest_where_there_is_one() {
    let Some(helm) = helm("the chart's image") else { return };
    let digest = format!("sha256:{}", "0123456789abcdef".repeat(4));
    let rendered = |values: &str| render(&helm, values).stdout;
    let values = format!(
        "image.repository=r.example/w,image.tag=v1,image.digest={digest},injection.enabled=true"
    );
    let named = rendered(&values);
    // That of `serve`, of the sidecar, and of Helm's test.
    assert_eq!(named.matches(&format!("r.example/w@{digest}")).count(), 3, "{named}");
    assert!(!named.contains("r.example/w:v1"), "{named}");
    assert!(rendered("image.repository=r.example/w,image.tag=v1").contains("r.example/w:v1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_server_takes_it_and_injects_the_sidecar() {
    let test = "the chart on a real server";
    let Some(helm) = helm(test) else { return };
    let Some(programs) = Programs::of_environment().into_iter().next() else {
        return skip::missing(
            test,
            "neither ETCD and KUBE_APISERVERS nor KUBEBUILDER_ASSETS are set",
        );
    };
    let Some(kubectl) = program::kubectl(test) else { return };
    // As on a cluster, where it puts the account's token into every container.
    let with_accounts = "--disable-admission-plugins=DefaultIngressClass";
    let server = ControlPlane::start(&programs, &[with_accounts]).await;
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let kubectl = |arguments: &[&str]| {
        let mut command = Command::new(&kubectl);
        command.env("KUBECONFIG", server.kubeconfig()).args(arguments);
        run(&mut command)
    };
    let done = |ran: Ran| assert_eq!(ran.status, Some(0), "{ran:?}");
    done(kubectl(&["create", "namespace", "shop"]));
    for account in ["default", "dubbo", "dubbo-provider", "own"] {
        done(kubectl(&["create", "serviceaccount", account, "-n", "shop"]));
    }
    let rendered = write("rendered.yaml", &render(&helm, ALL).stdout);
    done(kubectl(&["apply", "--dry-run=server", "-f", &rendered]));

    let policy = render(&helm, "injection.enabled=true").stdout;
    let policy: Vec<_> =
        policy.split("\n---\n").filter(|it| it.contains("kind: MutatingAdmission")).collect();
    assert_eq!(policy.len(), 2);
    done(kubectl(&["apply", "-f", &write("policy.yaml", &policy.join("\n---\n"))]));
    let create = |account: &str| {
        let pod = format!(
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: greeter\n  namespace: shop\n  labels: {{dubbo.io/inject: 'true'}}\n  \
             annotations: {{dubbo.io/register-url: 'tri://$(POD_IP):50051/a.Greeter'}}\nspec:\n{account}  \
             initContainers: [{{name: first, image: c}}]\n  containers: [{{name: a, image: b}}]\n"
        );
        let pod = write("pod.yaml", &pod);
        let ran = kubectl(&["create", "--dry-run=server", "-o", "json", "-f", &pod]);
        assert_eq!(ran.status, Some(0), "{ran:?}");
        ran.json()
    };
    let started = Instant::now();
    let made = loop {
        let made = create("");
        if made["spec"]["initContainers"].as_array().is_some_and(|all| all.len() == 2) {
            break made;
        }
        assert!(started.elapsed() < TIMEOUT, "no sidecar in {made:#}");
    };
    let sidecar = &made["spec"]["initContainers"][0];
    assert_eq!(sidecar["args"], json!(["register", "--hold", "tri://$(POD_IP):50051/a.Greeter"]));
    assert_eq!(sidecar["restartPolicy"], "Always");
    assert_eq!(made["spec"]["serviceAccountName"], "dubbo-provider");
    assert_eq!(made["metadata"]["labels"]["dubbo.io/label"], "dubbo.io-value");
    // The account may patch every Pod of the namespace: its token is for the sidecar.
    let token = json!(["dubbo-register-token"]);
    assert_eq!(tokens(&made), json!([token, [], []]), "{made:#}");
    let volumes = made["spec"]["volumes"].as_array().unwrap();
    assert_eq!(volumes.len(), 1, "{volumes:#?}");

    // Who chose an account has the tokens that it would have had.
    let made = create("  serviceAccountName: own\n");
    assert_eq!(made["spec"]["serviceAccountName"], "own");
    let [sidecar, first, application] = [0, 1, 2].map(|at| tokens(&made)[at].clone());
    assert_eq!(sidecar, token);
    assert!(first.as_array().is_some_and(|all| all.len() == 1) && first == application, "{made:#}");
}

/// Of each container, those started first before, the volumes from which it gets a token.
fn tokens(pod: &Value) -> Value {
    let containers = ["initContainers", "containers"].map(|kind| pod["spec"][kind].as_array());
    let of = |container: &Value| {
        let mounts = container["volumeMounts"].as_array().into_iter().flatten();
        let is_token =
            |mount: &&Value| mount["mountPath"] == "/var/run/secrets/kubernetes.io/serviceaccount";
        mounts.filter(is_token).map(|mount| mount["name"].clone()).collect::<Value>()
    };
    containers.into_iter().flatten().flatten().map(of).collect()
}
