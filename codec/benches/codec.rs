//! The codec on data of the size that the design names: an annotation of 10 records and 5 KB, and
//! a list of 10,000 Pods that carry such annotations. Beside each stands the naive version of the
//! same work: the crates base64 and `serde_json` with derived types, and text split by hand.

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark may stop at a fault")]

use std::hint::black_box;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dubbo_k8s_codec::{
    ANNOTATION, Annotation, Key, LABEL, ListReader, Pod, Record, Url, WatchEvent, encode, protobuf,
};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

/// A provider key as dubbo-go 1.5 writes it; the captures of a real kube-apiserver hold the same.
fn provider(service: usize, pod: usize) -> String {
    let (a, b) = (pod / 250 % 250, pod % 250);
    format!(
        "/dubbo/com.example.shop{service}.UserProvider/providers/dubbo%3A%2F%2F10.244.{a}.{b}%3A20000\
         %2Fcom.example.shop{service}.UserProvider%3Fanyhost%3Dtrue%26app.version%3D1.4.2\
         %26application%3Dshop\
         %26interface%3Dcom.example.shop{service}.UserProvider%26ip%3D10.244.{a}.{b}\
         %26methods%3DGet%252CList%252CCreate%26owner%3Dteam-a%26registry.role%3D3\
         %26release%3Ddubbo-golang-1.5.7%26side%3Dprovider%26timestamp%3D1760000000"
    )
}

/// Ten keys: three of the Pod's own, seven directories and shared ones, as in the reference set.
fn keys(pod: usize) -> Vec<String> {
    let own = (0..3).map(|service| provider(service, pod));
    let shared = (3..10).map(|service| provider(service, service));
    own.chain(shared).collect()
}

fn annotation(pod: usize) -> String {
    let keys = keys(pod);
    encode(keys.iter().map(|key| Record::new(key)))
}

/// The metadata of a Pod with what else a kube-apiserver sends of it.
fn metadata_json(pod: usize) -> String {
    let fields = include_str!("managed_fields.json").trim();
    format!(
        r#"{{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{{"name":"shop-{pod}","generateName":"shop-","namespace":"default","uid":"20d1e052-2281-4df7-b890-{pod:012}","resourceVersion":"{pod}","generation":1,"creationTimestamp":"2026-11-22T11:33:27Z","labels":{{"app.kubernetes.io/name":"shop","{LABEL}":"dubbo.io-value"}},"annotations":{{"{ANNOTATION}":"{}"}},"managedFields":{fields}}}}}"#,
        annotation(pod)
    )
}

fn list_json(pods: usize) -> Vec<u8> {
    let items: Vec<_> = (0..pods).map(metadata_json).collect();
    format!(
        r#"{{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","metadata":{{"resourceVersion":"9"}},"items":[{}]}}"#,
        items.join(",")
    )
    .into_bytes()
}

