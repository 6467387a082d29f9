//! Bytes of a file or a paste as text: UTF-8, or UTF-16 with its mark (as PowerShell redirects).
//!
//! It never guesses: what is neither is refused, with what it looks like.

/// The largest source that is read.
pub const MAX_SOURCE: usize = 160 << 20;

/// Why the bytes are not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// More than [`MAX_SOURCE`].
    TooLarge,
    /// A gzip file.
    Compressed,
    /// Neither UTF-8 nor UTF-16; the offset of the first byte that cannot be.
    NotText(usize),
}

impl Refused {
    /// The name in the protocol of the page.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "too-large",
            Self::Compressed => "compressed",
            Self::NotText(_) => "not-text",
        }
    }
}

/// The text of `bytes`, without a byte-order mark.
pub fn text(mut bytes: Vec<u8>) -> Result<String, Refused> {
    if bytes.len() > MAX_SOURCE {
        return Err(Refused::TooLarge);
    }
    match bytes.as_slice() {
        [0x1f, 0x8b, ..] => Err(Refused::Compressed),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, ..] => {
            bytes.drain(..3);
            utf8(bytes)
        }
        _ => utf8(bytes),
    }
}

fn utf8(bytes: Vec<u8>) -> Result<String, Refused> {
    if let Some(at) = memchr::memchr(0, &bytes) {
        return Err(Refused::NotText(at));
    }
    String::from_utf8(bytes).map_err(|error| Refused::NotText(error.utf8_error().valid_up_to()))
}

fn utf16(bytes: &[u8], unit: impl Fn([u8; 2]) -> u16) -> Result<String, Refused> {
    let (pairs, _) = bytes.as_chunks::<2>();
    let mut text = String::with_capacity(bytes.len());
    for (at, ch) in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))).enumerate() {
        text.push(ch.map_err(|_| Refused::NotText(2 + at * 2))?);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_text_in_three_encodings() {
        assert_eq!(text("a用".into()).unwrap(), "a用");
        assert_eq!(text(b"\xef\xbb\xbfa".to_vec()).unwrap(), "a");
        assert_eq!(text(b"\xff\xfea\0(\x75".to_vec()).unwrap(), "a用");
        assert_eq!(text(b"\xfe\xff\0a".to_vec()).unwrap(), "a");
    }

    #[test]
    fn what_is_no_text_is_refused() {
        assert_eq!(text(b"\x1f\x8b\x08".to_vec()), Err(Refused::Compressed));
        assert_eq!(text(b"ab\xffc".to_vec()), Err(Refused::NotText(2)));
        assert_eq!(text(b"a\0b".to_vec()), Err(Refused::NotText(1)));
        assert_eq!(text(b"\xff\xfe\0\xd8a\0".to_vec()), Err(Refused::NotText(2)));
        assert_eq!(text(vec![b' '; MAX_SOURCE + 1]), Err(Refused::TooLarge));
    }
}
