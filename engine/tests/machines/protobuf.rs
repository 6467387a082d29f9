//! JSON as kube-apiserver writes it, written again as the protobuf that it sends of the same: Pods with what the registry
//! reads of them, lists, watch events, bookmarks and Statuses. The spec of a Pod is left out. The scripted
//! kube-apiserver writes its answers by the same functions.

use serde_json::Value;

const NULL: &Value = &Value::Null;

/// A number as a varint.
pub(crate) fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
    bytes
}

/// A field of bytes: a string, or a message.
pub(crate) fn bytes(number: u32, value: &[u8]) -> Vec<u8> {
    let tag = varint(u64::from(number) << 3 | 2);
    [&tag[..], &varint(value.len() as u64), value].concat()
}

fn number(field: u32, value: u64) -> Vec<u8> {
    [varint(u64::from(field) << 3), varint(value)].concat()
}

/// A string, which Kubernetes writes also where it is empty.
fn text(number: u32, value: &Value) -> Vec<u8> {
    bytes(number, value.as_str().unwrap_or_default().as_bytes())
}

/// The same for each element of an array.
fn each(array: &Value, write: impl Fn(&Value) -> Vec<u8>) -> Vec<u8> {
    array.as_array().into_iter().flatten().flat_map(write).collect()
}

fn map(number: u32, object: &Value) -> Vec<u8> {
    let entries = object.as_object().into_iter().flatten();
    let entry = |(key, value): (&String, &Value)| {
        bytes(number, &[bytes(1, key.as_bytes()), text(2, value)].concat())
    };
    entries.flat_map(entry).collect()
}

/// A point in time, if there is one.
fn time(field: u32, value: &Value) -> Vec<u8> {
    let Some(seconds) = value.as_str().and_then(seconds) else { return Vec::new() };
    bytes(field, &[number(1, seconds), number(2, 0)].concat())
}

/// Seconds since 1970 of a time such as `2026-11-22T11:33:27Z`.
fn seconds(time: &str) -> Option<u64> {
    let part = |from: usize, to: usize| time.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
    // Years that begin in March, so that the day that comes and goes is the last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    Some((days - 719_468) * 86_400 + part(11, 13)? * 3600 + part(14, 16)? * 60 + part(17, 19)?)
}

fn metadata(of: &Value) -> Vec<u8> {
    [metadata_before_version(of), text(6, &of["resourceVersion"]), metadata_after_version(of)]
        .concat()
}

/// The fields of an `ObjectMeta` that stand before its resourceVersion.
pub(crate) fn metadata_before_version(of: &Value) -> Vec<u8> {
    [
        text(1, &of["name"]),
        text(2, &of["generateName"]),
        text(3, &of["namespace"]),
        text(4, NULL),
        text(5, &of["uid"]),
    ]
    .concat()
}

/// The fields of an `ObjectMeta` that stand behind its resourceVersion.
pub(crate) fn metadata_after_version(of: &Value) -> Vec<u8> {
    [
        number(7, of["generation"].as_u64().unwrap_or_default()),
        time(8, &of["creationTimestamp"]),
        time(9, &of["deletionTimestamp"]),
        of["deletionGracePeriodSeconds"].as_u64().map_or_else(Vec::new, |value| number(10, value)),
        map(11, &of["labels"]),
        map(12, &of["annotations"]),
    ]
    .concat()
}

fn pod_status(of: &Value) -> Vec<u8> {
    let condition = |of: &Value| {
        bytes(
            2,
            &[
                text(1, &of["type"]),
                text(2, &of["status"]),
                text(5, &of["reason"]),
                text(6, &of["message"]),
            ]
            .concat(),
        )
    };
    [
        text(1, &of["phase"]),
        each(&of["conditions"], condition),
        text(3, &of["message"]),
        text(4, &of["reason"]),
        text(5, &of["hostIP"]),
        text(6, &of["podIP"]),
        time(7, &of["startTime"]),
        text(9, &of["qosClass"]),
        each(&of["podIPs"], |ip| bytes(12, &text(1, &ip["ip"]))),
        each(&of["hostIPs"], |ip| bytes(16, &text(1, &ip["ip"]))),
    ]
    .concat()
}

