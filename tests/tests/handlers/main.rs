//! Handlers under a live registry that follows the scripted kube-apiserver: what they are message, what becomes
//! of bad ones, and the examples. `cargo xtask test` builds them and names them in the environment;
//! without that these tests say that they were skipped.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

mod delivery;
mod examples;
mod program;
mod rig;
