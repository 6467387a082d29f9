//! Lists and watches in protobuf that no server sends but any may: fields in any order, more than once, of other wire
//! types, unknown ones and groups. It must give Pods often enough that reading goes on to the end.

use proptest::prelude::*;
use proptest::sample::select;

/// A field as its bytes.
fn field(number: u32, wire: u8, value: &[u8]) -> Vec<u8> {
    [&varint(u64::from(number) << 3 | u64::from(wire))[..], value].concat()
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
    bytes
}

fn bytes(number: u32, value: &[u8]) -> Vec<u8> {
    field(number, 2, &[&varint(value.len() as u64)[..], value].concat())
}

/// A field that no reader knows.
fn odd(number: u32) -> impl Strategy<Value = Vec<u8>> {
    let group = (1_usize..3).prop_map(move |depth| {
        let inner = [field(3, 5, &[0; 4]), bytes(2, b"x"), field(1, 0, &[0x80, 1])].concat();
        [field(number, 3, &[]).repeat(depth), inner, field(number, 4, &[]).repeat(depth)].concat()
    });
    prop_oneof![
        any::<u64>().prop_map(move |value| field(number, 0, &varint(value))),
        // A number that is longer than it must be.
        Just(field(number, 0, &[0x80, 0x80, 0])),
        any::<[u8; 8]>().prop_map(move |value| field(number, 1, &value)),
        any::<[u8; 4]>().prop_map(move |value| field(number, 5, &value)),
        prop::collection::vec(any::<u8>(), 0..9).prop_map(move |value| bytes(number, &value)),
        group,
    ]
}

/// A message of some of these fields, each now and then more than once or of another wire type, in any order.
fn message(fields: Vec<(u32, BoxedStrategy<Vec<u8>>)>) -> BoxedStrategy<Vec<u8>> {
    let fields: Vec<_> = fields
        .into_iter()
        .map(|(number, value)| {
            let value = prop_oneof![
                60 => value.prop_map(move |value| bytes(number, &value)),
                1 => odd(number),
            ];
            prop_oneof![1 => prop::collection::vec(value.clone(), 0..3), 4 => prop::collection::vec(value, 1)]
        })
        .collect();
    let unknown = prop_oneof![3 => Just(vec![]), 1 => prop::collection::vec((30_u32..9000).prop_flat_map(odd), 1)];
    (fields, unknown)
        .prop_flat_map(|(fields, unknown)| {
            Just(fields.into_iter().flatten().chain(unknown).collect::<Vec<_>>()).prop_shuffle()
        })
        .prop_map(|fields| fields.concat())
        .boxed()
}

fn text(texts: &'static [&'static str]) -> BoxedStrategy<Vec<u8>> {
    let text = select(texts).prop_map(|text| text.as_bytes().to_vec());
    prop_oneof![40 => text, 1 => Just(b"\xff".to_vec())].boxed()
}

fn entry(keys: &'static [&'static str]) -> BoxedStrategy<Vec<u8>> {
    message(vec![(1, text(keys)), (2, text(&["", "W10=", "true", "é"]))])
}

fn pod() -> BoxedStrategy<Vec<u8>> {
    let metadata = message(vec![
        (1, text(&["web-0", "web-1"])),
        (3, text(&["shop", ""])),
        (5, text(&["u1", ""])),
        (6, text(&["7", "12"])),
        (9, message(vec![])),
        (11, entry(&["dubbo.io/label", "app"])),
        (12, entry(&["dubbo.io/annotation", "k8s.io/initial-events-end"])),
    ]);
    let ip = || text(&["10.1.2.3", "fd00::1", "10.1.2", ""]);
    let status = message(vec![
        (1, text(&["Running", "Failed", ""])),
        (2, message(vec![(1, text(&["Ready", "Initialized"])), (2, text(&["True", "False"]))])),
        (5, ip()),
        (6, ip()),
        (12, message(vec![(1, ip())])),
        (16, message(vec![(1, ip())])),
    ]);
    message(vec![(1, metadata), (2, message(vec![])), (3, status)])
}

fn status() -> BoxedStrategy<Vec<u8>> {
    let cause = message(vec![(1, text(&["a"])), (2, text(&["b"])), (3, text(&["c"]))]);
    let details = message(vec![(4, cause)]);
    message(vec![
        (1, message(vec![(3, text(&["token"]))])),
        (3, text(&["m"])),
        (4, text(&["r"])),
        (5, details),
    ])
}

fn envelope(kind: &'static [&'static str], raw: BoxedStrategy<Vec<u8>>) -> BoxedStrategy<Vec<u8>> {
    let envelope = message(vec![(1, message(vec![(2, text(kind))])), (2, raw), (4, text(&[""]))]);
    envelope.prop_map(|envelope| [b"k8s\0", &envelope[..]].concat()).boxed()
}

/// Lists, with the size of the chunks before them.
pub(crate) fn lists() -> impl Strategy<Value = Vec<u8>> {
    let meta = message(vec![(2, text(&["7", "9"])), (3, text(&["token", ""]))]);
    let list = message(vec![(1, meta), (2, pod()), (2, pod())]);
    let body = envelope(&["PodList", "PartialObjectMetadataList"], list);
    (1_u8.., body).prop_map(|(size, body)| [vec![size], body].concat())
}

/// Watches, with the size of the chunks before them.
pub(crate) fn watches() -> impl Strategy<Value = Vec<u8>> {
    let event = |kinds, object| message(vec![(1, text(kinds)), (2, message(vec![(1, object)]))]);
    let of_pod =
        event(&["ADDED", "MODIFIED", "DELETED", "BOOKMARK"], envelope(&["Pod", ""], pod()));
    let of_status = event(&["ERROR"], envelope(&["Status"], status()));
    let frame = prop_oneof![4 => of_pod, 1 => of_status].prop_map(|event| {
        let length = u32::try_from(event.len()).unwrap();
        [&length.to_be_bytes()[..], &event].concat()
    });
    (1_u8.., prop::collection::vec(frame, 0..3))
        .prop_map(|(size, frames)| [vec![size], frames.concat()].concat())
}
