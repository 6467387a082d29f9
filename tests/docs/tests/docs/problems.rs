//! The example of each problem, held to `decode`.

use std::io::Write as _;
use std::process::{Command, Stdio};

use dubbo_k8s_codec::problem::Code;
use dubbo_k8s_docs::examples::{self, Example};
use dubbo_k8s_tests::program::dubbo_watcher;
use serde_json::Value;

#[test]
fn decode_finds_each_problem_in_its_example() {
    let mut wrong = Vec::new();
    for code in Code::all() {
        let Some(input) = examples::of(code).input() else { continue };
        let codes = codes(&input);
        if !codes.contains(&code.as_str().to_owned()) {
            wrong.push(format!("{code}: {codes:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_problem_without_an_example_says_why() {
    let without: Vec<_> = Code::all()
        .filter_map(|code| match examples::of(code) {
            Example::None(why) => Some((code.as_str(), why)),
            _ => None,
        })
        .collect();
    assert!(without.iter().all(|(_, why)| !why.is_empty()), "{without:?}");
    assert!(without.len() <= 10, "{without:?}");
}

/// Every code that `decode` mentions of a text.
fn codes(input: &str) -> Vec<String> {
    let mut child = Command::new(dubbo_watcher())
        .args(["decode", "-o", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    let values = said
        .iter()
        .flat_map(|text| text.lines())
        .filter_map(|line| serde_json::from_str(line).ok());
    let mut found = Vec::new();
    for value in values {
        collect(&value, &mut found);
    }
    found
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("code").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|value| collect(value, found));
        }
        Value::Array(elements) => elements.iter().for_each(|value| collect(value, found)),
        _ => {}
    }
}
