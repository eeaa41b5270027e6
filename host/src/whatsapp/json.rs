//! Tolerant reading of JSON that others wrote.

use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The object, list or value under `name`, unless it is absent or null.
pub(super) fn get<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    value.get(name).filter(|v| !v.is_null())
}

/// The text under `name`, even empty. An integer is read as text: ids come as either.
pub(super) fn text(value: &Value, name: &str) -> Option<String> {
    match value.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        _ => None,
    }
}

/// The text under `name`, unless it is blank: for ids and names.
pub(super) fn id(value: &Value, name: &str) -> Option<String> {
    text(value, name).map(|t| t.trim().to_owned()).filter(|t| !t.is_empty())
}

/// The integer under `name`, written as a number or as text.
pub(super) fn integer(value: &Value, name: &str) -> Option<i64> {
    match value.get(name)? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// The number under `name`, written as a number or as text; never infinite.
pub(super) fn number(value: &Value, name: &str) -> Option<f64> {
    let number = match value.get(name)? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|n| n.is_finite())
}

/// The instant under `name`, in Unix seconds: text in messages and statuses, an integer elsewhere.
pub(super) fn instant(value: &Value, name: &str) -> Option<Timestamp> {
    integer(value, name).and_then(|seconds| Timestamp::from_second(seconds).ok())
}

/// The elements under `name`, none when it is not a list.
pub(super) fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Takes every NUL out of every text and key: PostgreSQL stores none, and one such message would make
/// Meta repeat its whole batch for seven days.
pub(super) fn without_nul(value: Value) -> Value {
    match value {
        Value::String(text) if text.contains('\0') => Value::String(text.replace('\0', "")),
        Value::Array(items) => Value::Array(items.into_iter().map(without_nul).collect()),
        Value::Object(fields) => Value::Object(
            fields.into_iter().map(|(name, value)| (name.replace('\0', ""), without_nul(value))).collect(),
        ),
        other => other,
    }
}

/// The first 128 bits of the SHA-256 of a value, in hexadecimal, whatever the order of its keys.
pub(super) fn digest(value: &Value) -> String {
    let mut hasher = Sha256::new();
    feed(value, &mut hasher);
    let full = hasher.finalize();
    hex::encode(full.get(..16).unwrap_or_default())
}

/// Feeds a value to the digest: a letter for its type, its length, its content.
fn feed(value: &Value, hasher: &mut Sha256) {
    match value {
        Value::Null => hasher.update(b"n"),
        Value::Bool(flag) => hasher.update(if *flag { b"t" } else { b"f" }),
        Value::Number(number) => feed_text('d', &number.to_string(), hasher),
        Value::String(text) => feed_text('s', text, hasher),
        Value::Array(items) => {
            feed_text('a', &items.len().to_string(), hasher);
            items.iter().for_each(|item| feed(item, hasher));
        }
        Value::Object(fields) => {
            feed_text('o', &fields.len().to_string(), hasher);
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_by_key(|(name, _)| *name);
            for (name, value) in sorted {
                feed_text('k', name, hasher);
                feed(value, hasher);
            }
        }
    }
}

/// Feeds one text, with its length so that no two values give the same bytes.
fn feed_text(kind: char, text: &str, hasher: &mut Sha256) {
    hasher.update(format!("{kind}{}:", text.len()));
    hasher.update(text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn digest_ignores_the_order_of_keys_and_nothing_else() {
        let a: Value = serde_json::from_str(r#"{"a":1,"b":["x",null]}"#).unwrap();
        let b: Value = serde_json::from_str(r#"{"b":["x",null],"a":1}"#).unwrap();
        assert_eq!(digest(&a), digest(&b));
        assert_eq!(digest(&a).len(), 32);
        let others =
            [json!({"a":1,"b":["x"]}), json!({"a":"1","b":["x",null]}), json!([["a"], []]), json!([["a", []]])];
        for (i, x) in others.iter().enumerate() {
            assert_ne!(digest(x), digest(&a));
            assert!(others.iter().skip(i + 1).all(|y| digest(x) != digest(y)));
        }
    }
}
