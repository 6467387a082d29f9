//! The inspector's page: its wasm, the bindings, the bundle and its budgets. Every tool comes
//! from the lock files or from Debian; it must never install anything that was not asked for by a verb.

use std::path::{Path, PathBuf};

use crate::debian;
use crate::npm;
use crate::process::{Context as _, Result, Tool, cargo, on_path, root};
use crate::say;
use crate::toolchain::{self, ALONE, Target, Toolchain};
use crate::weight::gzipped;

/// The program that makes the bindings, and the profile of the wasm.
const BINDGEN: &str = "dubbo-k8s-web-bindgen";
const PROFILE: &str = "page";

/// What the wasm may weigh, gzipped.
const WASM_LIMIT: usize = 200_000;
/// What scripts and style may weigh together, gzipped.
const SCRIPT_LIMIT: usize = 90_000;

/// The folder of the page.
pub(crate) fn page() -> PathBuf {
    root().join("web/page")
}

/// The built page: a plain folder for any static host.
pub(crate) fn dist() -> PathBuf {
    page().join("dist")
}

/// Makes the folder of the built page, if it is not there: cargo would build the watcher, which carries the
/// page, anew each time as long as a folder is missing that it watches.
pub(crate) fn make_place() -> Result {
    std::fs::create_dir_all(dist()).context(|| format!("creating {}", dist().display()))
}

/// Builds the page, its wasm first.
pub(crate) fn build(toolchain: &Toolchain) -> Result<PathBuf> {
    let wasm = build_wasm(toolchain, "dubbo-k8s-web", "dubbo_k8s_web")?;
    let folder = page().join("src/wasm");
    bindings(&wasm, &folder, "inspector", Some(&folder.join("texts.json")))?;
    npm::packages(&page())?;
    npm::program(&page(), "tsc").arg("--noEmit").run()?;
    npm::program(&page(), "vite").args(["build", "--logLevel", "warn"]).run()?;
    Ok(dist())
}

/// Builds the wasm of a package that is loaded before anything is seen.
pub(crate) fn build_wasm(toolchain: &Toolchain, package: &str, name: &str) -> Result<PathBuf> {
    let tool = toolchain.cargo("rustc", Target::Unknown);
    tool.args(["--profile", PROFILE, "--package", package, "--lib"]).args(ALONE).run()?;
    Ok(toolchain.output(Target::Unknown, PROFILE).join(name).with_extension("wasm"))
}

/// Makes the JavaScript around a wasm, and the codec's words if a file for them is named.
pub(crate) fn bindings(wasm: &Path, folder: &Path, name: &str, texts: Option<&Path>) -> Result {
    // By its own name: by its package's, dependencies would be compiled with what it alone asks of them.
    let tool = cargo("run").args(["--quiet", "--locked", "--bin", BINDGEN, "--"]);
    texts.into_iter().fold(tool.arg(wasm).arg(folder).arg(name), Tool::arg).run()
}

/// What is too heavy, one line each; says what everything weighs.
pub(crate) fn weigh() -> Result<Vec<String>> {
    let (mut wasm, mut script) = (0, 0);
    let assets = dist().join("assets");
    for file in std::fs::read_dir(&assets).context(|| format!("reading {}", assets.display()))? {
        let path = file.context(|| format!("reading {}", assets.display()))?.path();
        let size = gzipped(&path)?;
        match path.extension().and_then(|end| end.to_str()) {
            Some("wasm") => wasm += size,
            _ => script += size,
        }
    }
    say::line(&format!("{wasm:>9} bytes of wasm, gzipped (at most {WASM_LIMIT})"));
    say::line(&format!("{script:>9} bytes of script and style, gzipped (at most {SCRIPT_LIMIT})"));
    let heavy = |what: &str, size: usize, limit: usize| {
        (size > limit).then(|| format!("{what}: {size} bytes gzipped, more than {limit}"))
    };
    let heavy = [heavy("wasm", wasm, WASM_LIMIT), heavy("script and style", script, SCRIPT_LIMIT)];
    Ok(heavy.into_iter().flatten().collect())
}

/// Node's runner of tests, in a folder.
pub(crate) fn node_tests_in(folder: &Path) -> Tool {
    let tool = Tool::new("node").dir(folder);
    tool.args(["--test", "--test-concurrency=1", "--test-reporter=spec"])
}

/// Measures the budgets of the page.
pub(crate) fn bench() -> Result {
    chromium()?;
    Tool::new("node").dir(&page()).arg("tests/bench.mjs").run()
}

/// Takes the pictures of README and documentation anew, of the page as it is; a person looks at them before they are
/// committed.
pub(crate) fn pictures() -> Result {
    chromium()?;
    build(&toolchain::resolve()?)?;
    Tool::new("node").dir(&page()).arg("tests/pictures.mjs").run()
}

/// Brings Chromium, where apt can.
pub(crate) fn chromium() -> Result {
    let known = ["chromium", "chromium-browser", "google-chrome"];
    if std::env::var_os("CHROMIUM").is_some() || known.into_iter().any(on_path) {
        return Ok(());
    }
    let packages = ["chromium", "fonts-noto-cjk", "fonts-dejavu-core"];
    debian::install(&packages, "the tests of the page, unless CHROMIUM names a browser,")
}
