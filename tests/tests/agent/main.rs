//! `dubbo-watcher agent` as an application in the same Pod meets it: the real program on a Unix socket, over the scripted
//! kube-apiserver.

#![cfg(all(test, unix))]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod bounds;
mod leases;
mod readme;
mod registering;
mod rig;
