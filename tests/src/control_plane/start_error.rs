//! Why a control plane did not start: one sentence for a person, with the way out.

use std::fmt;
use std::io;
use std::path::PathBuf;

use std::time::Duration;

use crate::apiserver;

/// How long a kube-apiserver may take to become ready.
pub(super) const START: Duration = Duration::from_mins(2);

/// How often other ports are chosen when some are taken.
pub(super) const ATTEMPTS: u32 = 5;

/// Why there is no control plane, for a person, with the way out.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A program that cannot be run.
    #[error("cannot run {}: {error}; `cargo xtask setup` builds it", program.display())]
    Program {
        /// Which.
        program: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// A file that cannot be written.
    #[error("cannot {step}: {error}")]
    File {
        /// What was being done.
        step: &'static str,
        /// What the system said.
        error: io::Error,
    },
    /// A certificate that cannot be made.
    #[error("cannot make certificates: {0}")]
    Certificates(#[from] apiserver::StartError),
    /// Other programs took each port that was chosen.
    #[error(
        "no port of 127.0.0.1 stayed free in {ATTEMPTS} attempts; end what opens ports there, and start again"
    )]
    Ports,
    /// One of the two ended instead of becoming ready.
    #[error("{what} ended before it was ready; the ends of the logs say why:\n{logs}")]
    Ended {
        /// Which.
        what: &'static str,
        /// The ends of the logs.
        logs: String,
    },
    /// Neither ready nor ended.
    #[error("kube-apiserver was not ready after {} s; end what keeps the processors busy, and start again:\n{logs}", START.as_secs())]
    Late {
        /// The ends of the logs.
        logs: String,
    },
}

/// As it is shown: a test that fails on it shall be readable.
impl fmt::Debug for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

pub(super) fn failed(step: &'static str) -> impl FnOnce(io::Error) -> StartError {
    move |error| StartError::File { step, error }
}
