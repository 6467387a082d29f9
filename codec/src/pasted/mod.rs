//! Reads what people paste and save: annotations, Pods in every form that kubectl prints, watches, dumps,
//! URLs and keys. The one reader of the command line, the page and the library.
//!
//! It decodes no annotation of a Pod and judges nothing. A text that breaks off keeps what came before the break.

mod beginnings;
mod document;
mod findings;
mod form;
mod json;
mod lines;
mod objects;
mod printed;
mod source;
mod states;
#[cfg(feature = "yaml")]
mod yaml;

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use crate::error::DecodeError;
use crate::fault::Stage;
use crate::phrase::Phrase;
use crate::pod::Pod;
use crate::pod_error::PodError;
use crate::problem::Detail;

pub use findings::{Examined, Findings};
pub use source::{GZIP, Refused, Source};

/// How a text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// The bare value of an annotation, or several, a line each.
    Base64,
    /// JSON, one value or several, perhaps with other text between them.
    Json,
    /// YAML, one document or several.
    Yaml,
    /// URLs or keys of a registry, or annotations as `name=value`, a line each.
    Lines,
    /// What kubectl prints for people.
    Printed,
}

/// What a text holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// White space only.
    Empty,
    /// One annotation without its Pod.
    Annotation,
    /// Records: those of an annotation, already decoded, or URLs or keys. The one Pod has the annotation that they become.
    Records,
    /// Dubbo Java's annotation `io.dubbo/metadata` without its Pod.
    Metadata,
    /// Pods: one, a list, or several documents.
    Pods,
    /// Events of a watch; the Pods are as the last event left them.
    Events,
    /// What `kubectl cluster-info dump` prints: the Pods among other lists and the logs of their containers.
    Dump,
}

/// What a text holds, in its order.
///
/// ```
/// use dubbo_k8s_codec::pasted::{Kind, Source};
///
/// let source = Source::of(b"kind: List\nitems:\n- metadata: {name: a}\n")?;
/// let document = source.read();
/// assert_eq!((document.kind, &*document.pods[0].pod.name), (Kind::Pods, "a"));
/// # Ok::<(), dubbo_k8s_codec::pasted::Refused>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Document<'a> {
    /// How it is written.
    pub format: Format,
    /// What it holds.
    pub kind: Kind,
    /// The Pods; without their names if the text has only annotations.
    pub pods: Vec<PastedPod<'a>>,
    /// What is no Pod: each kind once, at most [`MAX_OTHERS`] of them.
    pub others: Vec<Other>,
    /// How many lines of other text stand between the objects.
    pub skipped_lines: usize,
    /// The first place where the text is not what it began as.
    pub error: Option<PastedError>,
}

/// So many kinds of objects that are no Pods are named.
pub const MAX_OTHERS: usize = 20;

/// A Pod as a text has it.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct PastedPod<'a> {
    /// The Pod as far as it could be read.
    pub pod: Pod<'a>,
    /// Why a registry would not read it. The offset is one in the object.
    pub error: Option<PodError>,
    /// Where the object stands in the text.
    pub span: Range<usize>,
    /// Where the value of `dubbo.io/annotation` stands in the text, with its quotes; nowhere if it is made of records.
    pub annotation: Option<Range<usize>>,
    /// Whether the object has annotations at all.
    pub annotated: bool,
    /// The bytes of all other annotations, names and values.
    pub other_annotation_bytes: usize,
    /// The value of Dubbo Java's annotation `io.dubbo/metadata`.
    pub metadata: Option<Cow<'a, str>>,
    /// What the last event of a watch was.
    pub change: Option<Change>,
    /// It says of itself that it is a Pod.
    has_kind: bool,
    /// It is a document of its own, as a watch without events prints them.
    alone: bool,
}

impl PastedPod<'_> {
    /// Whether it is an annotation without its Pod.
    pub fn is_bare(&self) -> bool {
        self.pod.name.is_empty() && self.pod.namespace.is_empty() && self.error.is_none()
    }

    /// The bytes of all annotations together, as the server counts them.
    pub fn annotation_bytes(&self) -> usize {
        let own = self.pod.annotation.as_ref();
        self.other_annotation_bytes + own.map_or(0, |value| crate::ANNOTATION.len() + value.len())
    }

    /// The same, without borrowing from the text.
    pub fn into_owned(self) -> PastedPod<'static> {
        PastedPod {
            pod: self.pod.into_owned(),
            error: self.error,
            span: self.span,
            annotation: self.annotation,
            annotated: self.annotated,
            other_annotation_bytes: self.other_annotation_bytes,
            metadata: self.metadata.map(|value| Cow::Owned(value.into_owned())),
            change: self.change,
            has_kind: self.has_kind,
            alone: self.alone,
        }
    }
}

/// The type of an event of a watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The Pod is new.
    Added,
    /// It has changed.
    Modified,
    /// It is gone; the object is as it was before.
    Deleted,
}

impl Change {
    /// The event type as the server writes it.
    pub fn of(word: &str) -> Option<Self> {
        [Self::Added, Self::Modified, Self::Deleted].into_iter().find(|it| it.as_str() == word)
    }

    /// `ADDED`, `MODIFIED` or `DELETED`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Modified => "MODIFIED",
            Self::Deleted => "DELETED",
        }
    }
}

/// Objects that are no Pods.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Other {
    /// Their kind; empty if they have none.
    pub kind: String,
    /// Whether they are objects, and no other values.
    pub is_object: bool,
    /// Where the first of them begins.
    pub offset: usize,
    /// How many there are.
    pub count: usize,
}

/// Why a text, or the rest of it, could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PastedError {
    /// The step that failed. YAML that is none has the stage of JSON.
    pub stage: Stage,
    /// Byte offset in the text.
    pub offset: usize,
    /// What is wrong.
    pub detail: Detail,
    /// True if the text may be right, but is more than this reader is willing to read.
    pub refused: bool,
    /// The command that prints what can be read.
    pub run: Option<String>,
}

impl PastedError {
    fn new(stage: Stage, offset: usize, detail: Detail) -> Self {
        Self { stage, offset, detail, refused: false, run: None }
    }

    fn not_text(offset: usize, why: Phrase) -> Self {
        Self::new(Stage::Utf8, offset, Detail::Wrong(why, None))
    }

    #[cfg(feature = "yaml")]
    fn of_yaml(error: crate::yaml::SyntaxError, base: usize) -> Self {
        let crate::yaml::SyntaxError { offset, detail, refused } = error;
        Self { refused, ..Self::new(Stage::Json, base + offset, detail) }
    }

    /// That of an annotation's JSON which begins at `base`.
    fn of_records(error: &DecodeError, base: usize) -> Self {
        Self::new(error.stage, base + error.offset, Detail::from(error))
    }
}

/// Reads a text, guessing from its beginning what it is.
pub fn read(text: &str) -> Document<'_> {
    form::read(text)
}
