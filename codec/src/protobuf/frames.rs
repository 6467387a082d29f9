//! Chunks of a watch, cut anywhere, into frames. It must never hold more than one frame, and never
//! more of it than the limit.

use alloc::vec::Vec;

use crate::fault::{Fault, Found, Stage, Whole};
use crate::list::CUT_ITEM_BYTES;
use crate::phrase::Phrase;

use super::Message;

/// A longer frame is none: no object of Kubernetes is as large, and JSON or HTML that is taken for
/// a length names more.
pub const MAX_FRAME_BYTES: usize = (128 << 20) - 1;

/// How much memory is kept when a long frame is done with.
const KEPT_CAPACITY: usize = 64 << 10;

/// A sans-IO reader of the frames of a watch. Frames that lie wholly within a chunk are not copied.
#[derive(Clone, Debug)]
pub struct FrameReader {
    limit: usize,
    /// Bytes of the length, or of the frame, that came in earlier chunks.
    held: Vec<u8>,
    /// `held` has been handed out.
    handed_out: bool,
    /// What is left of the frame, once its length has come.
    left: Option<usize>,
    too_long: bool,
    /// Bytes of the watch before the current chunk position.
    offset: usize,
    failed: Option<FrameError>,
}

impl FrameReader {
    /// A reader that hands out only the start of frames beyond this many bytes.
    pub const fn new(limit: usize) -> Self {
        Self {
            limit,
            held: Vec::new(),
            handed_out: false,
            left: None,
            too_long: false,
            offset: 0,
            failed: None,
        }
    }

    /// The next frame of `chunk`, which is advanced past it; nothing once all of it is used up.
    ///
    /// # Errors
    ///
    /// Says where no frame can be: JSON, an HTML page, or a length beyond [`MAX_FRAME_BYTES`]. The
    /// reader only repeats it from then on.
    pub fn next<'s, 'c: 's>(
        &'s mut self,
        chunk: &mut &'c [u8],
    ) -> Result<Option<Message<'s>>, FrameError> {
        if core::mem::take(&mut self.handed_out) {
            self.held.clear();
            self.held.shrink_to(KEPT_CAPACITY);
        }
        if let Some(error) = &self.failed {
            return Err(*error);
        }
        let left = match self.left {
            Some(left) => left,
            None => match self.length(chunk)? {
                Some(length) => length,
                None => return Ok(None),
            },
        };
        let all: &'c [u8] = chunk;
        let piece = all.get(..left).unwrap_or(all);
        let whole = self.held.is_empty() && piece.len() == left && !self.too_long;
        if !whole {
            let max = if self.too_long { CUT_ITEM_BYTES.min(self.limit) } else { self.limit };
            let room = max.saturating_sub(self.held.len());
            self.held.extend_from_slice(piece.get(..room).unwrap_or(piece));
        }
        self.take(chunk, piece.len());
        self.left = Some(left - piece.len()).filter(|&left| left > 0);
        if self.left.is_some() {
            return Ok(None);
        }
        self.handed_out = !whole;
        let too_long = core::mem::take(&mut self.too_long);
        Ok(Some(match (whole, too_long) {
            (true, _) => Message::Whole(piece),
            (false, false) => Message::Whole(&self.held),
            (false, true) => Message::TooLarge(&self.held),
        }))
    }

    /// Ends the reading.
    ///
    /// # Errors
    ///
    /// Says where the watch ended within a frame, or what [`next`](Self::next) said.
    pub fn finish(self) -> Result<(), FrameError> {
        let (offset, found) = (self.offset, Found::End);
        match self.failed {
            Some(error) => Err(error),
            None if self.left.is_some() || !(self.handed_out || self.held.is_empty()) => {
                Err(FrameError::new(Stage::Protobuf, offset, Phrase::RestOfFrame, found))
            }
            None => Ok(()),
        }
    }

    /// Takes a length, or what there is of it.
    fn length(&mut self, chunk: &mut &[u8]) -> Result<Option<usize>, FrameError> {
        const BYTES: usize = size_of::<u32>();
        let missing = BYTES.saturating_sub(self.held.len());
        let piece = chunk.get(..missing).unwrap_or(chunk);
        self.held.extend_from_slice(piece);
        self.take(chunk, piece.len());
        let Some(&bytes) = self.held.first_chunk::<BYTES>() else { return Ok(None) };
        let length = usize::try_from(u32::from_be_bytes(bytes)).unwrap_or(usize::MAX);
        if length > MAX_FRAME_BYTES {
            let offset = self.offset - BYTES;
            let found = match bytes.first().map(|&byte| Found::opening(byte)) {
                Some(named @ Found::Thing(_)) => named,
                _ => Found::Thing(Phrase::More),
            };
            let error = FrameError::new(Stage::Protobuf, offset, Phrase::Frame, found);
            self.failed = Some(error);
            return Err(error);
        }
        self.held.clear();
        self.too_long = length > self.limit;
        self.left = Some(length);
        Ok(Some(length))
    }

    fn take(&mut self, chunk: &mut &[u8], count: usize) {
        *chunk = chunk.get(count..).unwrap_or_default();
        self.offset += count;
    }
}

/// Why the bytes of a watch are no frames: the place is one in the body of the watch.
pub type FrameError = Fault<FrameReader>;

impl Whole for FrameReader {
    const NAME: Phrase = Phrase::TheWatch;
}
