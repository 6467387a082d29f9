//! The threads that make answers, so that the runtime's own are free for those that are made already. It must
//! never run more of them at the same time than leave a processor for the rest.

use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// A bounded number of threads; work waits for one in the order in which it came.
#[derive(Debug, Clone)]
pub(super) struct Workers(Arc<Semaphore>);

/// The work ended by a panic.
#[derive(Debug)]
pub(super) struct Broken;

impl Default for Workers {
    fn default() -> Self {
        let processors = available_parallelism().map_or(1, NonZero::get);
        Self(Arc::new(Semaphore::new(processors.saturating_sub(1).max(1))))
    }
}

impl Workers {
    /// Does it on one of the threads. Dropping the future before it has begun is enough to keep it from running.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Broken> {
        let permit = Arc::clone(&self.0).acquire_owned().await.map_err(|_| Broken)?;
        let done = spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        done.await.map_err(|_| Broken)
    }
}
