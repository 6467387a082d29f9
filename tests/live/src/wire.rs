//! A list of a real kube-apiserver, by `dubbo-watcher`, by curl and by client-go in turns: wall time, CPU of the client and
//! of the server, memory. It must never compare figures of different servers.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use dubbo_k8s_tests::control_plane::{ControlPlane, Programs as Servers};
use dubbo_k8s_tests::fleet::Fleet;
use dubbo_k8s_tests::raw::Endpoint;
use dubbo_k8s_tests::registration::{Registration, Side, annotation};
use serde_json::{Value, json};

use crate::percentile::median;
use crate::programs::Programs;
use crate::report::{Outcome, note, say};
use crate::usage::{Usage, mebibytes};

/// What to measure, and by which programs.
#[derive(Debug, Args)]
pub(crate) struct Wire {
    /// Pods with small specs, ten records each.
    #[arg(long, default_value_t = 10_000)]
    slim: usize,
    /// Pods with the specs that people write: three containers with variables, probes and volumes.
    #[arg(long, default_value_t = 2000)]
    fat: usize,
    /// How often each client has its turn.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// The program `informer`, of client-go.
    #[arg(long)]
    informer: PathBuf,
    /// A program that runs another one, and prints its wall time and CPU time in microseconds and its peak in bytes.
    #[arg(long)]
    measure: PathBuf,
}

/// How many requests at once fill the server.
const WRITERS: usize = 8;

pub(crate) async fn run(programs: &Programs, wire: &Wire) -> Outcome {
    let servers = Servers::of_environment();
    let server = servers.first().ok_or("ETCD and KUBE_APISERVERS name no server")?;
    let control_plane = ControlPlane::start(server, &[]).await;
    let fleet = Fleet { pods: wire.slim, namespaces: 1 };
    for (namespace, what, pods) in [
        ("fleet", "slim", fleet.pods().collect::<Vec<_>>()),
        ("fat", "fat", (0..wire.fat).map(fat).collect()),
    ] {
        note(&format!("creating {} {what} Pods", pods.len()));
        fill(&control_plane.endpoint(), namespace, pods).await?;
        compare(programs, wire, &control_plane, namespace, what).await?;
    }
    Ok(())
}

/// One client of the comparison.
struct Client<'a> {
    name: &'static str,
    program: &'a Path,
    arguments: Vec<String>,
}

/// What one turn took.
struct Turn {
    wall: Duration,
    cpu: Duration,
    peak: u64,
    server: Duration,
}

async fn compare(
    programs: &Programs,
    wire: &Wire,
    control_plane: &ControlPlane,
    namespace: &str,
    what: &str,
) -> Outcome {
    let clients = clients(programs, wire, control_plane, namespace);
    let mut turns: Vec<Vec<Turn>> = clients.iter().map(|_| Vec::new()).collect();
    let mut serves = Vec::new();
    for _ in 0..wire.runs {
        for (client, turns) in clients.iter().zip(&mut turns) {
            turns.push(turn(wire, control_plane, client)?);
        }
        serves.push(serve(programs, control_plane, namespace).await?);
    }
    say(&format!(
        "\n| {what} Pods | wall s | × curl | CPU s | × curl | peak MiB | CPU of the server s |"
    ));
    say("|---|---|---|---|---|---|---|");
    let base = turns.first().map(|turns| middle(turns)).ok_or("there is no client")?;
    let names = clients.iter().map(|client| client.name).chain(["dubbo-watcher serve, in sync"]);
    for (name, turns) in names.zip(turns.iter().chain([&serves])) {
        let row = middle(turns);
        say(&format!(
            "| {name} | {:.2} | {:.2} | {:.2} | {:.2} | {:.0} | {:.2} |",
            row.wall.as_secs_f64(),
            row.wall.as_secs_f64() / base.wall.as_secs_f64(),
            row.cpu.as_secs_f64(),
            row.cpu.as_secs_f64() / base.cpu.as_secs_f64(),
            mebibytes(row.peak),
            row.server.as_secs_f64(),
        ));
    }
    Ok(())
}

