//! A real kube-apiserver with etcd as a program, for a person: starts both on free ports of 127.0.0.1, prints the
//! kubeconfig, and ends both at Ctrl-C, at SIGTERM or at the end of its input. `cargo xtask cluster` runs it.

use std::error::Error;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use dubbo_k8s_tests::control_plane::{ControlPlane, Programs, free_port};
use tokio::io::AsyncReadExt as _;
use tokio::signal::unix::{SignalKind, signal};

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

fn main() -> ExitCode {
    match start(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}"); // a closed stderr is no reason to fail otherwise
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(run(arguments));
    // Without waiting for the end of the input, which a thread may be reading still.
    runtime.shutdown_background();
    done
}

async fn run(Arguments { etcd, kube_apiserver }: Arguments) -> Result<(), Box<dyn Error>> {
    // From the first moment: what was started has to be ended.
    let mut terminate = signal(SignalKind::terminate())?;
    let end = async {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
            () = end_of_input() => {}
        }
    };
    tokio::pin!(end);
    let programs = Programs { etcd, kube_apiserver };
    let server = tokio::select! {
        server = ControlPlane::try_start(&programs, &[], free_port) => server?,
        () = &mut end => return Ok(()),
    };
    show(&server)?;
    end.await;
    Ok(())
}

/// At the end of a pipe or a closed terminal, too.
async fn end_of_input() {
    let mut input = tokio::io::stdin();
    while matches!(input.read(&mut [0; 64]).await, Ok(1..)) {}
}

fn show(server: &ControlPlane) -> io::Result<()> {
    let (url, kubeconfig) = (server.url(), server.kubeconfig().display());
    let mut out = io::stdout();
    writeln!(out, "kube-apiserver  {url}\nkubeconfig      {kubeconfig}\n")?;
    writeln!(out, "    export KUBECONFIG={kubeconfig}\n    dubbo-watcher watch -A\n")?;
    writeln!(out, "Ctrl-C ends it; nothing of it stays.")
}
