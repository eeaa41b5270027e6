//! Phone numbers as WhatsApp writes them: digits without `+`, sometimes with a prefix added or removed.

/// Digits as a webhook gives them (`33612345678`), or any usual spelling with a `+`, as E.164 (`+33612345678`).
///
/// Nothing when it cannot be a number: other characters than digits, spaces and `+-().`, a leading zero,
/// fewer than 6 or more than 15 digits (E.164).
#[must_use]
pub fn to_e164(text: &str) -> Option<String> {
    let text = text.trim();
    let rest = text.strip_prefix('+').unwrap_or(text);
    let mut digits = String::with_capacity(rest.len() + 1);
    digits.push('+');
    for c in rest.chars() {
        match c {
            '0'..='9' => digits.push(c),
            ' ' | '\u{a0}' | '-' | '(' | ')' | '.' => {}
            _ => return None,
        }
    }
    let plausible = (7..=16).contains(&digits.len()) && !digits.starts_with("+0");
    plausible.then_some(digits)
}

/// Every E.164 spelling that WhatsApp may use for the person whose number is `e164`, that one first.
///
/// Brazil adds or drops the mobile 9 (never for a landline), Mexico the 1 after 52, Argentina the 9 after 54.
/// Meta rewrites them in `wa_id` and `from` and says it is not a bug, so look people up by any of them.
#[must_use]
pub fn variants(e164: &str) -> Vec<String> {
    let mut all = vec![e164.to_owned()];
    let digits = e164.strip_prefix('+').unwrap_or(e164);
    if digits.is_ascii() && digits.bytes().all(|b| b.is_ascii_digit()) {
        let other = brazil(digits)
            .or_else(|| optional_prefix(digits, "52", '1'))
            .or_else(|| optional_prefix(digits, "54", '9'));
        all.extend(other.map(|digits| format!("+{digits}")));
    }
    all
}

/// `55 DD 9XXXXXXXX` ⇄ `55 DD XXXXXXXX`, when the eight digits start with 6 to 9, as mobiles did.
fn brazil(digits: &str) -> Option<String> {
    let national = digits.strip_prefix("55")?;
    let (area, subscriber) = national.split_at_checked(2)?;
    let is_mobile = |eight: &str| eight.len() == 8 && eight.starts_with(['6', '7', '8', '9']);
    match subscriber.strip_prefix('9') {
        Some(eight) if is_mobile(eight) => Some(format!("55{area}{eight}")),
        _ if is_mobile(subscriber) => Some(format!("55{area}9{subscriber}")),
        _ => None,
    }
}

/// `<country><prefix>` + ten digits ⇄ `<country>` + ten digits.
fn optional_prefix(digits: &str, country: &str, prefix: char) -> Option<String> {
    let national = digits.strip_prefix(country)?;
    match national.strip_prefix(prefix) {
        Some(ten) if ten.len() == 10 => Some(format!("{country}{ten}")),
        _ if national.len() == 10 => Some(format!("{country}{prefix}{national}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_digits_as_e164() {
        let cases = [
            ("33612345678", Some("+33612345678")),
            ("+33 6 12-34.56 (78)", Some("+33612345678")),
            ("US.13491208655302741918", None),
            ("0612345678", None),
            ("+", None),
            ("", None),
            ("12345", None),
            ("1234567890123456", None),
            ("٣٣٦١٢٣٤٥٦٧٨", None),
        ];
        for (text, expected) in cases {
            assert_eq!(to_e164(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn brazil_mexico_and_argentina_have_two_spellings() {
        let pairs = [
            ("+5541988887777", "+554188887777"),
            ("+5215512345678", "+525512345678"),
            ("+5491123456789", "+541123456789"),
        ];
        for (long, short) in pairs {
            assert_eq!(variants(long), [long, short]);
            assert_eq!(variants(short), [short, long]);
        }
        // a Brazilian landline, a French mobile, a number of unusual length, no number at all
        for alone in ["+554133334444", "+5541933334444", "+33612345678", "+52155", "", "+", "é55419"] {
            assert_eq!(variants(alone), [alone]);
        }
    }
}
