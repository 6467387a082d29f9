//! The value of the annotation `dubbo.io/annotation`, read into records and written from them.
//!
//! Reading never panics, whatever the bytes: the input, the nesting and the warnings are bounded,
//! and memory is at most a small multiple of the input.

use alloc::string::String;
use alloc::vec::Vec;

use memchr::memchr;

use crate::base64url;
use crate::compatibility;
use crate::error::DecodeError;
use crate::fault::{Found, Stage};
use crate::json::{self, Fault, RawString, Reader};
use crate::phrase::Phrase;
use crate::record::Record;
use crate::warning::{self, Warning, WarningCode};

/// The annotation of a Pod that holds its records.
pub const ANNOTATION: &str = "dubbo.io/annotation";

/// The annotation in which an agent writes down which records of its Pod are kept under which lease.
pub const LEASES: &str = "dubbo.io/agent";

/// The label of a Pod that takes part in the registry.
pub const LABEL: &str = "dubbo.io/label";

/// The annotation that Go writes for a list that is nil: the base64 of `null`.
pub const NULL_ANNOTATION: &str = "bnVsbA==";

/// A longer annotation is refused unread. Kubernetes itself stops at 256 KiB for all annotations
/// of an object together.
pub const MAX_ANNOTATION_BYTES: usize = 4 << 20;

/// A decoded annotation: its records, and what was odd about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Annotation {
    text: String,
    spans: Vec<Span>,
    warnings: Vec<Warning>,
    null: bool,
}

/// Where a record lies in the text; `json_key` is where its key begins in the decoded JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Span {
    key: (u32, u32),
    value: (u32, u32),
    json_key: u32,
}

impl Annotation {
    /// Reads the value of an annotation. One that is empty holds no records, as for dubbo-go.
    ///
    /// # Errors
    /// [`DecodeError`] with the stage and the offset, for a value that is no annotation or over the size limit.
    pub fn decode(value: &str) -> Result<Self, DecodeError> {
        Self::decode_bytes(value.as_bytes())
    }

    /// As [`decode`](Self::decode), where the value may not even be text.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    pub fn decode_bytes(value: &[u8]) -> Result<Self, DecodeError> {
        bounded(value, Stage::Base64)?;
        if value.is_empty() {
            return Ok(Self::default());
        }
        let mut warnings = Vec::new();
        let json = match base64url::decode(value) {
            Some(json) => json,
            None => compatibility::base64(value, &mut warnings)?,
        };
        let decoded_len = json.len();
        let place = |at| annotation_offset(value, at, decoded_len);
        let mut annotation = Self::read(json).map_err(|fault| decode_error(fault, place))?;
        for odd in &annotation.warnings {
            let at = odd.decoded_offset.unwrap_or_default();
            warning::push(&mut warnings, odd.code, place(at), odd.decoded_offset);
        }
        annotation.warnings = warnings;
        Ok(annotation)
    }

    /// Reads the JSON inside an annotation. Both offsets of an error or a warning are then
    /// offsets in this JSON.
    ///
    /// # Errors
    /// [`DecodeError`] of the stage JSON or shape, or for a text over the size limit.
    pub fn from_json(json: &[u8]) -> Result<Self, DecodeError> {
        bounded(json, Stage::Json)?;
        Self::read(json.to_vec()).map_err(|fault| decode_error(fault, |at| at))
    }

    fn read(json: Vec<u8>) -> Result<Self, Fault> {
        let Some(spans) = canonical(&json) else { return Draft::read(&json).map(Draft::finish) };
        match String::from_utf8(json) {
            Ok(text) => Ok(Self { text, spans, ..Self::default() }),
            Err(error) => Draft::read(error.as_bytes()).map(Draft::finish),
        }
    }

    /// The records in their order.
    pub fn records(&self) -> Records<'_> {
        Records { text: &self.text, spans: self.spans.iter() }
    }

    /// What only a tolerant reader accepts, in the order of reading.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Whether the annotation holds `null` instead of a list. It has no records then.
    pub const fn is_null(&self) -> bool {
        self.null
    }

    /// Writes the records again, as [`encode`] does; a `null` stays one.
    pub fn encode(&self) -> String {
        if self.null { String::from(NULL_ANNOTATION) } else { encode(self.records()) }
    }

    /// Places a fault inside a key: the offsets, in the annotation `value` that this was decoded
    /// from and in its decoded bytes, of the byte `offset` of the key of record `index`.
    pub fn place_in_key(&self, value: &str, index: usize, offset: usize) -> (usize, Option<usize>) {
        let value = value.as_bytes();
        let json = base64url::decode(value)
            .or_else(|| compatibility::base64(value, &mut Vec::new()).ok())
            .unwrap_or_default();
        let start = self.spans.get(index).map_or(0, |span| span.json_key as usize);
        let at = place_in_string(&json, start, offset);
        (annotation_offset(value, at, json.len()), Some(at))
    }
}

