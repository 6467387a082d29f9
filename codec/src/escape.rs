//! The escaping of keys and parameters: Go's `url.QueryEscape` and `url.QueryUnescape`.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use memchr::memchr2;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::byte_mask;
use crate::fault::Found;
use crate::phrase::Phrase;

/// Everything but Go's unreserved characters. A space becomes `+`, which Go does by itself.
const ESCAPED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b' ');

/// Escapes as Go's `url.QueryEscape`: letters, digits and `-_.~` stand for themselves, a space is
/// `+`, and every other byte is `%XX` in upper case.
pub fn query_escape(text: &str) -> Cow<'_, str> {
    match Cow::from(utf8_percent_encode(text, ESCAPED)) {
        Cow::Owned(escaped) => Cow::Owned(escaped.replace(' ', "+")),
        Cow::Borrowed(plain) if plain.contains(' ') => Cow::Owned(plain.replace(' ', "+")),
        plain @ Cow::Borrowed(_) => plain,
    }
}

/// Why a text could not be unescaped, with the byte offset of the `%` at fault, or of the first
/// byte that is not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct EscapeError {
    pub(crate) offset: usize,
    pub(crate) expected: Phrase,
    pub(crate) found: Found,
    pub(crate) utf8: bool,
}

/// Unescapes as Go's `url.QueryUnescape`, but refuses what is not UTF-8 then.
pub(crate) fn query_unescape(text: &str) -> Result<Cow<'_, str>, EscapeError> {
    let bytes = text.as_bytes();
    if memchr2(b'%', b'+', bytes).is_none() {
        return Ok(Cow::Borrowed(text));
    }
    let (out, bad) = unescape(bytes);
    if let Some(offset) = bad {
        let place = (1..=2).find(|i| !bytes.get(offset + i).is_some_and(u8::is_ascii_hexdigit));
        let found = Found::at(bytes, offset + place.unwrap_or(1));
        let expected = Phrase::TwoHexDigits;
        return Err(EscapeError { offset, expected, found, utf8: false });
    }
    match String::from_utf8(out) {
        Ok(text) => Ok(Cow::Owned(text)),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let found = Found::at(error.as_bytes(), at);
            let offset = escaped_offset(bytes, at);
            Err(EscapeError { offset, expected: Phrase::Utf8Escapes, found, utf8: true })
        }
    }
}

/// Unescapes what can be: a `%` without two digits stands for itself, a byte that is not UTF-8
/// becomes U+FFFD.
pub(crate) fn query_unescape_lossy(text: &str) -> Cow<'_, str> {
    match memchr2(b'%', b'+', text.as_bytes()) {
        Some(_) => Cow::Owned(unescape_lossy(text)),
        None => Cow::Borrowed(text),
    }
}

/// As [`query_unescape_lossy`], for a text that is known to hold escapes.
pub(crate) fn unescape_lossy(text: &str) -> String {
    let mut rest = text.as_bytes();
    let (mut out, mut bad) = unescape(rest);
    while let Some(at) = bad {
        rest = rest.get(at + 1..).unwrap_or_default();
        out.push(b'%');
        let (more, next) = unescape(rest);
        out.extend_from_slice(&more);
        bad = next;
    }
    String::from_utf8(out)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Where in `escaped` the byte `offset` of its unescaped form stands.
pub(crate) fn escaped_offset(escaped: &[u8], offset: usize) -> usize {
    let mut at = 0;
    for _ in 0..offset {
        at += if escaped.get(at) == Some(&b'%') { 3 } else { 1 };
    }
    at.min(escaped.len())
}

/// Unescapes until the end, or until a `%` that two digits do not follow: gives what has been
/// unescaped so far, and the offset of that `%`.
fn unescape(bytes: &[u8]) -> (Vec<u8>, Option<usize>) {
    let mut unescaped = Unescaped { out: vec![0; bytes.len() + ROOM], to: 0, bytes, from: 0 };
    let (blocks, rest) = bytes.as_chunks::<64>();
    let mut last = [0; 64];
    if let Some(last) = last.get_mut(..rest.len()) {
        last.copy_from_slice(rest);
    }
    for (index, block) in blocks.iter().chain([&last]).enumerate() {
        let mut escapes = byte_mask::equal(block, b'%') | byte_mask::equal(block, b'+');
        while escapes != 0 {
            let at = index * 64 + escapes.trailing_zeros() as usize;
            escapes &= escapes - 1;
            unescaped.plain(at);
            if !unescaped.escape() {
                unescaped.out.truncate(unescaped.to);
                return (unescaped.out, Some(at));
            }
        }
    }
    unescaped.plain(bytes.len());
    unescaped.out.truncate(unescaped.to);
    (unescaped.out, None)
}

/// Short runs are copied as this many bytes, and what is too much is overwritten later.
const ROOM: usize = 16;

/// A text being unescaped: how far it has been read and written.
struct Unescaped<'a> {
    bytes: &'a [u8],
    from: usize,
    out: Vec<u8>,
    to: usize,
}

