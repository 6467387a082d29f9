//! dubbo-go 3.3 on both sides of the filter: a consumer of Dubbo that knows no registry calls Envoy by Triple over HTTP/2, and
//! its providers are replaced one after the other.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Stdio;

use dubbo_k8s_tests::control_plane::free_port;
use dubbo_k8s_tests::interop33::{calls_go_on, program, until_answered_by, until_passed_over};
use dubbo_k8s_tests::mesh::{Mesh, Service};
use dubbo_k8s_tests::program::{Running, bare};
use serde_json::json;

use crate::rig::programs;

/// The service of the programs.
const INTERFACE: &str = "greet.GreetService";

/// So many times every provider is replaced by a new one.
const ROUNDS: usize = 3;

/// A provider in a process of its own.
struct Provider {
    name: String,
    address: SocketAddr,
    process: Running,
}

impl Provider {
    fn start(program: &Path, name: &str) -> Self {
        let port = free_port();
        let mut command = bare(program);
        command.args(["provider", "--name", name, "--host", "127.0.0.1"]);
        command.args(["--port", &port.to_string()]).stdin(Stdio::piped());
        let process = Running::start(command);
        while process.line() != "ready" {}
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Self { name: name.to_owned(), address, process }
    }

    fn service(&self) -> Service<'static> {
        Service { interface: INTERFACE, ..Service::at(self.address) }
    }
}

/// A consumer that tries no call a second time.
fn consumer(program: &Path, proxy: SocketAddr) -> Running {
    let mut command = bare(program);
    command.args(["consumer", "--url", &format!("tri://{proxy}")]);
    command.args(["--retries", "0", "--every-ms", "1", "--await-first"]).stdin(Stdio::piped());
    Running::start(command)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dubbo_go_loses_no_call_while_its_providers_are_replaced() {
    let (Some(programs), Some(program)) = (programs("envoy::dubbo_go"), program("envoy::dubbo_go"))
    else {
        return;
    };
    let mut all = vec![Provider::start(&program, "p0"), Provider::start(&program, "p1")];
    let mesh = Mesh::start(&programs, &json!({}), |cluster| {
        for provider in &all {
            cluster.store().create(provider.service().pod(&provider.name))?;
        }
        Ok(())
    })
    .await
    .unwrap();
    mesh.knows(2).await.unwrap();
    let consumer = consumer(&program, mesh.address().unwrap());
    until_answered_by(&consumer, "p0");
    until_answered_by(&consumer, "p1");
    for round in 0..2 * ROUNDS {
        let new = Provider::start(&program, &format!("p{}", round + 2));
        mesh.register(&new.name, &new.service()).unwrap();
        until_answered_by(&consumer, &new.name);
        all.push(new);
        let old = all.remove(0);
        mesh.delete(&old.name).unwrap();
        until_passed_over(&consumer, &old.name);
        let ran = old.process.end("-TERM");
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    }
    calls_go_on(&consumer);
}
