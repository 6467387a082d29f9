//! The shells whose completions are tested. It must never choose another one than the system's.

use std::path::Path;

use crate::debian;
use crate::process::Result;

/// The shells, each the name of its program and of its package.
const ALL: [&str; 3] = ["bash", "zsh", "fish"];

/// Where the tests look for them.
const FOLDERS: [&str; 3] = ["/usr/local/bin", "/usr/bin", "/bin"];

/// Those that are not here.
pub(crate) fn missing() -> Vec<&'static str> {
    let is_here = |name: &&str| FOLDERS.iter().any(|dir| Path::new(dir).join(name).is_file());
    ALL.into_iter().filter(|name| !is_here(name)).collect()
}

/// Installs those that are missing, where that can be done; says which there are.
///
/// # Errors
/// Where one is missing afterwards.
pub(crate) fn bring() -> Result<String> {
    let missing = missing();
    if !missing.is_empty() {
        debian::install(&missing, "the tests of completions")?;
    }
    Ok(ALL.join(", "))
}
