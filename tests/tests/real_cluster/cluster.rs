//! A cluster by its kubeconfig: what writes Pods into it, and the watcher that reads them.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dubbo_k8s_codec::trust::{self, Admit};
use dubbo_k8s_engine::{Engine, Scopes, Settings};
use dubbo_k8s_registry::kube::config::{Config, Credential, Environment, Overrides, Trust, Url};
use dubbo_k8s_registry::kube::{Client, Driver};
use dubbo_k8s_tests::raw::{Endpoint, Reply};
use serde_json::{Value, json};

/// How long anything may take before it counts as failed.
pub(crate) const TIMEOUT: Duration = Duration::from_mins(3);

pub(crate) struct Cluster {
    config: Config,
    endpoint: Endpoint,
}

/// A namespace of its own, to be deleted at the end.
pub(crate) struct Namespace<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) name: String,
}

impl Cluster {
    pub(crate) fn of_kubeconfig(path: &Path) -> Self {
        let overrides = Overrides { kubeconfig: Some(path.to_owned()), ..Overrides::default() };
        let config = Config::load(&overrides, &Environment::of_process()).expect("a kubeconfig");
        let text = |material: &dubbo_k8s_registry::kube::config::Material| {
            String::from_utf8(material.read("the kubeconfig").unwrap()).unwrap()
        };
        let authorities = match &config.trust {
            Trust::Authorities(material) => Some(text(material)),
            Trust::System | Trust::Anyone => None,
        };
        let token = match &config.credential {
            Credential::Token(token) => Some(token.reveal().to_owned()),
            Credential::TokenFile(path) => {
                Some(std::fs::read_to_string(path).unwrap().trim().to_owned())
            }
            Credential::None | Credential::Basic { .. } | Credential::Exec(_) => None,
        };
        let identity = config.identity.as_ref();
        let identity = identity.map(|identity| (text(&identity.certificate), text(&identity.key)));
        let url = config.server.as_str().trim_end_matches('/').to_owned();
        let endpoint = Endpoint::new(
            &url,
            authorities.as_deref(),
            token.as_deref(),
            identity.as_ref().map(|(certificate, key)| (certificate.as_str(), key.as_str())),
        );
        Self { config, endpoint: endpoint.expect("an endpoint") }
    }

    /// Where the server is.
    pub(crate) const fn config(&self) -> &Config {
        &self.config
    }

    /// A namespace that is there.
    pub(crate) fn existing(&self, name: &str) -> Namespace<'_> {
        Namespace { cluster: self, name: name.to_owned() }
    }

    /// Makes a namespace that no other test uses.
    pub(crate) async fn namespace(&self, purpose: &str) -> Namespace<'_> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        self.named(&format!("dubbo-k8s-{purpose}-{now}")).await
    }

    /// Makes a namespace of this name.
    pub(crate) async fn named(&self, name: &str) -> Namespace<'_> {
        let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        let (status, answer) = self.json("POST", "/api/v1/namespaces", None, &body).await;
        assert_eq!(status, 201, "{answer}");
        Namespace { cluster: self, name: name.to_owned() }
    }

    /// Creates a `ServiceAccount`'s token, which is good for as long as the object `bound` is there.
    pub(crate) async fn token(
        &self,
        namespace: &str,
        account: &str,
        bound: Option<&Value>,
    ) -> String {
        let target = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token");
        let body = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "spec": {"audiences": [], "expirationSeconds": 3600, "boundObjectRef": bound}});
        let (status, answer) = self.json("POST", &target, None, &body).await;
        assert_eq!(status, 201, "{answer}");
        answer["status"]["token"].as_str().unwrap().to_owned()
    }

    /// The same server, for requests that name their user themselves.
    pub(crate) fn anonymous(&self) -> Endpoint {
        self.endpoint.clone().without_token()
    }

    /// The same server, as another user.
    pub(crate) fn config_as(&self, credential: Credential) -> Config {
        let mut config = self.config.clone();
        (config.credential, config.identity) = (credential, None);
        config
    }

    /// Where the server listens, for a relay before it.
    pub(crate) fn address(&self) -> SocketAddr {
        let server = self.config.server.as_str().trim_end_matches('/');
        server.rsplit_once("//").unwrap().1.parse().expect("an address and a port")
    }

    /// The same server by way of a relay.
    pub(crate) fn config_through(&self, relay: SocketAddr) -> Config {
        let server = Url::parse(&format!("https://{relay}")).unwrap();
        let mut config = self.config.clone();
        config.server = server;
        config
    }

    /// The same request by another user: their bearer token.
    pub(crate) fn endpoint_as(&self, token: &str) -> Endpoint {
        self.endpoint.clone().with_token(token)
    }

    /// A request that the server must take.
    pub(crate) async fn made(&self, method: &str, target: &str, body: &Value) -> Value {
        let (status, answer) = self.json(method, target, None, body).await;
        assert!(matches!(status, 200 | 201), "{method} {target}: {answer}");
        answer
    }

    /// The text at a path of the server.
    pub(crate) async fn text(&self, target: &str) -> String {
        let mut reply = self.endpoint.get(target, "*/*").await.unwrap();
        String::from_utf8(reply.body().await.unwrap()).unwrap()
    }

    /// A request with a JSON body and its JSON answer.
    pub(crate) async fn json(
        &self,
        method: &str,
        target: &str,
        content_type: Option<&str>,
        body: &Value,
    ) -> (u16, Value) {
        let headers = [
            ("Content-Type", content_type.unwrap_or("application/json")),
            ("Accept", "application/json"),
        ];
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let mut reply = self.endpoint.send(method, target, &headers, &body).await.unwrap();
        let body = reply.body().await.unwrap();
        (reply.status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }
}

