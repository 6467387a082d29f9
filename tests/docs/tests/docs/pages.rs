//! Links lead somewhere, the table of contents is whole, and every block is what it says it is: commands are right use,
//! YAML and JSON can be read, and what a session shows is what the program prints.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use dubbo_k8s_docs::markdown::{Block, anchors, blocks, code_spans, links};
use dubbo_k8s_docs::{commands, pages, root};
use dubbo_k8s_tests::program::dubbo_watcher;

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

#[test]
fn every_link_leads_to_a_file_and_a_heading_that_are_there() {
    let mut wrong = Vec::new();
    for path in pages() {
        let page = read(&path);
        for link in links(&page).into_iter().filter(|link| !link.contains("://")) {
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target =
                if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            let is_there = target.exists()
                && (anchor.is_empty() || anchors(&read(&target)).iter().any(|it| it == anchor));
            if !is_there {
                wrong.push(format!("{}: {link}", shown(&path)));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// `a/{b,c}.rs` is two paths.
fn alternatives(path: &str) -> Vec<String> {
    let Some((before, rest)) = path.split_once('{') else { return vec![path.to_owned()] };
    let (names, after) = rest.split_once('}').expect("a brace that ends");
    names.split(',').map(|name| format!("{before}{name}{after}")).collect()
}

/// Whether a code span is to be a path of this checkout: `dubbo.io/annotation` and `@dubbo-k8s/codec` are names.
fn is_path(span: &str) -> bool {
    let (first, rest) = span.split_once('/').unwrap_or((span, ""));
    let is_file = [".rs", ".md", ".go", ".toml"].iter().any(|end| span.ends_with(end));
    let is_name = span.contains(' ') || first.is_empty() || first.starts_with('@');
    !is_name && (is_file || span.contains('/') && (rest.is_empty() || !first.contains('.')))
}

/// A path is seen from the root, or from where another one of its line is.
#[test]
fn every_path_in_the_architecture_is_there() {
    let page = read(&root().join("ARCHITECTURE.md"));
    let mut missing = Vec::new();
    let mut count = 0;
    for spans in code_spans(&page) {
        let mut places = vec![root()];
        for path in spans.into_iter().filter(|span| is_path(span)).flat_map(alternatives) {
            let folders = places.iter().flat_map(|place| place.ancestors());
            let found = folders.map(|folder| folder.join(&path)).find(|place| place.exists());
            match found {
                Some(place) => places.push(place),
                None => missing.push(path),
            }
            count += 1;
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
    assert!(count > 100, "{count}");
}

#[test]
fn the_table_of_contents_has_every_page_once() {
    let book = root().join("docs/src");
    let listed = links(&read(&book.join("SUMMARY.md")));
    let there: BTreeSet<String> = pages()
        .iter()
        .filter_map(|path| Some(path.strip_prefix(&book).ok()?.display().to_string()))
        .filter(|name| name != "SUMMARY.md")
        .collect();
    assert_eq!(listed.iter().cloned().collect::<BTreeSet<_>>(), there);
    assert_eq!(listed.len(), there.len());
}

/// Every block of a language in the pages, with its place.
fn of_language(language: &str) -> Vec<(String, Block)> {
    let mut found = Vec::new();
    for path in pages() {
        for block in blocks(&read(&path)).into_iter().filter(|block| block.language == language) {
            found.push((format!("{}:{}", shown(&path), block.line), block));
        }
    }
    assert!(!found.is_empty(), "no block of {language}");
    found
}

#[test]
fn yaml_and_json_can_be_read() {
    for (place, block) in of_language("yaml") {
        for document in dubbo_k8s_codec::yaml::documents(&block.text) {
            document.unwrap_or_else(|error| panic!("{place}: {error}"));
        }
    }
    // What is included is read where it stands.
    let written =
        of_language("json").into_iter().filter(|(_, block)| !block.text.contains("{{#include"));
    for (place, block) in written {
        let read = serde_json::from_str::<serde_json::Value>(&block.text);
        read.unwrap_or_else(|error| panic!("{place}: {error}"));
    }
}

#[test]
fn what_pages_include_is_there() {
    let mut seen = 0;
    for path in pages() {
        let page = read(&path);
        for include in page.split("{{#include ").skip(1).filter_map(|rest| rest.split("}}").next())
        {
            let file = include.split(':').next().unwrap();
            assert!(path.parent().unwrap().join(file).is_file(), "{}: {include}", shown(&path));
            seen += 1;
        }
    }
    assert!(seen >= 3, "{seen}");
}

#[test]
fn every_block_of_the_book_says_what_it_is() {
    let known = ["console", "go", "js", "json", "python", "rust", "sh", "text", "wit", "yaml"];
    for path in pages().iter().filter(|path| path.starts_with(root().join("docs"))) {
        for block in blocks(&read(path)) {
            let language = block.language.split(',').next().unwrap_or_default();
            assert!(known.contains(&language), "{}:{}: {language:?}", shown(path), block.line);
        }
    }
}

/// Runs one line of a shell where `dubbo-watcher` and `kubectl dubbo` are found, and no cluster.
fn shell(line: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let bin = folder.path().join("bin");
    fs::create_dir(&bin).unwrap();
    for name in ["dubbo-watcher", "kubectl-dubbo"] {
        std::os::unix::fs::symlink(dubbo_watcher(), bin.join(name)).unwrap();
    }
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display());
    let mut command = Command::new("bash");
    command.args(["-c", line]).current_dir(root()).env_clear();
    // What a page asks the cluster for.
    command.env("IP", "10.1.2.3");
    command.env("PATH", path).env("HOME", folder.path()).output().unwrap()
}

#[test]
fn every_command_is_right_use() {
    let mut seen = 0;
    for (place, block) in of_language("sh") {
        for command in commands(&block.text) {
            // Behind a pipe as well; the rest of the line is another program's business.
            for part in command.split(['|', ';']).map(str::trim) {
                let ours = part
                    .strip_prefix("kubectl dubbo ")
                    .or_else(|| part.strip_prefix("dubbo-watcher "));
                let Some(arguments) =
                    ours.map(|it| it.split(['>', '&', '<']).next().unwrap_or_default())
                else {
                    continue;
                };
                // A component that is not built here is wrong use, and so is a handler.
                if ["sandbox", "--handler", ".wasm"].iter().any(|word| arguments.contains(word)) {
                    continue;
                }
                seen += 1;
                let ran = shell(&format!("timeout 20 dubbo-watcher {arguments} </dev/null"));
                let said = String::from_utf8_lossy(&ran.stderr);
                assert_ne!(ran.status.code(), Some(2), "{place}: {part}\n{said}");
                assert_ne!(ran.status.code(), Some(124), "{place}: {part} did not end\n{said}");
            }
        }
    }
    assert!(seen > 20, "only {seen} commands");
}

#[test]
fn a_session_shows_what_the_program_prints() {
    for (place, block) in of_language("console") {
        let mut rest = block.text.as_str();
        while let Some(line) = rest.strip_prefix("$ ") {
            let (command, output) = line.split_once('\n').unwrap_or((line, ""));
            let end = output.find("\n$ ").map_or(output.len(), |at| at + 1);
            let (expected, more) = output.split_at(if output.starts_with("$ ") { 0 } else { end });
            let ran = shell(&format!("{command} 2>&1"));
            assert_eq!(String::from_utf8_lossy(&ran.stdout), expected, "{place}: {command}");
            rest = more;
        }
        assert_eq!(rest, "", "{place}: a session begins with `$ `");
    }
}
