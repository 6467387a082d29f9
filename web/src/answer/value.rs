//! JSON that was read: questions of the page, and events of a live registry.
//!
//! What is missing is empty, and never an error: who asks says what is needed.

use crate::events::{Event, Reader as _, SyntaxError};

/// A value that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Text.
    Text(String),
    /// A whole number; a fraction is cut off.
    Number(u64),
    /// True or false.
    Flag(bool),
    /// Nothing.
    Null,
    /// Items.
    List(Vec<Value>),
    /// Members, in their order.
    Object(Vec<(String, Value)>),
}

impl Value {
    /// Reads one value.
    ///
    /// # Errors
    /// If the text is not JSON.
    pub fn read(text: &str) -> Result<Self, SyntaxError> {
        Self::next(&mut crate::json::Json::new(text)).map(|value| value.unwrap_or(Self::Null))
    }

    /// The next value; none where a collection ends. The reader bounds the depth.
    fn next(reader: &mut crate::json::Json<'_>) -> Result<Option<Self>, SyntaxError> {
        Ok(Some(match reader.next()?.event {
            Event::Close => return Ok(None),
            Event::Text(text) => Self::Text(text.into_owned()),
            Event::Plain(word) => match word.as_ref() {
                "true" => Self::Flag(true),
                "false" => Self::Flag(false),
                number => Self::Number(whole(number)),
            },
            Event::Null => Self::Null,
            Event::List => {
                let mut items = Vec::new();
                while let Some(item) = Self::next(reader)? {
                    items.push(item);
                }
                Self::List(items)
            }
            Event::Map => {
                let mut members = Vec::new();
                while let Some(name) = Self::next(reader)? {
                    let value = Self::next(reader)?.unwrap_or(Self::Null);
                    if let Self::Text(name) = name {
                        members.push((name, value));
                    }
                }
                Self::Object(members)
            }
        }))
    }

    /// A member of an object.
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => {
                members.iter().find(|(known, _)| known == name).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// A text member, empty if there is none.
    pub fn text(&self, name: &str) -> &str {
        match self.get(name) {
            Some(Self::Text(text)) => text,
            _ => "",
        }
    }

    /// A number member.
    pub fn number(&self, name: &str) -> Option<usize> {
        match self.get(name) {
            Some(Self::Number(number)) => usize::try_from(*number).ok(),
            _ => None,
        }
    }

    /// A member as a time, which may be more than 32 bits hold.
    pub fn time(&self, name: &str) -> Option<u64> {
        match self.get(name) {
            Some(Self::Number(number)) => Some(*number),
            _ => None,
        }
    }

    /// A flag member, false if there is none.
    pub fn flag(&self, name: &str) -> bool {
        self.get(name) == Some(&Self::Flag(true))
    }

    /// The items of a list member.
    pub fn items(&self, name: &str) -> &[Self] {
        match self.get(name) {
            Some(Self::List(items)) => items,
            _ => &[],
        }
    }
}

fn whole(number: &str) -> u64 {
    let digits = number.split(['.', 'e', 'E']).next().unwrap_or_default();
    digits.parse().unwrap_or_default()
}
