//! What is printed: the report, and beside it what is not the report. How a measurement ends.

use std::error::Error;

/// What a measurement gives, or why it failed.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// A line of the report.
#[expect(clippy::print_stdout, reason = "the report is what this program is for")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}

/// What is not the report.
#[expect(clippy::print_stderr, reason = "apart from the report")]
pub(crate) fn note(line: &str) {
    eprintln!("{line}");
}