fn middle(turns: &[Turn]) -> Turn {
    let of = |figure: fn(&Turn) -> Duration| median(turns.iter().map(figure).collect());
    let mut peaks: Vec<u64> = turns.iter().map(|turn| turn.peak).collect();
    peaks.sort_unstable();
    Turn {
        wall: of(|turn| turn.wall),
        cpu: of(|turn| turn.cpu),
        peak: peaks.get(peaks.len() / 2).copied().unwrap_or_default(),
        server: of(|turn| turn.server),
    }
}

/// The first is what the others are compared with.
fn clients<'a>(
    programs: &'a Programs,
    wire: &'a Wire,
    control_plane: &ControlPlane,
    namespace: &str,
) -> Vec<Client<'a>> {
    let kubeconfig = control_plane.kubeconfig().display().to_string();
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let curl = |accept: &str| {
        let url = format!("{}/api/v1/namespaces/{namespace}/pods", control_plane.url());
        let config = control_plane.curl_config();
        let config = config.display().to_string();
        words(&["--config", &config, "-H", &format!("Accept: {accept}"), "-o", "/dev/null", &url])
    };
    let list = |more: &[&str]| {
        let base = ["list", "--kubeconfig", &kubeconfig, "-n", namespace];
        words(&[&base[..], more].concat())
    };
    let informer = |more: &[&str]| {
        let base = ["-kubeconfig", &kubeconfig, "-namespace", namespace];
        words(&[&base[..], more].concat())
    };
    let (watcher, curl_program) = (programs.watcher.as_path(), Path::new("curl"));
    let client = |name, program, arguments| Client { name, program, arguments };
    vec![
        client("curl, protobuf", curl_program, curl("application/vnd.kubernetes.protobuf")),
        client("curl, JSON", curl_program, curl("application/json")),
        client("dubbo-watcher list", watcher, list(&[])),
        client("dubbo-watcher list --wire json", watcher, list(&["--wire", "json"])),
        client("client-go, informer of metadata", &wire.informer, informer(&[])),
        client("client-go, informer of Pods", &wire.informer, informer(&["-whole"])),
    ]
}

