//! What `tests/untrusted/annotation.rs` promises of any input, searched by coverage.
#![no_main]

#[path = "../../tests/untrusted/annotation.rs"]
mod annotation;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| annotation::check(bytes));
