//! A cluster by its kubeconfig: what writes Pods into it, and the watcher that reads them.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dubbo_k8s_engine::{Engine, Scopes, Settings};
use dubbo_k8s_registry::kube::config::{Config, Credential, Environment, Overrides, Trust};
use dubbo_k8s_registry::kube::{Client, Driver};
use dubbo_k8s_tests::raw::{Endpoint, Reply};
use serde_json::{Value, json};

/// How long anything may take before it counts as failed.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct Cluster {
    config: Config,
    endpoint: Endpoint,
}

/// A namespace of its own, to be deleted at the end.
pub(crate) struct Namespace<'a> {
    cluster: &'a Cluster,
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

    /// Makes a namespace that nobody else uses.
    pub(crate) async fn namespace(&self, purpose: &str) -> Namespace<'_> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        let name = format!("dubbo-k8s-{purpose}-{now}");
        let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        let (status, answer) = self.json("POST", "/api/v1/namespaces", None, &body).await;
        assert_eq!(status, 201, "{answer}");
        Namespace { cluster: self, name }
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
    fn pods(&self) -> String {
        format!("/api/v1/namespaces/{}/pods", self.name)
    }

    pub(crate) async fn create(&self, pod: &Value) -> Value {
        let (status, answer) = self.cluster.json("POST", &self.pods(), None, pod).await;
        assert_eq!(status, 201, "{answer}");
        answer
    }

    pub(crate) async fn patch(&self, pod: &str, patch: &Value) -> (u16, Value) {
        let target = format!("{}/{pod}", self.pods());
        self.cluster.json("PATCH", &target, Some("application/merge-patch+json"), patch).await
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
        let settings = Settings { streaming_list, page_limit: 2, ..Settings::new(scopes) };
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
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| panic!("{what}: took too long"))
}
