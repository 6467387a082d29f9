//! The page's one partner: it loads a text, answers questions in JSON, and changes what it is told to.
//!
//! Questions are objects with the member `do`; answers are objects, `{"refused":…}` when a question
//! cannot be answered. It never sends more than a window of anything.

mod edits;
mod summary;

use dubbo_k8s_codec::problem::Language;

use crate::answer::{Json, Value, json};
use crate::document::{Document, Kind};
use crate::encoding::{self, Refused};
use crate::layers::Layer;
use crate::live::Live;
use crate::model::Model;
use crate::pod::PodText;
use crate::rows::{By, Node, View};
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

/// A question of the page.
pub(crate) struct Ask<'a>(&'a Value);

impl<'a> Ask<'a> {
    pub(crate) fn text(&self, name: &str) -> &'a str {
        self.0.text(name)
    }

    pub(crate) fn number(&self, name: &str) -> Option<usize> {
        self.0.number(name)
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.0.flag(name)
    }

    fn language(&self) -> Language {
        Language::of(self.text("lang"))
    }

    /// The Pod and record it is about.
    fn target(&self) -> (usize, Option<usize>) {
        (self.number("pod").unwrap_or(0), self.number("record"))
    }
}

impl Session {
    /// Reads the bytes of a paste or a file, in place of what was there before.
    pub fn load(&mut self, bytes: Vec<u8>) -> String {
        let before = self.before.take();
        *self = Self { before, ..Self::default() };
        let length = bytes.len();
        match encoding::text(bytes) {
            Ok(text) => self.open(text).into_text(),
            Err(refused) => {
                let offset = match refused {
                    Refused::NotText(offset) => Some(offset),
                    _ => None,
                };
                json!({"state": "refused", "why": refused.as_str(), "offset": offset,
                       "bytes": length, "limit": encoding::MAX_SOURCE})
                .into_text()
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
        let Ok(question) = Value::read(question) else {
            return json!({"refused": "not a question"}).into_text();
        };
        self.answer(&Ask(&question)).into_text()
    }

    fn answer(&mut self, ask: &Ask<'_>) -> Json {
        let (pod, record) = ask.target();
        match ask.text("do") {
            "summary" => self.summary(),
            "view" => self.look(ask),
            "rows" => self.rows(ask),
            "toggle" => self.toggle(ask),
            "reveal" => self.reveal(pod, record),
            "problems" => self.problem_window(ask),
            "detail" => self.shown().detail(pod, record, ask.language()),
            "select" => self.select(ask),
            "source" => source::window(&self.source, self.pod_text(pod)),
            "at" => self.at(ask),
            "edit" => self.edit(ask),
            "output" => self.shown().output(pod, ask.language()),
            "share" => share::pod(self.pod_text(pod), self.model.value(pod, &self.source)),
            "keep" => self.keep(),
            "compare" => self.compare(),
            "live" => self.live_input(ask),
            "seek" => self.seek(ask),
            _ => json!({"refused": "unknown question"}),
        }
    }

    pub(crate) fn shown(&self) -> Shown<'_> {
        Shown { source: &self.source, model: &self.model }
    }

    fn pod_text(&self, pod: usize) -> Option<&PodText> {
        self.model.pods.get(pod).map(|pod| &pod.text)
    }

    fn look(&mut self, ask: &Ask<'_>) -> Json {
        match ask.text("by") {
            "pod" => self.view.by = By::Pod,
            "service" => self.view.by = By::Service,
            _ => {}
        }
        if ask.0.get("find").is_some() {
            self.view.find(ask.text("find"));
        }
        if ask.0.get("all").is_some() {
            self.view.set_all(ask.flag("all"));
        }
        self.view.rebuild(&self.model);
        json!({"rows": self.view.rows().len(), "by": by_name(self.view.by)})
    }

    fn rows(&self, ask: &Ask<'_>) -> Json {
        let from = ask.number("from").unwrap_or(0);
        let count = ask.number("count").unwrap_or(0).min(WINDOW);
        let rows = self.view.rows();
        let window = rows.iter().skip(from).take(count);
        let tick = self.model.tick;
        let rows_json: Vec<Json> =
            window.map(|row| self.shown().row(row, ask.language(), tick)).collect();
        json!({"total": rows.len(), "from": from, "rows": rows_json})
    }

    fn toggle(&mut self, ask: &Ask<'_>) -> Json {
        let at = ask.number("row").unwrap_or(usize::MAX);
        if let Some(row) = self.view.rows().get(at).copied()
            && row.open.is_some()
        {
            self.view.set_open(row.node, ask.flag("open"));
            self.view.rebuild(&self.model);
        }
        json!({"rows": self.view.rows().len()})
    }

    fn reveal(&mut self, pod: usize, record: Option<usize>) -> Json {
        let record = record.map(crate::model::index);
        let row = self.view.reveal(&self.model, crate::model::index(pod), record);
        json!({"row": row, "rows": self.view.rows().len()})
    }

    fn problem_window(&self, ask: &Ask<'_>) -> Json {
        let from = ask.number("from").unwrap_or(0);
        let count = ask.number("count").unwrap_or(0).min(WINDOW);
        let document = self.document.as_ref();
        let window: Vec<Json> = self
            .problems
            .iter()
            .skip(from)
            .take(count)
            .map(|place| self.shown().problem(place, document, ask.language()))
            .collect();
        json!({"total": self.problems.len(), "from": from, "problems": window})
    }

    fn select(&self, ask: &Ask<'_>) -> Json {
        let (pod, record) = ask.target();
        let Some(layer) = Layer::ALL.into_iter().find(|layer| layer.as_str() == ask.text("layer"))
        else {
            return json!({"refused": "no such layer"});
        };
        let (start, end) = (ask.number("start").unwrap_or(0), ask.number("end").unwrap_or(0));
        self.shown().select(pod, record, layer, start..end)
    }

    /// The Pod and the record at a place of the source.
    fn at(&self, ask: &Ask<'_>) -> Json {
        let base =
            source::window_start(&self.source, ask.number("pod").and_then(|p| self.pod_text(p)));
        let shown = self.source.get(base..).unwrap_or_default();
        let offset = base + crate::spans::from_utf16(shown, ask.number("offset").unwrap_or(0));
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

    fn live_input(&mut self, ask: &Ask<'_>) -> Json {
        let items = ask.0.items("events");
        let now = ask.0.time("now").unwrap_or(0);
        let anew = items.iter().any(|event| event.text("event") == "snapshot");
        let touched = self.live.take(&mut self.model, items, now);
        if anew {
            (self.document, self.source) = (None, String::new());
            self.view = self.view.again(&self.model);
        }
        if touched {
            self.settle();
        }
        let (from, to) = self.live.span();
        let mut summary = self.summary();
        summary.put(
            "live",
            &json!({"from": from, "to": to, "at": self.live.at(),
                                  "gone": self.model.ghosts.len()}),
        );
        summary
    }

    fn seek(&mut self, ask: &Ask<'_>) -> Json {
        let to = ask.0.time("to");
        self.live.seek(&mut self.model, to);
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

/// The identity of a row for the page.
pub(crate) fn node_id(node: Node) -> String {
    match node {
        Node::Unread => "u".to_owned(),
        Node::Service(id) => format!("s{id}"),
        Node::Role(id, category) => format!("s{id}.{category}"),
        Node::Endpoint(pod, place) => format!("e{pod}.{place}"),
        Node::Ghost(at) => format!("g{at}"),
        Node::Pod(pod) => format!("p{pod}"),
        Node::Record(pod, record) => format!("r{pod}.{record}"),
    }
}
