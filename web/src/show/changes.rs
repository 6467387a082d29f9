//! What differs between two annotations, for people: records and characters that came and went.
//!
//! It shortens what is the same, never what differs.

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
            json!([json!(["text", characters(&before, &repaired.value)])])
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
        return json!([json!(["text", characters(before.unwrap_or_default(), after)])]);
    };
    let mut out = Vec::new();
    let mut gone: Vec<String> = Vec::new();
    for run in diff::runs(&old, &new) {
        match run {
            Run::Same(_) => flush(&mut gone, &mut out),
            Run::Gone(keys) => gone.extend(keys),
            Run::New(keys) => {
                for key in keys {
                    if gone.is_empty() {
                        out.push(json!(["new", json!([json!(["+", key])])]));
                    } else {
                        out.push(json!(["changed", characters(&gone.remove(0), &key)]));
                    }
                }
            }
        }
    }
    flush(&mut gone, &mut out);
    if out.is_empty() && before != Some(after) {
        return json!([json!(["text", characters(before.unwrap_or_default(), after)])]);
    }
    out.truncate(200);
    Json::of(out)
}

fn flush(gone: &mut Vec<String>, out: &mut Vec<Json>) {
    out.extend(gone.drain(..).map(|key| json!(["gone", json!([json!(["-", key])])])));
}

/// Long stretches without a difference are shortened to this many characters at each end.
const CONTEXT: usize = 24;

/// The difference of two texts, as `[sign, text]`.
fn characters(before: &str, after: &str) -> Json {
    let chars = |text: &str| text.chars().take(CLIP).collect::<Vec<_>>();
    let shown = |run: Vec<char>| {
        if run.len() <= 3 * CONTEXT {
            return run.into_iter().collect::<String>();
        }
        let head: String = run.iter().take(CONTEXT).collect();
        let tail: String = run.iter().skip(run.len() - CONTEXT).collect();
        format!("{head} … {tail}")
    };
    let runs = diff::runs(&chars(before), &chars(after)).into_iter().map(|run| match run {
        Run::Same(run) => json!(["=", shown(run)]),
        Run::Gone(run) => json!(["-", shown(run)]),
        Run::New(run) => json!(["+", shown(run)]),
    });
    runs.collect()
}
