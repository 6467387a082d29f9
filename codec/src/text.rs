//! Bytes as text, in the encodings that files of people have: UTF-8, and UTF-16 as PowerShell's `>` writes it,
//! both with or without a byte-order mark. It never guesses: what is none of them is refused with its place.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

/// The text, without a byte-order mark.
///
/// # Errors
/// The offset of the first byte that cannot be text.
pub fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, usize> {
    let decoded = Text::of(bytes);
    decoded.broken.map_or(Ok(decoded.text), Err)
}

/// Bytes as text, up to where they are none.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Text<'a> {
    /// The text, without a byte-order mark.
    pub text: Cow<'a, str>,
    /// The offset of the first byte that cannot be text, where there is one.
    pub broken: Option<usize>,
    /// Bytes before the first character.
    mark: usize,
    wide: bool,
}

impl<'a> Text<'a> {
    /// Reads as much as is text.
    pub fn of(bytes: &'a [u8]) -> Self {
        match bytes {
            [0xff, 0xfe, rest @ ..] => utf16(rest, 2, u16::from_le_bytes),
            [0xfe, 0xff, rest @ ..] => utf16(rest, 2, u16::from_be_bytes),
            // Without a mark: no text has a zero beside its first character but this one.
            [1..=255, 0, ..] => utf16(bytes, 0, u16::from_le_bytes),
            [0, 1..=255, ..] => utf16(bytes, 0, u16::from_be_bytes),
            [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest, 3),
            _ => utf8(bytes, 0),
        }
    }

    /// The same of bytes that are its own; a text that is written as it is read is not copied.
    pub fn of_owned(mut bytes: Vec<u8>) -> Text<'static> {
        let Text { text, broken, mark, wide } = Text::of(&bytes);
        let length = match text {
            Cow::Owned(text) => return Text { text: Cow::Owned(text), broken, mark, wide },
            Cow::Borrowed(text) => text.len(),
        };
        bytes.truncate(mark + length);
        bytes.drain(..mark);
        let text = String::from_utf8(bytes).unwrap_or_default();
        Text { text: Cow::Owned(text), broken, mark, wide }
    }

    /// Whether it was written as UTF-16.
    pub const fn is_utf16(&self) -> bool {
        self.wide
    }

    /// Where in the bytes the byte `offset` of the text stands.
    pub fn place(&self, offset: usize) -> usize {
        if !self.wide {
            return self.mark + offset;
        }
        let before = self.text.get(..self.text.floor_char_boundary(offset)).unwrap_or_default();
        self.mark + before.chars().map(|ch| 2 * ch.len_utf16()).sum::<usize>()
    }
}

fn utf8(bytes: &[u8], mark: usize) -> Text<'_> {
    let (text, broken) = match core::str::from_utf8(bytes) {
        Ok(text) => (text, None),
        Err(error) => {
            let end = error.valid_up_to();
            let valid = bytes.get(..end).unwrap_or_default();
            (core::str::from_utf8(valid).unwrap_or_default(), Some(mark + end))
        }
    };
    Text { text: Cow::Borrowed(text), broken, mark, wide: false }
}

fn utf16(bytes: &[u8], mark: usize, unit: impl Fn([u8; 2]) -> u16) -> Text<'_> {
    let (pairs, odd) = bytes.as_chunks::<2>();
    let mut text = String::with_capacity(pairs.len());
    let mut at = mark;
    let mut broken = (!odd.is_empty()).then_some(mark + 2 * pairs.len());
    for ch in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        let Ok(ch) = ch else {
            broken = Some(at);
            break;
        };
        text.push(ch);
        at += 2 * ch.len_utf16();
    }
    Text { text: Cow::Owned(text), broken, mark, wide: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_in_each_encoding_with_and_without_its_mark() {
        for bytes in [
            &b"a\xe7\x94\xa8"[..],
            b"\xef\xbb\xbfa\xe7\x94\xa8",
            b"\xff\xfea\0(\x75",
            b"\xfe\xff\0a\x75(",
            b"a\0(\x75",
            b"\0a\x75(",
        ] {
            assert_eq!(decode(bytes).as_deref(), Ok("a用"), "{bytes:?}");
        }
        assert_eq!(decode(b"").as_deref(), Ok(""));
        assert_eq!(decode(b"\xff\xfe").as_deref(), Ok(""));
    }

    #[test]
    fn what_is_no_text_is_refused_with_its_place() {
        for (bytes, place) in [
            (&b"ab\xffc"[..], 2),
            (b"\xef\xbb\xbfa\xff", 4),
            (b"\xff\xfea\0\0\xd8b\0", 4),
            (b"\xff\xfe=\xd8\x00\xde\0\xdcx", 6),
            (b"\xff\xfe=\xd8\x00\xdex", 6),
            (b"a\0b", 2),
        ] {
            assert_eq!(decode(bytes).unwrap_err(), place, "{bytes:?}");
        }
    }

    #[test]
    fn what_comes_before_a_break_is_text_and_has_its_place() {
        for (bytes, text, broken, (offset, place)) in [
            (&b"\xef\xbb\xbfab\xff"[..], "ab", 5, (1, 4)),
            (b"\xff\xfe(\x75b\0x", "用b", 6, (3, 4)),
            (b"\xfe\xff\xd8=\xde\0\0b\xdc\0", "\u{1f600}b", 8, (4, 6)),
        ] {
            let found = Text::of(bytes);
            assert_eq!((&*found.text, found.broken), (text, Some(broken)), "{bytes:?}");
            assert_eq!(Text::of_owned(bytes.to_vec()), found, "{bytes:?}");
            assert_eq!(found.place(offset), place, "{bytes:?}");
        }
    }
}
