//! JSON, and JSON after JSON, as events with places.
//!
//! It never builds a tree: what the registry does not read is skipped at the speed of a scan.

use std::borrow::Cow;

use dubbo_k8s_codec::Found;
use dubbo_k8s_codec::problem::{Detail, Phrase};
use dubbo_k8s_codec::yaml::is_number;

use crate::events::{Event, MAX_DEPTH, Reader, Spanned, SyntaxError};

/// Reads one JSON value after the other (so NDJSON too).
pub struct Json<'a> {
    text: &'a str,
    at: usize,
    /// One entry for every open collection: what may come next in it.
    open: Vec<Expect>,
    done: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    FirstKey,
    Key,
    Value,
    FirstItem,
    Item,
}

impl<'a> Json<'a> {
    /// A reader at the beginning of `text`.
    pub const fn new(text: &'a str) -> Self {
        Self { text, at: 0, open: Vec::new(), done: false }
    }

    fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.bytes().get(self.at) {
            self.at += 1;
        }
        self.bytes().get(self.at).copied()
    }

    fn wrong<T>(&self, expected: Phrase) -> Result<T, SyntaxError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let found = rest.chars().next().map_or(Found::End, Found::of);
        let detail = Detail::Expected { expected, found, at: None };
        Err(SyntaxError { offset: self.at, detail, refused: false })
    }

    fn take(&mut self, byte: u8, expected: Phrase) -> Result<(), SyntaxError> {
        if self.peek() == Some(byte) {
            self.at += 1;
            return Ok(());
        }
        self.wrong(expected)
    }

    fn expect(&mut self, next: Expect) {
        if let Some(top) = self.open.last_mut() {
            *top = next;
        }
    }

    fn close(&mut self) -> Spanned<'a> {
        self.at += 1;
        self.open.pop();
        self.done = self.open.is_empty();
        Spanned { event: Event::Close, span: self.at - 1..self.at }
    }

    fn enter(&mut self, expect: Expect, event: Event<'a>) -> Result<Spanned<'a>, SyntaxError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(SyntaxError::too_deep(self.at));
        }
        self.open.push(expect);
        self.at += 1;
        Ok(Spanned { event, span: self.at - 1..self.at })
    }

    fn value(&mut self) -> Result<Spanned<'a>, SyntaxError> {
        match self.peek() {
            Some(b'{') => self.enter(Expect::FirstKey, Event::Map),
            Some(b'[') => self.enter(Expect::FirstItem, Event::List),
            Some(b'"') => {
                let start = self.at;
                let text = self.string()?;
                self.scalar_ended();
                Ok(Spanned { event: Event::Text(text), span: start..self.at })
            }
            Some(b'-' | b'0'..=b'9' | b'a'..=b'z') => self.word(),
            _ => self.wrong(Phrase::Value),
        }
    }

    fn scalar_ended(&mut self) {
        self.done = self.open.is_empty();
    }

    fn word(&mut self) -> Result<Spanned<'a>, SyntaxError> {
        let start = self.at;
        let rest = self.bytes().get(start..).unwrap_or_default();
        let length = rest
            .iter()
            .position(|byte| !matches!(byte, b'-' | b'+' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'E'))
            .unwrap_or(rest.len());
        let word = self.text.get(start..start + length).unwrap_or_default();
        let event = match word {
            "null" => Event::Null,
            "true" | "false" => Event::Plain(Cow::Borrowed(word)),
            _ if is_number(word) => Event::Plain(Cow::Borrowed(word)),
            _ => return self.wrong(Phrase::Value),
        };
        self.at += length;
        self.scalar_ended();
        Ok(Spanned { event, span: start..self.at })
    }

    /// The string that begins here, unescaped; borrowed if it holds no escape.
    fn string(&mut self) -> Result<Cow<'a, str>, SyntaxError> {
        let start = self.at + 1;
        let mut at = start;
        let mut owned: Option<String> = None;
        let mut copied = start;
        loop {
            let rest = self.bytes().get(at..).unwrap_or_default();
            let Some(step) = string_stop(rest) else {
                self.at = self.text.len();
                return self.wrong(Phrase::ClosingQuote);
            };
            at += step;
            match self.bytes().get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    let text = owned.get_or_insert_default();
                    text.push_str(self.text.get(copied..at).unwrap_or_default());
                    self.at = at;
                    at = self.escape(text)?;
                    copied = at;
                }
                _ => {
                    self.at = at;
                    return self.wrong(Phrase::RawControl);
                }
            }
        }
        self.at = at + 1;
        let tail = self.text.get(copied..at).unwrap_or_default();
        Ok(match owned {
            None => Cow::Borrowed(tail),
            Some(mut text) => {
                text.push_str(tail);
                Cow::Owned(text)
            }
        })
    }

    /// Reads the escape at `self.at`; gives the offset behind it.
    fn escape(&self, out: &mut String) -> Result<usize, SyntaxError> {
        let plain = match self.bytes().get(self.at + 1) {
            Some(b'n') => '\n',
            Some(b't') => '\t',
            Some(b'r') => '\r',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(&byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'u') => {
                let Some((ch, length)) = unicode_escape(self.bytes(), self.at) else {
                    return self.wrong(Phrase::FourHexDigits);
                };
                out.push(ch);
                return Ok(self.at + length);
            }
            _ => return self.wrong(Phrase::Escape),
        };
        out.push(plain);
        Ok(self.at + 2)
    }
}

