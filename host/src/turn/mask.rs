//! Personal data taken out of what a model is told: the lead's own name, company, number and e-mail address, and whatever
//! looks like an e-mail address, a telephone (or card, or account) number, a French postcode or a street address.
//!
//! Names of other people cannot be known from their letters; a script that asks for them should not send them.

use crate::model::Lead;

/// Words that a street's name begins with.
const STREETS: [&str; 22] = [
    "rue",
    "avenue",
    "av",
    "ave",
    "bd",
    "bld",
    "boulevard",
    "chemin",
    "allée",
    "allées",
    "impasse",
    "place",
    "route",
    "quai",
    "cours",
    "square",
    "street",
    "st",
    "road",
    "rd",
    "lane",
    "drive",
];
/// What follows an amount of five digits: it is no postcode then.
const UNITS: [&str; 14] =
    ["€", "eur", "euro", "euros", "k€", "kwh", "kw", "wh", "m2", "m²", "km", "km/an", "kilomètres", "litres"];
/// Digits of the shortest telephone number that is masked.
const NUMBER: usize = 8;
/// A street's name is no longer than this many words.
const STREET_WORDS: usize = 5;

/// The text with placeholders such as `[phone]` in place of personal data.
pub(super) fn mask(text: &str, lead: &Lead) -> String {
    let own = own_words(lead);
    let lines: Vec<String> = text.split('\n').map(|line| mask_line(line, &own)).collect();
    lines.join("\n")
}

/// The lead's own words, in small letters, with what stands for them.
fn own_words(lead: &Lead) -> Vec<(String, &'static str)> {
    let words = |text: &Option<String>, stands: &'static str| {
        let text = text.clone().unwrap_or_default().to_lowercase();
        let words: Vec<_> = text.split_whitespace().map(bare).filter(|word| word.chars().count() >= 3).collect();
        words.into_iter().map(|word| (word.to_owned(), stands)).collect::<Vec<_>>()
    };
    let mut own = words(&lead.name, "[name]");
    own.extend(words(&lead.company, "[company]"));
    own
}

fn mask_line(line: &str, own: &[(String, &'static str)]) -> String {
    let line = replace_numbers(line, NUMBER, "[number]");
    let words: Vec<&str> = line.split(' ').collect();
    let mut masked: Vec<String> = Vec::new();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let rest = words.get(at..).unwrap_or_default();
        if let Some(length) = address(rest) {
            masked.push("[address]".to_owned());
            at += length;
            continue;
        }
        masked.push(mask_word(word, rest.get(1).copied(), own));
        at += 1;
    }
    masked.join(" ")
}

fn mask_word(word: &str, next: Option<&str>, own: &[(String, &'static str)]) -> String {
    let inner = bare(word);
    let known = own.iter().find(|(name, _)| {
        inner.to_lowercase().split(['-', '\'', '’', '_', '.']).any(|part| part == name) || inner.to_lowercase() == *name
    });
    let stands = match known {
        _ if inner.contains('@') => "[email]",
        Some((_, stands)) => stands,
        None if is_postcode(inner, next) => "[postcode]",
        None => return word.to_owned(),
    };
    word.replacen(inner, stands, 1)
}

/// A word without what stands around it.
fn bare(word: &str) -> &str {
    word.trim_matches(|character: char| !character.is_alphanumeric() && character != '@')
}

fn is_postcode(word: &str, next: Option<&str>) -> bool {
    let digits = word.len() == 5 && word.bytes().all(|byte| byte.is_ascii_digit());
    let amount = next.is_some_and(|next| {
        let next = next.to_lowercase();
        UNITS.contains(&next.trim_matches(['.', ',', ';', '!', '?', '"', ')']))
    });
    digits && !amount && word.parse::<u32>().is_ok_and(|number| (1_000..=98_999).contains(&number))
}

/// How many words at the beginning are an address: "12 bis rue des Lilas".
fn address(words: &[&str]) -> Option<usize> {
    let number = bare(words.first()?);
    if !(1..=4).contains(&number.len()) || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let street =
        (1..=2).find(|at| words.get(*at).is_some_and(|word| STREETS.contains(&bare(word).to_lowercase().as_str())))?;
    let mut length = street + 1;
    while length <= street + STREET_WORDS {
        let ends = words.get(length - 1).is_some_and(|word| word.ends_with([',', '.', ';', '"', '!', '?']));
        let number = words.get(length).is_none_or(|word| word.starts_with(|first: char| first.is_ascii_digit()));
        if ends || number {
            break;
        }
        length += 1;
    }
    Some(length)
}

/// Puts `stands` where at least `least` digits follow each other, with spaces, dots, dashes and the like between them: what
/// may be a telephone, card or account number.
pub fn replace_numbers(text: &str, least: usize, stands: &str) -> String {
    let mut masked = String::new();
    let mut run = String::new();
    let flush = |run: &mut String, masked: &mut String| {
        let digits = run.chars().filter(char::is_ascii_digit).count();
        if digits >= least {
            let end = run.trim_end_matches(|character: char| !character.is_ascii_digit()).len();
            masked.push_str(stands);
            masked.push_str(run.get(end..).unwrap_or_default());
        } else {
            masked.push_str(run);
        }
        run.clear();
    };
    for character in text.chars() {
        let joins = matches!(character, ' ' | '.' | '-' | '/' | '(' | ')' | '\u{a0}' | '\u{202f}');
        if character.is_ascii_digit() || (character == '+' && run.is_empty()) || (joins && !run.is_empty()) {
            run.push(character);
        } else {
            flush(&mut run, &mut masked);
            masked.push(character);
        }
    }
    flush(&mut run, &mut masked);
    masked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Phone;

    #[test]
    fn personal_data_does_not_leave() {
        let lead = Lead {
            crm_id: "CRM_1".to_owned(),
            phone: Phone::parse("+33612345604", None).unwrap(),
            name: Some("Zoé Le Goff".to_owned()),
            email: None,
            company: Some("Solaris".to_owned()),
            assigned_to: None,
            context: serde_json::Value::Null,
        };
        for (text, expected) in [
            ("Je suis Zoé, Mme LE GOFF", "Je suis [name], Mme LE [name]"),
            ("appelez le 06 12 34 56 04 svp", "appelez le [number] svp"),
            ("+33 (0)6.12.34.56.04!", "[number]!"),
            ("FR76 3000 6000 0112 3456 7890 189", "FR[number]"),
            ("zoe.legoff@example.com, merci", "[email], merci"),
            ("au 12 bis rue des Lilas, 75011 Paris", "au [address] [postcode] Paris"),
            ("budget de 15000 euros ou 20000 €", "budget de 15000 euros ou 20000 €"),
            ("chez Solaris à 14h30 le 13/10", "chez [company] à 14h30 le 13/10"),
            ("entre 6,5 et 7\n35200 kWh", "entre 6,5 et 7\n35200 kWh"),
        ] {
            assert_eq!(mask(text, &lead), expected, "{text}");
        }
    }
}
