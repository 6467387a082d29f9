//! An item of a list or a frame of a watch, as its reader hands it out. It must never be taken for
//! whole where it was cut: protobuf has no mark at its end, so a cut between two fields cannot be seen.

use crate::fault::{Found, Stage};
use crate::json::Fault;
use crate::phrase::Phrase;

use super::fields::Piece;

/// An item of a list, or a frame of a watch without its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// All of it.
    Whole(&'a [u8]),
    /// The start of one that was larger than the limit: enough to learn whose it was. The rest was
    /// passed over, and reading goes on behind it.
    TooLarge(&'a [u8]),
}

impl<'a> Message<'a> {
    /// The bytes that there are.
    pub const fn bytes(self) -> &'a [u8] {
        let (Self::Whole(bytes) | Self::TooLarge(bytes)) = self;
        bytes
    }

    pub(super) const fn piece(self) -> Piece<'a> {
        Piece::new(self.bytes())
    }

    /// The fault that it is too large, if it is.
    pub(super) const fn fault(self) -> Result<(), Fault> {
        let (stage, expected) = (Stage::Protobuf, Phrase::SmallerItem);
        match self {
            Self::Whole(_) => Ok(()),
            Self::TooLarge(start) => {
                let found = Found::Thing(Phrase::More);
                Err(Fault::new(stage, start.len(), expected, found))
            }
        }
    }
}
