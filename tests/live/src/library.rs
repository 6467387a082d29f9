//! A registry in this process, as a Rust service has it.

use dubbo_k8s_watcher::core::{Scopes, Settings};
use dubbo_k8s_watcher::kube::config::{Config as Connection, Environment, Overrides};
use dubbo_k8s_watcher::registry::{Config, Registry};

use crate::Outcome;
use crate::programs::Cluster;

/// In sync with the cluster.
pub(crate) async fn registry(cluster: &Cluster) -> Outcome<Registry> {
    let kubeconfig = Some(cluster.kubeconfig.clone());
    let overrides = Overrides { kubeconfig, ..Overrides::default() };
    let connection = Connection::load(&overrides, &Environment::empty([]))?;
    let registry = Registry::connect(Config::new(connection, Settings::new(Scopes::all())))?;
    if registry.synced().await { Ok(registry) } else { Err("the registry has ended".into()) }
}
