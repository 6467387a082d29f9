//! What `tests/untrusted/protobuf_list.rs` promises of any input, searched by coverage.
#![no_main]

#[path = "../../tests/untrusted/plain_protobuf.rs"]
mod plain_protobuf;
#[path = "../../tests/untrusted/protobuf_list.rs"]
mod protobuf_list;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| protobuf_list::check(bytes));
