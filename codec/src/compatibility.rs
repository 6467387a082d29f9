//! What Go's reader accepts that a strict one would not, and the repairs that it makes.
//!
//! The clean path never comes here. Everything that is tolerated is reported as a warning, and
//! nothing is tolerated beyond what the list in `tests/vectors.rs` names.
//!
//! Sources: Go's `encoding/base64` (`decodeQuantum`) and `encoding/json` (`unquote`, `foldName`).

use alloc::vec::Vec;

use crate::error::DecodeError;
use crate::fault::{Found, Stage};
use crate::phrase::Phrase;
use crate::warning::{self, Warning, WarningCode};

/// Base64 as Go's `URLEncoding` reads it: CR and LF anywhere, bits behind the last byte ignored.
/// Beyond Go: the standard alphabet, and no padding at all. Not accepted: both alphabets in one
/// text, which no encoder writes, and half of a padding.
pub(crate) fn base64(text: &[u8], warnings: &mut Vec<Warning>) -> Result<Vec<u8>, DecodeError> {
    let mut quantum =
        Quantum { out: Vec::with_capacity(text.len() / 4 * 3 + 3), bits: 0, count: 0 };
    let mut alphabet = None;
    let mut line_break = None;
    let mut last = 0;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'\r' | b'\n' => line_break = line_break.or(Some(at)),
            b'=' => {
                let end = padding(text, at, quantum.count, &mut line_break)?;
                quantum.finish(last, warnings);
                report_line_break(line_break, warnings);
                debug_assert_eq!(end, text.len());
                return Ok(quantum.out);
            }
            _ => {
                quantum.push(sextet(text, at, &mut alphabet, warnings)?);
                last = at;
            }
        }
        at += 1;
    }
    if quantum.count == 1 {
        return Err(refused(last, Phrase::AnotherBase64, Found::End));
    }
    if quantum.count > 0 {
        warning::push(warnings, WarningCode::MissingPadding, last + 1, None);
    }
    quantum.finish(last, warnings);
    report_line_break(line_break, warnings);
    Ok(quantum.out)
}

/// Up to four base64 characters on their way to three bytes.
struct Quantum {
    out: Vec<u8>,
    bits: u32,
    count: u8,
}

impl Quantum {
    fn push(&mut self, sextet: u8) {
        self.bits = self.bits << 6 | u32::from(sextet);
        self.count += 1;
        if self.count == 4 {
            let [_, bytes @ ..] = self.bits.to_be_bytes();
            self.out.extend_from_slice(&bytes);
            (self.bits, self.count) = (0, 0);
        }
    }

    /// Writes the bytes of a quantum of two or three characters; `last` is the last one's offset.
    fn finish(&mut self, last: usize, warnings: &mut Vec<Warning>) {
        let [_, first, second, rest] = match self.count {
            2 => self.bits << 12,
            3 => self.bits << 6,
            _ => return,
        }
        .to_be_bytes();
        let odd = if self.count == 2 {
            self.out.push(first);
            second
        } else {
            self.out.extend_from_slice(&[first, second]);
            rest
        };
        if odd != 0 {
            warning::push(warnings, WarningCode::TrailingBits, last, None);
        }
    }
}

/// Checks the padding that begins at `at` behind `count` characters, to the end of the text.
fn padding(
    text: &[u8],
    at: usize,
    count: u8,
    line_break: &mut Option<usize>,
) -> Result<usize, DecodeError> {
    if count < 2 {
        return Err(refused(at, Phrase::Base64NotPadding, Found::Byte(b'=')));
    }
    let mut next = skip_line_breaks(text, at + 1, line_break);
    if count == 2 {
        match text.get(next) {
            None => return Err(refused(next, Phrase::SecondPadding, Found::End)),
            // Go points at the character before the one that should have been the padding.
            Some(&byte) if byte != b'=' => {
                return Err(refused(next - 1, Phrase::TwoPadding, Found::Byte(byte)));
            }
            Some(_) => next = skip_line_breaks(text, next + 1, line_break),
        }
    }
    match text.get(next) {
        None => Ok(next),
        Some(&byte) => Err(refused(next, Phrase::NothingAfterPadding, Found::Byte(byte))),
    }
}

