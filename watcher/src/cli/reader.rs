//! The output of a guest that ends when its reader has gone, as a pipe to `head` does: the guest does
//! not learn it, since it is about to be stopped.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use tokio::sync::Notify;

/// `writer`, and what says that its reader has gone.
pub(super) fn watched<W>(writer: W) -> (Watched<W>, Arc<Notify>) {
    let gone = Arc::new(Notify::new());
    (Watched { writer, gone: Arc::clone(&gone) }, gone)
}

/// Writes until the reader has gone; from then on nothing is ever written.
pub(super) struct Watched<W> {
    writer: W,
    gone: Arc<Notify>,
}

impl<W> Watched<W> {
    fn unless_gone<T>(&self, done: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match done {
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.gone.notify_one();
                Poll::Pending
            }
            done => done,
        }
    }
}

impl<W: AsyncWrite + Unpin> AsyncWrite for Watched<W> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.writer).poll_write(cx, bytes);
        self.unless_gone(done)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.writer).poll_flush(cx);
        self.unless_gone(done)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.writer).poll_shutdown(cx);
        self.unless_gone(done)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    #[tokio::test]
    async fn who_writes_learns_nothing_of_a_reader_that_went_away() {
        let (reader, writer) = tokio::io::duplex(8);
        let (mut output, gone) = watched(writer);
        output.write_all(b"read").await.unwrap();
        drop(reader);
        tokio::select! {
            biased;
            written = output.write_all(b"unread") => panic!("{written:?}"),
            () = gone.notified() => {}
        }
    }
}
