//! What `tests/untrusted/catalog.rs` promises of any input, searched by coverage.
#![no_main]

#[path = "../../tests/untrusted/catalog.rs"]
mod catalog;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| catalog::check(bytes));
