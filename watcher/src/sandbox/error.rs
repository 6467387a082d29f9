//! What goes wrong with a guest, in words for the person who started it. Nothing that a guest says of itself
//! is repeated here but its exit status.

use std::path::PathBuf;
use std::time::Duration;
use std::{fmt, io};

use thiserror::Error;

/// Why a component cannot be run at all.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is a core module.
    #[error(
        "{} is a core module of WebAssembly, not a component\n  build it for wasm32-wasip2, or wrap \
         it with `wasm-tools component new`",
        path.display()
    )]
    CoreModule {
        /// Which file.
        path: PathBuf,
    },
    /// It is something else.
    #[error("{} is not a WebAssembly component", path.display())]
    NotAComponent {
        /// Which file.
        path: PathBuf,
    },
    /// It is damaged, or uses what this program does not know.
    #[error("{} cannot be compiled: {reason}", path.display())]
    Invalid {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Compiling it takes more than it may.
    #[error(
        "{} takes more than {excess} to compile, and is refused\n  no component of a sensible size does; where is it \
         from?",
        path.display()
    )]
    Costly {
        /// Which file.
        path: PathBuf,
        /// More of what.
        excess: Excess,
    },
    /// It imports what it is not given, or does not export what it has to.
    #[error("{} does not fit: {reason}", path.display())]
    Unfit {
        /// Which file.
        path: PathBuf,
        /// What is missing.
        reason: String,
    },
    /// This machine does not give what the engine needs.
    #[error("WebAssembly cannot be run here: {reason}")]
    Engine {
        /// Why.
        reason: String,
    },
}

/// What compiling took too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excess {
    /// It took more memory than that, in MiB.
    Memory(u64),
    /// It took more time of a processor than that, in seconds.
    Time(u64),
}

impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory(mebibytes) => write!(f, "{mebibytes} MiB of memory"),
            Self::Time(seconds) => write!(f, "{seconds} s of a processor's time"),
        }
    }
}

/// Why a guest was stopped.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Stopped {
    /// It never waited.
    #[error("it computed for more than {} s without waiting", .0.as_secs_f64())]
    Computed(Duration),
    /// It took too long.
    #[error("it ran for more than {} s", .0.as_secs_f64())]
    Late(Duration),
    /// It has failed after it was refused more memory.
    #[error("it asked for more than {} MiB of memory", .0 >> 20)]
    Memory(usize),
    /// It holds too many of the host's handles.
    #[error("it held more than {0} streams, requests and other handles at a time")]
    Handles(usize),
    /// It ended with an exit status where it should have answered.
    #[error("it exited with status {0}")]
    Exited(i32),
    /// It did what ends a program.
    #[error("it failed: {0}")]
    Trapped(String),
}

/// What does not fit: which import or export, and why where that says more.
pub(crate) fn misfit(error: &wasmtime::Error) -> String {
    let (which, cause) = (error.to_string(), why(error));
    if which.contains(&cause) { cause } else { format!("{}: {cause}", first_line(&which)) }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(300).collect()
}

/// The cause of an engine's error in one line: what wraps it is a trace of the guest's functions.
pub(crate) fn why(error: &wasmtime::Error) -> String {
    let cause = error.root_cause().to_string();
    first_line(cause.trim_start_matches("wasm trap: "))
}
