//! `cargo xtask docs`: the documentation as a site, by mdBook. What is held to the programs is the business of `tests/docs`.

use std::path::{Path, PathBuf};

use crate::cache;
use crate::places::target_dir;
use crate::process::{Failure, Result, Tool, on_path, root};
use crate::say;
use crate::wheel;

/// Builds the site.
pub(crate) fn run() -> Result {
    let site = target_dir().join("book");
    build(&mdbook()?, &site)?;
    say::line(&format!("the site is in {}", site.display()));
    Ok(())
}

/// The program on the PATH, else the one in its wheel.
pub(crate) fn mdbook() -> Result<PathBuf> {
    if on_path("mdbook") { Ok("mdbook".into()) } else { wheel::MDBOOK.bring() }
}

/// mdBook goes on after what it warns of; a site with warnings is none.
pub(crate) fn build(mdbook: &Path, site: &Path) -> Result {
    cache::clear(site)?;
    let said = Tool::new(mdbook).arg("build").arg(root().join("docs")).arg("--dest-dir").arg(site);
    let said = said.read_both()?;
    let odd = said.lines().find(|line| line.contains("WARN") || line.contains("ERROR"));
    odd.map_or(Ok(()), |line| Err(Failure::new(format!("mdBook: {}", line.trim()))))
}
