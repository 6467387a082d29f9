//! What `tests/untrusted/protobuf_watch.rs` promises of any input, searched by coverage.
#![no_main]

#[path = "../../tests/untrusted/plain_protobuf.rs"]
mod plain_protobuf;
#[path = "../../tests/untrusted/protobuf_watch.rs"]
mod protobuf_watch;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| protobuf_watch::check(bytes));
