//! How many, how much.

use serde_json::{Value, json};

use super::numerals::spoken;
use super::{Reading, fold};

/// A number or a range; an end that is not known is none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Number {
    pub(crate) low: Option<f64>,
    pub(crate) high: Option<f64>,
}

impl Number {
    fn exactly(value: f64) -> Self {
        Self { low: Some(value), high: Some(value) }
    }

    /// One number to compare with: the middle of a range, or its known end.
    pub(crate) fn middle(self) -> f64 {
        match (self.low, self.high) {
            (Some(low), Some(high)) => f64::midpoint(low, high),
            (low, high) => low.or(high).unwrap_or(0.0),
        }
    }

    /// What is noted: a number, or `{"from": 6.5, "to": 7}` with the ends that are known.
    pub(crate) fn to_json(self) -> Value {
        match (self.low, self.high) {
            (Some(low), Some(high)) if low == high => plain(low),
            (Some(low), Some(high)) => json!({ "from": plain(low), "to": plain(high) }),
            (Some(low), None) => json!({ "from": plain(low) }),
            (None, high) => json!({ "to": high.map(plain) }),
        }
    }
}

/// 7.0 is noted as 7.
fn plain(value: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and small")]
    if value.fract() == 0.0 && value.abs() < 9e15 { Value::from(value as i64) } else { Value::from(value) }
}

#[derive(Debug, Clone, PartialEq)]
enum Item {
    /// A value, by what it was multiplied ("k", "mille"), and whether it is a bare "un".
    Number {
        value: f64,
        scale: f64,
        article: bool,
    },
    Word(String),
    Sign(char),
}

/// The number in a message: "3 500 €", "une dizaine", "entre 6,5 et 7", "plus de 10", "5-6", "10k". In English a
/// comma before three digits parts thousands; elsewhere it is the decimal comma.
pub(crate) fn number(text: &str, english: bool) -> Option<Reading<Number>> {
    let items = items(&fold(text), english);
    let at: Vec<usize> = items
        .iter()
        .enumerate()
        .filter(|(_, item)| matches!(item, Item::Number { article: false, .. }))
        .map(|(at, _)| at)
        .collect();
    let value = |at: usize| match items.get(at) {
        Some(Item::Number { value, scale, .. }) => Some((*value, *scale)),
        _ => None,
    };
    match at.as_slice() {
        [] => alone(&items),
        [only] => {
            let (value, _) = value(*only)?;
            Some(Reading::sure(bounded(&items, *only, value)))
        }
        [first, second, rest @ ..] => {
            let ((low, scale), (high, high_scale)) = (value(*first)?, value(*second)?);
            let between = items.get(first + 1..*second).unwrap_or_default();
            // "3 à 4 k€": both are thousands.
            let low = if scale < high_scale && low * high_scale <= high { low * high_scale } else { low };
            // "Trois quatre", "10 15": said without a word between them.
            if between.is_empty() && rest.is_empty() && low < high && high <= low * 2.0 {
                return Some(Reading::likely(Number { low: Some(low), high: Some(high) }));
            }
            if is_link(between) && low <= high {
                let range = Number { low: Some(low), high: Some(high) };
                return Some(if rest.is_empty() { Reading::sure(range) } else { Reading::likely(range) });
            }
            Some(Reading::unsure(bounded(&items, *first, low)))
        }
    }
}

/// Of several numbers, the one with a unit that the question names: "une cinquantaine de m2, 3 pièces" to "how many m²?".
pub(crate) fn number_in_unit(text: &str, question: &str, english: bool) -> Option<Reading<Number>> {
    let wanted: Vec<String> = items(&fold(question), english).iter().filter_map(unit).collect();
    let items = items(&fold(text), english);
    let mut fitting = items.iter().enumerate().filter_map(|(at, item)| {
        let Item::Number { value, article: false, .. } = item else { return None };
        let mut after = items
            .get(at + 1..)?
            .iter()
            .filter(|item| !matches!(item, Item::Word(word) if word == "de" || word == "of"));
        unit(after.next()?).filter(|unit| wanted.contains(unit)).map(|_| bounded(&items, at, *value))
    });
    let only = fitting.next()?;
    fitting.next().is_none().then(|| Reading::likely(only))
}

