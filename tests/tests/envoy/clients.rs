//! Consumers that are not ours, on grpc-js and on grpcio, and Triple as JSON beside them: all call through the filter
//! while providers are replaced one after the other, and no call of any of them may fail.

use std::path::PathBuf;
use std::process::Stdio;

use dubbo_k8s_tests::mesh::{INTERFACE, Mesh, Service};
use dubbo_k8s_tests::skip;
use dubbo_k8s_tests::triple::{Load, Provider};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::rig::{TIMEOUT, hello, programs};

/// So many times every provider is replaced by a new one.
const ROUNDS: usize = 4;

/// Enough calls of one consumer to be sure that all have made some.
const ENOUGH: u64 = 200;

/// A consumer in a process of its own.
struct Consumer {
    name: &'static str,
    process: Child,
}

impl Consumer {
    fn start(name: &'static str, mut command: Command, address: &str) -> Self {
        let path = format!("/{INTERFACE}/Hello");
        command.args([address, &path]).stdin(Stdio::piped()).stdout(Stdio::piped());
        Self { name, process: command.kill_on_drop(true).spawn().unwrap() }
    }

    /// Lets it make its last calls; gives what it has counted.
    async fn stop(mut self) -> Value {
        self.process.stdin.take().unwrap().write_all(b"\n").await.unwrap();
        let output = timeout(TIMEOUT, self.process.wait_with_output()).await.unwrap().unwrap();
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }
}

/// What an environment variable names, or the word that the test is skipped.
fn named(variable: &str) -> Option<PathBuf> {
    let path = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.exists());
    if path.is_none() {
        skip::missing(
            "envoy::clients",
            &format!("{variable} is not set: cargo xtask test brings it"),
        );
    }
    path
}

fn consumers(address: &str) -> Option<[Consumer; 2]> {
    let (grpc_js, grpcio) = (named("GRPC_JS")?, named("GRPCIO")?);
    let clients = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("clients");
    let mut node = Command::new("node");
    node.arg(grpc_js.join("client.js"));
    let mut python = Command::new("python3");
    // The variable names the package's first file: what is imported is two folders above.
    let packages = grpcio.parent().and_then(|package| package.parent()).unwrap();
    python.arg(clients.join("grpcio.py")).env("PYTHONPATH", packages);
    Some([Consumer::start("grpc-js", node, address), Consumer::start("grpcio", python, address)])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_consumers_lose_no_call_while_providers_are_replaced() {
    let Some(programs) = programs("envoy::clients") else { return };
    let mut all = vec![Provider::start("p0").await.unwrap(), Provider::start("p1").await.unwrap()];
    let mesh = Mesh::start(&programs, &json!({}), |cluster| {
        for provider in &all {
            cluster.store().create(Service::at(provider.address()).pod(provider.name()))?;
        }
        Ok(())
    })
    .await
    .unwrap();
    mesh.routes(&hello()).await.unwrap();
    let address = mesh.address().unwrap();
    let Some(consumers) = consumers(&address.to_string()) else { return };
    let load = Load::start(address, &hello().json(), 1);
    load.more(ENOUGH).await.unwrap();
    for round in 0..2 * ROUNDS {
        let new = Provider::start(&format!("p{}", round + 2)).await.unwrap();
        mesh.register(new.name(), &Service::at(new.address())).unwrap();
        load.until("calls to the new one", |tally| tally.count(new.name()) > 0).await.unwrap();
        // It drains: what is on its way to it is answered.
        let old = all[round].name().to_owned();
        mesh.delete(&old).unwrap();
        load.until("an end of calls to the old one", |tally| tally.since(&old) > ENOUGH)
            .await
            .unwrap();
        all.push(new);
    }
    let left: Vec<&str> = all.iter().rev().take(2).map(Provider::name).collect();
    for consumer in consumers {
        let name = consumer.name;
        let tally = consumer.stop().await;
        assert_eq!(tally["failed"], json!([]), "{name}: {tally}");
        assert!(tally["calls"].as_u64().unwrap() > ENOUGH, "{name}: {tally}");
        assert!(tally["seen"].as_object().unwrap().len() > 2, "{name}: {tally}");
        let last: Vec<_> = tally["last"].as_object().unwrap().keys().collect();
        assert!(last.iter().all(|seen| left.contains(&seen.as_str())), "{name}: {tally}");
    }
    let tally = load.stop().await;
    assert_eq!(tally.failures, 0, "as JSON: {:?}", tally.in_words);
}
