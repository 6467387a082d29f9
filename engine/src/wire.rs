//! The two forms in which Kubernetes writes objects, and what reads a list and a watch in either. It
//! must never guess a form: the answer's Content-Type says it.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use dubbo_k8s_codec::problem::Phrase;
use dubbo_k8s_codec::protobuf::{self, FrameReader, Message};
use dubbo_k8s_codec::{Found, ListError, ListMeta, ListReader, Pod, PodError, Status, WatchEvent};

use super::lines::{Line, Lines};

/// What to ask a server for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Wire {
    /// Protobuf, or JSON where the server has nothing else.
    #[default]
    Protobuf,
    /// JSON only: for proxies that know nothing else, and for those who debug.
    Json,
}

impl Wire {
    /// The `Accept` header of every request for Pods, whatever it does.
    pub const fn accept(self) -> &'static str {
        match self {
            Self::Protobuf => "application/vnd.kubernetes.protobuf, application/json",
            Self::Json => "application/json",
        }
    }
}

/// The form of one answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Form {
    #[default]
    Json,
    Protobuf,
}

impl Form {
    /// The form that a Content-Type names; JSON unless it is protobuf.
    pub(super) fn of(content_type: &str) -> Self {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        if essence.eq_ignore_ascii_case("application/vnd.kubernetes.protobuf") {
            Self::Protobuf
        } else {
            Self::Json
        }
    }

    /// Reads a body that is a Status.
    pub(super) fn status(self, body: &[u8]) -> Result<Status, PodError> {
        match self {
            Self::Json => Status::parse(body),
            Self::Protobuf => protobuf::parse_status(body),
        }
    }
}

/// The items of a list, as they come.
#[derive(Debug)]
pub(super) enum Items {
    Json(Box<ListReader>),
    Protobuf(Box<protobuf::ListReader>),
}

impl Items {
    pub(super) fn new(form: Form, limit: usize) -> Self {
        match form {
            Form::Json => Self::Json(Box::new(ListReader::with_max_item(limit).cutting())),
            Form::Protobuf => {
                Self::Protobuf(Box::new(protobuf::ListReader::with_max_item(limit).cutting()))
            }
        }
    }

    /// The next Pod of a chunk, or why that item is none; nothing once the chunk is used up.
    pub(super) fn next<'s, 'c: 's>(
        &'s mut self,
        chunk: &mut &'c [u8],
    ) -> Result<Option<Result<Pod<'s>, PodError>>, ListError> {
        Ok(match self {
            Self::Json(reader) => reader.next(chunk)?.map(Pod::parse),
            Self::Protobuf(reader) => reader.next(chunk)?.map(protobuf::parse_item),
        })
    }

    pub(super) fn finish(self) -> Result<ListMeta, ListError> {
        match self {
            Self::Json(reader) => reader.finish(),
            Self::Protobuf(reader) => reader.finish(),
        }
    }
}

/// The events of a watch, as their bytes come.
#[derive(Debug)]
pub(super) enum Events {
    Json {
        lines: Lines,
        /// The body began as JSON does.
        begun: bool,
    },
    Protobuf(FrameReader),
}

/// One event as its bytes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Raw<'a> {
    Line(Line<'a>),
    Frame(Message<'a>),
}

impl<'a> Raw<'a> {
    /// Reads it.
    pub(super) fn event(self) -> Result<WatchEvent<'a>, PodError> {
        match self {
            Self::Line(Line::Whole(line) | Line::TooLong(line)) => WatchEvent::parse(line),
            Self::Frame(frame) => protobuf::parse_event(frame),
        }
    }
}

impl Events {
    pub(super) fn new(form: Form, limit: usize) -> Self {
        match form {
            Form::Json => Self::Json { lines: Lines::new(limit), begun: false },
            Form::Protobuf => Self::Protobuf(FrameReader::new(limit)),
        }
    }

    /// The next event of a chunk; nothing once that is used up. An error says why the body is no
    /// watch, and where.
    pub(super) fn next<'s, 'c: 's>(
        &'s mut self,
        chunk: &mut &'c [u8],
    ) -> Result<Option<Raw<'s>>, String> {
        match self {
            Self::Json { lines, begun } => {
                if !*begun
                    && let Some(first) = chunk.iter().find(|byte| !byte.is_ascii_whitespace())
                {
                    *begun = true;
                    if *first != b'{' {
                        let found = Found::opening(*first);
                        return Err(format!("expected {}, found {found} at byte 0", Phrase::Event));
                    }
                }
                Ok(lines.next(chunk).map(Raw::Line))
            }
            Self::Protobuf(reader) => match reader.next(chunk) {
                Ok(frame) => Ok(frame.map(Raw::Frame)),
                Err(error) => Err(error.to_string()),
            },
        }
    }

    /// A last event without its end, if it is whole. A frame has its length, so it has its end.
    pub(super) fn take_rest(&mut self) -> Option<Vec<u8>> {
        match self {
            Self::Json { lines, .. } => Some(core::mem::take(lines).into_rest())
                .filter(|rest| serde_json::from_slice::<serde::de::IgnoredAny>(rest).is_ok()),
            Self::Protobuf(_) => None,
        }
    }
}
