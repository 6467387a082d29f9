//! One record of the registry: a key and a value, both text.
//!
//! It knows nothing of how records are written or what a key means.

use serde::Serialize;

/// One `{"k","v"}` of an annotation, borrowed from whatever holds it.
///
/// dubbo-go always leaves the value empty; the key is a registry path, see [`Key`](crate::Key).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Record<'a> {
    /// The registry path.
    #[serde(rename = "k")]
    pub key: &'a str,
    /// The value; empty in practice.
    #[serde(rename = "v")]
    pub value: &'a str,
}

impl<'a> Record<'a> {
    /// A record with an empty value, as dubbo-go writes it.
    pub const fn new(key: &'a str) -> Self {
        Self { key, value: "" }
    }
}
