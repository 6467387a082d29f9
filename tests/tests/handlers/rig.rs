//! A cluster, a registry that follows it, a folder, and handlers on both.

use std::path::{Path, PathBuf};
use std::time::Duration;

use dubbo_k8s_engine::{Scopes, Settings};
use dubbo_k8s_registry::kube::config::{Config as Connection, Environment, Overrides};
use dubbo_k8s_registry::{Config, Registry};
use dubbo_k8s_tests::apiserver::{Options as ClusterOptions, Server};
use dubbo_k8s_tests::{pods, skip};
use dubbo_k8s_watcher::handlers::{Handlers, Options, Prepared, Spec};
use tempfile::TempDir;
use tokio::sync::mpsc;

/// Long enough for anything; nothing is ever this slow unless it hangs.
const TIMEOUT: Duration = Duration::from_mins(2);

pub(crate) struct Rig {
    pub(crate) cluster: Server,
    pub(crate) registry: Registry,
    pub(crate) folder: TempDir,
    pub(crate) options: Options,
    messages: mpsc::UnboundedReceiver<String>,
    reports: mpsc::UnboundedSender<String>,
}

impl Rig {
    /// One provider of `a.B` is registered.
    pub(crate) async fn start() -> Self {
        let cluster = Server::start(ClusterOptions::default()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let home = tempfile::tempdir().unwrap();
        let kubeconfig = Some(cluster.write_kubeconfig(home.path()).unwrap());
        let overrides = Overrides { kubeconfig, ..Overrides::default() };
        let connection = Connection::load(&overrides, &Environment::empty([])).unwrap();
        let scopes = Scopes::namespaces([&connection.namespace]).unwrap();
        let config = Config::new(connection, Settings::new(scopes));
        let options = Options { folder: Some(folder.path().to_owned()), ..Options::default() };
        let (reports, messages) = mpsc::unbounded_channel();
        provide(&cluster, "web", "a.B", "10.0.0.1:20880");
        let registry = Registry::connect(config).unwrap();
        assert!(within(registry.synced()).await);
        Self { cluster, registry, folder, options, messages, reports }
    }

    /// Starts one handler, or several.
    pub(crate) fn handle(&self, handlers: &[(&Path, &str)]) -> Handlers {
        let specs: Vec<Spec> = handlers
            .iter()
            .map(|(file, config)| Spec { file: file.to_path_buf(), config: (*config).to_owned() })
            .collect();
        let reports = self.reports.clone();
        Prepared::load(&specs, self.options.clone()).unwrap().start(
            &self.registry,
            move |message| {
                let _ = reports.send(format!("{}: {}", message.handler, message.text));
            },
        )
    }

    pub(crate) fn provide(&self, pod: &str, interface: &str, address: &str) {
        provide(&self.cluster, pod, interface, address);
    }

    pub(crate) fn remove(&self, pod: &str) {
        self.cluster.store().delete("default", pod).unwrap();
    }

    /// Waits for a file that a handler writes to be as wanted.
    pub(crate) async fn file(&self, name: &str, wanted: impl Fn(&str) -> bool) -> String {
        let path = self.folder.path().join(name);
        let read = async {
            loop {
                let text = std::fs::read_to_string(&path).unwrap_or_default();
                if wanted(&text) {
                    return text;
                }
                #[expect(
                    clippy::disallowed_methods,
                    reason = "a file cannot be waited for; the condition decides"
                )]
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let read = tokio::time::timeout(TIMEOUT, read).await;
        read.unwrap_or_else(|_| panic!("{name} is {:?}", std::fs::read_to_string(&path)))
    }

    /// Waits until a handler says something with this text in it.
    pub(crate) async fn message(&mut self, text: &str) -> String {
        within(async {
            loop {
                let message = self.messages.recv().await.unwrap();
                if message.contains(text) {
                    return message;
                }
            }
        })
        .await
    }
}

pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(TIMEOUT, future).await.unwrap()
}

/// The key of a provider.
pub(crate) fn key(interface: &str, address: &str) -> String {
    pods::provider(interface, address, "")
}

pub(crate) fn provide(cluster: &Server, pod: &str, interface: &str, address: &str) {
    let annotation = pods::annotation(&[key(interface, address)]);
    cluster.store().create(pods::registered("default", pod, &annotation)).unwrap();
}

/// The component that a variable names.
pub(crate) fn component(variable: &str) -> Option<PathBuf> {
    let path = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_file());
    if path.is_none() {
        skip::missing(
            "handlers",
            &format!("{variable} names no wasm file: run `cargo xtask test`"),
        );
    }
    path
}