/// A unit, the same however it is written; none for a word that is none.
fn unit(item: &Item) -> Option<String> {
    const UNITS: [&str; 20] = [
        "€", "m2", "km", "kw", "kwh", "an", "heure", "personne", "piece", "chambre", "enfant", "salarie", "panneau",
        "year", "hour", "people", "room", "bedroom", "child", "sqm",
    ];
    let Item::Word(word) = item else { return None };
    let word = match word.as_str() {
        "euros" | "euro" | "eur" => "€",
        "m²" | "metres" | "metre" => "m2",
        other => other.strip_suffix(['s', 'x']).unwrap_or(other),
    };
    UNITS.contains(&word).then(|| word.to_owned())
}

/// No digits: "un" as an answer, or nothing at all.
fn alone(items: &[Item]) -> Option<Reading<Number>> {
    const NONE: [&str; 6] = ["aucun", "aucune", "rien", "none", "nothing", "zero"];
    let says =
        |words: &[&str]| items.iter().any(|item| matches!(item, Item::Word(word) if words.contains(&word.as_str())));
    // "Aucune idée" is no number.
    if says(&NONE) && !says(&["idee", "idea", "certitude", "sais", "know"]) {
        return Some(Reading::likely(Number::exactly(0.0)));
    }
    let article = items.iter().any(|item| matches!(item, Item::Number { article: true, .. }));
    (article && items.len() <= 2).then(|| Reading::likely(Number::exactly(1.0)))
}

/// Whether what stands between two numbers makes them a range.
fn is_link(between: &[Item]) -> bool {
    let is_unit = |item: &&Item| !matches!(item, Item::Word(word) if ["€", "euros", "euro", "eur", "m2", "m"].contains(&word.as_str()));
    let rest: Vec<&Item> = between.iter().filter(is_unit).collect();
    match rest.as_slice() {
        [Item::Sign('-' | '/')] => true,
        [Item::Word(word)] => ["a", "et", "ou", "to", "and", "or"].contains(&word.as_str()),
        _ => false,
    }
}

/// "plus de 10", "moins de 5", "10 minimum", "+10".
fn bounded(items: &[Item], at: usize, value: f64) -> Number {
    const MORE: [&str; 10] =
        ["plus", "minimum", "min", "mini", "over", "least", "more", "superieur", "partir", "depasse"];
    const LESS: [&str; 11] =
        ["moins", "maximum", "max", "maxi", "jusqu", "less", "most", "under", "inferieur", "up", "below"];
    let word = |item: &Item| match item {
        Item::Word(word) => word.clone(),
        Item::Sign(sign) => sign.to_string(),
        Item::Number { .. } => String::new(),
    };
    let before: Vec<String> = items.get(at.saturating_sub(3)..at).unwrap_or_default().iter().map(word).collect();
    let after: Vec<String> = items.get(at + 1..).unwrap_or_default().iter().take(3).map(word).collect();
    let near = |words: &[&str]| before.iter().chain(&after).any(|said| words.contains(&said.as_str()));
    let is = |a: &str, b: &str| {
        before.windows(2).chain(after.windows(2)).any(|pair| matches!(pair, [x, y] if x == a && y == b))
    };
    // "No more than 40" is a most, "pas moins de 40" a least.
    if is("pas", "plus") || is("no", "more") || is("not", "more") {
        return Number { low: None, high: Some(value) };
    }
    if is("pas", "moins") || is("no", "less") || is("not", "less") {
        return Number { low: Some(value), high: None };
    }
    if is("au", "moins") || is("at", "least") || (near(&MORE) && !is("au", "plus")) || near(&[">", "+"]) {
        return Number { low: Some(value), high: None };
    }
    if is("au", "plus") || near(&LESS) || near(&["<"]) {
        return Number { low: None, high: Some(value) };
    }
    Number::exactly(value)
}

