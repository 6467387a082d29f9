//! The escaping of keys and parameters: Go's `url.QueryEscape` and `url.QueryUnescape`.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use memchr::memchr2;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::error::Found;

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
    pub(crate) expected: &'static str,
    pub(crate) found: Found,
    pub(crate) utf8: bool,
}

/// Unescapes as Go's `url.QueryUnescape`, but refuses what is not UTF-8 then.
pub(crate) fn query_unescape(text: &str) -> Result<Cow<'_, str>, EscapeError> {
    let bytes = text.as_bytes();
    let Some(first) = memchr2(b'%', b'+', bytes) else { return Ok(Cow::Borrowed(text)) };
    let mut out = Vec::with_capacity(bytes.len());
    let bad = unescape_from(bytes, first, &mut out);
    if let Some(offset) = bad {
        let place = (1..=2).find(|i| !bytes.get(offset + i).is_some_and(u8::is_ascii_hexdigit));
        let found = Found::at(bytes, offset + place.unwrap_or(1));
        let expected = "two hexadecimal digits after \"%\"";
        return Err(EscapeError { offset, expected, found, utf8: false });
    }
    match String::from_utf8(out) {
        Ok(text) => Ok(Cow::Owned(text)),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let found = Found::at(error.as_bytes(), at);
            let offset = escaped_offset(text, at);
            Err(EscapeError { offset, expected: "UTF-8 behind the escapes", found, utf8: true })
        }
    }
}

/// Unescapes what can be: a `%` without two digits stands for itself, a byte that is not UTF-8
/// becomes U+FFFD.
pub(crate) fn query_unescape_lossy(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let Some(mut next) = memchr2(b'%', b'+', bytes) else { return Cow::Borrowed(text) };
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(bad) = unescape_from(rest, next, &mut out) {
        out.push(b'%');
        rest = rest.get(bad + 1..).unwrap_or_default();
        next = 0;
    }
    match String::from_utf8(out) {
        Ok(text) => Cow::Owned(text),
        Err(error) => Cow::Owned(String::from_utf8_lossy(error.as_bytes()).into_owned()),
    }
}

/// Where in `escaped` the byte `offset` of its unescaped form stands.
pub(crate) fn escaped_offset(escaped: &str, offset: usize) -> usize {
    let bytes = escaped.as_bytes();
    let mut at = 0;
    for _ in 0..offset {
        at += if bytes.get(at) == Some(&b'%') { 3 } else { 1 };
    }
    at.min(bytes.len())
}

/// Appends the unescaped form of `bytes`, whose first `plain` bytes are known to hold no escape.
/// Stops at a `%` that two digits do not follow, and returns its offset.
fn unescape_from(bytes: &[u8], plain: usize, out: &mut Vec<u8>) -> Option<usize> {
    let mut at = plain;
    out.extend_from_slice(bytes.get(..plain).unwrap_or_default());
    loop {
        match bytes.get(at) {
            None => return None,
            Some(b'+') => {
                out.push(b' ');
                at += 1;
            }
            Some(b'%') => {
                let (Some(&high), Some(&low)) = (bytes.get(at + 1), bytes.get(at + 2)) else {
                    return Some(at);
                };
                let (high, low) = (hex(high), hex(low));
                if high | low > 15 {
                    return Some(at);
                }
                out.push(high << 4 | low);
                at += 3;
            }
            Some(_) => {}
        }
        let rest = bytes.get(at..).unwrap_or_default();
        let run = rest.iter().position(|byte| matches!(byte, b'%' | b'+')).unwrap_or(rest.len());
        out.extend_from_slice(rest.get(..run).unwrap_or_default());
        at += run;
    }
}

/// The value of a hexadecimal digit, or something above 15.
const fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        b'A'..=b'F' => digit - b'A' + 10,
        _ => 0xff,
    }
}

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
