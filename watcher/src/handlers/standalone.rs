//! One handler without a registry: the caller decides what it gets. For tests of handlers and for
//! measurements; nothing is tried again here, and no handler is put into quarantine.

use std::sync::Arc;

use dubbo_k8s_engine::catalog::Change;

use super::convert;
use super::instance::{Fault, Instance, Message};
use super::operator_log::{LogMessage, OperatorLog};
use super::prepared::{Options, Prepared, StartError};
use super::spec::Spec;
use crate::sandbox::Stopped;

/// A handler that is called by batch.
pub struct Standalone {
    prepared: Prepared,
    operator_log: Arc<OperatorLog>,
    instance: Option<Instance>,
}

/// Why a call did not end well.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The handler said so.
    #[error("{0}")]
    Refused(String),
    /// It had to be stopped: [`Standalone::begin`] makes a new instance.
    #[error(transparent)]
    Broken(#[from] Stopped),
    /// There is no instance.
    #[error("the handler has not begun")]
    NotBegun,
}

impl Standalone {
    /// Reads and compiles it; takes its time. `report` is as in [`Prepared::start`].
    ///
    /// # Errors
    /// [`StartError`] if it cannot be read, compiled or linked.
    pub fn load(
        spec: Spec,
        options: Options,
        report: impl Fn(LogMessage<'_>) + Send + Sync + 'static,
    ) -> Result<Self, StartError> {
        let operator_log = Arc::new(OperatorLog::new("handler", Arc::new(report)));
        Ok(Self { prepared: Prepared::load(&[spec], options)?, operator_log, instance: None })
    }

    /// A new instance in the place of the last one, and `init`. Needs a tokio runtime, as all calls.
    ///
    /// # Errors
    /// [`CallError`] if it traps, takes too long or returns an error.
    pub async fn begin(&mut self) -> Result<(), CallError> {
        self.instance = None;
        let deadline = self.prepared.options.deadline;
        let Some((spec, template)) = self.prepared.templates.first() else { return Ok(()) };
        let mut instance = template.instantiate(&self.operator_log, deadline).await?;
        instance.call(&Message::Init(&spec.config), deadline).await.map_err(error)?;
        self.instance = Some(instance);
        Ok(())
    }

    /// `changed`.
    ///
    /// # Errors
    /// [`CallError`] if it traps, takes too long or returns an error.
    pub async fn changed(&mut self, changes: &[Change]) -> Result<(), CallError> {
        let changes: Vec<_> = changes.iter().map(convert::change).collect();
        self.call(&Message::Changed(&changes)).await
    }

    /// `health`.
    ///
    /// # Errors
    /// [`CallError`] if it traps, takes too long or returns an error.
    pub async fn health(&mut self) -> Result<(), CallError> {
        self.call(&Message::Health).await
    }

    async fn call(&mut self, message: &Message<'_>) -> Result<(), CallError> {
        let instance = self.instance.as_mut().ok_or(CallError::NotBegun)?;
        let called = instance.call(message, self.prepared.options.deadline).await;
        if matches!(called, Err(Fault::Broken(_))) {
            self.instance = None;
        }
        called.map_err(error)
    }
}

fn error(fault: Fault) -> CallError {
    match fault {
        Fault::Refused(text) => CallError::Refused(text),
        Fault::Broken(stopped) => CallError::Broken(stopped),
    }
}

impl std::fmt::Debug for Standalone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Standalone").field("prepared", &self.prepared).finish_non_exhaustive()
    }
}
