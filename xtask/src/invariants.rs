//! The architecture's invariants, each an absence: words that a part of the code must never name, and
//! crates that must never depend on each other. It reads text and metadata, and must never be the only
//! thing that holds an invariant which the compiler could hold.

use std::path::{Path, PathBuf};

use crate::process::{Context as _, Result, root};
use crate::workspace::{Package, members};

/// Words that the files below a folder never name outside their tests.
struct Absence {
    folder: &'static str,
    words: &'static [&'static str],
    why: &'static str,
}

/// That they name no std and hold no unsafe code, the compiler sees to.
const ABSENCES: [Absence; 2] = [
    Absence {
        folder: "codec/src",
        words: &[".await", "async"],
        why: "the codec knows no I/O, and nothing in it waits",
    },
    Absence {
        folder: "engine/src",
        words: &[".await", "async"],
        why: "the engine is sans-IO: it awaits nothing; only drivers do",
    },
];

/// A host's bindings, or a parser of which more is read elsewhere: one file of a crate may name them and no other.
const CONFINED: [(&str, &str); 6] = [
    ("web/src", "wasm_bindgen"),
    ("adapters/npm/src", "wasm_bindgen"),
    ("adapters/component/src", "wit_bindgen"),
    ("filter/src", "wasm_import_module"),
    ("registry/src", "wasip2::"),
    ("codec/src", "granit_parser"),
];

/// Crates that a package never compiles natively, not even by way of others. (For WASI the bindings of the host
/// bring wit-bindgen.)
const LEAN: [(&str, &[&str]); 2] = [
    ("dubbo-k8s-engine", &["tokio", "reqwest", "hyper", "rustls"]),
    ("dubbo-k8s-registry", &["clap", "axum", "prometheus", "mimalloc", "wasmtime", "wit-bindgen"]),
];

/// Who may depend on whom in this workspace; who is not listed may depend on no member.
const EDGES: [(&str, &[&str]); 14] = [
    ("dubbo-k8s-engine", &["dubbo-k8s-codec"]),
    ("dubbo-k8s-registry", &["dubbo-k8s-codec", "dubbo-k8s-engine"]),
    ("dubbo-k8s-watcher", &["dubbo-k8s-codec", "dubbo-k8s-engine", "dubbo-k8s-registry"]),
    ("dubbo-k8s-web", &["dubbo-k8s-codec"]),
    ("dubbo-k8s-web-bindgen", &["dubbo-k8s-codec"]),
    ("dubbo-k8s-filter", &["dubbo-k8s-codec"]),
    ("dubbo-k8s-plain", &["dubbo-k8s-codec"]),
    ("dubbo-k8s-npm", &["dubbo-k8s-codec", "dubbo-k8s-plain"]),
    ("dubbo-k8s-component", &["dubbo-k8s-codec", "dubbo-k8s-plain"]),
    ("dubbo-k8s-codec-guest", &["dubbo-k8s-codec"]),
    (
        "dubbo-k8s-tests",
        &[
            "dubbo-k8s-codec",
            "dubbo-k8s-codec-guest",
            "dubbo-k8s-engine",
            "dubbo-k8s-registry",
            "dubbo-k8s-watcher",
            "dubbo-k8s-web",
            "dubbo-k8s-filter",
        ],
    ),
    (
        "dubbo-k8s-live",
        &[
            "dubbo-k8s-codec",
            "dubbo-k8s-engine",
            "dubbo-k8s-registry",
            "dubbo-k8s-watcher",
            "dubbo-k8s-tests",
        ],
    ),
    ("dubbo-k8s-docs", &["dubbo-k8s-codec", "dubbo-k8s-tests"]),
    ("xtask", &["dubbo-k8s-codec", "dubbo-k8s-watcher"]),
];

/// What is broken, one line each.
pub(crate) fn problems(packages: &[Package]) -> Result<Vec<String>> {
    let mut problems = edges(packages);
    for (package, banned) in LEAN {
        problems.extend(heavy(package, banned, &compiled(package)?));
    }
    for absence in &ABSENCES {
        let folder = root().join(absence.folder);
        let files = rust_files(&folder)?;
        if files.is_empty() {
            problems.push(format!(
                "{} has no file: the rule about it checks nothing",
                folder.display()
            ));
        }
        for file in files {
            let text = std::fs::read_to_string(&file).context(|| file.display().to_string())?;
            problems.extend(named(absence, &shown(&file), &text));
        }
    }
    for (folder, word) in CONFINED {
        let mut files = Vec::new();
        for file in rust_files(&root().join(folder))? {
            let text = std::fs::read_to_string(&file).context(|| file.display().to_string())?;
            files.push((shown(&file), text));
        }
        problems.extend(confined(word, &files));
    }
    for file in rust_files(&root())? {
        let text = std::fs::read_to_string(&file).context(|| file.display().to_string())?;
        problems.extend(opening(&shown(&file), &text));
    }
    Ok(problems)
}

/// Every file says first what it is.
fn opening(file: &str, text: &str) -> Option<String> {
    (!text.starts_with("//!")).then(|| format!("{file}:1: it does not open with `//!`, what it is"))
}

fn edges(packages: &[Package]) -> Vec<String> {
    let is_member = |name: &str| members(packages).any(|member| member.name == name);
    let mut problems = Vec::new();
    for member in members(packages) {
        let allowed = EDGES
            .iter()
            .find(|(name, _)| *name == member.name)
            .map_or(&[][..], |(_, allowed)| *allowed);
        let inside = member.dependencies.iter().filter(|name| is_member(name));
        problems.extend(inside.filter(|name| !allowed.contains(&name.as_str())).map(|name| {
            format!(
                "{} may not depend on {name}; what two leaves need moves down into the codec",
                member.name
            )
        }));
    }
    problems
}

