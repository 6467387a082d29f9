//! Bytes of a file or a paste as text, in the encodings that the codec knows, and within a bound.
//!
//! It never guesses: what is no text is refused, with what it looks like.

use std::borrow::Cow;

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

/// The text of `bytes`, without a byte-order mark. What is written as it is read is not copied.
///
/// # Errors
/// If they are too many, packed, or no text.
pub fn text(mut bytes: Vec<u8>) -> Result<String, Refused> {
    if bytes.len() > MAX_SOURCE {
        return Err(Refused::TooLarge);
    }
    if bytes.starts_with(b"\x1f\x8b") {
        return Err(Refused::Compressed);
    }
    let length = match dubbo_k8s_codec::text::decode(&bytes).map_err(Refused::NotText)? {
        Cow::Owned(text) => return Ok(text),
        Cow::Borrowed(text) => text.len(),
    };
    if let Some(at) = memchr::memchr(0, &bytes) {
        return Err(Refused::NotText(at));
    }
    bytes.drain(..bytes.len() - length);
    String::from_utf8(bytes).map_err(|error| Refused::NotText(error.utf8_error().valid_up_to()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_text_in_every_encoding() {
        assert_eq!(text("a用".into()).unwrap(), "a用");
        assert_eq!(text(b"\xef\xbb\xbfa".to_vec()).unwrap(), "a");
        assert_eq!(text(b"\xff\xfea\0(\x75".to_vec()).unwrap(), "a用");
        assert_eq!(text(b"\xfe\xff\0a".to_vec()).unwrap(), "a");
        assert_eq!(text(b"a\0(\x75".to_vec()).unwrap(), "a用");
    }

    #[test]
    fn what_is_no_text_is_refused() {
        assert_eq!(text(b"\x1f\x8b\x08".to_vec()), Err(Refused::Compressed));
        assert_eq!(text(b"ab\xffc".to_vec()), Err(Refused::NotText(2)));
        assert_eq!(text(b"ab\0b".to_vec()), Err(Refused::NotText(2)));
        assert_eq!(text(b"\xff\xfe\0\xd8a\0".to_vec()), Err(Refused::NotText(2)));
        assert_eq!(text(vec![b' '; MAX_SOURCE + 1]), Err(Refused::TooLarge));
    }
}
