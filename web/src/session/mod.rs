//! The page's one partner: it loads a text, answers questions in JSON, and changes what it is told to.
//!
//! Questions are objects with the member `do`; answers are objects, `{"refused":…}` when a question
//! cannot be answered. It never sends more than a window of anything.

mod edits;
mod question;
mod summary;

use serde_json::{Value as Json, json};

use self::question::Question;
use crate::answer::with;
use crate::document::{Document, Kind};
use crate::encoding::{self, Refused};
use crate::layers::Layer;
use crate::live::{Event, Live};
use crate::model::Model;
use crate::pod::PodText;
use crate::rows::{By, View};
use crate::show::{self, Shown};
use crate::{compare, share, source};

/// Rows, problems and the like that one answer may hold.
const WINDOW: usize = 400;

/// A loaded text and how it is looked at.
#[derive(Debug, Default)]
pub struct Session {
    pub(crate) source: String,
    pub(crate) document: Option<Document>,
    pub(crate) model: Model,
    pub(crate) view: View,
    /// The problems in the order in which they are shown: Pod and place, or service.
    pub(crate) problems: Vec<show::Place>,
    pub(crate) live: Live,
    before: Option<compare::Before>,
}

impl Session {
    /// Reads the bytes of a paste or a file, in place of what was there before.
    pub fn load(&mut self, bytes: Vec<u8>) -> String {
        let before = self.before.take();
        *self = Self { before, ..Self::default() };
        let length = bytes.len();
        match encoding::text(bytes) {
            Ok(text) => self.open(text).to_string(),
            Err(refused) => {
                let offset = match refused {
                    Refused::NotText(offset) => Some(offset),
                    _ => None,
                };
                json!({"state": "refused", "why": refused.as_str(), "offset": offset,
                       "bytes": length, "limit": encoding::MAX_SOURCE})
                .to_string()
            }
        }
    }

    fn open(&mut self, text: String) -> Json {
        let mut document = Document::read(&text);
        for pod in std::mem::take(&mut document.pods) {
            self.model.push(pod, &text);
        }
        self.source = text;
        let by = match document.kind {
            Kind::Annotation | Kind::Records => By::Pod,
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

    /// Answers a question.
    pub fn request(&mut self, question: &str) -> String {
        match serde_json::from_str(question) {
            Ok(question) => self.answer(question).to_string(),
            Err(_) => json!({"refused": "not a question"}).to_string(),
        }
    }

    fn answer(&mut self, question: Question) -> Json {
        let (pod, record) = question.target();
        match question.verb.as_str() {
            "summary" => self.summary(),
            "view" => self.look(&question),
            "rows" => self.rows(&question),
            "toggle" => self.toggle(&question),
            "reveal" => self.reveal(pod, record),
            "problems" => self.problem_window(&question),
            "detail" => self.shown().detail(pod, record, question.language()),
            "select" => self.select(&question),
            "source" => source::window(&self.source, self.pod_text(pod)),
            "at" => self.at(&question),
            "edit" => self.edit(question),
            "output" => self.shown().output(pod, question.language()),
            "share" => share::pod(self.pod_text(pod), self.model.value(pod, &self.source)),
            "keep" => self.keep(),
            "compare" => self.compare(),
            "live" => self.live_input(&question),
            "seek" => self.seek(&question),
            _ => json!({"refused": "unknown question"}),
        }
    }

    pub(crate) fn shown(&self) -> Shown<'_> {
        Shown { source: &self.source, model: &self.model }
    }

    fn pod_text(&self, pod: usize) -> Option<&PodText> {
        self.model.pods.get(pod).map(|pod| &pod.text)
    }

    fn look(&mut self, question: &Question) -> Json {
        match question.by.as_str() {
            "pod" => self.view.by = By::Pod,
            "service" => self.view.by = By::Service,
            _ => {}
        }
        if let Some(words) = &question.find {
            self.view.find(words);
        }
        if let Some(open) = question.all {
            self.view.set_all(open);
        }
        self.view.rebuild(&self.model);
        json!({"rows": self.view.rows().len(), "by": by_name(self.view.by)})
    }

    fn rows(&self, question: &Question) -> Json {
        let (from, count) = (question.from, question.count.min(WINDOW));
        let rows = self.view.rows();
        let window = rows.iter().skip(from).take(count);
        let tick = self.model.tick;
        let rows_json: Vec<Json> =
            window.map(|row| self.shown().row(row, question.language(), tick)).collect();
        json!({"total": rows.len(), "from": from, "rows": rows_json})
    }

    fn toggle(&mut self, question: &Question) -> Json {
        let at = question.row.unwrap_or(usize::MAX);
        if let Some(row) = self.view.rows().get(at).copied()
            && row.open.is_some()
        {
            self.view.set_open(row.node, question.open);
            self.view.rebuild(&self.model);
        }
        json!({"rows": self.view.rows().len()})
    }

    fn reveal(&mut self, pod: usize, record: Option<usize>) -> Json {
        let record = record.map(crate::model::index);
        let row = self.view.reveal(&self.model, crate::model::index(pod), record);
        json!({"row": row, "rows": self.view.rows().len()})
    }

    fn problem_window(&self, question: &Question) -> Json {
        let (from, count) = (question.from, question.count.min(WINDOW));
        let document = self.document.as_ref();
        let window: Vec<Json> = self
            .problems
            .iter()
            .skip(from)
            .take(count)
            .map(|place| self.shown().problem(place, document, question.language()))
            .collect();
        json!({"total": self.problems.len(), "from": from, "problems": window})
    }

    fn select(&self, question: &Question) -> Json {
        let (pod, record) = question.target();
        let Some(layer) = Layer::ALL.into_iter().find(|layer| layer.as_str() == question.layer)
        else {
            return json!({"refused": "no such layer"});
        };
        self.shown().select(pod, record, layer, question.start..question.end)
    }

    /// The Pod and the record at a place of the source.
    fn at(&self, question: &Question) -> Json {
        let base =
            source::window_start(&self.source, question.pod.and_then(|pod| self.pod_text(pod)));
        let shown = self.source.get(base..).unwrap_or_default();
        let offset = base + crate::spans::from_utf16(shown, question.offset);
        self.shown().at(offset)
    }

    /// Keeps what is loaded as the one to compare with.
    fn keep(&mut self) -> Json {
        self.before = Some(compare::Before::of(&self.model, &self.source));
        json!({"kept": true})
    }

    fn compare(&self) -> Json {
        match &self.before {
            None => json!({"refused": "nothing kept"}),
            Some(before) => before.against(&self.model, &self.source),
        }
    }

    fn live_input(&mut self, question: &Question) -> Json {
        let anew = question.events.iter().any(Event::is_snapshot);
        let touched = self.live.take(&mut self.model, &question.events, question.now);
        if anew {
            (self.document, self.source) = (None, String::new());
            self.view = self.view.again(&self.model);
        }
        if touched {
            self.settle();
        }
        let (from, to) = self.live.span();
        let live = json!({"from": from, "to": to, "at": self.live.at(),
                          "gone": self.model.ghosts.len()});
        with(self.summary(), json!({"live": live}))
    }

    fn seek(&mut self, question: &Question) -> Json {
        self.live.seek(&mut self.model, question.to);
        self.settle();
        self.summary()
    }
}

const fn by_name(by: By) -> &'static str {
    match by {
        By::Service => "service",
        By::Pod => "pod",
    }
}
