//! Prometheus' own checker of rules and metrics: the one on this machine, else the one in Debian's package,
//! unpacked into the cache. It must never install anything.

use std::path::PathBuf;

use crate::cache;
use crate::process::{Failure, Result, Tool, on_path};
use crate::say;
use crate::wheel::named_by;

/// Names the program: to the tests, and to here when it is set already.
pub(crate) const VARIABLE: &str = "PROMTOOL";
const PROGRAM: &str = "promtool";

/// Downloads the package and takes the program out of it. A machine that has no package lists gets them first.
const FETCH: &str = "(apt-get -qq download prometheus || (apt-get -qq update && apt-get -qq download prometheus)) \
                     && dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool \
                     && rm prometheus_*.deb";

/// The program; idempotent, and safe when two run at once.
pub(crate) fn bring() -> Result<PathBuf> {
    if let Some(named) = named_by(VARIABLE) {
        return named;
    }
    if on_path(PROGRAM) {
        return Ok(PROGRAM.into());
    }
    let dir = cache::folder("prometheus-debian")?;
    let program = dir.join("usr/bin").join(PROGRAM);
    cache::fill(
        &dir,
        || program.is_file(),
        |partial| {
            if !on_path("apt-get") {
                return Err(missing("there is no apt-get here"));
            }
            say::note("downloading prometheus for its promtool (about 19 MB)");
            let fetched = Tool::new("sh").args(["-c", FETCH]).dir(partial).read();
            fetched.map(drop).map_err(|failure| missing(&failure.to_string()))
        },
    )?;
    Ok(program)
}

fn missing(why: &str) -> Failure {
    Failure::new(format!("promtool cannot be had: {why}\n(install Prometheus, or set {VARIABLE})"))
}
