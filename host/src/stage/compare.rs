//! Whether what came is what was meant.

use serde_json::Value;

/// Whether `text` is `wanted`, in which `…` (or `...`) stands for anything. One kind of white space is as good as another.
pub(super) fn fits(wanted: &str, text: &str) -> bool {
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (wanted, text) = (plain(&wanted.replace("...", "…")), plain(text));
    let mut pieces = wanted.split('…').map(str::trim);
    let Some(mut rest) = pieces.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        let Some(at) = rest.find(piece) else { return false };
        rest = rest.get(at + piece.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

/// Whether two values differ; `7` and `7.0` do not.
pub(super) fn differs(wanted: &Value, found: &Value) -> bool {
    match (wanted, found) {
        (Value::Number(wanted), Value::Number(found)) => wanted.as_f64() != found.as_f64(),
        (Value::String(wanted), Value::String(found)) => !fits(wanted, found),
        (Value::Object(wanted), Value::Object(found)) => {
            wanted.len() != found.len()
                || wanted.iter().any(|(key, value)| found.get(key).is_none_or(|found| differs(value, found)))
        }
        (Value::Array(wanted), Value::Array(found)) => {
            wanted.len() != found.len() || wanted.iter().zip(found).any(|(wanted, found)| differs(wanted, found))
        }
        _ => wanted != found,
    }
}

/// Whether everything in `wanted` is in `found` too.
pub(super) fn has_within(wanted: &Value, found: &Value) -> bool {
    match (wanted, found) {
        (Value::Object(wanted), Value::Object(found)) => {
            wanted.iter().all(|(key, value)| found.get(key).is_some_and(|found| has_within(value, found)))
        }
        _ => !differs(wanted, found),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn three_dots_stand_for_anything() {
        for (wanted, text, fit) in [
            ("Bonjour Claire", "Bonjour Claire", true),
            ("Bonjour Claire", "Bonjour Claire !", false),
            ("Bonjour …", "Bonjour Claire, ça va ?", true),
            ("… prix …", "Le prix ? Un expert vous le dira.", true),
            ("... tarif ...", "Le prix ? Un expert vous le dira.", false),
            ("Bonjour … expert.", "Bonjour, c'est un expert", false),
            ("…", "", true),
            ("12\u{a0}h à 14 h", "12 h à 14\u{202f}h", true),
            ("a … a", "a", false),
        ] {
            assert_eq!(fits(wanted, text), fit, "{wanted} / {text}");
        }
    }

    #[test]
    fn a_callback_may_have_more_than_is_written() {
        let found = json!({ "statut": "rdv", "rdv": { "debut": "2025-10-09", "zone": "x" }, "n": 7 });
        assert!(has_within(&json!({ "rdv": { "debut": "2025-…" }, "n": 7.0 }), &found));
        assert!(!has_within(&json!({ "rdv": { "fin": "…" } }), &found));
        assert!(differs(&json!({ "from": 6 }), &json!({ "from": 6, "to": 7 })));
    }
}
