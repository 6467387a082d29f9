//! The manifests of `watcher/deploy` on a real server: what it then allows, and what `doctor` says of it beforehand.

use std::fs;
use std::path::{Path, PathBuf};

use dubbo_k8s_tests::apiserver::kubeconfig;
use dubbo_k8s_tests::control_plane::ControlPlane;
use dubbo_k8s_tests::program::{self, Ran};
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::scenarios::{key, pod};

/// The namespace that the manifests name.
const NAMESPACE: &str = "default";
const POD: &str = "greeter-0";
const URL: &str =
    "dubbo://10.244.1.7:20880/com.example.Ours?interface=com.example.Ours&version=1.0.0";

pub(crate) async fn run_all(server: &ControlPlane, cluster: &Cluster) {
    let namespace = cluster.existing(NAMESPACE);
    namespace.run(&pod(POD, Some(&key("greeter"))), &["10.244.1.7"]).await;
    for folder in ["base", "registrar"] {
        for manifest in manifests(folder) {
            apply(cluster, &manifest).await;
        }
    }
    the_reader_may_read_and_no_more(server, cluster).await;
    the_registrar_may_register_in_its_namespace_alone(server, cluster).await;
    what_a_refusal_advises_allows_it(server, cluster).await;
    for manifest in manifests("cluster-wide") {
        apply(cluster, &manifest).await;
    }
    let everywhere = User::of(server, cluster, "dubbo-watcher").await;
    let ran = everywhere.run(&["list", "-A"]).await;
    assert_eq!(ran.status, Some(0), "{ran:?}");
    namespace.delete(POD).await;
}

async fn the_reader_may_read_and_no_more(server: &ControlPlane, cluster: &Cluster) {
    let user = User::of(server, cluster, "dubbo-watcher").await;
    let doctor = user.run(&["doctor", "--needs", "read"]).await;
    assert_eq!(doctor.status, Some(0), "{doctor:?}");
    for part in [
        "the server accepts the credentials as system:serviceaccount:default:dubbo-watcher\n",
        "ok    may list, watch pods in namespace default\n",
        "note  may not get, patch pods in namespace default\n",
    ] {
        assert!(doctor.stdout.contains(part), "{part:?} is not in:\n{}", doctor.stdout);
    }
    let list = user.run(&["list", "-o", "json"]).await;
    assert_eq!((list.status, &list.json()["records"]), (Some(0), &json!(1)), "{list:?}");
    let everywhere = user.run(&["list", "-A"]).await;
    assert_eq!(everywhere.status, Some(1), "{everywhere:?}");
    let register = user.run(&["register", URL]).await;
    assert_eq!(register.status, Some(1), "{register:?}");
    assert!(register.stderr.contains("not allowed to get pods"), "{register:?}");
}

/// The manifests that a refusal shows are what is missing, and no more than that.
async fn what_a_refusal_advises_allows_it(server: &ControlPlane, cluster: &Cluster) {
    let user = User::of(server, cluster, "dubbo-watcher").await;
    let refused = user.run(&["register", URL]).await;
    let (_, advice) = refused.stderr.split_once("`kubectl apply -f -` of:\n\n").unwrap();
    let (advice, _) = advice.split_once("\n\n").unwrap();
    let advice: String =
        advice.lines().flat_map(|line| [line.strip_prefix("    ").unwrap_or(line), "\n"]).collect();
    for manifest in documents(&advice) {
        apply(cluster, &manifest).await;
    }
    for verb in ["register", "unregister"] {
        let ran = user.run(&[verb, URL]).await;
        assert_eq!(ran.status, Some(0), "{ran:?}");
    }
}

async fn the_registrar_may_register_in_its_namespace_alone(
    server: &ControlPlane,
    cluster: &Cluster,
) {
    let user = User::of(server, cluster, "dubbo-provider").await;
    let doctor = user.run(&["doctor", "--needs", "register"]).await;
    assert_eq!(doctor.status, Some(0), "{doctor:?}");
    for part in [
        "note  may not list pods in namespace default\n",
        "ok    may get, patch, watch Pod greeter-0 in namespace default\n",
    ] {
        assert!(doctor.stdout.contains(part), "{part:?} is not in:\n{}", doctor.stdout);
    }
    for verb in ["register", "unregister"] {
        let ran = user.run(&[verb, URL]).await;
        assert_eq!(ran.status, Some(0), "{ran:?}");
    }
    // What registers need not read what others register.
    let list = user.run(&["list", "-o", "json"]).await;
    assert_eq!(list.status, Some(1), "{list:?}");
    assert!(list.stderr.contains("not allowed to list pods in namespace default"), "{list:?}");
    let elsewhere = user.run(&["list", "-n", "kube-system"]).await;
    assert_eq!(elsewhere.status, Some(1), "{elsewhere:?}");
}

/// A `ServiceAccount` with its kubeconfig, in a Pod.
struct User {
    kubeconfig: PathBuf,
}

impl User {
    async fn of(server: &ControlPlane, cluster: &Cluster, account: &str) -> Self {
        let token = cluster.token(NAMESPACE, account, None).await;
        let path = server.folder().join(account);
        let text = kubeconfig(&server.url(), Some(&server.authority_pem()), &token, NAMESPACE);
        fs::write(&path, text).unwrap();
        Self { kubeconfig: path }
    }

    async fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = program::bare(program::dubbo_watcher());
        command.args(arguments).env("KUBECONFIG", &self.kubeconfig);
        command.env("HOSTNAME", POD).env("NAMESPACE", NAMESPACE);
        program::run(command).await
    }
}

/// Every manifest of a folder that the server knows.
fn manifests(folder: &str) -> Vec<Value> {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../watcher/deploy");
    let mut found = Vec::new();
    for entry in fs::read_dir(deploy.join(folder)).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        found.extend(documents(&text).filter(|manifest| manifest["kind"] != "Kustomization"));
    }
    assert!(!found.is_empty(), "{folder}");
    found
}

/// The documents of a YAML stream.
fn documents(text: &str) -> impl Iterator<Item = Value> {
    let documents = dubbo_k8s_codec::yaml::documents(text);
    documents.map(|json| serde_json::from_slice(&json.unwrap()).unwrap())
}

/// As `kubectl apply --server-side` does; the server refuses members that it does not know.
async fn apply(cluster: &Cluster, manifest: &Value) {
    let kind = manifest["kind"].as_str().unwrap();
    let group = match manifest["apiVersion"].as_str().unwrap() {
        "v1" => "/api/v1".to_owned(),
        version => format!("/apis/{version}"),
    };
    let namespace = if kind.starts_with("Cluster") {
        String::new()
    } else {
        format!("/namespaces/{NAMESPACE}")
    };
    let name = manifest["metadata"]["name"].as_str().unwrap();
    let kind_in_lower_case = kind.to_lowercase();
    let resource = match kind_in_lower_case.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{kind_in_lower_case}s"),
    };
    let target = format!(
        "{group}{namespace}/{resource}/{name}?fieldManager=suite&force=true&fieldValidation=Strict"
    );
    let content_type = Some("application/apply-patch+yaml");
    let (status, answer) = cluster.json("PATCH", &target, content_type, manifest).await;
    assert!(matches!(status, 200 | 201), "{kind} {name}: {answer}");
}
