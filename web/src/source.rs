//! The part of the source that the page shows: all of a small one, else one Pod of it.

use serde::Serialize;

use crate::pod::PodText;
use crate::spans::to_utf16;

/// A source up to this many bytes is shown, and may be edited, as a whole.
pub const WHOLE: usize = 200 << 10;

/// The most that is shown of one Pod.
const POD: usize = 64 << 10;

/// A part of the source, and where it stands.
#[derive(Debug, Serialize)]
pub struct Window {
    text: String,
    total: usize,
    line: usize,
    whole: bool,
}

/// The window for a Pod.
pub fn window(source: &str, pod: Option<&PodText>) -> Window {
    let start = window_start(source, pod);
    let end = if source.len() <= WHOLE {
        source.len()
    } else {
        let end = pod.map_or(POD, |pod| pod.span.end).min(start + POD);
        source.floor_char_boundary(end)
    };
    let text = source.get(start..end).unwrap_or_default();
    let line =
        source.get(..start).unwrap_or_default().bytes().filter(|byte| *byte == b'\n').count();
    Window {
        text: text.to_owned(),
        total: source.len(),
        line: line + 1,
        whole: source.len() <= WHOLE,
    }
}

/// The byte at which the window for a Pod begins.
pub fn window_start(source: &str, pod: Option<&PodText>) -> usize {
    if source.len() <= WHOLE {
        return 0;
    }
    let Some(pod) = pod else { return 0 };
    let annotation = pod.annotation.as_ref().filter(|value| value.linked);
    let annotation = annotation.map_or(pod.span.start, |value| value.span.start);
    // A Pod that is longer than the window: from a little before its annotation.
    let start = if annotation.saturating_sub(pod.span.start) > POD / 2 {
        annotation.saturating_sub(POD / 4)
    } else {
        pod.span.start
    };
    source.floor_char_boundary(start)
}

/// A range of the source as the page counts within the window.
pub fn in_window(source: &str, start: usize, range: &std::ops::Range<usize>) -> Option<[usize; 2]> {
    if range.end < start {
        return None;
    }
    let shown = source.get(start..)?;
    Some([to_utf16(shown, range.start.saturating_sub(start)), to_utf16(shown, range.end - start)])
}
