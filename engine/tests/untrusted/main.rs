//! What the catalog promises of any input, tried on recorded watch events that were damaged. The promise is
//! that of the fuzz target in `fuzz/`, which searches it for longer and with a nightly toolchain.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests are tests"
)]

mod catalog;
#[path = "../../../codec/tests/untrusted/damage.rs"]
mod damage;

use damage::damaged;
use proptest::prelude::*;

const WATCHES: [&[u8]; 3] = [
    include_bytes!("../../../codec/tests/data/captures/07j-watch-no-rv-bookmark-cadence.jsonl"),
    include_bytes!("../data/09c-watchlist-selector-metadata.jsonl"),
    include_bytes!("../data/16d-watch-malformed-metadata.jsonl"),
];

/// Watch events one by one, and some of a watch in a row.
fn events() -> Vec<Vec<u8>> {
    let lines = WATCHES.iter().flat_map(|watch| watch.split(|byte| *byte == b'\n'));
    let lines: Vec<Vec<u8>> = lines.filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect();
    let rows: Vec<Vec<u8>> = lines.chunks(4).map(|lines| lines.join(&b'\n')).collect();
    lines.into_iter().chain(rows).collect()
}

proptest! {
    #[test]
    fn damaged_events_give_changes_that_add_up_to_the_catalog(input in damaged(events())) {
        catalog::check(&input);
    }
}