fn turn(wire: &Wire, control_plane: &ControlPlane, client: &Client<'_>) -> Outcome<Turn> {
    let before = Usage::of(control_plane.apiserver_pid())?.cpu;
    let output = Command::new(&wire.measure)
        .args(["measure", "--"])
        .arg(client.program)
        .args(&client.arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()?;
    let server = Usage::of(control_plane.apiserver_pid())?.cpu.saturating_sub(before);
    let text = String::from_utf8(output.stdout)?;
    let numbers: Vec<u64> = text.split_whitespace().map_while(|word| word.parse().ok()).collect();
    let [wall, cpu, peak] = numbers[..] else {
        return Err(format!("{} was not measured: {text}", client.name).into());
    };
    let micros = Duration::from_micros;
    Ok(Turn { wall: micros(wall), cpu: micros(cpu), peak, server })
}

async fn serve(
    programs: &Programs,
    control_plane: &ControlPlane,
    namespace: &str,
) -> Outcome<Turn> {
    let before = Usage::of(control_plane.apiserver_pid())?.cpu;
    let started = Instant::now();
    let mut serve = programs.serve_namespace(control_plane.kubeconfig(), namespace)?;
    serve.synced()?;
    let wall = started.elapsed();
    let server = Usage::of(control_plane.apiserver_pid())?.cpu.saturating_sub(before);
    let usage = serve.usage()?;
    drop(serve);
    // The server ends the watch before the next client has its turn.
    crate::programs::settle().await;
    Ok(Turn { wall, cpu: usage.cpu, peak: usage.peak, server })
}

/// Creates the Pods with their status, by several writers.
async fn fill(endpoint: &Endpoint, namespace: &str, pods: Vec<Value>) -> Outcome {
    let name = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
    write(endpoint, "POST", "/api/v1/namespaces", &name).await?;
    let (pods, next) = (Arc::new(pods), Arc::new(AtomicUsize::new(0)));
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..WRITERS {
        let (pods, next) = (Arc::clone(&pods), Arc::clone(&next));
        let (endpoint, target) = (endpoint.clone(), format!("/api/v1/namespaces/{namespace}/pods"));
        writers.spawn(async move {
            while let Some(pod) = pods.get(next.fetch_add(1, Ordering::Relaxed)) {
                create(&endpoint, &target, pod).await?;
            }
            Outcome::Ok(())
        });
    }
    while let Some(done) = writers.join_next().await {
        done??;
    }
    Ok(())
}

async fn create(endpoint: &Endpoint, target: &str, pod: &Value) -> Outcome {
    let mut new = pod.clone();
    let metadata = new.get_mut("metadata").and_then(Value::as_object_mut);
    let metadata = metadata.ok_or("a Pod without metadata")?;
    metadata.retain(|name, _| {
        matches!(
            name.as_str(),
            "name" | "generateName" | "labels" | "annotations" | "ownerReferences"
        )
    });
    let name =
        metadata.get("name").and_then(Value::as_str).ok_or("a Pod without a name")?.to_owned();
    write(endpoint, "POST", target, &new).await?;
    let status = json!({"status": pod.get("status")});
    write(endpoint, "PATCH", &format!("{target}/{name}/status"), &status).await
}

async fn write(endpoint: &Endpoint, method: &str, target: &str, body: &Value) -> Outcome {
    let kind = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
    let body = body.to_string().into_bytes();
    let mut reply = endpoint.send(method, target, &[("Content-Type", kind)], &body).await?;
    let answer = reply.body().await?;
    if reply.status < 300 {
        return Ok(());
    }
    Err(format!("{method} {target}: {} {}", reply.status, String::from_utf8_lossy(&answer)).into())
}

/// A Pod as people have them.
fn fat(number: usize) -> Value {
    let interface = format!("com.example.shop.Service{}", number % 100);
    let ip = format!("10.{}.{}.{}", 200 + number / 65_536, number / 256 % 256, number % 256);
    let registration = Registration {
        side: Side::Provider,
        protocol: "tri",
        interface: &interface,
        group: "",
        version: "1.0.0",
        ip: &ip,
        port: 50051,
        application: "shop",
        methods: &["a", "b"],
        timestamp: 1_700_000_000,
        parameters: &[],
    };
    let annotation = annotation([registration.key()]);
    let containers: Vec<Value> = (0..3).map(|index| container(number, index)).collect();
    let volumes: Vec<Value> = (0..4)
        .map(|index| json!({"name": format!("v{index}"), "configMap": {"name": format!("cm-{index}")}}))
        .collect();
    let condition = |kind: &str| json!({"type": kind, "status": "True", "lastTransitionTime": "2026-11-01T00:00:00Z"});
    let conditions: Vec<Value> =
        ["Initialized", "Ready", "ContainersReady", "PodScheduled"].map(condition).into();
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": format!("fat-{number}"),
            "labels": {"dubbo.io/label": "dubbo.io-value", "app": "shop", "pod-template-hash": "5d8f"},
            "annotations": {"dubbo.io/annotation": annotation, "prometheus.io/scrape": "true"},
        },
        "spec": {"nodeName": format!("n{}", number % 100), "containers": containers, "volumes": volumes},
        "status": {
            "phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}], "hostIP": "192.0.2.1",
            "startTime": "2026-11-01T00:00:00Z", "conditions": conditions,
        },
    })
}

fn container(number: usize, index: usize) -> Value {
    let variables: Vec<Value> = (0..25)
        .map(|name| json!({"name": format!("SETTING_{name}"), "value": format!("value-{name}-of-{number}")}))
        .collect();
    let mounts: Vec<Value> = (0..4)
        .map(|name| json!({"name": format!("v{name}"), "mountPath": format!("/etc/v{name}")}))
        .collect();
    json!({
        "name": format!("c{index}"),
        "image": format!("registry.example/app-{index}:v1.{}.0", number % 50),
        "ports": [{"containerPort": 8080 + index, "name": format!("p{index}")}],
        "env": variables,
        "resources": {
            "requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}
        },
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080 + index}},
        "livenessProbe": {"httpGet": {"path": "/live", "port": 8080 + index}},
        "volumeMounts": mounts,
    })
}
