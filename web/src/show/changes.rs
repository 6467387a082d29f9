//! What differs between two annotations, for people: records and words that came and went.
//!
//! It shortens what is the same, and only endlessly long words that differ.

use dubbo_k8s_codec::Annotation;
use dubbo_k8s_codec::problem::Language;
use dubbo_k8s_codec::repair::repair;

use super::CLIP;
use crate::answer::{Json, json};
use crate::compare::readable;
use crate::diff::{self, Run};

/// The steps of a repair, each as a difference.
pub(super) fn repairs(value: &str, language: Language) -> Json {
    let mut before = value.to_owned();
    let mut steps = Vec::new();
    for repaired in repair(value) {
        // Past the form, what changes is the records.
        let runs = if Annotation::decode(&before).is_ok() {
            changes(Some(&before), &repaired.value)
        } else {
            json!([json!(["text", texts(&before, &repaired.value)])])
        };
        steps.push(json!({"step": repaired.step.as_str(), "title": repaired.step.title(language),
                          "changes": runs}));
        before = repaired.value;
    }
    Json::of(steps)
}

/// The records that differ, as `[what, runs]`.
pub(super) fn changes(before: Option<&str>, after: &str) -> Json {
    let keys = |value: &str| -> Option<Vec<String>> {
        let annotation = Annotation::decode(value).ok()?;
        Some(annotation.records().map(|record| readable(record.key)).collect())
    };
    let Some(new) = keys(after) else { return json!([]) };
    let Some(old) = before.map_or(Some(Vec::new()), keys) else {
        return json!([json!(["text", texts(before.unwrap_or_default(), after)])]);
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
                        out.push(json!(["new", json!([json!(["+", key])])]));
                    } else {
                        out.push(json!(["changed", texts(gone.remove(0), key)]));
                    }
                }
            }
        }
    }
    flush(&mut gone, &mut out);
    if out.is_empty() && before != Some(after) {
        return json!([json!(["text", texts(before.unwrap_or_default(), after)])]);
    }
    out.truncate(200);
    Json::of(out)
}

fn lines(keys: &[String]) -> Vec<&str> {
    keys.iter().map(String::as_str).collect()
}

fn flush(gone: &mut Vec<&str>, out: &mut Vec<Json>) {
    out.extend(gone.drain(..).map(|key| json!(["gone", json!([json!(["-", key])])])));
}

/// A longer stretch without a difference is shortened to [`CONTEXT`] characters at each end.
const SAME: usize = 72;
/// A longer stretch that differs is shortened too.
const DIFFERENT: usize = 2000;
const CONTEXT: usize = 24;

/// The difference of two texts, as `[sign, text]`.
pub(crate) fn texts(before: &str, after: &str) -> Json {
    let words = |text| diff::words(text).into_iter().take(CLIP).collect::<Vec<_>>();
    let runs = diff::runs(&words(before), &words(after)).into_iter().map(|run| match run {
        Run::Same(run) => json!(["=", shortened(run, SAME)]),
        Run::Gone(run) => json!(["-", shortened(run, DIFFERENT)]),
        Run::New(run) => json!(["+", shortened(run, DIFFERENT)]),
    });
    runs.collect()
}

fn shortened(words: Vec<&str>, longest: usize) -> String {
    let text: String = words.into_iter().collect();
    if text.len() <= longest {
        return text;
    }
    let head = text.floor_char_boundary(CONTEXT);
    let tail = text.ceil_char_boundary(text.len() - CONTEXT);
    [text.get(..head), Some(" … "), text.get(tail..)].into_iter().flatten().collect()
}
