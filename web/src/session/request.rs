//! What the page asks, as it writes it: an object whose member `do` says what, and whose others say how.
//!
//! What is missing is empty, and never an error: who answers says what is needed.

use dubbo_k8s_codec::problem::Language;
use dubbo_k8s_codec::yaml::{Event, Json};

use crate::pieces::{flag, number, text, texts};

/// A request of the page. Members that only some requests have are empty in the others.
#[derive(Debug, Default)]
pub(super) struct Request {
    /// The member `do`.
    pub(super) verb: String,
    pub(super) lang: String,
    /// The Pod and the record it is about.
    pub(super) pod: Option<usize>,
    pub(super) record: Option<usize>,
    /// A window of rows or problems.
    pub(super) from: usize,
    pub(super) count: usize,
    /// How the rows are looked at.
    pub(super) by: String,
    pub(super) find: Option<String>,
    pub(super) all: Option<bool>,
    pub(super) row: Option<usize>,
    pub(super) open: bool,
    /// The Pod's uid and the record's key, where their places may have changed since.
    pub(super) uid: String,
    pub(super) of: String,
    /// Rows whose places are asked for.
    pub(super) ids: Vec<String>,
    /// What is let through.
    pub(super) filters: Option<Vec<String>>,
    /// A place of the text, or in a layer.
    pub(super) offset: usize,
    pub(super) layer: String,
    pub(super) start: usize,
    pub(super) end: usize,
    /// A change of a record.
    pub(super) op: String,
    pub(super) key: String,
    pub(super) value: String,
    pub(super) name: String,
    pub(super) url: String,
    pub(super) interface: String,
    pub(super) category: String,
    /// The field that is typed into.
    pub(super) field: String,
    /// Where a record is moved to, or the time to go back to.
    pub(super) to: Option<u64>,
    /// The time, in milliseconds.
    pub(super) now: u64,
}

impl Request {
    /// The request that a JSON text holds.
    pub(super) fn read(json: &str) -> Option<Self> {
        let mut of = Self::default();
        let mut json = Json::new(json);
        if json.next_piece().ok()?.event != Event::Map {
            return None;
        }
        let read = json.members(&mut |json, name, value| {
            match name {
                "do" => of.verb = text(value),
                "lang" => of.lang = text(value),
                "pod" => of.pod = number(&value),
                "record" => of.record = number(&value),
                "from" => of.from = number(&value).unwrap_or_default(),
                "count" => of.count = number(&value).unwrap_or_default(),
                "by" => of.by = text(value),
                "find" => of.find = Some(text(value)),
                "all" => of.all = flag(&value),
                "row" => of.row = number(&value),
                "open" => of.open = flag(&value).unwrap_or_default(),
                "uid" => of.uid = text(value),
                "of" => of.of = text(value),
                "ids" => of.ids = texts(json, &value)?.unwrap_or_default(),
                "filters" => of.filters = texts(json, &value)?,
                "offset" => of.offset = number(&value).unwrap_or_default(),
                "layer" => of.layer = text(value),
                "start" => of.start = number(&value).unwrap_or_default(),
                "end" => of.end = number(&value).unwrap_or_default(),
                "op" => of.op = text(value),
                "key" => of.key = text(value),
                "value" => of.value = text(value),
                "name" => of.name = text(value),
                "url" => of.url = text(value),
                "interface" => of.interface = text(value),
                "category" => of.category = text(value),
                "field" => of.field = text(value),
                "to" => of.to = number(&value),
                "now" => of.now = number(&value).unwrap_or_default(),
                _ => {}
            }
            Ok(())
        });
        read.is_ok().then_some(of)
    }

    pub(super) fn language(&self) -> Language {
        Language::of(&self.lang)
    }

    /// The Pod and record it is about.
    pub(super) fn target(&self) -> (usize, Option<usize>) {
        (self.pod.unwrap_or(0), self.record)
    }
}
