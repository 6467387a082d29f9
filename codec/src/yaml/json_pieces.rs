//! JSON in the pieces that YAML is read in, with the place of each: one value after the other, as in NDJSON.
//!
//! It never builds a tree and never recurses.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::{Event, MAX_DEPTH, Spanned, SyntaxError};
use crate::fault::Found;
use crate::json::{Fault, RawString, Reader};
use crate::phrase::Phrase;
use crate::problem::Detail;

/// Reads the values of a JSON text.
pub struct Json<'a> {
    text: &'a str,
    reader: Reader<'a>,
    /// The collections that are open.
    open: Vec<Level>,
    /// Whether the value is complete.
    done: bool,
}

/// What takes a member of an object: its name, and the first piece of its value.
pub type Member<'m, 'a> = dyn FnMut(&mut Json<'a>, &str, Event<'a>) -> Result<(), SyntaxError> + 'm;

/// What takes an element of a list, by its first piece.
pub type Element<'m, 'a> = dyn FnMut(&mut Json<'a>, Event<'a>) -> Result<(), SyntaxError> + 'm;

/// What may come next in a collection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    /// A name, or the end; whether one came before.
    Name { first: bool },
    /// The value of the name that was read.
    Value,
    /// An element, or the end; whether one came before.
    Element { first: bool },
}

impl<'a> Json<'a> {
    /// A reader at the beginning of `text`.
    pub const fn new(text: &'a str) -> Self {
        Self { text, reader: Reader::new(text.as_bytes()), open: Vec::new(), done: false }
    }

    /// Moves to the next value; false at the end.
    pub fn next_document(&mut self) -> bool {
        self.open.clear();
        self.done = false;
        self.reader.peek().is_some()
    }

