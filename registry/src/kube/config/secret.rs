//! A value that must never be shown: tokens, passwords, private keys.
//!
//! It has no `Display`, no `Serialize`, and its `Debug` prints nothing of what it holds.

use std::fmt;

use serde::{Deserialize, Deserializer};

use super::text::text;

/// A secret text. Only [`Secret::reveal`] gives it out, so that every place that does is easily found.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, for the request or the TLS library and nothing else.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing in it. An empty bearer token would make the caller anonymous.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn debug_shows_nothing() {
        let shown = format!("{:?}", Some(Secret::new("s3cr3t")));
        assert_eq!(shown, "Some(Secret(…))");
    }
}
