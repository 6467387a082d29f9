//! Why an annotation is refused: a fault with both its places, and what it follows from.
//!
//! Errors are plain comparable data. They never hold a copy of the input, so nothing that was
//! read can leak through them into a log.

use core::fmt;

use serde::ser::{SerializeStruct, Serializer};
use serde::{Deserialize, Serialize};

use crate::code::Code;
use crate::distrust::{Distrust, Unbelieved};
use crate::fault::{Found, Message, Stage, Text};
use crate::phrase::{Language, Phrase};
use crate::reason::Reason;

/// Why an annotation, or one record of it, could not be read.
///
/// Serialises as `{"code","stage","offset","decodedOffset","expected","found","message"}`, and is read from all
/// of these but `code` and `message`, which follow from the others.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DecodeError {
    /// The step that failed.
    pub stage: Stage,
    /// Byte offset in the annotation as it was given. Past base64 it is that of the base64
    /// character which holds the first bits of the offending byte; at the end of the data it is
    /// the offset just behind the last character that carries data.
    pub offset: usize,
    /// Byte offset in the decoded bytes, unless the base64 itself is at fault.
    pub decoded_offset: Option<usize>,
    /// What would have been right.
    pub expected: Phrase,
    /// What was there.
    pub found: Found,
    /// Why dubbo-go refuses a record's URL, which was read here: nothing else is wrong with it.
    #[serde(default)]
    pub reason: Option<Reason>,
    /// Why a record that was read is not believed: nothing else is wrong with it.
    #[serde(default)]
    pub distrust: Option<Distrust>,
}

impl DecodeError {
    /// An error at a place; see the members for what each says.
    pub const fn new(
        stage: Stage,
        offset: usize,
        decoded_offset: Option<usize>,
        expected: Phrase,
        found: Found,
    ) -> Self {
        Self { stage, offset, decoded_offset, expected, found, reason: None, distrust: None }
    }

    /// That dubbo-go refuses the URL of a record, and where.
    pub const fn of_dubbo_go(
        reason: Reason,
        offset: usize,
        decoded_offset: Option<usize>,
        found: Found,
    ) -> Self {
        let error = Self::new(Stage::Shape, offset, decoded_offset, reason.phrase(), found);
        Self { reason: Some(reason), ..error }
    }

    /// That a record is not believed, and where.
    pub const fn of_unbelieved(
        unbelieved: Unbelieved,
        offset: usize,
        decoded_offset: Option<usize>,
    ) -> Self {
        let (expected, found) = (unbelieved.distrust.expected(), Found::Thing(unbelieved.found));
        let error = Self::new(Stage::Shape, offset, decoded_offset, expected, found);
        Self { distrust: Some(unbelieved.distrust), ..error }
    }

    /// What kind of problem it is.
    pub const fn code(&self) -> Code {
        match (self.distrust, self.reason) {
            (Some(distrust), _) => distrust.code(),
            (None, Some(_)) => Code::DubboGoRefusesUrl,
            (None, None) => Code::Refused(self.stage),
        }
    }

    /// The message without stage and place: what was expected, what was found.
    pub fn message(&self) -> impl fmt::Display + '_ {
        let Self { expected, found, .. } = *self;
        let (code, message) = (self.code(), Message { expected, found });
        fmt::from_fn(move |f| match code {
            Code::Refused(_) => write!(f, "{message}"),
            Code::DubboGoRefusesUrl => write!(f, "{}: {expected}", code.title(Language::English)),
            _ => write!(f, "{}: {message}", code.title(Language::English)),
        })
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} at byte {}", self.stage, self.message(), self.offset)?;
        match self.decoded_offset {
            Some(decoded) => write!(f, " (byte {decoded} of the decoded text)"),
            None => Ok(()),
        }
    }
}

impl core::error::Error for DecodeError {}

