//! One suite for every kube-apiserver: the scripted one always, and the real ones that there are. `cargo xtask
//! test` builds two versions; without it `$KUBEBUILDER_ASSETS` or the cluster of `$KUBECONFIG` serve, where it works
//! in namespaces of its own and deletes them afterwards. Faults are tried on servers that it starts itself.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod agent;
mod answer;
mod churn;
mod cluster;
mod compared;
mod dubbo_go;
mod dubbo_go_3;
mod dubbo_pods;
mod dubbo_rust;
mod envoy;
mod faults;
mod overload;
mod pods;
mod policy;
mod recorded;
mod rights;
mod scenarios;
mod soak;
mod view;

use dubbo_k8s_tests::apiserver::{Options, Server};
use dubbo_k8s_tests::control_plane::{ControlPlane, Programs};
use dubbo_k8s_tests::skip;

use cluster::Cluster;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_scripted_server() {
    let server = Server::start(Options::default()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = server.write_kubeconfig(folder.path()).unwrap();
    scenarios::run_all(&Cluster::of_kubeconfig(&kubeconfig)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_newest_real_server() {
    let Some(programs) = real_servers("real cluster").first().cloned() else { return };
    let mut control_plane = ControlPlane::start(&programs, &[]).await;
    let cluster = Cluster::of_kubeconfig(control_plane.kubeconfig());
    on_a_real_server(&control_plane, &cluster).await;
    dubbo_go::run_all(&control_plane, &cluster).await;
    dubbo_rust::run_all(control_plane.kubeconfig(), &cluster).await;
    dubbo_go_3::run_all(&control_plane, &cluster).await;
    envoy::run_all(&control_plane, &cluster).await;
    compared::run_all(&mut control_plane, &cluster).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_oldest_real_server() {
    let servers = real_servers("real cluster, older version");
    let [_, .., oldest] = &servers[..] else { return };
    let mut control_plane = ControlPlane::start(oldest, &[]).await;
    let cluster = Cluster::of_kubeconfig(control_plane.kubeconfig());
    on_a_real_server(&control_plane, &cluster).await;
    compared::run_all(&mut control_plane, &cluster).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_cluster_of_the_environment() {
    let kubeconfig = std::env::var("KUBECONFIG").ok().filter(|value| !value.is_empty());
    if let Some(kubeconfig) = kubeconfig {
        let cluster = Cluster::of_kubeconfig(kubeconfig.as_ref());
        scenarios::run_all(&cluster).await;
        pods::run_all(&cluster).await;
    }
}

async fn on_a_real_server(control_plane: &ControlPlane, cluster: &Cluster) {
    scenarios::run_all(cluster).await;
    pods::run_all(cluster).await;
    rights::run_all(control_plane, cluster).await;
    agent::run_all(control_plane, cluster).await;
}

/// The real servers that there are; with `CI=true` there must be some.
fn real_servers(test: &str) -> Vec<Programs> {
    let servers = Programs::of_environment();
    if servers.is_empty() {
        skip::missing(
            test,
            "there is no kube-apiserver: with Go 1.26 or newer on the PATH `cargo xtask test` builds it; or set \
             KUBEBUILDER_ASSETS to a folder with etcd and kube-apiserver",
        );
    }
    servers
}
