//! A provider: registers itself in its own Pod, serves until Ctrl-C, and leaves before it stops to
//! answer. It needs the Role of `deploy/registrar`.
//!
//! ```text
//! HOSTNAME=greeter-0 NAMESPACE=shop cargo run --example provider -- \
//!     dubbo://10.1.2.3:20880/com.example.Greeter?version=1.0.0
//! ```
#![allow(clippy::print_stdout, clippy::print_stderr)] // it is a program for a terminal

use std::error::Error;

use dubbo_k8s_registry::{Config, HoldState, Registry};
use futures_util::future::try_join_all;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let urls: Vec<String> = std::env::args().skip(1).collect();
    let registry = Registry::connect(Config::find()?)?;
    // All at once: the registrations of one process share a request.
    let held = try_join_all(urls.iter().map(|url| registry.register(url))).await?;
    for registration in &held {
        println!("registered {}", registration.url());
    }
    if let Some(registration) = held.first() {
        let mut state = registration.state();
        tokio::select! {
            // A real provider answers its callers here.
            interrupted = tokio::signal::ctrl_c() => interrupted?,
            lost = state.wait_for(|state| matches!(state, HoldState::Lost(_))) => drop(lost),
        }
    }
    // First out of the registry, then stop to answer.
    try_join_all(held.into_iter().map(dubbo_k8s_registry::Registration::close)).await?;
    Ok(())
}
