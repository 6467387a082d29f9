//! Why an object of the server could not be read, and whose it was.
//!
//! It never holds what was read, but for the names that say whose it was.

use alloc::boxed::Box;
use core::fmt;

use crate::error::DecodeError;
use crate::fault::{Found, Message, Stage};
use crate::json::Fault;
use crate::phrase::Phrase;

/// Why an object could not be read, and, as far as that could be read, whose it was.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct PodError {
    /// The namespace of the object.
    pub namespace: Option<Box<str>>,
    /// Its name.
    pub name: Option<Box<str>>,
    /// Its uid.
    pub uid: Option<Box<str>>,
    /// Its version, from which a watch may go on.
    pub resource_version: Option<Box<str>>,
    /// The step that failed; never [`Stage::Base64`].
    pub stage: Stage,
    /// Byte offset in the object, or in the line of the watch event.
    pub offset: usize,
    /// What would have been right.
    pub expected: Phrase,
    /// What was there.
    pub found: Found,
}

impl From<Fault> for PodError {
    fn from(fault: Fault) -> Self {
        Self {
            namespace: None,
            name: None,
            uid: None,
            resource_version: None,
            stage: fault.stage,
            offset: fault.offset,
            expected: fault.expected,
            found: fault.found,
        }
    }
}

impl From<&PodError> for DecodeError {
    /// The same fault without the identity; its offset is one in the object.
    fn from(error: &PodError) -> Self {
        Self::new(error.stage, error.offset, None, error.expected, error.found)
    }
}

impl fmt::Display for PodError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            write!(f, "Pod {}/{name}: ", self.namespace.as_deref().unwrap_or_default())?;
        }
        let message = Message { expected: self.expected, found: self.found };
        write!(f, "{message} at byte {} of the object", self.offset)
    }
}

impl core::error::Error for PodError {}
