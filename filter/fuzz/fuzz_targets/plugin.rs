//! What `tests/untrusted/plugin.rs` promises of any input, searched by coverage.
#![no_main]

#[path = "../../tests/untrusted/plugin.rs"]
mod plugin;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    plugin::check(bytes);
});
