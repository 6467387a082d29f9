//! All of it together: a scripted cluster, the real watcher that serves its registry, and a real Envoy with
//! the filter in front of whatever registered. It must never take a shortcut: what Envoy knows, it has from
//! the watcher, and the watcher from the kube-apiserver.

mod registering;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Instant;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::apiserver::{Options, Server, StartError, Status};
use crate::envoy::{self, Envoy, cluster, config};
use crate::triple::{Call, Connection};
use crate::watcher::Serving;

pub use registering::{INTERFACE, Service, crowd, of_one_service};

/// The namespace of everything that is registered.
pub const NAMESPACE: &str = "shop";

/// The environment variable that names the filter's file; `cargo xtask test` sets it.
pub const FILTER: &str = "FILTER_WASM";

/// The name of the listener.
const LISTENER: &str = "in";

/// What has to be here before.
#[derive(Clone, Debug)]
pub struct Programs {
    /// Envoy.
    pub envoy: PathBuf,
    /// The filter's wasm file.
    pub filter: PathBuf,
}

impl Programs {
    /// As the environment names them; an error says what is missing.
    pub fn from_environment() -> Result<Self, String> {
        let set = |name: &str| std::env::var_os(name).filter(|set| !set.is_empty());
        let missing = |name: &str, what: &str| format!("{name} names no {what}");
        Ok(Self {
            envoy: envoy::program().ok_or_else(|| missing(envoy::VARIABLE, "Envoy"))?,
            filter: set(FILTER).ok_or_else(|| missing(FILTER, "file of the filter"))?.into(),
        })
    }
}

/// Why there is no mesh, or why something in it did not happen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Envoy.
    #[error(transparent)]
    Envoy(#[from] envoy::Error),
    /// The scripted kube-apiserver.
    #[error("the scripted kube-apiserver: {0}")]
    Cluster(#[from] StartError),
    /// A change that the scripted kube-apiserver refused.
    #[error("the scripted kube-apiserver: {}", .0.message)]
    Refused(Status),
    /// The watcher.
    #[error("dubbo-watcher serve: {0}")]
    Watcher(#[from] io::Error),
    /// Something that was waited for.
    #[error("{0}")]
    Late(String),
}

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        Self::Refused(status)
    }
}

/// The header that the policy `override_host` goes by.
const OVERRIDE: &str = "x-gateway-destination-endpoint";

/// A listener with the filter, and a route for either way to name an endpoint to Envoy. Requests without one
/// are answered with 404 by Envoy: who reaches a cluster was routed by the filter, and the route was
/// chosen after it.
pub fn ingress(programs: &Programs, name: &str, settings: &Value) -> config::Listener {
    let listener = config::Listener::new(name)
        .filter(config::wasm(&programs.filter, settings))
        .route(config::with_header("x-envoy-original-dst-host", "original"))
        .route(config::with_header(OVERRIDE, "override"));
    // An endpoint in the filter state is seen by no route.
    if settings.get("endpoint").is_some_and(|endpoint| endpoint == "filterState") {
        return listener.route(config::to_cluster("original"));
    }
    listener.route(config::answered(404, "no endpoint"))
}

/// The clusters behind these routes. `hosts` are the ones that the policy `override_host` may choose.
pub fn destinations(hosts: &[SocketAddr]) -> Vec<Value> {
    vec![
        cluster::http2(cluster::original_destination("original")),
        cluster::http2(cluster::override_host("override", OVERRIDE, hosts)),
    ]
}

/// A running mesh.
pub struct Mesh {
    // In the order in which they are stopped.
    envoy: Envoy,
    watcher: Option<Serving>,
    watcher_address: SocketAddr,
    cluster: Server,
    folder: TempDir,
    started: Instant,
}

impl Mesh {
    /// Starts all of it. `settings` are members of the plugin configuration beside `discovery`;
    /// `fill` puts Pods into the cluster before anything looks at it.
    pub async fn start(
        programs: &Programs,
        settings: &Value,
        fill: impl FnOnce(&Server) -> Result<(), Status>,
    ) -> Result<Self, Error> {
        Self::start_beside(programs, settings, |_| Vec::new(), fill).await
    }

    /// As [`Mesh::start`], with more listeners in the same Envoy; they are made where the watcher's address is known.
    pub async fn start_beside(
        programs: &Programs,
        settings: &Value,
        listeners: impl FnOnce(SocketAddr) -> Vec<config::Listener>,
        fill: impl FnOnce(&Server) -> Result<(), Status>,
    ) -> Result<Self, Error> {
        Self::start_as(programs, settings, &envoy::Options::default(), listeners, fill).await
    }

    /// As [`Mesh::start`], with an Envoy of so many workers.
    pub async fn start_wide(
        programs: &Programs,
        settings: &Value,
        workers: u32,
        fill: impl FnOnce(&Server) -> Result<(), Status>,
    ) -> Result<Self, Error> {
        let options = envoy::Options { concurrency: workers, ..envoy::Options::default() };
        Self::start_as(programs, settings, &options, |_| Vec::new(), fill).await
    }

