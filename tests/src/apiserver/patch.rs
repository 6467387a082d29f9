//! PATCH of one Pod: strategic merge, merge and JSON patch, as far as metadata. Server-side apply
//! is refused with 415: it needs the ownership of fields, which this server does not keep.
//! `managedFields` stay as they are.

use std::sync::Arc;

use http::{HeaderValue, Response, header};
use serde_json::{Map, Value};

use super::answer::{self, Body};
use super::object::{Encoding, Object};
use super::request::Request;
use super::shared::Shared;
use super::status::{Cause, Details, Status, Subject};
use super::{accept, json, list, strategic, validation};

/// A PATCH: 200 with the changed Pod, in the form that was asked for.
pub(crate) fn patch(
    shared: &Arc<Shared>,
    request: &Request,
    namespace: &str,
    name: &str,
) -> Result<Response<Body>, Status> {
    let shape = accept::negotiate(&request.accept, &shared.options)?.of_object()?;
    let patch = Patch::read(&request.content_type, &request.body)?;
    let mut warnings = Vec::new();
    let mut change = |old: &Object| {
        let mut new = patch.apply(old)?;
        warnings = validation::unknown_fields(&new);
        if request.query.get("fieldValidation") == "Strict" && !warnings.is_empty() {
            return Err(strict(&new, &warnings));
        }
        prune(&mut new, old);
        check_version(&new, old)?;
        validation::pod(&new, old)?;
        Ok(new)
    };
    if request.query.get("dryRun") == "All" {
        let old = shared.store.get(namespace, name).ok_or_else(|| Status::not_found(name))?;
        let new = Value::Object(change(&old)?);
        return Ok(answer::ok(Encoding::Json, answer::json(json::compact(&new))));
    }
    let pod = shared.store.edit(namespace, name, change)?;
    let mut response = list::object(&pod, shape);
    if request.query.get("fieldValidation") != "Ignore" {
        for warning in warnings {
            let text = format!("299 - \"{}\"", warning.replace('"', "\\\""));
            if let Ok(value) = HeaderValue::from_str(&text) {
                response.headers_mut().append(header::WARNING, value);
            }
        }
    }
    Ok(response)
}

enum Patch {
    Strategic(Value),
    Merge(Value),
    Json(json_patch::Patch),
}

impl Patch {
    fn read(content_type: &str, body: &[u8]) -> Result<Self, Status> {
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        match media_type {
            "application/strategic-merge-patch+json" => {
                let patch = tree(body).map_err(Status::bad_request)?;
                Ok(Self::Strategic(patch))
            }
            "application/merge-patch+json" => Ok(Self::Merge(tree(body).map_err(undecodable)?)),
            "application/json-patch+json" => {
                let patch = tree(body).map_err(undecodable)?;
                if let Some(kind) = no_list(&patch) {
                    return Err(undecodable(format!(
                        "json: cannot unmarshal {kind} into Go value of type []handlers.jsonPatchOp"
                    )));
                }
                serde_json::from_value(patch)
                    .map(Self::Json)
                    .map_err(|error| undecodable(error.to_string()))
            }
            _ => Err(Status::new(415, "UnsupportedMediaType", "415: Unsupported Media Type")
                .with_details(Details::default())),
        }
    }

    fn apply(&self, old: &Object) -> Result<Map<String, Value>, Status> {
        let mut pod = Value::Object(old.tree());
        match self {
            Self::Strategic(patch) => {
                validation::strings_in_metadata(patch)?;
                strategic::merge(&mut pod, patch);
            }
            Self::Merge(patch) => {
                validation::strings_in_metadata(patch)?;
                json_patch::merge(&mut pod, patch);
            }
            Self::Json(patch) => json_patch::patch(&mut pod, patch).map_err(|_| {
                let message = "the server rejected our request due to an error in our request";
                Status::new(422, "Invalid", message).with_details(Details::default())
            })?,
        }
        match pod {
            Value::Object(pod) => Ok(pod),
            _ => Err(Status::bad_request("the patch leaves no object")),
        }
    }
}

/// 409 when the patch names another resourceVersion than the Pod has.
fn check_version(new: &Map<String, Value>, old: &Object) -> Result<(), Status> {
    let metadata = new.get("metadata").unwrap_or(&Value::Null);
    match json::text_at(metadata, "/resourceVersion") {
        version if !version.is_empty() && version != old.version.to_string() => {
            Err(Status::conflict(
                &old.name,
                "the object has been modified; please apply your changes to the latest version and try again",
            ))
        }
        _ => Ok(()),
    }
}

/// Takes out what a client can not set, and what Go leaves out because it is empty.
fn prune(new: &mut Map<String, Value>, old: &Object) {
    let before = old.tree();
    restore(new, &before, "status");
    new.retain(|name, _| validation::POD_FIELDS.contains(&name.as_str()));
    let (Some(Value::Object(metadata)), Some(Value::Object(before))) =
        (new.get_mut("metadata"), before.get("metadata"))
    else {
        return;
    };
    for name in [
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "managedFields",
    ] {
        restore(metadata, before, name);
    }
    metadata.retain(|name, value| {
        let empty = match value {
            Value::Null => true,
            Value::Object(map) => map.is_empty(),
            Value::Array(list) => list.is_empty(),
            _ => false,
        };
        !empty && json::OBJECT_META.contains(&name.as_str())
    });
}

fn restore(map: &mut Map<String, Value>, before: &Map<String, Value>, name: &str) {
    match before.get(name) {
        Some(value) => map.insert(name.to_owned(), value.clone()),
        None => map.shift_remove(name),
    };
}

fn strict(pod: &Map<String, Value>, unknown: &[String]) -> Status {
    let pod =
        String::from_utf8(json::compact(&sorted(&Value::Object(pod.clone())))).unwrap_or_default();
    let message = format!(
        "Invalid value: {}: strict decoding error: {}",
        Value::String(pod),
        unknown.join(", ")
    );
    let cause = Cause::new("FieldValueInvalid", "patch", message);
    Status::invalid(Subject { kind: "", group: "", name: "" }, vec![cause])
}

/// Members in the order in which Go prints a map.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(String, Value)> =
                map.iter().map(|(name, value)| (name.clone(), sorted(value))).collect();
            entries.sort_by(|left, right| left.0.cmp(&right.0));
            Value::Object(entries.into_iter().collect())
        }
        other => other.clone(),
    }
}

fn tree(body: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(body).map_err(|error| {
        if error.is_eof() { "unexpected end of JSON input".to_owned() } else { error.to_string() }
    })
}

fn undecodable(why: impl std::fmt::Display) -> Status {
    Status::bad_request(format!("error decoding patch: {why}"))
}

fn no_list(value: &Value) -> Option<&'static str> {
    match value {
        Value::Array(_) | Value::Null => None,
        Value::Object(_) => Some("object"),
        Value::String(_) => Some("string"),
        Value::Number(_) => Some("number"),
        Value::Bool(_) => Some("bool"),
    }
}
