//! Finds where a JSON value ends without reading it: strings and brackets are followed, all else
//! is passed over. The text may come in pieces cut anywhere.
//!
//! It does not validate, and it keeps nothing of what it passes.

use memchr::memchr2;

/// How far a value has been followed. Give it the text from the value's first byte on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Balance {
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Balance {
    /// Follows the value through the next piece of text; the length up to its end, if that is in
    /// this piece.
    pub(crate) fn advance(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        if core::mem::take(&mut self.escaped) && !bytes.is_empty() {
            at = 1;
        }
        while let Some(&byte) = bytes.get(at) {
            if self.in_string {
                let rest = bytes.get(at..).unwrap_or_default();
                let run = memchr2(b'"', b'\\', rest)?;
                at += run + 1;
                if rest.get(run) == Some(&b'\\') {
                    self.escaped = at == bytes.len();
                    at += 1;
                } else {
                    self.in_string = false;
                    if self.depth == 0 {
                        return Some(at);
                    }
                }
                continue;
            }
            at += 1;
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        return Some(at);
                    }
                }
                _ => {}
            }
        }
        None
    }
}
