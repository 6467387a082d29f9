//! Where output goes: data to stdout, everything else to stderr; colour only where a person sees
//! it and has not asked for none (`NO_COLOR`). Nothing else in this program writes to either.

use std::io::{self, BufWriter, IsTerminal as _, Write};

use anstream::{AutoStream, ColorChoice, StripStream};
use anstyle::{AnsiColor, Style};

use super::plain::{Elide, fit};

pub(super) const HEADING: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
pub(super) const GONE: Style = AnsiColor::Red.on_default();
pub(super) const CHANGED: Style = AnsiColor::Yellow.on_default();
pub(super) const NAME: Style = AnsiColor::Cyan.on_default();
pub(super) const ERROR: Style = AnsiColor::Red.on_default().bold();
pub(super) const WARNING: Style = AnsiColor::Yellow.on_default().bold();

/// What a person sees when the terminal does not say how wide it is.
const USUAL_COLUMNS: usize = 100;

/// How many bytes are written at a time.
const ROOM: usize = 64 << 10;

/// Standard output, buffered: flush it, or what was written may be lost.
pub(super) fn stdout() -> Box<dyn Write> {
    let raw = io::stdout();
    match AutoStream::choice(&raw) {
        ColorChoice::Never => Box::new(uncoloured(Box::new(raw))),
        choice => Box::new(BufWriter::with_capacity(ROOM, AutoStream::new(raw, choice))),
    }
}

/// Standard output for JSON, which holds nothing that acts on a terminal: buffered, and handed on as it is.
pub(super) fn data() -> Box<dyn Write> {
    Box::new(BufWriter::with_capacity(ROOM, io::stdout()))
}

/// Buffered on both sides of what takes the colours out: that hands on every piece between two of
/// them by itself.
fn uncoloured(raw: Box<dyn Write>) -> impl Write {
    let pieces: Box<dyn Write> = Box::new(BufWriter::with_capacity(ROOM, raw));
    BufWriter::with_capacity(ROOM, StripStream::new(pieces))
}

/// The width of the terminal that stdout is, if it is one.
pub(super) fn stdout_columns() -> Option<usize> {
    size::stdout().filter(|_| io::stdout().is_terminal())
}

/// Whether a person sees what goes to stderr as it is.
#[cfg(feature = "sandbox")]
pub(super) fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// How wide messages may be.
pub(super) fn message_columns() -> usize {
    size::stderr().map_or(USUAL_COLUMNS, |columns| columns.clamp(30, 120))
}

/// Says something to the person at the terminal, as it is. A stderr that is gone is no
/// business.
pub(super) fn say(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// Says what is wrong, in the form `error: …`.
pub(super) fn say_error(text: &str) {
    say(&format!("{ERROR}error:{ERROR:#} {text}"));
}

/// A line on a terminal that is written over until it is cleared; nothing elsewhere.
pub(super) struct Progress {
    shown: bool,
    terminal: bool,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self { shown: false, terminal: io::stderr().is_terminal() }
    }

    pub(super) fn show(&mut self, text: &str) {
        if self.terminal {
            self.shown = true;
            let text = fit(text, message_columns().saturating_sub(1), Elide::End);
            let _ = write!(anstream::stderr(), "\r\x1b[K{DIM}{text}{DIM:#}");
        }
    }

    pub(super) fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            let _ = write!(anstream::stderr(), "\r\x1b[K");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

/// A bar that is filled as far as this is done.
pub(super) fn bar(done: u64, all: u64) -> String {
    const WIDTH: u64 = 20;
    let filled = done.saturating_mul(WIDTH).checked_div(all).unwrap_or(WIDTH).min(WIDTH);
    let cells = (0..WIDTH).map(|cell| if cell < filled { '#' } else { ' ' });
    format!("[{}]", cells.collect::<String>())
}

/// How wide a terminal is, if there is one.
#[cfg(not(target_os = "wasi"))]
mod size {
    use std::io;

    use terminal_size::terminal_size_of;

    pub(super) fn stdout() -> Option<usize> {
        terminal_size_of(io::stdout()).map(|(columns, _)| columns.0.into())
    }

    pub(super) fn stderr() -> Option<usize> {
        terminal_size_of(io::stderr()).map(|(columns, _)| columns.0.into())
    }
}

/// A component does not know it.
#[cfg(target_os = "wasi")]
mod size {
    pub(super) fn stdout() -> Option<usize> {
        None
    }

    pub(super) fn stderr() -> Option<usize> {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use super::{NAME, ROOM, uncoloured};

    /// What was written, each time.
    #[derive(Clone, Default)]
    struct Writes(Arc<Mutex<Vec<Vec<u8>>>>);

    impl Write for Writes {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().push(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn without_colours_many_lines_are_written_at_a_time() {
        let writes = Writes::default();
        let mut out = uncoloured(Box::new(writes.clone()));
        for _ in 0..30_000 {
            writeln!(out, "{NAME}com.example.Greeter{NAME:#} provider").unwrap();
        }
        out.flush().unwrap();
        let writes = writes.0.lock().unwrap();
        let text = writes.concat();
        assert_eq!(text, b"com.example.Greeter provider\n".repeat(30_000));
        assert!(writes.len() <= text.len() / ROOM * 2 + 2, "{} writes", writes.len());
    }
}
