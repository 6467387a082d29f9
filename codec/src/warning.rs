//! What only a tolerant reader accepts, reported beside the records.
//!
//! A warning never changes what was read, and the number of warnings is bounded.

use alloc::vec::Vec;
use core::fmt;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::fault::Text;
use crate::named::named;

/// At most this many warnings are kept for one annotation; the last one then says that there
/// were more.
pub const MAX_WARNINGS: usize = 64;

named! {
    /// What kind of oddity was met. The codes are stable.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[non_exhaustive]
    pub enum WarningCode {
        /// Base64 in the standard alphabet (`+`, `/`); Go's registry refuses it.
        StandardAlphabet = "standard-alphabet",
        /// Base64 without its padding; Go's registry refuses it.
        MissingPadding = "missing-padding",
        /// CR or LF inside the base64.
        LineBreak = "line-break",
        /// The last base64 character carries bits that belong to no byte.
        TrailingBits = "trailing-bits",
        /// A member name in another case than `k`, `v`.
        MemberCase = "member-case",
        /// A member that is neither `k` nor `v`; ignored.
        UnknownMember = "unknown-member",
        /// A member given more than once; the last one counts.
        DuplicateMember = "duplicate-member",
        /// A record without `k` or without `v`; read as empty.
        MissingMember = "missing-member",
        /// `null` for `k` or `v`; it leaves the value as it was.
        NullMember = "null-member",
        /// `null` in place of a record; read as an empty one.
        NullElement = "null-element",
        /// `null` in place of the list; read as no records.
        NullDocument = "null-document",
        /// Bytes that are not UTF-8, each read as U+FFFD.
        InvalidUtf8 = "invalid-utf8",
        /// Half of a surrogate pair, read as U+FFFD.
        LoneSurrogate = "lone-surrogate",
        /// There were more oddities than are listed.
        More = "more",
    }
}

impl WarningCode {
    /// The oddity as a sentence.
    pub const fn message(self) -> &'static str {
        match self {
            Self::StandardAlphabet => {
                "base64 in the standard alphabet; dubbo-go reads only the URL-safe one (- and _)"
            }
            Self::MissingPadding => "base64 without its padding (=); dubbo-go refuses it",
            Self::LineBreak => "a line break inside the base64",
            Self::TrailingBits => "the last base64 character carries bits that belong to no byte",
            Self::MemberCase => "a member name in another case than \"k\" and \"v\"",
            Self::UnknownMember => "a member that is neither \"k\" nor \"v\" is ignored",
            Self::DuplicateMember => "a member given twice; the last one counts",
            Self::MissingMember => "a record without \"k\" or without \"v\"; read as empty",
            Self::NullMember => "null instead of a string; it leaves the value as it was",
            Self::NullElement => "null instead of a record; read as an empty record",
            Self::NullDocument => "null instead of a list; read as no records",
            Self::InvalidUtf8 => "bytes that are not UTF-8, each read as U+FFFD",
            Self::LoneSurrogate => "half of a surrogate pair, read as U+FFFD",
            Self::More => "more oddities follow that are not listed",
        }
    }
}

/// One oddity and its place. Serialises as `{"code","message","offset"}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Warning {
    /// What kind of oddity.
    pub code: WarningCode,
    /// Byte offset in the annotation, as in [`DecodeError::offset`](crate::DecodeError::offset).
    pub offset: usize,
    /// Byte offset in the decoded bytes, unless it is the base64 that is odd.
    pub decoded_offset: Option<usize>,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.code.message(), self.offset)
    }
}

impl Serialize for Warning {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Warning", 3)?;
        object.serialize_field("code", &Text(self.code))?;
        object.serialize_field("message", self.code.message())?;
        object.serialize_field("offset", &self.offset)?;
        object.end()
    }
}

/// Adds a warning, within [`MAX_WARNINGS`].
pub(crate) fn push(
    warnings: &mut Vec<Warning>,
    code: WarningCode,
    offset: usize,
    decoded_offset: Option<usize>,
) {
    match warnings.len() {
        MAX_WARNINGS => {}
        n if n + 1 == MAX_WARNINGS => {
            warnings.push(Warning { code: WarningCode::More, offset, decoded_offset });
        }
        _ => warnings.push(Warning { code, offset, decoded_offset }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_bounded_and_the_last_one_says_so() {
        let mut warnings = Vec::new();
        for offset in 0..1000 {
            push(&mut warnings, WarningCode::NullElement, offset, Some(offset));
        }
        assert_eq!(warnings.len(), MAX_WARNINGS);
        assert_eq!(warnings.last().unwrap().code, WarningCode::More);
        assert_eq!(warnings.last().unwrap().offset, MAX_WARNINGS - 1);
    }
}