/// The names of all packages that a package compiles for this machine, one a line.
fn compiled(package: &str) -> Result<String> {
    let tree = ["tree", "--locked", "--edges", "normal", "--prefix", "none"];
    crate::process::Tool::new("cargo").args(tree).args(["--format", "{p}", "-p", package]).read()
}

fn heavy(package: &str, banned: &[&str], compiled: &str) -> Vec<String> {
    let names: Vec<&str> =
        compiled.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let found = banned.iter().filter(|name| names.contains(name));
    found.map(|name| format!("{package} compiles {name}: a user of it would have to")).collect()
}

fn named(absence: &Absence, file: &str, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    for (number, line) in code(text) {
        for word in absence.words.iter().filter(|word| names(line, word)) {
            problems.push(format!("{file}:{number}: names `{word}`: {}", absence.why));
        }
    }
    problems
}

fn confined(word: &str, files: &[(String, String)]) -> Option<String> {
    let is_named = |text: &str| code(text).any(|(_, line)| names(line, word));
    let naming: Vec<&str> =
        files.iter().filter(|(_, text)| is_named(text)).map(|(file, _)| file.as_str()).collect();
    (naming.len() > 1).then(|| format!("{word} is named in {}: one file may", naming.join(" and ")))
}

/// The numbered lines of code: no comments, and nothing from the tests at the end on.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]"));
    lines.enumerate().filter_map(|(at, line)| {
        let code = line.split("//").next().unwrap_or("");
        (!code.trim().is_empty()).then_some((at + 1, code))
    })
}

/// Whether a line names a word, as a whole word on the sides that are letters.
fn names(line: &str, word: &str) -> bool {
    let is_letter =
        |char: Option<char>| char.is_some_and(|char| char.is_alphanumeric() || char == '_');
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line.get(at + word.len()..).and_then(|text| text.chars().next());
        let starts = is_letter(word.chars().next()) && is_letter(before);
        let ends = is_letter(word.chars().next_back()) && is_letter(after);
        !starts && !ends
    })
}

fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries =
            std::fs::read_dir(&folder).context(|| format!("reading {}", folder.display()))?;
        for path in entries.flatten().map(|entry| entry.path()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if path.is_dir() && !name.starts_with('.') && name != "target" && name != "node_modules"
            {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

fn shown(file: &Path) -> String {
    file.strip_prefix(root()).unwrap_or(file).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CORE: &Absence = &ABSENCES[1];

    #[test]
    fn a_forbidden_word_is_found_with_its_line() {
        let text = "//! Core.\nfn now() {\n    other.await;\n}\n";
        let problems = named(CORE, "a.rs", text);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].starts_with("a.rs:3: names `.await`"), "{problems:?}");
    }

    #[test]
    fn comments_tests_and_longer_words_are_no_names() {
        let text =
            "// async\nlet asynchronous = 1; // .await\n#[cfg(test)]\nmod tests { x.await }\n";
        assert_eq!(named(CORE, "a.rs", text), [""; 0]);
        assert!(names("x.await;", ".await") && names("use std::fs;", "std::fs"));
        assert!(!names("my_std::fs", "std::fs") && !names("use core::fmt;", "std::"));
    }

    #[test]
    fn a_package_that_compiles_what_it_must_not_is_found() {
        let tree = "dubbo-k8s-engine v0.1.0 (/x)\nserde v1.0.0\nhyper v1.0.0\n";
        assert_eq!(heavy("dubbo-k8s-engine", &["hyper", "tokio"], tree).len(), 1);
        assert_eq!(heavy("dubbo-k8s-engine", &["tokio"], tree), [""; 0]);
    }

    #[test]
    fn one_file_may_name_the_bindings_and_a_second_may_not() {
        let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let mut files =
            vec![file("lib.rs", "use wasm_bindgen::prelude::*;"), file("a.rs", "// wasm_bindgen")];
        assert_eq!(confined("wasm_bindgen", &files), None);
        files.push(file("b.rs", "wasm_bindgen::throw_str(text);"));
        assert!(confined("wasm_bindgen", &files).unwrap().contains("lib.rs and b.rs"));
    }

    #[test]
    fn leaves_do_not_import_each_other_and_nothing_imports_tests() {
        let member = |name: &str, dependencies: &[&str]| Package {
            name: name.into(),
            member: true,
            dependencies: dependencies.iter().map(|name| (*name).to_owned()).collect(),
            ..Package::default()
        };
        let fine = [
            member("dubbo-k8s-codec", &["serde"]),
            member("dubbo-k8s-watcher", &["dubbo-k8s-codec"]),
        ];
        assert_eq!(edges(&fine), [""; 0]);
        let broken = [
            member("dubbo-k8s-codec", &["dubbo-k8s-tests"]),
            member("dubbo-k8s-tests", &["dubbo-k8s-codec"]),
            member("dubbo-k8s-web", &["dubbo-k8s-watcher"]),
            member("dubbo-k8s-watcher", &[]),
        ];
        assert_eq!(edges(&broken).len(), 2);
    }

    #[test]
    fn a_file_without_an_opening_is_found() {
        assert_eq!(opening("a.rs", "//! What it is.\n"), None);
        assert!(opening("a.rs", "use x;\n").is_some());
    }
}
