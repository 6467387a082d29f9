//! Packages of Debian and its relatives, for tests that run programs of this machine. It must never install anything where
//! that was not said first, nor ask for a password.

use crate::process::{Failure, Result, Tool, on_path};
use crate::say;

/// Installs packages, which needs apt and root.
///
/// # Errors
/// Without either, with the way out; and where apt fails.
pub(crate) fn install(packages: &[&str], what_for: &str) -> Result {
    let names = packages.join(" ");
    if !on_path("apt-get") || !is_root() {
        return Err(Failure::new(format!("{what_for} need {names}: install them")));
    }
    say::note(&format!("installing {names}: {what_for} need them"));
    Tool::new("apt-get").args(["update", "-qq"]).read()?;
    let install = Tool::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive");
    let install = install.args(["install", "-y", "-qq", "--no-install-recommends"]);
    install.args(packages).read().map(drop)
}

fn is_root() -> bool {
    Tool::new("id").arg("-u").read().is_ok_and(|said| said.trim() == "0")
}
