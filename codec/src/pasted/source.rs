//! From the bytes of a file or a paste to the text that is read: encodings, and JSON that was pasted as a string.
//!
//! It never guesses an encoding, and never unpacks anything: a host does that.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::{Document, PastedError, form};
use crate::json::Reader;
use crate::phrase::{Language, Phrase};
use crate::text::Text;

/// The text of a file or a paste.
#[derive(Clone, Debug)]
pub struct Source<'a> {
    decoded: Text<'a>,
    /// What the text holds as a string.
    inner: Option<String>,
    /// What it was unpacked from is damaged behind it.
    damaged: bool,
}

/// Why bytes are not looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// They are compressed by gzip.
    Gzip,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Phrase::Gzip.text(Language::English))
    }
}

impl core::error::Error for Refused {}

/// No tool writes strings in strings in strings.
const MAX_LAYERS: usize = 3;

impl<'a> Source<'a> {
    /// The text of `bytes`.
    ///
    /// # Errors
    /// If they are packed. What is no text is an error of the document, behind what comes before it.
    pub fn of(bytes: &'a [u8]) -> Result<Self, Refused> {
        if bytes.starts_with(GZIP) {
            return Err(Refused::Gzip);
        }
        Ok(Self::of_text(Text::of(bytes)))
    }

    fn of_text(decoded: Text<'a>) -> Self {
        let mut inner: Option<String> = None;
        for _ in 0..MAX_LAYERS {
            match unquoted(inner.as_deref().unwrap_or(&decoded.text)) {
                Some(text) => inner = Some(text),
                None => break,
            }
        }
        Self { decoded, inner, damaged: false }
    }

    /// The same, where a host that unpacked the bytes found them damaged at their end.
    #[must_use]
    pub const fn damaged(mut self) -> Self {
        self.damaged = true;
        self
    }

    /// What the offsets of the document count in.
    pub fn text(&self) -> &str {
        self.inner.as_deref().unwrap_or(&self.decoded.text)
    }

    /// Whether all of the bytes are text.
    pub const fn is_text(&self) -> bool {
        self.decoded.broken.is_none()
    }

    /// Whether it was written as UTF-16.
    pub const fn is_utf16(&self) -> bool {
        self.decoded.is_utf16()
    }

    /// Whether the bytes hold it as a string, with escapes.
    pub const fn is_string(&self) -> bool {
        self.inner.is_some()
    }

    /// The text alone.
    pub fn into_text(self) -> String {
        self.inner.unwrap_or_else(|| self.decoded.text.into_owned())
    }

    /// Where in the bytes the byte `offset` of the text stands; of a text that was a string, in that.
    pub fn place(&self, offset: usize) -> usize {
        if self.inner.is_some() { offset } else { self.decoded.place(offset) }
    }

    /// Reads it.
    pub fn read(&self) -> Document<'_> {
        let mut document = form::read(self.text());
        // That the bytes end is why the text breaks off.
        let end = self.text().trim_end().len();
        let at_end = document.error.as_ref().is_none_or(|error| error.offset >= end);
        let why = match (self.decoded.broken, self.damaged) {
            (Some(_), _) => Some(Phrase::NotText),
            (None, true) => Some(Phrase::GzipDamaged),
            (None, false) => None,
        };
        if let Some(why) = why.filter(|_| at_end) {
            document.error = Some(PastedError::not_text(self.text().len(), why));
        }
        document
    }
}

impl Source<'static> {
    /// The same of bytes that are its own; a text that is written as it is read is not copied.
    ///
    /// # Errors
    /// If they are packed.
    pub fn of_owned(bytes: Vec<u8>) -> Result<Self, Refused> {
        if bytes.starts_with(GZIP) {
            return Err(Refused::Gzip);
        }
        Ok(Self::of_text(Text::of_owned(bytes)))
    }
}

/// How gzip begins.
pub const GZIP: &[u8] = b"\x1f\x8b";

/// What a text holds that is a string with JSON or YAML in it: `"{\"kind\":…}"`, `{\"kind\":…}`, `'{…}'`; and members
/// without the object that they were cut out of, `"name": …,`.
fn unquoted(text: &str) -> Option<String> {
    let text = text.trim();
    if let Some(inner) = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
        return begins_value(inner).then(|| inner.into());
    }
    let bare = text.trim_start_matches(['{', '[']);
    let quoted: Cow<'_, str> = if text.starts_with('"') {
        Cow::Borrowed(text)
    } else if bare.len() < text.len() && bare.starts_with(['\\']) {
        Cow::Owned(["\"", text, "\""].concat())
    } else {
        return None;
    };
    let mut reader = Reader::new(quoted.as_bytes());
    let inner = reader.string().ok()?.text().ok()?;
    if text.starts_with('"') && reader.peek() == Some(b':') {
        return Some(["{", text.trim_end_matches(','), "}"].concat());
    }
    (reader.peek().is_none() && begins_value(&inner)).then(|| inner.into_owned())
}

/// Whether it is more than the bare value of an annotation.
fn begins_value(text: &str) -> bool {
    text.trim_start().starts_with(['{', '[', '"']) || text.contains(": ") || text.contains(":\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_that_was_pasted_as_a_string_is_unescaped() {
        let json = r#"{"kind":"Pod","metadata":{"name":"a"}}"#;
        let string = serde_json::to_string(json).unwrap();
        let twice = serde_json::to_string(&string).unwrap();
        let bare = string.trim_matches('"');
        let lines = r#"{\n  \"kind\": \"Pod\"}"#;
        for text in [&string, &twice, bare, &alloc::format!("  '{json}'\n")] {
            assert_eq!(Source::of(text.as_bytes()).unwrap().text(), json, "{text}");
        }
        assert_eq!(Source::of(lines.as_bytes()).unwrap().text(), "{\n  \"kind\": \"Pod\"}");
        for text in [json, "\"W10=\"", "'W10='", r#""{" x"#, r#""{\x}""#] {
            assert_eq!(Source::of(text.as_bytes()).unwrap().text(), text);
        }
    }

    #[test]
    fn a_packed_text_is_refused() {
        assert_eq!(Source::of(b"\x1f\x8b\x08\0").unwrap_err(), Refused::Gzip);
    }
}
