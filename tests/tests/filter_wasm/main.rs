//! The filter's wasm under wasmtime, in a host that checks every call: that its addresses lie in memory, that
//! what is asked for exists at that moment, and that nothing is called that a filter has no business with.
//!
//! `cargo xtask test` builds the wasm and names it in the environment. Without it the test says that it was
//! skipped; on CI (`CI=true`) it fails instead.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics has failed")]

mod host;
mod scenes;