/// The records of an [`Annotation`], in their order.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    text: &'a str,
    spans: core::slice::Iter<'a, Span>,
}

impl<'a> Records<'a> {
    fn record(&self, span: Span) -> Record<'a> {
        Record { key: self.slice(span.key), value: self.slice(span.value) }
    }

    fn slice(&self, (start, end): (u32, u32)) -> &'a str {
        self.text.get(start as usize..end as usize).unwrap_or_default()
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let span = *self.spans.next()?;
        Some(self.record(span))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.spans.size_hint()
    }
}

impl DoubleEndedIterator for Records<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let span = *self.spans.next_back()?;
        Some(self.record(span))
    }
}

impl ExactSizeIterator for Records<'_> {}

/// Writes an annotation, byte for byte as Go's `encoding/json` and `base64.URLEncoding` do.
///
/// No records give the annotation of an empty list (`W10=`), see also [`NULL_ANNOTATION`].
pub fn encode<'a>(records: impl IntoIterator<Item = Record<'a>>) -> String {
    base64url::encode(&encode_json(records))
}

/// Writes the JSON inside an annotation, as Go's `encoding/json` does.
pub fn encode_json<'a>(records: impl IntoIterator<Item = Record<'a>>) -> Vec<u8> {
    let mut json = Vec::with_capacity(4096);
    let mut separator = b'[';
    for record in records {
        json.push(separator);
        json.extend_from_slice(b"{\"k\":\"");
        escape(record.key, &mut json);
        json.extend_from_slice(b"\",\"v\":\"");
        escape(record.value, &mut json);
        json.extend_from_slice(b"\"}");
        separator = b',';
    }
    json.extend_from_slice(if separator == b'[' { b"[]" } else { b"]" });
    json
}

