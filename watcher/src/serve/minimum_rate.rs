//! A socket that gives up on a reader that is too slow, so that no client can hold a response, and
//! what it refers to, for ever. It must never cut off a reader that has nothing to read.

use std::future::Future as _;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// How much a reader must take while there is more for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MinimumRate {
    /// Bytes that it must take at least …
    pub bytes: u64,
    /// … in this time.
    pub within: Duration,
}

impl Default for MinimumRate {
    /// 30 KiB in 30 s: slower than any network that is still of use.
    fn default() -> Self {
        Self { bytes: 30 << 10, within: Duration::from_secs(30) }
    }
}

/// Wraps a socket. Writing fails with [`io::ErrorKind::TimedOut`] when the other side keeps less
/// than the rate while the socket is full.
#[derive(Debug)]
pub(super) struct RateKept<S> {
    socket: S,
    rate: MinimumRate,
    /// Runs while the socket is full.
    window: Option<Window>,
    was_full: bool,
}

#[derive(Debug)]
struct Window {
    end: Pin<Box<Sleep>>,
    taken: u64,
}

impl<S> RateKept<S> {
    pub(super) fn new(socket: S, rate: MinimumRate) -> Self {
        Self { socket, rate, window: None, was_full: false }
    }

    /// Accounts for one attempt to write.
    fn account(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(bytes)) => {
                // Room at once: the reader keeps up.
                if !self.was_full {
                    self.window = None;
                } else if let Some(window) = &mut self.window {
                    window.taken += bytes as u64;
                }
                self.was_full = false;
                Poll::Ready(Ok(bytes))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                self.was_full = true;
                ready!(self.poll_window(cx));
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
        }
    }

    /// Ready when a window has ended in which the reader took too little.
    fn poll_window(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let rate = self.rate;
        let window = self.window.get_or_insert_with(|| Window {
            end: Box::pin(sleep_until(Instant::now() + rate.within)),
            taken: 0,
        });
        while window.end.as_mut().poll(cx).is_ready() {
            if window.taken < rate.bytes {
                return Poll::Ready(());
            }
            window.taken = 0;
            window.end.as_mut().reset(Instant::now() + rate.within);
        }
        Poll::Pending
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for RateKept<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for RateKept<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.socket).poll_write(cx, buf);
        this.account(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.socket).poll_write_vectored(cx, bufs);
        this.account(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(cx)
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the clock of these tests is virtual")]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
    use tokio::time::sleep;

    use super::*;

    const RATE: MinimumRate = MinimumRate { bytes: 1000, within: Duration::from_secs(30) };

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_stops_is_given_up() {
        let (ours, _theirs) = duplex(64);
        let error = RateKept::new(ours, RATE).write_all(&[0; 65]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_trickles_is_given_up() {
        let (ours, mut theirs) = duplex(64);
        let trickle = async {
            let mut byte = [0];
            while theirs.read(&mut byte).await.is_ok_and(|read| read > 0) {
                sleep(Duration::from_secs(1)).await;
            }
        };
        let mut paced = RateKept::new(ours, RATE);
        let written = async { paced.write_all(&[0; 4096]).await };
        tokio::select! {
            result = written => assert_eq!(result.unwrap_err().kind(), io::ErrorKind::TimedOut),
            () = trickle => panic!("the reader was never given up"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_that_keeps_the_pace_gets_everything() {
        let (ours, mut theirs) = duplex(64);
        let reader = tokio::spawn(async move {
            let (mut total, mut buffer) = (0, [0; 64]);
            loop {
                match theirs.read(&mut buffer).await.unwrap() {
                    0 => return total,
                    read => total += read,
                }
                sleep(Duration::from_secs(1)).await;
            }
        });
        let mut paced = RateKept::new(ours, RATE);
        paced.write_all(&[0; 16_384]).await.unwrap();
        drop(paced);
        assert_eq!(reader.await.unwrap(), 16_384);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_between_two_writes_is_not_the_readers_fault() {
        let (ours, mut theirs) = duplex(64);
        let mut paced = RateKept::new(ours, RATE);
        let mut buffer = [0; 65];
        for _ in 0..3 {
            let (write, read) =
                tokio::join!(paced.write_all(&[0; 65]), theirs.read_exact(&mut buffer));
            write.unwrap();
            read.unwrap();
            sleep(Duration::from_mins(10)).await;
        }
    }
}
