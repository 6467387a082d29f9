//! What the program is built for, and how: each target with its names elsewhere. A build's bytes must never depend on where
//! the checkout is.

use std::path::PathBuf;

use crate::places::Places;
use crate::places::target_dir;
use crate::process::{Failure, Result, Tool, cargo, on_path, root};

/// The version that everything carries.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// One target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Platform {
    pub(crate) triple: &'static str,
    /// Operating system and architecture, as Go, OCI and krew name them.
    pub(crate) os: &'static str,
    pub(crate) arch: &'static str,
}

pub(crate) const ALL: [Platform; 7] = [
    platform("x86_64-unknown-linux-musl", "linux", "amd64"),
    platform("aarch64-unknown-linux-musl", "linux", "arm64"),
    platform("x86_64-unknown-linux-gnu", "linux", "amd64"),
    platform("aarch64-unknown-linux-gnu", "linux", "arm64"),
    platform("x86_64-apple-darwin", "darwin", "amd64"),
    platform("aarch64-apple-darwin", "darwin", "arm64"),
    platform("x86_64-pc-windows-msvc", "windows", "amd64"),
];

const fn platform(triple: &'static str, os: &'static str, arch: &'static str) -> Platform {
    Platform { triple, os, arch }
}

/// The target of this name.
pub(crate) fn named(triple: &str) -> std::result::Result<Platform, String> {
    let found = ALL.iter().find(|platform| platform.triple == triple).copied();
    found.ok_or_else(|| format!("there are {}", ALL.map(|platform| platform.triple).join(", ")))
}

/// The target of this machine; on Linux the static one.
pub(crate) fn of_this_machine() -> Result<Platform> {
    let is_here = |platform: &&Platform| platform.runs_here();
    ALL.iter().find(is_here).copied().ok_or_else(|| {
        Failure::new("nothing is made for this kind of machine: name a --target that is")
    })
}

impl Platform {
    /// Whether this machine can run what is built for it.
    pub(crate) fn runs_here(self) -> bool {
        let os = if std::env::consts::OS == "macos" { "darwin" } else { std::env::consts::OS };
        let arch = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        (self.os, self.arch) == (os, arch)
    }

    /// The name of the program's file.
    pub(crate) fn program(self) -> &'static str {
        if self.os == "windows" { "dubbo-watcher.exe" } else { "dubbo-watcher" }
    }

    /// Builds the program; rustup adds the target where it is missing.
    pub(crate) fn build(self) -> Result<PathBuf> {
        if on_path("rustup") {
            Tool::new("rustup").args(["target", "add", self.triple]).dir(&root()).read()?;
        }
        if self.triple.ends_with("-musl") && !has_musl_compiler(self) {
            return Err(Failure::new(format!(
                "{} needs a C compiler for musl: apt-get install musl-tools, or set {}",
                self.triple,
                compiler_variable(self)
            )));
        }
        let tool = cargo("build").args(["--locked", "--quiet", "--profile", "dist"]);
        let tool = tool.args(["--package", "dubbo-k8s-watcher", "--bin", "dubbo-watcher"]);
        let places = Places::of_this_machine()?;
        let tool = tool.args(["--target", self.triple]);
        let tool = tool.env("RUSTFLAGS", places.for_rust());
        let tool = tool.env("CFLAGS", places.for_c());
        tool.run()?;
        Ok(target_dir().join(self.triple).join("dist").join(self.program()))
    }
}

fn compiler_variable(platform: Platform) -> String {
    format!("CC_{}", platform.triple.replace('-', "_"))
}

fn has_musl_compiler(platform: Platform) -> bool {
    let machine = platform.triple.split('-').next().unwrap_or_default();
    std::env::var_os(compiler_variable(platform)).is_some()
        || on_path(&format!("{machine}-linux-musl-gcc"))
        || (platform.runs_here() && on_path("musl-gcc"))
}

/// What everything for a target is called, without an ending.
pub(super) fn archive_name(target: Platform) -> String {
    format!("dubbo-watcher-{VERSION}-{}", target.triple)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_target_is_answered_with_those_there_are() {
        assert_eq!(named("aarch64-apple-darwin").unwrap().arch, "arm64");
        let refusal = named("x86_64-sun-solaris").unwrap_err();
        assert!(refusal.contains("x86_64-unknown-linux-musl, aarch64"), "{refusal}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn on_linux_the_static_program_is_made() {
        assert!(of_this_machine().unwrap().triple.ends_with("-linux-musl"));
    }
}
