//! `cargo xtask vectors`: asks dubbo-go's own functions the questions of the codec's vectors again, and compares its
//! answers with the recorded ones. It never accepts another answer by itself: `--write` does, for a person who looks.

use std::fs::{self, File};
use std::path::Path;

use serde_json::{Value, json};

use crate::go::DUBBO_GO;
use crate::process::{Context as _, Failure, Result, Tool, root};
use crate::say;

/// What dubbo-go answered about URLs and annotations: each line is its answer, with the question in it.
const ANSWERS: &str = "codec/tests/data/dubbo-go-url.jsonl";
/// Annotations with a note of ours: encoded and decoded by Go.
const ANNOTATIONS: &str = "codec/tests/data/dubbo-go-codec.jsonl";

/// The members of an answer that are its question.
const QUESTIONS: [&str; 4] = ["newurl", "equal", "unmarshal", "marshal"];

/// Compares both files with dubbo-go; with `write`, the recorded answers become those of now.
pub(crate) fn run(write: bool) -> Result {
    let oracle = DUBBO_GO.bring()?.join("oracle");
    let recorded = lines(ANSWERS)?;
    let questions: Vec<Value> = recorded.iter().map(question).collect();
    let text = ask(&oracle, &questions)?;
    let answered = read(&text, "dubbo-go's answers")?;
    let mut differ = differing(&recorded, &answered, |ours, theirs| ours == theirs);
    if write && !differ.is_empty() {
        fs::write(root().join(ANSWERS), text).context(|| format!("writing {ANSWERS}"))?;
        say::line(&format!("{ANSWERS}: {} answers are new", differ.len()));
        differ.clear();
    }
    let annotations = lines(ANNOTATIONS)?;
    let questions: Vec<Value> = annotations.iter().map(of_annotation).collect();
    let answered = read(&ask(&oracle, &questions)?, "dubbo-go's answers")?;
    differ.extend(differing(&annotations, &answered, is_same_annotation));
    for line in &differ {
        say::line(line);
    }
    say::line(&format!("{} answers compared", recorded.len() + annotations.len()));
    match differ.len() {
        0 => Ok(()),
        count => Err(Failure::new(format!(
            "{count} answers of dubbo-go are not the recorded ones, listed above; look at them, then \
             `cargo xtask vectors --write`"
        ))),
    }
}

fn lines(path: &str) -> Result<Vec<Value>> {
    let text = fs::read_to_string(root().join(path)).context(|| format!("reading {path}"))?;
    read(&text, path)
}

fn read(text: &str, origin: &str) -> Result<Vec<Value>> {
    let read = |line: &str| serde_json::from_str(line).context(|| format!("a line of {origin}"));
    text.lines().map(read).collect()
}

fn question(answer: &Value) -> Value {
    let members = QUESTIONS.iter().filter_map(|name| Some((*name, answer.get(name)?.clone())));
    members.map(|(name, value)| (name.to_owned(), value)).collect::<serde_json::Map<_, _>>().into()
}

fn of_annotation(line: &Value) -> Value {
    match line.get("kind").and_then(Value::as_str) {
        Some("encode") => json!({"marshal": line.get("records")}),
        _ => json!({"unmarshal": line.get("annotation")}),
    }
}

/// The program reads and writes a JSON document a line.
fn ask(oracle: &Path, questions: &[Value]) -> Result<String> {
    let folder = tempfile::tempdir().context(|| "making a folder for the questions".into())?;
    let path = folder.path().join("questions");
    let text: Vec<String> = questions.iter().map(Value::to_string).collect();
    fs::write(&path, text.join("\n")).context(|| "writing the questions".into())?;
    let input = File::open(&path).context(|| "reading the questions".into())?;
    let answers = Tool::new(oracle).input(input).read()?;
    match answers.lines().count() {
        count if count == questions.len() => Ok(answers),
        count => {
            let asked = questions.len();
            Err(Failure::new(format!("dubbo-go gave {count} answers to {asked} questions")))
        }
    }
}

fn differing(
    recorded: &[Value],
    answered: &[Value],
    is_same: fn(&Value, &Value) -> bool,
) -> Vec<String> {
    let pairs = recorded.iter().zip(answered).filter(|(ours, theirs)| !is_same(ours, theirs));
    pairs.map(|(ours, theirs)| format!("recorded {ours}\nnow      {theirs}")).collect()
}

/// No list is an empty one, and a record that is null is one without anything.
fn is_same_annotation(recorded: &Value, answered: &Value) -> bool {
    let same = |name: &str| recorded.get(name) == answered.get(name);
    if recorded.get("kind").is_some_and(|kind| kind == "encode") {
        return same("ok") && same("annotation");
    }
    let records = |line: &Value| -> Vec<Value> {
        let records = line.get("records").and_then(Value::as_array);
        let empty = json!({"k": "", "v": ""});
        let filled = |it: &Value| if it.is_null() { empty.clone() } else { it.clone() };
        records.into_iter().flatten().map(filled).collect()
    };
    same("ok")
        && (answered.get("ok") != Some(&true.into()) || records(recorded) == records(answered))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_is_taken_out_of_its_answer() {
        let answer = json!({"ok": true, "result": false, "equal": ["a", "b"]});
        assert_eq!(question(&answer), json!({"equal": ["a", "b"]}));
        let line = json!({"kind": "encode", "records": [{"k": "a", "v": ""}], "annotation": "x"});
        assert_eq!(of_annotation(&line), json!({"marshal": [{"k": "a", "v": ""}]}));
        let line = json!({"kind": "decode", "annotation": "x", "ok": false});
        assert_eq!(of_annotation(&line), json!({"unmarshal": "x"}));
    }

    #[test]
    fn an_annotation_differs_by_its_verdict_and_its_records() {
        let line =
            |ok: bool, records: Value| json!({"kind": "decode", "ok": ok, "records": records});
        assert!(is_same_annotation(&line(true, Value::Null), &line(true, json!([]))));
        assert!(is_same_annotation(&line(false, Value::Null), &line(false, json!(["rest"]))));
        let empty = json!([{"k": "", "v": ""}]);
        assert!(is_same_annotation(&line(true, empty), &line(true, json!([null]))));
        assert!(!is_same_annotation(&line(true, json!([])), &line(true, json!([null]))));
        assert!(!is_same_annotation(&line(true, json!([])), &line(false, json!([]))));
        let encoded = |text: &str| json!({"kind": "encode", "ok": true, "annotation": text});
        assert!(!is_same_annotation(&encoded("a"), &encoded("b")));
    }

    #[test]
    fn what_differs_is_shown_with_both_answers() {
        let (ours, theirs) = (json!({"ok": true}), json!({"ok": false}));
        let shown = differing(&[ours.clone(), ours.clone()], &[ours, theirs], |a, b| a == b);
        assert_eq!(shown, ["recorded {\"ok\":true}\nnow      {\"ok\":false}"]);
    }
}
