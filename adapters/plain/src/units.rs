//! What offsets count, bytes or the units of a language whose strings are UTF-16, and in which language sentences are.

use dubbo_k8s_codec::problem::Language;

/// How offsets count, and in which language sentences are.
#[derive(Clone, Copy, Debug, Default)]
pub struct Codec {
    /// What offsets count.
    pub units: Units,
    /// The language of messages.
    pub language: Language,
}

/// What offsets count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Units {
    /// Bytes of UTF-8.
    #[default]
    Bytes,
    /// Units of UTF-16, as JavaScript counts.
    Utf16,
}

impl Units {
    /// The byte `offset` of `text`, counted so.
    pub fn count(self, text: &str, offset: usize) -> u32 {
        let count = match self {
            Self::Bytes => offset,
            Self::Utf16 => {
                let before = text.get(..text.floor_char_boundary(offset)).unwrap_or(text);
                before.chars().map(char::len_utf16).sum()
            }
        };
        u32::try_from(count).unwrap_or(u32::MAX)
    }
}
