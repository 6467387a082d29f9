//! The place of an error in a text that the user gave, underlined. Shows a window of it, made
//! harmless, however long the text is and whatever bytes are in it.

use std::fmt::Write as _;

use super::plain::{Elide, fit, plain, width};

/// One line around the byte `offset` of `text` and, below, a mark under that byte; each line is
/// at most `columns` wide and begins with `label`.
pub(super) fn excerpt(label: &str, text: &[u8], offset: usize, columns: usize) -> String {
    let room = columns.saturating_sub(width(label)).max(16);
    let offset = offset.min(text.len());
    let start = boundary(text, offset.saturating_sub(room / 2));
    let before = shown(text.get(start..offset).unwrap_or_default());
    let before = if start > 0 { format!("…{before}") } else { before };
    let before = fit(&before, room * 2 / 3, Elide::Start);
    let end = boundary(text, (offset + room).min(text.len()));
    let after = shown(text.get(offset..end).unwrap_or_default());
    let after = if end < text.len() { format!("{after}…") } else { after };
    let after = fit(&after, room.saturating_sub(width(&before)), Elide::End);
    let indent = " ".repeat(width(label) + width(&before));
    format!("{label}{before}{after}\n{indent}^")
}

/// The byte offset of a line and column (from 1, in bytes), as JSON and YAML parsers count them.
pub(super) fn offset_of(text: &[u8], line: usize, column: usize) -> usize {
    let start = match line {
        0 | 1 => 0,
        _ => {
            let mut ends = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
            ends.nth(line - 2).map_or(text.len(), |(at, _)| at + 1)
        }
    };
    (start + column.saturating_sub(1)).min(text.len())
}

fn shown(bytes: &[u8]) -> String {
    let mut shown = String::new();
    for chunk in bytes.utf8_chunks() {
        shown.push_str(&plain(chunk.valid()));
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(shown, "\\x{byte:02x}");
        }
    }
    shown
}

/// The next place at or after `at` that does not cut a character in half.
fn boundary(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.iter().take(3).take_while(|&&byte| byte & 0xc0 == 0x80).count()
}

#[cfg(test)]
mod tests {
    use super::{excerpt, offset_of, width};

    #[test]
    fn a_short_text_is_shown_whole() {
        assert_eq!(excerpt("  at ", b"[{x]", 2, 80), "  at [{x]\n       ^");
        assert_eq!(excerpt("", b"ab", 99, 80), "ab\n  ^");
        assert_eq!(excerpt("", b"", 0, 80), "\n^");
    }

    #[test]
    fn a_long_text_is_shown_around_the_place() {
        let text = "x".repeat(500) + "!" + &"y".repeat(500);
        let shown = excerpt("", text.as_bytes(), 500, 20);
        assert_eq!(shown, "…xxxxxxxxxx!yyyyyyy…\n           ^");
    }

    #[test]
    fn the_mark_stands_under_its_place_whatever_stands_before() {
        let shown = excerpt("", "用\u{1b}!".as_bytes(), 4, 80);
        assert_eq!(shown, "用\\u{1b}!\n        ^");
        assert_eq!(excerpt("", b"\xff\xfe!", 2, 80), "\\xff\\xfe!\n        ^");
        for columns in [0, 20, 40] {
            let shown = excerpt("", "用户".repeat(99).as_bytes(), 300, columns);
            assert!(shown.lines().all(|line| width(line) <= columns.max(16)), "{shown}");
        }
    }

    #[test]
    fn lines_and_columns_become_offsets() {
        let text = b"ab\ncd\n";
        for ((line, column), offset) in
            [((1, 1), 0), ((1, 0), 0), ((2, 1), 3), ((2, 2), 4), ((3, 1), 6), ((9, 9), 6)]
        {
            assert_eq!(offset_of(text, line, column), offset, "{line}:{column}");
        }
    }
}
