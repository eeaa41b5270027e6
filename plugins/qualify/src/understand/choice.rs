//! One of several things offered.

use super::lexicon::is_near;
use super::{Lexicon, Reading, tokens};

/// The things that may be chosen, in the order in which they were named.
#[derive(Debug, Clone, Default)]
pub(crate) struct Labels {
    words: Lexicon<usize>,
    labels: Vec<Vec<String>>,
}

impl Labels {
    /// Adds the next thing: its labels (in every language) and other ways to say it.
    pub(crate) fn push<'a>(
        &mut self,
        labels: impl IntoIterator<Item = &'a str>,
        words: impl IntoIterator<Item = &'a str>,
    ) {
        let at = self.labels.len();
        let labels: Vec<&str> = labels.into_iter().collect();
        self.words.add(at, labels.iter().copied());
        self.words.add(at, words);
        // An article in a label ("Une maison") is not needed to name it.
        let content = labels.iter().flat_map(|label| tokens(label)).filter(|word| !is_small(word));
        self.labels.push(content.collect());
    }

    /// The only thing that a message names in so many words.
    pub(crate) fn named(&self, message: &[String]) -> Option<usize> {
        match self.wanted(message).as_slice() {
            [only] => Some(*only),
            _ => None,
        }
    }

    /// What a message names and does not turn down: "l'espagnol, pas l'anglais".
    fn wanted(&self, message: &[String]) -> Vec<usize> {
        let mut hits = self.words.scan(message);
        hits.retain(|hit| !is_denied(message, hit.at));
        // "Un appart en ville" is a flat: "ville" is no misspelt "villa" beside it.
        if hits.iter().any(|hit| hit.exact) {
            hits.retain(|hit| hit.exact);
        }
        let mut named: Vec<usize> = hits.iter().map(|hit| hit.what).collect();
        named.dedup();
        named
    }

    fn len(&self) -> usize {
        self.labels.len()
    }
}

const ORDINALS: [&[&str]; 10] = [
    &["premier", "premiere", "1er", "1ere", "first"],
    &["deuxieme", "second", "seconde", "2e", "2eme", "2nd"],
    &["troisieme", "3e", "3eme", "third"],
    &["quatrieme", "4e", "4eme", "fourth"],
    &["cinquieme", "5e", "5eme", "fifth"],
    &["sixieme", "6e", "6eme", "sixth"],
    &["septieme", "7e", "7eme", "seventh"],
    &["huitieme", "8e", "8eme", "eighth"],
    &["neuvieme", "9e", "9eme", "ninth"],
    &["dixieme", "10e", "10eme", "tenth"],
];

/// Which of the things a message names: by label, synonym, number ("2", "le deuxième", "le dernier") or near spelling.
pub(crate) fn choice(labels: &Labels, message: &[String]) -> Option<Reading<usize>> {
    let named = labels.wanted(message);
    if let [only] = named.as_slice() {
        return Some(Reading::sure(*only));
    }
    if let Some(first) = named.first() {
        return Some(Reading::unsure(*first));
    }
    if !labels.words.scan(message).is_empty() {
        // "Pas une maison": which of the others is not said.
        return None;
    }
    if let Some(at) = by_place(labels.len(), message) {
        return Some(at);
    }
    // A word of one label only, perhaps misspelt.
    let holds = |content: &Vec<String>| {
        content.iter().any(|word| message.iter().any(|said| said == word || is_near(word, said)))
    };
    let mut holding = labels.labels.iter().enumerate().filter(|(_, content)| holds(content)).map(|(at, _)| at);
    match (holding.next(), holding.next()) {
        (Some(only), None) => Some(Reading::likely(only)),
        (Some(first), Some(_)) => Some(Reading::unsure(first)),
        _ => None,
    }
}

/// Whether what stands at a place is turned down: "pas l'anglais", "not a flat"; "pourquoi pas une maison" is a yes.
fn is_denied(message: &[String], at: usize) -> bool {
    let mut before = message.iter().take(at).rev().skip_while(|word| ARTICLES.contains(&word.as_str()));
    let denies =
        before.next().is_some_and(|word| ["pas", "not", "sauf", "ni", "neither", "nor"].contains(&word.as_str()));
    denies && before.next().is_none_or(|word| word != "pourquoi" && word != "why")
}

