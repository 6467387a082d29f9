//! Places in two texts of which one was made from the other, and the offsets of the page.
//!
//! A map never looks at meaning; it only knows which bytes became which.

use std::ops::Range;

/// Which bytes of a child text came from which bytes of its parent, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Map {
    pieces: Vec<Piece>,
}

/// A run: byte for byte if both are of one length, otherwise one thing as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Piece {
    child: Range<usize>,
    parent: Range<usize>,
}

impl Piece {
    fn is_linear(&self) -> bool {
        self.child.len() == self.parent.len()
    }
}

impl Map {
    fn push(&mut self, child: Range<usize>, parent: Range<usize>) {
        if let Some(last) = self.pieces.last_mut()
            && last.is_linear()
            && child.len() == parent.len()
            && last.child.end == child.start
            && last.parent.end == parent.start
        {
            last.child.end = child.end;
            last.parent.end = parent.end;
            return;
        }
        self.pieces.push(Piece { child, parent });
    }

    /// The same map where the parent stands at `offset` of a longer text.
    #[must_use]
    pub fn shifted(mut self, offset: usize) -> Self {
        for piece in &mut self.pieces {
            piece.parent = piece.parent.start + offset..piece.parent.end + offset;
        }
        self
    }

    /// From this child to the parent of its parent.
    #[must_use]
    pub fn through(&self, parent: &Self) -> Self {
        let mut map = Self::default();
        for piece in &self.pieces {
            let single = if piece.is_linear() { piece.child.len() } else { 1 };
            for step in 0..single {
                let (child, at) = if piece.is_linear() {
                    (
                        piece.child.start + step..piece.child.start + step + 1,
                        piece.parent.start + step,
                    )
                } else {
                    (piece.child.clone(), piece.parent.start)
                };
                if let Some(parent) = parent.up(at..at + 1) {
                    map.pieces.push(Piece { child, parent });
                }
            }
        }
        map
    }

    /// The bytes of the parent from which `child` came; nothing if none did.
    pub fn up(&self, child: Range<usize>) -> Option<Range<usize>> {
        translate(&self.pieces, child, |piece| &piece.child, |piece| &piece.parent)
    }

    /// The bytes of the child that came from `parent`; nothing if none did.
    pub fn down(&self, parent: Range<usize>) -> Option<Range<usize>> {
        translate(&self.pieces, parent, |piece| &piece.parent, |piece| &piece.child)
    }
}

fn translate(
    pieces: &[Piece],
    range: Range<usize>,
    from: impl Fn(&Piece) -> &Range<usize>,
    to: impl Fn(&Piece) -> &Range<usize>,
) -> Option<Range<usize>> {
    let end = range.end.max(range.start + 1);
    let first = pieces.partition_point(|piece| from(piece).end <= range.start);
    let behind = pieces.partition_point(|piece| from(piece).start < end);
    let (start, last) = (pieces.get(first)?, pieces.get(behind.checked_sub(1)?)?);
    if behind <= first {
        return None;
    }
    let begin = if start.is_linear() {
        to(start).start + range.start.saturating_sub(from(start).start)
    } else {
        to(start).start
    };
    let finish = if last.is_linear() {
        to(last).end - from(last).end.saturating_sub(end)
    } else {
        to(last).end
    };
    Some(begin..finish)
}

