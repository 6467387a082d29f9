//! Finds where a JSON value ends without reading it: strings and brackets are followed, all else
//! is passed over. The text may come in pieces cut anywhere.
//!
//! It does not validate, and it keeps nothing of what it passes. The way to follow brackets 64
//! bytes at a time is that of simdjson (Langdale and Lemire, "Parsing Gigabytes of JSON per
//! Second").

use memchr::memchr2;

use crate::byte_mask::{self, Block};

/// How far a value has been followed. Give it the text from the value's first byte on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Balance {
    depth: usize,
    in_string: bool,
    /// The last byte was a backslash that escapes the next one.
    escaped: bool,
}

impl Balance {
    /// Follows the value, which is a string or a container, through the next piece of text; the
    /// length up to its end, if that is in this piece.
    pub(crate) fn advance(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        if self.depth == 0 && !self.in_string {
            match bytes.first()? {
                b'"' => self.in_string = true,
                _ => self.depth = 1,
            }
            at = 1;
        }
        if self.depth == 0 { self.string(bytes, at) } else { self.container(bytes, at) }
    }

    /// Follows a string to behind its closing quote.
    fn string(&mut self, bytes: &[u8], mut at: usize) -> Option<usize> {
        loop {
            if self.escaped && at < bytes.len() {
                self.escaped = false;
                at += 1;
            }
            let rest = bytes.get(at..)?;
            let run = memchr2(b'"', b'\\', rest)?;
            at += run + 1;
            if rest.get(run) == Some(&b'"') {
                self.in_string = false;
                return Some(at);
            }
            self.escaped = true;
        }
    }

    /// Follows a container to behind its closing bracket.
    fn container(&mut self, bytes: &[u8], mut at: usize) -> Option<usize> {
        loop {
            let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
            let Some(block) = rest.first_chunk::<64>() else {
                let mut block = [b' '; 64];
                block.get_mut(..rest.len())?.copy_from_slice(rest);
                return self.block(&block, rest.len()).map(|end| at + end);
            };
            let in_string = self.in_string;
            if let Some(end) = self.block(block, block.len()) {
                return Some(at + end);
            }
            at += block.len();
            // A string that goes on: it may be long.
            if in_string && self.in_string {
                at = self.string(bytes, at)?;
            }
        }
    }

    /// Follows a container through the first `length` bytes of a block.
    #[inline]
    fn block(&mut self, block: &Block, length: usize) -> Option<usize> {
        let backslashes = byte_mask::equal(block, b'\\');
        let escapes = escapes(backslashes, u64::from(self.escaped));
        self.escaped = (backslashes & !escapes) >> (length - 1) & 1 != 0;
        let quotes = byte_mask::equal(block, b'"') & !escapes;
        let strings = prefix_xor(quotes) ^ u64::from(self.in_string).wrapping_neg();
        self.in_string = strings >> 63 != 0;
        // `[` and `{`, as `]` and `}`, differ only in the bit 0x20.
        let opening = byte_mask::masked(block, 0x20, b'{') & !strings;
        let closing = byte_mask::masked(block, 0x20, b'}') & !strings;
        if (closing.count_ones() as usize) < self.depth {
            self.depth += opening.count_ones() as usize;
            self.depth -= closing.count_ones() as usize;
            return None;
        }
        self.closing(opening, closing)
    }

    /// Walks through the brackets of a block in which the container may end.
    #[cold]
    fn closing(&mut self, opening: u64, closing: u64) -> Option<usize> {
        let mut brackets = opening | closing;
        while brackets != 0 {
            let bit = brackets & brackets.wrapping_neg();
            if opening & bit != 0 {
                self.depth += 1;
            } else {
                self.depth -= 1;
                if self.depth == 0 {
                    return Some(bit.trailing_zeros() as usize + 1);
                }
            }
            brackets &= !bit;
        }
        None
    }
}

/// The bytes that a backslash in front of them escapes; `first` is 1 if the first byte is one.
const fn escapes(backslashes: u64, first: u64) -> u64 {
    const EVEN: u64 = 0x5555_5555_5555_5555;
    // A run of backslashes escapes what follows if its length is odd. Adding the runs that begin
    // at an odd place to themselves carries over their end, and flips the parity there.
    let backslashes = backslashes & !first;
    let follows = backslashes << 1 | first;
    let odd_starts = backslashes & !EVEN & !follows;
    let carried = odd_starts.wrapping_add(backslashes);
    (EVEN ^ carried << 1) & follows
}

/// Each bit is the exclusive or of all bits up to it: set between an odd and an even quote.
const fn prefix_xor(mut bits: u64) -> u64 {
    let mut shift = 1;
    while shift < 64 {
        bits ^= bits << shift;
        shift *= 2;
    }
    bits
}

#[cfg(test)]
mod tests {
    use alloc::string::{String, ToString};
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    /// The same, byte by byte.
    fn plain(bytes: &[u8]) -> Option<usize> {
        let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
        for (at, &byte) in bytes.iter().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = !in_string,
                b'{' | b'[' if !in_string => depth += 1,
                b'}' | b']' if !in_string => depth -= 1,
                _ => {}
            }
            if depth == 0 && !in_string && !escaped {
                return Some(at + 1);
            }
        }
        None
    }

    fn in_pieces(bytes: &[u8], lengths: &[usize]) -> Option<usize> {
        let mut balance = Balance::default();
        let (mut rest, mut passed) = (bytes, 0);
        for &length in lengths.iter().cycle() {
            let (piece, tail) = rest.split_at(length.min(rest.len()));
            if let Some(end) = balance.advance(piece) {
                return Some(passed + end);
            }
            passed += piece.len();
            rest = tail;
            if rest.is_empty() {
                return None;
            }
        }
        None
    }

    proptest! {
        #[test]
        fn brackets_and_strings_are_followed_as_byte_by_byte(
            text in r#"[{\["]([{}\[\]"\\ab]|\\\\|"[a\\\\]{0,150}"){0,60}"#,
            lengths in prop::collection::vec(1_usize..150, 1..8),
        ) {
            // Backslashes outside of strings are no JSON; put them all into strings.
            let mut in_string = false;
            let mut escaped = false;
            let text: String = text.chars().map(|c| {
                let c = if c == '\\' && !in_string { ' ' } else { c };
                match c {
                    _ if escaped => escaped = false,
                    '\\' => escaped = true,
                    '"' => in_string = !in_string,
                    _ => {}
                }
                c
            }).collect();
            let expected = plain(text.as_bytes());
            prop_assert_eq!(Balance::default().advance(text.as_bytes()), expected);
            prop_assert_eq!(in_pieces(text.as_bytes(), &lengths), expected);
        }

        #[test]
        fn any_bytes_end_within_themselves(bytes: Vec<u8>, lengths in prop::collection::vec(1_usize..80, 1..8)) {
            let whole = Balance::default().advance(&bytes);
            prop_assert!(whole.is_none_or(|end| end <= bytes.len()));
            if !bytes.is_empty() {
                prop_assert_eq!(in_pieces(&bytes, &lengths), whole);
            }
        }
    }

    #[test]
    fn runs_of_backslashes_may_lie_across_blocks() {
        for offset in 50..80 {
            for run in 0..10 {
                let text = "[\"".to_string() + &"x".repeat(offset) + &"\\".repeat(run) + "\"]\"]";
                assert_eq!(Balance::default().advance(text.as_bytes()), plain(text.as_bytes()));
            }
        }
    }
}
