//! A guest's output on its way to a person: on a terminal, no control character but tab and line feed
//! gets through, so that a guest cannot rewrite what stands there. Elsewhere bytes pass as they are.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::AsyncStdoutStream;

/// Bytes that may wait to be written; a guest that writes faster has to wait.
const WAITING: usize = 64 << 10;

/// An output of a guest that goes to `writer`.
pub(super) fn to(
    writer: impl AsyncWrite + Send + Sync + Unpin + 'static,
    is_terminal: bool,
) -> AsyncStdoutStream {
    if is_terminal {
        AsyncStdoutStream::new(WAITING, Harmless(writer))
    } else {
        AsyncStdoutStream::new(WAITING, writer)
    }
}

/// Writes `?` for every control character.
struct Harmless<W>(W);

fn harmless(byte: u8) -> u8 {
    match byte {
        b'\n' | b'\t' => byte,
        control if control.is_ascii_control() => b'?',
        other => other,
    }
}

impl<W: AsyncWrite + Unpin> AsyncWrite for Harmless<W> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let bytes: Vec<u8> = bytes.iter().copied().map(harmless).collect();
        Pin::new(&mut self.0).poll_write(cx, &bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::Harmless;

    #[tokio::test]
    async fn a_terminal_gets_no_escape_sequence() {
        let mut written = Vec::new();
        Harmless(&mut written).write_all("\x1b]0;owned\x07ä\tb\r\n".as_bytes()).await.unwrap();
        assert_eq!(written, "?]0;owned?ä\tb?\n".as_bytes());
    }
}
