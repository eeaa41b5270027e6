//! Whether an answer satisfies a JSON schema: the part of JSON Schema that questions are asked with. A validator for all of
//! it would bring some forty crates for these few keywords.

use serde_json::Value;

/// The keywords that are looked at; a schema that uses another is satisfied by nothing, rather than half checked.
const KNOWN: [&str; 16] = [
    "type",
    "enum",
    "const",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "anyOf",
    "title",
    "description",
];

/// Whether a value satisfies a schema.
pub(super) fn satisfies(value: &Value, schema: &Value) -> bool {
    let Value::Object(schema) = schema else { return schema == &Value::Bool(true) };
    schema.iter().all(|(keyword, wanted)| match keyword.as_str() {
        "type" => match wanted {
            Value::Array(names) => names.iter().any(|name| is_of(value, name)),
            name => is_of(value, name),
        },
        "enum" => wanted.as_array().is_some_and(|allowed| allowed.contains(value)),
        "const" => value == wanted,
        "properties" => each(wanted, |name, schema| value.get(name).is_none_or(|part| satisfies(part, schema))),
        "required" => wanted.as_array().into_iter().flatten().all(|name| {
            let is_there = |name: &str| value.get(name).is_some();
            !value.is_object() || name.as_str().is_some_and(is_there)
        }),
        "additionalProperties" => {
            let declared = |name: &str| schema.get("properties").is_some_and(|known| known.get(name).is_some());
            each(value, |name, part| declared(name) || satisfies(part, wanted))
        }
        "items" => value.as_array().into_iter().flatten().all(|item| satisfies(item, wanted)),
        "minimum" => value.as_f64().is_none_or(|number| wanted.as_f64().is_some_and(|least| number >= least)),
        "maximum" => value.as_f64().is_none_or(|number| wanted.as_f64().is_some_and(|most| number <= most)),
        "minLength" => {
            value.as_str().is_none_or(|text| count(wanted).is_some_and(|least| text.chars().count() >= least))
        }
        "maxLength" => value.as_str().is_none_or(|text| count(wanted).is_some_and(|most| text.chars().count() <= most)),
        "minItems" => value.as_array().is_none_or(|items| count(wanted).is_some_and(|least| items.len() >= least)),
        "maxItems" => value.as_array().is_none_or(|items| count(wanted).is_some_and(|most| items.len() <= most)),
        "anyOf" => wanted.as_array().into_iter().flatten().any(|schema| satisfies(value, schema)),
        other => KNOWN.contains(&other),
    })
}

fn is_of(value: &Value, name: &Value) -> bool {
    match name.as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("number") => value.is_number(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("boolean") => value.is_boolean(),
        Some("null") => value.is_null(),
        _ => false,
    }
}

fn each(object: &Value, holds: impl Fn(&str, &Value) -> bool) -> bool {
    object.as_object().into_iter().flatten().all(|(name, part)| holds(name, part))
}

fn count(wanted: &Value) -> Option<usize> {
    usize::try_from(wanted.as_u64()?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_keyword_is_looked_at() {
        for (schema, good, bad) in [
            (json!({ "type": ["number", "null"] }), json!(null), json!("1")),
            (json!({ "type": "integer", "minimum": 1, "maximum": 3 }), json!(3), json!(4)),
            (json!({ "enum": ["a", 1] }), json!(1), json!("b")),
            (json!({ "required": ["a"] }), json!({ "a": 1 }), json!({ "b": 1 })),
            (json!({ "additionalProperties": false }), json!({}), json!({ "b": 1 })),
            (json!({ "minLength": 1, "maxLength": 2 }), json!("éé"), json!("ééé")),
            (json!({ "items": { "type": "string" }, "maxItems": 1 }), json!(["a"]), json!([1])),
            (json!({ "anyOf": [{ "const": 1 }, { "const": 2 }] }), json!(2), json!(3)),
        ] {
            assert!(satisfies(&good, &schema) && !satisfies(&bad, &schema), "{schema}");
        }
        assert!(!satisfies(&json!("a"), &json!({ "pattern": "a" })), "half checked is not checked");
    }
}
