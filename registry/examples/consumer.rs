//! A consumer: follows one service in the registry that kubectl is pointed at (or that of the Pod
//! it runs in), and says which providers a call could go to.
//!
//! ```text
//! cargo run --example consumer -- com.example.Greeter
//! cargo run --example consumer -- '*/com.example.Greeter:*'
//! ```
//!
//! It never asks the API server by itself: every answer comes from the registry's last state,
//! which stays in service while the server is away.

use std::collections::BTreeSet;
use std::io::{self, Write as _};

use dubbo_k8s_registry::{Config, Query, Registry, Service, Update};
use futures_util::StreamExt as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Some(name) = std::env::args().nth(1) else {
        return Err("name a service: [group/]interface[:version]".into());
    };
    let query = Query::from(Service::parse(&name).into_owned());
    let registry = Registry::connect(Config::find()?)?;
    let mut updates = registry.subscribe(query);
    let mut providers = BTreeSet::new();
    while let Some(update) = updates.next().await {
        match update {
            // The first item, and again if this program was too slow: it replaces everything.
            Update::Snapshot(snapshot) => {
                providers = snapshot.providers().map(|found| found.key().to_text()).collect();
                if snapshot.is_synced() {
                    show(&providers)?;
                }
            }
            Update::Change(change) if change.key.contains("/providers/") => {
                use dubbo_k8s_engine::catalog::ChangeKind::{Added, Removed, Updated};
                match change.kind {
                    Added | Updated => providers.insert(change.key.to_string()),
                    Removed => providers.remove(&*change.key),
                };
                if registry.snapshot().is_synced() {
                    show(&providers)?;
                }
            }
            Update::Synced { .. } => show(&providers)?,
            Update::Disconnected { error, .. } | Update::Failed { error, .. } => {
                writeln!(io::stderr(), "{error}; going on with what is known")?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Prints the addresses that a call could go to.
fn show(keys: &BTreeSet<String>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{} providers", keys.len())?;
    for key in keys {
        let url = dubbo_k8s_codec::Key::parse(key).ok().and_then(|key| key.url);
        let url = url.and_then(|url| dubbo_k8s_codec::Url::parse(url).ok());
        if let Some(url) = url.filter(dubbo_k8s_codec::Url::is_enabled) {
            let port = url.port().unwrap_or_default();
            writeln!(out, "  {}:{port} weight {}", url.host(), url.weight(None))?;
        }
    }
    Ok(())
}
