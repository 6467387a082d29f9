//! What differs between two annotations, for people: records and words that came and went.
//!
//! It compares what they decode to, and their texts only where one cannot be decoded.

use dubbo_k8s_codec::Annotation;
use dubbo_k8s_codec::problem::Language;
use dubbo_k8s_codec::repair::repair;

use crate::compare::readable;
use crate::diff::{self, Run, texts};
use serde_json::{Value as Json, json};

/// The steps of a repair, each as a difference.
pub(super) fn repairs(value: &str, language: Language) -> Json {
    let mut before = value.to_owned();
    let mut steps = Vec::new();
    for repaired in repair(value) {
        // Past the form, what changes is the records.
        let runs = if Annotation::decode(&before).is_ok() {
            changes(Some(&before), &repaired.value)
        } else {
            json!([["text", texts(&before, &repaired.value)]])
        };
        steps.push(json!({"step": repaired.step.as_str(), "title": repaired.step.title(language),
                          "changes": runs}));
        before = repaired.value;
    }
    Json::from(steps)
}

/// The records that differ, as `[what, runs]`.
pub(super) fn changes(before: Option<&str>, after: &str) -> Json {
    let keys = |value: &str| -> Option<Vec<String>> {
        let annotation = Annotation::decode(value).ok()?;
        Some(annotation.records().map(|record| readable(record.key)).collect())
    };
    let Some(new) = keys(after) else { return json!([]) };
    let Some(old) = before.map_or(Some(Vec::new()), keys) else {
        return json!([["text", texts(before.unwrap_or_default(), after)]]);
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
                        out.push(json!(["new", [["+", key]]]));
                    } else {
                        out.push(json!(["changed", texts(gone.remove(0), key)]));
                    }
                }
            }
        }
    }
    flush(&mut gone, &mut out);
    if out.is_empty() && before != Some(after) {
        return json!([["text", texts(before.unwrap_or_default(), after)]]);
    }
    out.truncate(200);
    Json::from(out)
}

fn lines(keys: &[String]) -> Vec<&str> {
    keys.iter().map(String::as_str).collect()
}

fn flush(gone: &mut Vec<&str>, out: &mut Vec<Json>) {
    out.extend(gone.drain(..).map(|key| json!(["gone", [["-", key]]])));
}
