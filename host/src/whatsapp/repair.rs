//! Bodies that are JSON but for one character: a text cut in the middle of an emoji must not make a whole batch
//! unreadable.

/// The body with invalid UTF-8 and half surrogate pairs replaced by U+FFFD; nothing if there was none.
pub(super) fn repaired(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let whole = without_half_pairs(&text);
    (whole.as_bytes() != body).then_some(whole)
}

/// Replaces every `\uD8xx` that no `\uDCxx` follows, and every `\uDCxx` that follows none.
fn without_half_pairs(text: &str) -> String {
    let mut whole = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        whole.push_str(before);
        let (kept, length) = match (surrogate(escape), escape.get(6..).and_then(surrogate)) {
            (Some(Half::High), Some(Half::Low)) => (escape.get(..12), 12),
            (Some(_), _) => (Some("\\ufffd"), 6),
            // `\\` is one escape, not the beginning of another
            (None, _) => (escape.get(..2), 2),
        };
        whole.push_str(kept.unwrap_or("\\"));
        rest = escape.get(length..).or_else(|| escape.get(1..)).unwrap_or_default();
    }
    whole.push_str(rest);
    whole
}

/// Which half of a surrogate pair an escape is.
enum Half {
    High,
    Low,
}

/// Reads the escape that `text` begins with.
fn surrogate(text: &str) -> Option<Half> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    match u16::from_str_radix(digits, 16).ok()? {
        0xd800..=0xdbff => Some(Half::High),
        0xdc00..=0xdfff => Some(Half::Low),
        _ => None,
    }
}

/// Whether lists and objects are nested more than `limit` deep.
pub(super) fn is_deeper_than(limit: usize, body: &[u8]) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                if depth > limit {
                    return true;
                }
            }
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_half_pairs_are_replaced() {
        let cases: &[(&str, Option<&str>)] = &[
            (r#""\ud83d\ude00""#, None),
            (r#""a\ud83d""#, Some(r#""a\ufffd""#)),
            (r#""\ude00a""#, Some(r#""\ufffda""#)),
            (r#""\ud83d\ud83d\ude00""#, Some(r#""\ufffd\ud83d\ude00""#)),
            (r#""\\ud83d""#, None),
            (r#""\ud83dé\""#, Some(r#""\ufffdé\""#)),
            (r"\", None),
            (r"\é", None),
            (r"\u12", None),
        ];
        for (text, expected) in cases {
            assert_eq!(repaired(text.as_bytes()).as_deref(), *expected, "{text}");
        }
        assert_eq!(repaired(b"\"a\xff\"").as_deref(), Some("\"a\u{fffd}\""));
    }

    #[test]
    fn depth_counts_outside_texts() {
        assert!(is_deeper_than(2, b"[[[]]]"));
        assert!(!is_deeper_than(3, b"[[[]]]"));
        assert!(!is_deeper_than(1, br#"["[[[\"[[["]"#));
        assert!(!is_deeper_than(1, b"]]]][]"));
    }
}