fn items(text: &str, english: bool) -> Vec<Item> {
    let letters: Vec<char> = text.chars().collect();
    let mut raw: Vec<Item> = Vec::new();
    let mut at = 0;
    while let Some(c) = letters.get(at).copied() {
        if c.is_ascii_digit() {
            let (value, next) = digits(&letters, at, english);
            at = next;
            raw.extend(value.map(|value| Item::Number { value, scale: 1.0, article: false }));
        } else if c.is_alphabetic() || c == '€' {
            let end = (at..letters.len())
                .find(|i| !letters.get(*i).is_some_and(|c| c.is_alphanumeric() || *c == '€'))
                .unwrap_or(letters.len());
            raw.push(Item::Word(letters.get(at..end).unwrap_or_default().iter().collect()));
            at = end;
        } else {
            if "-–/<>~+".contains(c) {
                raw.push(Item::Sign(if c == '–' { '-' } else { c }));
            }
            at += 1;
        }
    }
    join_words(raw)
}

/// Reads a number in digits; none for what only looks like one (a clock time, a phone number).
fn digits(letters: &[char], start: usize, english: bool) -> (Option<f64>, usize) {
    let digit = |at: usize| letters.get(at).is_some_and(char::is_ascii_digit);
    let run = |from: usize| (from..letters.len()).find(|at| !digit(*at)).unwrap_or(letters.len());
    let mut end = run(start);
    let mut written: String = letters.get(start..end).unwrap_or_default().iter().collect();
    while let Some(separator) = letters.get(end).copied() {
        let next = run(end + 1);
        let three = next - end - 1 == 3 && (end - start <= 3 || written.len() > 3);
        let thousands =
            three && (separator == ' ' || separator == '.' || separator == '\'' || (separator == ',' && english));
        if thousands && !written.starts_with('0') {
            written.extend(letters.get(end + 1..next).unwrap_or_default());
            end = next;
        } else if (separator == ',' || separator == '.') && next > end + 1 && !written.contains('.') {
            written.push('.');
            written.extend(letters.get(end + 1..next).unwrap_or_default());
            end = next;
        } else {
            break;
        }
    }
    let is_clock = letters.get(end) == Some(&'h') && digit(end + 1) || letters.get(end) == Some(&':');
    if is_clock || written.len() > 12 || (written.starts_with('0') && written.len() >= 8) {
        let skip = (end..letters.len())
            .find(|at| letters.get(*at).is_some_and(|c| c.is_whitespace()))
            .unwrap_or(letters.len());
        return (None, skip);
    }
    (written.parse().ok(), end)
}

/// Puts numbers in words together, with the digits before them ("2 dizaines", "10 k").
fn join_words(raw: Vec<Item>) -> Vec<Item> {
    let mut out: Vec<Item> = Vec::new();
    let mut at = 0;
    while let Some(item) = raw.get(at) {
        let from = if matches!(item, Item::Number { .. }) { at + 1 } else { at };
        let start = match item {
            Item::Number { value, .. } => Some(*value),
            Item::Word(_) | Item::Sign(_) => None,
        };
        let words: Vec<&str> = raw
            .get(from..)
            .unwrap_or_default()
            .iter()
            .map_while(|item| match item {
                Item::Word(word) => Some(word.strip_suffix('€').filter(|rest| *rest == "k").unwrap_or(word)),
                Item::Sign('-') => Some("-"),
                Item::Number { .. } | Item::Sign(_) => None,
            })
            .collect();
        match without_hyphens(&words, start) {
            Some((value, taken)) => {
                let scale = start.filter(|start| *start > 0.0).map_or_else(|| scale_of(value), |start| value / start);
                let article = start.is_none() && taken == 1 && ["un", "une"].contains(words.first().unwrap_or(&""));
                out.push(Item::Number { value, scale, article });
                at = from + taken;
            }
            None => {
                out.push(item.clone());
                at += 1;
            }
        }
    }
    out
}