/// A Pod, or its metadata.
fn pod(of: &Value) -> Vec<u8> {
    let whole = of["kind"] != "PartialObjectMetadata";
    let rest = if whole { spec_and_status(of) } else { Vec::new() };
    [bytes(1, &metadata(&of["metadata"])), rest].concat()
}

/// The fields of a Pod behind its metadata.
pub(crate) fn spec_and_status(of: &Value) -> Vec<u8> {
    [bytes(2, &[]), bytes(3, &pod_status(&of["status"]))].concat()
}

/// A `ListMeta`.
pub(crate) fn list_meta(of: &Value) -> Vec<u8> {
    let remaining = of["remainingItemCount"].as_u64();
    let remaining = remaining.map_or_else(Vec::new, |value| number(4, value));
    [text(1, NULL), text(2, &of["resourceVersion"]), text(3, &of["continue"]), remaining].concat()
}

fn status(of: &Value) -> Vec<u8> {
    let details = &of["details"];
    let cause = |of: &Value| {
        bytes(4, &[text(1, &of["reason"]), text(2, &of["message"]), text(3, &of["field"])].concat())
    };
    let written = [
        text(1, &details["name"]),
        text(2, &details["group"]),
        text(3, &details["kind"]),
        each(&details["causes"], cause),
        number(5, details["retryAfterSeconds"].as_u64().unwrap_or_default()),
        text(6, &details["uid"]),
    ];
    [
        bytes(1, &list_meta(&of["metadata"])),
        text(2, &of["status"]),
        text(3, &of["message"]),
        text(4, &of["reason"]),
        if details.is_null() { Vec::new() } else { bytes(5, &written.concat()) },
        number(6, of["code"].as_u64().unwrap_or_default()),
    ]
    .concat()
}

/// The body of an answer: a list, a Pod, its metadata, or a Status.
pub(crate) fn body(of: &Value) -> Vec<u8> {
    let raw = match of["kind"].as_str() {
        Some("PodList") => {
            let items = each(&of["items"], |item| bytes(2, &pod(item)));
            [bytes(1, &list_meta(&of["metadata"])), items].concat()
        }
        Some("PartialObjectMetadataList") => {
            let items =
                each(&of["items"], |item| bytes(2, &bytes(1, &metadata(&item["metadata"]))));
            [bytes(1, &list_meta(&of["metadata"])), items].concat()
        }
        Some("Status") => status(of),
        _ => pod(of),
    };
    let (opening, closing) =
        envelope(of["apiVersion"].as_str().unwrap_or("v1"), of["kind"].as_str().unwrap_or("Pod"));
    [&opening[..], &bytes(2, &raw), &closing].concat()
}

/// What stands before and behind the object itself, which is field 2.
pub(crate) fn envelope(api_version: &str, kind: &str) -> (Vec<u8>, Vec<u8>) {
    let meta = [bytes(1, api_version.as_bytes()), bytes(2, kind.as_bytes())].concat();
    let opening = [b"k8s\0".to_vec(), bytes(1, &meta)].concat();
    (opening, [text(3, NULL), text(4, NULL)].concat())
}

/// One event of a watch.
pub(crate) fn frame(event: &Value) -> Vec<u8> {
    event_frame(event["type"].as_str().unwrap_or_default(), &body(&event["object"]))
}

/// One event of a watch, with its object as the body of an answer has it.
pub(crate) fn event_frame(kind: &str, object: &[u8]) -> Vec<u8> {
    let event = [bytes(1, kind.as_bytes()), bytes(2, &bytes(1, object))].concat();
    let length = u32::try_from(event.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes()[..], &event].concat()
}
