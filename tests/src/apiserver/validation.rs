//! The 422 answers: to options that contradict each other, as apimachinery's
//! `ValidateListOptions` gives them, and to changes of a Pod that are not allowed. Knows no store.

use serde_json::{Map, Value};

use super::json::{self, OBJECT_META};
use super::object::Object;
use super::query::Query;
use super::status::{Cause, Status, Subject};

/// The fields of a Pod.
pub(crate) const POD_FIELDS: [&str; 5] = ["kind", "apiVersion", "metadata", "spec", "status"];

/// How many bytes the names and values of all annotations may have together.
const MAX_ANNOTATIONS: usize = 262_144;

/// Checks the options of a LIST or WATCH.
pub(crate) fn list_options(query: &Query, watch: bool, watch_list: bool) -> Result<(), Status> {
    let causes = if watch { watch_causes(query, watch_list) } else { list_causes(query) };
    if causes.is_empty() {
        return Ok(());
    }
    let subject = Subject { kind: "ListOptions", group: "meta.k8s.io", name: "" };
    Err(Status::invalid(subject, causes))
}

/// Checks a changed Pod against the one before. Each cause comes as often as a real server gives
/// it: its update strategy validates the metadata several times.
pub(crate) fn pod(new: &Map<String, Value>, old: &Object) -> Result<(), Status> {
    let metadata = new.get("metadata").unwrap_or(&Value::Null);
    let text = |name: &str| json::text_at(metadata, &format!("/{name}"));
    for (field, before) in [("name", &old.name), ("namespace", &old.namespace)] {
        if text(field) != &**before {
            return Err(Status::bad_request(format!(
                "the {field} of the object ({}) does not match the {field} on the URL ({before})",
                text(field)
            )));
        }
    }
    let mut causes = Vec::new();
    if !text("uid").is_empty() && text("uid") != &*old.uid {
        let message = format!("Invalid value: \"{}\": field is immutable", text("uid"));
        repeat(&mut causes, 2, &Cause::new("FieldValueInvalid", "metadata.uid", message));
    }
    let strings =
        |name: &str| json::at(metadata, &format!("/{name}")).as_object().into_iter().flatten();
    for (key, value) in strings("labels") {
        label_causes(key, value.as_str().unwrap_or_default(), &mut causes);
    }
    let size: usize = strings("annotations")
        .map(|(key, value)| key.len() + value.as_str().map_or(0, str::len))
        .sum();
    if size > MAX_ANNOTATIONS {
        let message = format!("Too long: may not be more than {MAX_ANNOTATIONS} bytes");
        repeat(&mut causes, 4, &Cause::new("FieldValueTooLong", "metadata.annotations", message));
    }
    if new.get("spec") != old.tree().get("spec") {
        causes.push(Cause::new("FieldValueForbidden", "spec", format!("Forbidden: {IMMUTABLE}")));
    }
    if causes.is_empty() {
        return Ok(());
    }
    Err(Status::invalid(Subject { kind: "Pod", group: "", name: &old.name }, causes))
}

const IMMUTABLE: &str = "pod updates may not change fields other than `spec.containers[*].image`,\
    `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions \
    to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it \
    was previously negative)";

/// What a Pod has and the API does not know, as the server warns of it.
pub(crate) fn unknown_fields(pod: &Map<String, Value>) -> Vec<String> {
    let unknown = |map: &Map<String, Value>, known: &[&str], prefix: &str| -> Vec<String> {
        map.keys()
            .filter(|name| !known.contains(&name.as_str()))
            .map(|name| format!("unknown field \"{prefix}{name}\""))
            .collect()
    };
    let mut fields = unknown(pod, &POD_FIELDS, "");
    if let Some(Value::Object(metadata)) = pod.get("metadata") {
        fields.extend(unknown(metadata, &OBJECT_META, "metadata."));
    }
    fields
}

/// 422 when a label or annotation of a patch is no string.
pub(crate) fn strings_in_metadata(patch: &Value) -> Result<(), Status> {
    let maps = ["labels", "annotations"]
        .map(|name| json::at(patch, &format!("/metadata/{name}")).as_object());
    let kind = maps.into_iter().flatten().flat_map(Map::values).find_map(|value| match value {
        Value::String(_) | Value::Null => None,
        Value::Number(number) if number.is_f64() => Some("float64"),
        Value::Number(_) => Some("int64"),
        Value::Bool(_) => Some("bool"),
        Value::Array(_) => Some("[]interface {}"),
        Value::Object(_) => Some("map[string]interface {}"),
    });
    let Some(kind) = kind else { return Ok(()) };
    let message = format!("Invalid value: \"{}\": cannot convert {kind} to string", go_map(patch));
    let cause = Cause::new("FieldValueInvalid", "patch", message);
    Err(Status::invalid(Subject { kind: "", group: "", name: "" }, vec![cause]))
}