fn skip_line_breaks(text: &[u8], mut at: usize, line_break: &mut Option<usize>) -> usize {
    while let Some(b'\r' | b'\n') = text.get(at) {
        *line_break = line_break.or(Some(at));
        at += 1;
    }
    at
}

fn report_line_break(line_break: Option<usize>, warnings: &mut Vec<Warning>) {
    if let Some(at) = line_break {
        warning::push(warnings, WarningCode::LineBreak, at, None);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Alphabet {
    UrlSafe,
    Standard,
}

fn sextet(
    text: &[u8],
    at: usize,
    alphabet: &mut Option<Alphabet>,
    warnings: &mut Vec<Warning>,
) -> Result<u8, DecodeError> {
    let found = Found::at(text, at);
    let (sextet, of) = match text.get(at).copied().unwrap_or_default() {
        byte @ b'A'..=b'Z' => return Ok(byte - b'A'),
        byte @ b'a'..=b'z' => return Ok(byte - b'a' + 26),
        byte @ b'0'..=b'9' => return Ok(byte - b'0' + 52),
        b'-' => (62, Alphabet::UrlSafe),
        b'_' => (63, Alphabet::UrlSafe),
        b'+' => (62, Alphabet::Standard),
        b'/' => (63, Alphabet::Standard),
        _ => return Err(refused(at, Phrase::Base64, found)),
    };
    match *alphabet {
        None => {
            *alphabet = Some(of);
            if of == Alphabet::Standard {
                warning::push(warnings, WarningCode::StandardAlphabet, at, None);
            }
        }
        Some(Alphabet::UrlSafe) if of == Alphabet::Standard => {
            return Err(refused(at, Phrase::UrlSafeAlphabet, found));
        }
        Some(Alphabet::Standard) if of == Alphabet::UrlSafe => {
            return Err(refused(at, Phrase::StandardAlphabet, found));
        }
        Some(_) => {}
    }
    Ok(sextet)
}

fn refused(offset: usize, expected: Phrase, found: Found) -> DecodeError {
    DecodeError::new(Stage::Base64, offset, None, expected, found)
}

/// Which member of a record a name means to Go: names match exactly or by Unicode simple folding,
/// whose orbit of `k` also holds U+212A, the Kelvin sign.
pub(crate) fn member(name: &[u8]) -> Option<Member> {
    match name {
        b"k" => Some(Member { is_key: true, exact: true }),
        b"v" => Some(Member { is_key: false, exact: true }),
        b"K" | b"\xe2\x84\xaa" => Some(Member { is_key: true, exact: false }),
        b"V" => Some(Member { is_key: false, exact: false }),
        _ => None,
    }
}

/// A member name that Go takes for `k` (else `v`), and whether it was written so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) is_key: bool,
    pub(crate) exact: bool,
}

/// Appends `bytes` as UTF-8; every byte that belongs to no character becomes one U+FFFD, as Go's
/// `utf8.DecodeRune` counts them. True if it had to repair.
pub(crate) fn push_utf8(bytes: &[u8], out: &mut Vec<u8>) -> bool {
    if core::str::from_utf8(bytes).is_ok() {
        out.extend_from_slice(bytes);
        return false;
    }
    let mut repaired = false;
    for chunk in bytes.utf8_chunks() {
        out.extend_from_slice(chunk.valid().as_bytes());
        for _ in chunk.invalid() {
            out.extend_from_slice("\u{fffd}".as_bytes());
            repaired = true;
        }
    }
    repaired
}

#[cfg(test)]
mod tests {
    use super::*;

    type Odd = Vec<(WarningCode, usize)>;

    fn read(text: &str) -> Result<(Vec<u8>, Odd), (usize, Found)> {
        let mut warnings = Vec::new();
        let bytes = base64(text.as_bytes(), &mut warnings).map_err(|e| (e.offset, e.found))?;
        Ok((bytes, warnings.iter().map(|w| (w.code, w.offset)).collect()))
    }

    #[test]
    fn what_go_tolerates_is_read_and_reported() {
        use WarningCode::{LineBreak, TrailingBits};
        assert_eq!(read("W10="), Ok((b"[]".to_vec(), Vec::new())));
        assert_eq!(read("W\r\n10=\n"), Ok((b"[]".to_vec(), [(LineBreak, 1)].to_vec())));
        assert_eq!(read("W10\n="), Ok((b"[]".to_vec(), [(LineBreak, 3)].to_vec())));
        assert_eq!(read("Ww=\n=\r\n"), Ok((b"[".to_vec(), [(LineBreak, 3)].to_vec())));
        assert_eq!(read("W11="), Ok((b"[]".to_vec(), [(TrailingBits, 2)].to_vec())));
        assert_eq!(read("Wx=="), Ok((b"[".to_vec(), [(TrailingBits, 1)].to_vec())));
        assert_eq!(read("\n\n"), Ok((Vec::new(), [(LineBreak, 0)].to_vec())));
    }

    #[test]
    fn beyond_go_only_the_other_alphabet_and_no_padding() {
        use WarningCode::{MissingPadding, StandardAlphabet, TrailingBits};
        assert_eq!(read("W10"), Ok((b"[]".to_vec(), [(MissingPadding, 3)].to_vec())));
        assert_eq!(read("Ww"), Ok((b"[".to_vec(), [(MissingPadding, 2)].to_vec())));
        assert_eq!(
            read("W11"),
            Ok((b"[]".to_vec(), [(MissingPadding, 3), (TrailingBits, 2)].to_vec()))
        );
        assert_eq!(read("+/+/"), Ok(([251, 255, 191].to_vec(), [(StandardAlphabet, 0)].to_vec())));
        assert_eq!(read("+AA_"), Err((3, Found::Byte(b'_'))));
        assert_eq!(read("AA-/"), Err((3, Found::Byte(b'/'))));
    }

    #[test]
    fn refusals_point_where_go_points() {
        assert_eq!(read("W10=W10="), Err((4, Found::Byte(b'W'))));
        assert_eq!(read("W10=="), Err((4, Found::Byte(b'='))));
        assert_eq!(read("="), Err((0, Found::Byte(b'='))));
        assert_eq!(read("W==="), Err((1, Found::Byte(b'='))));
        assert_eq!(read("Ww="), Err((3, Found::End)));
        assert_eq!(read("Ww=\n"), Err((4, Found::End)));
        assert_eq!(read("Ww=x"), Err((2, Found::Byte(b'x'))));
        assert_eq!(read("W10\u{ff37}"), Err((3, Found::Byte(0xef))));
        assert_eq!(read("W10AW"), Err((4, Found::End)));
        assert_eq!(read("W10=\nx"), Err((5, Found::Byte(b'x'))));
        assert_eq!(read("W 0="), Err((1, Found::Byte(b' '))));
    }

    #[test]
    fn every_stray_byte_is_one_replacement_character() {
        for (bytes, text) in [
            (&b"a\xffb"[..], "a\u{fffd}b"),
            (b"\xe2\x82", "\u{fffd}\u{fffd}"),
            (b"\xe2\x82\x22", "\u{fffd}\u{fffd}\""),
            (b"\xed\xa0\x80", "\u{fffd}\u{fffd}\u{fffd}"),
            (b"\xf0\x9f\x98", "\u{fffd}\u{fffd}\u{fffd}"),
            (b"\xc0\x80", "\u{fffd}\u{fffd}"),
            (b"\xf5\x80", "\u{fffd}\u{fffd}"),
        ] {
            let mut out = Vec::new();
            assert!(push_utf8(bytes, &mut out));
            assert_eq!(out, text.as_bytes(), "{bytes:x?}");
        }
        assert!(!push_utf8("é".as_bytes(), &mut Vec::new()));
    }

    #[test]
    fn member_names_fold_as_in_go() {
        assert_eq!(member("\u{212a}".as_bytes()), Some(Member { is_key: true, exact: false }));
        assert_eq!(member(b"V"), Some(Member { is_key: false, exact: false }));
        assert_eq!(member(b"k "), None);
        assert_eq!(member(b""), None);
    }
}
