//! What is wrong with a text that people paste, one problem after the other.
//!
//! What there is to find the codec finds; this names where each belongs.

use alloc::string::String;
use alloc::vec::Vec;

use dubbo_k8s_codec::Found;
use dubbo_k8s_codec::pasted::{Document, Examined, Findings, PastedPod, Source};
use dubbo_k8s_codec::problem::{self, Code, Detail, Phrase};
use serde::Serialize;

use crate::answers::number;
use crate::units::Codec;

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// What, by a name that never changes.
    pub code: &'static str,
    /// `error`, `warning` or `note`.
    pub severity: &'static str,
    /// What happened here, in a sentence.
    pub message: String,
    /// What follows from it, and the way out.
    pub advice: &'static str,
    /// The namespace of the Pod, if it is about one.
    pub namespace: Option<String>,
    /// The name of the Pod, if it is about one.
    pub pod: Option<String>,
    /// The record of its annotation, counted from zero.
    pub record: Option<u32>,
    /// Where.
    pub offset: Option<u32>,
    /// In what the offset counts.
    pub place: Place,
    /// What would have been right, by a name that never changes.
    pub expected: Option<String>,
    /// What was there.
    pub found: Option<Found>,
}

/// In what an offset counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// The text that was given.
    Text,
    /// The value of the Pod's annotation.
    Annotation,
}

pub(crate) fn of(text: &[u8], codec: Codec) -> Vec<Problem> {
    let Ok(source) = Source::of(text) else {
        let refused = problem::Problem::new(Code::SourceRefused);
        let refused = refused.because(Detail::Wrong(Phrase::Gzip, None));
        return Vec::from([Problem::new(&refused, codec).at(0)]);
    };
    let document = source.read();
    let mut all = of_document(&document, &source, codec);
    let mut examined: Vec<Examined> = document.pods.iter().map(Examined::of).collect();
    Findings::compare(examined.iter_mut().map(|of| &mut of.findings));
    let java = problem::Problem::new(Code::JavaMetadata);
    for (pod, examined) in document.pods.iter().zip(&examined) {
        let problems = examined.findings.problems.iter();
        let problems = problems.chain(pod.metadata.is_some().then_some(&java));
        all.extend(problems.map(|problem| Problem::new(problem, codec).of_pod(pod, codec)));
    }
    all
}

/// What is wrong with the text around the Pods.
fn of_document(document: &Document<'_>, source: &Source<'_>, codec: Codec) -> Vec<Problem> {
    let place = |offset| codec.units.count(source.text(), offset);
    let error = document.error.iter().map(|error| {
        let problem = error.problem(document.format);
        Problem::new(&problem, codec).at(place(error.offset))
    });
    let others = document.others.iter();
    let others = others.map(|it| Problem::new(&it.problem(), codec).at(place(it.offset)));
    error.chain(others).collect()
}

impl Problem {
    fn new(problem: &problem::Problem, codec: Codec) -> Self {
        let (expected, found) = expectation(problem);
        Self {
            code: problem.code.as_str(),
            severity: problem.code.severity().as_str(),
            message: problem.message(codec.language),
            advice: problem.code.advice(codec.language),
            namespace: None,
            pod: None,
            record: problem.record.map(number),
            offset: problem.offset.map(number),
            place: Place::Annotation,
            expected: expected.map(Phrase::name),
            found,
        }
    }

    /// The same, at a place of the text.
    fn at(mut self, offset: u32) -> Self {
        (self.offset, self.place) = (Some(offset), Place::Text);
        self
    }

    fn of_pod(mut self, pod: &PastedPod<'_>, codec: Codec) -> Self {
        let given = |text: &str| (!text.is_empty()).then(|| text.into());
        (self.namespace, self.pod) = (given(&pod.pod.namespace), given(&pod.pod.name));
        if let (Some(value), Some(offset)) = (&pod.pod.annotation, self.offset) {
            let offset = usize::try_from(offset).unwrap_or(usize::MAX);
            self.offset = Some(codec.units.count(value, offset));
        }
        self
    }
}

/// What would have been right, and what was there.
fn expectation(problem: &problem::Problem) -> (Option<Phrase>, Option<Found>) {
    let mut each = problem.about.iter().map(|detail| match detail {
        Detail::Expected { expected, found, .. } => (Some(*expected), Some(*found)),
        Detail::Wrong(phrase, _) => (None, Some(Found::Thing(*phrase))),
        _ => (None, None),
    });
    each.find(|(_, found)| found.is_some()).unwrap_or_default()
}
