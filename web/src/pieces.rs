//! The pieces of JSON that the codec reads, as values.
//!
//! What is of another kind than is wanted is as good as missing, and never an error.

use std::str::FromStr;

use dubbo_k8s_codec::yaml::{Event, Json, SyntaxError};

/// A text; what is none is empty.
pub(crate) fn text(value: Event<'_>) -> String {
    match value {
        Event::Text(text) => text.into_owned(),
        _ => String::new(),
    }
}

/// A number that the type can hold.
pub(crate) fn number<T: FromStr>(value: &Event<'_>) -> Option<T> {
    match value {
        Event::Plain(word) => word.parse().ok(),
        _ => None,
    }
}

/// `true` or `false`.
pub(crate) fn flag(value: &Event<'_>) -> Option<bool> {
    match value {
        Event::Plain(word) => Some(word == "true"),
        _ => None,
    }
}

/// The texts of a list.
pub(crate) fn texts(
    json: &mut Json<'_>,
    value: &Event<'_>,
) -> Result<Option<Vec<String>>, SyntaxError> {
    if *value != Event::List {
        return Ok(None);
    }
    let mut all = Vec::new();
    json.elements(&mut |_, value| {
        all.push(text(value));
        Ok(())
    })?;
    Ok(Some(all))
}