/// Appends `text` with the escapes of Go's encoder: quote, backslash, control characters, and the
/// characters that mean something to HTML or JavaScript (`<`, `>`, `&`, U+2028, U+2029).
pub(crate) fn escape(text: &str, json: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    // Without an early way out, so that the compiler may look at many bytes at once.
    if bytes.iter().fold(0, |any, &byte| any | escapes(byte)) == 0 {
        json.extend_from_slice(bytes);
        return;
    }
    for character in text.chars() {
        match character {
            '"' => json.extend_from_slice(b"\\\""),
            '\\' => json.extend_from_slice(b"\\\\"),
            '\u{8}' => json.extend_from_slice(b"\\b"),
            '\u{c}' => json.extend_from_slice(b"\\f"),
            '\n' => json.extend_from_slice(b"\\n"),
            '\r' => json.extend_from_slice(b"\\r"),
            '\t' => json.extend_from_slice(b"\\t"),
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                json.extend_from_slice(b"\\u");
                for shift in [12, 8, 4, 0] {
                    let digit = char::from_digit(u32::from(character) >> shift & 15, 16);
                    json.push(digit.map_or(b'0', |digit| digit as u8));
                }
            }
            _ => json.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

/// Not zero if a text with this byte cannot be copied as it is. 0xE2 begins U+2028.
const fn escapes(byte: u8) -> u8 {
    // Each mask joins a pair of characters that differ in one bit: `"` and `&`, `<` and `>`.
    (byte < 0x20) as u8
        | (byte & 0xfb == b'"') as u8
        | (byte & 0xfd == b'<') as u8
        | (byte == b'\\') as u8
        | (byte == 0xe2) as u8
}

/// The records of a JSON text exactly as an encoder writes it, without any escape: then the text
/// itself holds all keys and values. Nothing for anything else, which [`Draft`] then reads.
fn canonical(json: &[u8]) -> Option<Vec<Span>> {
    if json == b"[]" {
        return Some(Vec::new());
    }
    // Without an early way out, so that the compiler may look at many bytes at once.
    let escaped = |any, &byte| any | u8::from(byte < 0x20) | u8::from(byte == b'\\');
    if json.iter().fold(0, escaped) != 0 {
        return None;
    }
    let string = |start: usize| Some((start, start + memchr(b'"', json.get(start..)?)?));
    let literal = |at: usize, literal: &[u8]| {
        json.get(at..)?.starts_with(literal).then_some(at + literal.len())
    };
    let mut spans = Vec::with_capacity(json.len() / 512 + 4);
    let mut at = literal(0, b"[")?;
    loop {
        let key = string(literal(at, b"{\"k\":\"")?)?;
        let value = string(literal(key.1, b"\",\"v\":\"")?)?;
        at = literal(value.1, b"\"}")?;
        let span = |(start, end)| (offset(start), offset(end));
        spans.push(Span { key: span(key), value: span(value), json_key: offset(key.0) });
        match json.get(at..)? {
            b"]" => return Some(spans),
            [b',', ..] => at += 1,
            _ => return None,
        }
    }
}

/// What has been read so far, on the path that accepts everything that Go accepts.
#[derive(Default)]
struct Draft {
    text: Vec<u8>,
    spans: Vec<Span>,
    warnings: Vec<Warning>,
    null: bool,
    /// The first value of a wrong type. As in Go it counts only if the rest is JSON at all.
    misshapen: Option<Fault>,
}

impl Draft {
    fn read(json: &[u8]) -> Result<Self, Fault> {
        let mut draft = Self { text: Vec::with_capacity(json.len()), ..Self::default() };
        let mut reader = Reader::new(json);
        match reader.peek() {
            Some(b'[') => draft.list(&mut reader)?,
            Some(b'n') => {
                draft.odd(WarningCode::NullDocument, reader.at());
                draft.null = true;
                reader.literal(b"null")?;
            }
            None => return Err(reader.fault(Phrase::RecordsInJson)),
            Some(_) => draft.wrong(&mut reader, Phrase::Records)?,
        }
        if reader.peek().is_some() {
            return Err(reader.fault(Phrase::NothingAfterRecords));
        }
        match draft.misshapen {
            Some(fault) => Err(fault),
            None => Ok(draft),
        }
    }

    fn list(&mut self, reader: &mut Reader<'_>) -> Result<(), Fault> {
        reader.enter()?;
        if reader.take(b']') {
            return Ok(());
        }
        loop {
            match reader.peek() {
                Some(b'{') => self.record(reader)?,
                Some(b'n') => {
                    self.odd(WarningCode::NullElement, reader.at());
                    self.spans.push(Span::default());
                    reader.literal(b"null")?;
                }
                _ => self.wrong(reader, Phrase::Record)?,
            }
            if reader.take(b']') {
                return Ok(());
            }
            if !reader.take(b',') {
                return Err(reader.fault(Phrase::CommaAfterRecord));
            }
        }
    }

    fn record(&mut self, reader: &mut Reader<'_>) -> Result<(), Fault> {
        let start = reader.at();
        let mut span = Span::default();
        let (mut key, mut value) = (false, false);
        reader.enter()?;
        let mut more = !reader.take(b'}');
        while more {
            reader.peek();
            let name_at = reader.at();
            match self.member(&reader.name()?, name_at) {
                Some(member) => {
                    let seen = if member.is_key { &mut key } else { &mut value };
                    if core::mem::replace(seen, true) {
                        self.odd(WarningCode::DuplicateMember, name_at);
                    }
                    self.string(reader, member.is_key, &mut span)?;
                }
                None => {
                    reader.skip()?;
                }
            }
            more = reader.take(b',');
            if !more && !reader.take(b'}') {
                return Err(reader.fault(Phrase::CommaAfterMember));
            }
        }
        reader.leave();
        if !(key && value) {
            self.odd(WarningCode::MissingMember, start);
        }
        self.spans.push(span);
        Ok(())
    }

    /// Which member a name means, if any; reports names that only Go would take.
    fn member(&mut self, name: &RawString<'_>, at: usize) -> Option<compatibility::Member> {
        let member = compatibility::member(&name.unescaped());
        match member {
            None => self.odd(WarningCode::UnknownMember, at),
            Some(member) if !member.exact => self.odd(WarningCode::MemberCase, at),
            Some(_) => {}
        }
        member
    }

    fn string(
        &mut self,
        reader: &mut Reader<'_>,
        is_key: bool,
        span: &mut Span,
    ) -> Result<(), Fault> {
        match reader.peek() {
            Some(b'"') => {
                let raw = reader.string()?;
                let range = self.push(&raw);
                if is_key {
                    span.key = range;
                    span.json_key = offset(raw.at);
                } else {
                    span.value = range;
                }
            }
            Some(b'n') => {
                self.odd(WarningCode::NullMember, reader.at());
                reader.literal(b"null")?;
            }
            _ => {
                self.wrong(reader, if is_key { Phrase::StringForK } else { Phrase::StringForV })?;
            }
        }
        Ok(())
    }

    fn push(&mut self, raw: &RawString<'_>) -> (u32, u32) {
        let start = offset(self.text.len());
        let warnings = &mut self.warnings;
        raw.unescape(&mut self.text, |code, at| warning::push(warnings, code, at, Some(at)));
        (start, offset(self.text.len()))
    }

    fn wrong(&mut self, reader: &mut Reader<'_>, expected: Phrase) -> Result<(), Fault> {
        let at = reader.at();
        let found = Found::Thing(reader.skip()?);
        let fault = Fault::new(Stage::Shape, at, expected, found);
        self.misshapen.get_or_insert(fault);
        Ok(())
    }

    fn odd(&mut self, code: WarningCode, at: usize) {
        warning::push(&mut self.warnings, code, at, Some(at));
    }

    fn finish(self) -> Annotation {
        let text = String::from_utf8(self.text).unwrap_or_default();
        Annotation { text, spans: self.spans, warnings: self.warnings, null: self.null }
    }
}

/// An offset in an input that [`MAX_ANNOTATION_BYTES`] bounds. A repaired byte takes three.
fn offset(at: usize) -> u32 {
    const { assert!(MAX_ANNOTATION_BYTES < (u32::MAX / 3) as usize) };
    u32::try_from(at).unwrap_or(u32::MAX)
}

fn bounded(input: &[u8], stage: Stage) -> Result<(), DecodeError> {
    if input.len() <= MAX_ANNOTATION_BYTES {
        return Ok(());
    }
    let found = Found::Thing(Phrase::More);
    Err(DecodeError::new(stage, MAX_ANNOTATION_BYTES, None, Phrase::AtMost4MiB, found))
}

fn decode_error(fault: Fault, place: impl Fn(usize) -> usize) -> DecodeError {
    let Fault { stage, offset: at, expected, found, .. } = fault;
    DecodeError::new(stage, place(at), Some(at), expected, found)
}

/// Where in the annotation the decoded byte `at` begins; for the end, where the data ends.
fn annotation_offset(value: &[u8], at: usize, decoded_len: usize) -> usize {
    let character =
        if at < decoded_len { at / 3 * 4 + at % 3 } else { (decoded_len * 4).div_ceil(3) };
    let mut data = value.iter().enumerate().filter(|(_, byte)| !matches!(byte, b'\r' | b'\n'));
    data.nth(character).map_or(value.len(), |(offset, _)| offset)
}

/// Where in `json` the byte `offset` of the text of the string that begins at `start` stands.
fn place_in_string(json: &[u8], start: usize, offset: usize) -> usize {
    let mut at = start;
    let mut left = offset;
    while let Some(rest) = json.get(at..).filter(|rest| !rest.is_empty()) {
        let (length, text) = character(rest);
        if left < text {
            // Inside of a character that stands for itself, each byte has its own place.
            return if length == text { at + left } else { at };
        }
        left -= text;
        at += length;
    }
    at
}

/// How many bytes the first character of a string's JSON takes, and how many in its text.
fn character(json: &[u8]) -> (usize, usize) {
    if json.first() == Some(&b'\\') {
        let length = json::escape_length(json);
        let bytes = json.get(..length).unwrap_or_default();
        let mut text = Vec::with_capacity(4);
        RawString { bytes, at: 0, escaped: true }.unescape(&mut text, |_, _| {});
        return (length, text.len());
    }
    let next = json.get(..4).unwrap_or(json);
    let valid = next.utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next());
    valid.map_or((1, char::REPLACEMENT_CHARACTER.len_utf8()), |c| (c.len_utf8(), c.len_utf8()))
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::{format, vec};

    use proptest::prelude::*;

    use super::*;

    fn pack(json: &[u8]) -> String {
        base64url::encode(json)
    }

    fn records(annotation: &Annotation) -> Vec<(&str, &str)> {
        annotation.records().map(|record| (record.key, record.value)).collect()
    }

    fn codes(annotation: &Annotation) -> Vec<(WarningCode, usize, Option<usize>)> {
        annotation.warnings().iter().map(|w| (w.code, w.offset, w.decoded_offset)).collect()
    }

    fn refusal(json: &[u8]) -> (Stage, usize, usize) {
        let error = Annotation::decode(&pack(json)).unwrap_err();
        (error.stage, error.offset, error.decoded_offset.unwrap())
    }

    #[test]
    fn odd_things_are_read_as_go_reads_them_and_reported_in_their_place() {
        use WarningCode::*;
        for (json, expected, warnings) in [
            (&br#"[{"k":"a","v":"b"}]"#[..], vec![("a", "b")], vec![]),
            (br#"[{"\u006b":"a","v":""}]"#, vec![("a", "")], vec![]),
            (br#"[{"K":"a","v":""}]"#, vec![("a", "")], vec![(MemberCase, 2)]),
            (
                "[{\"\u{212a}\":\"a\",\"v\":\"\"}]".as_bytes(),
                vec![("a", "")],
                vec![(MemberCase, 2)],
            ),
            (br#"[{"\u212A":"a","v":""}]"#, vec![("a", "")], vec![(MemberCase, 2)]),
            (
                br#"[{"k":"a","K":"b","v":""}]"#,
                vec![("b", "")],
                vec![(MemberCase, 10), (DuplicateMember, 10)],
            ),
            (
                br#"[{"k":"a","v":"","k":null}]"#,
                vec![("a", "")],
                vec![(DuplicateMember, 17), (NullMember, 21)],
            ),
            (br#"[{"k":"a","v":"","x":[{"k":1}]}]"#, vec![("a", "")], vec![(UnknownMember, 17)]),
            (b"[{}]", vec![("", "")], vec![(MissingMember, 1)]),
            (b"[null]", vec![("", "")], vec![(NullElement, 1)]),
            (b" null ", vec![], vec![(NullDocument, 1)]),
            (b"[{\"k\":\"a\xff\",\"v\":\"\"}]", vec![("a\u{fffd}", "")], vec![(InvalidUtf8, 8)]),
            (br#"[{"k":"a\ud800","v":""}]"#, vec![("a\u{fffd}", "")], vec![(LoneSurrogate, 8)]),
        ] {
            let annotation = Annotation::decode(&pack(json)).unwrap();
            assert_eq!(records(&annotation), expected, "{}", String::from_utf8_lossy(json));
            let warnings: Vec<_> = warnings
                .into_iter()
                .map(|(code, at)| (code, at / 3 * 4 + at % 3, Some(at)))
                .collect();
            assert_eq!(codes(&annotation), warnings, "{}", String::from_utf8_lossy(json));
        }
    }

    #[test]
    fn an_empty_annotation_holds_no_records_and_white_space_is_refused() {
        let empty = Annotation::decode("").unwrap();
        assert_eq!((empty.records().len(), empty.warnings().len(), empty.is_null()), (0, 0, false));
        assert_eq!(empty.encode(), "W10=");
        for (space, stage) in [
            (" ", Stage::Base64),
            ("\t", Stage::Base64),
            ("\n ", Stage::Base64),
            ("\n", Stage::Json),
            ("\r\n", Stage::Json),
        ] {
            assert_eq!(Annotation::decode(space).unwrap_err().stage, stage, "{space:?}");
        }
        let json = Annotation::from_json(b"").unwrap_err();
        assert_eq!((json.stage, json.offset), (Stage::Json, 0));
    }

    #[test]
    fn refusals_carry_the_stage_and_both_offsets() {
        for (json, stage, at) in [
            (&b"  "[..], Stage::Json, 2),
            (b"[{\"k\":\"a\"", Stage::Json, 9),
            (b"[] []", Stage::Json, 3),
            (b"[{\"k\":\"a\"},]", Stage::Json, 11),
            (b"[{\"k\":1}]", Stage::Shape, 6),
            (b"[{\"v\":[]}]", Stage::Shape, 6),
            (b"[[]]", Stage::Shape, 1),
            (b"[\"a\"]", Stage::Shape, 1),
            (b"{}", Stage::Shape, 0),
            (b"nul", Stage::Json, 3),
            (b"[{\"k\":1}", Stage::Json, 8),
            (b"[\xff]", Stage::Utf8, 1),
            ("\u{feff}[]".as_bytes(), Stage::Json, 0),
            (b"[{\"k\":\"a\x7f\x1f\"}]", Stage::Json, 9),
            (b"[{\"x\":01}]", Stage::Json, 7),
        ] {
            let text = String::from_utf8_lossy(json).to_string();
            let offset = if at == json.len() { (at * 4).div_ceil(3) } else { at / 3 * 4 + at % 3 };
            assert_eq!(refusal(json), (stage, offset, at), "{text}");
        }
    }

    #[test]
    fn offsets_are_mapped_back_through_line_breaks() {
        // "[{" "k\":" "x}]": the fault is at decoded byte 6, the first of the third quantum.
        let error = Annotation::decode("W3si\r\nayI6\neH1d").unwrap_err();
        assert_eq!((error.offset, error.decoded_offset), (11, Some(6)));
        let error = Annotation::decode("W3\nsi").unwrap_err();
        assert_eq!((error.offset, error.decoded_offset), (5, Some(3)));
        let error = Annotation::decode("Ww=\n=").unwrap_err();
        assert_eq!((error.offset, error.decoded_offset), (2, Some(1)));
    }

    #[test]
    fn nesting_counts_from_the_outermost_array_as_in_go() {
        let json = |depth: usize| {
            format!("[{{\"x\":{}{}}}]", "[".repeat(depth - 2), "]".repeat(depth - 2)).into_bytes()
        };
        assert!(Annotation::decode(&pack(&json(10_000))).is_ok());
        assert_eq!(refusal(&json(10_001)).2, 10_003 + 1);
    }

    #[test]
    fn a_place_in_a_key_is_found_again() {
        let json = br#"[{"k":"","v":""},{"v":"","k":"a\u0026\ud83d\ude00\"z\u00e9!"}]"#;
        let value = pack(json);
        let annotation = Annotation::decode(&value).unwrap();
        let key = annotation.records().nth(1).unwrap().key;
        let start = 30;
        for (found, at) in [('a', 0), ('&', 1), ('\u{1f600}', 7), ('"', 19), ('z', 21)] {
            let (offset, decoded) = annotation.place_in_key(&value, 1, key.find(found).unwrap());
            assert_eq!(decoded, Some(start + at), "{found}");
            assert_eq!(offset, (start + at) / 3 * 4 + (start + at) % 3);
        }
    }

    #[test]
    fn too_long_an_annotation_is_refused_unread() {
        let error = Annotation::decode(&"A".repeat(MAX_ANNOTATION_BYTES + 1)).unwrap_err();
        assert_eq!((error.stage, error.offset), (Stage::Base64, MAX_ANNOTATION_BYTES));
        assert!(error.to_string().contains("4 MiB"), "{error}");
    }

    #[test]
    fn json_alone_has_one_kind_of_offset() {
        let error = Annotation::from_json(b"[x").unwrap_err();
        assert_eq!((error.offset, error.decoded_offset), (1, Some(1)));
        let annotation = Annotation::from_json(b"[{}]").unwrap();
        assert_eq!(codes(&annotation), [(WarningCode::MissingMember, 1, Some(1))]);
    }

    fn odd_json() -> impl Strategy<Value = Vec<u8>> {
        let pieces: [&[u8]; 17] = [
            b"[{\"k\":\"",
            b"\",\"v\":\"\"}",
            b"]",
            b",",
            b"null",
            b"\\ud83d",
            b"\\u0026",
            b"\xff",
            b"\"K\":",
            b"{",
            b"}",
            b"[",
            b"1e5",
            b" ",
            b"\"",
            b"abc",
            b"\x01",
        ];
        let piece = prop::sample::select(pieces.to_vec());
        prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(list: Vec<(String, String)>) {
            let value = encode(list.iter().map(|(key, value)| Record { key, value }));
            let annotation = Annotation::decode(&value).unwrap();
            let expected: Vec<_> = list.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            prop_assert_eq!(records(&annotation), expected);
            prop_assert_eq!(annotation.warnings(), &[]);
            prop_assert_eq!(annotation.encode(), value);
        }

        #[test]
        fn the_quick_way_reads_as_the_careful_one(json in odd_json()) {
            if let Some(spans) = canonical(&json) {
                let careful = Draft::read(&json).map(Draft::finish).unwrap();
                prop_assert_eq!(careful.spans.len(), spans.len());
                if let Ok(text) = String::from_utf8(json) {
                    let quick = Annotation { text, spans, ..Annotation::default() };
                    prop_assert_eq!(records(&quick), records(&careful));
                    prop_assert!(careful.warnings.is_empty());
                }
            }
        }

        #[test]
        fn no_bytes_panic_and_offsets_stay_inside(bytes: Vec<u8>) {
            if let Err(error) = Annotation::decode_bytes(&bytes) {
                prop_assert!(error.offset <= bytes.len());
            }
        }

        #[test]
        fn no_json_panics_and_what_serde_takes_is_json(json in odd_json()) {
            let value = pack(&json);
            match Annotation::decode(&value) {
                Ok(annotation) => {
                    let again = Annotation::decode(&annotation.encode()).unwrap();
                    prop_assert_eq!(records(&again), records(&annotation));
                    for warning in annotation.warnings() {
                        prop_assert!(warning.offset < value.len());
                    }
                }
                Err(error) => {
                    prop_assert!(error.offset <= value.len());
                    prop_assert!(error.decoded_offset.unwrap() <= json.len());
                    let any = serde_json::from_slice::<serde_json::Value>(&json);
                    prop_assert!(error.stage == Stage::Shape || any.is_err());
                }
            }
        }
    }
}
