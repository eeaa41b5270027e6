//! Word lists, and finding their phrases in a message.

use std::collections::BTreeMap;

use super::tokens::tokens;

/// Phrases, each meaning something; kept by the first letter of their first word, which even a misspelt one has.
#[derive(Debug, Clone)]
pub(crate) struct Lexicon<T> {
    phrases: BTreeMap<char, Vec<(Vec<Word>, T)>>,
}

#[derive(Debug, Clone)]
struct Word {
    letters: String,
    /// Written with a `*`: any ending will do.
    open: bool,
}

/// A phrase found: where, how many words it takes, what it means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Hit<T> {
    pub(crate) at: usize,
    pub(crate) len: usize,
    pub(crate) what: T,
    /// Spelt as it is in the list.
    pub(crate) exact: bool,
}

impl<T> Default for Lexicon<T> {
    fn default() -> Self {
        Self { phrases: BTreeMap::new() }
    }
}

impl<T: Copy> Lexicon<T> {
    /// Adds phrases of one meaning. `*` at the end of a word stands for any ending.
    pub(crate) fn add<'a>(&mut self, what: T, phrases: impl IntoIterator<Item = &'a str>) {
        for phrase in phrases {
            // Word by word only where a word can be open: a script is configured anew for a turn without an image.
            let words: Vec<Word> = match phrase.contains('*') {
                true => phrase.split_whitespace().flat_map(words).collect(),
                false => words(phrase),
            };
            if let Some(letter) = words.first().and_then(|word| word.letters.chars().next()) {
                self.phrases.entry(letter).or_default().push((words, what));
            }
        }
        for phrases in self.phrases.values_mut() {
            phrases.sort_by_key(|(words, _)| std::cmp::Reverse(words.len()));
        }
    }

    /// The phrases in a message, from left to right, the longest first where several begin; none overlap.
    pub(crate) fn scan(&self, message: &[String]) -> Vec<Hit<T>> {
        let mut hits = Vec::new();
        let mut at = 0;
        while at < message.len() {
            let rest = message.get(at..).unwrap_or_default();
            let letter = rest.first().and_then(|word| word.chars().next());
            let phrases = letter.and_then(|letter| self.phrases.get(&letter)).map_or(&[][..], Vec::as_slice);
            let exact = phrases.iter().find(|(words, _)| begins(rest, words, false));
            match exact.or_else(|| phrases.iter().find(|(words, _)| begins(rest, words, true))) {
                Some((words, what)) => {
                    hits.push(Hit { at, len: words.len(), what: *what, exact: exact.is_some() });
                    at += words.len();
                }
                None => at += 1,
            }
        }
        hits
    }

    /// The message with the words of its phrases struck out, so that another list does not read them again.
    pub(crate) fn strike(&self, message: &[String]) -> Vec<String> {
        let hits = self.scan(message);
        let is_struck = |at: usize| hits.iter().any(|hit| hit.at <= at && at < hit.at + hit.len);
        let kept = |(at, word): (usize, &String)| if is_struck(at) { String::new() } else { word.clone() };
        message.iter().enumerate().map(kept).collect()
    }
}

fn words(piece: &str) -> Vec<Word> {
    let open = piece.ends_with('*');
    let mut words: Vec<Word> = tokens(piece).into_iter().map(|letters| Word { letters, open: false }).collect();
    if let Some(last) = words.last_mut() {
        last.open = open;
    }
    words
}

fn begins(message: &[String], words: &[Word], nearly: bool) -> bool {
    message.len() >= words.len() && words.iter().zip(message).all(|(word, said)| word.is(said, nearly))
}

impl Word {
    fn is(&self, said: &str, nearly: bool) -> bool {
        if self.open && said.starts_with(&self.letters) {
            return true;
        }
        self.letters == said || (nearly && !self.open && is_near(&self.letters, said))
    }
}

/// True when two words differ by a slip of the keyboard: one letter in a word of five or more, two in one of nine or
/// more. The first letter must agree and short words must be exact, or "oui" would be "lui".
pub(crate) fn is_near(one: &str, other: &str) -> bool {
    // Folded words are mostly ASCII: what differs by three bytes differs by more than two letters, or is no word.
    if one.len().abs_diff(other.len()) > 2 || one.chars().next() != other.chars().next() {
        return false;
    }
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let allowed = match one.len().min(other.len()) {
        0..5 => return one == other,
        5..9 => 1,
        _ => 2,
    };
    one.len().abs_diff(other.len()) <= allowed && distance(&one, &other) <= allowed
}

/// Letters to change, add, drop or swap with their neighbour to come from one word to the other.
fn distance(one: &[char], other: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            let get = |row: &[usize], at: usize| row.get(at).copied().unwrap_or(usize::MAX / 2);
            let mut best = (get(&last, j + 1) + 1).min(get(&row, j) + 1).min(get(&last, j) + usize::from(a != b));
            let swapped = i > 0 && j > 0 && one.get(i - 1) == Some(b) && other.get(j - 1) == Some(a);
            if swapped {
                best = best.min(get(&before, j - 1) + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_are_found_longest_first_and_nearly_spelt() {
        let mut lexicon = Lexicon::default();
        lexicon.add("no", ["pas", "pas du tout"]);
        lexicon.add("yes", ["pourquoi pas", "intéress*"]);
        lexicon.add("price", ["combien ça coûte", "tarif"]);
        let found = |text: &str| lexicon.scan(&tokens(text)).iter().map(|hit| (hit.at, hit.what)).collect::<Vec<_>>();
        assert_eq!(found("Pas du tout !"), [(0, "no")]);
        assert_eq!(found("pourquoi pas, je suis intéressée"), [(0, "yes"), (4, "yes")]);
        assert_eq!(found("combien ca coute ? le tariff ?"), [(0, "price"), (4, "price")]);
        assert_eq!(found("par contre"), []);
    }

    #[test]
    fn slips_of_the_keyboard_are_near() {
        for (one, other, near) in [
            ("maison", "mason", true),
            ("maison", "miason", true),
            ("maison", "raison", false),
            ("oui", "lui", false),
            ("appartement", "apartemant", true),
            ("tarif", "tarot", false),
        ] {
            assert_eq!(is_near(one, other), near, "{one} {other}");
        }
    }
}
