//! Text from outside, made harmless for a terminal. Every byte from outside goes
//! through here before it is shown to a person: a Pod's annotation must not be able to move the
//! cursor, change colours, hide text or fake a line.

use std::{borrow::Cow, fmt::Write as _};

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// `text` with every character that acts on the terminal instead of being seen written as an
/// escape: controls, line separators, and the marks that reorder or hide what is around them.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    let is_printable = |byte: &u8| matches!(byte, b' '..=b'~');
    if text.as_bytes().iter().all(is_printable) || !text.chars().any(acts) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if acts(character) {
            // Writing to a String cannot fail.
            let _ = write!(shown, "{}", character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

/// Harmless, but with its own line breaks.
pub(super) fn plain_lines(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

/// How many columns of a terminal `text` takes; wide characters take two.
pub(super) fn width(text: &str) -> usize {
    if text.is_ascii() && !text.bytes().any(|byte| byte.is_ascii_control()) {
        return text.len();
    }
    text.width()
}

/// Which end of a text may be left out when it does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Elide {
    /// The beginning: a package prefix.
    Start,
    /// The middle: of the name of a Pod both ends matter.
    Middle,
    /// The end.
    End,
}

/// `text` within `columns`, with `…` where something was left out.
pub(super) fn fit(text: &str, columns: usize, elide: Elide) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let room = columns.saturating_sub(1);
    let (left, right) = match elide {
        Elide::Start => (0, room),
        Elide::Middle => (room / 2, room - room / 2),
        Elide::End => (room, 0),
    };
    let ellipsis = if columns == 0 { "" } else { "…" };
    Cow::Owned(format!("{}{ellipsis}{}", head(text, left), tail(text, right)))
}

fn head(text: &str, columns: usize) -> &str {
    let mut used = 0;
    let end = text.char_indices().find_map(|(at, character)| {
        used += character.width().unwrap_or(0);
        (used > columns).then_some(at)
    });
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

fn tail(text: &str, columns: usize) -> &str {
    let mut used = 0;
    let start = text.char_indices().rev().find_map(|(at, character)| {
        used += character.width().unwrap_or(0);
        (used > columns).then_some(at + character.len_utf8())
    });
    start.and_then(|start| text.get(start..)).unwrap_or(text)
}

fn acts(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::{Elide, fit, plain, width};

    #[test]
    fn nothing_that_acts_on_a_terminal_gets_through() {
        assert_eq!(plain("com.Greeter 用户"), "com.Greeter 用户");
        assert_eq!(plain("a\x1b[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(plain("\r\n\t\u{7f}\u{9b}"), "\\u{d}\\u{a}\\u{9}\\u{7f}\\u{9b}");
        assert_eq!(plain("x\u{202e}y\u{200b}"), "x\\u{202e}y\\u{200b}");
    }

    #[test]
    fn what_does_not_fit_is_shortened_where_it_hurts_least() {
        assert_eq!(fit("abcdef", 6, Elide::End), "abcdef");
        assert_eq!(fit("abcdef", 4, Elide::End), "abc…");
        assert_eq!(fit("abcdef", 4, Elide::Start), "…def");
        assert_eq!(fit("abcdef", 4, Elide::Middle), "a…ef");
        assert_eq!(fit("abcdef", 1, Elide::Middle), "…");
        assert_eq!(fit("abcdef", 0, Elide::Middle), "");
    }

    #[test]
    fn wide_characters_count_twice_and_are_never_cut_in_half() {
        assert_eq!(width("用户"), 4);
        for columns in 0..6 {
            for elide in [Elide::Start, Elide::Middle, Elide::End] {
                assert!(width(&fit("用户服务", columns, elide)) <= columns);
            }
        }
        assert_eq!(fit("用户服务", 4, Elide::End), "用…");
    }
}
