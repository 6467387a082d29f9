//! JSON as Go's `encoding/json` prints it: `<`, `>`, `&`, U+2028 and U+2029 escaped, and the
//! fields of `ObjectMeta` in the order of its Go struct. Never parses.

use serde_json::{Map, Value};

/// The fields of `ObjectMeta` in the order in which the server prints them.
pub(crate) const OBJECT_META: [&str; 15] = [
    "name",
    "generateName",
    "namespace",
    "selfLink",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
    "managedFields",
];

/// Compact JSON with Go's escapes, no newline at the end.
pub fn compact(value: &Value) -> Vec<u8> {
    escape(serde_json::to_vec(value).unwrap_or_default())
}

/// One line: compact JSON with its newline.
pub(crate) fn line(value: &Value) -> Vec<u8> {
    let mut line = compact(value);
    line.push(b'\n');
    line
}

/// JSON over several lines, two spaces deep, with Go's escapes, no newline at the end.
pub(crate) fn pretty(value: &Value) -> Vec<u8> {
    escape(serde_json::to_vec_pretty(value).unwrap_or_default())
}

/// What is at a JSON pointer, null when there is nothing.
pub(crate) fn at<'a>(value: &'a Value, pointer: &str) -> &'a Value {
    value.pointer(pointer).unwrap_or(&Value::Null)
}

/// The text at a JSON pointer, empty when there is none.
pub(crate) fn text_at<'a>(value: &'a Value, pointer: &str) -> &'a str {
    at(value, pointer).as_str().unwrap_or_default()
}

/// The object at a path, made where it is missing or something else.
pub(crate) fn object_at<'a>(value: &'a mut Value, path: &[&str]) -> &'a mut Map<String, Value> {
    let object =
        path.iter().fold(value, |value, name| as_object(value).entry(*name).or_insert(Value::Null));
    as_object(object)
}

fn as_object(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(map) => map,
        _ => unreachable!("made an object above"),
    }
}

/// `metadata` in the server's order: known fields as in Go's struct, maps of strings sorted,
/// unknown fields last.
pub(crate) fn order_metadata(metadata: Map<String, Value>) -> Map<String, Value> {
    let mut rest = metadata;
    let mut ordered = Map::new();
    for name in OBJECT_META {
        let Some(value) = rest.shift_remove(name) else { continue };
        let value = match (name, value) {
            ("labels" | "annotations", Value::Object(map)) => Value::Object(sorted(map)),
            (_, value) => value,
        };
        ordered.insert(name.to_owned(), value);
    }
    ordered.extend(rest);
    ordered
}

fn sorted(map: Map<String, Value>) -> Map<String, Value> {
    let mut entries: Vec<(String, Value)> = map.into_iter().collect();
    entries.sort_by(|left, right| left.0.cmp(&right.0));
    entries.into_iter().collect()
}

/// Escapes what Go escapes beyond the JSON standard. In printed JSON these characters occur only
/// inside strings, so the whole text can be treated alike.
fn escape(text: Vec<u8>) -> Vec<u8> {
    if !text.iter().any(|byte| matches!(byte, b'<' | b'>' | b'&' | 0xE2)) {
        return text;
    }
    let mut escaped = Vec::with_capacity(text.len() + 64);
    let mut rest = text.as_slice();
    while let [first, tail @ ..] = rest {
        rest = match rest {
            [b'<' | b'>' | b'&', ..] => {
                escaped.extend_from_slice(format!("\\u{first:04x}").as_bytes());
                tail
            }
            [0xE2, 0x80, last @ (0xA8 | 0xA9), after @ ..] => {
                let code = if *last == 0xA8 { "\\u2028" } else { "\\u2029" };
                escaped.extend_from_slice(code.as_bytes());
                after
            }
            _ => {
                escaped.push(*first);
                tail
            }
        };
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::{compact, order_metadata};
    use serde_json::{Value, json};

    #[test]
    fn escapes_what_go_escapes_and_nothing_else() {
        let value = json!("<a>&\u{2028}\u{2029}\u{7f}\u{0}€中\u{1}");
        let expected =
            "\"\\u003ca\\u003e\\u0026\\u2028\\u2029\u{7f}\\u0000€中\\u0001\"".as_bytes().to_vec();
        assert_eq!(compact(&value), expected);
    }

    #[test]
    fn metadata_comes_in_the_order_of_the_struct() {
        let Value::Object(metadata) =
            json!({"own": 1, "labels": {"b": "", "a": ""}, "uid": "u", "name": "n"})
        else {
            unreachable!()
        };
        let text = compact(&Value::Object(order_metadata(metadata)));
        assert_eq!(
            String::from_utf8(text).unwrap(),
            r#"{"name":"n","uid":"u","labels":{"a":"","b":""},"own":1}"#
        );
    }
}
