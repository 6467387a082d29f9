//! The annotation `io.dubbo/metadata` of Dubbo Java's Kubernetes service discovery: a flat JSON
//! object of strings, some of which are JSON again.
//!
//! It names no interfaces; those come from a metadata service that this crate does not ask.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::DecodeError;
use crate::fault::{Found, Stage};
use crate::json::Reader;
use crate::phrase::Phrase;

/// The annotation that Dubbo Java writes.
pub const METADATA_ANNOTATION: &str = "io.dubbo/metadata";

/// The metadata of one instance, its members in their order.
///
/// ```
/// use dubbo_k8s_codec::Instance;
///
/// let text = r#"{"dubbo.endpoints":"[{\"port\":20880,\"protocol\":\"dubbo\"}]"}"#;
/// let instance = Instance::parse(text)?;
/// assert_eq!(instance.endpoints().unwrap()[0].port, 20880);
/// assert_eq!(instance.to_json(), text);
/// # Ok::<(), dubbo_k8s_codec::DecodeError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instance {
    members: Vec<(String, String)>,
}

/// One endpoint of `dubbo.endpoints`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Endpoint {
    /// The port it listens on.
    pub port: u16,
    /// Its protocol, such as `dubbo` or `tri`.
    pub protocol: String,
}

impl Instance {
    /// Reads the annotation. The offsets of an error are offsets in `text`.
    ///
    /// # Errors
    /// [`DecodeError`] for a text that is no instance or over the size limit.
    pub fn parse(text: &str) -> Result<Self, DecodeError> {
        check(text)?;
        serde_json::from_str(text)
            .map_err(|_| error(Stage::Json, 0, Phrase::FlatObject, Found::Byte(b'{')))
    }

    /// Writes the annotation: compact JSON, the members in their order.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The members in their order.
    pub fn members(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.members.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The value of a member.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.members().find(|(member, _)| *member == name).map(|(_, value)| value)
    }

    /// Sets a member in its place; a new one comes last.
    pub fn set(&mut self, name: &str, value: &str) {
        match self.members.iter_mut().find(|(member, _)| member == name) {
            Some((_, old)) => value.clone_into(old),
            None => self.members.push((name.to_owned(), value.to_owned())),
        }
    }

    /// Removes a member.
    pub fn remove(&mut self, name: &str) {
        self.members.retain(|(member, _)| member != name);
    }

    /// The endpoints (`dubbo.endpoints`); none if absent or unreadable.
    pub fn endpoints(&self) -> Option<Vec<Endpoint>> {
        serde_json::from_str(self.get("dubbo.endpoints")?).ok()
    }

    /// Sets the endpoints.
    pub fn set_endpoints(&mut self, endpoints: &[Endpoint]) {
        self.set("dubbo.endpoints", &serde_json::to_string(endpoints).unwrap_or_default());
    }

    /// The URL parameters of the metadata service (`dubbo.metadata-service.url-params`), a flat
    /// object inside of the member; none if absent or unreadable.
    pub fn url_params(&self) -> Option<Self> {
        Self::parse(self.get("dubbo.metadata-service.url-params")?).ok()
    }

    /// The revision of the metadata (`dubbo.metadata.revision`).
    pub fn revision(&self) -> Option<&str> {
        self.get("dubbo.metadata.revision")
    }

    /// Where the metadata is kept (`dubbo.metadata.storage-type`): `local` or `remote`.
    pub fn storage_type(&self) -> Option<&str> {
        self.get("dubbo.metadata.storage-type")
    }

    /// The time of registration in milliseconds since the epoch.
    pub fn timestamp_ms(&self) -> Option<u64> {
        self.get("timestamp")?.parse().ok()
    }
}

