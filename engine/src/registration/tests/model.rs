//! The plain model of a server with one Pod. It does what the recordings of a real one show, in
//! the simplest way.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::String;
use alloc::string::ToString as _;
use alloc::vec::Vec;
use dubbo_k8s_codec::{ANNOTATION, Annotation, LABEL, Record, encode};
use serde_json::{Map, Value, json};

use crate::{Request, Verb};

/// The server.
pub(super) struct Model {
    pub(super) pod: Option<Value>,
    version: u64,
    uids: u64,
    /// Every event so far, with the Pod as it was then.
    pub(super) events: Vec<(&'static str, Value)>,
    /// Every patch that was taken.
    pub(super) patches: Vec<Value>,
}

impl Model {
    pub(super) fn new() -> Self {
        let mut model =
            Self { pod: None, version: 10, uids: 0, events: Vec::new(), patches: Vec::new() };
        model.create();
        model
    }

    pub(super) fn create(&mut self) {
        self.uids += 1;
        let pod = json!({"metadata": {"namespace": "shop", "name": "user-0", "uid": format!("uid-{}", self.uids)}});
        self.store("ADDED", pod);
    }

    pub(super) fn delete(&mut self) {
        if let Some(pod) = self.pod.take() {
            self.version += 1;
            self.events.push(("DELETED", pod));
        }
    }

    /// Changes the Pod as any other client.
    pub(super) fn edit(&mut self, edit: impl FnOnce(&mut Value)) {
        if let Some(mut pod) = self.pod.clone() {
            edit(&mut pod["metadata"]);
            if Some(&pod) != self.pod.as_ref() {
                self.store("MODIFIED", pod);
            }
        }
    }

    /// The kubelet says how the Pod is.
    pub(super) fn edit_status(&mut self, status: &Value) {
        if let Some(mut pod) = self.pod.clone() {
            pod["status"] = status.clone();
            self.store("MODIFIED", pod);
        }
    }

    /// Overwrites the annotation, as a writer without a precondition.
    pub(super) fn annotate(&mut self, value: Option<&str>) {
        self.edit(|metadata| match value {
            Some(value) => metadata["annotations"][ANNOTATION] = json!(value),
            None => drop(metadata.as_object_mut().unwrap().remove("annotations")),
        });
    }

    pub(super) fn set_records(&mut self, keys: &[&str]) {
        self.annotate(Some(&encode(keys.iter().map(|key| Record::new(key)))));
    }

    fn store(&mut self, kind: &'static str, mut pod: Value) {
        self.version += 1;
        pod["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.events.push((kind, pod.clone()));
        self.pod = Some(pod);
    }

    pub(super) fn annotation(&self) -> Option<&str> {
        self.pod.as_ref()?["metadata"]["annotations"][ANNOTATION].as_str()
    }

    pub(super) fn label(&self) -> Option<&str> {
        self.pod.as_ref()?["metadata"]["labels"][LABEL].as_str()
    }

    pub(super) fn records(&self) -> Vec<String> {
        let Some(value) = self.annotation() else { return Vec::new() };
        let annotation = Annotation::decode(value).unwrap();
        annotation.records().map(|record| record.key.to_owned()).collect()
    }

    /// Answers a GET or a PATCH.
    pub(super) fn answer(&mut self, request: &Request) -> (u16, Vec<u8>) {
        assert_eq!(request.target, "/api/v1/namespaces/shop/pods/user-0");
        let (status, body) = match (request.verb, self.pod.clone()) {
            (_, None) => status(404, "NotFound", "pods \"user-0\" not found"),
            (Verb::Get, Some(pod)) => (200, pod),
            (Verb::Patch, Some(pod)) => self.patch(pod, &request.body),
            (verb, _) => panic!("{verb} of one Pod"),
        };
        (status, body.to_string().into_bytes())
    }

    fn patch(&mut self, mut pod: Value, body: &[u8]) -> (u16, Value) {
        let patch: Value = serde_json::from_slice(body).unwrap();
        let (old, new) = (&pod["metadata"], &patch["metadata"]);
        assert!(
            new["uid"].is_string() && new["resourceVersion"].is_string(),
            "no precondition: {patch}"
        );
        if new["uid"] != old["uid"] {
            return status(
                422,
                "Invalid",
                "Pod \"user-0\" is invalid: metadata.uid: field is immutable",
            );
        }
        if new["resourceVersion"] != old["resourceVersion"] {
            return status(409, "Conflict", "the object has been modified");
        }
        for part in ["labels", "annotations"] {
            merge(&mut pod["metadata"][part], &new[part]);
        }
        let sizes = pod["metadata"]["annotations"].as_object().into_iter().flatten();
        let size: usize =
            sizes.map(|(name, value)| name.len() + value.as_str().unwrap().len()).sum();
        assert!(size <= 262_144, "the server would refuse it");
        if Some(&pod) != self.pod.as_ref() {
            self.store("MODIFIED", pod);
        }
        self.patches.push(patch);
        (200, self.pod.clone().unwrap())
    }
}

/// RFC 7396, one level.
fn merge(target: &mut Value, patch: &Value) {
    let Some(patch) = patch.as_object() else {
        if target.is_null() {
            *target = json!({});
        }
        return;
    };
    let mut members = target.as_object().cloned().unwrap_or_else(Map::new);
    for (name, value) in patch {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    *target = Value::Object(members);
}

pub(super) fn status(code: u16, reason: &str, message: &str) -> (u16, Value) {
    (
        code,
        json!({"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message}),
    )
}
