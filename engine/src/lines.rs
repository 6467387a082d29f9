//! Chunks of a watch, cut anywhere, into lines. It must never hold more than one line, and never
//! more of it than the limit.

use alloc::vec::Vec;
/// One line of a watch, without its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// All of it.
    Whole(&'a [u8]),
    /// The start of one that was longer than the limit: enough to learn whose it was. The rest of
    /// it was dropped, and the stream goes on behind it.
    TooLong(&'a [u8]),
}

/// How much is kept of a line that is too long; an object names itself at its start.
const START: usize = 4 << 10;
/// How much memory is kept when a long line is done with.
const KEPT_CAPACITY: usize = 64 << 10;

/// Splits at newlines. Lines that lie wholly within a chunk are not copied.
#[derive(Debug, Default)]
pub(super) struct Lines {
    partial: Vec<u8>,
    limit: usize,
    /// `partial` has been handed out.
    spent: bool,
    /// Inside a line that is too long; `partial` is its start.
    skipping: bool,
}

impl Lines {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }

    /// The next line of `chunk`, which is advanced past it; `None` once all of it is consumed.
    /// Blank lines are left out.
    pub(super) fn next<'s, 'c: 's>(&'s mut self, chunk: &mut &'c [u8]) -> Option<Line<'s>> {
        if core::mem::take(&mut self.spent) {
            self.forget();
        }
        loop {
            let rest: &'c [u8] = chunk;
            let Some(end) = memchr::memchr(b'\n', rest) else {
                *chunk = &[];
                self.keep(rest);
                return None;
            };
            let (line, after) = rest.split_at(end);
            *chunk = after.get(1..).unwrap_or_default();
            if self.partial.is_empty() && !self.skipping && line.len() <= self.limit {
                if line.trim_ascii().is_empty() {
                    continue;
                }
                return Some(Line::Whole(line));
            }
            self.keep(line);
            let too_long = core::mem::take(&mut self.skipping);
            if !too_long && self.partial.trim_ascii().is_empty() {
                self.forget();
                continue;
            }
            self.spent = true;
            let line = &self.partial;
            return Some(if too_long { Line::TooLong(line) } else { Line::Whole(line) });
        }
    }

    /// What was left when the stream ended: the start of a line, or a last line without its end.
    pub(super) fn into_rest(self) -> Vec<u8> {
        if self.spent || self.skipping { Vec::new() } else { self.partial }
    }

    fn keep(&mut self, piece: &[u8]) {
        if self.skipping {
            return;
        }
        self.skipping = self.partial.len() + piece.len() > self.limit;
        if self.skipping {
            let start = START.min(self.limit);
            let room = start.saturating_sub(self.partial.len());
            self.partial.extend_from_slice(piece.get(..room).unwrap_or(piece));
            self.partial.truncate(start);
            self.partial.shrink_to(KEPT_CAPACITY);
        } else {
            self.partial.extend_from_slice(piece);
        }
    }

    fn forget(&mut self) {
        self.partial.clear();
        self.partial.shrink_to(KEPT_CAPACITY);
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;

    use super::*;

    #[test]
    fn every_chunking_gives_the_same_lines() {
        let text = b"one\n\ntwo \r\nthree\n  \nfo";
        for size in 1..=text.len() {
            let mut lines = Lines::new(100);
            let got = split(&mut lines, text.chunks(size));
            assert_eq!(got, ["one", "two", "three"], "chunks of {size}");
            assert_eq!(lines.into_rest(), b"fo", "chunks of {size}");
        }
    }

    #[test]
    fn a_line_over_the_limit_is_dropped_and_the_next_one_is_whole() {
        let text = b"1234\n12345678\n1234\n";
        for size in 1..=text.len() {
            let mut lines = Lines::new(4);
            let got = split(&mut lines, text.chunks(size));
            assert_eq!(got, ["1234", "1234...", "1234"], "chunks of {size}");
            assert!(lines.partial.len() <= 4);
        }
    }

    #[test]
    fn the_limit_itself_is_allowed_and_one_more_is_not() {
        for size in [1, 2, 3, 64] {
            assert_eq!(split(&mut Lines::new(3), b"abc\n".chunks(size)), ["abc"]);
            assert_eq!(split(&mut Lines::new(2), b"abc\n".chunks(size)), ["ab..."]);
        }
    }

    #[test]
    fn nothing_is_left_after_a_whole_line() {
        let mut lines = Lines::new(10);
        split(&mut lines, [&b"ab"[..], b"c\n"]);
        assert_eq!(lines.into_rest(), b"");
    }

    fn split<'a>(lines: &mut Lines, chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
        let mut got = Vec::new();
        for mut chunk in chunks {
            while let Some(line) = lines.next(&mut chunk) {
                got.push(match line {
                    Line::Whole(line) => String::from_utf8(line.trim_ascii().to_vec()).unwrap(),
                    Line::TooLong(start) => format!("{}...", String::from_utf8_lossy(start)),
                });
            }
        }
        got
    }
}
