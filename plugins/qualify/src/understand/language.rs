//! Which language a message is written in, when it is plain.

/// Words that are of one language only, as folded; none that people borrow ("ok", "stop", "week-end").
#[rustfmt::skip]
const FRENCH: &[&str] = &[
    "je", "j", "le", "les", "des", "du", "une", "et", "est", "c", "vous", "nous", "pour", "pas", "oui", "non", "merci",
    "bonjour", "bonsoir", "demain", "avec", "dans", "sur", "mais", "plutot", "suis", "etes", "avez", "ai", "ne", "que",
    "qui", "quoi", "quel", "quelle", "combien", "heures", "matin", "apres", "midi", "lundi", "mardi", "mercredi",
    "jeudi", "vendredi", "samedi", "dimanche", "mon", "ma", "mes", "votre", "vos", "peut", "etre", "ca", "bien", "tres",
    "possible", "semaine", "prochaine", "moi", "maison", "chez", "vers", "aussi", "au", "aux",
];
#[rustfmt::skip]
const ENGLISH: &[&str] = &[
    "i", "the", "you", "your", "yours", "is", "are", "am", "my", "me", "we", "it", "do", "does", "don", "can", "could",
    "would", "will", "what", "who", "how", "much", "many", "when", "where", "why", "which", "yes", "yeah", "hello",
    "hi", "hey", "thanks", "thank", "please", "tomorrow", "today", "morning", "afternoon", "evening", "monday",
    "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "next", "week", "at", "of", "and", "but", "not",
    "no", "really", "this", "that", "sorry", "speak", "english", "about", "interested", "need", "have", "already",
    "pm", "work", "works", "fine", "good", "great", "maybe", "house", "own", "for", "with", "to", "in", "call",
];

/// `fr` or `en` when at least two words of one are there and hardly any of the other: one word is often borrowed.
pub(crate) fn language(message: &[String]) -> Option<&'static str> {
    let count = |words: &[&str]| message.iter().filter(|said| words.contains(&letters(said))).count();
    let (french, english) = (count(FRENCH), count(ENGLISH));
    let plain = |one: usize, other: usize| (one >= 2 && other == 0) || one >= other + 3;
    if plain(french, english) {
        Some("fr")
    } else if plain(english, french) {
        Some("en")
    } else {
        None
    }
}

/// "3pm" without its digits.
fn letters(word: &str) -> &str {
    word.trim_start_matches(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::super::tokens;
    use super::language;

    #[test]
    fn only_what_is_plain() {
        for (text, expected) in [
            ("Yes I do", Some("en")),
            ("How much is it?", Some("en")),
            ("tomorrow at 3pm", Some("en")),
            ("Sorry, I don't speak French", Some("en")),
            ("Oui, c'est ça", Some("fr")),
            ("Demain à 15 heures", Some("fr")),
            ("Yes", None),
            ("ok thanks", None),
            ("Ok pour demain", Some("fr")),
            ("hello", None),
            ("120 m2", None),
            ("non merci", Some("fr")),
            ("Le week-end in shallah mais pas le lundi", Some("fr")),
        ] {
            assert_eq!(language(&tokens(text)), expected, "{text}");
        }
    }
}