    async fn start_as(
        programs: &Programs,
        settings: &Value,
        options: &envoy::Options,
        listeners: impl FnOnce(SocketAddr) -> Vec<config::Listener>,
        fill: impl FnOnce(&Server) -> Result<(), Status>,
    ) -> Result<Self, Error> {
        let cluster = Server::start(Options::default()).await?;
        fill(&cluster)?;
        let folder = tempfile::tempdir()?;
        let kubeconfig = folder.path().join("kubeconfig");
        cluster.write_kubeconfig_to(&kubeconfig, NAMESPACE)?;
        let watcher = Serving::start(&kubeconfig).await?;
        watcher.synced().await?;
        let watcher_address = watcher.address();
        let settings = discovering(settings, watcher_address);
        let mut all = vec![ingress(programs, LISTENER, &settings).value()];
        all.extend(listeners(watcher_address).into_iter().map(config::Listener::value));
        let mut clusters = destinations(&[]);
        clusters.push(cluster::fixed("watcher", &[watcher_address]));
        let started = Instant::now();
        let configuration = config::bootstrap(&all, &clusters);
        let envoy = Envoy::start_with(&programs.envoy, &configuration, options).await?;
        Ok(Self { envoy, watcher: Some(watcher), watcher_address, cluster, folder, started })
    }

    /// When Envoy was started.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// Where requests go.
    pub fn address(&self) -> Result<SocketAddr, Error> {
        Ok(self.envoy.address(LISTENER)?)
    }

    /// The proxy.
    pub fn envoy(&self) -> &Envoy {
        &self.envoy
    }

    /// The watcher, unless it was killed.
    pub fn watcher(&self) -> Option<&Serving> {
        self.watcher.as_ref()
    }

    /// The cluster.
    pub fn cluster(&self) -> &Server {
        &self.cluster
    }

    /// Registers a service in a Pod of its own.
    pub fn register(&self, pod: &str, service: &Service<'_>) -> Result<(), Error> {
        self.cluster.store().create(service.pod(pod))?;
        Ok(())
    }

    /// Deletes a Pod as a controller does: it is terminating, and then gone.
    pub fn delete(&self, pod: &str) -> Result<(), Error> {
        self.cluster.store().terminate(NAMESPACE, pod)?;
        self.cluster.store().delete(NAMESPACE, pod)?;
        Ok(())
    }

    /// Kills the watcher without a word (SIGKILL).
    pub fn kill_watcher(&mut self) {
        self.watcher = None;
    }

    /// Starts the watcher again, at the same address.
    pub async fn restart_watcher(&mut self) -> Result<(), Error> {
        let kubeconfig = self.folder.path().join("kubeconfig");
        self.watcher = Some(Serving::start_at(&kubeconfig, self.watcher_address).await?);
        Ok(())
    }

    /// Waits until a metric of the filter is as wanted.
    pub async fn until_metric(
        &self,
        name: &str,
        wanted: impl Fn(u64) -> bool,
    ) -> Result<u64, Error> {
        let full = format!("wasmcustom.{name}");
        let ask =
            async || Ok(Some(self.envoy.admin().stat(&full).await?).filter(|value| wanted(*value)));
        Ok(self.envoy.until(&full, ask).await?)
    }

    /// Waits until a call is answered by a provider. What a metric says may be what another thread of Envoy
    /// knows; this is the one that takes the calls.
    pub async fn routes(&self, call: &Call) -> Result<(), Error> {
        let address = self.address()?;
        let ask = async || {
            let answer = match Connection::open(address).await {
                Ok(mut connection) => connection.call(call).await,
                Err(error) => Err(error),
            };
            Ok(answer.is_ok_and(|answer| answer.is_good()).then_some(()))
        };
        Ok(self.envoy.until("a routed call", ask).await?)
    }

    /// Waits until the filter, in one of Envoy's threads, knows so many providers.
    pub async fn knows(&self, providers: u64) -> Result<(), Error> {
        self.until_metric("dubbo.providers", |known| known == providers).await.map(drop)
    }
}

/// The settings of a filter that asks the watcher at this address, and may route to this machine.
pub fn discovering(settings: &Value, watcher: SocketAddr) -> Value {
    let mut all = local(settings);
    if let Some(map) = all.as_object_mut() {
        let discovery = json!({"cluster": "watcher", "authority": watcher.to_string()});
        map.insert("discovery".to_owned(), discovery);
    }
    all
}

/// The settings of a filter that may route to this machine.
pub fn local(settings: &Value) -> Value {
    let mut all = settings.clone();
    if let Some(map) = all.as_object_mut() {
        map.insert("allowLoopback".to_owned(), true.into());
    }
    all
}
