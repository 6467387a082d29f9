//! What an operator reads of a handler: what went wrong, what was done about it, and the lines that the
//! handler writes itself. Bounded: a handler that writes without end is cut short.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::AsyncStdoutStream;

/// The longest line of a handler that is passed on, in bytes.
const LINE: usize = 1000;
/// Lines of a handler in one span of time; the rest of them is counted.
const LINES: u32 = 100;
const SPAN: Duration = Duration::from_mins(1);
/// Bytes that may wait; a handler that writes faster has to wait.
const WAITING: usize = 16 << 10;

/// Something about a handler that is worth a line.
#[derive(Debug, Clone, Copy)]
pub struct LogMessage<'a> {
    /// Which handler.
    pub handler: &'a str,
    /// What.
    pub text: &'a str,
    /// It has failed.
    pub failure: bool,
}

pub(super) type Report = Arc<dyn Fn(LogMessage<'_>) + Send + Sync>;

/// The messages about one handler.
pub(super) struct OperatorLog {
    handler: String,
    report: Report,
    allowance: Mutex<Allowance>,
}

struct Allowance {
    since: Instant,
    lines: u32,
}

impl OperatorLog {
    pub(super) fn new(handler: &str, report: Report) -> Self {
        let allowance = Mutex::new(Allowance { since: Instant::now(), lines: 0 });
        Self { handler: handler.to_owned(), report, allowance }
    }

    /// Something the host has to say.
    pub(super) fn say(&self, text: &str) {
        (self.report)(LogMessage { handler: &self.handler, text, failure: false });
    }

    /// A failure.
    pub(super) fn fail(&self, text: &str) {
        (self.report)(LogMessage { handler: &self.handler, text, failure: true });
    }

    /// Something that a handler can bring about as often as it likes.
    pub(super) fn note(&self, text: &str) {
        let lines = {
            let mut allowance = self.allowance.lock().unwrap_or_else(PoisonError::into_inner);
            if allowance.since.elapsed() > SPAN {
                *allowance = Allowance { since: Instant::now(), lines: 0 };
            }
            allowance.lines = allowance.lines.saturating_add(1);
            allowance.lines
        };
        if lines <= LINES {
            self.say(text);
        } else if lines == LINES + 1 {
            self.say("… it says more than 100 lines a minute; the rest is left out");
        }
    }

    /// Where the handler's standard outputs go.
    pub(super) fn stream(self: &Arc<Self>) -> AsyncStdoutStream {
        let lines = Lines { operator_log: Arc::clone(self), line: Vec::new() };
        AsyncStdoutStream::new(WAITING, lines)
    }
}

/// Cuts what is written into lines.
struct Lines {
    operator_log: Arc<OperatorLog>,
    line: Vec<u8>,
}

impl Lines {
    fn end(&mut self) {
        if !self.line.is_empty() {
            self.operator_log.note(&String::from_utf8_lossy(&self.line));
            self.line.clear();
        }
    }
}

impl AsyncWrite for Lines {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        for &byte in bytes {
            if byte == b'\n' {
                self.end();
            } else if self.line.len() < LINE {
                self.line.push(byte);
            }
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.end();
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    fn lines() -> (Lines, Arc<Mutex<Vec<String>>>) {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let received = Arc::clone(&lines);
        let report: Report =
            Arc::new(move |message| received.lock().unwrap().push(message.text.to_owned()));
        (Lines { operator_log: Arc::new(OperatorLog::new("h", report)), line: Vec::new() }, lines)
    }

    #[tokio::test]
    async fn what_is_written_is_logged_line_by_line_and_cut() {
        let (mut lines, messages) = lines();
        lines.write_all(b"one\ntw").await.unwrap();
        lines.write_all(b"o\n\n").await.unwrap();
        lines.write_all(&[b'x'; 5000]).await.unwrap();
        lines.write_all(b"\n").await.unwrap();
        let messages = messages.lock().unwrap();
        assert_eq!(messages[..2], ["one", "two"]);
        assert_eq!(messages[2].len(), LINE);
    }

    #[tokio::test]
    async fn one_that_writes_without_end_is_left_out() {
        let (mut lines, messages) = lines();
        for _ in 0..1000 {
            lines.write_all(b"again\n").await.unwrap();
        }
        assert_eq!(messages.lock().unwrap().len(), LINES as usize + 1);
    }
}
