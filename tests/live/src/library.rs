//! A registry in this process, as a Rust service has it.

use dubbo_k8s_engine::{Engine, Scopes, Settings};
use dubbo_k8s_registry::kube::config::{Config as Connection, Environment, Overrides};
use dubbo_k8s_registry::kube::{Client, Driver};
use dubbo_k8s_registry::{Config, Registry};

use crate::programs::Cluster;
use crate::report::Outcome;

/// In sync with the cluster.
pub(crate) async fn registry(cluster: &Cluster) -> Outcome<Registry> {
    let settings = Settings::new(Scopes::all());
    let registry = Registry::connect(Config::new(connection(cluster)?, settings))?;
    if registry.synced().await { Ok(registry) } else { Err("the registry has ended".into()) }
}

/// A client that has asked for nothing yet.
pub(crate) fn client(cluster: &Cluster) -> Outcome<Client> {
    Ok(Client::new(connection(cluster)?)?)
}

/// What [`Registry::connect`] makes, for a caller that polls it.
pub(crate) fn driver(cluster: &Cluster) -> Outcome<Driver> {
    let mut settings = Settings::new(Scopes::all());
    settings.bulk = true;
    Ok(Driver::new(client(cluster)?, Engine::new(settings, 0)))
}

fn connection(cluster: &Cluster) -> Outcome<Connection> {
    let kubeconfig = Some(cluster.kubeconfig.clone());
    let overrides = Overrides { kubeconfig, ..Overrides::default() };
    Ok(Connection::load(&overrides, &Environment::empty([]))?)
}
