//! The whole filter over a proxy that a test scripts: what it asks for, and where requests go.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics has failed")]

mod discovery;
mod proxy;
mod requests;
mod shared;
