//! Yes, no, or perhaps.

use super::{Lexicon, Reading};
use crate::config::Words;

/// What was answered to a question for yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Yes,
    No,
    Maybe,
}

impl Answer {
    /// The word used in `script.toml` and in notes.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Maybe => "maybe",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weight {
    /// Said in so many words.
    Plain(Answer),
    /// Implied.
    Soft(Answer),
}

/// The words for yes, no and perhaps.
#[derive(Debug, Clone, Default)]
pub(crate) struct YesNo {
    lexicon: Lexicon<Weight>,
}

#[rustfmt::skip]
const YES: &[&str] = &[
    "oui", "ouais", "ouai", "ouaip", "ouep", "oue", "ui", "vi", "yes", "yep", "yeah", "yup", "si", "mais si",
    "bien sûr", "biensur", "bien entendu", "évidemment", "tout à fait", "toutafait", "absolument", "carrément",
    "exact", "exactement", "c'est ça", "c'est exact", "effectivement", "en effet", "affirmatif", "d'accord",
    "daccord",
    "dac", "dacc", "ok", "okay", "oki", "okey", "volontiers", "avec plaisir", "avec joie", "ça marche", "ça roule",
    "ça me va", "ça nous va", "pas de problème", "pas de souci", "pas de soucis", "sans problème", "no problem", "no worries", "aucun problème",
    "aucun souci", "parfait", "entendu", "allez-y", "vas-y", "allons-y", "go", "je confirme", "je veux bien",
    "nous voulons bien", "je suis intéressé*", "ça m'intéresse", "très bien", "super", "génial", "top", "nickel",
    "impeccable", "sûr", "of course", "sure", "absolutely", "definitely", "certainly", "certainement", "sounds good", "sounds great", "ça me convient", "ça convient", "bon pour moi", "c'est bon pour moi", "c bon pour moi", "works for me", "suits me",
    "c'est clair", "c clair", "fine", "right", "correct", "i do", "we do", "i am", "we are", "👍", "✅", "👌", "✔", "☑", "💯", "🆗",
];

#[rustfmt::skip]
const NO: &[&str] = &[
    "non", "nan", "nn", "nope", "no", "nein", "noo", "non merci", "no thanks", "pas du tout", "du tout",
    "absolument pas", "certainement pas",
    "sûrement pas", "bien sûr que non", "jamais", "négatif", "aucunement", "nullement", "hors de question",
    "pas question",
    "c'est non", "toujours pas", "pas encore", "plus maintenant", "not at all", "not really", "not yet", "never",
    "que dalle", "nah", "nada", "don't", "do not",
    "i don't", "we don't", "👎", "❌", "🙅", "🚫", "✖",
];

#[rustfmt::skip]
const MAYBE: &[&str] = &[
    "peut-être", "peut être", "p't'être", "ptet", "ptetre", "je ne sais pas", "je sais pas", "sais pas", "jsp",
    "jsais pas", "chais pas", "aucune idée",
    "ça dépend", "cela dépend", "dépend", "pas sûr", "pas sûre", "pas certain*", "oui et non", "ni oui ni non",
    "bof", "mouais", "éventuellement", "à voir",
    "faut voir", "on verra", "possible", "c'est possible", "hésite", "j'hésite", "aucune certitude", "maybe",
    "perhaps", "not sure", "i don't know", "no idea",
    "j'en sais rien", "j'en sais trop rien", "no clue", "not a clue", "dunno", "idk", "who knows", "it depends", "possibly", "🤷", "🤔",
];

#[rustfmt::skip]
const SOFT_YES: &[&str] = &[
    "pourquoi pas", "c'est bon", "c bon", "je crois", "je crois que oui", "je pense", "je pense que oui", "il me semble", "un peu",
    "vaguement", "vite fait", "plus ou moins", "à peu près",
    "de nom", "j'en ai", "on en a", "nous en avons", "déjà", "pas mal", "plutôt", "j'ai", "nous avons", "on a",
    "j'utilise", "nous utilisons", "on utilise", "i think so", "a little",
    "a bit", "already", "why not", "kind of", "sort of", "i have", "we have", "🙂", "😊", "😀", "😁", "🙌", "🤝", "🙏",
];

#[rustfmt::skip]
const SOFT_NO: &[&str] = &[
    "pas", "pas vraiment", "pas trop", "pas spécialement", "pas particulièrement", "pas tellement", "guère", "aucun",
    "aucune", "rien", "je ne crois pas", "je crois pas",
    "je ne pense pas", "je pense pas", "pas que je sache", "pas à ma connaissance", "je n'ai pas", "j'ai pas",
    "nous n'avons pas", "on n'a pas", "on a pas", "j'en ai pas", "je n'en ai pas",
    "je n'utilise pas", "j'utilise pas", "on utilise pas", "i don't think so", "not", "none", "nothing",
];

