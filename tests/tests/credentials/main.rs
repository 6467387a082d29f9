//! Credentials end to end, over real TLS: what a kubeconfig can say about who we are and how the
//! server is reached, what happens when it changes while the watcher runs, and that nothing of it
//! is ever shown.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

#[cfg(unix)]
mod certificates;
#[cfg(unix)]
mod doctor;
mod names;
#[cfg(unix)]
mod openssl;
#[cfg(unix)]
mod output;
#[cfg(unix)]
mod plugins;
mod proxies;
mod rig;
mod rotation;
mod secrets;
