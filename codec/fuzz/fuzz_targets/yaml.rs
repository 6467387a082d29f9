//! What `tests/untrusted/yaml.rs` promises of any input, searched by coverage.
#![no_main]

#[path = "../../tests/untrusted/yaml.rs"]
mod yaml;

libfuzzer_sys::fuzz_target!(|text: &str| yaml::check(text));
