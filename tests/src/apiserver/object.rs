//! One Pod at one resourceVersion, printed once. Lists and watches only copy its bytes, so that a
//! server with 100,000 Pods answers at the speed of memory; it must never be printed again from a
//! tree on that path.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::{json, protobuf};

/// Which form of the object a client asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Form {
    /// The whole Pod.
    Full,
    /// `PartialObjectMetadata`.
    Metadata,
}

/// How it is encoded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Encoding {
    Json,
    Protobuf,
}

/// What a client asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Representation {
    pub(crate) form: Form,
    pub(crate) encoding: Encoding,
}

impl Form {
    /// The body of an answer with this message.
    pub(crate) fn wrap(self, message: &[u8]) -> Vec<u8> {
        let (opening, closing) = match self {
            Self::Full => protobuf::envelope("v1", "Pod"),
            Self::Metadata => protobuf::envelope("meta.k8s.io/v1", "PartialObjectMetadata"),
        };
        [&opening[..], &protobuf::bytes(2, message), &closing].concat()
    }
}

/// Where the object is printed: an item of a `PodList` carries no kind.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Place {
    Item,
    Alone,
}

/// A stored Pod.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) namespace: Box<str>,
    pub(crate) name: Box<str>,
    pub(crate) uid: Box<str>,
    pub(crate) phase: Box<str>,
    pub(crate) labels: BTreeMap<Box<str>, Box<str>>,
    pub(crate) version: u64,
    /// The version that is printed in `fields`.
    printed: u64,
    /// `"metadata":{…},"spec":{…},"status":{…}`, without the braces around it.
    fields: Bytes,
    metadata_end: usize,
    version_at: Range<usize>,
    encoded: Encoded,
}

/// The object as protobuf, in three parts: the version stands between the first two.
#[derive(Clone, Debug)]
struct Encoded {
    before_version: Bytes,
    after_version: Bytes,
    spec_and_status: Bytes,
}

impl Encoded {
    fn new(metadata: &Value, pod: &Value) -> Self {
        Self {
            before_version: protobuf::metadata_before_version(metadata).into(),
            after_version: protobuf::metadata_after_version(metadata).into(),
            spec_and_status: protobuf::spec_and_status(pod).into(),
        }
    }

    /// The message at a version.
    fn message(&self, form: Form, version: u64) -> Vec<u8> {
        let version = protobuf::bytes(6, version.to_string().as_bytes());
        let metadata = [&self.before_version[..], &version, &self.after_version].concat();
        let rest = match form {
            Form::Full => &self.spec_and_status[..],
            Form::Metadata => &[],
        };
        [&protobuf::bytes(1, &metadata), rest].concat()
    }
}

impl Object {
    /// Prints `pod` with the given resourceVersion. Name, namespace and uid are taken as they
    /// stand; the store fills them in before.
    pub(crate) fn new(mut pod: Map<String, Value>, version: u64) -> Self {
        pod.shift_remove("kind");
        pod.shift_remove("apiVersion");
        let mut metadata = match pod.shift_remove("metadata") {
            Some(Value::Object(metadata)) => metadata,
            _ => Map::new(),
        };
        metadata.insert("resourceVersion".to_owned(), Value::String(version.to_string()));
        let metadata = json::order_metadata(metadata);
        let pod = Value::Object(pod);

        let mut fields = b"\"metadata\":{".to_vec();
        let mut version_at = 0..0;
        for (position, (name, value)) in metadata.iter().enumerate() {
            if position > 0 {
                fields.push(b',');
            }
            fields.extend(json::compact(&Value::String(name.clone())));
            fields.push(b':');
            let start = fields.len();
            fields.extend(json::compact(value));
            if name == "resourceVersion" {
                version_at = start + 1..fields.len() - 1;
            }
        }
        fields.push(b'}');
        let metadata_end = fields.len();
        let phase = phase_of(&pod).into();
        for (name, value) in pod.as_object().into_iter().flatten() {
            fields.push(b',');
            fields.extend(json::compact(&Value::String(name.clone())));
            fields.push(b':');
            fields.extend(json::compact(value));
        }
        Self {
            namespace: text(&metadata, "namespace"),
            name: text(&metadata, "name"),
            uid: text(&metadata, "uid"),
            phase,
            labels: labels_of(&metadata),
            version,
            printed: version,
            fields: Bytes::from(fields),
            metadata_end,
            version_at,
            encoded: Encoded::new(&Value::Object(metadata), &pod),
        }
    }

