//! YAML as JSON ([`documents`]), by granit-parser; and JSON as events with places ([`Json`]).
//!
//! Nothing here recurses, and depth is bounded. Aliases are followed up to a bound, so that a text that is made of
//! them (an alias bomb) is refused. Only this file names the YAML parser.

mod json;
mod json_pieces;

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;
use core::ops::Range;

use granit_parser::{ErrorKind, Event as Parsed, Parser, ScalarStyle, StrInput, Tag};

use crate::phrase::{Language, Phrase};
use crate::problem::Detail;

pub use json::{Documents, MAX_REPEATED, documents, source};
pub(crate) use json::{Places, Traced};
pub use json_pieces::{Element, Json, Member};

/// Collections nested deeper than this are refused.
pub const MAX_DEPTH: usize = 128;

/// One piece of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A mapping begins; keys and values follow in turn.
    Map,
    /// A list begins.
    List,
    /// The innermost collection ends.
    Close,
    /// Text: a string, or a YAML scalar that may only be text.
    Text(Cow<'a, str>),
    /// A scalar that is not text: a number, `true`, an alias.
    Plain(Cow<'a, str>),
    /// Nothing.
    Null,
}

/// A piece and its bytes in the source, quotes included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<'a> {
    /// What it is.
    pub event: Event<'a>,
    /// Where it stands.
    pub span: Range<usize>,
}

/// Why a text is not what it was read as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Byte offset in the source.
    pub offset: usize,
    /// What is wrong. It may quote the source.
    pub detail: Detail,
    /// True if the text may be right, but is more than this reader is willing to read.
    pub refused: bool,
}

impl SyntaxError {
    fn wrong(offset: usize, phrase: Phrase) -> Self {
        Self { offset, detail: Detail::Wrong(phrase, None), refused: false }
    }

    fn wrong_of(offset: usize, source: impl Into<String>, phrase: Phrase) -> Self {
        Self { offset, detail: Detail::Wrong(phrase, Some(source.into())), refused: false }
    }

    fn refused(offset: usize, phrase: Phrase) -> Self {
        Self { offset, detail: Detail::Wrong(phrase, None), refused: true }
    }

    /// Something at `offset` is nested deeper than [`MAX_DEPTH`].
    pub fn too_deep(offset: usize) -> Self {
        Self::refused(offset, Phrase::TooDeep)
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail.text(Language::English))
    }
}

impl core::error::Error for SyntaxError {}

/// Reads the nodes of a YAML stream.
struct Yaml<'a> {
    parser: Parser<'a, StrInput<'a>>,
    text: &'a str,
    depth: usize,
}

impl<'a> Yaml<'a> {
    /// A reader at the beginning of `text`.
    fn new(text: &'a str) -> Self {
        let options = granit_parser::options! {
            emit_comments: false,
            emit_unresolved_aliases: true,
            flow_nesting_limit: MAX_DEPTH,
            block_nesting_limit: MAX_DEPTH,
        };
        Self { parser: Parser::new_from_str_with_options(text, options), text, depth: 0 }
    }

    fn pull(&mut self) -> Result<Option<(Parsed<'a>, Range<usize>)>, SyntaxError> {
        let end = self.text.len();
        match self.parser.next() {
            None => Ok(None),
            Some(Ok((event, span))) => Ok(Some((event, span.byte_range().unwrap_or(end..end)))),
            Some(Err(error)) => {
                let offset = error.marker().byte_offset().unwrap_or(end);
                Err(wrong(offset, error.kind()))
            }
        }
    }

    /// Moves to the next document; false at the end.
    fn next_document(&mut self) -> Result<bool, SyntaxError> {
        loop {
            match self.pull()? {
                None | Some((Parsed::StreamEnd, _)) => return Ok(false),
                Some((Parsed::DocumentStart(..), _)) => {
                    self.depth = 0;
                    return Ok(true);
                }
                Some(_) => {}
            }
        }
    }

    /// The next node of the document, or the end of a collection, as the parser gives it.
    fn node(&mut self) -> Result<(Parsed<'a>, Range<usize>), SyntaxError> {
        loop {
            let Some((event, span)) = self.pull()? else {
                return Err(SyntaxError::wrong(self.text.len(), Phrase::EndsEarly));
            };
            match event {
                Parsed::MappingStart(..) | Parsed::SequenceStart(..) => {
                    self.depth += 1;
                    if self.depth > MAX_DEPTH {
                        return Err(SyntaxError::too_deep(span.start));
                    }
                }
                Parsed::MappingEnd | Parsed::SequenceEnd => {
                    self.depth = self.depth.saturating_sub(1);
                }
                Parsed::Scalar(..) | Parsed::Alias(_) | Parsed::UnresolvedAlias(_) => {}
                _ => continue,
            }
            return Ok((event, span));
        }
    }

    fn slice(&self, span: &Range<usize>) -> &'a str {
        self.text.get(span.clone()).unwrap_or_default()
    }
}

