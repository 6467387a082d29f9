//! `cargo xtask semver`: whether the public items of the published libraries keep what the last release promised, by
//! cargo-semver-checks. It must never call a crate unchanged that it could not compare.

use crate::process::{Failure, Result, cargo, on_path};
use crate::say;
use crate::workspace::{Package, members, packages};

/// Compares each library that is published with a revision of this repository, else with its last release.
pub(crate) fn run(revision: Option<&str>) -> Result {
    if !on_path("cargo-semver-checks") {
        return Err(Failure::new(
            "there is no cargo-semver-checks: cargo install --locked cargo-semver-checks",
        ));
    }
    let packages = packages()?;
    let libraries = members(&packages).filter(|member| member.publishable && member.is_library);
    for library in libraries {
        compare(library, revision)?;
    }
    Ok(())
}

fn compare(library: &Package, revision: Option<&str>) -> Result {
    let name = &library.name;
    let check = cargo("semver-checks").args(["--package", name]);
    match revision {
        Some(revision) => check.args(["--baseline-rev", revision]).run(),
        None if is_released(name)? => check.run(),
        None => {
            say::line(&format!("{name} was never released: there is nothing to compare it with"));
            Ok(())
        }
    }
}

/// Whether crates.io has it.
fn is_released(name: &str) -> Result<bool> {
    match cargo("info").args(["--quiet", "--registry", "crates-io", name]).read() {
        Ok(_) => Ok(true),
        Err(failure) if failure.to_string().contains("could not find") => Ok(false),
        Err(failure) => Err(failure),
    }
}
