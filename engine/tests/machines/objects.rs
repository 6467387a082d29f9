//! Pods, events, lists and errors as a kube-apiserver writes them, with no more than matters.

use dubbo_k8s_codec::{Record, encode};
use serde_json::{Value, json};

/// The registry key that stands for a short name.
pub(crate) fn key(name: &str) -> String {
    format!(
        "/dubbo/com.example.{name}/providers/dubbo%3A%2F%2F10.0.0.1%3A20880%2Fcom.example.{name}"
    )
}

pub(crate) fn annotation(names: &[&str]) -> String {
    let keys: Vec<String> = names.iter().map(|name| key(name)).collect();
    encode(keys.iter().map(|key| Record::new(key)))
}

/// A Pod `name` in the namespace `shop` with the uid `uid`, carrying keys.
pub(crate) fn pod(name: &str, uid: &str, version: u64, names: &[&str]) -> Value {
    pod_in("shop", name, uid, version, names)
}

pub(crate) fn pod_in(
    namespace: &str,
    name: &str,
    uid: &str,
    version: u64,
    names: &[&str],
) -> Value {
    json!({
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {
            "name": name, "namespace": namespace, "uid": uid, "resourceVersion": version.to_string(),
            "labels": { "dubbo.io/label": "dubbo.io-value" },
            "annotations": { "dubbo.io/annotation": annotation(names) },
        },
    })
}

pub(crate) fn terminating(mut pod: Value) -> Value {
    pod["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    pod
}

pub(crate) fn event(kind: &str, object: &Value) -> String {
    format!("{}\n", json!({ "type": kind, "object": object }))
}

pub(crate) fn added(pod: &Value) -> String {
    event("ADDED", pod)
}

pub(crate) fn modified(pod: &Value) -> String {
    event("MODIFIED", pod)
}

pub(crate) fn deleted(pod: &Value) -> String {
    event("DELETED", pod)
}

pub(crate) fn bookmark(version: u64) -> String {
    event(
        "BOOKMARK",
        &json!({ "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
        "metadata": { "resourceVersion": version.to_string() } }),
    )
}

/// The bookmark after the initial events, with this value of its annotation.
pub(crate) fn end_mark(version: u64, value: &str) -> String {
    event(
        "BOOKMARK",
        &json!({ "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
        "metadata": { "resourceVersion": version.to_string(),
            "annotations": { "k8s.io/initial-events-end": value } } }),
    )
}

pub(crate) fn synced(version: u64) -> String {
    end_mark(version, "true")
}

pub(crate) fn list(version: u64, token: &str, pods: &[Value]) -> String {
    let mut metadata = json!({ "resourceVersion": version.to_string() });
    if !token.is_empty() {
        metadata["continue"] = json!(token);
        metadata["remainingItemCount"] = json!(1);
    }
    let list = json!({ "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata, "items": pods });
    format!("{list}\n")
}

pub(crate) fn status(code: u16, reason: &str, message: &str) -> Value {
    json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code })
}

pub(crate) fn expired() -> Value {
    status(410, "Expired", "too old resource version: 1 (22781)")
}

/// "Too large resource version" as Kubernetes words it since 1.19.
pub(crate) fn too_large() -> Value {
    let mut status = status(504, "Timeout", "Timeout: Too large resource version: 99, current: 50");
    status["details"] = json!({ "retryAfterSeconds": 1, "causes": [
        { "reason": "ResourceVersionTooLarge", "message": "Too large resource version" }] });
    status
}

pub(crate) fn error_event(status: &Value) -> String {
    event("ERROR", status)
}