    /// The next piece of the value.
    ///
    /// # Errors
    /// If what stands there is not JSON, or is nested deeper than [`MAX_DEPTH`].
    pub fn next_piece(&mut self) -> Result<Spanned<'a>, SyntaxError> {
        if self.done {
            return Err(self.wrong(self.reader.fault(Phrase::NothingAfterDocument)));
        }
        match self.open.last().copied() {
            None => self.value(),
            Some(Level::Value) => {
                self.expect(Level::Name { first: false });
                self.value()
            }
            Some(Level::Name { first }) => {
                match self.reader.next_member(first).map_err(|fault| self.wrong(fault))? {
                    None => Ok(self.close()),
                    Some(name) => {
                        self.expect(Level::Value);
                        self.string(name)
                    }
                }
            }
            Some(Level::Element { first }) => {
                if !self.reader.next_element(first).map_err(|fault| self.wrong(fault))? {
                    return Ok(self.close());
                }
                self.expect(Level::Element { first: false });
                self.value()
            }
        }
    }

    /// Skips what `first` begins: nothing for a scalar, everything up to its end for a collection. Gives the offset
    /// just behind it.
    ///
    /// # Errors
    /// Those of [`Json::next_piece`].
    pub fn skip(&mut self, first: &Spanned<'a>) -> Result<usize, SyntaxError> {
        let mut end = first.span.end;
        let mut open = usize::from(matches!(first.event, Event::Map | Event::List));
        while open > 0 {
            let piece = self.next_piece()?;
            end = piece.span.end;
            match piece.event {
                Event::Map | Event::List => open += 1,
                Event::Close => open -= 1,
                _ => {}
            }
        }
        Ok(end)
    }

    /// Reads the members of the object that the last piece began, up to its end. `member` gets the name of each and the
    /// first piece of its value, and need not read what that begins.
    ///
    /// # Errors
    /// Those of [`Json::next_piece`].
    pub fn members(&mut self, member: &mut Member<'_, 'a>) -> Result<(), SyntaxError> {
        let level = self.open.len();
        while let Event::Text(name) = self.next_piece()?.event {
            let value = self.next_piece()?.event;
            member(self, &name, value)?;
            self.leave(level)?;
        }
        Ok(())
    }

    /// Reads the elements of the list that the last piece began, up to its end, as [`Json::members`] does.
    ///
    /// # Errors
    /// Those of [`Json::next_piece`].
    pub fn elements(&mut self, element: &mut Element<'_, 'a>) -> Result<(), SyntaxError> {
        let level = self.open.len();
        loop {
            match self.next_piece()?.event {
                Event::Close => return Ok(()),
                value => element(self, value)?,
            }
            self.leave(level)?;
        }
    }

    /// Skips the rest of what is nested deeper than this.
    fn leave(&mut self, level: usize) -> Result<(), SyntaxError> {
        while self.open.len() > level {
            self.next_piece()?;
        }
        Ok(())
    }

    fn value(&mut self) -> Result<Spanned<'a>, SyntaxError> {
        match self.reader.peek() {
            Some(b'{') => self.enter(Level::Name { first: true }, Event::Map),
            Some(b'[') => self.enter(Level::Element { first: true }, Event::List),
            first => {
                let start = self.reader.at();
                self.done = self.open.is_empty();
                if first == Some(b'"') {
                    let text = self.reader.string().map_err(|fault| self.wrong(fault))?;
                    return self.string(text);
                }
                let what = self.reader.scalar().map_err(|fault| self.wrong(fault))?;
                let span = start..self.reader.at();
                let word = self.text.get(span.clone()).unwrap_or_default();
                let is_null = what == Phrase::Null;
                let event = if is_null { Event::Null } else { Event::Plain(Cow::Borrowed(word)) };
                Ok(Spanned { event, span })
            }
        }
    }

    /// A string that was read, unescaped; borrowed if it holds no escape.
    fn string(&self, string: RawString<'a>) -> Result<Spanned<'a>, SyntaxError> {
        let text = string.text().map_err(|fault| self.wrong(fault))?;
        let span = string.at - 1..string.at + string.bytes.len() + 1;
        Ok(Spanned { event: Event::Text(text), span })
    }

    fn enter(&mut self, level: Level, event: Event<'a>) -> Result<Spanned<'a>, SyntaxError> {
        let at = self.reader.at();
        if self.open.len() >= MAX_DEPTH {
            return Err(SyntaxError::too_deep(at));
        }
        self.reader.enter().map_err(|fault| self.wrong(fault))?;
        self.open.push(level);
        Ok(Spanned { event, span: at..at + 1 })
    }

    /// Leaves the collection whose end was taken.
    fn close(&mut self) -> Spanned<'a> {
        self.open.pop();
        self.done = self.open.is_empty();
        let end = self.reader.at();
        Spanned { event: Event::Close, span: end - 1..end }
    }

    fn expect(&mut self, next: Level) {
        if let Some(level) = self.open.last_mut() {
            *level = next;
        }
    }

    fn wrong(&self, fault: Fault) -> SyntaxError {
        let rest = self.text.get(fault.offset..).unwrap_or_default();
        let found = rest.chars().next().map_or(Found::End, Found::of);
        let detail = Detail::Expected { expected: fault.expected, found, at: None };
        SyntaxError { offset: fault.offset, detail, refused: false }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;

    fn events(text: &str) -> Result<Vec<(Event<'_>, &str)>, SyntaxError> {
        let mut json = Json::new(text);
        let mut all = Vec::new();
        while json.next_document() {
            let mut open = 0;
            loop {
                let piece = json.next_piece()?;
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
    fn members_and_elements_are_read_as_far_as_wanted() {
        let mut json = Json::new(r#"{"a":{"x":[1,{}]},"b":[1,["c"],{"d":"e"},"f"],"g":"h"}"#);
        let (mut names, mut texts) = (Vec::new(), Vec::new());
        assert_eq!(json.next_piece().unwrap().event, Event::Map);
        json.members(&mut |json, name, value| {
            names.push(String::from(name));
            if value != Event::List {
                return Ok(());
            }
            json.elements(&mut |json, value| {
                if value == Event::List {
                    json.next_piece()?;
                }
                texts.push(value);
                Ok(())
            })
        })
        .unwrap();
        assert_eq!(names, ["a", "b", "g"]);
        let one = Event::Plain("1".into());
        assert_eq!(texts, [one, Event::List, Event::Map, Event::Text("f".into())]);
        assert!(!json.next_document());
    }

    #[test]
    fn what_is_not_json_is_refused_at_its_place() {
        for (text, offset) in [
            ("{\"a\":1,}", 7),
            ("[1 2]", 3),
            ("{a:1}", 1),
            ("[\"a", 3),
            ("[\"a\nb\"]", 3),
            ("[\"\\x\"]", 3),
            ("[tru]", 4),
            ("[01x]", 2),
            ("[01]", 2),
            ("[1.]", 3),
            ("[--1]", 2),
            ("", 0),
        ] {
            let mut json = Json::new(text);
            let error = loop {
                match json.next_piece() {
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
