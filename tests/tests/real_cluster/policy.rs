//! The manifests of `watcher/deploy` on a real kube-apiserver, and the policy among them tried: what an account may
//! patch by its token, and what it may not.

use std::path::Path;
use std::time::Duration;

use dubbo_k8s_codec::{ANNOTATION, LABEL};
use dubbo_k8s_tests::control_plane::{ControlPlane, Programs};
use dubbo_k8s_tests::program::{self, Ran};
use dubbo_k8s_tests::raw::Endpoint;
use serde_json::{Value, json};

use super::cluster::soon;
use super::real_servers;

const DEPLOY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../watcher/deploy");

/// How often the server is asked whether it has taken a policy up.
const ASK: Duration = Duration::from_millis(100);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_policy_holds_on_the_newest_server() {
    if let Some(programs) = real_servers("policy").first() {
        try_the_policy(programs).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_policy_holds_on_the_oldest_server() {
    if let [_, .., oldest] = &real_servers("policy, older version")[..] {
        try_the_policy(oldest).await;
    }
}

/// A server, and what is done with it by the user who may do everything.
struct Cluster {
    server: ControlPlane,
    admin: Endpoint,
}

impl Cluster {
    async fn send(&self, method: &str, target: &str, body: &Value) -> (u16, Value) {
        send(&self.admin, method, target, "application/json", body).await
    }

    async fn create(&self, target: &str, body: &Value) -> Value {
        let (status, answer) = self.send("POST", target, body).await;
        assert_eq!(status, 201, "{target}: {answer}");
        answer
    }

    /// Applies every object of a folder of manifests, as kubectl does.
    async fn apply(&self, folder: &str) {
        let mut files: Vec<_> = std::fs::read_dir(Path::new(DEPLOY).join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            for document in dubbo_k8s_codec::yaml::documents(&text) {
                let object: Value = serde_json::from_slice(&document.unwrap()).unwrap();
                if object["kind"] != "Kustomization" {
                    let name = object["metadata"]["name"].as_str().unwrap();
                    let target = format!("{}/{name}?fieldManager=test", collection(&object));
                    let kind = "application/apply-patch+yaml";
                    let (status, answer) = send(&self.admin, "PATCH", &target, kind, &object).await;
                    assert!(matches!(status, 200 | 201), "{}: {answer}", file.display());
                }
            }
        }
    }

    /// A token of an account, bound to a Pod as the kubelet asks for it, or to none.
    async fn token(&self, namespace: &str, account: &str, pod: Option<&Value>) -> Caller {
        let target = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token");
        let bound = pod.map(|pod| {
            let (name, uid) = (&pod["metadata"]["name"], &pod["metadata"]["uid"]);
            json!({"apiVersion": "v1", "kind": "Pod", "name": name, "uid": uid})
        });
        let spec = json!({"expirationSeconds": 3600, "boundObjectRef": bound});
        let body =
            json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec});
        let answer = self.create(&target, &body).await;
        let token = answer["status"]["token"].as_str().unwrap().to_owned();
        let authority = self.server.authority_pem();
        let endpoint = Endpoint::new(&self.server.url(), Some(&authority), Some(&token), None);
        Caller { endpoint: endpoint.unwrap(), token }
    }

    /// What `doctor` says of the policy to the account of the Pod `own`.
    async fn doctor(&self, caller: &Caller) -> Ran {
        let (folder, path) = (self.server.folder(), |name| self.server.folder().join(name));
        std::fs::write(path("authority.pem"), self.server.authority_pem()).unwrap();
        std::fs::write(path("token"), &caller.token).unwrap();
        let mut command = program::bare(program::dubbo_watcher());
        command.args(["doctor", "--needs", "policy", "--pod", "own", "-n", "default"]);
        command.args(["--server", &self.server.url()]).current_dir(folder);
        command.args(["--certificate-authority", "authority.pem", "--token-file", "token"]);
        program::run(command).await
    }

    async fn account(&self, namespace: &str, name: &str) {
        let target = format!("/api/v1/namespaces/{namespace}/serviceaccounts");
        self.create(&target, &json!({"metadata": {"name": name}})).await;
    }

    async fn pod(&self, namespace: &str, name: &str, account: &str) -> Value {
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "labels": {"app": name}, "annotations": {"note": "as it was"}},
            "spec": {
                "serviceAccountName": account,
                "containers": [{"name": "one", "image": "example.com/one:1"}],
            },
        });
        self.create(&format!("/api/v1/namespaces/{namespace}/pods"), &pod).await
    }

    /// Lets an account do this to the Pods of `default`.
    async fn allow(&self, namespace: &str, account: &str, verbs: &[&str]) {
        let rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default";
        let name = format!("{namespace}-{account}");
        let rules = json!([{"apiGroups": [""], "resources": ["pods"], "verbs": verbs}]);
        self.create(&format!("{rbac}/roles"), &json!({"metadata": {"name": name}, "rules": rules}))
            .await;
        let subject = json!({"kind": "ServiceAccount", "namespace": namespace, "name": account});
        let binding = json!({
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
            "subjects": [subject],
        });
        self.create(&format!("{rbac}/rolebindings"), &binding).await;
    }
}

