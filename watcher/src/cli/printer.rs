//! Prints what is in the queue, as fast as its reader reads. Natively that is a thread of its own,
//! so a slow reader never holds up the watch. A component has one thread: there a slow reader does
//! hold it up, and what the server then drops is read again.

use std::io;

use super::{narrator::Narrator, queue::Queue};

/// Starts printing; the answer is how that ended.
#[cfg(not(target_os = "wasi"))]
pub(super) fn print(
    queue: Queue,
    mut narrator: Box<dyn Narrator + Send>,
) -> impl Future<Output = io::Result<()>> {
    let (done, printed) = tokio::sync::oneshot::channel();
    // Not joined: it may be waiting for a reader that never reads again.
    std::thread::spawn(move || {
        let mut out = narrator.output();
        let mut result = Ok(());
        while let Some(items) = queue.take() {
            result = narrator.print(&mut out, &items);
            if result.is_err() {
                break;
            }
        }
        let _ = done.send(result);
    });
    async { printed.await.unwrap_or(Ok(())) }
}

/// Prints whatever there is when it is polled.
#[cfg(target_os = "wasi")]
pub(super) async fn print(queue: Queue, mut narrator: Box<dyn Narrator + Send>) -> io::Result<()> {
    let mut out = narrator.output();
    while let Some(items) = queue.next().await {
        narrator.print(&mut out, &items)?;
    }
    Ok(())
}

/// Prints what was queued before anything else happens, where no other task would.
#[cfg(target_os = "wasi")]
pub(super) async fn turn() {
    let mut turned = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut turned, true) {
            return std::task::Poll::Ready(());
        }
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

/// The thread that prints needs no turn of the runtime.
#[cfg(not(target_os = "wasi"))]
pub(super) fn turn() -> std::future::Ready<()> {
    std::future::ready(())
}
