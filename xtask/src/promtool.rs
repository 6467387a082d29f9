//! Prometheus' own checker of rules and metrics: the one on this machine, else the one in Debian's package,
//! unpacked into the cache. It must never install anything.

use std::path::PathBuf;

use crate::apt::{self, Apt, RELEASE};
use crate::cache;
use crate::process::{Failure, Result, on_path};
use crate::say;
use crate::wheel::named_by;

/// Names the program: to the tests, and to here when it is set already.
pub(crate) const VARIABLE: &str = "PROMTOOL";
const PROGRAM: &str = "promtool";
const MEMBER: &str = "usr/bin/promtool";

/// The program; idempotent, and safe when two run at once.
pub(crate) fn bring() -> Result<PathBuf> {
    if let Some(named) = named_by(VARIABLE) {
        return named;
    }
    if on_path(PROGRAM) {
        return Ok(PROGRAM.into());
    }
    let dir = cache::folder(&format!("prometheus-debian-{RELEASE}"))?;
    let program = dir.join(MEMBER);
    if !program.is_file() {
        if let Some(why) = apt::impossible() {
            return Err(Failure::new(format!(
                "promtool cannot be had: {why}\n(install Prometheus, or set {VARIABLE})"
            )));
        }
        let download = |apt: &Apt| {
            say::note("downloading prometheus for its promtool (about 19 MB)");
            apt.download("prometheus")
        };
        apt::fill(&dir, || program.is_file(), download, &[&format!("./{MEMBER}")])?;
    }
    Ok(program)
}
