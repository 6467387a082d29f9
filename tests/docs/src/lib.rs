//! What the documentation is made of, for the tests that hold it to the programs: the pages of this checkout, their code
//! blocks and links, and an example of each problem. It must never change a page.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "whatever fails in here fails the test that called it"
)]

pub mod examples;
pub mod markdown;

use std::path::{Path, PathBuf};

/// The folder of this checkout.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The commands of a block: lines, continued by a backslash, without comments.
pub fn commands(text: &str) -> Vec<String> {
    let joined = text.replace("\\\n", " ");
    let lines = joined.lines().map(|line| line.split(" #").next().unwrap_or_default().trim());
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}

/// Every page that people read: those of the book, and the files beside the code.
pub fn pages() -> Vec<PathBuf> {
    let root = root();
    let mut found = Vec::new();
    let mut folders = vec![root.join("docs/src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "md") {
                found.push(path);
            }
        }
    }
    let beside = [
        "README.md",
        "README.zh.md",
        "ARCHITECTURE.md",
        "BENCHMARKS.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "charts/dubbo-watcher/README.md",
        "codec/README.md",
        "engine/README.md",
        "filter/README.md",
        "registry/README.md",
        "watcher/README.md",
        "watcher/deploy/README.md",
        "web/README.md",
    ];
    found.extend(beside.map(|name| root.join(name)));
    found.sort();
    found
}
