//! The one place that prints: everything a person reads from `cargo xtask` goes through here.
//! It must never decide anything.
#![expect(clippy::print_stderr, clippy::print_stdout, reason = "this is the place that prints")]

use std::io::IsTerminal;

/// Opens a section. Headings go to stdout like the sections under them, so that their order holds in a log.
pub(crate) fn heading(text: &str) {
    let (on, off) = bold();
    println!("\n{on}== {text}{off}");
}

/// One line of plain output.
pub(crate) fn line(text: &str) {
    println!("{text}");
}

/// One line beside the output: what is being done, and why.
pub(crate) fn note(text: &str) {
    // Over what shows how long something takes, if that is there.
    let start = if std::io::stderr().is_terminal() { "\r\x1b[K" } else { "" };
    eprintln!("{start}xtask: {text}");
}

/// Whether a person is watching.
pub(crate) fn on_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// Whether output may be coloured.
pub(crate) fn in_color() -> bool {
    on_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

fn bold() -> (&'static str, &'static str) {
    if in_color() { ("\x1b[1m", "\x1b[0m") } else { ("", "") }
}
