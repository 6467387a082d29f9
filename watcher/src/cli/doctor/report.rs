//! The lines of a doctor: what is well, what is worth a look, what has to be mended, each with the
//! way out.

use std::io::{self, Write as _};

use crate::cli::{ended::Ended, terminal};

/// What was found so far. Every line is printed at once.
#[derive(Default)]
pub(super) struct Report {
    failures: usize,
}

impl Report {
    pub(super) fn well(text: &str) -> io::Result<()> {
        line(&format!("{0}ok{0:#}  ", terminal::GOOD), text)
    }

    /// Worth a look; everything that is needed works.
    pub(super) fn notice(text: &str) -> io::Result<()> {
        line(&format!("{0}note{0:#}", terminal::WARNING), text)
    }

    /// Has to be mended.
    pub(super) fn failure(&mut self, text: &str) -> io::Result<()> {
        self.failures += 1;
        line(&format!("{0}FAIL{0:#}", terminal::ERROR), text)
    }

    /// Well, or else a failure if it is needed.
    pub(super) fn check(
        &mut self,
        holds: bool,
        needed: bool,
        well: &str,
        otherwise: &str,
    ) -> io::Result<()> {
        match (holds, needed) {
            (true, _) => Self::well(well),
            (false, true) => self.failure(otherwise),
            (false, false) => Self::notice(otherwise),
        }
    }

    pub(super) fn end(&self) -> Result<(), Ended> {
        if self.failures == 0 { Ok(()) } else { Err(Ended::Failed) }
    }
}

/// The first line behind the mark, the others below it.
fn line(mark: &str, text: &str) -> io::Result<()> {
    let mut out = terminal::stdout();
    let mut lines = text.lines();
    writeln!(out, "{mark}  {}", lines.next().unwrap_or_default())?;
    for more in lines {
        writeln!(out, "{}", format!("      {more}").trim_end())?;
    }
    out.flush()
}
