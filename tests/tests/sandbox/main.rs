//! The sandbox around a component that tries to get out of it, against the scripted kube-apiserver. `cargo
//! xtask test` builds the component and names it in the environment; without it the tests say that
//! they were skipped.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

mod bounds;
mod prison;
mod program;
mod secrecy;
mod watcher;
