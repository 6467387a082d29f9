//! An answer to the page is a JSON object; here two of them become one.
//!
//! It never looks into a member.

use serde_json::Value;

/// The members of `object` and of `more`.
pub(crate) fn with(mut object: Value, more: Value) -> Value {
    if let (Value::Object(members), Value::Object(more)) = (&mut object, more) {
        members.extend(more);
    }
    object
}
