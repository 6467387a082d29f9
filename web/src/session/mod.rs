//! The state behind the page: it loads a text, answers requests in JSON, and makes changes.
//!
//! Requests are objects with the member `do`; answers are objects, `{"refused":…}` when a request
//! cannot be answered. It never sends more than a window of anything.

mod edits;
mod request;
mod selection;
mod summary;

use dubbo_k8s_codec::pasted::Source;
use serde::Serialize;

use self::request::Request;
use self::summary::Summary;
use crate::answer::{answer, text};
use crate::document::{Document, Kind};
use crate::layers::Layer;
use crate::live::Live;
use crate::model::Model;
use crate::pod::PodText;
use crate::rows::{By, View};
use crate::show::{self, Places, ProblemData, RowData, Shown, Target};
use crate::{compare, graph, source, table};

/// The largest text that is read.
const MAX_SOURCE: usize = 160 << 20;

/// Rows, problems and the like that one answer may hold.
const WINDOW: usize = 400;

/// A loaded text and how it is looked at.
#[derive(Debug, Default)]
pub struct Session {
    pub(crate) source: String,
    pub(crate) document: Option<Document>,
    /// How the text was packed and written.
    coding: Vec<&'static str>,
    /// Whether the text is, byte for byte, what was given.
    verbatim: bool,
    pub(crate) model: Model,
    pub(crate) view: View,
    /// The problems in the order in which they are shown: Pod and place, or service.
    pub(crate) problems: Vec<show::Place>,
    pub(crate) live: Live,
    before: Option<compare::Before>,
}

