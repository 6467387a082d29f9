//! The names of `watcher/wit/registry.wit` in Rust, made by a macro: nothing is decided here.

#![allow(
    missing_docs,
    unreachable_pub,
    unsafe_code,
    clippy::all,
    clippy::pedantic,
    reason = "generated"
)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "generated")]

use super::Webhook;

wit_bindgen::generate!({
    path: "../../../wit",
    world: "registry-handler",
});

export!(Webhook);
