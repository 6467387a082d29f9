//! `cargo xtask test`: the whole check, and nothing that the check needs done by hand before. It goes on
//! after a failure, so that one run shows them all, and it must never call skipped what could have run.

mod ground;
mod package;
mod report;
mod steps;

use std::time::Instant;

use crate::go;
use crate::places::target_dir;
use crate::process::{Failure, Result};
use crate::say;
use crate::setup;
use crate::toolchain;
use crate::web;
use ground::Ground;
use report::{Line, Outcome, is_good, summary};

/// Runs every step, or the ones named.
pub(crate) fn run(only: &[String]) -> Result {
    if let Some(unknown) = only.iter().find(|name| steps::ALL.iter().all(|step| step.name != *name))
    {
        let names: Vec<&str> = steps::ALL.iter().map(|step| step.name).collect();
        return Err(Failure::new(format!(
            "there is no step {unknown}; there are {}",
            names.join(", ")
        )));
    }
    // Beside the other steps: the step that runs the tests waits for what is not there yet.
    let building = std::thread::spawn(|| go::all().for_each(|build| drop(build.bring())));
    setup::run();
    web::make_place()?;
    let ground = Ground {
        wasm: toolchain::resolve().map_err(|failure| failure.to_string()),
        ci: std::env::var("CI").is_ok_and(|ci| ci == "true"),
    };
    let skips = target_dir().join("skipped-tests");
    let _ = std::fs::remove_file(&skips); // of an earlier run; there may be none
    let wanted = steps::ALL
        .iter()
        .filter(|step| only.is_empty() || only.iter().any(|name| step.name == name));
    let lines: Vec<Line> = wanted.map(|step| one(step, &ground)).collect();
    drop(building);
    let skipped = std::fs::read_to_string(&skips).unwrap_or_default();
    let skipped: Vec<String> = skipped.lines().map(str::to_owned).collect();
    say::heading("summary");
    say::line(&summary(&lines, &skipped));
    if is_good(&lines) { Ok(()) } else { Err(Failure::new("the check failed")) }
}

fn one(step: &steps::Step, ground: &Ground) -> Line {
    say::heading(&format!("{}: {}", step.name, step.what));
    let started = Instant::now();
    let outcome = (step.run)(ground);
    match &outcome {
        Outcome::Passed => {}
        Outcome::Skipped(why) => say::line(&format!("SKIPPED: {why}")),
        Outcome::Failed(why) => say::line(&format!("FAILED: {why}")),
    }
    Line { name: step.name, outcome, took: started.elapsed() }
}
