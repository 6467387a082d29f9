//! What the page asks, as it writes it: an object whose member `do` says what, and whose others say how.
//!
//! What is missing is empty, and never an error: who answers says what is needed.

use dubbo_k8s_codec::problem::Language;
use serde::Deserialize;

/// A request of the page. Members that only some requests have are empty in the others.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Request {
    #[serde(rename = "do")]
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
    pub(super) fn language(&self) -> Language {
        Language::of(&self.lang)
    }

    /// The Pod and record it is about.
    pub(super) fn target(&self) -> (usize, Option<usize>) {
        (self.pod.unwrap_or(0), self.record)
    }
}