/// An account by its token.
struct Caller {
    endpoint: Endpoint,
    token: String,
}

async fn send(
    endpoint: &Endpoint,
    method: &str,
    target: &str,
    content_type: &str,
    body: &Value,
) -> (u16, Value) {
    let headers = [("Content-Type", content_type), ("Accept", "application/json")];
    let body = body.to_string();
    let mut reply = endpoint.send(method, target, &headers, body.as_bytes()).await.unwrap();
    let body = reply.body().await.unwrap();
    (reply.status, serde_json::from_slice(&body).unwrap_or_default())
}

async fn patch(endpoint: &Endpoint, pod: &str, patch: &Value) -> (u16, Value) {
    let target = format!("/api/v1/namespaces/default/pods/{pod}");
    send(endpoint, "PATCH", &target, "application/merge-patch+json", patch).await
}

/// Where objects of its kind are made; those with a namespace in `default`.
fn collection(object: &Value) -> String {
    let (version, kind) =
        (object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap());
    let root = if version == "v1" { "/api/v1".to_owned() } else { format!("/apis/{version}") };
    let plural = match kind {
        "NetworkPolicy" => "networkpolicies".to_owned(),
        "ValidatingAdmissionPolicy" => "validatingadmissionpolicies".to_owned(),
        _ => format!("{}s", kind.to_lowercase()),
    };
    let is_of_cluster = kind.starts_with("Cluster") || kind.starts_with("Validating");
    let namespace = if is_of_cluster { "" } else { "/namespaces/default" };
    format!("{root}{namespace}/{plural}")
}

fn note(name: &str) -> Value {
    json!({"metadata": {"annotations": {name: "changed"}}})
}

