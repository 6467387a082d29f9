//! A reader of JSON as Go's scanner defines it: the grammar, checked to the last byte.
//!
//! It never recurses, never nests deeper than [`MAX_DEPTH`], and never looks behind its input.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use memchr::memchr2;

use crate::compatibility;
use crate::fault::{Found, Stage, Whole};
use crate::phrase::Phrase;
use crate::scan::Balance;
use crate::warning::WarningCode;

/// Arrays and objects may nest this deep, as in Go's `encoding/json`.
pub(crate) const MAX_DEPTH: usize = 10_000;

/// Where reading stopped: an offset in the JSON text, and why.
pub(crate) type Fault = crate::fault::Fault<Reader<'static>>;

impl Whole for Reader<'_> {
    const NAME: Phrase = Phrase::TheText;
}

/// A string between its quotes, not yet unescaped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawString<'a> {
    pub(crate) bytes: &'a [u8],
    /// Offset of the first byte behind the opening quote.
    pub(crate) at: usize,
    pub(crate) escaped: bool,
}

/// A cursor over a JSON text.
#[derive(Clone)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, depth: 0 }
    }

    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    /// Goes on at another place, outside of all that was open.
    #[cfg(feature = "pasted")]
    pub(crate) const fn move_to(&mut self, at: usize) {
        (self.at, self.depth) = (at, 0);
    }

    /// Skips white space and shows the next byte.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.bytes.get(self.at) {
            self.at += 1;
        }
        self.bytes.get(self.at).copied()
    }

    /// Takes the next byte behind white space if it is this one.
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let taken = self.peek() == Some(byte);
        self.at += usize::from(taken);
        taken
    }

    /// The fault that something else was expected here.
    pub(crate) fn fault(&self, expected: Phrase) -> Fault {
        let found = Found::at(self.bytes, self.at);
        let stage = if self.text_is_broken_here() { Stage::Utf8 } else { Stage::Json };
        Fault::new(stage, self.at, expected, found)
    }

    fn text_is_broken_here(&self) -> bool {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let next = rest.get(..4).unwrap_or(rest);
        next.utf8_chunks().next().is_some_and(|chunk| chunk.valid().is_empty())
    }

    /// Takes an opening bracket, whose presence the caller has seen.
    pub(crate) fn enter(&mut self) -> Result<(), Fault> {
        if self.depth == MAX_DEPTH {
            let found = Found::at(self.bytes, self.at);
            let expected = Phrase::Levels;
            return Err(Fault::new(Stage::Json, self.at, expected, found));
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    /// Leaves a level whose closing bracket has been taken.
    pub(crate) const fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// Takes a member's name and its colon.
    pub(crate) fn name(&mut self) -> Result<RawString<'a>, Fault> {
        if self.peek() != Some(b'"') {
            return Err(self.fault(Phrase::NameInQuotes));
        }
        let name = self.string()?;
        if self.take(b':') { Ok(name) } else { Err(self.fault(Phrase::ColonAfterName)) }
    }

    /// Takes a string, whose opening quote the caller has seen.
    pub(crate) fn string(&mut self) -> Result<RawString<'a>, Fault> {
        let start = self.at + 1;
        let mut escaped = false;
        self.at = start;
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let run = memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
            let plain = rest.get(..run).unwrap_or_default();
            // Without an early way out, so that the compiler may look at many bytes at once.
            if plain.iter().fold(0, |any, &byte| any | u8::from(byte < 0x20)) != 0 {
                self.at += plain.iter().position(|&byte| byte < 0x20).unwrap_or(0);
                return Err(self.fault(Phrase::RawControl));
            }
            self.at += run;
            match rest.get(run) {
                Some(b'"') => {
                    let bytes = self.bytes.get(start..self.at).unwrap_or_default();
                    self.at += 1;
                    return Ok(RawString { bytes, at: start, escaped });
                }
                Some(_) => {
                    escaped = true;
                    self.escape()?;
                }
                None => return Err(self.fault(Phrase::ClosingQuote)),
            }
        }
    }

    /// Checks an escape sequence, whose backslash the caller has seen.
    fn escape(&mut self) -> Result<(), Fault> {
        self.at += 1;
        match self.bytes.get(self.at) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                for _ in 0..4 {
                    self.at += 1;
                    if !self.bytes.get(self.at).is_some_and(u8::is_ascii_hexdigit) {
                        return Err(self.fault(Phrase::FourHexDigits));
                    }
                }
                self.at += 1;
            }
            _ => {
                return Err(self.fault(Phrase::Escape));
            }
        }
        Ok(())
    }

    /// Takes any value without looking into it: strings and brackets are followed to the end of
    /// the value, and nothing else is checked.
    pub(crate) fn scan(&mut self) -> Result<(), Fault> {
        match self.peek() {
            Some(b'{' | b'[' | b'"') => {
                let rest = self.bytes.get(self.at..).unwrap_or_default();
                let Some(length) = Balance::default().advance(rest) else {
                    self.at = self.bytes.len();
                    return Err(self.fault(Phrase::EndOfValue));
                };
                self.at += length;
                Ok(())
            }
            _ => self.scalar().map(drop),
        }
    }

    /// What lies between an earlier place and this one.
    pub(crate) fn since(&self, start: usize) -> &'a [u8] {
        self.bytes.get(start..self.at).unwrap_or_default()
    }

    /// Takes the next member's name, or the end of the object; `first` behind its opening.
    pub(crate) fn next_member(&mut self, first: bool) -> Result<Option<RawString<'a>>, Fault> {
        if self.take(b'}') {
            self.leave();
            return Ok(None);
        }
        if !first && !self.take(b',') {
            return Err(self.fault(Phrase::CommaAfterMember));
        }
        self.name().map(Some)
    }

    /// Moves to the next element, or takes the end of the array; `first` behind its opening.
    pub(crate) fn next_element(&mut self, first: bool) -> Result<bool, Fault> {
        if self.take(b']') {
            self.leave();
            return Ok(false);
        }
        if !first && !self.take(b',') {
            return Err(self.fault(Phrase::CommaAfterElement));
        }
        Ok(true)
    }

    /// Takes any value, and says in words what it was.
    pub(crate) fn skip(&mut self) -> Result<Phrase, Fault> {
        let mut closers = Vec::new();
        let (what, mut complete) = self.open(&mut closers)?;
        while !complete || self.more(&mut closers)? {
            complete = self.open(&mut closers)?.1;
        }
        Ok(what)
    }

    /// Takes a scalar, an empty container, or a container's opening up to its first value;
    /// says what it was and whether it is complete.
    fn open(&mut self, closers: &mut Vec<u8>) -> Result<(Phrase, bool), Fault> {
        let (what, closer) = match self.peek() {
            Some(b'{') => (Phrase::Object, b'}'),
            Some(b'[') => (Phrase::Array, b']'),
            _ => return Ok((self.scalar()?, true)),
        };
        self.enter()?;
        if self.take(closer) {
            self.leave();
            return Ok((what, true));
        }
        closers.push(closer);
        if closer == b'}' {
            self.name()?;
        }
        Ok((what, false))
    }

    /// Behind a value: closes what ends here; true if another value follows.
    fn more(&mut self, closers: &mut Vec<u8>) -> Result<bool, Fault> {
        while let Some(&closer) = closers.last() {
            if self.take(b',') {
                if closer == b'}' {
                    self.name()?;
                }
                return Ok(true);
            }
            if !self.take(closer) {
                return Err(self.fault(if closer == b'}' {
                    Phrase::CommaAfterMember
                } else {
                    Phrase::CommaAfterElement
                }));
            }
            closers.pop();
            self.leave();
        }
        Ok(false)
    }

    /// Takes a string, a number or a literal; says what it was.
    pub(crate) fn scalar(&mut self) -> Result<Phrase, Fault> {
        match self.peek() {
            Some(b'"') => self.string().map(|_| Phrase::String),
            Some(b'-' | b'0'..=b'9') => self.number().map(|()| Phrase::Number),
            Some(b't') => self.literal(b"true").map(|()| Phrase::True),
            Some(b'f') => self.literal(b"false").map(|()| Phrase::False),
            Some(b'n') => self.literal(b"null").map(|()| Phrase::Null),
            _ => Err(self.fault(Phrase::Value)),
        }
    }

    /// Takes `true`, `false` or `null`, whose first letter the caller has seen.
    pub(crate) fn literal(&mut self, literal: &'static [u8]) -> Result<(), Fault> {
        for &letter in literal {
            if self.bytes.get(self.at) != Some(&letter) {
                return Err(self.fault(Phrase::Literal));
            }
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), Fault> {
        self.at += usize::from(self.bytes.get(self.at) == Some(&b'-'));
        match self.bytes.get(self.at) {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.bytes.get(self.at) {
            self.at += 1;
            self.at += usize::from(matches!(self.bytes.get(self.at), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let start = self.at;
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        if self.at == start { Err(self.fault(Phrase::Digit)) } else { Ok(()) }
    }
}

impl<'a> RawString<'a> {
    /// The bytes that the string stands for: a name to compare.
    pub(crate) fn unescaped(&self) -> Cow<'a, [u8]> {
        if !self.escaped {
            return Cow::Borrowed(self.bytes);
        }
        let mut unescaped = Vec::with_capacity(self.bytes.len());
        self.unescape(&mut unescaped, |_, _| {});
        Cow::Owned(unescaped)
    }

    /// The text, which must be UTF-8 here. Half of a surrogate pair is read as U+FFFD.
    pub(crate) fn text(&self) -> Result<Cow<'a, str>, Fault> {
        let text = core::str::from_utf8(self.bytes).map_err(|error| {
            let at = self.at + error.valid_up_to();
            let found = Found::at(self.bytes, error.valid_up_to());
            Fault::new(Stage::Utf8, at, Phrase::Utf8, found)
        })?;
        if !self.escaped {
            return Ok(Cow::Borrowed(text));
        }
        let mut unescaped = Vec::with_capacity(text.len());
        self.unescape(&mut unescaped, |_, _| {});
        Ok(Cow::Owned(String::from_utf8(unescaped).unwrap_or_default()))
    }

    /// Appends the text that the string stands for. Repairs are made as Go makes them, and each
    /// is reported with its offset in the JSON text.
    pub(crate) fn unescape(&self, out: &mut Vec<u8>, mut odd: impl FnMut(WarningCode, usize)) {
        let mut rest = self.bytes;
        loop {
            let at = self.at + self.bytes.len() - rest.len();
            let run = if self.escaped { memchr::memchr(b'\\', rest) } else { None };
            let (plain, escape) = rest.split_at(run.unwrap_or(rest.len()));
            if compatibility::push_utf8(plain, out) {
                odd(
                    WarningCode::InvalidUtf8,
                    at + core::str::from_utf8(plain).map_or_else(|e| e.valid_up_to(), |_| 0),
                );
            }
            let Some(&letter) = escape.get(1) else { return };
            let mut taken = 2;
            match letter {
                b'b' => out.push(0x08),
                b'f' => out.push(0x0c),
                b'n' => out.push(b'\n'),
                b'r' => out.push(b'\r'),
                b't' => out.push(b'\t'),
                b'u' => {
                    let (character, length) = unicode(escape);
                    taken = length;
                    if character.is_none() {
                        odd(WarningCode::LoneSurrogate, at + plain.len());
                    }
                    let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
                    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
                other => out.push(other),
            }
            rest = escape.get(taken..).unwrap_or_default();
        }
    }
}

/// The character of a checked `\uXXXX`, or of a pair of them, and its length in bytes; none for
/// half of a surrogate pair.
fn unicode(escape: &[u8]) -> (Option<char>, usize) {
    let first = unit(escape);
    match first {
        0xd800..=0xdbff => {
            let next = escape.get(6..).filter(|next| next.starts_with(b"\\u"));
            match next.map(unit) {
                Some(second @ 0xdc00..=0xdfff) => {
                    let scalar = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                    (char::from_u32(scalar), 12)
                }
                _ => (None, 6),
            }
        }
        _ => (char::from_u32(first), 6),
    }
}

/// The length of a checked escape sequence; a surrogate pair is one.
pub(crate) fn escape_length(escape: &[u8]) -> usize {
    if escape.get(1) == Some(&b'u') { unicode(escape).1 } else { 2 }
}

/// The number behind a checked `\u`.
fn unit(escape: &[u8]) -> u32 {
    let digits = escape.get(2..6).unwrap_or_default();
    digits.iter().fold(0, |unit, &digit| unit << 4 | char::from(digit).to_digit(16).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skip(text: &str) -> Result<&'static str, (usize, &'static str)> {
        let mut reader = Reader::new(text.as_bytes());
        let what =
            reader.skip().map_err(|fault| (fault.offset, fault.expected.english()))?.english();
        assert_eq!(reader.depth, 0);
        if reader.peek().is_some() { Err((reader.at(), "nothing more")) } else { Ok(what) }
    }

    #[test]
    fn every_kind_of_value_is_taken_whole() {
        for (text, what) in [
            ("{}", "an object"),
            ("[ ]", "an array"),
            (" {\"a\" : [1, {\"b\":null}] , \"\":-0.5e+07}", "an object"),
            ("[[],[[]],true,false,\"\\u00e9\\/\"]", "an array"),
            ("0", "a number"),
            ("1e999", "a number"),
            ("\"\"", "a string"),
        ] {
            assert_eq!(skip(text), Ok(what), "{text}");
        }
    }

    #[test]
    fn what_is_not_json_is_refused_at_its_place() {
        for (text, at) in [
            ("", 0),
            ("[1,]", 3),
            ("{\"a\":1,}", 7),
            ("{\"a\"}", 4),
            ("{a:1}", 1),
            ("[1}", 2),
            ("{\"a\":1]", 6),
            ("01", 1),
            ("-", 1),
            ("+1", 0),
            (".5", 0),
            ("1.", 2),
            ("1e", 2),
            ("nul", 3),
            ("nulL", 3),
            ("\"\\x\"", 2),
            ("\"\\u12g4\"", 5),
            ("\"a\tb\"", 2),
            ("\"abc", 4),
            ("\"abc\\", 5),
            ("[] []", 3),
            ("\u{feff}[]", 0),
        ] {
            assert_eq!(skip(text).unwrap_err().0, at, "{text:?}");
        }
    }

    #[test]
    fn nesting_is_bounded_where_go_bounds_it() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(skip(&nested(MAX_DEPTH)).is_ok());
        assert_eq!(skip(&nested(MAX_DEPTH + 1)).unwrap_err().0, MAX_DEPTH);
        assert!(skip(&"{\"a\":".repeat(MAX_DEPTH + 1)).is_err());
    }

    #[test]
    fn broken_text_outside_of_strings_is_not_mistaken_for_broken_json() {
        let fault = |bytes: &[u8]| Reader::new(bytes).skip().unwrap_err();
        assert_eq!(fault(b"\xff").stage, Stage::Utf8);
        assert_eq!(fault("é".as_bytes()).stage, Stage::Json);
        assert_eq!(fault(b"x").stage, Stage::Json);
    }

    #[test]
    fn surrogates_join_only_in_pairs() {
        for (text, expected, odd) in [
            (r#""\ud83d\ude00""#, "\u{1f600}", 0),
            (r#""\ud800x""#, "\u{fffd}x", 1),
            (r#""\udc00\ud800""#, "\u{fffd}\u{fffd}", 2),
            (r#""\ud800\ud83d\ude00""#, "\u{fffd}\u{1f600}", 1),
            (r#""\ud800\u0041""#, "\u{fffd}A", 1),
            (r#""\uFFFd\u0000\u007f""#, "\u{fffd}\0\u{7f}", 0),
        ] {
            let mut out = Vec::new();
            let mut count = 0;
            Reader::new(text.as_bytes()).string().unwrap().unescape(&mut out, |_, _| count += 1);
            assert_eq!(core::str::from_utf8(&out).unwrap(), expected);
            assert_eq!(count, odd, "{text}");
        }
    }
}