/// A value as Go's `%v` prints it.
fn go_map(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(list) => {
            format!("[{}]", list.iter().map(go_map).collect::<Vec<_>>().join(" "))
        }
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(name, _)| name.as_str());
            let entries: Vec<String> =
                entries.iter().map(|(name, value)| format!("{name}:{}", go_map(value))).collect();
            format!("map[{}]", entries.join(" "))
        }
        other => other.to_string(),
    }
}

fn label_causes(key: &str, value: &str, causes: &mut Vec<Cause>) {
    let (prefix, name) =
        key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    let prefix_ok = prefix.is_none_or(|prefix| {
        !prefix.is_empty() && prefix.len() <= 253 && prefix.split('.').all(is_dns_label)
    });
    if !prefix_ok || name.is_empty() || !is_qualified(name) {
        let message = format!("Invalid value: \"{key}\": {LABEL_KEY}");
        repeat(causes, 4, &Cause::new("FieldValueInvalid", "metadata.labels", message));
    }
    if !value.is_empty() && !is_qualified(value) {
        let message = format!("Invalid value: \"{value}\": {LABEL_VALUE}");
        repeat(causes, 4, &Cause::new("FieldValueInvalid", "metadata.labels", message));
    }
}

const LABEL_KEY: &str = "a valid label key must consist of alphanumeric characters, '-', '_' or \
    '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or \
    '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an \
    optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";

const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric \
    characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. \
    'MyValue',  or 'my_value',  or '12345', regex used for validation is \
    '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/// At most 63 of `[A-Za-z0-9_.-]`, with an alphanumeric at both ends.
fn is_qualified(text: &str) -> bool {
    let bytes = text.as_bytes();
    let ends = [bytes.first(), bytes.last()];
    bytes.len() <= 63
        && ends.iter().all(|end| end.is_some_and(u8::is_ascii_alphanumeric))
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

fn is_dns_label(text: &str) -> bool {
    is_qualified(text)
        && text
            .bytes()
            .all(|byte| byte == b'-' || byte.is_ascii_digit() || byte.is_ascii_lowercase())
}

fn repeat(causes: &mut Vec<Cause>, times: usize, cause: &Cause) {
    causes.extend(std::iter::repeat_n(cause, times).cloned());
}

fn list_causes(query: &Query) -> Vec<Cause> {
    let mut causes = Vec::new();
    let version_match = query.get("resourceVersionMatch");
    if !version_match.is_empty() {
        if query.get("resourceVersion").is_empty() {
            causes.push(match_forbidden(
                "resourceVersionMatch is forbidden unless resourceVersion is provided",
            ));
        }
        if !query.get("continue").is_empty() {
            causes.push(match_forbidden(
                "resourceVersionMatch is forbidden when continue is provided",
            ));
        }
        if !matches!(version_match, "Exact" | "NotOlderThan") {
            causes.push(unsupported(version_match, "\"Exact\", \"NotOlderThan\", \"\""));
        }
        if version_match == "Exact" && query.get("resourceVersion") == "0" {
            causes.push(match_forbidden(
                "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
            ));
        }
    }
    if query.find("sendInitialEvents").is_some() {
        causes.push(forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
    }
    causes
}

fn watch_causes(query: &Query, watch_list: bool) -> Vec<Cause> {
    let mut causes = Vec::new();
    let version_match = query.get("resourceVersionMatch");
    let send_initial_events = query.find("sendInitialEvents").is_some();
    if send_initial_events {
        if version_match != "NotOlderThan" {
            causes.push(match_forbidden(
                "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
            ));
        }
        if !watch_list {
            causes.push(forbidden(
                "sendInitialEvents",
                "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled",
            ));
        }
    }
    if !version_match.is_empty() {
        if !send_initial_events {
            causes.push(match_forbidden(
                "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
            ));
        }
        if version_match != "NotOlderThan" {
            causes.push(unsupported(version_match, "\"NotOlderThan\""));
        }
        if !query.get("continue").is_empty() {
            causes.push(match_forbidden(
                "resourceVersionMatch is forbidden when continue is provided",
            ));
        }
    }
    causes
}

fn match_forbidden(why: &str) -> Cause {
    forbidden("resourceVersionMatch", why)
}

fn forbidden(field: &str, why: &str) -> Cause {
    Cause::new("FieldValueForbidden", field, format!("Forbidden: {why}"))
}

fn unsupported(value: &str, supported: &str) -> Cause {
    let message = format!("Unsupported value: \"{value}\": supported values: {supported}");
    Cause::new("FieldValueNotSupported", "resourceVersionMatch", message)
}
