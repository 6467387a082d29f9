//! The TCP stream under a connection, shared with the one who may have to reset it. It knows when
//! bytes are written, and of which events, but not where in them.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::stamps::Unwritten;

/// A TCP stream that can be reset while another layer owns it.
#[derive(Clone)]
pub(crate) struct Wire {
    stream: Arc<TcpStream>,
    unwritten: Unwritten,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream, unwritten: Unwritten) -> Self {
        Self { stream: Arc::new(stream), unwritten }
    }

    /// Makes the close of the socket a reset (RST) instead of an orderly end (FIN).
    pub(crate) fn reset_on_close(&self) {
        // The socket may be closed already; then there is nothing to reset.
        let _ = self.stream.set_zero_linger();
    }

    /// The first byte that the client sent, still to be read; `None` when it sent none.
    pub(crate) async fn first_byte(&self) -> io::Result<Option<u8>> {
        let mut first = [0];
        let length = self.stream.peek(&mut first).await?;
        Ok((length > 0).then_some(first[0]))
    }

    /// Whether the client speaks HTTP/2 without having been asked (prior knowledge): no request
    /// of HTTP/1 begins with `PRI`.
    pub(crate) async fn begins_with_http2_preface(&self) -> io::Result<bool> {
        let mut first = [0; 3];
        loop {
            let length = self.stream.peek(&mut first).await?;
            let begun = first.get(..length).unwrap_or_default();
            if begun.is_empty() || !b"PRI".starts_with(begun) || length == first.len() {
                return Ok(begun == b"PRI");
            }
            tokio::task::yield_now().await;
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.stream.poll_read_ready(context))?;
            match self.stream.try_read(buffer.initialize_unfilled()) {
                Ok(length) => {
                    buffer.advance(length);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.stream.poll_write_ready(context))?;
            self.unwritten.write();
            match self.stream.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Closing follows at once, when the last clone goes.
        Poll::Ready(Ok(()))
    }
}
