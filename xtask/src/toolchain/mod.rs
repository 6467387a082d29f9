//! The wasm toolchain: found or brought, and then used for every wasm build. It says what it chose and
//! why. It must never touch the build of native code, nor install anything system-wide.

mod choice;
mod debian;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

pub(crate) use choice::Kind;
use choice::{Debian, Decision, Found, Rustup, decide};

use crate::process::{Failure, Result, Tool, cargo, on_path, root, without_cargo_run};
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
    pub(crate) const ALL: [Self; 2] = [Self::Unknown, Self::Wasip2];

    pub(crate) fn triple(self) -> &'static str {
        match self {
            Self::Unknown => "wasm32-unknown-unknown",
            Self::Wasip2 => "wasm32-wasip2",
        }
    }
}

/// How much of the standard library a build gets to see.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Std {
    Whole,
    /// `core` and `alloc` alone, where the toolchain builds them itself.
    Alloc,
}

/// A toolchain that can build every `Target`.
#[derive(Debug)]
pub(crate) struct Toolchain {
    pub(crate) kind: Kind,
    pub(crate) reason: String,
    /// Debian's `usr` and the folder of rustup's linkers.
    debian: Option<(PathBuf, PathBuf)>,
}

impl Toolchain {
    /// A cargo command for one target. All builds of a kind share one folder, so nothing is built twice.
    pub(crate) fn cargo(&self, verb: &str, target: Target, std: Std) -> Tool {
        let tool = match &self.debian {
            None => cargo(verb),
            Some((usr, linkers)) => debian_cargo(usr, linkers, verb, std),
        };
        // Flags meant for native code would replace the ones a wasm target needs.
        let tool = tool.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
        tool.env("CARGO_TARGET_DIR", self.target_dir()).args([
            "--locked",
            "--target",
            target.triple(),
        ])
    }

    /// What the compiler has to be told for the last crate, behind `cargo rustc`: with what a component
    /// begins. rustup's compiler knows by itself; Debian's linker arguments leave it open.
    pub(crate) fn start(&self, target: Target, is_library: bool) -> Vec<String> {
        let Some((usr, _)) = self.debian.as_ref().filter(|_| target == Target::Wasip2) else {
            return Vec::new();
        };
        let object = if is_library { "crt1-reactor.o" } else { "crt1-command.o" };
        let object = usr.join("lib/wasm32-wasip2").join(object);
        vec!["--".to_owned(), format!("-Clink-arg={}", object.display())]
    }

    /// Where a profile's files for a target are.
    pub(crate) fn output(&self, target: Target, profile: &str) -> PathBuf {
        self.target_dir().join(target.triple()).join(profile)
    }

    fn target_dir(&self) -> PathBuf {
        target_dir().join("wasm").join(self.kind.name())
    }
}

/// Native build's target folder.
pub(crate) fn target_dir() -> PathBuf {
    let set = std::env::var_os("CARGO_TARGET_DIR").filter(|dir| !dir.is_empty());
    root().join(set.unwrap_or_else(|| OsString::from("target")))
}

/// Finds a toolchain, or brings one. Idempotent, and quick when there is one.
pub(crate) fn resolve(forced: Option<Kind>) -> Result<Toolchain> {
    let sysroot = sysroot()?;
    let mut found = look(&sysroot);
    loop {
        match decide(forced, &found) {
            Decision::Use { kind, reason } => {
                return Toolchain::new(kind, reason, &found, &sysroot);
            }
            Decision::AddTargets { reason } => {
                say::note(&format!("adding the wasm targets: {reason}"));
                found.rustup = match add_targets() {
                    Err(failure) => Rustup::Refused(last_line(&failure.to_string())),
                    Ok(()) => {
                        Rustup::Refused("it said yes, and the targets are still missing".into())
                    }
                };
                found.lacking = lacking(&sysroot);
            }
            Decision::FetchPackages { reason } => {
                say::note(&format!("fetching Debian's Rust for wasm: {reason}"));
                found.debian =
                    debian::fetch().unwrap_or_else(|failure| Debian::Refused(failure.to_string()));
            }
            Decision::GiveUp { message } => return Err(Failure::new(message)),
        }
    }
}

