//! One suite, two servers: the scripted kube-apiserver always, and a real one when there is one:
//! etcd and kube-apiserver from `$KUBEBUILDER_ASSETS`, started here, or the cluster of
//! `$KUBECONFIG`. There it works in a namespace of its own and deletes that afterwards; it needs
//! the right to make one. Without either the real half says SKIPPED and why.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod cluster;
mod processes;
mod scenarios;

use dubbo_k8s_tests::apiserver::{Options, Server};
use dubbo_k8s_tests::skip;

use cluster::Cluster;
use processes::ControlPlane;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_scripted_server() {
    let server = Server::start(Options::default()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = server.write_kubeconfig(folder.path()).unwrap();
    scenarios::run_all(&Cluster::of_kubeconfig(&kubeconfig)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_real_server() {
    if let Some(assets) = set("KUBEBUILDER_ASSETS") {
        let control_plane = ControlPlane::start(assets.as_ref()).await;
        let cluster = Cluster::of_kubeconfig(control_plane.kubeconfig());
        scenarios::run_all(&cluster).await;
    } else if let Some(kubeconfig) = set("KUBECONFIG") {
        scenarios::run_all(&Cluster::of_kubeconfig(kubeconfig.as_ref())).await;
    } else {
        skip::optional(
            "real cluster",
            "set KUBEBUILDER_ASSETS to a folder with etcd and kube-apiserver, or KUBECONFIG to a cluster",
        );
    }
}

fn set(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|value| !value.is_empty())
}