/// How `value` is written in `source`: plain, quoted, escaped, wrapped or indented. Each byte of
/// the value is looked for behind the one before it.
pub fn written(source: &str, value: &str) -> Map {
    let (bytes, mut at, mut map) = (source.as_bytes(), 0, Map::default());
    for (offset, wanted) in value.char_indices() {
        let child = offset..offset + wanted.len_utf8();
        while let Some(&byte) = bytes.get(at) {
            let rest = source.get(at..).unwrap_or_default();
            if rest.starts_with(wanted) && !(byte == b'\\' && wanted != '\\') {
                map.push(child.clone(), at..at + wanted.len_utf8());
                at += wanted.len_utf8();
                break;
            }
            if let Some((_, length)) = unicode_escape(bytes, at).filter(|(ch, _)| *ch == wanted) {
                map.push(child.clone(), at..at + length);
                at += length;
                break;
            }
            if byte == b'\\' && rest.get(1..).is_some_and(|rest| simple_escape(rest, wanted)) {
                map.push(child.clone(), at..at + 2);
                at += 2;
                break;
            }
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    map
}

/// The character of the `\u` escape at `at` and the length of the escape: 12 for a pair, else 6.
/// Half of a pair reads as U+FFFD.
fn unicode_escape(bytes: &[u8], at: usize) -> Option<(char, usize)> {
    let unit = |at: usize| {
        let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
        digits
            .iter()
            .try_fold(0_u32, |sum, &digit| Some(sum << 4 | char::from(digit).to_digit(16)?))
    };
    let first = unit(at)?;
    if (0xD800..0xDC00).contains(&first)
        && let Some(second @ 0xDC00..0xE000) = unit(at + 6)
    {
        let code = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
        return Some((char::from_u32(code)?, 12));
    }
    Some((char::from_u32(first).unwrap_or('\u{fffd}'), 6))
}

fn simple_escape(rest: &str, wanted: char) -> bool {
    match rest.chars().next() {
        Some('n') => wanted == '\n',
        Some('r') => wanted == '\r',
        Some('t') => wanted == '\t',
        Some(other) => other == wanted,
        None => false,
    }
}

/// The bytes of a base64 text, with the characters that carry each: both alphabets, and whatever
/// else stands between the characters passed over.
pub fn base64(text: &str) -> (Vec<u8>, Map) {
    let (mut out, mut map) = (Vec::with_capacity(text.len() / 4 * 3), Map::default());
    let (mut bits, mut count, mut start) = (0_u32, 0_u32, 0);
    for (at, byte) in text.bytes().enumerate() {
        let sextet = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' | b'+' => 62,
            b'_' | b'/' => 63,
            b'=' => break,
            _ => continue,
        };
        bits = bits << 6 | u32::from(sextet);
        count += 6;
        if count < 8 {
            start = at;
            continue;
        }
        count -= 8;
        let [.., whole] = (bits >> count).to_be_bytes();
        map.pieces.push(Piece { child: out.len()..out.len() + 1, parent: start..at + 1 });
        out.push(whole);
        start = at;
    }
    (out, map)
}

/// Bytes as text, each stray byte as U+FFFD.
pub fn text(bytes: &[u8]) -> (String, Map) {
    let (mut out, mut map, mut at) = (String::with_capacity(bytes.len()), Map::default(), 0);
    for chunk in bytes.utf8_chunks() {
        let valid = chunk.valid();
        if !valid.is_empty() {
            map.push(out.len()..out.len() + valid.len(), at..at + valid.len());
            out.push_str(valid);
            at += valid.len();
        }
        for _ in chunk.invalid() {
            map.push(out.len()..out.len() + 3, at..at + 1);
            out.push('\u{fffd}');
            at += 1;
        }
    }
    (out, map)
}

/// A percent-encoded text decoded once; `+` is a space. An escape that is none stays as it is.
pub fn percent(text: &str) -> (String, Map) {
    let (bytes, mut plain, mut places) = (text.as_bytes(), Vec::new(), Vec::new());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = |at: usize| char::from(*bytes.get(at)?).to_digit(16);
        let (value, length) = match (byte, hex(at + 1), hex(at + 2)) {
            (b'%', Some(high), Some(low)) => (u8::try_from(high << 4 | low).unwrap_or(byte), 3),
            (b'+', ..) => (b' ', 1),
            _ => (byte, 1),
        };
        plain.push(value);
        places.push(at..at + length);
        at += length;
    }
    let (out, inner) = self::text(&plain);
    let mut map = Map::default();
    for (offset, ch) in out.char_indices() {
        let child = offset..offset + ch.len_utf8();
        let Some(of) = inner.up(child.clone()) else { continue };
        if let (Some(first), Some(last)) = (places.get(of.start), places.get(of.end - 1)) {
            map.push(child, first.start..last.end);
        }
    }
    (out, map)
}

/// The number of UTF-16 units before the byte `offset` of `text`, as the page counts.
pub fn to_utf16(text: &str, offset: usize) -> usize {
    let before = text.get(..text.floor_char_boundary(offset)).unwrap_or(text);
    before.chars().map(char::len_utf16).sum()
}

/// The byte offset of the UTF-16 unit `offset` of `text`.
pub fn from_utf16(text: &str, offset: usize) -> usize {
    let mut units = 0;
    for (at, ch) in text.char_indices() {
        if units >= offset {
            return at;
        }
        units += ch.len_utf16();
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_characters_and_bytes_correspond() {
        let (bytes, map) = base64("W3s\niayI6");
        assert_eq!(bytes, b"[{\"k\":");
        assert_eq!(map.up(0..1), Some(0..2));
        assert_eq!(map.up(3..4), Some(5..7));
        assert_eq!(map.up(0..3), Some(0..5));
        assert_eq!(map.down(4..5), Some(2..3));
        assert_eq!(map.up(99..100), None);
    }

    #[test]
    fn percent_escapes_of_one_character_are_one_piece() {
        let (text, map) = percent("a%3A%2F+%e7%94%a8%zz");
        assert_eq!(text, "a:/ 用%zz");
        assert_eq!(map.up(1..2), Some(1..4));
        assert_eq!(map.up(4..7), Some(8..17));
        assert_eq!(map.down(9..10), Some(4..7));
        assert_eq!(map.up(7..10), Some(17..20));
    }

    #[test]
    fn a_value_is_found_in_how_it_is_written() {
        for (source, value, at, place) in [
            ("abcd", "abcd", 2..3, 2..3),
            ("\"ab\\ncd\"", "ab\ncd", 3..4, 5..6),
            (">-\n   ab\n   cd", "abcd", 2..3, 12..13),
            ("\"ab\\u003d\"", "ab=", 2..3, 3..9),
            ("\"用\\/x\"", "用/x", 4..5, 6..7),
        ] {
            assert_eq!(written(source, value).up(at), Some(place), "{source}");
        }
    }

    #[test]
    fn the_page_counts_in_utf16() {
        let text = "a用😀b";
        for (bytes, units) in [(0, 0), (1, 1), (4, 2), (8, 4), (9, 5)] {
            assert_eq!(to_utf16(text, bytes), units);
            assert_eq!(from_utf16(text, units), bytes);
        }
        assert_eq!(to_utf16(text, 100), 5);
        assert_eq!(to_utf16(text, 6), 2, "inside a character: its beginning");
    }

    #[test]
    fn stray_bytes_are_marked_each() {
        let (text, map) = text(b"a\xff\xfeb");
        assert_eq!(text, "a\u{fffd}\u{fffd}b");
        assert_eq!(map.up(4..7), Some(2..3));
        assert_eq!(map.up(7..8), Some(3..4));
    }
}
