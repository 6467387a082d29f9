//! What kubectl prints for people: it is recognised, and never read, because annotations are shortened or missing
//! there. Names the command that prints them whole.

use alloc::string::String;
use alloc::vec::Vec;

use super::beginnings::{is_header, is_value, lines_of, word};
use super::document::of;
use super::{Document, Format, Kind, PastedError};
use crate::fault::Stage;
use crate::phrase::Phrase;
use crate::problem::Detail;

/// The document that says so.
pub(super) fn read(text: &str) -> Option<Document<'_>> {
    let (offset, phrase, run) =
        described(text).or_else(|| table(text)).or_else(|| nothing(text))?;
    let mut error = PastedError::new(Stage::Shape, offset, Detail::Wrong(phrase, None));
    error.run = Some(run);
    Some(Document { error: Some(error), ..of(Format::Printed, Kind::Pods, Vec::new()) })
}

/// It is recognised by so many lines, behind what a shell prints before it.
const HEAD: usize = 100;

/// `kubectl describe pod`: names in a column, values in another.
fn described(text: &str) -> Option<(usize, Phrase, String)> {
    let mut lines = lines_of(text).take(HEAD);
    let (offset, name) = lines.find_map(|(at, line)| Some((at, column(line, "Name:")?)))?;
    let rest: Vec<&str> = lines.map(|(_, line)| line).collect();
    let of = |title: &str| rest.iter().find_map(|line| column(line, title));
    let namespace = of("Namespace:");
    let known = ["Priority:", "Node:", "Labels:", "Annotations:", "Status:"];
    if namespace.is_none() && !known.iter().any(|title| of(title).is_some()) {
        return None;
    }
    Some((offset, Phrase::KubectlDescribe, command(word(name), namespace.and_then(word))))
}

/// The value behind a title and at least two spaces, as no YAML has it.
fn column<'a>(line: &'a str, title: &str) -> Option<&'a str> {
    let value = line.strip_prefix(title)?;
    value.starts_with("  ").then(|| value.trim()).filter(|value| !value.is_empty())
}

/// `kubectl get pods`: a line of titles.
fn table(text: &str) -> Option<(usize, Phrase, String)> {
    let mut lines = lines_of(text).take(HEAD);
    let titles = |line: &str| {
        let mut titles = line.split_whitespace();
        let first = titles.next();
        let is_title = |word: &str| {
            word.bytes().all(|byte| byte.is_ascii_uppercase() || b"-()".contains(&byte))
        };
        matches!(first, Some("NAME" | "NAMESPACE"))
            && titles.clone().count() > 0
            && titles.all(is_title)
    };
    let (offset, line) = lines.find(|(_, line)| titles(line))?;
    let everywhere = line.starts_with("NAMESPACE");
    let which = if everywhere { "kubectl get pods -A -o yaml" } else { "kubectl get pods -o yaml" };
    Some((offset, Phrase::KubectlTable, String::from(which)))
}

/// What kubectl says when there is nothing, or when it was not answered.
fn nothing(text: &str) -> Option<(usize, Phrase, String)> {
    let mut lines = lines_of(text).take(HEAD).filter(|(_, line)| !line.trim().is_empty());
    let (offset, line) = lines.next()?;
    if lines.any(|(_, line)| is_value(line) || is_header(line)) {
        return None;
    }
    let phrase = if line.starts_with("No resources found") {
        Phrase::KubectlNothing
    } else if ERRORS.iter().any(|start| line.starts_with(start)) {
        Phrase::KubectlError
    } else {
        return None;
    };
    Some((offset, phrase, String::from("kubectl get pods -A -o yaml")))
}

/// How kubectl's errors begin.
const ERRORS: [&str; 4] = [
    "Error from server",
    "error: ",
    "The connection to the server ",
    "Unable to connect to the server",
];

fn command(name: Option<&str>, namespace: Option<&str>) -> String {
    let name = name.unwrap_or("NAME");
    let mut command = ["kubectl get pod ", name].concat();
    if let Some(namespace) = namespace {
        command += " -n ";
        command += namespace;
    }
    command += " -o yaml";
    command
}