/// What the parser has found wrong, in words that there are in every language.
fn wrong(offset: usize, kind: &ErrorKind) -> SyntaxError {
    let phrase = match kind {
        ErrorKind::RecursionLimitExceeded => return SyntaxError::too_deep(offset),
        ErrorKind::UnexpectedCharacter { character } => {
            return SyntaxError::wrong_of(offset, *character, Phrase::CannotBegin);
        }
        ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofImplicitFlowMapping
        | ErrorKind::UnclosedFlowCollection { .. } => Phrase::BracketNeverClosed,
        ErrorKind::UnexpectedEofBlockSequence
        | ErrorKind::UnexpectedEofBlockMapping
        | ErrorKind::UnexpectedEof => Phrase::EndsEarly,
        ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::SimpleKeyExpected
        | ErrorKind::InvalidSimpleKey => Phrase::ColonMissing,
        ErrorKind::ExpectedFlowMappingSeparator | ErrorKind::ExpectedFlowSequenceSeparator => {
            Phrase::CommaMissing
        }
        ErrorKind::ExpectedBlockSequenceEntry => Phrase::DashMissing,
        ErrorKind::BlockEntryInFlowCollection
        | ErrorKind::BlockSequenceEntryNotAllowed
        | ErrorKind::InvalidBlockEntryWhitespace
        | ErrorKind::PlainScalarStartsWithDashFlowIndicator => Phrase::DashMisplaced,
        ErrorKind::InvalidIndentation
        | ErrorKind::InvalidBlockScalarIndent
        | ErrorKind::InvalidQuotedScalarIndent
        | ErrorKind::InvalidFlowScalarIndent => Phrase::Indentation,
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInPlainScalar => Phrase::Tab,
        ErrorKind::MappingKeyNotAllowed
        | ErrorKind::MappingValueNotAllowed
        | ErrorKind::InvalidColonPlacement
        | ErrorKind::InvalidMappingValueWhitespace
        | ErrorKind::FlowMappingValueAdjacentCollection => Phrase::ColonMisplaced,
        ErrorKind::MisplacedFlowCollectionEnd | ErrorKind::MismatchedFlowCollectionEnd { .. } => {
            Phrase::BracketUnopened
        }
        ErrorKind::UnclosedQuotedScalar | ErrorKind::DocumentIndicatorInQuotedScalar => {
            Phrase::QuoteNeverClosed
        }
        ErrorKind::InvalidTrailingSingleQuotedScalar
        | ErrorKind::InvalidTrailingDoubleQuotedScalar => Phrase::TextBehindQuote,
        ErrorKind::UnknownQuotedScalarEscape
        | ErrorKind::InvalidQuotedScalarHexEscape
        | ErrorKind::InvalidLowSurrogateHexEscape
        | ErrorKind::InvalidLowSurrogate
        | ErrorKind::MissingLowSurrogate
        | ErrorKind::UnpairedLowSurrogate
        | ErrorKind::InvalidUnicodeEscape => Phrase::BadEscape,
        ErrorKind::MissingAnchorOrAliasName => Phrase::AnchorName,
        // Tags, directives and marks of documents: what no Pod is written with.
        _ => Phrase::CannotGoOn,
    };
    SyntaxError::wrong(offset, phrase)
}

/// Resolves a scalar as YAML 1.2's core schema does, but for numbers that JSON writes otherwise: they are text.
fn scalar<'a>(text: Cow<'a, str>, style: ScalarStyle, tag: Option<&Tag>) -> Event<'a> {
    if style != ScalarStyle::Plain || tag.is_some_and(|tag| tag.suffix() == "str") {
        return Event::Text(text);
    }
    match text.as_ref() {
        "" | "~" | "null" | "Null" | "NULL" => Event::Null,
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => Event::Plain(text),
        number if is_number(number) => Event::Plain(text),
        _ => Event::Text(text),
    }
}

/// Whether JSON has this as a number.
fn is_number(word: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = word.strip_prefix('-').unwrap_or(word);
    if !unsigned.starts_with(|first: char| first.is_ascii_digit()) {
        return false; // long texts are not searched for a dot
    }
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let leading_zero = whole.len() > 1 && whole.starts_with('0');
    digits(whole) && digits(fraction) && digits(exponent) && !leading_zero
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec::Vec;

    use super::*;

    fn texts(source: &str) -> Result<Vec<Vec<u8>>, SyntaxError> {
        documents(source).collect()
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
        for (text, phrase) in [
            ("a: [\n", Phrase::BracketNeverClosed),
            ("a: [1 2\nb: 3", Phrase::ColonMisplaced),
            ("a: 1\nb\nc: 2", Phrase::ColonMissing),
            ("a: b: c\n", Phrase::ColonMisplaced),
            ("a:\n\t- b\n", Phrase::Tab),
            ("a: \"b\n", Phrase::QuoteNeverClosed),
            ("a: \"\\x\"\n", Phrase::BadEscape),
            ("a: ]\n", Phrase::BracketUnopened),
            ("a: &\n", Phrase::AnchorName),
            ("a: |x\n", Phrase::CannotGoOn),
            ("- a\nb: c\n", Phrase::DashMissing),
        ] {
            let error = texts(text).unwrap_err();
            assert_eq!(error.detail, Detail::Wrong(phrase, None), "{text:?} {error:?}");
        }
        let error = texts("a: @b\n").unwrap_err();
        assert_eq!(error.to_string(), "`@` cannot begin a value");
        assert!(texts(&"[".repeat(1000)).unwrap_err().refused);
        assert!(Phrase::TooDeep.english().contains(&MAX_DEPTH.to_string()));
    }
}
