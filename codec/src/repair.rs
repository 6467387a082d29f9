//! Repairs of an annotation, step by step, so that each can be shown as a difference.
//!
//! It repairs only the form: what cannot be distinguished from lost data stays as it is. A repair
//! never changes what the records mean.

use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::base64url;
use crate::escape::query_unescape;
use crate::lint::{duplicates, is_double_encoded};
use crate::phrase::Language;
use crate::{Annotation, Key, Record, Url, encode};

/// What a step of a repair does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Step {
    /// Takes quotes from around the value.
    Quotes,
    /// Undoes percent-encoding of the whole value.
    Percent,
    /// Removes line breaks and spaces.
    Unwrap,
    /// Turns the standard alphabet into the URL-safe one.
    Alphabet,
    /// Writes the padding as it must be.
    Padding,
    /// Decodes a value that was base64-encoded twice.
    DoubleBase64,
    /// Encodes a value that was left as plain JSON.
    PlainJson,
    /// Writes the same records the way dubbo-go does.
    Rewrite,
    /// Undoes the double percent-encoding of parameters.
    Parameters,
    /// Removes records that stand there twice.
    Duplicates,
}

impl Step {
    /// The stable name, in kebab case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quotes => "quotes",
            Self::Percent => "percent",
            Self::Unwrap => "unwrap",
            Self::Alphabet => "alphabet",
            Self::Padding => "padding",
            Self::DoubleBase64 => "double-base64",
            Self::PlainJson => "plain-json",
            Self::Rewrite => "rewrite",
            Self::Parameters => "parameters",
            Self::Duplicates => "duplicates",
        }
    }

    /// What it does, in a few words.
    pub const fn title(self, language: Language) -> &'static str {
        let [english, chinese] = match self {
            Self::Quotes => ["Take away the quotes", "去掉引号"],
            Self::Percent => ["Undo the percent-encoding of the value", "还原整个值的百分号编码"],
            Self::Unwrap => ["Remove line breaks and spaces", "去掉换行和空格"],
            Self::Alphabet => ["Use the URL-safe alphabet", "改用 URL 安全字母表"],
            Self::Padding => ["Write the padding", "补全填充"],
            Self::DoubleBase64 => ["Decode the second base64", "解开第二层 base64"],
            Self::PlainJson => ["Encode the plain JSON", "对明文 JSON 编码"],
            Self::Rewrite => ["Write the records as dubbo-go does", "按 dubbo-go 的方式重写记录"],
            Self::Parameters => ["Encode parameters once, not twice", "参数只编码一次"],
            Self::Duplicates => ["Remove duplicate records", "删除重复的记录"],
        };
        match language {
            Language::English => english,
            Language::Chinese => chinese,
        }
    }
}

/// One step, and the value after it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Repaired {
    /// What was done.
    pub step: Step,
    /// The value after it; before it, it was what the step before left.
    pub value: String,
}

/// The steps that make a good annotation of `value`, in their order. None if nothing is to be
/// repaired, or if the result would still be refused.
pub fn repair(value: &str) -> Vec<Repaired> {
    let mut steps = Steps { value: value.to_owned(), done: Vec::new() };
    if steps.form().is_none() {
        return Vec::new();
    }
    steps.content();
    steps.done
}

/// How often a value may have been encoded in vain.
const LAYERS: usize = 3;

struct Steps {
    value: String,
    done: Vec<Repaired>,
}

impl Steps {
    fn take(&mut self, step: Step, value: String) {
        if value != self.value {
            self.value.clone_from(&value);
            self.done.push(Repaired { step, value });
        }
    }

    /// Brings the value to base64 that dubbo-go accepts; nothing if that cannot be done.
    fn form(&mut self) -> Option<()> {
        for _ in 0..LAYERS {
            if self.plain_json() {
                return Some(());
            }
            self.wrapping();
            if self.value.is_empty() {
                return None;
            }
            match Annotation::decode(&self.value) {
                Ok(_) => return Some(()),
                Err(_) => self.inner()?,
            }
        }
        None
    }

    fn plain_json(&mut self) -> bool {
        let trimmed = self.value.trim();
        if !trimmed.starts_with('[') {
            return false;
        }
        let read = Annotation::from_json(trimmed.as_bytes());
        if let Ok(annotation) = &read {
            self.take(Step::PlainJson, annotation.encode());
        }
        read.is_ok()
    }

