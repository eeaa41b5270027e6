//! Things that people say in any conversation, whatever was asked.

use super::Lexicon;
use crate::config::Words;

/// What the person wants, beside answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Intent {
    /// Do not write to me any more.
    Stop,
    /// You have the wrong person.
    WrongPerson,
    /// I am angry.
    Anger,
    /// Let me talk to someone.
    HandOver,
    /// I am not interested (any more).
    NotInterested,
    /// I do not need it (any more): a refusal, unless it answers the question.
    NoNeed,
    /// Are you a robot?
    Robot,
    /// Who are you?
    Who,
    /// Where did you get my number?
    Source,
    /// Call me.
    CallMe,
    /// Not now.
    Later,
    /// Cancel the meeting.
    Cancel,
    /// It is not possible (then).
    Impossible,
    /// What is offered is too early.
    TooEarly,
    /// What is offered is too late.
    TooLate,
    /// Which times are there?
    WhichTimes,
    /// Any time will do.
    Anything,
    /// Thank you.
    Thanks,
    /// Hello.
    Greeting,
}

/// The words for each intent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Intents {
    lexicon: Lexicon<Intent>,
    corrections: Lexicon<()>,
}

/// What begins a correction of something said before.
const CORRECTIONS: &[&str] = &[
    "en fait",
    "en réalité",
    "je me suis tromp*",
    "je me trompe",
    "pardon",
    "erreur",
    "je voulais dire",
    "finalement",
    "je rectifie",
    "correction",
    "je corrige",
    "plutôt",
    "actually",
    "i meant",
    "i mean",
    "sorry",
    "my mistake",
    "correction",
];