/// A field with a length.
fn field(number: u8, value: &[u8]) -> Vec<u8> {
    let mut field = vec![];
    for mut number in [usize::from(number) << 3 | 2, value.len()] {
        while number >= 0x80 {
            field.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        field.push(number.to_le_bytes()[0]);
    }
    [field, value.to_vec()].concat()
}

/// The same in protobuf.
fn metadata_protobuf(pod: usize) -> Vec<u8> {
    let text = |number, text: &str| field(number, text.as_bytes());
    let entry = |number, key, value: &str| field(number, &[text(1, key), text(2, value)].concat());
    let fields = include_str!("managed_fields.json").trim();
    let metadata = [
        text(1, &format!("shop-{pod}")),
        text(2, "shop-"),
        text(3, "default"),
        text(5, &format!("20d1e052-2281-4df7-b890-{pod:012}")),
        text(6, &pod.to_string()),
        entry(11, "app.kubernetes.io/name", "shop"),
        entry(11, LABEL, "dubbo.io-value"),
        entry(12, ANNOTATION, &annotation(pod)),
        field(17, &field(7, &text(1, fields))),
    ];
    field(1, &metadata.concat())
}

fn list_protobuf(pods: usize) -> Vec<u8> {
    let items: Vec<_> = (0..pods).map(|pod| field(2, &metadata_protobuf(pod))).collect();
    let list = [field(1, &field(2, b"9")), items.concat()].concat();
    let kind = field(1, &field(2, b"PartialObjectMetadataList"));
    [b"k8s\0".to_vec(), kind, field(2, &list)].concat()
}

mod naive {
    use super::*;

    #[derive(Serialize, Deserialize)]
    pub(crate) struct Pair {
        pub(crate) k: String,
        pub(crate) v: String,
    }

    #[derive(Deserialize)]
    pub(crate) struct Object {
        pub(crate) metadata: Metadata,
    }

    #[derive(Deserialize)]
    pub(crate) struct Metadata {
        pub(crate) annotations: std::collections::HashMap<String, String>,
    }

    #[derive(Deserialize)]
    pub(crate) struct List {
        pub(crate) items: Vec<Object>,
    }

    pub(crate) fn decode(value: &str) -> Vec<Pair> {
        serde_json::from_slice(&URL_SAFE.decode(value).unwrap()).unwrap()
    }

    pub(crate) fn encode(pairs: &[Pair]) -> String {
        URL_SAFE.encode(serde_json::to_vec(pairs).unwrap())
    }

    pub(crate) fn params(key: &str) -> usize {
        let url = percent_decode_str(key.rsplit('/').next().unwrap()).decode_utf8().unwrap();
        let (_, query) = url.split_once('?').unwrap();
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let decoded = pairs.map(|(name, value)| {
            (
                name.to_owned(),
                percent_decode_str(&value.replace('+', " ")).decode_utf8().unwrap().into_owned(),
            )
        });
        decoded.map(|(name, value)| name.len() + value.len()).sum()
    }
}

/// The lengths of all parameters of a key's URL: every one is unescaped.
fn params(key: &str) -> usize {
    let key = Key::parse(key).unwrap();
    let url = Url::parse(key.url.unwrap()).unwrap();
    url.params().map(|param| param.name().len() + param.value().len()).sum()
}

fn annotations(c: &mut Criterion) {
    let value = annotation(1);
    let keys = keys(1);
    let records: Vec<_> = keys.iter().map(|key| Record::new(key)).collect();
    let pairs: Vec<_> =
        keys.iter().map(|key| naive::Pair { k: key.clone(), v: String::new() }).collect();
    assert_eq!(naive::encode(&pairs), value);
    assert_eq!(
        keys.iter().map(|key| params(key)).sum::<usize>(),
        naive::decode(&value).iter().map(|pair| naive::params(&pair.k)).sum::<usize>(),
    );

    let mut group = c.benchmark_group("annotation");
    group.throughput(Throughput::Bytes(value.len() as u64));
    group.bench_function("decode", |b| b.iter(|| Annotation::decode(black_box(&value)).unwrap()));
    group.bench_function("decode naive", |b| b.iter(|| naive::decode(black_box(&value))));
    group.bench_function("decode with urls", |b| {
        b.iter(|| {
            let annotation = Annotation::decode(black_box(&value)).unwrap();
            annotation.records().map(|record| params(record.key)).sum::<usize>()
        });
    });
    group.bench_function("decode with urls naive", |b| {
        b.iter(|| {
            let pairs = naive::decode(black_box(&value));
            pairs.iter().map(|pair| naive::params(&pair.k)).sum::<usize>()
        });
    });
    group.bench_function("encode", |b| b.iter(|| encode(black_box(&records).iter().copied())));
    group.bench_function("encode naive", |b| b.iter(|| naive::encode(black_box(&pairs))));
    group.finish();
}

fn pods(c: &mut Criterion) {
    let pod = metadata_json(1);
    let line = format!(r#"{{"type":"ADDED","object":{pod}}}"#);
    let mut group = c.benchmark_group("pod");
    group.throughput(Throughput::Bytes(line.len() as u64));
    group.bench_function("watch event", |b| {
        b.iter(|| WatchEvent::parse(black_box(line.as_bytes())).unwrap());
    });
    group.bench_function("metadata naive", |b| {
        b.iter(|| {
            let object: naive::Object = serde_json::from_str(black_box(&pod)).unwrap();
            object.metadata.annotations.len()
        });
    });
    group.finish();
}

fn lists(c: &mut Criterion) {
    let body = list_json(1_000);
    let mut group = c.benchmark_group("list of 1,000 Pods in chunks of 16 KiB");
    group.throughput(Throughput::Bytes(body.len() as u64)).sample_size(20);
    group.bench_function("items", |b| b.iter(|| read(black_box(&body), <[u8]>::len)));
    group.bench_function("Pods", |b| {
        b.iter(|| read(black_box(&body), |item| Pod::parse(item).unwrap().name.len()));
    });
    let protobuf = list_protobuf(1_000);
    let length = |item: protobuf::Message<'_>| protobuf::parse_item(item).unwrap().name.len();
    assert_eq!(
        read_protobuf(&protobuf, length),
        read(&body, |item| Pod::parse(item).unwrap().name.len())
    );
    group.bench_function("Pods in protobuf", |b| {
        b.iter(|| read_protobuf(black_box(&protobuf), length));
    });
    group.bench_function("Pods naive", |b| {
        b.iter(|| serde_json::from_slice::<naive::List>(black_box(&body)).unwrap().items.len());
    });
    group.finish();
}

fn read(body: &[u8], mut take: impl FnMut(&[u8]) -> usize) -> usize {
    let mut reader = ListReader::new();
    let mut total = 0;
    for mut chunk in body.chunks(16 << 10) {
        while let Some(item) = reader.next(&mut chunk).unwrap() {
            total += take(item);
        }
    }
    total + reader.finish().unwrap().resource_version.len()
}

fn read_protobuf(body: &[u8], mut take: impl FnMut(protobuf::Message<'_>) -> usize) -> usize {
    let mut reader = protobuf::ListReader::new();
    let mut total = 0;
    for mut chunk in body.chunks(16 << 10) {
        while let Some(item) = reader.next(&mut chunk).unwrap() {
            total += take(item);
        }
    }
    total + reader.finish().unwrap().resource_version.len()
}

criterion_group!(benches, annotations, pods, lists);
criterion_main!(benches);
