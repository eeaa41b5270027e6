//! From a message to plain words.

/// Lower case without accents or typographic apostrophes: "Début d’après-midi" → "debut d'apres-midi".
pub(crate) fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            out.push(c.to_ascii_lowercase());
        } else {
            c.to_lowercase().for_each(|c| fold_into(c, &mut out));
        }
    }
    out
}

fn fold_into(c: char, out: &mut String) {
    match c {
        'à' | 'â' | 'ä' | 'á' | 'ã' | 'å' => out.push('a'),
        'ç' => out.push('c'),
        'é' | 'è' | 'ê' | 'ë' => out.push('e'),
        'î' | 'ï' | 'í' | 'ì' => out.push('i'),
        'ñ' => out.push('n'),
        'ô' | 'ö' | 'ó' | 'ò' | 'õ' => out.push('o'),
        'ù' | 'û' | 'ü' | 'ú' => out.push('u'),
        'ÿ' => out.push('y'),
        'œ' => out.push_str("oe"),
        'æ' => out.push_str("ae"),
        '’' | '‘' | '`' | '´' => out.push('\''),
        '\u{a0}' | '\u{202f}' | '\u{2009}' => out.push(' '),
        // Combining accents, and what only chooses how an emoji looks.
        '\u{300}'..='\u{36f}' | '\u{fe0f}' | '\u{200d}' | '\u{1f3fb}'..='\u{1f3ff}' => {}
        c => out.push(c),
    }
}

/// The words and emoji of a message, folded. Punctuation goes, apostrophes and hyphens part words, a letter drawn out
/// ("ouiiii") is one letter.
pub(crate) fn tokens(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for piece in fold(text).split_inclusive(|c: char| !c.is_alphanumeric()) {
        let word = piece.trim_end_matches(|c: char| !c.is_alphanumeric());
        if !word.is_empty() {
            out.push(without_drawl(word));
        }
        let parts = piece.chars().next_back().filter(|c| is_emoji(*c));
        if let Some(emoji) = parts.filter(|c| out.last().is_none_or(|last| !last.starts_with(*c))) {
            out.push(emoji.to_string());
        }
    }
    out
}

/// True when the message asks something.
pub(crate) fn is_question(text: &str, words: &[String]) -> bool {
    const ASKING: [&str; 20] = [
        "combien", "quel", "quelle", "quels", "quelles", "comment", "pourquoi", "qui", "quoi", "ou", "est", "how",
        "what", "which", "who", "why", "where", "when", "do", "et",
    ];
    text.contains('?') || words.first().is_some_and(|first| ASKING.contains(&first.as_str()))
}

/// "ouiiii" → "oui": three or more of one letter are one. Digits stay as they are.
fn without_drawl(word: &str) -> String {
    let is_run = |three: &[u8]| matches!(three, [a, b, c] if a == b && b == c);
    if word.is_ascii() && !word.as_bytes().windows(3).any(is_run) {
        return word.to_owned();
    }
    let mut out = String::with_capacity(word.len());
    let mut rest = word;
    while let Some(c) = rest.chars().next() {
        let after = rest.trim_start_matches(c);
        let (run, _) = rest.split_at(rest.len() - after.len());
        let is_drawl = c.is_alphabetic() && run.len() >= 3 * c.len_utf8();
        out.push_str(if is_drawl { run.split_at(c.len_utf8()).0 } else { run });
        rest = after;
    }
    out
}

fn is_emoji(c: char) -> bool {
    matches!(c, '\u{2600}'..='\u{27bf}' | '\u{2b00}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_plain() {
        for (text, words) in [
            ("Ouiiii !!", vec!["oui"]),
            ("J’ai déjà 3 500 €", vec!["j", "ai", "deja", "3", "500"]),
            ("Après-midi, 👍🏽👍", vec!["apres", "midi", "👍"]),
            ("1000 cœurs ❤️", vec!["1000", "coeurs", "❤"]),
        ] {
            assert_eq!(tokens(text), words, "{text}");
        }
    }
}
