//! Answers that are written step by step and sent in pieces, so that none is whole in memory. It must never hold more than
//! one piece, and what its last step adds.

use std::io;

use bytes::Bytes;

/// A piece is sent when it has grown to this.
const PIECE: usize = 32 << 10;

/// An answer that is being written.
pub(super) trait Steps {
    /// All of it is written.
    fn is_over(&self) -> bool;

    /// Writes a little more.
    fn step(&mut self, out: &mut Vec<u8>) -> io::Result<()>;

    /// The next piece; none at the end.
    fn piece(&mut self) -> Option<Bytes> {
        let mut piece = Vec::new();
        while piece.len() < PIECE && !self.is_over() {
            // Writing to a Vec does not fail; were it to, the body would end too early and the
            // client would notice.
            self.step(&mut piece).ok()?;
        }
        (!piece.is_empty()).then(|| piece.into())
    }
}