async fn try_the_policy(programs: &Programs) {
    let server = ControlPlane::start(programs, &[]).await;
    let cluster = Cluster { admin: server.endpoint(), server };
    for folder in ["base", "registrar", "examples"] {
        cluster.apply(folder).await;
    }
    let elsewhere = json!({"metadata": {"name": "elsewhere"}});
    cluster.create("/api/v1/namespaces", &elsewhere).await;
    let own = cluster.pod("default", "own", "dubbo-provider").await;
    let other = cluster.pod("default", "other", "dubbo-provider").await;
    let provider = cluster.token("default", "dubbo-provider", Some(&own)).await;
    let unbound = cluster.token("default", "dubbo-provider", None).await;

    cluster.account("default", "controller").await;
    cluster.allow("default", "controller", &["get", "patch", "update"]).await;
    let controller_pod = cluster.pod("default", "controller", "controller").await;
    let controller = cluster.token("default", "controller", Some(&controller_pod)).await;
    cluster.account("elsewhere", "operator").await;
    cluster.allow("elsewhere", "operator", &["get", "patch"]).await;
    let operator = cluster.token("elsewhere", "operator", None).await;

    let found = cluster.doctor(&provider).await;
    assert_eq!(found.status, Some(1), "{found:?}");
    assert!(found.stdout.contains("there is no policy dubbo-registrar"), "{found:?}");

    // Without the policy the Role lets a provider do all of it.
    assert_eq!(patch(&provider.endpoint, "other", &note(ANNOTATION)).await.0, 200);
    let before = json!({"metadata": {"annotations": {"note": "before the policy"}}});
    assert_eq!(patch(&provider.endpoint, "own", &before).await.0, 200);

    cluster.apply("policy").await;
    // What is there already may be written again by any account.
    let free = json!({"metadata": {"annotations": {ANNOTATION: null}}});
    assert_eq!(patch(&cluster.admin, "other", &free).await.0, 200);
    soon("the policy", async {
        let mut ask = tokio::time::interval(ASK);
        while patch(&provider.endpoint, "other", &note(ANNOTATION)).await.0 == 200 {
            ask.tick().await;
            assert_eq!(patch(&cluster.admin, "other", &free).await.0, 200);
        }
    })
    .await;

    let found = cluster.doctor(&provider).await;
    assert_eq!(found.status, Some(0), "{found:?}");
    assert!(
        found.stdout.contains("a policy keeps this account to the records of Pod"),
        "{found:?}"
    );

    let record = note(ANNOTATION);
    let register = json!({"metadata": {
        "uid": own["metadata"]["uid"],
        "annotations": {ANNOTATION: "W10="}, "labels": {LABEL: "dubbo.io-value"},
    }});
    let unregister = json!({"metadata": {"annotations": {ANNOTATION: null}}});
    let label = json!({"metadata": {"labels": {"app": "another"}}});
    let no_label = json!({"metadata": {"labels": {"app": null}}});
    let both = json!({"metadata": {"annotations": {ANNOTATION: "W10=", "note": "b"}}});
    let image = json!({"spec": {"containers": [{"name": "one", "image": "example.com/two:2"}]}});
    let deadline = json!({"spec": {"activeDeadlineSeconds": 1}});
    let finalizer = json!({"metadata": {"finalizers": ["example.com/held"]}});
    let owner = json!({"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "other",
        "uid": other["metadata"]["uid"]}]}});
    for (who, endpoint, pod, what, change, allowed) in [
        ("a provider", &provider.endpoint, "own", "registers", &register, true),
        ("a provider", &provider.endpoint, "own", "changes its record", &record, true),
        ("a provider", &provider.endpoint, "own", "unregisters", &unregister, true),
        ("a provider", &provider.endpoint, "own", "notes", &note("note"), false),
        ("a provider", &provider.endpoint, "own", "relabels", &label, false),
        ("a provider", &provider.endpoint, "own", "loses its label", &no_label, false),
        ("a provider", &provider.endpoint, "own", "registers and notes", &both, false),
        ("a provider", &provider.endpoint, "own", "changes its image", &image, false),
        ("a provider", &provider.endpoint, "own", "ends", &deadline, false),
        ("a provider", &provider.endpoint, "own", "cannot be deleted", &finalizer, false),
        ("a provider", &provider.endpoint, "own", "is owned", &owner, false),
        ("a provider", &provider.endpoint, "other", "registers", &record, false),
        ("a provider", &provider.endpoint, "other", "notes", &note("note"), false),
        ("a provider", &provider.endpoint, "other", "changes the image", &image, false),
        ("a token of no Pod", &unbound.endpoint, "own", "registers", &record, false),
        ("a token of no Pod", &unbound.endpoint, "own", "notes", &note("note"), false),
        ("a controller", &controller.endpoint, "other", "notes", &note("note"), true),
        ("a controller", &controller.endpoint, "other", "registers", &record, false),
        ("a controller", &controller.endpoint, "controller", "registers", &record, true),
        ("an operator", &operator.endpoint, "other", "relabels", &label, true),
        ("an operator", &operator.endpoint, "other", "registers", &record, false),
        ("a person", &cluster.admin, "other", "registers", &record, true),
        ("a person", &cluster.admin, "other", "changes the image", &image, true),
    ] {
        let (status, answer) = patch(endpoint, pod, change).await;
        let expected = if allowed { 200 } else { 403 };
        assert_eq!(status, expected, "{who} {what} in the Pod {pod}: {}", answer["message"]);
        let message = answer["message"].as_str().unwrap_or_default();
        assert!(allowed || message.contains("dubbo-registrar"), "{who} {what}: {message}");
    }
}
