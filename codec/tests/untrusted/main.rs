//! What a reader promises of any input, tried on recorded inputs that were damaged. The promises are those of the
//! fuzz targets in `fuzz/`, which search the same functions for longer and with a nightly toolchain.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests are tests"
)]

mod annotation;
mod damage;
mod key_url;
mod list;
mod plain_protobuf;
mod pod;
mod protobuf_list;
mod protobuf_messages;
mod protobuf_watch;
#[cfg(feature = "yaml")]
mod yaml;

use damage::damaged;
use dubbo_k8s_codec::{Annotation, encode_json};
use proptest::prelude::*;
use serde_json::Value;

const VECTORS: &str = include_str!("../data/dubbo-go-codec.jsonl");

macro_rules! capture {
    ($name:literal) => {
        include_bytes!(concat!("../data/captures/", $name)).as_slice()
    };
}

const LISTS: [&[u8]; 5] = [
    capture!("02a-list-limit2-page1.json"),
    capture!("03c-list-continue-expired-410-metadata.json"),
    capture!("04a-list-metadata.json"),
    capture!("17a-list-unicode.json"),
    capture!("19a-list-429.json"),
];

const WATCHES: [&[u8]; 4] = [
    capture!("07j-watch-no-rv-bookmark-cadence.jsonl"),
    capture!("09c-watchlist-selector-metadata.jsonl"),
    capture!("10h-watch-future-initial-events.jsonl"),
    capture!("16d-watch-malformed-metadata.jsonl"),
];

const PROTOBUF_LISTS: [&[u8]; 3] = [
    capture!("21a-list-protobuf.bin"),
    capture!("21d-list-protobuf-limit2-page1.bin"),
    capture!("21e-list-protobuf-empty.bin"),
];

const PROTOBUF_WATCHES: [&[u8]; 3] = [
    capture!("22a-watch-protobuf.bin"),
    capture!("22d-watch-protobuf-expired.bin"),
    capture!("22f-watchlist-protobuf.bin"),
];

const PROTOBUF_OBJECTS: [&[u8]; 4] = [
    capture!("21f-get-protobuf.bin"),
    capture!("21g-get-protobuf-404.bin"),
    capture!("21g-list-protobuf-403.bin"),
    capture!("21j-list-protobuf-future-version.bin"),
];

/// What Go's codec wrote and read.
fn annotations() -> Vec<String> {
    let annotation = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        Some(line.get("annotation")?.as_str()?.to_owned())
    };
    VECTORS.lines().filter_map(annotation).collect()
}

/// The same, and the JSON in them.
fn annotations_and_json() -> Vec<Vec<u8>> {
    let base64 = annotations();
    let read = base64.iter().filter_map(|text| Annotation::decode(text).ok());
    let json: Vec<Vec<u8>> = read.map(|annotation| encode_json(annotation.records())).collect();
    base64.into_iter().map(String::into_bytes).chain(json).collect()
}

/// The keys and values of all of them.
fn keys_and_urls() -> Vec<Vec<u8>> {
    let read = annotations().into_iter().filter_map(|text| Annotation::decode(&text).ok());
    let texts = read.flat_map(|annotation| {
        let records = annotation.records();
        let texts = records.flat_map(|record| [record.key.to_owned(), record.value.to_owned()]);
        texts.map(String::into_bytes).collect::<Vec<_>>()
    });
    texts.collect()
}

/// Watch events one by one, some of a watch in a row, and the Pods of lists.
fn events_and_pods() -> Vec<Vec<u8>> {
    let lines = WATCHES.iter().flat_map(|watch| watch.split(|byte| *byte == b'\n'));
    let lines: Vec<Vec<u8>> = lines.filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect();
    let rows: Vec<Vec<u8>> = lines.chunks(4).map(|lines| lines.join(&b'\n')).collect();
    let pods = LISTS.iter().filter_map(|list| {
        let list: Value = serde_json::from_slice(list).ok()?;
        Some(list.get("items")?.as_array()?.iter().map(Value::to_string).collect::<Vec<_>>())
    });
    let pods = pods.flatten().map(String::into_bytes);
    lines.into_iter().chain(rows).chain(pods).collect()
}

/// Lists, with the size of the chunks before them.
fn lists() -> Vec<Vec<u8>> {
    LISTS.iter().zip(1..).map(|(list, size)| [&[size * 7][..], list].concat()).collect()
}

/// Lists in protobuf, with the size of the chunks before them.
fn protobuf_lists() -> Vec<Vec<u8>> {
    PROTOBUF_LISTS.iter().zip(1..).map(|(list, size)| [&[size * 7][..], list].concat()).collect()
}

/// Frames of watches, some in a row, and single objects, with the size of the chunks before them.
fn protobuf_frames() -> Vec<Vec<u8>> {
    let watches = PROTOBUF_WATCHES.iter().flat_map(|watch| plain_protobuf::frames(watch).0);
    let frames: Vec<Vec<u8>> = watches
        .map(|frame| [&u32::try_from(frame.len()).unwrap().to_be_bytes(), frame].concat())
        .collect();
    let rows = frames.chunks(3).map(<[_]>::concat);
    let objects = PROTOBUF_OBJECTS.iter().map(|object| object.to_vec());
    frames.iter().cloned().chain(rows).chain(objects).map(|body| [vec![9], body].concat()).collect()
}

#[cfg(feature = "yaml")]
fn yaml_documents() -> Vec<Vec<u8>> {
    let written = [
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  annotations:\n    dubbo.io/annotation: W10=\n",
        "items:\n- &a {metadata: {name: a, labels: {x: 'it''s'}}}\n- *a\n- <<: *a\n  kind: \"P\\u006fd\"\n",
        "a: |\n  one\n  two\nb: >-\n  folded\n  text\nc: !!str 1\n--- # the next\n- 0x1F\n- .inf\n- ~\n...\n",
    ];
    written.iter().map(|text| text.as_bytes()).chain(LISTS).map(<[u8]>::to_vec).collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

proptest! {
    #[test]
    fn a_damaged_annotation_keeps_what_is_promised(input in damaged(annotations_and_json())) {
        annotation::check(&input);
    }

    #[test]
    fn a_damaged_key_or_url_keeps_what_is_promised(input in damaged(keys_and_urls())) {
        key_url::check(&text(&input));
    }

    #[test]
    fn damaged_pods_and_events_keep_what_is_promised(input in damaged(events_and_pods())) {
        pod::check(&input);
    }

    #[test]
    fn a_damaged_list_keeps_what_is_promised(input in damaged(lists())) {
        list::check(&input);
    }

    #[test]
    fn a_damaged_list_in_protobuf_keeps_what_is_promised(input in damaged(protobuf_lists())) {
        protobuf_list::check(&input);
    }

    #[test]
    fn an_unusual_list_in_protobuf_is_read_as_the_plain_reader_does(input in protobuf_messages::lists()) {
        protobuf_list::check(&input);
    }

    #[test]
    fn an_unusual_watch_in_protobuf_is_read_as_the_plain_reader_does(input in protobuf_messages::watches()) {
        protobuf_watch::check(&input);
    }

    #[test]
    fn damaged_frames_of_protobuf_keep_what_is_promised(input in damaged(protobuf_frames())) {
        protobuf_watch::check(&input);
    }
}

#[cfg(feature = "yaml")]
proptest! {
    #[test]
    fn damaged_yaml_keeps_what_is_promised(input in damaged(yaml_documents())) {
        yaml::check(&text(&input));
    }
}
