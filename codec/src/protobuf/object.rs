//! The envelope of an object: "k8s", a zero byte, and a message of its kind and its bytes. It must
//! never look into the object itself.

use crate::fault::Found;
use crate::json::Fault;
use crate::phrase::Phrase;

use super::MAGIC;
use super::fields::Piece;

/// An object in its envelope, not yet read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Object<'a> {
    pub(super) kind: &'a str,
    pub(super) raw: Piece<'a>,
    /// What is wrong with the envelope; the object may be readable all the same.
    pub(super) fault: Option<Fault>,
}

impl<'a> Object<'a> {
    /// The object in the body of an answer to a GET or a PATCH. What is wrong with the envelope is
    /// said when the object is read.
    pub fn open(body: &'a [u8]) -> Self {
        Self::of(Piece::new(body))
    }

    /// Its kind; empty if it names none.
    pub const fn kind(&self) -> &'a str {
        self.kind
    }

    pub(super) fn of(piece: Piece<'a>) -> Self {
        let mut object = Self::default();
        object.fault = object.read(piece).err();
        object
    }

    fn read(&mut self, piece: Piece<'a>) -> Result<(), Fault> {
        if !piece.bytes.starts_with(&MAGIC) {
            let found = piece.bytes.first().map_or(Found::End, |&byte| Found::opening(byte));
            return Err(piece.fault(Phrase::Envelope, found));
        }
        let mut fields = piece.behind(MAGIC.len()).fields();
        while let Some(field) = fields.next()? {
            match field.number {
                1 => self.kind = kind(field.piece(Phrase::Kind)?)?.unwrap_or(self.kind),
                2 => self.raw = field.piece(Phrase::Raw)?,
                _ => {}
            }
        }
        Ok(())
    }
}

/// The kind in a `TypeMeta`, if there is one.
pub(super) fn kind(meta: Piece<'_>) -> Result<Option<&str>, Fault> {
    let mut kind = None;
    let mut fields = meta.fields();
    while let Some(field) = fields.next()? {
        if field.number == 2 {
            kind = Some(field.piece(Phrase::Kind)?.text()?);
        }
    }
    Ok(kind)
}
