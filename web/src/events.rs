//! What a structured text is made of, with the place of every piece: the one view that the
//! inspector has of JSON and of YAML.
//!
//! A reader never resolves anything (no alias is followed into a collection, no tag is obeyed) and
//! never recurses, so that neither an alias bomb nor deep nesting costs more than its own length.

use std::borrow::Cow;
use std::ops::Range;

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

/// Why a text is not JSON or not YAML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Byte offset in the source.
    pub offset: usize,
    /// What is wrong, in English, as the parser says it.
    pub message: String,
    /// True if the text may be right, but is more than the inspector is willing to read.
    pub refused: bool,
}

/// Reads one text, document after document.
pub trait Reader<'a> {
    /// Moves to the next document; false at the end.
    fn next_document(&mut self) -> Result<bool, SyntaxError>;

    /// The next piece of the document.
    fn next(&mut self) -> Result<Spanned<'a>, SyntaxError>;

    /// Skips what `first` begins: nothing for a scalar, everything up to its end for a collection.
    /// Gives the offset just behind it.
    fn skip(&mut self, first: &Spanned<'a>) -> Result<usize, SyntaxError> {
        let mut end = first.span.end;
        let mut open = usize::from(matches!(first.event, Event::Map | Event::List));
        while open > 0 {
            let piece = self.next()?;
            end = piece.span.end;
            match piece.event {
                Event::Map | Event::List => open += 1,
                Event::Close => open -= 1,
                _ => {}
            }
        }
        Ok(end)
    }
}
