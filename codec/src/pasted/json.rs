//! JSON values one after the other, with whatever stands between them: the text of a shell, of a log, of
//! `kubectl cluster-info dump`.

use super::objects::Objects;
use super::{Document, Format, PastedError, beginnings, document};
use crate::fault::Found;
use crate::json::{Fault, Reader};
use crate::phrase::Phrase;
use crate::problem::Detail;

/// Reads all values of a text. What is broken ends at the next line that a value begins.
pub(super) fn read(text: &str) -> Document<'_> {
    let mut objects = Objects::default();
    let mut reader = Reader::new(text.as_bytes());
    let (mut skipped_lines, mut error) = (0, None);
    let mut after_value = false;
    while reader.peek().is_some() {
        let at = reader.at();
        let begins = beginnings::begins_json(text.get(at..).unwrap_or_default());
        if !begins || (after_value && !is_separated(text, at)) {
            // A mark of PowerShell's, of `jq --seq`, or the comma of a list that was cut out of its brackets.
            if let Some(length) = separator(text, at) {
                reader.move_to(at + length);
                continue;
            }
            if after_value && !is_first_in_line(text, at) {
                let fault = reader.fault(Phrase::NothingAfterDocument);
                error.get_or_insert_with(|| syntax(text, fault));
            }
            let (end, lines) = beginnings::skip_text(text, at);
            skipped_lines += lines;
            reader.move_to(end);
            after_value = false;
            continue;
        }
        if let Err(fault) = objects.document(&mut reader) {
            let fault = exact(text, at, fault);
            error.get_or_insert_with(|| syntax(text, fault));
            reader.move_to(beginnings::skip_text(text, fault.offset.max(at + 1)).0);
            after_value = false;
        } else {
            after_value = true;
        }
    }
    let error = error.or_else(|| objects.error.take());
    document::with_text(text, skipped_lines, document::document(Format::Json, objects, error))
}

/// The same fault where a reader finds it that checks all, and not only what a Pod is read from.
fn exact(text: &str, start: usize, fault: Fault) -> Fault {
    let mut reader = Reader::new(text.as_bytes());
    reader.move_to(start);
    reader.skip().err().filter(|exact| exact.offset <= fault.offset).unwrap_or(fault)
}

fn syntax(text: &str, fault: Fault) -> PastedError {
    let rest = text.get(fault.offset..).unwrap_or_default();
    let found = rest.chars().next().map_or(Found::End, Found::of);
    let detail = Detail::Expected { expected: fault.expected, found, at: None };
    PastedError::new(fault.stage, fault.offset, detail)
}

fn separator(text: &str, at: usize) -> Option<usize> {
    let next = text.get(at..)?.chars().next()?;
    (next == ',' || beginnings::MARKS.contains(&next)).then_some(next.len_utf8())
}

/// Whether a value may begin here, behind another one: objects need nothing between them.
fn is_separated(text: &str, at: usize) -> bool {
    let rest = text.get(at..).unwrap_or_default();
    rest.starts_with(['{', '[']) || is_first_in_line(text, at)
}

fn is_first_in_line(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    let before = before.trim_end_matches([' ', '\t', '\u{feff}']);
    before.is_empty() || before.ends_with(['\n', '\r'])
}