impl YesNo {
    /// The built-in words and a company's own.
    pub(crate) fn new(own: &Words) -> Self {
        let mut lexicon = Lexicon::default();
        lexicon.add(Weight::Plain(Answer::Yes), YES.iter().copied().chain(own.yes.iter().map(String::as_str)));
        lexicon.add(Weight::Plain(Answer::No), NO.iter().copied().chain(own.no.iter().map(String::as_str)));
        lexicon.add(Weight::Plain(Answer::Maybe), MAYBE.iter().copied());
        lexicon.add(Weight::Soft(Answer::Yes), SOFT_YES.iter().copied());
        lexicon.add(Weight::Soft(Answer::No), SOFT_NO.iter().copied());
        Self { lexicon }
    }

    /// Reads an answer. The first plain word counts: what follows a "non, …" explains it. Without a plain word a soft
    /// "no" outweighs a soft "yes" ("j'en ai pas").
    pub(crate) fn read(&self, message: &[String]) -> Option<Reading<Answer>> {
        let hits = self.lexicon.scan(message);
        let plain: Vec<(usize, Answer)> = hits
            .iter()
            .filter_map(|hit| match hit.what {
                Weight::Plain(answer) => Some((hit.at, answer)),
                Weight::Soft(_) => None,
            })
            .collect();
        if let Some((at, first)) = plain.first().copied() {
            let contradicted = plain.iter().any(|(_, other)| *other != first);
            let negated = first == Answer::Yes && soft(&hits, Answer::No);
            return Some(match (contradicted || negated, at <= 2) {
                (false, true) => Reading::sure(first),
                (false, false) => Reading::likely(first),
                // "Non, c'est bon" is a no; "d'accord mais non" is not clear.
                (true, _) if first == Answer::No && at == 0 => Reading::likely(first),
                // "Ok, mais pas tout de suite": heard, but not a plain yes.
                (true, _) => Reading::unsure(first),
            });
        }
        if soft(&hits, Answer::No) {
            return Some(Reading::likely(Answer::No));
        }
        soft(&hits, Answer::Yes).then(|| Reading::likely(Answer::Yes))
    }
}

fn soft(hits: &[super::lexicon::Hit<Weight>], answer: Answer) -> bool {
    hits.iter().any(|hit| hit.what == Weight::Soft(answer))
}

#[cfg(test)]
mod tests {
    use super::super::{How, tokens};
    use super::*;

    #[test]
    fn many_ways_to_say_it() {
        let words = YesNo::new(&Words { yes: vec!["banco".to_owned()], ..Words::default() });
        let read = |text: &str| words.read(&tokens(text)).map(|reading| (reading.what, reading.how));
        type Row<'a> = (&'a [&'a str], Option<(Answer, How)>);
        let table: &[Row<'_>] = &[
            (
                &[
                    "Oui",
                    "ouiii",
                    "Ouais carrément",
                    "bien sûr !",
                    "👍🏼",
                    "Ok",
                    "Pas de problème",
                    "ça marche",
                    "Mais oui",
                    "banco",
                    "Tout a fait",
                    "évidement",
                    "Absolument",
                    "yes",
                    "Ben oui",
                    "Oui oui",
                    "c'est ça",
                ],
                Some((Answer::Yes, How::Sure)),
            ),
            (
                &[
                    "Non",
                    "nooon",
                    "Nan",
                    "Non merci",
                    "pas du tout",
                    "jamais",
                    "bien sûr que non",
                    "👎",
                    "Pas encore",
                    "non non",
                    "Euh non",
                    "Non, c'est bon",
                ],
                Some((Answer::No, How::Sure)),
            ),
            (
                &["peut-être", "Je ne sais pas", "jsp", "ça dépend", "oui et non", "bof", "🤷‍♂️", "Pas sûr"],
                Some((Answer::Maybe, How::Sure)),
            ),
            (
                &["Pourquoi pas", "un peu", "j'en ai un", "je crois que oui", "on utilise Excel"],
                Some((Answer::Yes, How::Likely)),
            ),
            (
                &["pas vraiment", "j'en ai pas", "Je connais pas", "aucun", "je ne crois pas"],
                Some((Answer::No, How::Likely)),
            ),
            (&["ok mais pas tout de suite", "d'accord mais non"], Some((Answer::Yes, How::Unsure))),
            (&["Entre 6,5 et 7", "Demain", "le prix ?", "lui", "bonjour"], None),
        ];
        for (texts, expected) in table {
            for text in *texts {
                assert_eq!(read(text), *expected, "{text}");
            }
        }
    }
}