    /// The same Pod at another version, without printing it again.
    pub(crate) fn at(&self, version: u64) -> Self {
        Self { version, ..self.clone() }
    }

    /// The key that orders Pods as etcd does: `namespace/name`.
    pub(crate) fn key(&self) -> String {
        key(&self.namespace, &self.name)
    }

    /// The object as a tree again, for patches; it has kind and apiVersion.
    pub(crate) fn tree(&self) -> Map<String, Value> {
        let mut text = Vec::with_capacity(self.fields.len() + 64);
        self.write(Form::Full, Place::Alone, self.version, &mut text);
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// Appends the object in the given form. `version` is printed as its resourceVersion: the
    /// object of a DELETED event is the old one with the version of the change.
    pub(crate) fn write(&self, form: Form, place: Place, version: u64, out: &mut Vec<u8>) {
        out.extend_from_slice(match (form, place) {
            (Form::Full, Place::Item) => b"{",
            (Form::Full, Place::Alone) => br#"{"kind":"Pod","apiVersion":"v1","#,
            (Form::Metadata, _) => {
                br#"{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","#
            }
        });
        let end = match form {
            Form::Full => self.fields.len(),
            Form::Metadata => self.metadata_end,
        };
        let part = |range: Range<usize>| self.fields.get(range).unwrap_or_default();
        if version == self.printed {
            out.extend_from_slice(part(0..end));
        } else {
            out.extend_from_slice(part(0..self.version_at.start));
            out.extend_from_slice(version.to_string().as_bytes());
            out.extend_from_slice(part(self.version_at.end..end));
        }
        out.push(b'}');
    }

    /// The object as a message of protobuf, without an envelope.
    pub(crate) fn message(&self, form: Form, version: u64) -> Vec<u8> {
        self.encoded.message(form, version)
    }

    /// How many bytes [`Object::write`] appends, but for the few of the kind.
    pub(crate) fn printed_length(&self, form: Form) -> usize {
        let fields = match form {
            Form::Full => self.fields.len(),
            Form::Metadata => self.metadata_end,
        };
        fields + 80
    }
}

/// The key of a Pod in the store.
pub(crate) fn key(namespace: &str, name: &str) -> String {
    format!("{namespace}/{name}")
}

fn text(map: &Map<String, Value>, name: &str) -> Box<str> {
    map.get(name).and_then(Value::as_str).unwrap_or_default().into()
}

fn labels_of(metadata: &Map<String, Value>) -> BTreeMap<Box<str>, Box<str>> {
    let labels = metadata.get("labels").and_then(Value::as_object);
    labels
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.as_str().into(), value.as_str()?.into())))
        .collect()
}

fn phase_of(pod: &Value) -> &str {
    pod.get("status").and_then(|status| status.get("phase")).and_then(Value::as_str).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::{Form, Object, Place};
    use serde_json::{Value, json};

    fn pod() -> Object {
        let Value::Object(pod) = json!({
            "kind": "Pod",
            "metadata": {"labels": {"a": "b"}, "name": "x", "namespace": "n", "uid": "u"},
            "spec": {}, "status": {"phase": "Running"}
        }) else {
            unreachable!()
        };
        Object::new(pod, 7)
    }

    fn print(form: Form, place: Place, version: u64) -> String {
        let mut out = Vec::new();
        pod().write(form, place, version, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn prints_each_form_and_place() {
        assert_eq!(
            print(Form::Full, Place::Item, 7),
            r#"{"metadata":{"name":"x","namespace":"n","uid":"u","resourceVersion":"7","labels":{"a":"b"}},"spec":{},"status":{"phase":"Running"}}"#
        );
        assert!(
            print(Form::Full, Place::Alone, 7)
                .starts_with(r#"{"kind":"Pod","apiVersion":"v1","metadata""#)
        );
        assert_eq!(
            print(Form::Metadata, Place::Item, 7),
            r#"{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":"x","namespace":"n","uid":"u","resourceVersion":"7","labels":{"a":"b"}}}"#
        );
    }

    #[test]
    fn prints_another_version_in_its_place() {
        assert!(
            print(Form::Full, Place::Item, 12_345)
                .contains(r#""resourceVersion":"12345","labels""#)
        );
    }
}
