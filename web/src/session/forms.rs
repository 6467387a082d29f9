//! Every form of what people paste, read by the page as `decode` reads it. The table is that of `decode`'s own test.

use dubbo_k8s_codec::pasted::{Document, Examined, Findings, Source};
use dubbo_k8s_codec::problem::Problem;
use serde_json::{Value, json};

use super::*;
use crate::spans::to_utf16;

const FORMS: &str = include_str!("../../../codec/tests/data/pasted/forms.json");

/// A case, and the bytes that it is about.
fn forms() -> Vec<(Value, Vec<u8>)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../codec/tests/data/pasted/");
    let bytes = |case: &Value| match case["file"].as_str() {
        Some(file) => std::fs::read(folder.to_owned() + file).unwrap(),
        None => case["text"].as_str().unwrap().into(),
    };
    let cases: Vec<Value> = serde_json::from_str(FORMS).unwrap();
    cases.into_iter().map(|case| (case.clone(), bytes(&case))).collect()
}

/// A problem by what it is, where in the source and in the annotation it stands, and what it is about.
fn problem(of: &Problem, source: Option<usize>, offset: Option<usize>) -> String {
    json!([of.code.as_str(), source, offset, of.about]).to_string()
}

/// The problems that `decode` reports.
fn decoded(document: &Document<'_>, text: &str) -> Vec<String> {
    let place = |offset: usize| Some(to_utf16(text, offset));
    let mut examined: Vec<Examined> = document.pods.iter().map(Examined::of).collect();
    Findings::compare(examined.iter_mut().map(|one| &mut one.findings));
    let whole = document
        .error
        .iter()
        .map(|error| problem(&error.problem(document.format), place(error.offset), None));
    let others =
        document.others.iter().map(|other| problem(&other.problem(), place(other.offset), None));
    let pods = document.pods.iter().zip(&examined).flat_map(|(pod, one)| {
        one.findings.problems.iter().map(move |of| match &pod.error {
            Some(error) => problem(of, place(pod.span.start + error.offset), None),
            None => problem(of, None, of.offset),
        })
    });
    let mut all: Vec<String> = whole.chain(others).chain(pods).collect();
    all.sort();
    all
}

/// The problems that the page shows, but for what only the page says: that Java's metadata registers nothing here.
fn shown(session: &mut Session) -> Vec<String> {
    let window = session.request(r#"{"do":"problems","count":400}"#);
    let window: Value = serde_json::from_str(&window).unwrap();
    let problems = window["problems"].as_array().unwrap().iter();
    let problems = problems.filter(|of| of["code"] != "java-metadata");
    let one = |of: &Value| json!([of["code"], of["source"][0], of["offset"], of["about"]]);
    let mut all: Vec<String> = problems.map(|of| one(of).to_string()).collect();
    all.sort();
    all
}

#[test]
fn every_form_is_called_by_its_name_and_read_as_decode_reads_it() {
    for (case, bytes) in forms() {
        let mut session = Session::default();
        let summary: Value = serde_json::from_str(&session.load(bytes.clone())).unwrap();
        let called = ["name", "format", "coding"].map(|member| summary[member].clone());
        let coding = case["coding"].as_array().cloned().unwrap_or_default();
        assert_eq!(called, [case["name"].clone(), case["format"].clone(), coding.into()], "{case}");

        let source = Source::of(&bytes).unwrap();
        let document = source.read();
        let error = document.error.as_ref();
        let error = error.map(|it| json!([it.stage.as_str(), source.place(it.offset)]));
        assert_eq!(error.unwrap_or_default(), case["error"], "{case}");
        let names: Vec<&str> = session.model.pods.iter().map(|pod| &*pod.text.name).collect();
        let read: Vec<&str> = document.pods.iter().map(|pod| &*pod.pod.name).collect();
        assert_eq!(json!(names), case.get("pods").cloned().unwrap_or(json!([])), "{case}");
        assert_eq!(names, read, "{case}");
        assert_eq!(shown(&mut session), decoded(&document, source.text()), "{case}");
    }
}
