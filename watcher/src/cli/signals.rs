//! The signals that ask the program to end politely: Ctrl-C and SIGTERM. None is lost between two
//! waits. A component hears none: they are its host's, which ends it.

use std::io;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Hears the signals from now on; they no longer end the process by themselves.
pub(super) struct Signals {
    #[cfg(unix)]
    interrupt: Signal,
    #[cfg(unix)]
    terminate: Signal,
}

impl Signals {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            interrupt: signal(SignalKind::interrupt())?,
            #[cfg(unix)]
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next one. Cancellation safe.
    #[cfg(unix)]
    pub(super) async fn next(&mut self) {
        tokio::select! {
            Some(()) = self.interrupt.recv() => {}
            Some(()) = self.terminate.recv() => {}
            else => std::future::pending().await,
        }
    }

    /// Waits for the next one.
    #[cfg(not(any(unix, target_os = "wasi")))]
    pub(super) async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }

    /// There will be none.
    #[cfg(target_os = "wasi")]
    pub(super) async fn next(&mut self) {
        std::future::pending().await
    }
}

/// Waits for Ctrl-C alone; from the first call on it does not end the process by itself.
#[cfg(not(target_os = "wasi"))]
pub(super) async fn ctrl_c() {
    // Where no signal can be received, no task is to wait for it.
    let _ = tokio::signal::ctrl_c().await;
}

/// There will be none.
#[cfg(target_os = "wasi")]
pub(super) async fn ctrl_c() {
    std::future::pending().await
}
