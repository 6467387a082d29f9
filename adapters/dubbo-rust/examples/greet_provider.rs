//! A provider of `greet.GreetService`: registers in its own Pod, answers with its name, and at SIGTERM or Ctrl-C leaves
//! the registry before it stops to answer.
//!
//! ```text
//! cargo run --example greet_provider -- --port 20000 --registry 'kubernetes://in-cluster'
//! ```
//!
//! A line `ready <url>` says that the URL is registered and answered.
#![allow(clippy::print_stdout, reason = "it is a program for a terminal")]

mod greet;

use std::time::Duration;

use argh::FromArgs;
use dubbo::config::RootConfig;
use dubbo::config::protocol::Protocol;
use dubbo::config::service::ServiceConfig;
use dubbo::{Dubbo, StdError};
use greet::{GreetResponse, GreetServer, INTERFACE};
use tokio::net::TcpStream;
use tokio::signal::unix::{SignalKind, signal};

/// Provides greet.GreetService over Triple.
#[derive(FromArgs)]
struct Arguments {
    /// the registry; by default that of the service account
    #[argh(option, default = "String::from(\"kubernetes://in-cluster\")")]
    registry: String,
    /// the address to listen on; with 0.0.0.0, that of the Pod is registered
    #[argh(option, default = "String::from(\"0.0.0.0\")")]
    host: String,
    /// the port to listen on
    #[argh(option)]
    port: u16,
    /// what it answers; by default its host and port
    #[argh(option)]
    name: Option<String>,
    /// how long it goes on answering once it has left the registry, in milliseconds
    #[argh(option, default = "1000")]
    drain_ms: u64,
}

#[tokio::main]
async fn main() -> Result<(), StdError> {
    let arguments: Arguments = argh::from_env();
    greet::log_to_stderr();
    let name = arguments.name.clone();
    let greeting = name.unwrap_or_else(|| format!("{}:{}", arguments.host, arguments.port));
    GreetServer::register(move |_| Ok(GreetResponse { greeting: greeting.clone() }))?;
    dubbo_registry_kubernetes::install().await?;

    let mut terminated = signal(SignalKind::terminate())?;
    let mut dubbo = Dubbo::new().with_config(config(&arguments)).add_registry(&arguments.registry);
    let server = tokio::spawn(async move { dubbo.start().await });
    tokio::select! {
        ready = ready(&arguments) => ready?,
        _ = terminated.recv() => return Ok(dubbo_registry_kubernetes::leave().await?),
    }
    tokio::select! {
        _ = terminated.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        ended = server => return Err(format!("the server has ended: {ended:?}").into()),
    }
    // First out of the registry, then stop to answer.
    dubbo_registry_kubernetes::leave().await?;
    println!("left");
    tokio::time::sleep(Duration::from_millis(arguments.drain_ms)).await;
    Ok(())
}

/// What others write into `dubbogo.yaml`.
fn config(arguments: &Arguments) -> RootConfig {
    let mut config = RootConfig::new();
    let protocol = Protocol::default()
        .name("tri".to_owned())
        .ip(arguments.host.clone())
        .port(arguments.port.to_string());
    config.protocols.insert("tri".to_owned(), protocol);
    let service =
        ServiceConfig::default().interface(INTERFACE.to_owned()).protocol("tri".to_owned());
    config.provider.services.insert("GreetService".to_owned(), service);
    config
}

/// Waits until it answers. dubbo-rust registers before it listens, and does not say whether it could.
async fn ready(arguments: &Arguments) -> Result<(), StdError> {
    let own = if arguments.host == "0.0.0.0" { "127.0.0.1" } else { &*arguments.host };
    while TcpStream::connect((own, arguments.port)).await.is_err() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let registered = dubbo_registry_kubernetes::registered().await;
    if registered.is_empty() {
        return Err("it answers, but is not registered: the log has why".into());
    }
    for url in registered {
        println!("ready {url}");
    }
    Ok(())
}
