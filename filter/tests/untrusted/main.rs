//! What the plugin promises of any input, tried on requests, configurations and answers that were damaged. The
//! promises are those of the fuzz target in `fuzz/`, which searches the same function for longer and with a nightly
//! toolchain.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests are tests")]

mod plugin;

use dubbo_k8s_codec::{Category, Key, Record, encode};
use miniz_oxide::deflate::compress_to_vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// What separates, escapes or nests in one of the formats.
const PIECES: [&[u8]; 16] = [
    b"\"", b"\\", b"\\u0000", b"{", b"}", b"[", b"]", b",", b":", b"\n", b"\n\n", b"/", b"%2",
    b"null", b"-1", b"\xff",
];

/// One provider, and a request to it: configured, answered, and answered packed.
fn seeds() -> [Vec<u8>; 3] {
    let url = "tri://10.0.0.1:20880/a.B?group=g&version=2&weight=50&dubbo.tag=t";
    let key = Key::leaf("a.B", Category::Providers, url).to_string();
    let annotation = encode([Record { key: &key, value: "" }]);
    let pod = format!(
        r#"{{"namespace":"n","name":"p","uid":"u","annotation":"{annotation}","ips":["10.0.0.1"]}}"#
    );
    let inline = format!(r#"{{"annotations":[{pod}],"otherwise":"pass"}}"#);
    let answer = format!(r#"{{"revision":"r-1","pods":[{pod}]}}"#);
    // The length at the end is held, the checksum before it is not.
    let gzip = [
        b"\x1f\x8b\x08\0\0\0\0\0\0\xff".to_vec(),
        compress_to_vec(answer.as_bytes(), 6),
        vec![0; 4],
        u32::try_from(answer.len()).unwrap().to_le_bytes().to_vec(),
    ];
    let head = b"/a.B/get\n2\ng\nt\napplication/grpc\n\n";
    [inline.into_bytes(), answer.into_bytes(), gzip.concat()].map(|body| [head, &*body].concat())
}

/// A seed, or the beginning of one and the end of another, with some parts replaced.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let part = (any::<Index>(), 0_usize..12, select(&PIECES));
    let parts = prop::collection::vec(part, 0..6);
    (select(seeds().to_vec()), select(seeds().to_vec()), any::<Index>(), parts).prop_map(
        |(one, other, at, parts)| {
            let at = at.index(one.len() * 2).min(one.len());
            let mut input = [&one[..at], other.get(at..).unwrap_or_default()].concat();
            for (at, length, piece) in parts {
                let from = at.index(input.len() + 1);
                let to = (from + length).min(input.len());
                input.splice(from..to, piece.iter().copied());
            }
            input
        },
    )
}

#[test]
fn undamaged_every_request_is_routed() {
    assert_eq!(seeds().map(|seed| plugin::check(&seed)), [1, 1, 1]);
}

proptest! {
    #[test]
    fn a_damaged_input_keeps_what_is_promised(input in damaged()) {
        plugin::check(&input);
    }
}
