//! A problem as data: its code, its place, and what it is about.
//!
//! Nothing here finds a problem: that is the work of the annotation's reader and of
//! [`lint`](crate::lint).

mod detail;

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

pub use detail::Detail;

pub use crate::code::{Code, Severity};
pub use crate::phrase::{Language, Phrase};
use crate::reason::Reason;
use crate::{DecodeError, Warning};

/// A problem and what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// What kind.
    pub code: Code,
    /// Byte offset in the annotation, if it is about a place of it.
    pub offset: Option<usize>,
    /// Byte offset in the decoded bytes, past base64.
    pub decoded_offset: Option<usize>,
    /// The record it is about, counted from zero.
    pub record: Option<usize>,
    /// Byte offset in the key of the record.
    pub key_offset: Option<usize>,
    /// What dubbo-go refuses or reads otherwise.
    pub reason: Option<Reason>,
    /// What the explanation names.
    pub about: Vec<Detail>,
}

impl Problem {
    /// A problem of a whole Pod.
    pub const fn new(code: Code) -> Self {
        Self {
            code,
            offset: None,
            decoded_offset: None,
            record: None,
            key_offset: None,
            reason: None,
            about: Vec::new(),
        }
    }

    /// The same problem, about this record.
    #[must_use]
    pub const fn in_record(mut self, record: usize) -> Self {
        self.record = Some(record);
        self
    }

    /// The same problem, naming one more thing.
    #[must_use]
    pub fn about(mut self, thing: impl fmt::Display) -> Self {
        self.about.push(Detail::Text(thing.to_string()));
        self
    }

    /// The same problem, and why it is one.
    #[must_use]
    pub fn because(mut self, why: impl Into<Detail>) -> Self {
        self.about.push(why.into());
        self
    }

    /// What it is about, in the words of this language.
    pub fn details(&self, language: Language) -> Vec<String> {
        self.about.iter().map(|detail| detail.text(language)).collect()
    }

    /// What happened here, as one sentence that names the things it is about.
    pub fn message(&self, language: Language) -> String {
        let mut text = self.code.title(language).to_string();
        let (open, between, close) = match language {
            Language::English => (" (", ", ", ")"),
            Language::Chinese => ("（", "，", "）"),
        };
        for (at, thing) in self.about.iter().enumerate() {
            text.push_str(if at == 0 { open } else { between });
            text.push_str(&thing.text(language));
        }
        if !self.about.is_empty() {
            text.push_str(close);
        }
        text
    }
}

impl From<&DecodeError> for Problem {
    fn from(error: &DecodeError) -> Self {
        Self {
            offset: Some(error.offset),
            decoded_offset: error.decoded_offset,
            reason: error.reason,
            ..Self::new(error.code()).because(error)
        }
    }
}

impl From<&Warning> for Problem {
    fn from(warning: &Warning) -> Self {
        Self {
            offset: Some(warning.offset),
            decoded_offset: warning.decoded_offset,
            ..Self::new(Code::Odd(warning.code))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_what_it_is_about() {
        let problem = Problem::new(Code::LabelUnknown).about("dubbo.io/x");
        assert!(problem.message(Language::English).ends_with("(dubbo.io/x)"));
        assert!(problem.message(Language::Chinese).ends_with("（dubbo.io/x）"));
    }
}
