//! From raw tokens to lexemes: look-up, near spellings, numbers in words, and the numbers that are
//! no times.

use crate::lexeme::{Entry, Lex};
use crate::text::{Kind, Raw};
use crate::words_en::{self, EN};
use crate::words_fr::{self, FR};
use crate::{Lang, lexeme};

/// A lexeme in its place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tok {
    pub(crate) lex: Lex,
    /// Nothing separates it from the token before.
    pub(crate) glued: bool,
    /// A hyphen joins it to the word before.
    pub(crate) hyphen: bool,
    /// Written with a leading zero ("08h").
    pub(crate) zero: bool,
}

/// Reads a message as one language: its lexemes, and how many of its words are of the language.
pub(crate) fn lex(raws: &[Raw<'_>], lang: Lang) -> (Vec<Tok>, usize) {
    let mut known = 0;
    let mut toks: Vec<Tok> = Vec::with_capacity(raws.len());
    let mut i = 0;
    while let Some(raw) = raws.get(i) {
        let rest = raws.get(i..).unwrap_or_default();
        let before = toks.last().map_or(Lex::Edge, |t| t.lex);
        let (found, len) = match raw.kind {
            Kind::Digit => number(rest),
            Kind::Alpha => match word(rest, before, lang) {
                Some((lex, len)) => {
                    known += len;
                    (lex, len)
                }
                None => (Lex::Word, 1),
            },
            Kind::Punct(c) => (sign(c), 1),
        };
        let tok = Tok {
            lex: found,
            glued: raw.glued,
            hyphen: raw.hyphen,
            zero: raw.kind == Kind::Digit && raw.text.len() == 2 && raw.text.starts_with('0'),
        };
        if !joins(&mut toks, tok) {
            toks.push(tok);
        }
        i += len;
    }
    mask(&mut toks);
    (toks, known)
}

fn sign(c: char) -> Lex {
    match c {
        '@' => Lex::A,
        '&' => Lex::And,
        '~' => Lex::Around,
        '#' | '№' => Lex::Label,
        c => Lex::Punct(c),
    }
}

/// A number, with its ordinal suffix if it has one ("1er", "3rd").
fn number(raws: &[Raw<'_>]) -> (Lex, usize) {
    let [raw, tail @ ..] = raws else { return (Lex::Word, 1) };
    let Some(value) = raw.text.parse::<u32>().ok().filter(|_| raw.text.len() <= 4) else {
        return (Lex::Opaque, 1);
    };
    if let [next, after @ ..] = tail
        && matches!(next.text, "er" | "ere" | "eme" | "e" | "nd" | "rd" | "th" | "st" | "ieme" | "nde")
        && (next.glued || matches!(next.text, "er" | "th" | "rd" | "nd" | "eme"))
        && !after.first().is_some_and(|r| r.glued && r.kind == Kind::Digit)
        && let Ok(n @ 1..=31) = u8::try_from(value)
    {
        return (Lex::Ord(n), 2);
    }
    (Lex::Num(value, u8::try_from(raw.text.len()).unwrap_or(4)), 1)
}

/// What a word or a phrase means; nothing when the language does not have it.
fn word(raws: &[Raw<'_>], before: Lex, lang: Lang) -> Option<(Lex, usize)> {
    let [raw, tail @ ..] = raws else { return None };
    // "a.m.", "p.m."
    if let ("a" | "p", [dot, m, ..]) = (raw.text, tail)
        && matches!(before, Lex::Num(..))
        && dot.text == "."
        && m.text == "m"
    {
        return Some((if raw.text == "a" { Lex::Am } else { Lex::Pm }, 3));
    }
    // "Q1", "T1"
    if (raw.text == "q" || raw.text == "t" && lang == Lang::Fr)
        && let Some(next) = tail.first()
        && next.glued
        && let Ok(n @ 1..=4) = next.text.parse::<u8>()
    {
        return Some((Lex::NthQuarter(n), 2));
    }
    // "9a", "9p"
    if matches!(before, Lex::Num(..)) && raw.glued && matches!(raw.text, "a" | "p") {
        return Some((if raw.text == "a" { Lex::Am } else { Lex::Pm }, 1));
    }
    // "12 sept": the month, not the number.
    if raw.text == "sept" && matches!(before, Lex::Num(1..=31, 1 | 2) | Lex::Ord(_)) {
        return Some((Lex::Mo(9, false), 1));
    }
    let found = match lang {
        Lang::Fr => FR.longest(raws),
        Lang::En => EN.longest(raws),
    };
    if found.is_some() {
        return found;
    }
    let (forgiven, spared) = match lang {
        Lang::Fr => (words_fr::FORGIVEN, words_fr::NOT_A_SLIP),
        Lang::En => (words_en::FORGIVEN, words_en::NOT_A_SLIP),
    };
    near(raw.text, forgiven, spared).map(|lex| (lex, 1))
}

/// The word meant by a misspelling: same first letter, one slip (two in words of nine letters or
/// more; a slip is a letter added, left out, changed, or two swapped).
fn near(text: &str, forgiven: &[Entry], spared: &[&str]) -> Option<Lex> {
    let len = text.len();
    if !(5..=14).contains(&len) || !text.is_ascii() || spared.contains(&text) {
        return None;
    }
    forgiven
        .iter()
        .find(|(key, _)| {
            let slips = if key.len() >= 9 { 2 } else { 1 };
            key.as_bytes().first() == text.as_bytes().first()
                && key.len().abs_diff(len) <= slips
                && distance(key.as_bytes(), text.as_bytes()) <= slips
        })
        .map(|(_, lex)| *lex)
}

/// Edit distance with swaps of neighbours, of short words.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut older: Vec<usize> = Vec::new();
    let mut old: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.iter().enumerate() {
        let mut new = Vec::with_capacity(b.len() + 1);
        new.push(i + 1);
        for (j, cb) in b.iter().enumerate() {
            let at = |row: &[usize], n: usize| row.get(n).copied().unwrap_or(usize::MAX / 2);
            let change = at(&old, j) + usize::from(ca != cb);
            let mut best = change.min(at(&old, j + 1) + 1).min(at(&new, j) + 1);
            if i > 0 && j > 0 && a.get(i - 1) == Some(cb) && b.get(j - 1) == Some(ca) {
                best = best.min(at(&older, j - 1) + 1);
            }
            new.push(best);
        }
        older = std::mem::replace(&mut old, new);
    }
    old.last().copied().unwrap_or(usize::MAX)
}

/// Joins a number in words to the tens before it ("vingt-deux", "twenty first").
fn joins(toks: &mut [Tok], tok: Tok) -> bool {
    let unit = match tok.lex {
        Lex::Num(n @ 1..=9, 0) => n,
        Lex::Ord(n @ 1..=9) => u32::from(n),
        _ => return false,
    };
    let Some(last) = toks.last_mut() else { return false };
    let Lex::Num(tens @ (20 | 30 | 40 | 50), 0) = last.lex else {
        return false;
    };
    last.lex = match tok.lex {
        Lex::Ord(_) => Lex::Ord(u8::try_from(tens + unit).unwrap_or(0)),
        _ => Lex::Num(tens + unit, 0),
    };
    true
}

fn lex_at(toks: &[Tok], i: usize) -> Lex {
    toks.get(i).map_or(Lex::Edge, |t| t.lex)
}

fn hide(toks: &mut [Tok], from: usize, to: usize) {
    for tok in toks.get_mut(from..to).unwrap_or_default() {
        tok.lex = Lex::Opaque;
    }
}

/// Hides the numbers that are no times: decimals, prices, measures, ages, addresses, phones.
fn mask(toks: &mut [Tok]) {
    let mut i = 0;
    while i < toks.len() {
        let end = phone(toks, i).or_else(|| decimal(toks, i)).or_else(|| measured(toks, i));
        if let Some(end) = end {
            hide(toks, i, end);
            i = end.max(i + 1);
        } else {
            i += 1;
        }
    }
}

/// "+33 6 12…", "06 12 34 56 78", "06.12.34.56.78": the end of the run.
fn phone(toks: &[Tok], i: usize) -> Option<usize> {
    let plus = lex_at(toks, i) == Lex::Punct('+');
    let mut at = i + usize::from(plus);
    let starts =
        matches!(lex_at(toks, at), Lex::Num(..) | Lex::Opaque) && (plus || toks.get(at).is_some_and(|t| t.zero));
    if !starts {
        return None;
    }
    let mut groups = 0;
    loop {
        match lex_at(toks, at) {
            Lex::Num(_, 2) if !plus => {}
            Lex::Num(_, 1..) | Lex::Opaque if plus => {}
            _ => break,
        }
        groups += 1;
        at += 1;
        if matches!(lex_at(toks, at), Lex::Punct('.' | '-' | '/' | '(' | ')'))
            && matches!(lex_at(toks, at + 1), Lex::Num(..) | Lex::Opaque)
        {
            at += 1;
        }
    }
    (plus || groups >= 4).then_some(at)
}

/// "6,5", "3.5", "1.250", "12,50 €" and "3 500": the end of the number.
fn decimal(toks: &[Tok], i: usize) -> Option<usize> {
    let Lex::Num(whole, digits) = lex_at(toks, i) else {
        return None;
    };
    // Neither a number in words nor what follows "15.02".
    if digits == 0 || i >= 2 && glued_date(toks, i) {
        return None;
    }
    let glued = |n: usize| toks.get(n).is_some_and(|t| t.glued);
    if let (Lex::Punct(sep @ (',' | '.')), true) = (lex_at(toks, i + 1), glued(i + 1))
        && let (Lex::Num(_, fraction), true) = (lex_at(toks, i + 2), glued(i + 2))
    {
        // "14.30" may be a time, "15.02.2026" and "3.5.26" dates.
        let dated = matches!(lex_at(toks, i + 3), Lex::Punct('.')) && glued(i + 3) && glued(i + 4);
        let clock = sep == '.' && (fraction == 2 && whole < 24 || dated);
        // "2,5 heures", "14,30h"
        let hour = matches!(lex_at(toks, i + 3), Lex::Hours | Lex::Unit(lexeme::Unit::Hour));
        let half = matches!(lex_at(toks, i + 2), Lex::Num(5, 1));
        let hours = hour && (fraction == 2 || half);
        let after = i + 3;
        if !(clock || hours) || is_measure(toks, after) {
            return Some(after + usize::from(is_measure(toks, after)));
        }
    }
    // Thousands: "3 500", "12 000".
    if let (Lex::Num(_, 3), false) = (lex_at(toks, i + 1), glued(i + 1))
        && digits <= 3
    {
        return Some(i + 2);
    }
    None
}

/// Whether the number at `i` is the last of "15.02.2026".
fn glued_date(toks: &[Tok], i: usize) -> bool {
    let glued = |n: usize| toks.get(n).is_some_and(|t| t.glued);
    lex_at(toks, i - 1) == Lex::Punct('.') && matches!(lex_at(toks, i - 2), Lex::Num(..)) && glued(i) && glued(i - 1)
}

fn is_measure(toks: &[Tok], i: usize) -> bool {
    match lex_at(toks, i) {
        Lex::Measure => true,
        Lex::Punct(c) => matches!(c, '€' | '$' | '£' | '%' | '°' | '²' | '³'),
        _ => false,
    }
}

/// A number with its unit, its currency, its street or its label: the end.
fn measured(toks: &[Tok], i: usize) -> Option<usize> {
    let number = |n: usize| matches!(lex_at(toks, n), Lex::Num(..) | Lex::One);
    match lex_at(toks, i) {
        Lex::Punct('€' | '$' | '£') if number(i + 1) => Some(i + 2),
        Lex::Label => {
            let skip = usize::from(matches!(lex_at(toks, i + 1), Lex::Punct('°' | '.' | ':' | 'º')));
            let mut end = i + 2 + skip;
            // "version 1.10.30", "n° 12-34"
            while matches!(lex_at(toks, end), Lex::Punct('.' | '-' | '/')) && number(end + 1) && end < i + 12 {
                end += 2;
            }
            number(i + 1 + skip).then_some(end)
        }
        // "rue du 8 mai 1945"
        Lex::Street => {
            let at = i + 1 + usize::from(matches!(lex_at(toks, i + 1), Lex::De | Lex::Du));
            let dated =
                matches!(lex_at(toks, at), Lex::Num(..) | Lex::Ord(_)) && matches!(lex_at(toks, at + 1), Lex::Mo(..));
            dated.then_some(at + 2 + usize::from(matches!(lex_at(toks, at + 2), Lex::Num(_, 4))))
        }
        Lex::Num(24, 2) if lex_at(toks, i + 1) == Lex::Hours && lex_at(toks, i + 2) == Lex::Punct('/') => Some(i + 4),
        Lex::Num(a, 1 | 2)
            if lex_at(toks, i + 1) == Lex::Punct('/')
                && a >= 7
                && matches!(lex_at(toks, i + 2), Lex::Num(7, 1))
                && matches!(a, 7 | 24) =>
        {
            Some(i + 3)
        }
        Lex::Num(7, 1)
            if lex_at(toks, i + 1) == Lex::Unit(lexeme::Unit::Day) && lex_at(toks, i + 2) == Lex::Punct('/') =>
        {
            Some(i + 4)
        }
        // "8h10m" is an hour.
        Lex::Num(_, 2) if i > 0 && lex_at(toks, i - 1) == Lex::Hours && toks.get(i).is_some_and(|t| t.glued) => None,
        Lex::Num(..) if is_measure(toks, i + 1) => Some(i + 2),
        // "2 à 3 personnes", "10-15 km", "entre 2 et 4 personnes"
        Lex::Num(..)
            if matches!(lex_at(toks, i + 1), Lex::A | Lex::To | Lex::Or | Lex::And | Lex::Punct('-' | '/'))
                && matches!(lex_at(toks, i + 2), Lex::Num(..) | Lex::Opaque)
                && is_measure(toks, i + 3) =>
        {
            Some(i + 4)
        }
        Lex::Num(_, 1..=4) if house(toks, i + 1) => Some(i + 1),
        _ => None,
    }
}

/// The tokens after a house number: "rue", "bis avenue", ", rue", and in English "Baker Street".
fn house(toks: &[Tok], i: usize) -> bool {
    match (lex_at(toks, i), lex_at(toks, i + 1)) {
        (Lex::Street, _) | (Lex::Punct(','), Lex::Street) => true,
        (Lex::Word, Lex::Street) => true,
        (Lex::Word, Lex::Word) => lex_at(toks, i + 2) == Lex::Street,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{fold, scan};

    fn lexed(text: &str, lang: Lang) -> Vec<Lex> {
        lex(&scan(&fold(text)), lang).0.iter().map(|t| t.lex).collect()
    }

    #[test]
    fn slips_are_forgiven() {
        for (said, weekday) in [("mercredit", 3), ("vendrdi", 5), ("jeuid", 4), ("lunid", 1)] {
            assert_eq!(lexed(said, Lang::Fr), [Lex::Wd(weekday, false)], "{said}");
        }
        assert_eq!(lexed("wenesday", Lang::En), [Lex::Wd(3, false)]);
        assert_eq!(lexed("tommorow", Lang::En), [Lex::Rel(1)]);
        assert_eq!(lexed("demande", Lang::Fr), [Lex::Word]);
    }

    #[test]
    fn numbers_in_words_join() {
        assert_eq!(lexed("vingt-deux", Lang::Fr), [Lex::Num(22, 0)]);
        assert_eq!(lexed("twenty first", Lang::En), [Lex::Ord(21)]);
        assert_eq!(lexed("five thirty", Lang::En), [Lex::Num(5, 0), Lex::Num(30, 0)]);
    }

    #[test]
    fn what_is_no_time_is_opaque() {
        for text in ["6,5", "42 ans", "3500 euros", "75011", "06 12 34 56 78", "12 rue", "80 m²", "3 500"] {
            let all = lexed(text, Lang::Fr);
            assert!(!all.iter().any(|l| matches!(l, Lex::Num(..))), "{text}: {all:?}");
        }
    }

    #[test]
    fn every_key_is_folded() {
        for key in FR.keys().chain(EN.keys()) {
            assert_eq!(fold(key), key);
            let words = scan(key).iter().map(|r| r.text).collect::<Vec<_>>().join(" ");
            assert_eq!(words, key);
        }
    }
}
