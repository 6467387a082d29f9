//! Where output goes: data to stdout, everything else to stderr; colour only where somebody sees
//! it and has not asked for none (`NO_COLOR`). Nothing else in this program writes to either.

use std::io::{self, BufWriter, IsTerminal as _, Write};

use anstream::AutoStream;
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

/// Standard output, buffered: flush it, or what was written may be lost.
pub(super) fn stdout() -> impl Write {
    BufWriter::new(AutoStream::auto(io::stdout()))
}

/// The width of the terminal that stdout is, if it is one.
pub(super) fn stdout_columns() -> Option<usize> {
    size::stdout().filter(|_| io::stdout().is_terminal())
}

/// Whether somebody sees what goes to stderr as it is.
#[cfg(feature = "sandbox")]
pub(super) fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// How wide messages may be.
pub(super) fn message_columns() -> usize {
    size::stderr().map_or(USUAL_COLUMNS, |columns| columns.clamp(30, 120))
}

/// Says something to the person at the terminal, as it is. A stderr that is gone is nobody's
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

/// A component is not told.
#[cfg(target_os = "wasi")]
mod size {
    pub(super) fn stdout() -> Option<usize> {
        None
    }

    pub(super) fn stderr() -> Option<usize> {
        None
    }
}
