//! What it costs the watcher that an Envoy of many workers follows the registry while Pods change: CPU time beside
//! that of a watcher that nobody asks, questions, and bytes.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use dubbo_k8s_tests::apiserver::{Options, Server, Status};
use dubbo_k8s_tests::mesh::{Mesh, NAMESPACE, Programs, Service};
use dubbo_k8s_tests::pods::ANNOTATION;
use dubbo_k8s_tests::usage;
use dubbo_k8s_tests::watcher::Serving;
use serde_json::json;

use crate::{Arguments, Outcome, line};

const WORKERS: u32 = 16;

/// A Pod changes so often.
const EVERY: Duration = Duration::from_millis(10);

/// How long each watcher is measured.
const TIME: Duration = Duration::from_secs(20);

pub(crate) async fn table(programs: &Programs, arguments: &Arguments) -> Outcome {
    let pods = arguments.providers;
    line(&format!(
        "{pods} Pods, of which one changes every {} ms, for {} s; one Envoy with {WORKERS} workers.\n",
        EVERY.as_millis(),
        TIME.as_secs(),
    ))?;
    line("| | CPU of the watcher, % of a core | questions/s | bytes/s | bytes of one change |")?;
    line("|---|---|---|---|---|")?;
    let alone = alone(pods).await?;
    line(&format!("| nobody asks | {alone:.1} | 0 | 0 | – |"))?;
    let mesh =
        Mesh::start_wide(programs, &json!({}), WORKERS, |cluster| fill(cluster, pods)).await?;
    // The main thread has the filter too.
    mesh.until_metric("dubbo.loads", |loads| loads > u64::from(WORKERS)).await?;
    let stats =
        async |name: &str| mesh.envoy().admin().stat(&format!("cluster.watcher.{name}")).await;
    let (asked, received) =
        (stats("upstream_rq_total").await?, stats("upstream_cx_rx_bytes_total").await?);
    let cpu = change(mesh.cluster(), pods, mesh.watcher().ok_or("the watcher is gone")?).await?;
    let questions = (stats("upstream_rq_total").await? - asked) / TIME.as_secs();
    let bytes = (stats("upstream_cx_rx_bytes_total").await? - received) / TIME.as_secs();
    let one = service(0, 1).annotation().len();
    line(&format!("| Envoy | {cpu:.1} (+{:.1}) | {questions} | {bytes} | {one} |", cpu - alone))?;
    line("")
}

/// A watcher that nobody asks.
async fn alone(pods: usize) -> Outcome<f64> {
    let cluster = Server::start(Options::default()).await?;
    fill(&cluster, pods).map_err(|status| status.message)?;
    let folder = tempfile::tempdir()?;
    let kubeconfig = folder.path().join("kubeconfig");
    cluster.write_kubeconfig_to(&kubeconfig, NAMESPACE)?;
    let watcher = Serving::start(&kubeconfig).await?;
    watcher.synced().await?;
    change(&cluster, pods, &watcher).await
}

fn fill(cluster: &Server, pods: usize) -> Result<(), Status> {
    cluster.store().create_all((0..pods).map(|pod| service(pod, 100).pod(&name(pod)))).map(drop)
}

fn name(pod: usize) -> String {
    format!("p-{pod}")
}

/// What a Pod provides: one of four services.
fn service(pod: usize, port: u16) -> Service<'static> {
    const INTERFACES: [&str; 4] =
        ["com.example.One", "com.example.Two", "com.example.Three", "com.example.Four"];
    let [_, a, b, c] = u32::try_from(pod).unwrap_or(u32::MAX).to_be_bytes();
    let interface = INTERFACES.get(pod % INTERFACES.len()).copied().unwrap_or_default();
    Service { interface, ..Service::at(SocketAddr::from(([10, a, b, c], port))) }
}

/// Changes Pods for a while; gives what the watcher took of a core meanwhile, in per cent.
async fn change(cluster: &Server, pods: usize, watcher: &Serving) -> Outcome<f64> {
    let used = || usage::cpu(watcher.id()).ok_or("this system does not say what a process used");
    let (started, before) = (Instant::now(), used()?);
    let mut beat = tokio::time::interval(EVERY);
    let mut number = 0;
    while started.elapsed() < TIME {
        beat.tick().await;
        number += 1;
        let port = u16::try_from(number % 10_000 + 1).unwrap_or(1);
        let pod = number * 7919 % pods;
        let annotation = service(pod, port).annotation();
        let written =
            cluster.store().annotate(NAMESPACE, &name(pod), ANNOTATION, Some(&annotation));
        written.map_err(|status| status.message)?;
    }
    let cpu = used()?.saturating_sub(before);
    Ok(cpu.as_secs_f64() / started.elapsed().as_secs_f64() * 100.0)
}