impl Toolchain {
    fn new(kind: Kind, reason: String, found: &Found, sysroot: &Path) -> Result<Self> {
        let debian = match (kind, &found.debian) {
            (Kind::Debian, Debian::Ready { usr, .. }) => Some((usr.clone(), linkers(sysroot)?)),
            _ => None,
        };
        Ok(Self { kind, reason, debian })
    }
}

fn look(sysroot: &Path) -> Found {
    let rustup = if on_path("rustup") { Rustup::Untried } else { Rustup::Absent };
    // Asked first, so that nothing is fetched in vain.
    let debian =
        linkers(sysroot).map_or_else(|why| Debian::Impossible(why.to_string()), |_| debian::look());
    Found { lacking: lacking(sysroot), rustup, debian }
}

fn lacking(sysroot: &Path) -> Vec<&'static str> {
    let has = |triple: &str| sysroot.join("lib/rustlib").join(triple).join("lib").is_dir();
    Target::ALL.into_iter().map(Target::triple).filter(|triple| !has(triple)).collect()
}

fn add_targets() -> Result {
    let targets = Target::ALL.map(Target::triple);
    // One retry: a machine without a network should learn so soon.
    Tool::new("rustup")
        .args(["target", "add"])
        .args(targets)
        .env("RUSTUP_MAX_RETRIES", "1")
        .read()?;
    Ok(())
}

/// The sysroot of the compiler in use.
fn sysroot() -> Result<PathBuf> {
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    let text = Tool::new(compiler).args(["--print", "sysroot"]).dir(&root()).read()?;
    Ok(PathBuf::from(text.trim()))
}

/// The folder with rust-lld and wasm-component-ld, which Debian's packages do not bring.
fn linkers(sysroot: &Path) -> Result<PathBuf> {
    let hosts = std::fs::read_dir(sysroot.join("lib/rustlib")).into_iter().flatten();
    let whole =
        |bin: &PathBuf| bin.join("rust-lld").is_file() && bin.join("wasm-component-ld").is_file();
    hosts.flatten().map(|host| host.path().join("bin")).find(whole).ok_or_else(|| {
        Failure::new(format!(
            "they need rust-lld and wasm-component-ld, which {} has not: install Rust by rustup",
            sysroot.display()
        ))
    })
}

/// Debian's cargo and compiler, the standard library built from its sources, rustup's linkers.
fn debian_cargo(usr: &Path, linkers: &Path, verb: &str, std: Std) -> Tool {
    let parts = match std {
        Std::Whole => "std,panic_abort",
        Std::Alloc => "core,alloc",
    };
    let wasi = usr.join("lib/wasm32-wasip2");
    let wasip2_flags = [
        format!("-L{}", wasi.display()),
        "-Clink-self-contained=no".to_owned(),
        format!("-Clink-arg=--wasm-ld-path={}", linkers.join("gcc-ld/wasm-ld").display()),
    ];
    let libraries = std::env::join_paths(debian::library_dirs(usr)).unwrap_or_default();
    let tool = without_cargo_run(Tool::new(usr.join("bin/cargo"))).arg(verb).dir(&root());
    tool.env("LD_LIBRARY_PATH", libraries)
        .env("RUSTC", usr.join("bin/rustc"))
        .env("RUSTDOC", usr.join("bin/rustdoc"))
        .env("RUSTC_BOOTSTRAP", "1")
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("CARGO")
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linkers.join("rust-lld"))
        .env("CARGO_TARGET_WASM32_WASIP2_LINKER", linkers.join("wasm-component-ld"))
        .env("CARGO_TARGET_WASM32_WASIP2_RUSTFLAGS", wasip2_flags.join(" "))
        .arg(format!("-Zbuild-std={parts}"))
}

fn last_line(text: &str) -> String {
    text.lines()
        .rfind(|line| !line.trim().is_empty())
        .unwrap_or("it said nothing")
        .trim()
        .to_owned()
}
