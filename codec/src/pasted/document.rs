//! Documents as they are put together from what was read.

use alloc::vec::Vec;

use super::beginnings::{LOGS_START, contains};
use super::objects::Objects;
use super::{Document, Format, Kind, PastedError, PastedPod, states};

/// A document without what its objects say.
pub(super) fn of(format: Format, kind: Kind, pods: Vec<PastedPod<'_>>) -> Document<'_> {
    Document { format, kind, pods, others: Vec::new(), skipped_lines: 0, error: None }
}

/// A document of these objects.
pub(super) fn document(
    format: Format,
    objects: Objects<'_>,
    error: Option<PastedError>,
) -> Document<'_> {
    let mut pods = objects.pods;
    if objects.kind == Some(Kind::Events) {
        states::last_of_events(&mut pods);
    } else {
        states::last_of_documents(&mut pods);
    }
    let kind = match (objects.kind, pods.as_slice()) {
        (Some(kind @ Kind::Events), _) | (Some(kind @ (Kind::Records | Kind::Metadata)), [_]) => {
            kind
        }
        (Some(Kind::Annotation), [pod]) if pod.is_bare() => match &pod.pod.annotation {
            Some(_) => Kind::Annotation,
            None if pod.metadata.is_some() => Kind::Metadata,
            None => Kind::Pods,
        },
        _ => Kind::Pods,
    };
    let error = error.or(objects.error);
    Document { others: objects.others, error, ..of(format, kind, pods) }
}

/// A document of objects between which other text stands, perhaps the logs of a dump.
pub(super) fn with_text<'a>(
    text: &str,
    skipped_lines: usize,
    document: Document<'a>,
) -> Document<'a> {
    let is_dump = skipped_lines > 0 && document.kind == Kind::Pods && contains(text, LOGS_START);
    let kind = if is_dump { Kind::Dump } else { document.kind };
    Document { kind, skipped_lines, ..document }
}