/// The character of the `\u` escape at `at` and the length of the escape: 12 for a pair, else 6.
/// Half of a pair reads as U+FFFD.
pub(crate) fn unicode_escape(bytes: &[u8], at: usize) -> Option<(char, usize)> {
    let unit = |at: usize| {
        let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
        digits
            .iter()
            .try_fold(0_u32, |sum, &digit| Some(sum << 4 | char::from(digit).to_digit(16)?))
    };
    let first = unit(at)?;
    if (0xD800..0xDC00).contains(&first)
        && let Some(second @ 0xDC00..0xE000) = unit(at + 6)
    {
        let code = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
        return Some((char::from_u32(code)?, 12));
    }
    Some((char::from_u32(first).unwrap_or('\u{fffd}'), 6))
}

/// How far the next byte is that ends a run of plain text in a string.
fn string_stop(rest: &[u8]) -> Option<usize> {
    let stop = memchr::memchr2(b'"', b'\\', rest)?;
    let run = rest.get(..stop).unwrap_or_default();
    Some(run.iter().position(|&byte| byte < 0x20).unwrap_or(stop))
}

impl<'a> Reader<'a> for Json<'a> {
    fn next_document(&mut self) -> Result<bool, SyntaxError> {
        self.open.clear();
        self.done = false;
        Ok(self.peek().is_some())
    }

    fn next(&mut self) -> Result<Spanned<'a>, SyntaxError> {
        if self.done {
            return self.wrong(Phrase::NothingAfterDocument);
        }
        match self.open.last().copied() {
            None => self.value(),
            Some(expect @ (Expect::FirstItem | Expect::Item)) => {
                match (self.peek(), expect) {
                    (Some(b']'), _) => return Ok(self.close()),
                    (_, Expect::Item) => self.take(b',', Phrase::CommaAfterElement)?,
                    _ => {}
                }
                self.expect(Expect::Item);
                self.value()
            }
            Some(Expect::Value) => {
                self.take(b':', Phrase::ColonAfterName)?;
                self.expect(Expect::Key);
                self.value()
            }
            Some(expect) => {
                match (self.peek(), expect) {
                    (Some(b'}'), _) => return Ok(self.close()),
                    (_, Expect::Key) => self.take(b',', Phrase::CommaAfterMember)?,
                    _ => {}
                }
                if self.peek() != Some(b'"') {
                    return self.wrong(Phrase::NameInQuotes);
                }
                let start = self.at;
                let name = self.string()?;
                self.expect(Expect::Value);
                Ok(Spanned { event: Event::Text(name), span: start..self.at })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(text: &str) -> Result<Vec<(Event<'_>, &str)>, SyntaxError> {
        let mut json = Json::new(text);
        let mut all = Vec::new();
        while json.next_document()? {
            let mut open = 0;
            loop {
                let piece = json.next()?;
                open += match piece.event {
                    Event::Map | Event::List => 1,
                    Event::Close => -1,
                    _ => 0,
                };
                all.push((piece.event, &text[piece.span]));
                if open == 0 {
                    break;
                }
            }
        }
        Ok(all)
    }

    #[test]
    fn events_carry_their_places() {
        let text = "{\"a\": [-1.5e+3, \"x\\u00e9\\ud83d\\ude00\", null]}\n{}";
        let found = events(text).unwrap();
        assert_eq!(
            found,
            [
                (Event::Map, "{"),
                (Event::Text("a".into()), "\"a\""),
                (Event::List, "["),
                (Event::Plain("-1.5e+3".into()), "-1.5e+3"),
                (Event::Text("xé😀".into()), "\"x\\u00e9\\ud83d\\ude00\""),
                (Event::Null, "null"),
                (Event::Close, "]"),
                (Event::Close, "}"),
                (Event::Map, "{"),
                (Event::Close, "}"),
            ]
        );
    }

    #[test]
    fn what_is_not_json_is_refused_at_its_place() {
        for (text, offset) in [
            ("{\"a\":1,}", 7),
            ("[1 2]", 3),
            ("{a:1}", 1),
            ("[\"a", 3),
            ("[\"a\nb\"]", 3),
            ("[\"\\x\"]", 2),
            ("[tru]", 1),
            ("[01x]", 1),
            ("[01]", 1),
            ("[1.]", 1),
            ("[--1]", 1),
            ("", 0),
        ] {
            let mut json = Json::new(text);
            let error = loop {
                match json.next() {
                    Ok(_) => {}
                    Err(error) => break error,
                }
            };
            assert_eq!(error.offset, offset, "{text}: {error:?}");
        }
    }

    #[test]
    fn deep_nesting_is_refused_not_followed() {
        let text = "[".repeat(1_000_000);
        let error = events(&text).unwrap_err();
        assert!(error.refused);
        assert_eq!(error.offset, MAX_DEPTH);
    }
}
