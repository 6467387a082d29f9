//! The registry for dubbo-rust, a workspace of its own in `adapters/dubbo-rust`: its check, and the programs that the tests
//! against real servers run. What it compiles never becomes part of the workspace beside it.

use std::path::PathBuf;

use crate::cluster::Profile;
use crate::places::target_dir;
use crate::process::{Result, Tool, cargo, root};
use crate::supply;
use crate::workspace::packages_of;

fn folder() -> PathBuf {
    root().join("adapters/dubbo-rust")
}

/// In the one target folder, so that what both workspaces compile alike is compiled once.
fn there(verb: &str) -> Tool {
    cargo(verb).dir(&folder()).env("CARGO_TARGET_DIR", target_dir())
}

/// Format, lints, tests, examples and documentation.
pub(crate) fn check() -> Result {
    there("fmt").arg("--check").run()?;
    there("clippy").args(["--locked", "--all-targets", "--", "-Dwarnings"]).run()?;
    there("test").arg("--locked").run()?;
    // With the examples cargo asks of dependencies what clippy did, and checks none again.
    let doc = there("doc").args(["--locked", "--no-deps", "--lib", "--examples"]);
    doc.env("RUSTDOCFLAGS", "-Dwarnings").run()
}

/// What is wrong with the licences and the sources of what it compiles, one line each.
pub(crate) fn supplied() -> Result<Vec<String>> {
    Ok(supply::problems(&packages_of(&folder())?))
}

/// The folder with the provider and the consumer, built there if they are not.
pub(crate) fn programs() -> Result<PathBuf> {
    there("build").args(["--locked", "--examples"]).run()?;
    Ok(Profile::Dev.program("examples"))
}
