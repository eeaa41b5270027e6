//! From a message to plain words.

/// Lower case without accents or typographic apostrophes: "Début d’après-midi" → "debut d'apres-midi".
pub(crate) fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
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
    out
}

/// The words and emoji of a message, folded. Punctuation goes, apostrophes and hyphens part words, a letter drawn out
/// ("ouiiii") is one letter.
pub(crate) fn tokens(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut word = String::new();
    for c in fold(text).chars() {
        if c.is_alphanumeric() {
            word.push(c);
            continue;
        }
        flush(&mut word, &mut out);
        if is_emoji(c) && out.last().is_none_or(|last| !last.starts_with(c)) {
            out.push(c.to_string());
        }
    }
    flush(&mut word, &mut out);
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

fn flush(word: &mut String, out: &mut Vec<String>) {
    if !word.is_empty() {
        out.push(without_drawl(word));
        word.clear();
    }
}

/// "ouiiii" → "oui": three or more of one letter are one. Digits stay as they are.
fn without_drawl(word: &str) -> String {
    let letters: Vec<char> = word.chars().collect();
    let mut out = String::with_capacity(word.len());
    for run in letters.chunk_by(|a, b| a == b) {
        let keep = if run.len() >= 3 && run.first().is_some_and(|c| c.is_alphabetic()) { 1 } else { run.len() };
        out.extend(run.iter().take(keep));
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
