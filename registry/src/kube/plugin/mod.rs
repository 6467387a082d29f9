//! The credential of an exec plugin: the program is run by one caller at a time, off the worker
//! threads, its answer is kept until it expires or the server refuses it.
//!
//! What the program prints is a credential: nothing of it may get into an error, a log line or a
//! Debug output. What it says on stderr goes to ours, for the user, and is not kept.

mod answer;
mod run;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use futures_util::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};

pub(super) use self::answer::Issued;
use super::config::{Config, ExecPlugin};

/// One plugin, and what it issued last.
pub(super) struct Plugin {
    config: Arc<Config>,
    entry: ExecPlugin,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    issued: Option<Arc<Issued>>,
    /// The run that all callers wait for. It goes on as long as one of them does, and is taken up again
    /// by the next who needs it.
    running: Option<Run>,
}

type Run = Shared<BoxFuture<'static, Result<Arc<Issued>, PluginError>>>;

/// Why there is no credential. It names the program and never what it printed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the credential plugin `{command}` ({entry}) {reason}")]
pub(super) struct PluginError {
    command: String,
    entry: String,
    reason: String,
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin").field("entry", &self.entry).finish_non_exhaustive()
    }
}

impl Plugin {
    pub(super) fn new(config: Arc<Config>, entry: ExecPlugin) -> Self {
        Self { config, entry, state: Mutex::default() }
    }

    /// The credential: the one that is held, or a new one. Cancellation safe: a run that no caller
    /// waits for any more is taken up again by the next caller.
    pub(super) async fn credential(&self) -> Result<Arc<Issued>, PluginError> {
        let run = {
            let mut state = self.lock();
            let held = state.issued.as_ref();
            if let Some(held) = held.filter(|held| !held.has_expired(SystemTime::now())) {
                return Ok(Arc::clone(held));
            }
            state.running.get_or_insert_with(|| self.run()).clone()
        };
        let outcome = run.clone().await;
        let mut state = self.lock();
        if state.running.as_ref().is_some_and(|running| running.ptr_eq(&run)) {
            state.running = None;
            state.issued = outcome.as_ref().ok().map(Arc::clone);
        }
        outcome
    }

    /// The server did not accept this credential. Of several that learn it only the first counts:
    /// what has been issued since stays.
    pub(super) fn refused(&self, refused: &Arc<Issued>) {
        let mut state = self.lock();
        if state.issued.as_ref().is_some_and(|held| Arc::ptr_eq(held, refused)) {
            state.issued = None;
        }
    }

    fn run(&self) -> Run {
        let (config, entry) = (Arc::clone(&self.config), self.entry.clone());
        async move {
            let issued = run::run(&entry, &config).await;
            issued.map(Arc::new).map_err(|reason| PluginError {
                command: entry.command.display().to_string(),
                entry: entry.entry.clone(),
                reason,
            })
        }
        .boxed()
        .shared()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