impl Unescaped<'_> {
    /// Copies what stands for itself, up to an offset.
    fn plain(&mut self, end: usize) {
        let run = end - self.from;
        let (from, to) = (self.bytes.get(self.from..), self.out.get_mut(self.to..));
        let (from, to) = (from.unwrap_or_default(), to.unwrap_or_default());
        match (from.first_chunk::<ROOM>(), to.first_chunk_mut::<ROOM>()) {
            (Some(from), Some(to)) if run <= ROOM => *to = *from,
            _ => {
                if let (Some(from), Some(to)) = (from.get(..run), to.get_mut(..run)) {
                    to.copy_from_slice(from);
                }
            }
        }
        (self.from, self.to) = (end, self.to + run);
    }

    /// Reads the escape that stands here; false if it is none.
    fn escape(&mut self) -> bool {
        let (byte, length) = match self.bytes.get(self.from..) {
            Some([b'+', ..]) => (b' ', 1),
            Some([_, high, low, ..]) if (hex(*high) | hex(*low)) < 16 => {
                (hex(*high) << 4 | hex(*low), 3)
            }
            _ => return false,
        };
        if let Some(room) = self.out.get_mut(self.to) {
            *room = byte;
        }
        (self.from, self.to) = (self.from + length, self.to + 1);
        true
    }
}

/// The value of a hexadecimal digit, or something above 15. Looked up, because no branch predictor could
/// predict which kind of digit comes next.
fn hex(digit: u8) -> u8 {
    DIGITS.get(usize::from(digit)).copied().unwrap_or(0xff)
}

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
static DIGITS: [u8; 256] = {
    let mut digits = [0xff; 256];
    let mut value = 0;
    while value < 16 {
        digits[b"0123456789abcdef"[value as usize] as usize] = value;
        digits[b"0123456789ABCDEF"[value as usize] as usize] = value;
        value += 1;
    }
    digits
};

#[cfg(test)]
mod tests {
    use percent_encoding::percent_decode_str;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escapes_are_those_of_go() {
        assert_eq!(query_escape("com.example.A$B-_.~"), "com.example.A%24B-_.~");
        assert_eq!(
            query_escape("dubbo://1.2.3.4:1/a?q=1 2&r=*'()"),
            "dubbo%3A%2F%2F1.2.3.4%3A1%2Fa%3Fq%3D1+2%26r%3D%2A%27%28%29"
        );
        assert_eq!(query_escape("com.例子"), "com.%E4%BE%8B%E5%AD%90");
        assert_eq!(query_escape("a b"), "a+b");
        assert!(matches!(query_escape("plain"), Cow::Borrowed("plain")));
    }

    #[test]
    fn bad_escapes_are_placed() {
        let fault = |text| query_unescape(text).map_err(|e| (e.offset, e.found, e.utf8));
        assert_eq!(fault("a%2"), Err((1, Found::End, false)));
        assert_eq!(fault("a%"), Err((1, Found::End, false)));
        assert_eq!(fault("a%41%zz"), Err((4, Found::Byte(b'z'), false)));
        assert_eq!(fault("a%2g"), Err((1, Found::Byte(b'g'), false)));
        assert_eq!(fault("%41b%ff"), Err((4, Found::Byte(0xff), true)));
        assert_eq!(fault("a+%2b%2B").unwrap(), "a ++");
    }

    #[test]
    fn a_lenient_reader_keeps_what_it_cannot_read() {
        assert_eq!(query_unescape_lossy("100%+a%2"), "100% a%2");
        assert_eq!(query_unescape_lossy("%%41%zz%"), "%A%zz%");
        assert_eq!(query_unescape_lossy("%ff"), "\u{fffd}");
    }

    proptest! {
        #[test]
        fn escaping_is_undone(text: String) {
            let escaped = query_escape(&text);
            prop_assert_eq!(query_unescape(&escaped).unwrap(), text.as_str());
            prop_assert_eq!(&query_unescape_lossy(&escaped), &text);
        }

        #[test]
        fn unescaping_agrees_with_a_plain_one(text in "[a%+0-9f ]{0,40}") {
            let plain = text.replace('+', " ");
            let plain = percent_decode_str(&plain).decode_utf8_lossy();
            prop_assert_eq!(query_unescape_lossy(&text), plain.clone());
            if let Ok(strict) = query_unescape(&text) {
                prop_assert_eq!(strict, plain);
            }
        }
    }
}
