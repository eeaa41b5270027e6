//! Whether a script's texts can be said: in every language, with variables that have a value, within WhatsApp's limits.

use std::collections::BTreeSet;

use relais_sdk::problem;

use crate::check::Check;
use crate::script::VARIABLES;
use crate::text::{MOST_TEXT, Name, Text, width};

/// The host's limit on the key of a note.
const MOST_NOTE_KEY: usize = 64;
/// Where some variables have a value; elsewhere they would leave a hole in the text.
const ONLY_IN: [(&[&str], &[&str], &str); 4] = [
    (&["answer", "low", "high"], &["steps."], "in the texts and conditions of a step"),
    (
        &["days"],
        &["booking.offer-days", "booking.withdrawn", "booking.missed"],
        "in booking.offer-days, booking.withdrawn and booking.missed",
    ),
    (
        &["slots"],
        &["booking.offer-times", "booking.offer-slots", "booking.taken"],
        "in booking.offer-times, booking.offer-slots and booking.taken",
    ),
    (&["ended", "reason", "silent"], &["summary."], "in [[summary]]"),
];
/// Where no meeting stands and none is being discussed.
const BEFORE_A_MEETING: [&str; 6] = ["opening.", "steps.", "follow-ups.", "endings.", "booking.ask", "booking.again"];
const OF_A_MEETING: [&str; 6] = ["day", "weekday", "date", "time", "with", "moves"];

