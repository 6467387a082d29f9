//! Strategic merge patch on maps: null removes, `$patch` replaces or deletes. Lists are replaced
//! whole; a real server merges some by a key, but only inside `spec`, which cannot be patched here.

use serde_json::{Map, Value};

/// Merges `patch` into `target`.
pub(crate) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else { return };
    match patch.get("$patch").and_then(Value::as_str) {
        Some("replace") => target.clear(),
        Some("delete") => {
            target.clear();
            return;
        }
        _ => {}
    }
    for (name, value) in patch.iter().filter(|(name, _)| !name.starts_with('$')) {
        if value.is_null() {
            target.shift_remove(name);
        } else {
            merge(target.entry(name.as_str()).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::merge;
    use serde_json::{Value, json};

    fn merged(mut target: Value, patch: &Value) -> Value {
        merge(&mut target, patch);
        target
    }

    #[test]
    fn merges_maps_and_replaces_the_rest() {
        let target = json!({"a": {"x": 1, "y": 2}, "list": [1, 2]});
        assert_eq!(
            merged(target.clone(), &json!({"a": {"x": null, "z": 3}, "list": [3]})),
            json!({"a": {"y": 2, "z": 3}, "list": [3]})
        );
        assert_eq!(
            merged(target.clone(), &json!({"a": {"$patch": "replace", "z": 3}})),
            json!({"a": {"z": 3}, "list": [1, 2]})
        );
        assert_eq!(
            merged(target, &json!({"a": {"$patch": "delete"}})),
            json!({"a": {}, "list": [1, 2]})
        );
    }
}