#[rustfmt::skip]
const WORDS: &[(Intent, &[&str])] = &[
    (Intent::Stop, &[
        "arrêtez", "arrête", "arrêter de m'écrire", "arrêtez de m'écrire", "stop", "stoppez", "désabonn*",
        "désinscri*", "désinscrire", "ne m'écrivez plus", "ne me contactez plus",
        "ne plus me contacter", "ne plus être contacté*", "plus être contacté*", "ne souhaite plus être contacté*",
        "me contactez plus", "m'écrivez plus", "ne m'appelez plus", "cessez", "retirez-moi", "retirez moi",
        "retirez mon numéro", "supprimez mon numéro", "supprimez mes données", "supprimez mes coordonnées",
        "effacez mon numéro", "enlevez mon numéro", "enlevez-moi", "laissez-moi tranquille", "foutez-moi la paix",
        "fichez-moi la paix", "lâchez-moi", "unsubscribe", "opt out", "remove me",
        "leave me alone", "do not contact me", "don't contact me", "stop messaging me", "stop texting",
        "never contact me",
    ]),
    (Intent::WrongPerson, &[
        "mauvais numéro", "faux numéro", "trompez de numéro", "trompé de numéro", "erreur de numéro",
        "mauvaise personne", "pas la bonne personne", "pas le bon numéro", "vous vous trompez", "vous faites erreur",
        "je n'ai rien demandé",
        "j'ai rien demandé", "rien demandé", "jamais fait de demande", "jamais rien demandé", "pas fait de demande",
        "aucune demande", "wrong number", "wrong person", "i didn't ask", "never asked",
    ]),
    (Intent::Anger, &[
        "arnaque*", "une arnaque", "du harcèlement", "is harassment", "is a scam", "is spam", "du spam", "arnaqueur*", "escroc*", "escroquerie", "harcèlement", "harcelez", "spam", "c'est une honte",
        "honteux", "scandaleux", "inadmissible", "ras le bol", "marre", "j'en ai marre", "vous vous foutez",
        "foutage de gueule", "vous me saoulez", "vous me soulez", "vous m'énervez", "vous me gonflez", "va te faire", "allez vous faire",
        "voleur*", "connard*", "connasse", "merde", "putain", "fait chier", "casse toi", "dégage*", "scam", "harassment",
        "fuck*", "bullshit", "😡", "🤬", "🖕",
    ]),
    (Intent::HandOver, &[
        "parler à quelqu'un", "parler à une personne", "parler à un humain", "parler à un conseiller",
        "parler à un responsable", "parler avec quelqu'un", "un vrai humain", "un vrai conseiller", "un vrai commercial", "quelqu'un de vrai", "une vraie personne", "un être humain",
        "un humain", "un conseiller", "un commercial", "une personne réelle", "quelqu'un de réel",
        "un responsable", "service client", "speak to someone", "talk to someone", "talk to a human", "real person",
        "a human", "an agent", "speak to a person",
    ]),
    (Intent::NotInterested, &[
        "pas intéressé*", "plus intéressé*", "ne m'intéresse pas", "m'intéresse pas", "m'intéresse plus",
        "ne m'intéresse plus", "aucun intérêt", "sans intérêt", "plus d'actualité", "j'ai changé d'avis",
        "changé d'avis",
        "laissez tomber", "laisse tomber", "on laisse tomber", "je passe mon tour", "sans suite", "pas donner suite",
        "non merci pas", "ne donne pas suite", "not interested", "no longer interested", "changed my mind",
    ]),
    (Intent::NoNeed, &[
        "plus besoin", "pas besoin", "aucun besoin", "j'ai déjà trouvé", "trouvé ailleurs", "found elsewhere", "déjà trouvé", "déjà signé", "déjà équipé*",
        "signé ailleurs", "already sorted", "all sorted", "déjà fait", "no longer need", "no need", "don't need", "already found",
    ]),
    (Intent::Robot, &[
        "robot", "un bot", "bot", "chatbot", "une ia", "intelligence artificielle", "chatgpt", "chat gpt",
        "automatique", "message automatique", "une machine", "êtes-vous humain*", "vous êtes humain*",
        "un ordinateur", "are you human", "are you real", "an ai", "automated",
    ]),
    (Intent::Who, &[
        "qui êtes-vous", "qui êtes vous", "vous êtes qui", "c'est qui", "qui est-ce", "qui es-tu", "t'es qui",
        "tu es qui", "qui parle", "qui m'écrit", "de la part de qui", "c'est pour quoi", "c'est pourquoi",
        "c'est quoi cette société", "quelle société", "quelle entreprise", "quel organisme", "je vous connais pas",
        "je ne vous connais pas",
        "on se connaît", "who are you", "who is this", "who's this", "which company", "who am i talking to",
        "c'est quelle société", "c'est quelle entreprise", "vous travaillez pour qui", "who do you work for",
    ]),
    (Intent::Source, &[
        "d'où avez-vous", "d'où vous avez", "comment avez-vous eu", "comment vous avez eu", "où avez-vous eu",
        "où avez-vous trouvé", "où vous avez eu", "comment avez-vous obtenu", "qui vous a donné", "d'où vient mon numéro",
        "vous avez eu mon numéro", "d'où sortez-vous mon numéro", "avez eu mes coordonnées", "vous avez mon numéro",
        "how did you get my", "where did you get my", "who gave you my",
    ]),
    (Intent::CallMe, &[
        "appelez-moi", "appelez moi", "appelle-moi", "appelle moi", "rappelez-moi", "rappelez moi", "rappelle-moi",
        "rappelle moi", "vous pouvez m'appeler", "pouvez-vous m'appeler", "pouvez m'appeler", "peut m'appeler",
        "me rappeler", "m'appeler", "me recontacter", "recontactez-moi", "contactez-moi", "me contacter par téléphone",
        "qu'on m'appelle", "coup de fil", "coup de téléphone", "coup de tél", "me joindre", "par téléphone", "au téléphone", "de vive voix", "un rdv", "un rendez-vous",
        "prendre rdv", "prendre rendez-vous", "call me", "phone me",
        "give me a call", "by phone", "ring me",
    ]),
    (Intent::Later, &[
        "pas maintenant", "pas tout de suite", "pas pour le moment", "pas pour l'instant", "plus tard",
        "je suis occupé*", "suis occupé*", "suis en réunion", "suis au travail", "au volant", "je conduis",
        "je vous réponds plus tard", "je reviens vers vous", "reviens vers vous", "je vous redis",
        "je vous recontacte", "une autre fois", "à un autre moment", "laissez-moi réfléchir", "je vais réfléchir",
        "je réfléchis", "je dois réfléchir", "besoin de réfléchir",
        "je dois voir avec", "dois voir avec", "je vais voir avec", "voir avec ma femme", "voir avec mon mari",
        "en parler à", "en discuter avec", "je ne sais pas encore", "sais pas encore", "je vous dirai",
        "je vous tiens au courant", "tiens au courant", "j'hésite encore", "let me think", "need to think",
        "think about it", "get back to you", "let you know", "talk to my", "check with my",
        "pas le temps", "pas disponible là", "not now", "later", "busy", "driving", "in a meeting", "another time",
    ]),
    (Intent::Cancel, &[
        "annule*", "annuler", "annulez", "annulation", "décommander", "je me désiste", "cancel", "call it off",
    ]),
    (Intent::Impossible, &[
        "pas possible", "impossible", "je ne peux pas", "je peux pas", "peux pas", "peux plus", "je ne peux plus",
        "ne pourrai pas", "pourrai pas", "je ne pourrai pas", "je pourrais pas", "empêché*", "empêchement",
        "un imprévu", "contretemps", "pas dispo", "pas disponible", "indisponible", "plus disponible", "plus dispo",
        "ne serai pas", "serai pas là", "pas libre", "ne suis pas libre", "reporter",
        "reportez", "repousser", "décaler", "déplacer", "changer la date", "changer l'heure", "changer de date",
        "changer d'heure", "modifier le rdv", "modifier le rendez-vous", "ça ne m'arrange pas", "m'arrange pas",
        "ça ne va pas", "ne me convient pas", "me convient pas", "ne convient pas", "aucun des deux",
        "aucune des deux", "ni l'un ni l'autre", "autre jour", "autre date", "autre créneau", "autre horaire",
        "autre chose",
        "can't make it", "cannot make it", "can't", "cannot", "not available", "not possible", "reschedule",
        "postpone", "another day", "neither", "something came up",
    ]),
    (Intent::TooEarly, &[
        "trop tôt", "un peu tôt", "tôt pour moi", "c'est tôt", "rien plus tard", "rien de plus tard",
        "quelque chose de plus tard", "vous avez plus tard", "too early", "bit early", "anything later", "something later",
    ]),
    (Intent::TooLate, &[
        "trop tard", "un peu tard", "tard pour moi", "c'est tard", "plus tôt", "too late", "bit late", "anything earlier",
        "something earlier", "anything sooner", "something sooner", "any earlier", "any sooner",
    ]),
    (Intent::WhichTimes, &[
        "vous proposez quoi", "vous proposez quand", "que proposez-vous", "proposez-moi", "vos dispos", "vos disponibilités",
        "vos créneaux", "quels créneaux", "quoi comme créneau*", "quels horaires", "vos horaires", "créneaux disponibles",
        "êtes-vous disponible*", "êtes-vous dispo", "vous êtes disponible*", "vous êtes dispo*", "vous êtes libre*",
        "what times", "which times", "what slots", "which slots", "what do you have", "are you available", "are you free",
        "your availability", "available slots", "available times",
    ]),
    (Intent::Anything, &[
        "peu importe", "n'importe", "n'importe quand", "n'importe lequel", "comme vous voulez", "quand vous voulez",
        "quand vous pouvez", "comme ça vous arrange", "à votre convenance", "au choix", "les deux",
        "les deux me vont", "tout me va", "tous les jours", "toute la journée", "m'est égal", "égal",
        "je suis flexible", "flexible", "je suis disponible", "toujours dispo", "tout le temps",
        "le plus tôt possible", "dès que possible", "asap", "rapidement",
        "au plus vite", "au plus tôt", "any time", "anytime", "whenever", "either", "both", "up to you",
        "as soon as possible",
    ]),
    (Intent::Thanks, &[
        "merci", "merci beaucoup", "mercii", "je vous remercie", "remercie", "thanks", "thank you", "thx",
        "bonne journée", "bonne soirée", "bon week-end", "à bientôt", "au revoir", "à demain", "à lundi", "à plus",
        "have a nice day", "bye", "🙏",
    ]),
    (Intent::Greeting, &[
        "bonjour", "bonsoir", "salut", "coucou", "hello", "hi", "hey", "good morning", "good afternoon", "good evening",
        "slt", "bjr", "👋",
    ]),
];

