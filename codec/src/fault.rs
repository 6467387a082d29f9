//! Where reading failed, and why: stage, offset, what was expected and what was found.
//!
//! Errors are plain comparable data. They never hold a copy of the input, so nothing that was read can leak through
//! them into a log.

use core::fmt;
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;

use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use crate::phrase::Phrase;

/// What a [`Fault`] lies in.
pub trait Whole {
    /// Its name, as in "at byte 3 of the URL".
    const NAME: Phrase;
}

/// One fault of one text: the step that failed, where, what would have been right and what was there.
pub struct Fault<W> {
    /// The step that failed.
    pub stage: Stage,
    /// Byte offset in the whole.
    pub offset: usize,
    /// What would have been right.
    pub expected: Phrase,
    /// What was there.
    pub found: Found,
    whole: PhantomData<fn() -> W>,
}

impl<W> Fault<W> {
    /// A fault at a place.
    pub const fn new(stage: Stage, offset: usize, expected: Phrase, found: Found) -> Self {
        Self { stage, offset, expected, found, whole: PhantomData }
    }

    /// A fault of the stage [`Stage::Shape`].
    pub(crate) const fn of_shape(offset: usize, expected: Phrase, found: Found) -> Self {
        Self::new(Stage::Shape, offset, expected, found)
    }
}

impl<W> Clone for Fault<W> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<W> Copy for Fault<W> {}

impl<W> PartialEq for Fault<W> {
    fn eq(&self, other: &Self) -> bool {
        (self.stage, self.offset, self.expected, self.found)
            == (other.stage, other.offset, other.expected, other.found)
    }
}

impl<W> Eq for Fault<W> {}

impl<W> Hash for Fault<W> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.stage, self.offset, self.expected, self.found).hash(state);
    }
}

impl<W: Whole> fmt::Debug for Fault<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fault")
            .field("of", &W::NAME)
            .field("stage", &self.stage)
            .field("offset", &self.offset)
            .field("expected", &self.expected)
            .field("found", &self.found)
            .finish()
    }
}

impl<W: Whole> fmt::Display for Fault<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = Message { expected: self.expected, found: self.found };
        write!(f, "{message} at byte {} of {}", self.offset, W::NAME)
    }
}

impl<W: Whole> core::error::Error for Fault<W> {}

/// The step of reading an annotation, or the Pod around it, that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Stage {
    /// The annotation is not base64.
    Base64,
    /// The decoded bytes hold something that is not UTF-8 where text cannot be repaired.
    Utf8,
    /// The decoded bytes are not JSON.
    Json,
    /// It is what it should be written in, but not what it should be: another type, an illegal key
    /// or URL.
    Shape,
    /// The bytes are not Kubernetes' protobuf: cut, a length beyond the end, no field.
    Protobuf,
}

impl Stage {
    /// Every one.
    pub(crate) const ALL: [Self; 5] =
        [Self::Base64, Self::Utf8, Self::Json, Self::Shape, Self::Protobuf];

    /// The stage of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.as_str() == name)
    }

    /// The code of an error of this stage, which never changes its meaning.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Base64 => "not-base64",
            Self::Utf8 => "not-utf8",
            Self::Json => "not-json",
            Self::Shape => "wrong-shape",
            Self::Protobuf => "not-protobuf",
        }
    }

    /// The name used in JSON and in messages: `base64`, `utf8`, `json`, `shape` or `protobuf`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Base64 => "base64",
            Self::Utf8 => "utf8",
            Self::Json => "json",
            Self::Shape => "shape",
            Self::Protobuf => "protobuf",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What stood at the place where something else was expected. Serialises as `"end"`, `{"byte":120}`,
/// `{"char":"é"}` or `{"thing":"number"}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Found {
    /// The input ended.
    End,
    /// This byte.
    Byte(u8),
    /// This character, which is none of ASCII.
    Char(char),
    /// A thing with a name, such as `a number`.
    Thing(Phrase),
}

impl Found {
    /// This character, as its byte if it is one of ASCII.
    pub fn of(character: char) -> Self {
        match u8::try_from(character) {
            Ok(byte) if byte.is_ascii() => Self::Byte(byte),
            _ => Self::Char(character),
        }
    }

    /// What a body begins with, by name if answers come in that form.
    pub const fn opening(byte: u8) -> Self {
        match byte {
            b'{' => Self::Thing(Phrase::Json),
            b'<' => Self::Thing(Phrase::Html),
            b'k' => Self::Thing(Phrase::Protobuf),
            _ => Self::Byte(byte),
        }
    }

    pub(crate) fn at(bytes: &[u8], offset: usize) -> Self {
        bytes.get(offset).map_or(Self::End, |&byte| Self::Byte(byte))
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::End => f.write_str("the end"),
            Self::Byte(b'"') => f.write_str("a quote (\")"),
            Self::Byte(byte @ b'!'..=b'~') => write!(f, "\"{}\"", char::from(byte)),
            Self::Byte(b' ') => f.write_str("a space"),
            Self::Byte(b'\n') => f.write_str("a line feed"),
            Self::Byte(b'\r') => f.write_str("a carriage return"),
            Self::Byte(b'\t') => f.write_str("a tab"),
            Self::Byte(byte) => write!(f, "byte 0x{byte:02x}"),
            Self::Char(character) => write!(f, "\"{character}\""),
            Self::Thing(phrase) => f.write_str(phrase.english()),
        }
    }
}

/// "expected X, found Y", shared by every error of this crate.
pub(crate) struct Message {
    pub(crate) expected: Phrase,
    pub(crate) found: Found,
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}, found {}", self.expected, self.found)
    }
}

/// Serialises anything displayable as a string.
pub(crate) struct Text<T>(pub(crate) T);

impl<T: fmt::Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
