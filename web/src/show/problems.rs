//! The problems of a text: all of them in order, and each as the page shows it.
//!
//! It looks for none; the codec's lint and the readers found them.

use dubbo_k8s_codec::problem::{Detail, Problem, Severity};

use super::{Places, Shown, pod_name};
use crate::document::Document;
use crate::model::{Lonely, Model, Pod, index};
use crate::source;
use serde::Serialize;

/// The most problems of a Pod that are listed.
const LISTED: usize = 200;

/// A problem among all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// How bad it is.
    pub severity: Severity,
    /// Where it is found.
    pub of: Of,
}

/// What a problem belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// The text as a whole: a syntax error.
    Document,
    /// Objects of a kind that are no Pods.
    Other(u32),
    /// A Pod's problem.
    Pod(u32, u32),
    /// A service's.
    Service(u32),
}

/// All problems, the worst first, in the order of the text.
pub fn problems(model: &Model, document: Option<&Document>) -> Vec<Place> {
    let mut all = Vec::new();
    if let Some(document) = document {
        if document.error.is_some() {
            all.push(Place { severity: Severity::Error, of: Of::Document });
        }
        for at in 0..document.others.len() {
            all.push(Place { severity: Severity::Note, of: Of::Other(index(at)) });
        }
    }
    for service in model.sorted() {
        let worst = model.services.get(service as usize).and_then(|node| node.lonely.first());
        if let Some(Lonely { problem, .. }) = worst {
            all.push(Place { severity: problem.code.severity(), of: Of::Service(service) });
        }
    }
    for (pod, of) in model.pods.iter().enumerate() {
        for (at, problem) in of.problems.iter().enumerate() {
            let (pod, at) = (index(pod), index(at));
            all.push(Place { severity: problem.code.severity(), of: Of::Pod(pod, at) });
        }
    }
    let of =
        |severity: Severity| all.iter().filter(move |place| place.severity == severity).copied();
    let worst = [Severity::Error, Severity::Warning, Severity::Note];
    worst.into_iter().flat_map(of).collect()
}

/// A problem as it is shown, and where it stands.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProblemData {
    code: &'static str,
    severity: &'static str,
    about: Vec<Detail>,
    offset: Option<usize>,
    pod: Option<u32>,
    record: Option<usize>,
    r#in: Option<String>,
    line: Option<usize>,
    source: Option<[usize; 2]>,
    places: Option<Places>,
}

impl Shown<'_> {
    /// One problem of the list.
    pub fn problem(&self, place: &Place, document: Option<&Document>) -> Option<ProblemData> {
        Some(match place.of {
            Of::Document => {
                let error = document?.error.as_ref()?;
                let problem = error.problem(document?.format);
                let line = self.source.get(..error.offset).unwrap_or_default();
                let line = line.bytes().filter(|byte| *byte == b'\n').count() + 1;
                let source = self.source_place(None, error.offset);
                ProblemData { line: Some(line), source, ..ProblemData::of(&problem) }
            }
            Of::Other(at) => {
                let other = document?.others.get(at as usize)?;
                let source = self.source_place(None, other.offset);
                ProblemData { source, ..ProblemData::of(&other.problem()) }
            }
            Of::Pod(pod, at) => {
                let of = self.pod(pod as usize)?;
                let shown = ProblemData::of(of.problems.get(at as usize)?);
                let error = of.text.error.as_ref().filter(|_| at == 0);
                let source = error.and_then(|error| {
                    self.source_place(Some(pod as usize), of.text.span.start + error.offset)
                });
                ProblemData { pod: Some(pod), r#in: Some(pod_name(of)), source, ..shown }
            }
            Of::Service(id) => {
                let node = self.model.services.get(id as usize)?;
                let Lonely { problem, member, .. } = node.lonely.first()?;
                let record = self.model.endpoint(*member).map(|(_, endpoint)| endpoint.record);
                ProblemData {
                    pod: Some(member.0),
                    record: record.map(|record| record as usize),
                    r#in: Some(node.service.to_string()),
                    ..ProblemData::of(problem)
                }
            }
        })
    }

    fn source_place(&self, pod: Option<usize>, offset: usize) -> Option<[usize; 2]> {
        let start = self.window_start(pod);
        source::in_window(self.source, start, &(offset..offset + 1))
    }

    /// The problems of a Pod, that of the record's service first; `place` says where each stands.
    pub(super) fn problems_of(
        &self,
        at: usize,
        of: &Pod,
        record: Option<usize>,
        place: &dyn Fn(usize) -> Option<Places>,
    ) -> Vec<ProblemData> {
        let of_service = self.service_problem(at, of, record);
        let all = of_service.iter().chain(of.problems.iter().take(LISTED));
        let listed = all.map(|problem| {
            let places = problem.offset.and_then(place);
            ProblemData { places, ..ProblemData::of(problem) }
        });
        listed.collect()
    }

    /// Why a consumer finds no provider, if this record is one.
    fn service_problem(&self, at: usize, of: &Pod, record: Option<usize>) -> Option<Problem> {
        let place = of.place_of(record?)?;
        Some(self.model.lonely((index(at), place))?.clone().in_record(record?))
    }
}

impl ProblemData {
    fn of(problem: &Problem) -> Self {
        Self {
            code: problem.code.as_str(),
            severity: problem.code.severity().as_str(),
            about: problem.about.clone(),
            offset: problem.offset,
            record: problem.record,
            ..Self::default()
        }
    }
}