impl Namespace<'_> {
    /// Where its objects are.
    pub(crate) fn path(&self) -> String {
        format!("/api/v1/namespaces/{}", self.name)
    }

    fn pods(&self) -> String {
        format!("{}/pods", self.path())
    }

    pub(crate) async fn try_create(&self, pod: &Value) -> (u16, Value) {
        self.cluster.json("POST", &self.pods(), None, pod).await
    }

    pub(crate) async fn create(&self, pod: &Value) -> Value {
        let (status, answer) = self.try_create(pod).await;
        assert_eq!(status, 201, "{answer}");
        answer
    }

    /// Creates a Pod from one that another server listed, and reports its status.
    pub(crate) async fn create_with_status(&self, listed: &Value) {
        let metadata = &listed["metadata"];
        let kept = ["name", "generateName", "labels", "annotations"];
        let kept: serde_json::Map<String, Value> = kept
            .iter()
            .filter(|name| metadata[**name] != Value::Null)
            .map(|name| ((*name).to_owned(), metadata[*name].clone()))
            .collect();
        self.create(&json!({"metadata": kept, "spec": listed["spec"]})).await;
        self.report(metadata["name"].as_str().unwrap(), &listed["status"]).await;
    }

    /// Makes a `ServiceAccount` that may do this to Pods.
    pub(crate) async fn account(&self, name: &str, verbs: &[&str]) {
        let rbac = format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{}", self.name);
        let rules = json!([{"apiGroups": [""], "resources": ["pods"], "verbs": verbs}]);
        let role = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name});
        let subjects = json!([{"kind": "ServiceAccount", "name": name, "namespace": self.name}]);
        let metadata = json!({"name": name});
        for (target, body) in [
            (format!("{}/serviceaccounts", self.path()), json!({"metadata": metadata})),
            (format!("{rbac}/roles"), json!({"metadata": metadata, "rules": rules})),
            (
                format!("{rbac}/rolebindings"),
                json!({"metadata": metadata, "roleRef": role, "subjects": subjects}),
            ),
        ] {
            self.cluster.made("POST", &target, &body).await;
        }
    }

    pub(crate) async fn patch(&self, pod: &str, patch: &Value) -> (u16, Value) {
        let target = format!("{}/{pod}", self.pods());
        self.cluster.json("PATCH", &target, Some("application/merge-patch+json"), patch).await
    }

    /// A Pod as it is.
    pub(crate) async fn pod(&self, name: &str) -> Value {
        let target = format!("{}/{name}", self.pods());
        self.cluster.made("GET", &target, &Value::Null).await
    }

    /// Creates a Pod that runs with these addresses, as a kubelet reports it.
    pub(crate) async fn run(&self, pod: &Value, addresses: &[&str]) {
        let created = self.create(pod).await;
        let name = created["metadata"]["name"].as_str().unwrap();
        let all: Vec<Value> = addresses.iter().map(|ip| json!({"ip": ip})).collect();
        let status = json!({"phase": "Running", "podIP": addresses.first(), "podIPs": all});
        self.report(name, &status).await;
    }

    /// Merges into the status of a Pod, as a kubelet does.
    pub(crate) async fn report(&self, pod: &str, status: &Value) {
        let target = format!("{}/{pod}/status", self.pods());
        let patch = json!({"status": status});
        let content_type = Some("application/merge-patch+json");
        let (code, answer) = self.cluster.json("PATCH", &target, content_type, &patch).await;
        assert_eq!(code, 200, "{answer}");
    }

    /// Asks its kubelet to end a Pod; where there is none, it stays terminating.
    pub(crate) async fn delete_gracefully(&self, pod: &str) {
        let target = format!("{}/{pod}", self.pods());
        let (status, answer) = self.cluster.json("DELETE", &target, None, &Value::Null).await;
        assert_eq!(status, 200, "{answer}");
        assert!(answer["metadata"]["deletionTimestamp"].is_string(), "{answer}");
    }

    pub(crate) async fn delete(&self, pod: &str) {
        let target = format!("{}/{pod}?gracePeriodSeconds=0", self.pods());
        let (status, answer) = self.cluster.json("DELETE", &target, None, &Value::Null).await;
        assert_eq!(status, 200, "{answer}");
    }

    pub(crate) async fn list(&self, query: &str, accept: &str) -> Value {
        let mut reply = self.get(query, accept).await;
        let body = reply.body().await.unwrap();
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).unwrap()
    }

    pub(crate) async fn get(&self, query: &str, accept: &str) -> Reply {
        let target = format!("{}?{query}", self.pods());
        self.cluster.endpoint.get(&target, accept).await.unwrap()
    }

    /// The watcher on this namespace.
    pub(crate) fn watcher(&self, streaming_list: bool) -> Driver {
        let scopes = Scopes::namespaces([&self.name]).unwrap();
        let settings = Settings {
            streaming_list,
            page_limit: 2,
            trust: any_address(),
            ..Settings::new(scopes)
        };
        let client = Client::new(self.cluster.config.clone()).expect("a client");
        Driver::new(client, Engine::new(settings, 1))
    }

    /// Deletes the namespace and what is in it.
    pub(crate) async fn remove(self) {
        let target = format!("/api/v1/namespaces/{}", self.name);
        let (status, answer) = self.cluster.json("DELETE", &target, None, &Value::Null).await;
        assert!(matches!(status, 200 | 202), "{answer}");
    }
}

/// Fails when it takes too long: a server that is real can hang.
pub(crate) async fn soon<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(TIMEOUT, work).await.unwrap_or_else(|_| panic!("{what}: took too long"))
}

/// Providers are believed at any address: without a kubelet no Pod of the suite has one of its own.
pub(crate) fn any_address() -> trust::Trust {
    trust::Trust { admitted: vec![Admit::Any], ..trust::Trust::default() }
}