/// Words that mean it only when little else is said: "stop" alone, not "un stop à Lyon".
const ONLY_ALONE: [Intent; 5] = [Intent::Stop, Intent::Thanks, Intent::Later, Intent::Cancel, Intent::Anger];

impl Intents {
    /// The built-in words and a company's own.
    pub(crate) fn new(own: &Words) -> Self {
        let mut lexicon = Lexicon::default();
        for (intent, phrases) in WORDS {
            lexicon.add(*intent, phrases.iter().copied());
        }
        let own = [
            (Intent::Stop, &own.stop),
            (Intent::WrongPerson, &own.wrong_person),
            (Intent::Anger, &own.anger),
            (Intent::HandOver, &own.hand_over),
            (Intent::NotInterested, &own.not_interested),
            (Intent::Robot, &own.robot),
            (Intent::Who, &own.who),
            (Intent::Source, &own.source),
            (Intent::CallMe, &own.call_me),
            (Intent::Later, &own.later),
            (Intent::Cancel, &own.cancel),
            (Intent::Impossible, &own.impossible),
            (Intent::Anything, &own.anything),
            (Intent::Thanks, &own.thanks),
        ];
        for (intent, phrases) in own {
            lexicon.add(intent, phrases.iter().map(String::as_str));
        }
        let mut corrections = Lexicon::default();
        corrections.add((), CORRECTIONS.iter().copied());
        Self { lexicon, corrections }
    }