    fn wrapping(&mut self) {
        let bare = self.value.trim();
        for quote in ['"', '\''] {
            if let Some(inner) = bare.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote))
            {
                let inner = inner.to_owned();
                self.take(Step::Quotes, inner);
                break;
            }
        }
        if self.value.contains('%')
            && let Ok(plain) = query_unescape(&self.value.replace('+', "%2B"))
        {
            let plain = plain.into_owned();
            self.take(Step::Percent, plain);
        }
        self.take(Step::Unwrap, unwrapped(&self.value));
        self.take(Step::Alphabet, self.value.replace('+', "-").replace('/', "_"));
        let data = self.value.trim_end_matches('=');
        let padding = match data.len() % 4 {
            2 => "==",
            3 => "=",
            _ => "",
        };
        let mut padded = data.to_owned();
        padded.push_str(padding);
        self.take(Step::Padding, padded);
    }

    /// Goes down into base64 inside of base64.
    fn inner(&mut self) -> Option<()> {
        let inner = String::from_utf8(base64url::decode(self.value.as_bytes())?).ok()?;
        let like_base64 = |c: char| c.is_ascii_alphanumeric() || "-_+/=\r\n ".contains(c);
        let inner = inner.trim();
        if inner.is_empty() || !inner.chars().all(like_base64) {
            return None;
        }
        let inner = inner.to_owned();
        self.take(Step::DoubleBase64, inner);
        Some(())
    }

    /// Cleans the records of a value that is accepted.
    fn content(&mut self) {
        let Ok(annotation) = Annotation::decode(&self.value) else { return };
        self.take(Step::Rewrite, annotation.encode());
        let keys: Vec<String> =
            annotation.records().map(|record| once_encoded(record.key)).collect();
        let records =
            || keys.iter().zip(annotation.records()).map(|(key, record)| Record { key, ..record });
        if annotation.is_null() {
            return;
        }
        self.take(Step::Parameters, encode(records()));
        let twice: Vec<usize> = duplicates(records()).iter().filter_map(|it| it.record).collect();
        let once = |(at, record)| twice.binary_search(&at).is_err().then_some(record);
        self.take(Step::Duplicates, encode(records().enumerate().filter_map(once)));
    }
}

/// The text without white space, also where it is written as an escape.
fn unwrapped(text: &str) -> String {
    let mut rest = text.chars().peekable();
    let mut out = String::with_capacity(text.len());
    while let Some(c) = rest.next() {
        if c == '\\' && rest.next_if(|next| matches!(next, 'n' | 'r')).is_some() {
            continue;
        }
        if !c.is_whitespace() {
            out.push(c);
        }
    }
    out
}

/// The same key with every parameter of its URL encoded once.
fn once_encoded(key: &str) -> String {
    let rewritten = || {
        let parts = Key::parse(key).ok()?;
        let mut url = Url::parse(&**parts.url.as_ref()?).ok()?;
        let twice: Vec<(String, String)> = url
            .params()
            .filter(is_double_encoded)
            .map(|param| (param.name().into_owned(), param.value().into_owned()))
            .collect();
        // A name that repeats would lose its repetitions.
        let repeats = |name: &str| url.params().filter(|param| param.name() == name).count() > 1;
        if twice.is_empty() || twice.iter().any(|(name, _)| repeats(name)) {
            return None;
        }
        for (name, value) in &twice {
            url.set(name, value);
        }
        Some(Key { url: Some(url.as_str().into()), ..parts }.to_string())
    };
    rewritten().unwrap_or_else(|| key.to_owned())
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    const GOOD: &str = "W3siayI6Ii9hPz8-IiwidiI6IiJ9XQ=="; // [{"k":"/a??>","v":""}], not as Go writes ">"

    fn good() -> String {
        encode([Record::new("/a??>?~~~")])
    }

    fn steps(value: &str) -> Vec<&'static str> {
        repair(value).iter().map(|repaired| repaired.step.as_str()).collect()
    }

    #[test]
    fn a_good_annotation_needs_nothing() {
        assert!(repair(&good()).is_empty());
        assert!(repair("bnVsbA==").is_empty());
    }

    #[test]
    fn every_broken_form_comes_back_to_the_same_value() {
        let good = encode([Record::new("/dubbo/é/~~~ÿÿ?")]);
        assert!(good.contains('_') && good.ends_with('='));
        let standard = good.replace('-', "+").replace('_', "/");
        let cases = [
            (format!("\"{good}\""), &["quotes"][..]),
            (standard.clone(), &["alphabet"]),
            (good.trim_end_matches('=').to_owned(), &["padding"]),
            (format!("{}\n  {}", &good[..20], &good[20..]), &["unwrap"]),
            (base64url::encode(good.as_bytes()), &["double-base64"]),
            (r#"[{"k":"/dubbo/é/~~~ÿÿ?","v":""}]"#.to_owned(), &["plain-json"]),
            (good.replace('=', "%3D"), &["percent"]),
            (format!("'{}'", standard.trim_end_matches('=')), &["quotes", "alphabet", "padding"]),
        ];
        for (broken, expected) in cases {
            assert_eq!(steps(&broken), expected, "{broken}");
            assert_eq!(repair(&broken).last().unwrap().value, good, "{broken}");
        }
    }

    #[test]
    fn other_spellings_of_the_same_records_are_rewritten() {
        assert_eq!(steps(GOOD), ["rewrite"]);
    }

    #[test]
    fn double_encoding_and_duplicates_are_repaired_in_the_records() {
        let key = "/dubbo/a/consumers/consumer%3A%2F%2Fh%2Fa%3Fm%3DGet%25252CList%26x%3D1";
        let value = encode([Record::new(key), Record::new(key)]);
        assert_eq!(steps(&value), ["parameters", "duplicates"]);
        let repaired = repair(&value);
        let annotation = Annotation::decode(&repaired.last().unwrap().value).unwrap();
        let keys: Vec<_> = annotation.records().map(|record| record.key).collect();
        assert_eq!(keys, ["/dubbo/a/consumers/consumer%3A%2F%2Fh%2Fa%3Fm%3DGet%252CList%26x%3D1"]);
    }

    #[test]
    fn what_is_lost_is_not_invented() {
        let good = good();
        for broken in [&good[..12], "hello, world!", "", "=", "{}"] {
            assert!(repair(broken).is_empty(), "{broken}");
        }
    }
}
