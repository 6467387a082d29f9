//! What differs between two annotations, for people: records and words that came and went.
//!
//! It compares what they decode to, and their texts only where one cannot be decoded.

use dubbo_k8s_codec::Annotation;
use dubbo_k8s_codec::problem::Language;
use dubbo_k8s_codec::repair::repair;

use serde::Serialize;

use crate::compare::readable;
use crate::diff::{self, Run, Runs, texts};

/// A step of a repair.
#[derive(Debug, Serialize)]
pub(super) struct Repair {
    title: &'static str,
    changes: Vec<Change>,
}

/// What happened to a text or a record, and how it differs.
pub(super) type Change = (&'static str, Runs);

/// The steps of a repair, each as a difference.
pub(super) fn repairs(value: &str, language: Language) -> Vec<Repair> {
    let mut before = value.to_owned();
    let mut steps = Vec::new();
    for repaired in repair(value) {
        // Past the form, what changes is the records.
        let changes = if Annotation::decode(&before).is_ok() {
            changes(Some(&before), &repaired.value)
        } else {
            vec![("text", texts(&before, &repaired.value))]
        };
        steps.push(Repair { title: repaired.step.title(language), changes });
        before = repaired.value;
    }
    steps
}

/// The records that differ.
pub(super) fn changes(before: Option<&str>, after: &str) -> Vec<Change> {
    let keys = |value: &str| -> Option<Vec<String>> {
        let annotation = Annotation::decode(value).ok()?;
        Some(annotation.records().map(|record| readable(record.key)).collect())
    };
    let Some(new) = keys(after) else { return Vec::new() };
    let Some(old) = before.map_or(Some(Vec::new()), keys) else {
        return vec![("text", texts(before.unwrap_or_default(), after))];
    };
    let mut out = Vec::new();
    let mut gone: Vec<&str> = Vec::new();
    for run in diff::runs(&lines(&old), &lines(&new)) {
        match run {
            Run::Same(_) => flush(&mut gone, &mut out),
            Run::Gone(keys) => gone.extend(keys),
            Run::New(keys) => {
                for key in keys {
                    if gone.is_empty() {
                        out.push(("new", vec![('+', key.to_owned())]));
                    } else {
                        out.push(("changed", texts(gone.remove(0), key)));
                    }
                }
            }
        }
    }
    flush(&mut gone, &mut out);
    if out.is_empty() && before != Some(after) {
        return vec![("text", texts(before.unwrap_or_default(), after))];
    }
    out.truncate(200);
    out
}

fn lines(keys: &[String]) -> Vec<&str> {
    keys.iter().map(String::as_str).collect()
}

fn flush(gone: &mut Vec<&str>, out: &mut Vec<Change>) {
    out.extend(gone.drain(..).map(|key| ("gone", vec![('-', key.to_owned())])));
}