/// Finds where the text is not a flat object of strings; `serde_json` does the rest.
fn check(text: &str) -> Result<(), DecodeError> {
    let bytes = text.as_bytes();
    let mut reader = Reader::new(bytes);
    let json =
        |fault: crate::json::Fault| error(fault.stage, fault.offset, fault.expected, fault.found);
    let mut misshapen = None;
    if reader.peek() == Some(b'{') {
        reader.enter().map_err(json)?;
        let mut more = !reader.take(b'}');
        while more {
            reader.name().map_err(json)?;
            reader.peek();
            let at = reader.at();
            let what = reader.skip().map_err(json)?;
            if what != Phrase::String {
                misshapen.get_or_insert((at, Phrase::String, what));
            }
            more = reader.take(b',');
            if !more && !reader.take(b'}') {
                return Err(json(reader.fault(Phrase::CommaAfterMember)));
            }
        }
    } else {
        let at = reader.at();
        let what = reader.skip().map_err(json)?;
        misshapen = Some((at, Phrase::Strings, what));
    }
    if reader.peek().is_some() {
        return Err(json(reader.fault(Phrase::NothingAfterObject)));
    }
    match misshapen {
        Some((at, expected, what)) => Err(error(Stage::Shape, at, expected, Found::Thing(what))),
        None => Ok(()),
    }
}

fn error(stage: Stage, at: usize, expected: Phrase, found: Found) -> DecodeError {
    DecodeError::new(stage, at, None, expected, found)
}

impl Serialize for Instance {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.members.len()))?;
        for (name, value) in self.members() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Instance {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Instance;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a flat object of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Instance, A::Error> {
                let mut instance = Instance::default();
                while let Some((name, value)) = map.next_entry::<String, String>()? {
                    instance.set(&name, &value);
                }
                Ok(instance)
            }
        }

        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JAVA: &str = r#"{"dubbo.metadata-service.url-params":"{\"connections\":\"1\",\"version\":\"1.0.0\",\"dubbo\":\"2.0.2\",\"release\":\"3.2.0\",\"side\":\"provider\",\"port\":\"20880\",\"protocol\":\"dubbo\"}","dubbo.endpoints":"[{\"port\":20880,\"protocol\":\"dubbo\"},{\"port\":50051,\"protocol\":\"tri\"}]","dubbo.metadata.revision":"e4d1f","dubbo.metadata.storage-type":"local","meta-v":"1.0.0","timestamp":"1628130614000"}"#;

    #[test]
    fn javas_metadata_is_read_and_written_byte_for_byte() {
        let instance = Instance::parse(JAVA).unwrap();
        assert_eq!(instance.to_json(), JAVA);
        assert_eq!(instance.revision(), Some("e4d1f"));
        assert_eq!(instance.storage_type(), Some("local"));
        assert_eq!(instance.timestamp_ms(), Some(1_628_130_614_000));
        assert_eq!(instance.url_params().unwrap().get("port"), Some("20880"));
        let ports: Vec<_> = instance.endpoints().unwrap().iter().map(|e| e.port).collect();
        assert_eq!(ports, [20880, 50051]);
    }

    #[test]
    fn members_are_changed_in_their_place() {
        let mut instance = Instance::parse(r#"{"a":"1","b":"2","a":"3"}"#).unwrap();
        assert_eq!(instance.members().collect::<Vec<_>>(), [("a", "3"), ("b", "2")]);
        instance.set("c", "x");
        instance.remove("b");
        instance.set_endpoints(&[Endpoint { port: 1, protocol: "tri".into() }]);
        assert_eq!(
            instance.to_json(),
            r#"{"a":"3","c":"x","dubbo.endpoints":"[{\"port\":1,\"protocol\":\"tri\"}]"}"#
        );
    }

    #[test]
    fn what_is_not_flat_is_refused_in_its_place() {
        for (text, stage, at) in [
            ("", Stage::Json, 0),
            ("[]", Stage::Shape, 0),
            (r#"{"a":1}"#, Stage::Shape, 5),
            (r#"{"a":"b","c":{"d":1}}"#, Stage::Shape, 13),
            (r#"{"a":null}"#, Stage::Shape, 5),
            (r#"{"a":"b""#, Stage::Json, 8),
            (r#"{"a":1"#, Stage::Json, 6),
            (r"{} x", Stage::Json, 3),
        ] {
            let error = Instance::parse(text).unwrap_err();
            assert_eq!((error.stage, error.offset), (stage, at), "{text}");
        }
        assert!(Instance::parse(r#"{"a":"\ud800"}"#).is_err());
    }
}
