//! `cargo xtask wasm`: the wasm files of this workspace, each listed once.

use std::path::PathBuf;

use crate::bindings;
use crate::npm;
use crate::places::target_dir;
use crate::process::{Context as _, Result, root};
use crate::say;
use crate::toolchain::{self, ALONE, Target, Toolchain};
use crate::web;
use crate::weight::size;

/// One wasm file.
struct Artefact {
    package: &'static str,
    /// What cargo builds of it.
    part: &'static [&'static str],
    target: Target,
    file: &'static str,
    /// The environment variable by which a test learns where the file is.
    variable: &'static str,
}

/// What people download is built so, and the tests run just that.
const PROFILE: &str = "dist";

/// What the Envoy filter may weigh.
const FILTER_LIMIT: u64 = 500_000;

const ARTEFACTS: [Artefact; 10] = [
    // The codec behind a C-like interface, for a host that brings its own.
    Artefact {
        package: "dubbo-k8s-codec-guest",
        part: &["--lib"],
        target: Target::Unknown,
        file: "codec_guest.wasm",
        variable: "CODEC_GUEST",
    },
    // The codec as a command on WASI 0.2.
    Artefact {
        package: "dubbo-k8s-codec-guest",
        part: &["--bin", "codec-command"],
        target: Target::Wasip2,
        file: "codec-command.wasm",
        variable: "CODEC_COMMAND",
    },
    // The Envoy filter.
    Artefact {
        package: "dubbo-k8s-filter",
        part: &["--lib"],
        target: Target::Unknown,
        file: "dubbo_k8s_filter.wasm",
        variable: "FILTER_WASM",
    },
    // A filter of one's own, as the filter's README shows it.
    Artefact {
        package: "dubbo-k8s-filter",
        part: &["--example", "own_filter"],
        target: Target::Unknown,
        file: "examples/own_filter.wasm",
        variable: "OWN_FILTER_WASM",
    },
    // The least that a filter can be, to measure the other one beside.
    Artefact {
        package: "dubbo-k8s-empty-filter",
        part: &["--lib"],
        target: Target::Unknown,
        file: "empty_filter.wasm",
        variable: "EMPTY_FILTER_WASM",
    },
    // A guest that tries to get out of the sandbox.
    Artefact {
        package: "dubbo-k8s-escaping-guest",
        part: &["--bin", "escaping_guest"],
        target: Target::Wasip2,
        file: "escaping_guest.wasm",
        variable: "ESCAPING_GUEST",
    },
    // A handler in many moods.
    Artefact {
        package: "dubbo-k8s-misbehaving-handler",
        part: &["--lib"],
        target: Target::Wasip2,
        file: "misbehaving_handler.wasm",
        variable: "MISBEHAVING_HANDLER",
    },
    // Examples of handlers.
    Artefact {
        package: "dubbo-k8s-envoy-endpoints",
        part: &["--lib"],
        target: Target::Wasip2,
        file: "envoy_endpoints.wasm",
        variable: "ENVOY_ENDPOINTS",
    },
    Artefact {
        package: "dubbo-k8s-webhook",
        part: &["--lib"],
        target: Target::Wasip2,
        file: "webhook.wasm",
        variable: "WEBHOOK",
    },
    WATCHER,
];

/// The watcher as a component on WASI 0.2.
const WATCHER: Artefact = Artefact {
    package: "dubbo-k8s-watcher",
    part: &["--bin", "dubbo-watcher", "--no-default-features"],
    target: Target::Wasip2,
    file: "dubbo-watcher.wasm",
    variable: "DUBBO_WATCHER_WASM",
};

/// What it may weigh.
const WATCHER_LIMIT: u64 = 2_500_000;

