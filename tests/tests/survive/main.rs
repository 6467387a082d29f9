//! What a watcher survives between itself and a real socket: a connection that is there and dead,
//! and being killed.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod dead_connection;
mod killed;

use dubbo_k8s_codec::{ANNOTATION, Record, encode};
use dubbo_k8s_tests::pods::LABEL;
use serde_json::{Value, json};

/// A Pod that carries one key, its own.
pub(crate) fn pod(name: &str) -> Value {
    let annotation = encode([Record::new(&format!("/dubbo/{name}"))]);
    json!({"metadata": {
        "namespace": "default", "name": name,
        "labels": {LABEL: "dubbo.io-value"}, "annotations": {ANNOTATION: annotation},
    }})
}
