//! STOP and START words: a person opts out, or back in, with a message that says nothing else.
//!
//! Only a whole message counts. "Stop !" opts out; "stop, o Zé não vem" is a sentence.

use std::collections::BTreeSet;

/// What a message asks for when it is nothing but a keyword.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyword {
    /// Nothing more may be sent.
    Stop,
    /// Messages may be sent again.
    Start,
}

/// Words that opt out in French, English, Spanish, German, Italian and Portuguese, and the texts of Meta's own
/// opt-out buttons. Left out on purpose: words that answer a question or cancel a meeting
/// ("non", "fin", "end", "basta", "annuler", "cancel", "cancella", "cancelar", "absagen").
const STOP: &[&str] = &[
    // French
    "stop",
    "arrêt",
    "arrêter",
    "arrête",
    "arrêtez",
    "stopper",
    "désinscription",
    "désinscrire",
    "me désinscrire",
    "désinscrivez-moi",
    "désabonner",
    "me désabonner",
    "désabonnement",
    "se désabonner",
    "stop merci",
    "merci stop",
    "stop svp",
    "arrêtez svp",
    "stop sms",
    "stop whatsapp",
    "stop pub",
    "arrêter les promotions",
    "ne plus me contacter",
    "ne me contactez plus",
    // English
    "stop all",
    "stopall",
    "stop please",
    "please stop",
    "unsubscribe",
    "unsubscribe me",
    "opt out",
    "optout",
    "remove me",
    "quit",
    "stop promotions",
    "stop messages",
    "stop messaging me",
    "do not contact me",
    "don't contact me",
    // Spanish
    "baja",
    "dar de baja",
    "darme de baja",
    "darse de baja",
    "cancelar suscripción",
    "stop por favor",
    "no me contacten más",
    "detener promociones",
    // German
    "stopp",
    "abmelden",
    "abmeldung",
    "abbestellen",
    "austragen",
    "bitte stopp",
    "bitte stop",
    "stopp bitte",
    "keine nachrichten mehr",
    "kontaktieren sie mich nicht mehr",
    // Italian
    "cancellami",
    "disiscrivimi",
    "disiscriviti",
    "disiscrizione",
    "annulla iscrizione",
    "rimuovimi",
    "stop grazie",
    "non contattatemi più",
    // Portuguese
    "sair",
    "parar",
    "pare",
    "descadastrar",
    "desinscrever",
    "cancelar inscrição",
    "cancelar subscrição",
    "parar promoções",
    "não me contate mais",
    "não me contactem mais",
];

/// Words that opt back in. They matter only to someone who opted out.
const START: &[&str] = &[
    "start",
    "unstop",
    "restart",
    "resume",
    "subscribe",
    "resubscribe",
    "opt in",
    "reprendre",
    "réabonner",
    "me réabonner",
    "réabonnement",
    "réinscription",
    "réinscrire",
    "alta",
    "darme de alta",
    "suscribir",
    "suscribirme",
    "reanudar",
    "anmelden",
    "wieder anmelden",
    "iscrivimi",
    "riprendi",
    "inscrever",
    "retomar",
];

/// The keywords in force. Build once, ask for every message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keywords {
    stop: BTreeSet<String>,
    start: BTreeSet<String>,
}

impl Default for Keywords {
    /// The usual words of six languages.
    fn default() -> Self {
        Self::new(STOP, START)
    }
}

impl Keywords {
    /// Exactly these words, written in any case, with or without accents and punctuation.
    /// A word that is nothing but punctuation is ignored; one in both lists stops.
    #[must_use]
    pub fn new<S: AsRef<str>>(stop: &[S], start: &[S]) -> Self {
        let folded =
            |words: &[S]| words.iter().map(|word| fold(word.as_ref())).filter(|word| !word.is_empty()).collect();
        Self { stop: folded(stop), start: folded(start) }
    }

    /// These words besides the ones already in force: a tenant adds its own, and cannot take STOP away.
    #[must_use]
    pub fn with<S: AsRef<str>>(mut self, stop: &[S], start: &[S]) -> Self {
        let more = Self::new(stop, start);
        self.stop.extend(more.stop);
        self.start.extend(more.start);
        self
    }

    /// Without these words, which mean something else to a tenant's people. STOP itself cannot be taken away.
    #[must_use]
    pub fn except<S: AsRef<str>>(mut self, words: &[S]) -> Self {
        for word in words.iter().map(|word| fold(word.as_ref())).filter(|word| word != "stop") {
            self.stop.remove(&word);
            self.start.remove(&word);
        }
        self
    }

    /// What `text` asks for, when it is a keyword and nothing else. Case, accents, punctuation, emoji and
    /// surplus whitespace do not count, and a word said several times ("STOP STOP") is said once.
    #[must_use]
    pub fn of(&self, text: &str) -> Option<Keyword> {
        // Nothing longer can be a keyword, and a text of 4096 emoji need not be folded to know.
        if text.len() > 1024 {
            return None;
        }
        let folded = fold(text);
        let once = said_once(&folded);
        if self.stop.contains(once) || self.stop.contains(&folded) {
            Some(Keyword::Stop)
        } else if self.start.contains(once) || self.start.contains(&folded) {
            Some(Keyword::Start)
        } else {
            None
        }
    }