impl Serialize for DecodeError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("DecodeError", 9)?;
        object.serialize_field("code", self.code().as_str())?;
        object.serialize_field("stage", self.stage.as_str())?;
        object.serialize_field("offset", &self.offset)?;
        object.serialize_field("decodedOffset", &self.decoded_offset)?;
        object.serialize_field("expected", &self.expected)?;
        object.serialize_field("found", &self.found)?;
        match &self.reason {
            Some(reason) => object.serialize_field("reason", reason)?,
            None => object.skip_field("reason")?,
        }
        match &self.distrust {
            Some(distrust) => object.serialize_field("distrust", distrust)?,
            None => object.skip_field("distrust")?,
        }
        object.serialize_field("message", &Text(self.message()))?;
        object.end()
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn an_error_reads_as_a_sentence_and_serialises_as_the_contract_says() {
        let error =
            DecodeError::new(Stage::Json, 12, Some(9), Phrase::CommaAfterRecord, Found::Byte(b'x'));
        assert_eq!(
            error.to_string(),
            "json: expected \",\" or \"]\" after a record, found \"x\" at byte 12 \
             (byte 9 of the decoded text)"
        );
        assert_eq!(
            serde_json::to_string(&error).unwrap(),
            r#"{"code":"not-json","stage":"json","offset":12,"decodedOffset":9,"expected":"comma-after-record","found":{"byte":120},"message":"expected \",\" or \"]\" after a record, found \"x\""}"#
        );
    }

    #[test]
    fn whatever_is_written_of_an_error_is_read_again() {
        let things = Phrase::ALL.iter().map(|phrase| Found::Thing(*phrase));
        let bytes = (0..=u8::MAX).map(Found::Byte);
        for found in bytes.chain([Found::End, Found::Char('é')]).chain(things) {
            for (stage, expected) in [
                (Stage::Base64, Phrase::AtMost4MiB),
                (Stage::Utf8, Phrase::Utf8),
                (Stage::Json, Phrase::Value),
                (Stage::Shape, Phrase::Record),
            ] {
                let error = DecodeError::new(stage, 7, Some(5), expected, found);
                let json = serde_json::to_string(&error).unwrap();
                assert_eq!(serde_json::from_str::<DecodeError>(&json).unwrap(), error, "{json}");
            }
        }
    }

    #[test]
    fn what_dubbo_go_refuses_has_its_own_code_and_reason() {
        let error = DecodeError::of_dubbo_go(Reason::Semicolon, 7, Some(5), Found::Byte(b'%'));
        let json = serde_json::to_value(&error).unwrap();
        assert_eq!(
            (&json["code"], &json["reason"]),
            (&"dubbo-go-refuses-url".into(), &"semicolon".into())
        );
        assert_eq!((&json["offset"], &json["decodedOffset"]), (&7.into(), &5.into()));
        assert_eq!(serde_json::from_value::<DecodeError>(json).unwrap(), error);
        for reason in Reason::ALL {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        }
    }

    #[test]
    fn what_is_not_believed_has_its_own_code_and_is_read_again() {
        for distrust in Distrust::ALL {
            let unbelieved = Unbelieved { distrust, offset: 0, found: Phrase::LinkLocalAddress };
            let error = DecodeError::of_unbelieved(unbelieved, 7, Some(5));
            let json = serde_json::to_value(&error).unwrap();
            assert_eq!(
                (&json["code"], &json["distrust"]),
                (&distrust.as_str().into(), &distrust.as_str().into())
            );
            assert_eq!(json["found"]["thing"], "link-local-address");
            assert_eq!(serde_json::from_value::<DecodeError>(json).unwrap(), error);
        }
    }

    #[test]
    fn base64_errors_have_a_null_decoded_offset() {
        let error = DecodeError::new(Stage::Base64, 0, None, Phrase::Base64, Found::End);
        let json = serde_json::to_value(&error).unwrap();
        assert!(json["decodedOffset"].is_null());
        assert_eq!(
            error.to_string(),
            "base64: expected a base64 character (A-Z a-z 0-9 - _), found the end at byte 0"
        );
    }
}
