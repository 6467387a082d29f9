//! What stands behind the title of a problem, in either language.
//!
//! It translates its own phrases and nothing else: what comes from outside is quoted as it is.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};

use serde::Serialize;

use super::{Language, Phrase};
use crate::error::DecodeError;
use crate::fault::{Fault, Found, Whole};
use crate::relation::obstacle::Mismatch;

/// What a problem is about. Serialises as an object with one member, the name of its kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Detail {
    /// A name, a number or a text from outside: the same in every language, and never markup.
    Text(String),
    /// Something stood where something else was expected.
    Expected {
        /// What would have been right.
        expected: Phrase,
        /// What was there.
        found: Found,
        /// Where, if no other place says it: a byte offset, and of what.
        at: Option<(usize, Phrase)>,
    },
    /// What can be written there instead.
    Instead(String),
    /// The command that prints what can be read.
    Run(String),
    /// What is wrong in so many words, and the piece of the source that it is said of.
    Wrong(Phrase, Option<String>),
    /// Why a consumer does not call a provider.
    Obstacle(Box<Mismatch>),
}

impl Detail {
    /// In the words of this language.
    pub fn text(&self, language: Language) -> String {
        let chinese = language == Language::Chinese;
        match self {
            Self::Text(text) => text.clone(),
            Self::Obstacle(mismatch) => mismatch.text(language),
            Self::Instead(text) => {
                [if chinese { "应写作 `" } else { "write `" }, text, "`"].concat()
            }
            Self::Run(command) => {
                [if chinese { "请运行 `" } else { "run `" }, command, "`"].concat()
            }
            Self::Wrong(phrase, None) => phrase.text(language).to_string(),
            Self::Wrong(phrase, Some(source)) => {
                ["`", source, "` ", phrase.text(language)].concat()
            }
            Self::Expected { expected, found, at } => {
                let (expected, thing) = (expected.text(language), found.text(language));
                let [before, between] =
                    if chinese { ["应为：", "；实际："] } else { ["expected ", ", found "] };
                let what = [before, expected, between, &thing].concat();
                let Some((offset, whole)) = at else { return what };
                let (offset, whole) = (offset.to_string(), whole.text(language));
                if chinese {
                    [&what, "；位置：", whole, "的字节 ", &offset].concat()
                } else {
                    [&what, " at byte ", &offset, " of ", whole].concat()
                }
            }
        }
    }
}

impl Found {
    /// In the words of this language.
    pub fn text(&self, language: Language) -> String {
        if language == Language::English {
            return self.to_string();
        }
        match *self {
            Self::End => "结尾".to_string(),
            Self::Byte(b'"') => "引号（\"）".to_string(),
            Self::Byte(byte @ b'!'..=b'~') => quoted(char::from(byte)),
            Self::Byte(b' ') => "空格".to_string(),
            Self::Byte(b'\n') => "换行符".to_string(),
            Self::Byte(b'\r') => "回车符".to_string(),
            Self::Byte(b'\t') => "制表符".to_string(),
            Self::Byte(byte) => format!("字节 0x{byte:02x}"),
            Self::Char(character) => quoted(character),
            Self::Thing(phrase) => phrase.chinese().to_string(),
        }
    }
}

fn quoted(character: char) -> String {
    ["“", character.encode_utf8(&mut [0; 4]), "”"].concat()
}

impl From<Mismatch> for Detail {
    fn from(mismatch: Mismatch) -> Self {
        Self::Obstacle(Box::new(mismatch))
    }
}

impl From<&DecodeError> for Detail {
    fn from(error: &DecodeError) -> Self {
        if let Some(reason) = error.reason {
            return Self::Wrong(reason.phrase(), None);
        }
        Self::Expected { expected: error.expected, found: error.found, at: None }
    }
}

impl<W: Whole> From<&Fault<W>> for Detail {
    fn from(fault: &Fault<W>) -> Self {
        let at = Some((fault.offset, W::NAME));
        Self::Expected { expected: fault.expected, found: fault.found, at }
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;

    use super::*;
    use crate::{Key, Stage, Url};

    fn is_chinese(text: &str) -> bool {
        text.chars().any(|character| character > '\u{2e7f}')
    }

    #[test]
    fn every_phrase_is_distinct_and_in_both_languages() {
        let mut all = BTreeSet::new();
        for &phrase in Phrase::ALL {
            assert!(all.insert(phrase.english()), "{phrase} twice");
            assert!(!is_chinese(&phrase.english().replace('…', "")), "{phrase}");
            assert!(is_chinese(phrase.chinese()), "{phrase} is not in Chinese");
        }
    }

    #[test]
    fn whatever_is_found_is_in_both_languages() {
        let things = Phrase::ALL.iter().copied().map(Found::Thing);
        let bytes = (0..=u8::MAX).map(Found::Byte);
        for found in bytes.chain([Found::End]).chain(things) {
            let chinese = found.text(Language::Chinese);
            match found {
                // A quotation is the same in both, between other marks.
                Found::Byte(byte) if byte.is_ascii_graphic() && byte != b'"' => {
                    assert_eq!(chinese, format!("“{}”", char::from(byte)));
                }
                _ => assert!(is_chinese(&chinese), "{found}"),
            }
        }
        assert_eq!(Found::Char('é').text(Language::Chinese), "“é”");
    }

    #[test]
    fn the_errors_of_keys_and_urls_read_as_they_display() {
        for text in ["dubbo", "/dubbo//a", "/dubbo/a%2/providers", "/dubbo/a/b"] {
            let error = Key::parse(text).unwrap_err();
            let detail = Detail::from(&error);
            assert_eq!(detail.text(Language::English), error.to_string());
            assert!(is_chinese(&detail.text(Language::Chinese)));
        }
        for text in ["", "dubbo:", "dubbo://h:x", "dubbo://[::1"] {
            let error = Url::parse(text).unwrap_err();
            assert_eq!(Detail::from(&error).text(Language::English), error.to_string());
        }
    }

    #[test]
    fn an_error_reads_in_either_language() {
        for (expected, found, chinese) in [
            (Phrase::CommaAfterRecord, Found::Byte(b'x'), "应为：记录之后的“,”或“]”；实际：“x”"),
            (Phrase::Base64, Found::End, "应为：base64 字符（A-Z a-z 0-9 - _）；实际：结尾"),
            (Phrase::Records, Found::Thing(Phrase::Object), "应为：记录数组；实际：对象"),
        ] {
            let error = DecodeError::new(Stage::Json, 0, None, expected, found);
            let detail = Detail::from(&error);
            assert_eq!(detail.text(Language::English), error.message().to_string());
            assert_eq!(detail.text(Language::Chinese), chinese);
        }
    }
}
