//! From a message to raw tokens: case, accents and typographic variants are folded away, words and
//! numbers are cut apart.

/// What a raw token is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Letters `a`–`z` (and any other alphabet's, kept as they are).
    Alpha,
    /// Decimal digits.
    Digit,
    /// Any other visible character, or a line end.
    Punct(char),
}

/// A piece of the folded message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Raw<'a> {
    pub(crate) kind: Kind,
    /// The folded text.
    pub(crate) text: &'a str,
    /// Nothing separates it from the token before.
    pub(crate) glued: bool,
    /// A hyphen joins it to the word before ("lundi-mardi", "vingt-deux").
    pub(crate) hyphen: bool,
}

/// Chat spellings in which a digit is read aloud.
const SPOKEN: &[(&str, &str)] = &[
    ("2day", "today"),
    ("2main", "demain"),
    ("2m1", "demain"),
    ("2moro", "tomorrow"),
    ("2morro", "tomorrow"),
    ("2morrow", "tomorrow"),
    ("2mrw", "tomorrow"),
    ("2nite", "tonight"),
    ("2night", "tonight"),
    ("b4", "before"),
    ("dem1", "demain"),
    ("apr1", "aprem"),
    ("m1tenant", "maintenant"),
    ("mat1", "matin"),
    ("m@tin", "matin"),
];

/// Folds case, accents, apostrophes, dashes and spaces.
pub(crate) fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if c.is_ascii() {
            out.push(c.to_ascii_lowercase());
            continue;
        }
        for l in c.to_lowercase() {
            fold_char(l, &mut out);
        }
    }
    out
}

fn fold_char(c: char, out: &mut String) {
    let folded = match c {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' => 'a',
        'ç' => 'c',
        'è' | 'é' | 'ê' | 'ë' => 'e',
        'ì' | 'í' | 'î' | 'ï' => 'i',
        'ñ' => 'n',
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' => 'o',
        'ù' | 'ú' | 'û' | 'ü' => 'u',
        'ý' | 'ÿ' => 'y',
        'œ' => {
            out.push_str("oe");
            return;
        }
        'æ' => {
            out.push_str("ae");
            return;
        }
        '½' => {
            out.push_str("1/2");
            return;
        }
        '…' => {
            out.push_str("...");
            return;
        }
        '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{02bc}' | '\u{00b4}' | '\u{2032}' => '\'',
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        '→' => '-',
        // Combining accents, joiners, variation selectors: not there.
        '\u{0300}'..='\u{036f}' | '\u{200b}'..='\u{200f}' | '\u{fe00}'..='\u{fe0f}' => return,
        c if c.is_whitespace() => ' ',
        '\u{ff10}'..='\u{ff19}' => {
            let digit = u32::from(c) - 0xff10;
            char::from_digit(digit, 10).unwrap_or('0')
        }
        c => c,
    };
    out.push(folded);
}

fn kind_of(c: char) -> Option<Kind> {
    match c {
        '\n' | '\r' => Some(Kind::Punct('\n')),
        c if c.is_whitespace() => None,
        '0'..='9' => Some(Kind::Digit),
        c if c.is_alphabetic() => Some(Kind::Alpha),
        c => Some(Kind::Punct(c)),
    }
}

/// Cuts a folded message into tokens. Apostrophes and hyphens inside a word are dropped.
pub(crate) fn scan(folded: &str) -> Vec<Raw<'_>> {
    let mut out: Vec<Raw<'_>> = Vec::with_capacity(folded.len() / 4 + 4);
    let mut rest = folded;
    let mut glued = false;
    let mut hyphen = false;
    while let Some(c) = rest.chars().next() {
        let Some(kind) = kind_of(c) else {
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
            glued = false;
            hyphen = false;
            continue;
        };
        if !glued && let Some((canonical, len)) = spoken(rest) {
            out.push(Raw { kind: Kind::Alpha, text: canonical, glued, hyphen });
            rest = rest.get(len..).unwrap_or_default();
            glued = true;
            hyphen = false;
            continue;
        }
        let len = match kind {
            Kind::Punct(_) => c.len_utf8(),
            same => rest.find(|c| kind_of(c) != Some(same)).unwrap_or(rest.len()),
        };
        let (text, tail) = rest.split_at_checked(len).unwrap_or((rest, ""));
        rest = tail;
        let joins = matches!(kind, Kind::Punct('\'' | '-'))
            && glued
            && out.last().is_some_and(|r| r.kind == Kind::Alpha)
            && tail.chars().next().is_some_and(char::is_alphabetic);
        if joins {
            hyphen = kind == Kind::Punct('-');
            glued = false;
            continue;
        }
        // "dans 2'": minutes; an apostrophe elsewhere ("mat'") says nothing.
        if kind == Kind::Punct('\'') {
            if glued && out.last().is_some_and(|r| r.kind == Kind::Digit) && !tail.starts_with(char::is_alphabetic) {
                out.push(Raw { kind: Kind::Alpha, text: "min", glued, hyphen });
            }
            glued = true;
            continue;
        }
        out.push(Raw { kind, text, glued, hyphen });
        glued = true;
        hyphen = false;
    }
    out
}

fn spoken(rest: &str) -> Option<(&'static str, usize)> {
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '@')).unwrap_or(rest.len()).min(12);
    let chunk = rest.get(..end)?;
    if !chunk.bytes().any(|b| b.is_ascii_digit() || b == b'@') {
        return None;
    }
    let (_, canonical) = SPOKEN.iter().find(|(said, _)| *said == chunk)?;
    Some((canonical, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_are_cut_apart() {
        let folded = fold("Aujourd’hui à 14H30, dem1 – 9h-11h vingt-deux");
        let texts: Vec<&str> = scan(&folded).iter().map(|r| r.text).collect();
        assert_eq!(
            texts,
            ["aujourd", "hui", "a", "14", "h", "30", ",", "demain", "-", "9", "h", "-", "11", "h", "vingt", "deux"]
        );
    }
}
