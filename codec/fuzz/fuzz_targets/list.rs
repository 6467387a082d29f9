//! What `tests/untrusted/list.rs` promises of any input, searched by coverage.
#![no_main]

#[path = "../../tests/untrusted/list.rs"]
mod list;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| list::check(bytes));
