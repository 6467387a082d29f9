//! How a verb ended other than well. It says nothing: what there was to say has been said.

use std::io;

/// How a verb ended other than well. What there was to say has been said.
#[derive(Debug)]
pub(crate) enum Ended {
    /// The answer is an error: status 1.
    Failed,
    /// Used wrongly: status 2.
    Misused,
    /// Ctrl-C before it was done: status 130, as shells expect.
    Interrupted,
    /// What was run has ended with this status, and has said why.
    #[cfg(feature = "sandbox")]
    Status(u8),
    /// Output could not be written.
    Output(io::Error),
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}
