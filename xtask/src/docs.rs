//! `cargo xtask docs`: the documentation as a site, by mdBook, which cargo builds once into the user's cache. What is held to
//! the programs is the business of `tests/docs`.

use std::path::PathBuf;

use crate::cache;
use crate::process::{Result, Tool, cargo, on_path, root};
use crate::progress::Waiting;
use crate::say;

const MDBOOK: &str = "0.5.4";

/// Builds the site.
pub(crate) fn run() -> Result {
    Tool::new(mdbook()?).arg("build").arg(root().join("docs")).run()?;
    say::line(&format!("the site is in {}", root().join("target/book").display()));
    Ok(())
}

fn mdbook() -> Result<PathBuf> {
    if on_path("mdbook") {
        return Ok("mdbook".into());
    }
    let dir = cache::folder(&format!("mdbook-{MDBOOK}"))?;
    let program = dir.join("bin/mdbook");
    let make = |partial: &std::path::Path| {
        let _waiting = Waiting::on("building mdBook, once");
        let install = cargo("install").args(["--quiet", "--locked", "--no-default-features"]);
        let install = install.args(["--features", "search", "mdbook", "--version", MDBOOK]);
        install.arg("--root").arg(partial).read().map(drop)
    };
    cache::fill(&dir, || program.is_file(), make)?;
    Ok(program)
}
