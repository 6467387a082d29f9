//! A failed attempt, typed well enough to say what to do about it. It never holds a secret.

use alloc::string::String;
use core::fmt;

use crate::catalog::Scope;

use super::{TransportError, Verb};

/// One attempt that did not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What was tried.
    pub verb: Verb,
    /// On the Pods of which scope.
    pub scope: Scope,
    /// What happened.
    pub cause: Cause,
}

/// Why an attempt did not work.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The server refused: an HTTP status, or an ERROR event in a watch.
    Refused {
        /// The HTTP status, or the `code` of the event.
        status: u16,
        /// The machine-readable reason of the server's Status (`Forbidden`), where there was one.
        reason: String,
        /// The server's message, shortened; may be empty.
        message: String,
    },
    /// The exchange broke.
    Transport(TransportError),
    /// The watch ended at once and without news, as a broken proxy ends it.
    ShortWatch,
    /// The list ended before it was complete.
    CutShort,
    /// The body was not a list of Pods.
    NotAList(String),
    /// The body was not a watch of Pods.
    NotAWatch(String),
    /// The streaming list did not come to its end: no event came, and no closing bookmark.
    NoClosingBookmark,
}

impl Cause {
    /// Every code that [`code`](Self::code) gives.
    pub const CODES: [&'static str; 7] = [
        "refused",
        "transport",
        "short_watch",
        "cut_short",
        "not_a_list",
        "not_a_watch",
        "no_closing_bookmark",
    ];

    /// A short name that never changes its meaning, for metrics and programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "refused",
            Self::Transport(_) => "transport",
            Self::ShortWatch => "short_watch",
            Self::CutShort => "cut_short",
            Self::NotAList(_) => "not_a_list",
            Self::NotAWatch(_) => "not_a_watch",
            Self::NoClosingBookmark => "no_closing_bookmark",
        }
    }
}

impl core::error::Error for Failure {}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Cause::Refused { status, .. } = &self.cause {
            write!(f, "{status}: ")?;
        }
        write!(f, "cannot {} pods ", self.verb)?;
        match &self.scope {
            Scope::All => f.write_str("in all namespaces")?,
            Scope::Namespace(name) => write!(f, "in namespace {name}")?,
        }
        write!(f, ": {}", self.cause)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { reason, message, .. } => f.write_str(match (&**message, &**reason) {
                ("", "") => "the server gave no reason",
                ("", reason) => reason,
                (message, _) => message,
            }),
            Self::Transport(error) => error.fmt(f),
            Self::ShortWatch => f.write_str("the watch ended at once without news"),
            Self::CutShort => f.write_str("the list ended before it was complete"),
            Self::NotAList(what) => write!(f, "the answer is not a list of Pods: {what}"),
            Self::NotAWatch(what) => write!(f, "the answer is not a watch of Pods: {what}"),
            Self::NoClosingBookmark => {
                f.write_str("the streaming list did not end with its bookmark; listing in pages")
            }
        }
    }
}
