//! The programs of `tests` that run a whole mesh: built, and given the paths of Envoy and the wasm files.

use crate::cluster::Profile;
use crate::process::{Result, Tool};
use crate::say;
use crate::toolchain;
use crate::wasm;
use crate::wheel::ENVOY;

/// One of the programs, with what it needs brought and built. `files` are the variables of the wasm files.
pub(crate) fn tool(profile: Profile, program: &str, files: &[&str]) -> Result<Tool> {
    let envoy = ENVOY.bring()?;
    say::note("building the filter, the watcher and the programs around them");
    let files = wasm::build_some(&toolchain::resolve()?, files)?;
    profile.build()?;
    let watcher = profile.program("dubbo-watcher");
    let tool = Tool::new(profile.program(program)).env(ENVOY.variable, envoy);
    let tool = tool.env("DUBBO_WATCHER", watcher);
    Ok(files.into_iter().fold(tool, |tool, (name, path)| tool.env(name, path)))
}
