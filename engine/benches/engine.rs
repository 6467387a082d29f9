//! How fast the core takes in what a server sends: pages of a list and lines of a watch, up to the
//! changes, beside a plain `serde_json` reading of the same bytes that does nothing with it.
//!
//! `cargo bench -p dubbo-k8s-watcher --bench core`

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark may stop at once")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput};
use dubbo_k8s_codec::{Record, encode, query_escape};
use dubbo_k8s_engine::{Engine, Input, Output, Scopes, Settings, StreamId};
use serde_json::{Value, json};

const PODS: usize = 10_000;
const PAGE: usize = 500;
/// As HTTP/2 brings it.
const CHUNK: usize = 16 << 10;

fn main() {
    let mut criterion = Criterion::default().configure_from_args().sample_size(20);
    list(&mut criterion);
    watch(&mut criterion);
    criterion.final_summary();
}

/// 10,000 Pods in 20 pages, from nothing to a catalog and its changes.
fn list(criterion: &mut Criterion) {
    let pods: Vec<Value> = (0..PODS).map(|number| pod(number, number, 0)).collect();
    let pages: Vec<String> = pods
        .chunks(PAGE)
        .enumerate()
        .map(|(number, pods)| page(pods, (number + 1) * PAGE < PODS))
        .collect();
    let mut group = criterion.benchmark_group("list of 10,000 Pods");
    group.throughput(Throughput::Bytes(pages.iter().map(|page| page.len() as u64).sum()));
    group.bench_function("engine", |bench| {
        bench.iter_batched(|| (), |()| listed(&pages), BatchSize::PerIteration);
    });
    group.bench_function("serde_json::Value of each page", |bench| {
        bench.iter(|| {
            for page in &pages {
                black_box(serde_json::from_str::<Value>(page).unwrap());
            }
        });
    });
    group.bench_function("serde_json, ignoring all", |bench| {
        bench.iter(|| {
            for page in &pages {
                black_box(serde_json::from_str::<serde::de::IgnoredAny>(page).unwrap());
            }
        });
    });
    group.finish();
}

/// 1,000 events of known Pods: a change of something else, as a status update is, and a change of
/// all that they provide.
fn watch(criterion: &mut Criterion) {
    let pods: Vec<Value> = (0..1000).map(|number| pod(number, number, 0)).collect();
    for (name, port) in [("unchanged records", 0), ("other records", 1)] {
        // Two turns with different versions, so that no event repeats the one before.
        let turns: [String; 2] = [0, port].map(|port| {
            (0..1000).map(|number| event(&pod(number, 20_000 + port + number * 2, port))).collect()
        });
        let versions = [
            turns[0].clone(),
            turns[1].replace("\"resourceVersion\":\"2", "\"resourceVersion\":\"3"),
        ];
        let mut group = criterion.benchmark_group(format!("watch of 1,000 events, {name}"));
        group.throughput(Throughput::Bytes(versions[0].len() as u64));
        let (mut engine, stream) = listed(&[page(&pods, false)]);
        let mut turn = 0;
        let mut out = Vec::new();
        group.bench_function("engine", |bench| {
            bench.iter(|| {
                turn ^= 1;
                for bytes in versions[turn].as_bytes().chunks(CHUNK) {
                    engine.handle(Duration::ZERO, Input::Chunk { stream, bytes }, &mut out);
                }
                out.drain(..).count()
            });
        });
        group.bench_function("serde_json::Value of each line", |bench| {
            bench.iter(|| {
                for line in versions[0].lines() {
                    black_box(serde_json::from_str::<Value>(line).unwrap());
                }
            });
        });
        group.finish();
    }
}

/// An engine that has taken in these pages and has an open watch.
fn listed(pages: &[String]) -> (Engine, StreamId) {
    let settings = Settings { streaming_list: false, ..Settings::new(Scopes::all()) };
    let mut engine = Engine::new(settings, 1);
    let mut out = Vec::new();
    engine.handle(Duration::ZERO, Input::Wake, &mut out);
    for page in pages {
        let stream = sent(&mut out);
        engine.handle(
            Duration::ZERO,
            Input::Head { stream, status: 200, retry_after: None, content_type: "" },
            &mut out,
        );
        for bytes in page.as_bytes().chunks(CHUNK) {
            engine.handle(Duration::ZERO, Input::Chunk { stream, bytes }, &mut out);
        }
        engine.handle(Duration::ZERO, Input::End { stream }, &mut out);
    }
    let stream = sent(&mut out);
    engine.handle(
        Duration::ZERO,
        Input::Head { stream, status: 200, retry_after: None, content_type: "" },
        &mut out,
    );
    assert!(engine.status().synced());
    (engine, stream)
}