    /// True when a message takes something back: "en fait…", "je me suis trompé".
    pub(crate) fn corrects(&self, message: &[String]) -> bool {
        !self.corrections.scan(message).is_empty()
    }

    /// True when a message greets or thanks and says nothing else.
    pub(crate) fn is_courtesy(&self, message: &[String]) -> bool {
        let hits = self.lexicon.scan(message);
        let is_polite = |what: Intent| matches!(what, Intent::Greeting | Intent::Thanks);
        let covered: usize = hits.iter().filter(|hit| is_polite(hit.what)).map(|hit| hit.len).sum();
        let small = ["a", "vous", "monsieur", "madame", "et", "bien", "tous", "there", "you"];
        covered > 0 && covered + message.iter().filter(|word| small.contains(&word.as_str())).count() >= message.len()
    }

    /// Everything that a message wants, the weightiest first.
    pub(crate) fn read(&self, message: &[String]) -> Vec<Intent> {
        let short = |what: Intent| message.len() <= if what == Intent::Anger { 8 } else { 5 };
        let hits = self.lexicon.scan(message);
        let mut found: Vec<Intent> = hits
            .iter()
            .filter(|hit| hit.len > 1 || short(hit.what) || !ONLY_ALONE.contains(&hit.what))
            .filter(|hit| !is_denied(message, hit.at, hit.what))
            .map(|hit| hit.what)
            .collect();
        found.sort();
        found.dedup();
        found
    }
}

/// "n'annulez pas", "pas stop": the word before or after turns it round.
fn is_denied(message: &[String], at: usize, what: Intent) -> bool {
    let word = |at: Option<usize>| at.and_then(|at| message.get(at)).map(String::as_str);
    matches!(what, Intent::Cancel | Intent::Stop)
        && (word(at.checked_sub(1)) == Some("n") || word(Some(at + 1)) == Some("pas"))
}

#[cfg(test)]
mod tests {
    use super::super::tokens;
    use super::*;

    #[test]
    fn what_people_want() {
        let intents = Intents::new(&Words { robot: vec!["c-3po".to_owned()], ..Words::default() });
        for (text, expected) in [
            ("Arrêtez svp", vec![Intent::Stop]),
            ("Merci de ne plus me contacter", vec![Intent::Stop]),
            ("je fais un stop à Lyon la semaine prochaine", vec![]),
            ("n'arrêtez pas", vec![]),
            ("Je ne suis plus intéressé", vec![Intent::NotInterested]),
            ("C'est un robot ?", vec![Intent::Robot]),
            ("C-3PO ?", vec![Intent::Robot]),
            ("Vous êtes qui ?", vec![Intent::Who]),
            ("Appelez-moi", vec![Intent::CallMe]),
            ("pas maintenant je conduis", vec![Intent::Later]),
            ("Pas possible", vec![Intent::Impossible]),
            ("J'ai un empechement", vec![Intent::Impossible]),
            ("annulez svp", vec![Intent::Cancel]),
            ("n'annulez surtout pas", vec![]),
            ("C'est un peu tôt pour moi", vec![Intent::TooEarly]),
            ("rien de plus tôt ?", vec![Intent::TooLate]),
            ("le plus tôt possible", vec![Intent::Anything]),
            ("plus tard", vec![Intent::Later]),
            ("Vous êtes dispo quand ?", vec![Intent::WhichTimes]),
            ("peu importe", vec![Intent::Anything]),
            ("merci, bonne journée", vec![Intent::Thanks]),
            ("faux numéro", vec![Intent::WrongPerson]),
            ("je veux parler à un humain", vec![Intent::HandOver]),
            ("c'est une arnaque !", vec![Intent::Anger]),
            ("Entre 6,5 et 7", vec![]),
            ("Début après-midi vers 14h30", vec![]),
        ] {
            assert_eq!(intents.read(&tokens(text)), expected, "{text}");
        }
    }
}