/// Why a text is not read, by its name in the protocol of the page, and from which byte on.
type Refusal = (&'static str, Option<usize>);

/// Why a text is not read.
#[derive(Serialize)]
struct RefusedText {
    state: &'static str,
    why: &'static str,
    offset: Option<usize>,
    bytes: usize,
    limit: usize,
}

/// How many rows there are now, and how they are grouped.
#[derive(Serialize)]
struct Look {
    rows: usize,
    by: By,
}

/// How many rows there are now, and which one was asked for.
#[derive(Serialize)]
struct Place {
    rows: usize,
    row: Option<usize>,
}

/// A window of the rows.
#[derive(Serialize)]
struct RowWindow {
    total: usize,
    from: usize,
    rows: Vec<RowData>,
    /// Where the rows are that were asked for.
    places: Vec<Option<usize>>,
}

/// A window of the problems.
#[derive(Serialize)]
struct ProblemWindow {
    total: usize,
    from: usize,
    problems: Vec<ProblemData>,
}

/// What is loaded is the one to compare with.
#[derive(Serialize)]
struct Kept {
    kept: bool,
}

impl Session {
    /// Reads the bytes of a paste or a file, in place of what was there before.
    pub fn load(&mut self, bytes: Vec<u8>) -> String {
        self.load_packed(bytes, None)
    }

    /// The same of bytes that the host unpacked; those of a damaged file are what came before the damage.
    pub fn load_unpacked(&mut self, bytes: Vec<u8>, damaged: bool) -> String {
        self.load_packed(bytes, Some(damaged))
    }

    fn load_packed(&mut self, bytes: Vec<u8>, damaged: Option<bool>) -> String {
        let before = self.before.take();
        *self = Self { before, ..Self::default() };
        let length = bytes.len();
        match self.open(bytes, damaged) {
            Ok(summary) => text(&summary),
            Err((why, offset)) => {
                let limit = MAX_SOURCE;
                text(&RefusedText { state: "refused", why, offset, bytes: length, limit })
            }
        }
    }

    fn open(&mut self, bytes: Vec<u8>, damaged: Option<bool>) -> Result<Summary, Refusal> {
        let length = bytes.len();
        if length > MAX_SOURCE {
            return Err(("too-large", None));
        }
        let source = Source::of_owned(bytes).map_err(|_| ("compressed", None))?;
        let source = if damaged == Some(true) { source.damaged() } else { source };
        let document = Document::of(source.read(), source.text());
        if !source.is_text() && document.pods.is_empty() {
            return Err(("not-text", document.error.map(|error| source.place(error.offset))));
        }
        let codings = [
            (damaged.is_some(), "gzip"),
            (source.is_utf16(), "utf-16"),
            (source.is_string(), "string"),
        ];
        self.coding = codings.into_iter().filter_map(|(is, name)| is.then_some(name)).collect();
        let source = source.into_text();
        self.verbatim = damaged.is_none() && source.len() == length;
        Ok(self.show(document, source))
    }

    fn show(&mut self, mut document: Document, text: String) -> Summary {
        for pod in std::mem::take(&mut document.pods) {
            self.model.push(pod, &text);
        }
        self.source = text;
        let by = match document.kind {
            Kind::Annotation | Kind::Records | Kind::Metadata => By::Pod,
            _ => By::Service,
        };
        self.document = Some(document);
        self.settle();
        self.view = View::new(&self.model, by);
        self.summary()
    }

    /// Works out what follows from a change.
    pub(crate) fn settle(&mut self) {
        self.model.settle();
        self.problems = show::problems(&self.model, self.document.as_ref());
        self.view.rebuild(&self.model);
    }

    /// Answers a request.
    pub fn request(&mut self, request: &str) -> String {
        match Request::read(request) {
            Some(request) => self.answer(request),
            None => refused("not a request"),
        }
    }

    fn answer(&mut self, request: Request) -> String {
        let (pod, record) = self.target(&request);
        match request.verb.as_str() {
            "summary" => text(&self.summary()),
            "view" => text(&self.look(&request)),
            "rows" => text(&self.rows(&request)),
            "toggle" => text(&self.toggle(&request)),
            "reveal" => text(&self.reveal(pod, record)),
            "problems" => text(&self.problem_window(&request)),
            "detail" => {
                let (now, language) = (request.now, request.language());
                let detail = self.shown().detail(pod, record, now, language);
                answer(detail.ok_or("no such Pod"))
            }
            "select" => answer(self.select(&request)),
            "source" => text(&source::window(&self.source, self.pod_text(pod))),
            "at" => text(&self.at(&request)),
            "edit" => answer(self.edit(request)),
            "output" => {
                let output = self.shown().output(pod);
                answer(output.ok_or("no annotation"))
            }
            "locate" => text(&self.locate(&request)),
            "share" => answer(self.share(&request)),
            "graph" => text(&graph::graph(&self.model, &self.view)),
            "facets" => text(&table::facets(&self.model)),
            "table" => text(&table::table(&self.shown(), &self.view)),
            "keep" => text(&self.keep()),
            "compare" => answer(self.compare()),
            "tick" => text(&self.tick(&request)),
            "timeline" => text(&self.shown().timeline(&self.live, request.count)),
            "seek" => text(&self.seek(&request)),
            _ => refused("unknown request"),
        }
    }

    pub(crate) fn shown(&self) -> Shown<'_> {
        Shown { source: &self.source, model: &self.model }
    }

    fn pod_text(&self, pod: usize) -> Option<&PodText> {
        self.model.pods.get(pod).map(|pod| &pod.text)
    }

    fn look(&mut self, request: &Request) -> Look {
        match request.by.as_str() {
            "pod" => self.view.by = By::Pod,
            "service" => self.view.by = By::Service,
            _ => {}
        }
        if let Some(words) = &request.find {
            self.view.find(words);
        }
        if let Some(filters) = &request.filters {
            self.view.filter(filters);
        }
        if let Some(open) = request.all {
            self.view.set_all(open);
        }
        self.view.rebuild(&self.model);
        Look { rows: self.view.rows().len(), by: self.view.by }
    }

    fn rows(&self, request: &Request) -> RowWindow {
        let (from, count) = (request.from, request.count.min(WINDOW));
        let rows = self.view.rows();
        let window = rows.iter().skip(from).take(count);
        let tick = self.model.tick;
        let shown = window.map(|row| self.shown().row(row, tick)).collect();
        let places = request.ids.iter().map(|id| self.view.position(id)).collect();
        RowWindow { total: rows.len(), from, rows: shown, places }
    }

    fn toggle(&mut self, request: &Request) -> Place {
        let at = request.row.unwrap_or(usize::MAX);
        if let Some(row) = self.view.rows().get(at).copied()
            && row.open.is_some()
        {
            self.view.set_open(row.node, request.open);
            self.view.rebuild(&self.model);
        }
        Place { rows: self.view.rows().len(), row: None }
    }

    fn reveal(&mut self, pod: usize, record: Option<usize>) -> Place {
        let record = record.map(crate::model::index);
        let row = self.view.reveal(&self.model, crate::model::index(pod), record);
        Place { rows: self.view.rows().len(), row }
    }

    fn problem_window(&self, request: &Request) -> ProblemWindow {
        let (from, count) = (request.from, request.count.min(WINDOW));
        let document = self.document.as_ref();
        let problems = self
            .problems
            .iter()
            .skip(from)
            .take(count)
            .filter_map(|place| self.shown().problem(place, document))
            .collect();
        ProblemWindow { total: self.problems.len(), from, problems }
    }

    fn select(&self, request: &Request) -> Result<Places, &'static str> {
        let (pod, record) = self.target(request);
        let layer = Layer::ALL.into_iter().find(|layer| layer.as_str() == request.layer);
        let layer = layer.ok_or("no such layer")?;
        let places = self.shown().select(pod, record, layer, request.start..request.end);
        places.ok_or("no annotation")
    }

    /// The Pod and the record at a place of the source.
    fn at(&self, request: &Request) -> Target {
        let base =
            source::window_start(&self.source, request.pod.and_then(|pod| self.pod_text(pod)));
        let shown = self.source.get(base..).unwrap_or_default();
        let offset = base + crate::spans::from_utf16(shown, request.offset);
        self.shown().at(offset)
    }

    /// Keeps what is loaded as the one to compare with.
    fn keep(&mut self) -> Kept {
        self.before = Some(compare::Before::of(&self.model, &self.source));
        Kept { kept: true }
    }

    fn compare(&self) -> Result<compare::Comparison, &'static str> {
        let before = self.before.as_ref().ok_or("nothing kept")?;
        Ok(before.against(&self.model, &self.source))
    }

    /// Takes an answer of `/v1/annotations`, which came at the time `now`, in milliseconds.
    pub fn follow(&mut self, answer: Vec<u8>, now: u64) -> String {
        let is_first = !self.live.is_on();
        let answer = String::from_utf8(answer).unwrap_or_default();
        let Ok(touched) = self.live.take(&mut self.model, answer, now) else {
            return refused("not an answer");
        };
        if is_first {
            (self.document, self.source) = (None, String::new());
        }
        if touched {
            self.settle();
        }
        if is_first {
            self.view.begin(&self.model);
        }
        text(&self.summary())
    }

    /// Lets time pass.
    fn tick(&mut self, request: &Request) -> Summary {
        if self.live.tick(&mut self.model, request.now) {
            self.view.rebuild(&self.model);
        }
        self.summary()
    }

    fn seek(&mut self, request: &Request) -> Summary {
        self.live.seek(&mut self.model, request.to);
        self.settle();
        self.summary()
    }
}

fn refused(why: &'static str) -> String {
    answer(Err::<(), _>(why))
}

#[cfg(test)]
mod forms;
#[cfg(test)]
mod tests;
