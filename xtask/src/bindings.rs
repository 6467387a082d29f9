//! The codec for other languages: the npm package and the component, built, weighed, and run in their hosts. What they run
//! in comes from the lock files, from a wheel or from Debian; it must never publish anything.

use std::path::PathBuf;

use crate::places::target_dir;
use crate::process::{Failure, Result, Tool, cargo, root};
use crate::say;
use crate::toolchain::Toolchain;
use crate::weight::{gzipped, size};
use crate::{npm, web, wheel};

/// What the wasm and the scripts of the npm package may weigh together, gzipped.
const NPM_LIMIT: usize = 120_000;

/// What people load of the npm package in a browser.
const LOADED: [&str; 4] = ["codec_bg.wasm", "codec.js", "browser.js", "api.js"];

/// The environment variable by which a test learns where the component is.
pub(crate) const COMPONENT: &str = "CODEC_COMPONENT";

/// The component, once it is built.
pub(crate) fn component() -> PathBuf {
    target_dir().join("wasm/codec.wasm")
}

fn npm_folder() -> PathBuf {
    root().join("adapters/npm")
}

/// Builds both.
pub(crate) fn build(toolchain: &Toolchain) -> Result {
    let wasm = web::build_wasm(toolchain, "dubbo-k8s-npm", "dubbo_k8s_npm")?;
    web::bindings(&wasm, &npm_folder().join("package"), "codec", None)?;
    let module = web::build_wasm(toolchain, "dubbo-k8s-component", "codec_component")?;
    let encode = ["run", "--quiet", "--locked", "--bin", "dubbo-k8s-component-encode", "--"];
    cargo(encode[0]).args(&encode[1..]).arg(module).arg(component()).run()
}

/// Says what both weigh; fails if the npm package is too heavy.
pub(crate) fn weigh() -> Result {
    let weights = LOADED.map(|file| gzipped(&npm_folder().join("package").join(file)));
    let mut weight = 0;
    for file in weights {
        weight += file?;
    }
    say::line(&format!("{weight:>9} bytes of the npm package, gzipped (at most {NPM_LIMIT})"));
    say::line(&format!("{:>9} bytes of the codec's component", size(&component())?));
    if weight > NPM_LIMIT {
        let text = format!("the npm package: {weight} bytes gzipped, more than {NPM_LIMIT}");
        return Err(Failure::new(text));
    }
    Ok(())
}

/// Runs the npm package in Node and in Chromium, holds its types to tsc, and loads the component from JavaScript, by jco,
/// and from Python, without which that is skipped, but not on CI. The tests of the workspace load it from Rust.
pub(crate) fn test(ci: bool) -> Result {
    let page = web::page();
    npm::packages(&page)?;
    npm::program(&page, "tsc")
        .arg("--project")
        .arg(npm_folder().join("tests/tsconfig.json"))
        .run()?;
    web::chromium()?;
    web::node_tests_in(&npm_folder())
        .args(["tests/node.test.mjs", "tests/chromium.test.mjs"])
        .run()?;
    let folder = root().join("adapters/component/tests");
    npm::packages(&folder)?;
    web::node_tests_in(&folder).arg("jco.test.mjs").env(COMPONENT, component()).run()?;
    let library = match wheel::WASMTIME_PYTHON.bring() {
        Err(failure) if !ci => {
            say::line(&format!("SKIPPED: the component in Python: {failure}"));
            return Ok(());
        }
        brought => brought?,
    };
    let python = Tool::new("python3").dir(&folder).args(["-B", "-m", "unittest", "-q"]);
    let packages = library.ancestors().nth(2).unwrap_or(&library);
    python.arg("test_wasmtime").env("PYTHONPATH", packages).env(COMPONENT, component()).run()
}