    /// Whether `text` is a STOP word and nothing else.
    #[must_use]
    pub fn is_stop(&self, text: &str) -> bool {
        self.of(text) == Some(Keyword::Stop)
    }
}

/// "stop stop stop" → "stop"; anything else unchanged.
fn said_once(folded: &str) -> &str {
    let mut words = folded.split(' ');
    match words.next() {
        Some(first) if words.all(|word| word == first) => first,
        _ => folded,
    }
}

/// Lower case, without accents; all that is neither letter nor digit becomes one space between words.
fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.chars().flat_map(char::to_lowercase) {
        if is_invisible(c) {
            continue;
        }
        let c = half_width(c);
        if !c.is_alphanumeric() {
            gap = true;
            continue;
        }
        if gap && !folded.is_empty() {
            folded.push(' ');
        }
        gap = false;
        match unaccented(c) {
            Some(plain) => folded.push_str(plain),
            None => folded.push(c),
        }
    }
    folded
}

/// Combining accents, zero-width characters and variation selectors: part of a word, but not of its letters.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}' | '\u{fe00}'..='\u{fe0f}')
}

/// Full-width letters, as some keyboards write them.
fn half_width(c: char) -> char {
    match c {
        '\u{ff41}'..='\u{ff5a}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        _ => c,
    }
}

/// The plain letters of an accented lower-case one of a Latin alphabet.
const fn unaccented(c: char) -> Option<&'static str> {
    Some(match c {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ā' | 'ă' | 'ą' => "a",
        'ç' | 'ć' | 'č' => "c",
        'ď' | 'đ' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ė' | 'ę' | 'ě' => "e",
        'ğ' => "g",
        'ì' | 'í' | 'î' | 'ï' | 'ī' | 'į' | 'ı' => "i",
        'ł' => "l",
        'ñ' | 'ń' | 'ň' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ō' | 'ő' => "o",
        'ř' => "r",
        'ś' | 'š' | 'ş' | 'ș' => "s",
        'ť' | 'ţ' | 'ț' => "t",
        'ù' | 'ú' | 'û' | 'ü' | 'ū' | 'ů' | 'ű' => "u",
        'ý' | 'ÿ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        'æ' => "ae",
        'œ' => "oe",
        'ß' => "ss",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_message_stops() {
        let keywords = Keywords::default();
        let stops = [
            "STOP",
            "Stop !",
            "  stop. ",
            "«stop»",
            "STOP 🛑",
            "🙏 Stop 🙏🏽",
            "stop\n\n",
            "STOP STOP STOP!!!",
            "ARRET",
            "Arrêter",
            "ARRÊTER",
            "arre\u{302}ter",
            "Désinscription",
            "DESINSCRIPTION",
            "désabonner",
            "Unsubscribe",
            "Opt-out",
            "opt out",
            "BAJA",
            "Abmelden.",
            "Stopp",
            "SAIR",
            "Cancellami",
            "s\u{200b}top",
            "ＳＴＯＰ",
            "Stop merci",
            "STOP, please",
            "Stop promotions",
            "Não me contate mais",
        ];
        for text in stops {
            assert_eq!(keywords.of(text), Some(Keyword::Stop), "{text}");
        }
        let nothing = [
            "stop, o Zé não vem",
            "non",
            "Non merci",
            "fin",
            "end",
            "annuler",
            "cancel",
            "Cancella",
            "no",
            "ne pas arrêter",
            "stop it, you're too kind",
            "bus stop",
            "stopover",
            "nonstop",
            "je m'arrête à 18h",
            "basta",
            "S T O P",
            "🛑",
            "",
            "  ",
            "oui",
            "START what?",
            "stop start",
        ];
        for text in nothing {
            assert_eq!(keywords.of(text), None, "{text}");
        }
        assert_eq!(keywords.of(&"stop ".repeat(1000)), None);
    }

    #[test]
    fn start_words_and_a_tenants_own() {
        let keywords = Keywords::default().with(&["Laissez-moi !", "🛑"], &["on reprend", "STOP"]);
        assert_eq!(keywords.of("Start"), Some(Keyword::Start));
        assert_eq!(keywords.of("On reprend ?"), Some(Keyword::Start));
        assert!(keywords.is_stop("laissez moi"));
        assert!(keywords.is_stop("stop"), "STOP cannot be made a START word");
        assert!(!keywords.is_stop(""), "a word of punctuation only is no word");
        let fewer = Keywords::default().except(&["Quit", "STOP", "resume"]);
        assert!(!fewer.is_stop("quit") && fewer.of("resume").is_none());
        assert!(fewer.is_stop("stop"), "STOP itself cannot be taken away");
        assert!(!Keywords::new(&["ende"], &[]).is_stop("stop"));
        assert!(Keywords::new(&["ende"], &[]).is_stop("ENDE"));
    }
}
