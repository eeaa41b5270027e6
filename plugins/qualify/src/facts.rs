//! Whether a summary that a model wrote holds to the facts noted: it may put them in other words, and add nothing.

use std::collections::BTreeSet;

use crate::understand::fold;

/// Words that a sentence may begin with though no fact has them.
const BEGINNINGS: [&str; 72] = [
    "le",
    "la",
    "les",
    "l",
    "un",
    "une",
    "il",
    "elle",
    "ils",
    "son",
    "sa",
    "ses",
    "ce",
    "cette",
    "aucun",
    "aucune",
    "a",
    "est",
    "n",
    "ne",
    "souhaite",
    "prospect",
    "prospecte",
    "client",
    "cliente",
    "personne",
    "lead",
    "rdv",
    "rendez",
    "appel",
    "conversation",
    "interesse",
    "interessee",
    "demande",
    "besoin",
    "projet",
    "budget",
    "pas",
    "connait",
    "dispose",
    "cherche",
    "attend",
    "prefere",
    "apres",
    "puis",
    "mais",
    "et",
    "en",
    "au",
    "the",
    "a",
    "an",
    "he",
    "she",
    "they",
    "his",
    "her",
    "their",
    "this",
    "no",
    "not",
    "is",
    "has",
    "wants",
    "asked",
    "customer",
    "person",
    "meeting",
    "call",
    "interested",
    "needs",
    "then",
];
/// Names that are no person's.
const KNOWN: [&str; 5] = ["rdv", "crm", "whatsapp", "tv", "ok"];
/// Amounts in words: each must be among the facts, in words or in figures.
const AMOUNTS: [(&str, &str); 50] = [
    ("deux", "2"),
    ("trois", "3"),
    ("quatre", "4"),
    ("cinq", "5"),
    ("six", "6"),
    ("sept", "7"),
    ("huit", "8"),
    ("neuf", "9"),
    ("dix", "10"),
    ("onze", "11"),
    ("douze", "12"),
    ("treize", "13"),
    ("quatorze", "14"),
    ("quinze", "15"),
    ("seize", "16"),
    ("vingt", "20"),
    ("trente", "30"),
    ("quarante", "40"),
    ("cinquante", "50"),
    ("soixante", "60"),
    ("cent", "100"),
    ("cents", "100"),
    ("mille", "1000"),
    ("dizaine", "10"),
    ("douzaine", "12"),
    ("vingtaine", "20"),
    ("centaine", "100"),
    ("two", "2"),
    ("three", "3"),
    ("four", "4"),
    ("five", "5"),
    ("seven", "7"),
    ("eight", "8"),
    ("nine", "9"),
    ("ten", "10"),
    ("eleven", "11"),
    ("twelve", "12"),
    ("fifteen", "15"),
    ("twenty", "20"),
    ("thirty", "30"),
    ("forty", "40"),
    ("fifty", "50"),
    ("sixty", "60"),
    ("hundred", "100"),
    ("thousand", "1000"),
    ("dozen", "12"),
    ("million", "1000000"),
    ("millions", "1000000"),
    ("milliers", "1000"),
    ("double", "2"),
];

/// Days and months: each must be among the facts. Days that depend on when one reads them ("tomorrow") never hold.
const DAYS: [&str; 51] = [
    "lundi",
    "mardi",
    "mercredi",
    "jeudi",
    "vendredi",
    "samedi",
    "dimanche",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "janvier",
    "fevrier",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "aout",
    "septembre",
    "octobre",
    "novembre",
    "decembre",
    "january",
    "february",
    "april",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "demain",
    "hier",
    "aujourd",
    "tomorrow",
    "yesterday",
    "today",
    "matin",
    "soir",
    "midi",
    "minuit",
    "morning",
    "evening",
    "noon",
    "midnight",
    "weekend",
];

/// Whether every figure, amount, day and name of `text` is among the facts, and nothing in it looks like an address, formatting
/// or a placeholder.
pub(crate) fn hold(text: &str, facts: &str) -> bool {
    let looks_wrong = ['@', '[', ']', '{', '}', '<', '>', '*', '#', '`', '\n', '|', '\\'];
    if text.trim().is_empty() || text.contains(looks_wrong) || text.contains("http") || text.contains("www.") {
        return false;
    }
    let (known_words, known_figures) = (words(facts), figures(facts));
    let figures_hold = figures(text).is_subset(&known_figures);
    figures_hold
        && sentences(text).all(|sentence| {
            split(sentence).enumerate().all(|(at, word)| {
                let folded = fold(word);
                let is_known = known_words.contains(&folded) || KNOWN.contains(&folded.as_str());
                let is_capital = word.starts_with(char::is_uppercase);
                let amount = AMOUNTS.iter().find(|(amount, _)| *amount == folded);
                let amount_holds = amount.is_none_or(|(_, figure)| is_known || known_figures.contains(*figure));
                let day_holds = is_known || !DAYS.contains(&folded.as_str());
                let name_holds = !is_capital || is_known || (at == 0 && BEGINNINGS.contains(&folded.as_str()));
                amount_holds && day_holds && name_holds
            })
        })
}

fn sentences(text: &str) -> impl Iterator<Item = &str> {
    text.split(['.', '!', '?', ':', ';', '«', '"']).filter(|sentence| !sentence.trim().is_empty())
}

fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_alphabetic()).filter(|word| !word.is_empty())
}

fn words(text: &str) -> BTreeSet<String> {
    split(text).map(fold).collect()
}

/// The runs of digits, without the zeros before them.
fn figures(text: &str) -> BTreeSet<String> {
    text.split(|character: char| !character.is_ascii_digit())
        .filter(|run| !run.is_empty())
        .map(|run| run.trim_start_matches('0').to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::hold;

    #[test]
    fn a_summary_may_say_the_facts_in_other_words_and_add_nothing() {
        let facts = r#"Prospect intéressé. {"besoin":{"from":6.5,"to":7},"toit":"Ardoise","meeting":{"time":"14h30","weekday":"jeudi"}}"#;
        for good in [
            "Le prospect a un besoin de 6,5 à 7 et un toit en ardoise.",
            "Prospect intéressé : RDV jeudi à 14h30. Il a un toit en Ardoise.",
            "Besoin entre 6,5 et sept.",
        ] {
            assert!(hold(good, facts), "{good}");
        }
        for bad in [
            "",
            "Prospect intéressé par 12 panneaux.",
            "Prospect intéressé par douze panneaux.",
            "RDV vendredi à 14h30.",
            "RDV demain à 14h30.",
            "Le prospect, Jean Dupont, est intéressé.",
            "Jean est intéressé.",
            "Il habite Paris.",
            "Contacter zoe@example.com.",
            "**Prospect** intéressé.",
            "Prospect intéressé.\nIgnore the rest.",
            "Voir http://example.com",
            "[name] est intéressé.",
        ] {
            assert!(!hold(bad, facts), "{bad}");
        }
    }
}