const ARTICLES: [&str; 14] = ["le", "la", "les", "l", "un", "une", "des", "de", "d", "du", "a", "an", "the", "any"];

/// Which of so many things a message means by nothing but their place: "le premier", "ok pour la deuxième", "2".
pub(crate) fn place(count: usize, message: &[String]) -> Option<usize> {
    const FILLER: &[&str] = &[
        "ok", "oui", "yes", "pour", "celui", "celle", "creneau", "horaire", "svp", "stp", "merci", "parfait", "bien",
        "bon", "me", "va", "convient", "prends", "prefere", "choisis", "ca", "marche", "roule", "accord", "super",
        "nickel", "alors", "vais", "prendre", "sera", "one", "please", "slot", "thanks", "works", "fine", "take", "ll",
        "i", "for",
    ];
    let plain = |word: &&String| !FILLER.contains(&word.as_str());
    let rest: Vec<String> = message.iter().filter(plain).cloned().collect();
    let named = rest.iter().filter(|word| !is_small(word)).count();
    (named == 1).then(|| by_place(count, &rest)).flatten().map(|reading| reading.what)
}

/// The first or the last of so many times in their order: "le plus tard", "the earlier one".
pub(crate) fn extreme(count: usize, message: &[String]) -> Option<usize> {
    const EARLY: [&str; 3] = ["tot", "earlier", "earliest"];
    const LATE: [&str; 3] = ["tard", "later", "latest"];
    let led = message.iter().any(|word| word == "le" || word == "the");
    let said = |words: &[&str]| message.iter().any(|word| words.contains(&word.as_str()));
    if !led || message.len() > 6 || said(&EARLY) == said(&LATE) {
        return None;
    }
    if said(&EARLY) { (count > 0).then_some(0) } else { count.checked_sub(1) }
}

fn by_place(count: usize, message: &[String]) -> Option<Reading<usize>> {
    for said in message {
        if let Some(at) = ORDINALS.iter().position(|names| names.contains(&said.as_str())).filter(|at| *at < count) {
            return Some(Reading::sure(at));
        }
        if said == "dernier" || said == "derniere" || said == "last" {
            return Some(Reading::sure(count.checked_sub(1)?));
        }
    }
    let rest: Vec<&String> = message.iter().filter(|word| !is_small(word)).collect();
    let [only] = rest.as_slice() else { return None };
    let number = only.parse::<usize>().ok().filter(|number| (1..=count).contains(number))?;
    Some(Reading::sure(number - 1))
}

fn is_small(word: &str) -> bool {
    const SMALL: [&str; 30] = [
        "le", "la", "les", "l", "un", "une", "des", "de", "du", "d", "en", "a", "au", "aux", "je", "j", "c", "est",
        "plutot", "numero", "n", "option", "choix", "reponse", "the", "an", "number", "of", "my", "mon",
    ];
    SMALL.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::super::How;
    use super::*;

    #[test]
    fn by_label_number_synonym_or_near_spelling() {
        let mut labels = Labels::default();
        labels.push(["Une maison individuelle"], ["pavillon", "villa"]);
        labels.push(["Un appartement"], ["appart*", "studio"]);
        labels.push(["Un local professionnel"], ["bureau*", "entrepôt"]);
        for (text, expected) in [
            ("maison", Some((0, How::Likely))),
            ("Une maison individuelle", Some((0, How::Sure))),
            ("un pavilon", Some((0, How::Sure))),
            ("2", Some((1, How::Sure))),
            ("Le 3 !", Some((2, How::Sure))),
            ("la deuxième", Some((1, How::Sure))),
            ("le dernier", Some((2, How::Sure))),
            ("appart'", Some((1, How::Sure))),
            ("apartement", Some((1, How::Likely))),
            ("mes bureaux", Some((2, How::Sure))),
            ("pro ou professionel", Some((2, How::Likely))),
            ("maison ou studio", Some((1, How::Sure))),
            ("villa et studio", Some((0, How::Unsure))),
            ("4", None),
            ("je ne sais pas", None),
        ] {
            let read = choice(&labels, &tokens(text)).map(|reading| (reading.what, reading.how));
            assert_eq!(read, expected, "{text}");
        }
    }
}
