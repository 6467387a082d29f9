//! What a driver needs of its host besides HTTP: a clock, timers, and something that runs futures.
//! Natively that is tokio; in a component, `wasi:clocks` and `wasi:io`.

use std::time::Duration;

#[cfg(not(target_os = "wasi"))]
pub use self::native::{Instant, block_on, sleep_until};
#[cfg(target_os = "wasi")]
pub use crate::wasi::{Instant, block_on, sleep_until};

/// Waits this long. Cancellation safe.
pub async fn sleep(time: Duration) {
    sleep_until(Some(Instant::now() + time)).await;
}

/// The outcome of `work`, or `None` when it takes longer than `time`; then it is dropped. Cancellation safe where `work`
/// is.
pub async fn timeout<T>(time: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        done = work => Some(done),
        () = sleep(time) => None,
    }
}

#[cfg(not(target_os = "wasi"))]
mod native {
    use std::io;

    pub use tokio::time::Instant;

    /// Runs a future to its end on this thread: decoding is quicker than any network, so one is
    /// enough for what waits for a server.
    ///
    /// # Errors
    /// If the system has no room for the runtime.
    pub fn block_on<T>(work: impl Future<Output = T>) -> io::Result<T> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let done = runtime.block_on(work);
        // A lookup of a name may still be running; nothing waits for it.
        runtime.shutdown_background();
        Ok(done)
    }

    /// Waits until then; for ever without a time. Cancellation safe.
    pub async fn sleep_until(when: Option<Instant>) {
        match when {
            Some(when) => tokio::time::sleep_until(when).await,
            None => std::future::pending().await,
        }
    }
}
