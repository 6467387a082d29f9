//! What `tests/untrusted/key_url.rs` promises of any input, searched by coverage.
#![no_main]

#[path = "../../tests/untrusted/key_url.rs"]
mod key_url;

libfuzzer_sys::fuzz_target!(|text: &str| key_url::check(text));
