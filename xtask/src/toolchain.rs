//! The compiler of wasm: the one in use, with both wasm targets, which rustup adds where they are missing. It
//! must never touch the build of native code.

use std::path::{Path, PathBuf};

use crate::places::{Places, sysroot, target_dir};
use crate::process::{Failure, Result, Tool, cargo, on_path};
use crate::say;

/// What wasm is built for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Target {
    /// For a host that brings its own imports: a browser, a proxy, a test.
    Unknown,
    /// A component on WASI 0.2.
    Wasip2,
}

impl Target {
    const ALL: [Self; 2] = [Self::Unknown, Self::Wasip2];

    fn triple(self) -> &'static str {
        match self {
            Self::Unknown => "wasm32-unknown-unknown",
            Self::Wasip2 => "wasm32-wasip2",
        }
    }

    /// Flags that cargo adds to those of `.cargo/config.toml`.
    fn flags_variable(self) -> &'static str {
        match self {
            Self::Unknown => "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS",
            Self::Wasip2 => "CARGO_TARGET_WASM32_WASIP2_RUSTFLAGS",
        }
    }
}

/// Builds of a library only what a host loads: beside an `rlib`, cargo does not optimise at link time.
pub(crate) const ALONE: [&str; 2] = ["--crate-type", "cdylib"];

/// A compiler that can build every `Target`.
#[derive(Debug)]
pub(crate) struct Toolchain {
    /// Flags by which no folder of this machine gets into what is built.
    flags: String,
    /// Where its builds go: one folder, so that nothing is built twice.
    folder: PathBuf,
}

impl Toolchain {
    /// A cargo command for one target.
    pub(crate) fn cargo(&self, verb: &str, target: Target) -> Tool {
        // Flags meant for native code would replace the ones that wasm has in `.cargo/config.toml`.
        let tool = cargo(verb).env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
        let tool =
            tool.env("CARGO_TARGET_DIR", &self.folder).env(target.flags_variable(), &self.flags);
        tool.args(["--locked", "--target", target.triple()])
    }

    /// Where a profile's files for a target are.
    pub(crate) fn output(&self, target: Target, profile: &str) -> PathBuf {
        self.folder.join(target.triple()).join(profile)
    }
}

/// Finds the wasm targets, or has rustup add them. Idempotent, and quick when they are there.
pub(crate) fn resolve() -> Result<Toolchain> {
    let sysroot = sysroot()?;
    let missing = lacking(&sysroot);
    let flags = Places::of_this_machine()?.for_rust();
    let ready = Toolchain { flags, folder: target_dir().join("wasm") };
    if missing.is_empty() {
        return Ok(ready);
    }
    let names = missing.join(" and ");
    if !on_path("rustup") {
        return Err(Failure::new(format!(
            "the compiler in use has no {names}: install Rust by rustup, which adds them"
        )));
    }
    say::note(&format!("adding {names}, by rustup"));
    // One retry: a machine without a network should learn so soon.
    let rustup = Tool::new("rustup").args(["target", "add"]).args(&missing);
    rustup.env("RUSTUP_MAX_RETRIES", "1").read()?;
    if lacking(&sysroot).is_empty() {
        Ok(ready)
    } else {
        Err(Failure::new(format!(
            "rustup added {names} to another toolchain than the one in use, {}",
            sysroot.display()
        )))
    }
}

/// The targets that the compiler in use has not.
pub(crate) fn lacking_here() -> Result<Vec<&'static str>> {
    Ok(lacking(&sysroot()?))
}

fn lacking(sysroot: &Path) -> Vec<&'static str> {
    let has = |triple: &str| sysroot.join("lib/rustlib").join(triple).join("lib").is_dir();
    Target::ALL.into_iter().map(Target::triple).filter(|triple| !has(triple)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sysroot_lacks_the_targets_that_it_has_no_library_of() {
        let sysroot = tempfile::tempdir().unwrap();
        assert_eq!(lacking(sysroot.path()), ["wasm32-unknown-unknown", "wasm32-wasip2"]);
        let library = sysroot.path().join("lib/rustlib/wasm32-wasip2/lib");
        std::fs::create_dir_all(library).unwrap();
        assert_eq!(lacking(sysroot.path()), ["wasm32-unknown-unknown"]);
    }
}
