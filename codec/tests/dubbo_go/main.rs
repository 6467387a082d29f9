//! What dubbo-go 1.5.9 itself answered about URLs and annotations, checked against this codec.
//!
//! The answers are part of the test, so that it also runs where there is no file system. It never
//! relaxes an answer: each line is dubbo-go's, question and answer.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests are tests"
)]

mod answer;
mod fuzz;
mod problems;
mod questions;

use dubbo_k8s_codec::{Annotation, dubbo_go::GoUrl};
use serde_json::Value;

use questions::Questions;

const ANSWERS: &str = include_str!("../data/dubbo-go-url.jsonl");

fn answers() -> impl Iterator<Item = Value> {
    ANSWERS.lines().map(|line| serde_json::from_str(line).unwrap())
}

#[test]
fn urls_are_read_and_refused_as_by_dubbo_go() {
    let mut verdicts = [0, 0];
    for answer in answers().filter(|answer| answer.get("newurl").is_some()) {
        answer::check(&answer).unwrap();
        verdicts[usize::from(answer["ok"] == true)] += 1;
    }
    assert!(verdicts.iter().all(|count| *count > 10), "{verdicts:?}");
}

#[test]
fn consumers_take_the_providers_that_dubbo_go_takes() {
    let mut results = [0, 0];
    for answer in answers().filter(|answer| answer.get("equal").is_some()) {
        answer::check(&answer).unwrap();
        results[usize::from(answer["result"] == true)] += 1;
    }
    assert!(results.iter().all(|count| *count > 0), "{results:?}");
}

#[test]
fn a_provider_is_known_by_the_same_when_nothing_else_is_read() {
    let questions = answers().chain(Questions::seeded(18).take(5_000));
    for question in questions {
        let pair = question["equal"].as_array().into_iter().flatten();
        for url in pair.chain(question.get("newurl")) {
            answer::check_identity(url.as_str().unwrap()).unwrap();
        }
    }
}

#[test]
fn annotations_are_read_and_refused_as_by_dubbo_go() {
    let lines: Vec<_> = answers().filter(|answer| answer.get("unmarshal").is_some()).collect();
    assert!(!lines.is_empty());
    for answer in lines {
        let value = answer["unmarshal"].as_str().unwrap();
        let read = Annotation::decode(value);
        assert_eq!(read.is_ok(), answer["ok"] == true, "{answer}");
        let Ok(read) = read else { continue };
        let records: Vec<_> = read.records().map(|record| [record.key, record.value]).collect();
        let text = |record: &Value, name: &str| record[name].as_str().unwrap_or("").to_owned();
        let theirs = answer["records"].as_array().unwrap().iter();
        let theirs: Vec<_> = theirs.map(|it| [text(it, "k"), text(it, "v")]).collect();
        assert_eq!(records, theirs, "{answer}");
    }
}

#[test]
fn what_is_advised_instead_is_read_by_dubbo_go() {
    let mut repaired = 0;
    for answer in answers().filter(|it| it["ok"] == false && it.get("newurl").is_some()) {
        let Some(mut url) = answer::unescaped(answer["newurl"].as_str().unwrap()) else { continue };
        while let Err(finding) = GoUrl::parse(&url)
            && let Some(instead) = finding.instead(&url)
        {
            let before = url.len();
            url.replace_range(finding.span(&url), &instead);
            assert!(url.len() > before, "{answer}");
            repaired += usize::from(GoUrl::parse(&url).is_ok());
        }
    }
    assert!(repaired > 5, "{repaired}");
}
