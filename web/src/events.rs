//! What a structured text is made of, with the place of every piece: the one view that the
//! inspector has of JSON and of YAML.
//!
//! A reader never resolves anything (no alias is followed into a collection, no tag is obeyed) and
//! never recurses, so that neither an alias bomb nor deep nesting costs more than its own length.

pub use dubbo_k8s_codec::yaml::{Event, Spanned, SyntaxError};
use dubbo_k8s_codec::yaml::{Json, Yaml};

/// Reads one text, document after document.
pub trait Reader<'a> {
    /// Moves to the next document; false at the end.
    ///
    /// # Errors
    /// [`SyntaxError`] with the place, where the text breaks the syntax.
    fn next_document(&mut self) -> Result<bool, SyntaxError>;

    /// The next piece of the document.
    ///
    /// # Errors
    /// [`SyntaxError`] with the place, where the text breaks the syntax.
    fn next(&mut self) -> Result<Spanned<'a>, SyntaxError>;

    /// Skips what `first` begins: nothing for a scalar, everything up to its end for a collection.
    /// Gives the offset just behind it.
    ///
    /// # Errors
    /// [`SyntaxError`] with the place, where the text breaks the syntax.
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

impl<'a> Reader<'a> for Yaml<'a> {
    fn next_document(&mut self) -> Result<bool, SyntaxError> {
        Yaml::next_document(self)
    }

    fn next(&mut self) -> Result<Spanned<'a>, SyntaxError> {
        self.next_piece()
    }
}

impl<'a> Reader<'a> for Json<'a> {
    fn next_document(&mut self) -> Result<bool, SyntaxError> {
        Ok(Json::next_document(self))
    }

    fn next(&mut self) -> Result<Spanned<'a>, SyntaxError> {
        self.next_piece()
    }
}
