//! Packages of npm: those of a folder's lock file, and the programs in them. It must never install what a
//! lock file does not name, nor run what a package brings for its installation.

use std::path::{Path, PathBuf};

use crate::process::{Context as _, Failure, Result, Tool, on_path, root};

/// Brings the packages of a folder's lock file, unless the very same are there.
pub(crate) fn packages(folder: &Path) -> Result {
    if !on_path("npm") {
        return Err(Failure::new(format!(
            "{} needs Node.js with npm: apt-get install nodejs npm",
            folder.display()
        )));
    }
    let lock = folder.join("package-lock.json");
    let mark = folder.join("node_modules/.lock");
    let wanted = std::fs::read(&lock).context(|| format!("reading {}", lock.display()))?;
    if std::fs::read(&mark).is_ok_and(|had| had == wanted) {
        return Ok(());
    }
    let npm = Tool::new("npm").dir(folder);
    npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).run()?;
    std::fs::write(&mark, wanted).context(|| format!("writing {}", mark.display()))
}

/// A consumer on grpc-js, with its packages.
pub(crate) fn grpc_js() -> Result<PathBuf> {
    let folder = root().join("tests/clients/grpc-js");
    packages(&folder)?;
    Ok(folder)
}

/// A program of a folder's packages, to be run there.
pub(crate) fn program(folder: &Path, name: &str) -> Tool {
    Tool::new(folder.join("node_modules/.bin").join(name)).dir(folder)
}
