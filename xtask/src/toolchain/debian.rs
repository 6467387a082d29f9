//! Debian's Rust for wasm: found where it is installed, else fetched and unpacked into a cache.
//! It must never change the system: it needs no root, installs nothing, and leaves apt's own state alone.

use std::fs;
use std::path::{Path, PathBuf};

use super::choice::Debian;
use crate::apt::{self, Apt, RELEASE};
use crate::cache;
use crate::process::{Failure, Result, Tool};
use crate::say;

/// What a toolchain consists of, below its `usr`. A folder with all of these can build every target.
const PARTS: [&str; 5] = [
    "bin/rustc",
    "bin/cargo",
    "lib/rustlib/src/rust/library/std/src/lib.rs",
    "lib/wasm32-wasip2/crt1-command.o",
    "lib/wasm32-wasip2/libc.a",
];

/// What of the packages is not unpacked: of Rust's sources only the standard library is needed.
const LEFT_OUT: [&str; 7] = [
    "--anchored",
    "--no-wildcards-match-slash",
    "--exclude=./usr/src/*/compiler",
    "--exclude=./usr/src/*/src",
    "--exclude=./usr/share",
    "--exclude=./usr/lib/wasm32-wasi",
    "--exclude=./usr/lib/wasm32-wasip1",
];

/// What of Debian's toolchain is on this machine, without asking the network.
pub(super) fn look() -> Debian {
    let usable = |usr: PathBuf| {
        let version = compiler_version(&usr)?;
        is_enough(&version).then_some(Debian::Ready { usr, version })
    };
    let installed = installed_usr().filter(|usr| is_complete(usr)).and_then(usable);
    let cached =
        || folder().ok().map(|dir| dir.join("usr")).filter(|usr| is_complete(usr)).and_then(usable);
    installed.or_else(cached).unwrap_or_else(|| match apt::impossible() {
        Some(why) => Debian::Impossible(why),
        None => Debian::Untried,
    })
}

/// Fetches the packages by a private apt and unpacks them. Two at once wait for each other, and the
/// folder appears only when it is whole.
pub(super) fn fetch() -> Result<Debian> {
    let dir = folder()?;
    let is_ready = || matches!(look(), Debian::Ready { .. });
    let download = |apt: &Apt| {
        say::note("downloading rustc-web, cargo-web, rust-web-src and wasi-libc (about 150 MB)");
        let wasi = apt.backported("wasi-libc");
        apt.download_with_dependencies(&["rustc-web", "cargo-web", "rust-web-src", &wasi])
    };
    apt::fill(&dir, is_ready, download, &LEFT_OUT)?;
    match look() {
        ready @ Debian::Ready { .. } => Ok(ready),
        _ => Err(Failure::new(unusable(&dir.join("usr")))),
    }
}

/// The shared libraries' folders below `usr`: the packages expect them on the loader's path.
pub(super) fn library_dirs(usr: &Path) -> Vec<PathBuf> {
    let lib = usr.join("lib");
    let multiarch = fs::read_dir(&lib).into_iter().flatten().flatten().map(|entry| entry.path());
    multiarch.filter(|path| path.to_string_lossy().ends_with("-linux-gnu")).collect()
}

fn is_complete(usr: &Path) -> bool {
    PARTS.iter().all(|part| usr.join(part).exists())
}

/// The `usr` that an installed rustc-web has its files in, as dpkg tells it.
fn installed_usr() -> Option<PathBuf> {
    let files = Tool::new("dpkg").args(["-L", "rustc-web"]).read().ok()?;
    let compiler = files.lines().find(|line| line.ends_with("/bin/rustc"))?;
    Some(Path::new(compiler).parent()?.parent()?.to_owned())
}

fn compiler_version(usr: &Path) -> Option<String> {
    let loader = std::env::join_paths(library_dirs(usr)).ok()?;
    let text = Tool::new(usr.join("bin/rustc"))
        .arg("--version")
        .env("LD_LIBRARY_PATH", loader)
        .read()
        .ok()?;
    text.split_whitespace().nth(1).map(str::to_owned)
}

/// Whether a compiler of this version builds this workspace.
fn is_enough(version: &str) -> bool {
    numbers(version) >= numbers(env!("CARGO_PKG_RUST_VERSION"))
}

fn numbers(version: &str) -> Vec<u32> {
    version.split(['.', '-']).map_while(|part| part.parse().ok()).collect()
}

fn unusable(usr: &Path) -> String {
    if let Some(part) = PARTS.iter().find(|part| !usr.join(part).exists()) {
        return format!("the archive's packages have no {part}");
    }
    format!(
        "the archive's rustc-web is {}, and this project needs {}: add bookworm-security to apt's sources",
        compiler_version(usr).unwrap_or_else(|| "not runnable".into()),
        env!("CARGO_PKG_RUST_VERSION"),
    )
}

/// Where the packages are unpacked: a gigabyte that never changes.
fn folder() -> Result<PathBuf> {
    cache::folder(&format!("wasm-debian-{RELEASE}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        assert!(
            is_enough("1.96.0")
                && is_enough("1.100.0")
                && is_enough(env!("CARGO_PKG_RUST_VERSION"))
        );
        assert!(!is_enough("1.85.0") && !is_enough(""));
    }
}
