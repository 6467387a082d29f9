//! The Pod that is registered in: as much of it as a change of its records needs. It must never
//! hold more of an answer than its identity and addresses, the registry's label and the annotations.

use alloc::borrow::{Cow, ToOwned as _};
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;

use dubbo_k8s_codec::kubernetes::{is_label, is_name};
use dubbo_k8s_codec::{ANNOTATION, LEASES, Pod, PodError, protobuf};
use serde::Deserialize;

use crate::wire::Form;

/// The namespace and the name of one Pod; both are legal names, so they are safe in a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodName {
    namespace: String,
    name: String,
}

/// A text that cannot be the name of a Pod or of a namespace.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{name:?} cannot be the name of a {what}: lower-case letters, digits, \"-\"{dot} are allowed, \
     and a letter or a digit at both ends"
)]
pub struct BadName {
    name: String,
    what: &'static str,
    dot: &'static str,
}

impl PodName {
    /// A Pod by its names, which are checked (RFC 1123, as Kubernetes does).
    ///
    /// # Errors
    /// [`BadName`] for the first of them that Kubernetes would refuse.
    pub fn new(namespace: &str, name: &str) -> Result<Self, BadName> {
        let bad = |name: &str, what, dot| BadName { name: name.to_owned(), what, dot };
        if !is_label(namespace) {
            return Err(bad(namespace, "namespace", ""));
        }
        if !is_name(name) {
            return Err(bad(name, "Pod", " and \".\""));
        }
        Ok(Self { namespace: namespace.to_owned(), name: name.to_owned() })
    }

    /// The namespace.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for PodName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// What the server said last about the Pod.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OwnPod {
    /// Its identity; a Pod made again under the same name has another one.
    pub uid: String,
    /// The version that was read.
    pub resource_version: String,
    /// It has a deletionTimestamp.
    pub terminating: bool,
    /// The value of the registry's label.
    pub label: Option<String>,
    /// All annotations: Kubernetes limits their size together.
    pub annotations: BTreeMap<String, String>,
    /// Its own addresses, where they are known: a provider is believed at these.
    pub ips: Option<Vec<IpAddr>>,
}

impl OwnPod {
    /// Reads the body of an answer that is a Pod. An error says why it is none, and where.
    pub(crate) fn read(form: Form, body: &[u8]) -> Result<Self, String> {
        match form {
            Form::Json => Self::parse(body).map_err(|error| error.to_string()),
            Form::Protobuf => {
                let object = protobuf::Object::open(body);
                let pod = object.pod().map_err(|error| error.to_string())?;
                Self::new(&pod, owned(object.annotations())).map_err(|error| error.to_string())
            }
        }
    }

    /// A Pod with all its annotations, in either form.
    pub(super) fn new(
        pod: &Pod<'_>,
        annotations: BTreeMap<String, String>,
    ) -> Result<Self, NotAPod> {
        let given = |text: &str, what| match text {
            "" => Err(NotAPod::Without(what)),
            text => Ok(text.to_owned()),
        };
        Ok(Self {
            uid: given(&pod.uid, "uid")?,
            resource_version: given(&pod.resource_version, "resourceVersion")?,
            terminating: pod.deleting,
            label: pod.label.clone().map(Cow::into_owned),
            annotations,
            ips: pod.known_ips().map(<[_]>::to_vec),
        })
    }

    /// Reads a Pod, or its metadata, as JSON.
    ///
    /// # Errors
    /// [`NotAPod`] for bytes that are no Pod with an identity and a version.
    pub fn parse(json: &[u8]) -> Result<Self, NotAPod> {
        let pod = Pod::parse(json).map_err(NotAPod::Unreadable)?;
        let Annotated { metadata } = serde_json::from_slice(json).map_err(NotAPod::Annotations)?;
        Self::new(&pod, metadata.annotations.unwrap_or_default())
    }

    /// The annotation with the leases as it stands.
    pub(crate) fn leases(&self) -> Option<&str> {
        self.annotations.get(LEASES).map(String::as_str)
    }

    /// The registry's annotation as it stands.
    pub fn annotation(&self) -> Option<&str> {
        self.annotations.get(ANNOTATION).map(String::as_str)
    }
}

/// Why an answer is no Pod of ours.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotAPod {
    /// It cannot be read.
    #[error("{0}")]
    Unreadable(PodError),
    /// Its annotations are no texts.
    #[error("{0}")]
    Annotations(serde_json::Error),
    /// It lacks what the server always sends.
    #[error("it has no metadata.{0}")]
    Without(&'static str),
}

/// What [`Pod`] leaves out of an object in JSON: the annotations of others.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Annotated {
    pub(super) metadata: Metadata,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Metadata {
    pub(super) annotations: Option<BTreeMap<String, String>>,
}

/// The annotations of an object in protobuf.
pub(super) fn owned(annotations: protobuf::Annotations<'_>) -> BTreeMap<String, String> {
    annotations.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_leave_the_path_are_refused() {
        assert_eq!(PodName::new("shop", "user-0.x").unwrap().to_string(), "shop/user-0.x");
        for (namespace, name) in [
            ("", "a"),
            ("a", ""),
            ("a", "../b"),
            ("a", "b/c"),
            ("a", "B"),
            ("a", "b?x"),
            ("a.b", "c"),
            ("a", "b."),
            ("-a", "b"),
            ("a", "b-"),
            ("a", "${HOSTNAME}"),
        ] {
            assert!(PodName::new(namespace, name).is_err(), "{namespace}/{name}");
        }
        let long = "a".repeat(254);
        assert!(PodName::new("a", &long).is_err() && PodName::new(&long[..64], "a").is_err());
        let error = PodName::new("shop", "User_0").unwrap_err().to_string();
        assert!(error.contains("\"User_0\"") && error.contains("Pod"), "{error}");
    }

    #[test]
    fn a_pod_and_its_metadata_read_alike() {
        let pod = OwnPod::parse(
            br#"{"kind":"Pod","metadata":{"name":"p","uid":"u","resourceVersion":"7","labels":{"dubbo.io/label":"x","app":"y"},
                "annotations":{"a":"1","dubbo.io/annotation":"W10="}},"spec":{"containers":[]},"status":{"podIP":"10.0.0.1","podIPs":[{"ip":"10.0.0.1"},{"ip":"fd00::1"}]}}"#,
        )
        .unwrap();
        assert_eq!((pod.uid.as_str(), pod.resource_version.as_str()), ("u", "7"));
        assert_eq!((pod.label.as_deref(), pod.annotation()), (Some("x"), Some("W10=")));
        assert!(!pod.terminating);
        let ips = ["10.0.0.1", "fd00::1"].map(|ip| ip.parse().unwrap());
        assert_eq!(pod.ips.as_deref(), Some(&ips[..]));
        let bare = br#"{"metadata":{"name":"p","uid":"u","resourceVersion":"7","deletionTimestamp":"2026-01-01T00:00:00Z"}}"#;
        let bare = OwnPod::parse(bare).unwrap();
        assert!(bare.terminating && bare.label.is_none() && bare.annotations.is_empty());
        assert_eq!(bare.ips, None);
    }

    #[test]
    fn what_has_no_identity_is_not_a_pod() {
        for json in
            [&b"{}"[..], b"[]", b"", br#"{"metadata":{"name":"p","uid":"","resourceVersion":"1"}}"#]
        {
            assert!(OwnPod::parse(json).is_err());
        }
    }
}