/// Builds all of them and prints their sizes.
pub(crate) fn run() -> Result {
    let toolchain = toolchain::resolve()?;
    for path in build(&toolchain)? {
        say::line(&format!("{:>9} bytes  {}", size(&path)?, path.display()));
    }
    for heavy in weigh(&toolchain)? {
        say::note(&heavy);
    }
    bindings::build(&toolchain)?;
    bindings::weigh()?;
    let page = web::build(&toolchain)?;
    say::line(&format!("the inspector's page in {}", page.display()));
    for heavy in web::weigh()? {
        say::note(&heavy);
    }
    Ok(())
}

/// Builds all of them; the paths come in the order of the list, and the one of JavaScript last.
pub(crate) fn build(toolchain: &Toolchain) -> Result<Vec<PathBuf>> {
    let built = ARTEFACTS.iter().map(|artefact| artefact.build(toolchain));
    built.chain([build_json_file()]).collect()
}

/// Builds those that these variables name; each comes with its variable.
pub(crate) fn build_some(
    toolchain: &Toolchain,
    variables: &[&str],
) -> Result<Vec<(&'static str, PathBuf)>> {
    let wanted = ARTEFACTS.iter().filter(|artefact| variables.contains(&artefact.variable));
    wanted.map(|artefact| Ok((artefact.variable, artefact.build(toolchain)?))).collect()
}

/// What is too heavy, one line each; says what everything weighs.
pub(crate) fn weigh(toolchain: &Toolchain) -> Result<Vec<String>> {
    let limits = [("FILTER_WASM", FILTER_LIMIT), (WATCHER.variable, WATCHER_LIMIT)];
    let mut heavy = Vec::new();
    for (variable, limit) in limits {
        for artefact in ARTEFACTS.iter().filter(|artefact| artefact.variable == variable) {
            let size = size(&artefact.path(toolchain))?;
            say::line(&format!("{size:>9} bytes of {} (at most {limit})", artefact.file));
            if size > limit {
                heavy.push(format!("{}: {size} bytes, more than {limit}", artefact.file));
            }
        }
    }
    Ok(heavy)
}

/// Builds the watcher's component alone.
pub(crate) fn watcher(toolchain: &Toolchain) -> Result<PathBuf> {
    WATCHER.build(toolchain)
}

/// Where each of them is once built, by the variable that names it to a test.
pub(crate) fn files(toolchain: &Toolchain) -> Vec<(&'static str, PathBuf)> {
    let files = ARTEFACTS.iter().map(|artefact| (artefact.variable, artefact.path(toolchain)));
    let others = [("JSON_FILE", json_file()), (bindings::COMPONENT, bindings::component())];
    files.chain(others).collect()
}

/// The example of a handler in JavaScript.
fn json_file() -> PathBuf {
    target_dir().join("wasm/json-file.wasm")
}

/// Puts a JavaScript engine and the script into one component. The engine gets no WASI: what the
/// script does without is not there to be misused.
fn build_json_file() -> Result<PathBuf> {
    let folder = root().join("watcher/examples/handlers/json-file");
    npm::packages(&folder)?;
    let file = json_file();
    if let Some(parent) = file.parent() {
        std::fs::create_dir_all(parent).context(|| format!("making {}", parent.display()))?;
    }
    let tool = npm::program(&folder, "componentize-qjs");
    let tool = tool.args(["--wit", "../../../wit", "--js", "handler.js", "--sync", "--stub-wasi"]);
    tool.arg("--output").arg(&file).run()?;
    Ok(file)
}

impl Artefact {
    /// The filter, and the one that it is measured beside, have their own.
    fn profile(&self) -> &'static str {
        if self.package.ends_with("filter") { "filter" } else { PROFILE }
    }

    fn path(&self, toolchain: &Toolchain) -> PathBuf {
        toolchain.output(self.target, self.profile()).join(self.file)
    }

    fn build(&self, toolchain: &Toolchain) -> Result<PathBuf> {
        let tool = toolchain.cargo("rustc", self.target);
        let tool = tool.args(["--profile", self.profile(), "--package", self.package]);
        let is_library = self.part.contains(&"--lib");
        tool.args(self.part).args(ALONE.iter().filter(|_| is_library)).run()?;
        Ok(self.path(toolchain))
    }
}
