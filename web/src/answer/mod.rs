//! JSON of the page's questions and answers, written as it is made and read without a schema.
//!
//! Small on purpose, because the page waits for it: one dynamic call for each value, no generic
//! serialiser. Numbers are whole; the protocol has no others.

mod value;

use std::borrow::Cow;

pub use self::value::Value;

/// A value that is already written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Json(String);

impl Json {
    /// An object without members.
    pub fn object() -> Self {
        Self("{}".to_owned())
    }

    /// A list without items.
    pub fn list() -> Self {
        Self("[]".to_owned())
    }

    /// A list of these.
    pub fn of(items: impl IntoIterator<Item = Self>) -> Self {
        items.into_iter().collect()
    }

    /// Adds a member to an object.
    pub fn put(&mut self, name: &str, value: &dyn Write) {
        self.open();
        name.write(&mut self.0);
        self.0.push(':');
        value.write(&mut self.0);
        self.0.push('}');
    }

    /// Adds an item to a list.
    pub fn push(&mut self, value: &dyn Write) {
        self.open();
        value.write(&mut self.0);
        self.0.push(']');
    }

    /// Adds the members of another object.
    #[must_use]
    pub fn with(mut self, more: &Self) -> Self {
        let members = more.0.get(1..).unwrap_or_default();
        if members != "}" {
            self.open();
            self.0.push_str(members);
        }
        self
    }

    /// Takes the closing bracket away, for one more member.
    fn open(&mut self) {
        self.0.pop();
        if self.0.len() > 1 {
            self.0.push(',');
        }
    }

    /// The text.
    pub fn into_text(self) -> String {
        self.0
    }
}

impl FromIterator<Json> for Json {
    fn from_iter<I: IntoIterator<Item = Self>>(items: I) -> Self {
        let mut list = Self::list();
        for item in items {
            list.push(&item);
        }
        list
    }
}

/// What can be written as JSON.
pub trait Write {
    /// Appends it.
    fn write(&self, out: &mut String);
}

impl Write for Json {
    fn write(&self, out: &mut String) {
        out.push_str(&self.0);
    }
}

impl Write for str {
    fn write(&self, out: &mut String) {
        out.push('"');
        for ch in self.chars() {
            match ch {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\0'..='\x1f' => {
                    out.push_str("\\u00");
                    let code = u32::from(ch);
                    out.extend(
                        [code >> 4, code & 15].iter().filter_map(|d| char::from_digit(*d, 16)),
                    );
                }
                _ => out.push(ch),
            }
        }
        out.push('"');
    }
}

impl Write for bool {
    fn write(&self, out: &mut String) {
        out.push_str(if *self { "true" } else { "false" });
    }
}

impl Write for u64 {
    fn write(&self, out: &mut String) {
        out.push_str(&self.to_string());
    }
}

impl<T: Write> Write for Option<T> {
    fn write(&self, out: &mut String) {
        match self {
            Some(value) => value.write(out),
            None => out.push_str("null"),
        }
    }
}

impl<T: Write> Write for [T] {
    fn write(&self, out: &mut String) {
        out.push('[');
        for (at, item) in self.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            item.write(out);
        }
        out.push(']');
    }
}

impl<T: Write + ?Sized> Write for &T {
    fn write(&self, out: &mut String) {
        (**self).write(out);
    }
}

macro_rules! written_as {
    ($($type:ty => |$value:ident| $as:expr;)*) => {$(
        impl Write for $type {
            fn write(&self, out: &mut String) {
                let $value = self;
                $as.write(out);
            }
        }
    )*};
}

written_as! {
    String => |value| value.as_str();
    Box<str> => |value| **value;
    Cow<'_, str> => |value| **value;
    usize => |value| *value as u64;
    u32 => |value| u64::from(*value);
    u8 => |value| u64::from(*value);
    Vec<Json> => |value| value.as_slice();
    Vec<String> => |value| value.as_slice();
    Vec<&str> => |value| value.as_slice();
    [usize; 2] => |value| value.as_slice();
}

/// An object or a list, as it reads in JSON; inner ones are written with `json!` again.
macro_rules! json {
    ({ $($name:literal : $value:expr),* $(,)? }) => {{
        #[allow(unused_mut)]
        let mut object = $crate::answer::Json::object();
        $(object.put($name, &$value);)*
        object
    }};
    ([ $($value:expr),* $(,)? ]) => {{
        #[allow(unused_mut)]
        let mut list = $crate::answer::Json::list();
        $(list.push(&$value);)*
        list
    }};
}
pub(crate) use json;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_by_others() {
        let text = "\"\\\n\u{1}</script>用😀";
        let json =
            json!({"a": text, "b": json!([1_u32, Some(true), None::<bool>]), "c": vec!["x"]})
                .with(&json!({"d": json!({})}))
                .with(&Json::object());
        let read: serde_json::Value = serde_json::from_str(&json.into_text()).unwrap();
        assert_eq!(read, serde_json::json!({"a": text, "b": [1, true, null], "c": ["x"], "d": {}}));
    }

    #[test]
    fn what_others_write_is_read() {
        let value = Value::read(r#"{"do":"x","n":12.7,"t":true,"list":[{"a":null}]}"#).unwrap();
        assert_eq!((value.text("do"), value.number("n"), value.flag("t")), ("x", Some(12), true));
        assert_eq!(value.items("list").len(), 1);
        assert_eq!(value.text("none"), "");
        assert!(Value::read("{").is_err() && Value::read(&"[".repeat(1000)).is_err());
    }
}
