//! Every line of what Go's encoder and decoder produced, checked against this codec.
//!
//! The data is part of the test, so that it also runs where there is no file system.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests are tests"
)]

use dubbo_k8s_codec::{Annotation, NULL_ANNOTATION, Record, Stage, encode};
use serde::Deserialize;

const VECTORS: &str = include_str!("data/dubbo-go-codec.jsonl");

/// The lines that Go refuses and this codec reads: by line number, with the warning that says so.
/// Nothing else may be accepted beyond Go, and a line that no longer belongs here fails the test.
const ACCEPTED_BEYOND_GO: [(usize, &str); 1] = [(35, "standard-alphabet")];

/// The lines that Go refuses as base64 and this codec only as JSON: a cut annotation whose missing
/// padding is tolerated, so that the place where the JSON ends is found.
const REFUSED_LATER_THAN_GO: [usize; 4] = [57, 47, 113, 121];

#[derive(Deserialize)]
struct Line {
    kind: String,
    note: String,
    annotation: String,
    ok: bool,
    go_error: Option<String>,
    records: Option<Vec<Pair>>,
}

#[derive(Deserialize)]
struct Pair {
    k: String,
    v: String,
}

impl Line {
    fn records(&self) -> Vec<Record<'_>> {
        let pairs = self.records.iter().flatten();
        pairs.map(|pair| Record { key: &pair.k, value: &pair.v }).collect()
    }
}

fn lines() -> Vec<(usize, Line)> {
    let lines = VECTORS.lines().map(|line| serde_json::from_str(line).unwrap());
    (1..).zip(lines).collect()
}

#[test]
fn the_file_is_whole() {
    let lines = lines();
    let count = |kind| lines.iter().filter(|(_, line)| line.kind == kind).count();
    assert_eq!((lines.len(), count("encode") + count("decode")), (123, 123));
}

#[test]
fn records_are_written_as_go_writes_them() {
    for (number, line) in lines().iter().filter(|(_, line)| line.kind == "encode") {
        let written = match line.records {
            Some(_) => encode(line.records()),
            None => NULL_ANNOTATION.to_owned(),
        };
        assert_eq!(written, line.annotation, "line {number}: {}", line.note);

        let read = Annotation::decode(&line.annotation).unwrap();
        assert!(read.records().eq(line.records()), "line {number}: {}", line.note);
        assert_eq!(read.is_null(), line.records.is_none());
        assert_eq!(read.warnings().len(), usize::from(read.is_null()), "line {number}");
        assert_eq!(read.encode(), line.annotation, "line {number}");
    }
}

#[test]
fn annotations_are_read_as_go_reads_them() {
    for (number, line) in lines().iter().filter(|(_, line)| line.kind == "decode") {
        let read = Annotation::decode(&line.annotation);
        let beyond = ACCEPTED_BEYOND_GO.iter().find(|(listed, _)| listed == number);
        if let Some((_, code)) = beyond {
            assert!(!line.ok, "line {number} is stale: Go accepts it");
            let read = read.expect("a listed line is accepted");
            assert!(read.warnings().iter().any(|w| w.code.as_str() == *code), "line {number}");
            continue;
        }
        assert_eq!(read.is_ok(), line.ok, "line {number}: {}: {read:?}", line.note);
        if let Ok(read) = read {
            assert!(read.records().eq(line.records()), "line {number}: {}", line.note);
        }
    }
}

#[test]
fn refusals_name_the_stage_and_the_place_that_go_names() {
    for (number, line) in lines().iter().filter(|(_, line)| !line.ok) {
        let Err(error) = Annotation::decode(&line.annotation) else { continue };
        let go = line.go_error.as_deref().unwrap();
        if let Some(offset) = go.strip_prefix("illegal base64 data at input byte ") {
            if REFUSED_LATER_THAN_GO.contains(number) {
                assert_eq!(error.stage, Stage::Json, "line {number} is stale");
                continue;
            }
            assert_eq!(error.stage, Stage::Base64, "line {number}: {}", line.note);
            assert_eq!(error.offset.to_string(), offset, "line {number}: {}", line.note);
        } else if go.starts_with("json: cannot unmarshal") {
            assert_eq!(error.stage, Stage::Shape, "line {number}: {}", line.note);
        } else {
            assert_eq!(error.stage, Stage::Json, "line {number}: {}", line.note);
            check_json_place(*number, go, &error, &line.annotation);
        }
    }
}

/// Go's message names the character at fault: the decoded byte at our offset must be it.
fn check_json_place(
    number: usize,
    go: &str,
    error: &dubbo_k8s_codec::DecodeError,
    annotation: &str,
) {
    use base64::Engine as _;

    let json = base64::engine::general_purpose::URL_SAFE.decode(annotation).unwrap();
    let at = error.decoded_offset.unwrap();
    if go == "unexpected end of JSON input" {
        assert_eq!(at, json.len(), "line {number}");
        return;
    }
    let rest = go.strip_prefix("invalid character '").unwrap();
    let named = &rest[..=rest[1..].find('\'').unwrap()];
    let found = match json[at] {
        b'\'' => "\\'".to_owned(),
        b'\n' => "\\n".to_owned(),
        0x08 => "\\b".to_owned(),
        0xef => "\\ufeff".to_owned(),
        byte @ b' '..=b'~' => char::from(byte).to_string(),
        byte => format!("\\x{byte:02x}"),
    };
    assert_eq!(found.trim_end_matches('\''), named.trim_end_matches('\''), "line {number}: {go}");
    assert_eq!(error.offset, at / 3 * 4 + at % 3, "line {number}");
}
