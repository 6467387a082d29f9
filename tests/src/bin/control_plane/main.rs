//! A real kube-apiserver with etcd as a program, for a person: starts both on free ports of 127.0.0.1, prints the
//! kubeconfig, and ends both at Ctrl-C or at the end of its input. `cargo xtask cluster` runs it.

use std::path::PathBuf;

use clap::Parser;
use dubbo_k8s_tests::control_plane::{ControlPlane, Programs};
use tokio::io::AsyncReadExt as _;

/// Starts etcd and kube-apiserver.
#[derive(Parser)]
struct Arguments {
    /// The folder with etcd.
    #[arg(long)]
    etcd: PathBuf,
    /// The folder with kube-apiserver.
    #[arg(long)]
    kube_apiserver: PathBuf,
}

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "it is what the program is for")]
async fn main() {
    let Arguments { etcd, kube_apiserver } = Arguments::parse();
    let server = ControlPlane::start(&Programs { etcd, kube_apiserver }, &[]).await;
    println!("kube-apiserver  {}", server.url());
    println!("kubeconfig      {}", server.kubeconfig().display());
    println!("\n    export KUBECONFIG={}", server.kubeconfig().display());
    println!("    dubbo-watcher watch -A\n\nCtrl-C ends it; nothing of it stays.");
    let mut input = tokio::io::stdin();
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        // At the end of a pipe or a closed terminal, too.
        () = async { while matches!(input.read(&mut [0; 64]).await, Ok(1..)) {} } => {}
    }
}
