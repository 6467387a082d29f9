//! The texts of a kubeconfig as kubectl takes them: null is an empty one, and a number or a truth value that
//! stands where a text belongs is refused (`password: 1234` needs its quotes). And its truth values, as YAML 1.1
//! has them.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};

/// A text, or null.
#[derive(Default)]
pub(super) struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(|text| Self(text.unwrap_or_default()))
    }
}

/// What is made of texts.
pub(super) trait OfText {
    /// The same, made of [`Text`].
    type Written;

    fn of(written: Self::Written) -> Self;
}

impl OfText for String {
    type Written = Text;

    fn of(Text(text): Text) -> Self {
        text
    }
}

impl<T: OfText> OfText for Option<T> {
    type Written = Option<T::Written>;

    fn of(written: Self::Written) -> Self {
        written.map(T::of)
    }
}

impl<T: OfText> OfText for Vec<T> {
    type Written = Option<Vec<T::Written>>;

    fn of(written: Self::Written) -> Self {
        written.into_iter().flatten().map(T::of).collect()
    }
}

impl<T: OfText> OfText for BTreeMap<String, T> {
    type Written = Option<BTreeMap<String, T::Written>>;

    fn of(written: Self::Written) -> Self {
        let mut texts = Self::new();
        // One by one: `collect` would bring a sort of its own.
        for (name, value) in written.into_iter().flatten() {
            texts.insert(name, T::of(value));
        }
        texts
    }
}

/// For `deserialize_with`.
pub(super) fn text<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: OfText<Written: Deserialize<'de>>,
{
    T::Written::deserialize(deserializer).map(T::of)
}

/// True or false; `yes` and `no`, `on` and `off` as well.
pub(super) struct Truth(pub(super) bool);

impl<'de> Deserialize<'de> for Truth {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Word;

        impl Visitor<'_> for Word {
            type Value = Truth;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true or false")
            }

            fn visit_bool<E>(self, truth: bool) -> Result<Truth, E> {
                Ok(Truth(truth))
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<Truth, E> {
                match word {
                    "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Ok(Truth(true)),
                    "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Ok(Truth(false)),
                    _ => Err(E::custom("expected true or false")),
                }
            }
        }

        deserializer.deserialize_any(Word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_a_string_or_null() {
        let read = |json| serde_json::from_str::<Text>(json).map(String::of).ok();
        for (json, text) in [
            ("\"a\\n\"", Some("a\n")),
            ("\"007\"", Some("007")),
            ("null", Some("")),
            ("7", None),
            ("1.10", None),
            ("true", None),
            ("[]", None),
            ("{}", None),
        ] {
            assert_eq!(read(json).as_deref(), text, "{json}");
        }
    }
}
