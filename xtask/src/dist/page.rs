//! The built inspector as part of the watcher's crate, so that `cargo install` brings it. It must never go out with a page
//! that other sources made: beside it stands what they were.

use std::fs;
use std::path::PathBuf;

use super::archive::files_below;
use super::digest;
use crate::cache;
use crate::process::{Context as _, Failure, Result, root};
use crate::toolchain::Toolchain;
use crate::web;

/// What the page is made of: files and folders of this checkout.
const SOURCES: [&str; 11] = [
    "Cargo.lock",
    "codec/Cargo.toml",
    "codec/src",
    "web/Cargo.toml",
    "web/src",
    "web/page/index.html",
    "web/page/package-lock.json",
    "web/page/public",
    "web/page/src",
    "web/page/tsconfig.json",
    "web/page/vite.config.ts",
];

/// The file that says which sources a page was made of.
const MARK: &str = "sources.sha256";

/// The folder in the crate. It is not committed, and published.
fn folder() -> PathBuf {
    root().join("watcher/inspector")
}

/// Builds the page and puts it there.
pub(crate) fn put_into_crate(toolchain: &Toolchain) -> Result {
    let built = web::build(toolchain)?;
    let folder = folder();
    cache::clear(&folder)?;
    for (name, path) in files_below(&built)? {
        let to = folder.join(name);
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent).context(|| format!("creating {}", parent.display()))?;
        }
        fs::copy(&path, &to).context(|| format!("copying {}", path.display()))?;
    }
    let mark = folder.join(MARK);
    fs::write(&mark, sources()?).context(|| format!("writing {}", mark.display()))
}

/// That the page in the crate, if there is one, was made of these sources.
pub(crate) fn check() -> Result {
    let Ok(marked) = fs::read_to_string(folder().join(MARK)) else { return Ok(()) };
    if marked == sources()? {
        return Ok(());
    }
    Err(Failure::new(
        "watcher/inspector was made of other sources, and would be published: `cargo xtask dist` makes it anew",
    ))
}

/// The digest of all sources together: of each, its name and its digest.
fn sources() -> Result<String> {
    let mut list = String::new();
    for source in SOURCES {
        let path = root().join(source);
        let files = if path.is_dir() { files_below(&path)? } else { vec![(String::new(), path)] };
        for (name, path) in files {
            // The bindings are made, from the sources that are listed.
            if source == "web/page/src" && name.starts_with("wasm/") {
                continue;
            }
            let bytes = fs::read(&path).context(|| format!("reading {}", path.display()))?;
            list.extend([&digest::sha256(&bytes), "  ", source, "/", &name, "\n"]);
        }
    }
    Ok(format!("{}\n", digest::sha256(list.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_is_there() {
        for source in SOURCES {
            assert!(root().join(source).exists(), "{source}");
        }
        assert_eq!(sources().unwrap(), sources().unwrap());
    }
}