impl Check<'_> {
    /// The summary is read by the CRM's people: in the company's language, so one language is enough.
    pub(crate) fn summary_text(&mut self, at: &str, text: Option<&Text>) {
        if let Some(text) = text {
            self.sources(at, text, MOST_TEXT);
        }
    }

    /// A template's name, one for every language or one for each.
    pub(crate) fn name(&mut self, at: &str, name: &Name) {
        let text = name.as_text();
        if text.variants.is_empty() || text.sources().any(|(_, source)| source.trim().is_empty()) {
            self.wrong(at, "name a template of flow.toml");
        }
        self.languages(at, text);
    }

    /// Titles shown together must differ in each language: WhatsApp refuses twins.
    pub(crate) fn different(&mut self, at: &str, titles: &[(String, &Text)]) {
        let languages =
            if self.config.languages.is_empty() { vec![String::new()] } else { self.config.languages.clone() };
        for language in languages {
            let mut seen = BTreeSet::new();
            for (key, title) in titles {
                let shown = title.variants_for(&language).first().map_or("", String::as_str).trim();
                if !shown.is_empty() && !seen.insert(shown) {
                    self.wrong(
                        format!("{at}.{key}"),
                        format!("two titles are {shown:?}: WhatsApp wants them to differ"),
                    );
                    return;
                }
            }
        }
    }

    pub(crate) fn any_text(&mut self, at: &str, text: Option<&Text>) {
        if let Some(text) = text {
            self.text(at, text, MOST_TEXT);
        }
    }

    /// A text must be there in every language, parse, use known variables, and keep to a limit.
    pub(crate) fn text(&mut self, at: &str, text: &Text, most: usize) {
        if text.variants.is_empty() || text.sources().any(|(_, source)| source.trim().is_empty()) {
            self.wrong(at, "write the text");
        }
        self.languages(at, text);
        if let (Some(all), [first, .., last]) = (text.variants.get(""), self.config.languages.as_slice())
            && all.iter().any(|source| has_words(source))
        {
            let what = format!("one text for all the languages of this script: write {{ {first} = …, {last} = … }}");
            self.wrong(at, what);
        }
        if text.after.is_some_and(|after| after.0 > 600) {
            self.wrong(format!("{at}.after"), "a pause may last 10 minutes at most");
        }
        self.sources(at, text, most);
    }

    /// A text that is written by language must have every language of the script, and no other.
    pub(crate) fn languages(&mut self, at: &str, text: &Text) {
        let known = &self.config.languages;
        if !text.variants.contains_key("") {
            for language in known.iter().filter(|language| !text.variants.contains_key(*language)) {
                let what = format!("the text is missing in `{language}`, a language of this script");
                self.problems.push(problem(format!("{at}.{language}"), what));
            }
        }
        for language in text.variants.keys().filter(|tag| !tag.is_empty() && !known.contains(tag)) {
            let what =
                format!("`{language}` is not among the script's languages: add it to `languages` or take the text out");
            self.problems.push(problem(format!("{at}.{language}"), what));
        }
    }

    /// Each wording must parse, use known variables, and keep to WhatsApp's limit.
    pub(crate) fn sources(&mut self, at: &str, text: &Text, most: usize) {
        for (path, source) in text.sources() {
            let place = format!("{at}{path}");
            let length = width(&visible(source));
            if length > most {
                self.wrong(&place, format!("{length} characters: WhatsApp takes {most} here"));
            }
            if at == "booking.ask-day" && source.contains("time") && !source.contains("if time") {
                let what =
                    "who said \"in the morning\" named no one time: write {% if time %} at {{ time }}{% endif %}";
                self.wrong(&place, what);
            }
            match self.texts.add(source) {
                Ok(used) => self.variables(&place, &used),
                Err(error) => self.wrong(&place, format!("the text cannot be read: {error}")),
            }
        }
    }

    pub(crate) fn condition(&mut self, at: &str, condition: Option<&str>) {
        let Some(condition) = condition else { return };
        match self.texts.add_condition(condition) {
            Ok(used) => self.variables(at, &used),
            Err(error) => self.wrong(at, format!("the condition cannot be read: {error}")),
        }
    }

    pub(crate) fn variables(&mut self, at: &str, used: &BTreeSet<String>) {
        for name in used {
            let (head, tail) = name.split_once('.').unwrap_or((name, ""));
            let key = tail.split('.').next().unwrap_or_default();
            self.used.insert(head.to_owned());
            let is_in = |places: &[&str]| places.iter().any(|place| at.starts_with(place));
            let only = ONLY_IN.iter().find(|(names, ..)| names.contains(&head)).filter(|_| !at.ends_with(".summary"));
            if !VARIABLES.contains(&head) {
                self.wrong(at, format!("there is no variable `{head}`; there are {}", VARIABLES.join(", ")));
            } else if let Some((.., places)) = only.filter(|(_, places, _)| !is_in(places)) {
                self.wrong(at, format!("`{head}` has a value only {places}"));
            } else if OF_A_MEETING.contains(&head) && is_in(&BEFORE_A_MEETING) && !at.starts_with("booking.ask-day") {
                self.wrong(at, format!("`{head}` has no value here: no meeting is being spoken of yet"));
            } else if ["notes", "answers"].contains(&head) && !key.is_empty() && !self.notes.contains(key) {
                self.wrong(at, format!("nothing is noted under `{key}`: no step or objection has note = \"{key}\""));
            }
        }
    }

    pub(crate) fn note_key(&mut self, at: &str, key: Option<&str>) {
        let Some(key) = key else { return };
        if key.is_empty() || key.chars().count() > MOST_NOTE_KEY {
            self.wrong(at, format!("a note's key has 1 to {MOST_NOTE_KEY} characters"));
        }
    }
}

/// The text outside `{{ }}` and `{% %}`: what is sent at least.
fn visible(source: &str) -> String {
    let mut out = String::new();
    let mut rest = source;
    while let Some(open) = rest.find("{{").into_iter().chain(rest.find("{%")).min() {
        out.push_str(rest.get(..open).unwrap_or_default());
        let inner = rest.get(open..).unwrap_or_default();
        let close = inner.find("}}").into_iter().chain(inner.find("%}")).min();
        rest = close.and_then(|close| inner.get(close + 2..)).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// True when there is something to translate: a word of three letters or more.
fn has_words(source: &str) -> bool {
    visible(source).split(|c: char| !c.is_alphabetic()).any(|word| word.chars().count() >= 3)
}
