//! The names of `wit/codec.wit` in Rust, made by a macro: nothing is decided here.

#![allow(
    missing_docs,
    unreachable_pub,
    unsafe_code,
    clippy::all,
    clippy::pedantic,
    reason = "generated"
)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "generated")]

wit_bindgen::generate!({
    path: "wit",
    world: "codec-world",
});

/// What is exported.
pub(crate) struct Component;

// A native build has no host to export to, and its linker does not take the names.
#[cfg(target_family = "wasm")]
export!(Component);
