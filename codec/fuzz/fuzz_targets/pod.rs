//! What `tests/untrusted/pod.rs` promises of any input, searched by coverage.
#![no_main]

#[path = "../../tests/untrusted/pod.rs"]
mod pod;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pod::check(bytes));