fn sent(out: &mut Vec<Output>) -> StreamId {
    let mut newest_first = out.drain(..).rev();
    newest_first
        .find_map(|output| match output {
            Output::Send { stream, .. } => Some(stream),
            _ => None,
        })
        .unwrap()
}

fn page(pods: &[Value], more: bool) -> String {
    let token = if more { "next" } else { "" };
    json!({
        "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1",
        "metadata": { "resourceVersion": "20000", "continue": token }, "items": pods,
    })
    .to_string()
}

fn event(pod: &Value) -> String {
    format!("{}\n", json!({ "type": "MODIFIED", "object": pod }))
}

/// The metadata of a Pod: ten records in about 5 KB of annotation, and as much of the rest as a
/// cluster adds.
fn pod(number: usize, version: usize, port: usize) -> Value {
    let mut keys = vec!["/dubbo".to_owned()];
    for service in 0..3 {
        let interface = format!("com.example.catalog.Service{:03}", (number * 3 + service) % 200);
        keys.push(format!("/dubbo/{interface}"));
        keys.push(format!("/dubbo/{interface}/providers"));
        keys.push(format!(
            "/dubbo/{interface}/providers/{}",
            query_escape(&url(&interface, number, port))
        ));
    }
    json!({
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {
            "name": format!("catalog-{:03}-7c9d5b8f6d-{number:05x}", number % 200),
            "generateName": "catalog-7c9d5b8f6d-",
            "namespace": "fleet",
            "uid": format!("{number:08x}-7d2f-4c3b-9a51-2f6f0d6b7c11"),
            "resourceVersion": version.to_string(),
            "creationTimestamp": "2026-11-22T11:33:27Z",
            "labels": {
                "app.kubernetes.io/name": "catalog", "dubbo.io/label": "dubbo.io.provider",
                "pod-template-hash": "7c9d5b8f6d",
            },
            "annotations": { "dubbo.io/annotation": encode(keys.iter().map(|key| Record::new(key))) },
            "ownerReferences": [{ "apiVersion": "apps/v1", "kind": "ReplicaSet",
                "name": "catalog-7c9d5b8f6d", "uid": "0e5d4c3b-7d2f-4c3b-9a51-2f6f0d6b7c11",
                "controller": true, "blockOwnerDeletion": true }],
            "managedFields": managed_fields(),
        },
    })
}

fn url(interface: &str, number: usize, port: usize) -> String {
    let methods = "GetById,ListByOwner,Create,Update,Delete,Search,BatchGet,Count,Export,Archive";
    let mut url = format!(
        "dubbo://10.64.{}.{}:{}/{interface}?anyhost=true&app.version=2.3.1&application=catalog\
         &bean.name=Catalog&category=providers&cluster=failover&environment=prod&group=\
         &interface={interface}&loadbalance=random&methods={methods}",
        number / 256,
        number % 256,
        20_880 + port,
    );
    for method in methods.split(',') {
        write!(url, "&methods.{method}.loadbalance=random&methods.{method}.weight=0").unwrap();
    }
    url + "&module=catalog&organization=example&pid=1&registry.role=3&release=1.5.9&retries=2\
           &serialization=hessian2&side=provider&ssl-enabled=false&timestamp=1795347207&version=&warmup=100&weight=100"
}

fn managed_fields() -> Value {
    let fields = |names: &[&str]| -> Value {
        names
            .iter()
            .map(|name| (format!("f:{name}"), json!({})))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    json!([
        { "manager": "kube-controller-manager", "operation": "Update", "apiVersion": "v1",
          "time": "2026-11-22T11:33:27Z", "fieldsType": "FieldsV1",
          "fieldsV1": { "f:metadata": fields(&["generateName", "labels", "ownerReferences"]),
                        "f:spec": fields(&["containers", "dnsPolicy", "restartPolicy", "schedulerName"]) } },
        { "manager": "kubelet", "operation": "Update", "apiVersion": "v1", "subresource": "status",
          "time": "2026-11-22T11:33:30Z", "fieldsType": "FieldsV1",
          "fieldsV1": { "f:status": fields(&["conditions", "containerStatuses", "phase", "podIP"]) } },
    ])
}
