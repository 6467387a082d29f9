//! Decodes a gzip body piece by piece, member by member: kube-apiserver compresses the initial events of a
//! watch in one member and each later event in one of its own. What a member holds is there as soon as the
//! member is. Holds the compressed piece it is working on and one buffer of output, whatever the ratio: a
//! body that expands a thousandfold costs time, not memory.

use bytes::Bytes;
use flate2::{Decompress, FlushDecompress, Status};

/// Enough to make the calls rare, small enough to stay in the cache.
const PIECE: usize = 64 * 1024;

/// 32 KiB of history, the most that gzip has.
const WINDOW_BITS: u8 = 15;

/// A gzip stream being decoded.
pub(crate) struct Gunzip {
    /// The member that is being decoded; none between two.
    member: Option<Decompress>,
    input: Bytes,
    /// A member has come to its end.
    any: bool,
}

/// Not gzip, or damaged.
#[derive(Debug, thiserror::Error)]
#[error("its gzip encoding is damaged")]
pub(crate) struct Damaged;

impl Gunzip {
    pub(crate) fn new() -> Self {
        Self { member: None, input: Bytes::new(), any: false }
    }

    /// Gives it the next compressed piece. Only once [`Self::piece`] has answered `None`.
    pub(crate) fn feed(&mut self, input: Bytes) {
        self.input = input;
    }

    /// The next decoded piece, or `None` when more input is needed.
    pub(crate) fn piece(&mut self) -> Result<Option<Bytes>, Damaged> {
        let mut output = Vec::new();
        while !self.input.is_empty() && output.is_empty() {
            output.reserve_exact(PIECE);
            let member = self.member.get_or_insert_with(|| Decompress::new_gzip(WINDOW_BITS));
            let before = member.total_in();
            let status = member
                .decompress_vec(&self.input, &mut output, FlushDecompress::None)
                .map_err(|_| Damaged)?;
            let taken = usize::try_from(member.total_in() - before).map_err(|_| Damaged)?;
            drop(self.input.split_to(taken.min(self.input.len())));
            if status == Status::StreamEnd {
                (self.member, self.any) = (None, true);
            }
            if taken == 0 && output.is_empty() {
                return Err(Damaged);
            }
        }
        Ok((!output.is_empty()).then(|| output.into()))
    }

    /// Whether it came to a proper end, check sum included, and no further member was begun.
    pub(crate) fn is_complete(&self) -> bool {
        self.any && self.member.is_none()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use bytes::Bytes;
    use flate2::{Compression, write::GzEncoder};

    use super::{Gunzip, PIECE};

    fn decoded(compressed: &[u8], cut: usize) -> Option<(Vec<u8>, bool)> {
        let mut gunzip = Gunzip::new();
        let mut out = Vec::new();
        for chunk in compressed.chunks(cut) {
            gunzip.feed(Bytes::copy_from_slice(chunk));
            while let Some(piece) = gunzip.piece().ok()? {
                assert!(piece.len() <= PIECE);
                out.extend_from_slice(&piece);
            }
        }
        Some((out, gunzip.is_complete()))
    }

    fn compressed(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn any_cut_gives_the_same_bytes() {
        let text: Vec<u8> = (0..300_000_u32).flat_map(|n| (n / 7).to_le_bytes()).collect();
        let body = compressed(&text);
        for cut in [1, 10, 4096, body.len()] {
            assert_eq!(decoded(&body, cut), Some((text.clone(), true)), "cut {cut}");
        }
    }

    #[test]
    fn each_member_is_decoded_as_soon_as_it_is_there() {
        let events = [&b"initial events"[..], b"one event", b"another event"];
        let mut gunzip = Gunzip::new();
        for event in events {
            gunzip.feed(compressed(event).into());
            assert_eq!(gunzip.piece().unwrap().as_deref(), Some(event));
            assert!(gunzip.piece().unwrap().is_none() && gunzip.is_complete());
        }
        let body = events.map(compressed).concat();
        for cut in [1, 7, body.len()] {
            assert_eq!(decoded(&body, cut), Some((events.concat(), true)), "cut {cut}");
        }
        let (all, complete) = decoded(&body[..body.len() - 9], 7).unwrap();
        assert!(all.starts_with(b"initial events") && !complete, "a member was cut");
    }

    #[test]
    fn a_real_compressed_watch_is_read_to_its_last_event() {
        // A kube-apiserver 1.37.2: five initial events and a bookmark in one member, then changes.
        let body = include_bytes!("../../tests/data/23a-watchlist-protobuf-gzip-1.37.bin");
        let (whole, _) = decoded(body, body.len()).unwrap();
        let mut frames = 0;
        let mut rest = &whole[..];
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            rest = &after[u32::from_be_bytes(*length) as usize..];
            frames += 1;
        }
        assert!(frames > 6, "{frames} events");
        assert_eq!(decoded(body, 5), Some((whole, true)));
    }

    #[test]
    fn a_truncated_body_is_not_complete_and_a_damaged_one_is_refused() {
        let body = compressed(&vec![7; 100_000]);
        let (_, complete) = decoded(&body[..body.len() - 1], 64).unwrap();
        assert!(!complete, "the check sum is missing");
        let mut damaged = body.clone();
        let last = damaged.len() - 6;
        damaged[last] ^= 1;
        assert_eq!(decoded(&damaged, 64), None, "the check sum is wrong");
        assert_eq!(decoded(b"[]", 64), None);
    }
}