/// "vingt-deux" is one number, "cinq-six" are two: a hyphen is passed over only where the number goes on.
fn without_hyphens(words: &[&str], start: Option<f64>) -> Option<(f64, usize)> {
    let plain: Vec<&str> = words.iter().copied().filter(|word| *word != "-").collect();
    let (value, taken) = spoken(&plain, start)?;
    let mut seen = 0;
    let mut end = 0;
    for (at, word) in words.iter().enumerate() {
        if *word != "-" {
            seen += 1;
        }
        if seen == taken {
            end = at + 1;
            break;
        }
    }
    Some((value, end))
}

fn scale_of(value: f64) -> f64 {
    if value >= 1_000_000.0 {
        1_000_000.0
    } else if value >= 1_000.0 {
        1_000.0
    } else {
        1.0
    }
}

#[cfg(test)]
mod tests {
    use super::super::How;
    use super::*;

    #[test]
    fn numbers_ranges_and_bounds() {
        let both = |low: f64, high: f64| (Some(low), Some(high));
        for (text, (low, high), how) in [
            ("12", both(12.0, 12.0), How::Sure),
            ("Entre 6,5 et 7", both(6.5, 7.0), How::Sure),
            ("une dizaine", both(10.0, 10.0), How::Sure),
            ("3 500 €", both(3500.0, 3500.0), How::Sure),
            ("3.500€", both(3500.0, 3500.0), How::Sure),
            ("1 234 567,89", both(1_234_567.89, 1_234_567.89), How::Sure),
            ("environ 80 m2", both(80.0, 80.0), How::Sure),
            ("10k", both(10_000.0, 10_000.0), How::Sure),
            ("3 à 4 k€", both(3000.0, 4000.0), How::Sure),
            ("5-6", both(5.0, 6.0), How::Sure),
            ("5 ou 6 personnes", both(5.0, 6.0), How::Sure),
            ("vingt-deux", both(22.0, 22.0), How::Sure),
            ("deux cents", both(200.0, 200.0), How::Sure),
            ("2 dizaines", both(20.0, 20.0), How::Sure),
            ("plus de 10", (Some(10.0), None), How::Sure),
            ("au moins 3", (Some(3.0), None), How::Sure),
            ("moins de 5", (None, Some(5.0)), How::Sure),
            ("50 maximum", (None, Some(50.0)), How::Sure),
            ("un seul", both(1.0, 1.0), How::Likely),
            ("aucun", both(0.0, 0.0), How::Likely),
            ("2 maisons, 5 garages", both(2.0, 2.0), How::Unsure),
        ] {
            let read = number(text, false).map(|reading| (reading.what.low, reading.what.high, reading.how));
            assert_eq!(read, Some((low, high, how)), "{text}");
        }
        for text in [
            "Et le prix",
            "vers 14h30",
            "06 12 34 56 78 90 12",
            "0612345678",
            "un peu de tout",
            "je ne sais pas",
            "aucune idée",
        ] {
            let read = number(text, false).filter(|reading| reading.how != How::Unsure);
            assert_eq!(read, None, "{text}");
        }
        for (text, question, middle) in [
            ("une cinquantaine de m2, 3 pièces", "Quelle est la surface, en m² ?", Some(50.0)),
            ("4 pièces pour 80 mètres carrés", "Quelle surface (m2) ?", Some(80.0)),
            ("4 pièces pour 80 mètres carrés", "Combien de pièces ?", Some(4.0)),
            ("on est 4, 150 euros", "Quel est votre budget en € ?", Some(150.0)),
            ("2 maisons, 5 garages", "Quelle surface (m2) ?", None),
            ("80 m2 et 20 m2 de terrasse", "Quelle surface (m2) ?", None),
        ] {
            let read = number_in_unit(text, question, false).map(|reading| reading.what.middle());
            assert_eq!(read, middle, "{text}");
        }
        assert_eq!(number("3,500", true).map(|reading| reading.what.middle()), Some(3500.0));
        assert_eq!(number("3,500", false).map(|reading| reading.what.middle()), Some(3.5));
        assert_eq!(number("6,5 à 7", false).unwrap().what.to_json().to_string(), r#"{"from":6.5,"to":7}"#);
    }
}
