//! The scripted kube-apiserver as a program: prints one JSON line when it is ready, and ends at
//! the end of its input, at Ctrl-C or SIGTERM.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use dubbo_k8s_tests::apiserver::{Options, Server};
use serde_json::json;
use tokio::io::AsyncReadExt as _;

/// A scripted kube-apiserver on the loopback interface.
#[derive(Debug, Parser)]
#[command(name = "apiserver")]
struct Arguments {
    /// The port; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Where to write the kubeconfig.
    #[arg(long, value_name = "FILE")]
    kubeconfig_out: Option<PathBuf>,
    /// Plain HTTP instead of TLS.
    #[arg(long)]
    plain_http: bool,
    /// Offer HTTP/1.1 only.
    #[arg(long)]
    http1: bool,
    /// Does not know streaming lists, as older servers.
    #[arg(long)]
    no_streaming_list: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "apiserver: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::start(Options {
        port: arguments.port,
        tls: !arguments.plain_http,
        http2: !arguments.http1,
        streaming_list: !arguments.no_streaming_list,
        ..Options::default()
    })
    .await?;
    if let Some(path) = &arguments.kubeconfig_out {
        server.write_kubeconfig_to(path, "default")?;
    }
    let ready =
        json!({"url": server.url(), "kubeconfig": arguments.kubeconfig_out, "namespaces": []});
    writeln!(std::io::stdout(), "{ready}")?;
    end_of_service().await;
    Ok(())
}

/// Waits for the end of the input, Ctrl-C or SIGTERM.
async fn end_of_service() {
    tokio::select! {
        () = end_of_input() => {}
        _ = tokio::signal::ctrl_c() => {}
        () = terminated() => {}
    }
}

async fn end_of_input() {
    let mut input = tokio::io::stdin();
    let mut buffer = [0; 256];
    while input.read(&mut buffer).await.is_ok_and(|length| length > 0) {}
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending().await
}
