//! The schemas of Kubernetes itself for the kinds that the manifests use, and as much of JSON Schema
//! as they need. A keyword that is not known here is a failure, not a pass.

use serde_json::{Map, Value};

/// The schemas of one release of Kubernetes.
pub(crate) struct Schemas(Value);

impl Schemas {
    pub(crate) fn of_kubernetes_1_36() -> Self {
        let text = include_str!("../../data/kubernetes/kubernetes-1.36.json");
        Self(serde_json::from_str(text).unwrap())
    }

    /// Everything that is wrong with a manifest.
    pub(crate) fn faults(&self, manifest: &Value) -> Vec<String> {
        let part = |name: &str| manifest[name].as_str().unwrap_or_default();
        let kind = format!("{} {}", part("apiVersion"), part("kind"));
        let mut faults = Vec::new();
        match self.0["kinds"][&kind].as_str() {
            Some(name) => self.check(manifest, &self.0["definitions"][name], &kind, &mut faults),
            None => faults.push(format!("{kind}: no such kind")),
        }
        faults
    }

    fn check(&self, value: &Value, schema: &Value, at: &str, faults: &mut Vec<String>) {
        let rules = schema.as_object().unwrap_or_else(|| panic!("{at}: no schema"));
        for (keyword, rule) in rules {
            match keyword.as_str() {
                "$ref" => {
                    let name = rule.as_str().unwrap();
                    self.check(value, &self.0["definitions"][name], at, faults);
                }
                "type" if !is_of(value, rule) => faults.push(format!("{at}: is not {rule}")),
                "enum" if !rule.as_array().unwrap().contains(value) => {
                    faults.push(format!("{at}: is none of {rule}"));
                }
                "oneOf" => self.one_of(value, rule, at, faults),
                "required" => {
                    for name in rule.as_array().unwrap().iter().filter_map(Value::as_str) {
                        if value.is_object() && value.get(name).is_none() {
                            faults.push(format!("{at}.{name}: is missing"));
                        }
                    }
                }
                "items" => {
                    for (number, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(item, rule, &format!("{at}[{number}]"), faults);
                    }
                }
                "properties" | "additionalProperties" if value.is_object() => {}
                "type" | "enum" | "properties" | "additionalProperties" | "format" => {}
                other => panic!("{at}: the keyword {other} is not known"),
            }
        }
        if let Some(members) = value.as_object() {
            self.members(members, rules, at, faults);
        }
    }

    fn one_of(&self, value: &Value, rule: &Value, at: &str, faults: &mut Vec<String>) {
        let fits = |schema: &&Value| {
            let mut wrong = Vec::new();
            self.check(value, schema, at, &mut wrong);
            wrong.is_empty()
        };
        if rule.as_array().unwrap().iter().filter(fits).count() != 1 {
            faults.push(format!("{at}: is not exactly one of {rule}"));
        }
    }

    fn members(
        &self,
        members: &Map<String, Value>,
        rules: &Map<String, Value>,
        at: &str,
        faults: &mut Vec<String>,
    ) {
        if !rules.contains_key("properties") && !rules.contains_key("additionalProperties") {
            return;
        }
        for (name, member) in members {
            let at = format!("{at}.{name}");
            let known = rules.get("properties").and_then(|properties| properties.get(name));
            match known.or(rules.get("additionalProperties")) {
                Some(Value::Bool(true)) => {}
                Some(schema @ Value::Object(_)) => self.check(member, schema, &at, faults),
                _ => faults.push(format!("{at}: no such member")),
            }
        }
    }
}

/// Whether a value is of one of the types of a `type`.
fn is_of(value: &Value, types: &Value) -> bool {
    let one = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        other => panic!("the type {other} is not known"),
    };
    match types {
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(one),
        name => one(name.as_str().unwrap()),
    }
}
