//! A cluster, a registry that follows it, and a server in front of that.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use dubbo_k8s_codec::query_escape;
use dubbo_k8s_engine::{Scopes, Settings};
use dubbo_k8s_registry::kube::config::{Config as Connection, Environment, Overrides};
use dubbo_k8s_registry::{Config, Registry};
use dubbo_k8s_tests::apiserver::{Options as ClusterOptions, Server};
use dubbo_k8s_tests::pods;
pub(crate) use dubbo_k8s_tests::pods::annotation;
use dubbo_k8s_watcher::serve::{self, Listeners, Options};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::client::{Answer, Stream, get, open};

/// Long enough for anything; nothing is ever this slow unless it hangs.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) struct Rig {
    pub(crate) cluster: Server,
    pub(crate) registry: Arc<Registry>,
    pub(crate) address: SocketAddr,
    /// Where probes are answered.
    pub(crate) probes: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<()>,
}

impl Rig {
    /// In sync, with these Pods: name and keys.
    pub(crate) async fn new(pods: &[(&str, &[String])]) -> Self {
        Self::with(pods, Options::default()).await
    }

    pub(crate) async fn with(pods: &[(&str, &[String])], options: Options) -> Self {
        let cluster = Server::start(ClusterOptions::default()).await.unwrap();
        for (name, keys) in pods {
            cluster.store().create(pod(name, &annotation(keys))).unwrap();
        }
        let registry = Arc::new(Registry::connect(config(&cluster)).unwrap());
        assert!(within(registry.synced()).await);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let for_probes = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let probes = for_probes.local_addr().unwrap();
        let listeners = Listeners { api: listener.into(), probes: Some(for_probes) };
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn({
            let registry = Arc::clone(&registry);
            async move {
                let stopped = async {
                    let _ = stopped.await;
                };
                serve::run(listeners, &registry, options, stopped).await.unwrap();
            }
        });
        Self { cluster, registry, address, probes, stop: Some(stop), served }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        get(self.address, path, &[]).await
    }

    pub(crate) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        get(self.address, path, headers).await
    }

    /// Opens an event stream.
    pub(crate) async fn events(&self, path: &str, headers: &[(&str, &str)]) -> Stream {
        open(self.address, path, headers).await
    }

    /// Sets the records of a Pod.
    pub(crate) fn write(&self, name: &str, keys: &[String]) {
        pods::reannotate(self.cluster.store(), "default", name, &annotation(keys)).unwrap();
    }

    /// Waits until the registry holds this many records.
    pub(crate) async fn holds(&self, records: usize) {
        let mut updates = self.registry.subscribe_all();
        within(async {
            use futures_util::StreamExt as _;
            while self.registry.snapshot().records() != records {
                updates.next().await.unwrap();
            }
        })
        .await;
    }

    /// Asks the server to stop.
    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
    }

    /// Waits until it has.
    pub(crate) async fn stopped(self) -> Arc<Registry> {
        within(self.served).await.unwrap();
        self.registry
    }
}

pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(TIMEOUT, future).await.expect("in time")
}

fn config(cluster: &Server) -> Config {
    let directory = tempfile::tempdir().unwrap();
    let kubeconfig = Some(cluster.write_kubeconfig(directory.path()).unwrap());
    let overrides = Overrides { kubeconfig, ..Overrides::default() };
    let connection = Connection::load(&overrides, &Environment::empty([])).unwrap();
    let scopes = Scopes::namespaces([&connection.namespace]).unwrap();
    Config::new(connection, Settings::new(scopes))
}

pub(crate) fn pod(name: &str, annotation: &str) -> Value {
    pods::registered("default", name, annotation)
}

/// The key of a provider.
pub(crate) fn provider(interface: &str, host: u8) -> String {
    let url = format!("dubbo://10.0.0.{host}:20880/{interface}?timeout=3000&weight=50");
    format!("/dubbo/{interface}/providers/{}", query_escape(&url))
}
