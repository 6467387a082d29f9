//! YAML as events with places, by granit-parser.
//!
//! It never follows an alias into a collection: `kubectl` writes none, and a text that does
//! (an alias bomb) costs no more than its own length. Only this file names the YAML parser.

use std::borrow::Cow;
use std::ops::Range;

use granit_parser::{Parser, ScalarStyle, StrInput};

use crate::events::{Event, MAX_DEPTH, Reader, Spanned, SyntaxError};

/// Reads the documents of a YAML stream.
pub struct Yaml<'a> {
    parser: Parser<'a, StrInput<'a>>,
    text: &'a str,
    depth: usize,
}

impl<'a> Yaml<'a> {
    /// A reader at the beginning of `text`.
    pub fn new(text: &'a str) -> Self {
        let options = granit_parser::options! {
            emit_comments: false,
            emit_unresolved_aliases: true,
            flow_nesting_limit: MAX_DEPTH,
            block_nesting_limit: MAX_DEPTH,
        };
        Self { parser: Parser::new_from_str_with_options(text, options), text, depth: 0 }
    }

    fn pull(&mut self) -> Result<Option<(granit_parser::Event<'a>, Range<usize>)>, SyntaxError> {
        match self.parser.next() {
            None => Ok(None),
            Some(Ok((event, span))) => {
                Ok(Some((event, span.byte_range().unwrap_or(self.text.len()..self.text.len()))))
            }
            Some(Err(error)) => Err(SyntaxError {
                offset: error.marker().byte_offset().unwrap_or(self.text.len()),
                message: error.info(),
                refused: false,
            }),
        }
    }

    fn enter(&mut self, event: Event<'a>, span: Range<usize>) -> Result<Spanned<'a>, SyntaxError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(SyntaxError {
                offset: span.start,
                message: format!("nested deeper than {MAX_DEPTH} levels"),
                refused: true,
            });
        }
        Ok(Spanned { event, span })
    }
}

impl<'a> Reader<'a> for Yaml<'a> {
    fn next_document(&mut self) -> Result<bool, SyntaxError> {
        use granit_parser::Event as Yaml;
        loop {
            match self.pull()? {
                None | Some((Yaml::StreamEnd, _)) => return Ok(false),
                Some((Yaml::DocumentStart(..), _)) => {
                    self.depth = 0;
                    return Ok(true);
                }
                Some(_) => {}
            }
        }
    }

    fn next(&mut self) -> Result<Spanned<'a>, SyntaxError> {
        use granit_parser::Event as Yaml;
        loop {
            let Some((event, span)) = self.pull()? else {
                return Err(SyntaxError {
                    offset: self.text.len(),
                    message: "expected more, found the end".to_owned(),
                    refused: false,
                });
            };
            return match event {
                Yaml::MappingStart(..) => self.enter(Event::Map, span),
                Yaml::SequenceStart(..) => self.enter(Event::List, span),
                Yaml::MappingEnd | Yaml::SequenceEnd => {
                    self.depth = self.depth.saturating_sub(1);
                    Ok(Spanned { event: Event::Close, span })
                }
                Yaml::Scalar(text, style, ..) => Ok(Spanned { event: scalar(text, style), span }),
                Yaml::Alias(_) | Yaml::UnresolvedAlias(_) => {
                    let name = self.text.get(span.clone()).unwrap_or_default();
                    Ok(Spanned { event: Event::Plain(Cow::Borrowed(name)), span })
                }
                _ => continue,
            };
        }
    }
}

/// Resolves a scalar as YAML 1.2's core schema does, as far as the inspector must know.
fn scalar(text: Cow<'_, str>, style: ScalarStyle) -> Event<'_> {
    if style != ScalarStyle::Plain {
        return Event::Text(text);
    }
    match text.as_ref() {
        "" | "~" | "null" | "Null" | "NULL" => Event::Null,
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => Event::Plain(text),
        number if crate::json::is_number(number) => Event::Plain(text),
        _ => Event::Text(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Result<Vec<(String, &str)>, SyntaxError> {
        let mut yaml = Yaml::new(source);
        let mut all = Vec::new();
        while yaml.next_document()? {
            let first = yaml.next()?;
            let mut open = i32::from(matches!(first.event, Event::Map | Event::List));
            while open > 0 {
                let piece = yaml.next()?;
                match piece.event {
                    Event::Map | Event::List => open += 1,
                    Event::Close => open -= 1,
                    Event::Text(text) => all.push((text.into_owned(), &source[piece.span])),
                    Event::Plain(text) => all.push((format!("({text})"), &source[piece.span])),
                    Event::Null => {}
                }
            }
        }
        Ok(all)
    }

    #[test]
    fn places_are_bytes_also_behind_cjk() {
        let found = texts("# 注释 😀\n用户: \"a\\n\"\n---\nb: 7\n").unwrap();
        assert_eq!(
            found,
            [
                ("用户".to_owned(), "用户"),
                ("a\n".to_owned(), "\"a\\n\""),
                ("b".to_owned(), "b"),
                ("(7)".to_owned(), "7")
            ]
        );
    }

    #[test]
    fn an_alias_bomb_costs_only_its_own_length() {
        let lines = ('b'..='z').zip('a'..).map(|(name, of)| {
            format!("{name}: &{name} [{}]\n", vec![format!("*{of}"); 9].join(","))
        });
        let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned() + &lines.collect::<String>();
        assert_eq!(texts(&bomb).unwrap().len(), 26 + 9 + 25 * 9);
    }

    #[test]
    fn deep_nesting_is_an_error() {
        assert!(texts(&"[".repeat(100_000)).is_err());
        assert!(texts(&"- ".repeat(100_000)).is_err());
    }

    #[test]
    fn syntax_errors_have_a_place() {
        let error = texts("a: b\n c: [\n").unwrap_err();
        assert!(error.offset > 0, "{error:?}");
        assert!(!error.message.is_empty());
    }
}
