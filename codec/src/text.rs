//! Bytes as text, in the encodings that files of people have: UTF-8, and UTF-16 as PowerShell's `>` writes it,
//! both with or without a byte-order mark. It never guesses: what is none of them is refused with its place.

use alloc::borrow::Cow;
use alloc::string::String;

/// The text, without a byte-order mark.
///
/// # Errors
/// The offset of the first byte that cannot be text.
pub fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, usize> {
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

fn utf8(bytes: &[u8], skipped: usize) -> Result<Cow<'_, str>, usize> {
    let text = core::str::from_utf8(bytes);
    text.map(Cow::Borrowed).map_err(|error| skipped + error.valid_up_to())
}

fn utf16(
    bytes: &[u8],
    skipped: usize,
    unit: impl Fn([u8; 2]) -> u16,
) -> Result<Cow<'static, str>, usize> {
    let (pairs, odd) = bytes.as_chunks::<2>();
    if !odd.is_empty() {
        return Err(skipped + 2 * pairs.len());
    }
    let mut text = String::with_capacity(pairs.len());
    let mut at = skipped;
    for ch in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        let ch = ch.map_err(|_| at)?;
        text.push(ch);
        at += 2 * ch.len_utf16();
    }
    Ok(Cow::Owned(text))
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
            (b"\xff\xfe=\xd8\x00\xde\0\xdcx", 8),
            (b"a\0b", 2),
        ] {
            assert_eq!(decode(bytes).unwrap_err(), place, "{bytes:?}");
        }
    }
}
