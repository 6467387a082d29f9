//! Holds real answers against the served description: the part of JSON Schema that it uses, and
//! nothing else, so that a keyword which is not checked cannot hide in it.

use dubbo_k8s_registry::Revision;
use serde_json::Value;

/// The description that a server gives of itself.
pub(crate) struct Description(pub(crate) Value);

impl Description {
    /// Checks a JSON value against a named schema.
    pub(crate) fn check(&self, schema: &str, value: &Value) {
        let found = self.resolve(&format!("#/components/schemas/{schema}"));
        if let Err(error) = self.value(found, value) {
            panic!("{schema}: {error}");
        }
    }

    /// The schema of an answer; panics if the answer is not described.
    pub(crate) fn answer(&self, path: &str, status: u16, content_type: &str) -> Value {
        let answers = &self.0["paths"][path]["get"]["responses"];
        let answer = answers.get(status.to_string()).unwrap_or_else(|| panic!("{path} {status}"));
        let answer = answer.get("$ref").map_or(answer, |at| self.resolve(at.as_str().unwrap()));
        let Some(content) = answer.get("content") else {
            assert_eq!(content_type, "", "{path} {status} has no content");
            return Value::Bool(true);
        };
        let plain = content_type.split(';').next().unwrap();
        content.get(plain).unwrap_or_else(|| panic!("{path} {status} {plain}"))["schema"].clone()
    }

    pub(crate) fn value(&self, schema: &Value, value: &Value) -> Result<(), String> {
        let Value::Object(keywords) = schema else { return Ok(()) };
        for (keyword, wanted) in keywords {
            let holds = match keyword.as_str() {
                "$ref" => return self.value(self.resolve(wanted.as_str().unwrap()), value),
                "description" | "example" => true,
                "type" => match wanted {
                    Value::Array(types) => types.iter().any(|of| is_a(value, of)),
                    of => is_a(value, of),
                },
                "enum" => wanted.as_array().unwrap().contains(value),
                "const" => wanted == value,
                "minimum" => value.as_i64().is_none_or(|number| number >= wanted.as_i64().unwrap()),
                "maximum" => value.as_i64().is_none_or(|number| number <= wanted.as_i64().unwrap()),
                "minItems" => value.as_array().unwrap().len() as u64 >= wanted.as_u64().unwrap(),
                // The only pattern of a schema is that of revisions.
                "pattern" => value.as_str().unwrap().parse::<Revision>().is_ok(),
                "required" => {
                    let mut names = wanted.as_array().unwrap().iter();
                    names.all(|name| value.get(name.as_str().unwrap()).is_some())
                }
                "items" => {
                    for item in value.as_array().unwrap() {
                        self.value(wanted, item)?;
                    }
                    true
                }
                "properties" => {
                    for (name, schema) in wanted.as_object().unwrap() {
                        if let Some(member) = value.get(name) {
                            self.value(schema, member).map_err(|e| format!("{name}: {e}"))?;
                        }
                    }
                    true
                }
                "additionalProperties" => {
                    let known = keywords.get("properties").and_then(Value::as_object);
                    let known = |name: &String| known.is_some_and(|known| known.contains_key(name));
                    let rest = value.as_object().unwrap().iter().filter(|(name, _)| !known(name));
                    let mut rest = rest.map(|(_, member)| member);
                    match wanted {
                        Value::Bool(allowed) => *allowed || rest.next().is_none(),
                        schema => rest.all(|member| self.value(schema, member).is_ok()),
                    }
                }
                "oneOf" => {
                    let all = wanted.as_array().unwrap().iter();
                    all.filter(|schema| self.value(schema, value).is_ok()).count() == 1
                }
                other => panic!("the keyword {other} is not checked"),
            };
            if !holds {
                return Err(format!("{keyword} {wanted} does not hold for {value}"));
            }
        }
        Ok(())
    }

    fn resolve(&self, reference: &str) -> &Value {
        let pointer = reference.strip_prefix('#').expect("a local reference");
        self.0.pointer(pointer).unwrap_or_else(|| panic!("{reference}"))
    }
}

fn is_a(value: &Value, name: &Value) -> bool {
    match name.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("{other}"),
    }
}
