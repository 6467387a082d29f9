//! `encode`: JSON records to an annotation. Strict, because a person or a program wrote the input
//! on purpose: a misspelt member would be lost silently otherwise.

use std::io::Write;

use dubbo_k8s_codec::kubernetes::ANNOTATIONS_LIMIT;
use dubbo_k8s_codec::{Key, Record, encode, text};
use serde::Deserialize;

use super::{
    arguments::Encode,
    ended::Ended,
    excerpt::{excerpt, offset_of},
    input,
    records::{in_line, text_line},
    terminal,
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnedRecord {
    k: String,
    v: String,
}

pub(super) fn run(arguments: &Encode) -> Result<(), Ended> {
    let failed = |message: String| {
        terminal::say_error(&message);
        Ended::Failed
    };
    let bytes = input::read(&arguments.file).map_err(failed)?;
    let text = text::decode(&bytes)
        .map_err(|offset| failed(format!("not UTF-8 text at byte {offset}")))?;
    let records = read(text.as_bytes(), terminal::message_columns()).map_err(failed)?;
    for (place, record) in records.iter().enumerate() {
        if let Err(error) = Key::parse(&record.k) {
            warn(&format!("record {place}: {error}; no reader will find it"));
        }
    }
    let annotation = encode(records.iter().map(|it| Record { key: &it.k, value: &it.v }));
    if annotation.len() > ANNOTATIONS_LIMIT {
        let size = annotation.len();
        warn(&format!(
            "{size} bytes are more than Kubernetes takes as annotations of a Pod (262144)"
        ));
    }
    let mut out = terminal::stdout();
    writeln!(out, "{annotation}")?;
    Ok(out.flush()?)
}

fn warn(text: &str) {
    terminal::say(&format!("{0}warning:{0:#} {text}", terminal::WARNING));
}

fn read(text: &[u8], columns: usize) -> Result<Vec<OwnedRecord>, String> {
    serde_json::from_slice(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let offset = offset_of(text, line, column);
        let message = without_place(&error);
        let message = super::plain::plain(&message);
        let place = excerpt("  ", text_line(text, offset), in_line(text, offset), columns);
        format!("line {line}, column {column}: {message}\n\n{place}")
    })
}

/// The parser puts the place behind its message; it is written apart.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message).to_owned()
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn every_mistake_has_its_place() {
        for (text, expected) in [
            (
                "[\n {\"k\":\"/dubbo\"}]",
                "line 2, column 15: missing field `v`\n\n   {\"k\":\"/dubbo\"}]\n                ^",
            ),
            (
                r#"[{"k":"a","v":"","key":1}]"#,
                "line 1, column 22: unknown field `key`, expected `k` or `v`\n\n  \
                 [{\"k\":\"a\",\"v\":\"\",\"key\":1}]\n                       ^",
            ),
            (
                r#"[{"k":"a","k":"b","v":""}]"#,
                "line 1, column 13: duplicate field `k`\n\n  \
                 [{\"k\":\"a\",\"k\":\"b\",\"v\":\"\"}]\n              ^",
            ),
            (
                r#"[{"k":1,"v":""}]"#,
                "line 1, column 7: invalid type: integer `1`, expected a string\n\n  \
                 [{\"k\":1,\"v\":\"\"}]\n        ^",
            ),
            ("[", "line 1, column 1: EOF while parsing a list\n\n  [\n  ^"),
        ] {
            assert_eq!(read(text.as_bytes(), 80).unwrap_err(), expected);
        }
        assert!(read(b"[] x", 80).is_err(), "nothing may follow");
        assert_eq!(read(b" [] ", 80).unwrap().len(), 0);
    }
}
