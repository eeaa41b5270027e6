//! What is wrong with a script beyond its types.

use std::collections::BTreeSet;

use relais_sdk::{Problem, problem};

use crate::config::{Config, Kind, Show, Step};
use crate::graph;
use crate::script::VARIABLES;
use crate::steps::UNKNOWN;
use crate::text::{Text, is_language};
use crate::texts::Texts;

/// WhatsApp's limits, in characters.
const MOST_TEXT: usize = 4_096;
const MOST_WITH_BUTTONS: usize = 1_024;
const MOST_BUTTON: usize = 20;
const MOST_ROW: usize = 24;
/// The host's limit on the key of a note.
const MOST_NOTE_KEY: usize = 64;

/// The parsed texts, or every problem of the script.
pub(crate) fn run(config: &Config) -> Result<Texts, Vec<Problem>> {
    let mut check = Check { config, texts: Texts::new(), problems: Vec::new(), notes: notes(config) };
    check.whole();
    check.steps();
    check.objections_and_endings();
    check.booking();
    check.messages();
    check.replies_and_summary();
    check.problems.extend(graph::problems(config));
    if check.problems.is_empty() { Ok(check.texts) } else { Err(check.problems) }
}

/// Every key under which the script notes something.
fn notes(config: &Config) -> BTreeSet<String> {
    let steps = config.steps.iter().filter_map(|step| step.note.clone());
    steps.chain(config.objections.iter().filter_map(|objection| objection.note.clone())).collect()
}

struct Check<'a> {
    config: &'a Config,
    texts: Texts,
    problems: Vec<Problem>,
    notes: BTreeSet<String>,
}

impl Check<'_> {
    fn wrong(&mut self, at: impl Into<String>, what: impl Into<String>) {
        self.problems.push(problem(at, what));
    }

    fn whole(&mut self) {
        for (at, language) in self.config.languages.iter().enumerate() {
            if !is_language(language) {
                self.wrong(format!("languages.{at}"), format!("`{language}` is no language: write a tag such as `fr`"));
            }
        }
        if self.config.steps.is_empty() {
            self.wrong("steps", "write at least one question");
        }
        if self.config.opening.template.is_empty() {
            self.wrong("opening.template", "name a template of flow.toml");
        }
        if self.config.pace.0 > 600 {
            self.wrong("pace", "a pause may last 10 minutes at most");
        }
    }

    fn steps(&mut self) {
        let mut seen = BTreeSet::new();
        for (index, step) in self.config.steps.iter().enumerate() {
            let at = format!("steps.{index}");
            let reserved =
                step.id == "booking" || step.id == "hand-over" || step.id == "return" || step.id.contains(':');
            if step.id.is_empty() || reserved {
                self.wrong(
                    format!("{at}.id"),
                    "give the question a name of its own (not booking, hand-over, return; no colon)",
                );
            }
            if !seen.insert(step.id.as_str()) {
                self.wrong(format!("{at}.id"), format!("another step is already called `{}`", step.id));
            }
            let buttons = step.buttons.is_some() || step.show != Show::Text;
            self.text(&format!("{at}.ask"), &step.ask, if buttons { MOST_WITH_BUTTONS } else { MOST_TEXT });
            for (time, text) in step.again.iter().enumerate() {
                self.text(&format!("{at}.again.{time}"), text, if buttons { MOST_WITH_BUTTONS } else { MOST_TEXT });
            }
            if step.again.len() > 2 {
                self.wrong(format!("{at}.again"), "a question is asked again twice at most: write one or two texts");
            }
            self.any_text(&format!("{at}.say"), step.say.as_ref());
            self.note_key(&format!("{at}.note"), step.note.as_deref());
            self.condition(&format!("{at}.skip-if"), step.skip_if.as_deref());
            for (rule_at, rule) in step.rules.iter().enumerate() {
                self.condition(&format!("{at}.rules.{rule_at}.if"), Some(&rule.condition));
                self.any_text(&format!("{at}.rules.{rule_at}.say"), rule.say.as_ref());
            }
            self.branches(&at, step);
            self.choices(&at, step);
        }
        if let Some(asks) = &self.config.opening.asks
            && self.config.step(asks).is_none()
        {
            self.wrong("opening.asks", format!("there is no step `{asks}`"));
        }
    }

    fn branches(&mut self, at: &str, step: &Step) {
        for (answer, branch) in &step.on {
            let key = format!("{at}.on.{answer}");
            let known = match step.answer {
                Kind::YesNo => ["yes", "no", "maybe"].contains(&answer.as_str()),
                Kind::Choice => step.choices.iter().any(|choice| choice.id == *answer),
                _ => false,
            };
            let known = known || (answer == UNKNOWN && !matches!(step.answer, Kind::YesNo | Kind::Text));
            if !known {
                let what = match step.answer {
                    Kind::YesNo => "a yes-no question has the answers yes, no and maybe".to_owned(),
                    Kind::Choice => format!("there is no choice `{answer}`"),
                    _ => "this kind of question branches with `rules`; `on` knows only `unknown` here".to_owned(),
                };
                self.wrong(&key, what);
            }
            self.any_text(&format!("{key}.say"), branch.say.as_ref());
        }
    }

    fn choices(&mut self, at: &str, step: &Step) {
        if (step.answer == Kind::Choice) == step.choices.is_empty() {
            let what = if step.choices.is_empty() {
                "list the choices of this question"
            } else {
                "only a choice question has choices"
            };
            self.wrong(format!("{at}.choices"), what);
        }
        if step.answer != Kind::YesNo && step.buttons.is_some() {
            self.wrong(
                format!("{at}.buttons"),
                "only a yes-no question has these buttons; use show = \"buttons\" for choices",
            );
        }
        if step.answer != Kind::Number && (step.min.is_some() || step.max.is_some()) {
            self.wrong(format!("{at}.min"), "only a number has a smallest and a largest value");
        }
        let (most, count) = match step.show {
            Show::Text => (usize::MAX, usize::MAX),
            Show::Buttons => (MOST_BUTTON, 3),
            Show::List => (MOST_ROW, 10),
        };
        if step.choices.len() > count {
            self.wrong(format!("{at}.choices"), format!("WhatsApp shows at most {count} of them this way"));
        }
        let mut seen = BTreeSet::new();
        for (index, choice) in step.choices.iter().enumerate() {
            if !seen.insert(choice.id.as_str()) || choice.id.is_empty() {
                self.wrong(format!("{at}.choices.{index}.id"), "give each choice an id of its own");
            }
            self.text(&format!("{at}.choices.{index}.label"), &choice.label, most);
        }
        if let Some(buttons) = &step.buttons {
            self.text(&format!("{at}.buttons.yes"), &buttons.yes, MOST_BUTTON);
            self.text(&format!("{at}.buttons.no"), &buttons.no, MOST_BUTTON);
        }
        match (&step.list_title, step.show) {
            (Some(title), Show::List) => self.text(&format!("{at}.list-title"), title, MOST_BUTTON),
            (None, Show::List) => {
                self.wrong(format!("{at}.list-title"), "say what stands on the button that opens the list")
            }
            (Some(_), _) => self.wrong(format!("{at}.list-title"), "only show = \"list\" has such a title"),
            (None, _) => {}
        }
    }

    fn objections_and_endings(&mut self) {
        for (index, objection) in self.config.objections.iter().enumerate() {
            let at = format!("objections.{index}");
            if objection.words.iter().all(|words| words.trim().is_empty()) {
                self.wrong(format!("{at}.words"), "list the words that people use");
            }
            self.text(&format!("{at}.say"), &objection.say, MOST_TEXT);
            self.note_key(&format!("{at}.note"), objection.note.as_deref());
        }
        for (name, ending) in &self.config.endings {
            self.any_text(&format!("endings.{name}.say"), ending.say.as_ref());
        }
    }

    fn booking(&mut self) {
        let booking = &self.config.booking;
        let most = if booking.buttons { MOST_WITH_BUTTONS } else { MOST_TEXT };
        let texts = [
            ("ask", &booking.ask),
            ("ask-day", &booking.ask_day),
            ("offer-times", &booking.offer_times),
            ("offer-days", &booking.offer_days),
            ("offer-slots", &booking.offer_slots),
            ("taken", &booking.taken),
            ("none-free", &booking.none_free),
            ("confirm", &booking.confirm),
            ("cancelled", &booking.cancelled),
        ];
        for (key, text) in texts {
            self.text(&format!("booking.{key}"), text, most);
        }
        for (at, text) in booking.again.iter().enumerate() {
            self.text(&format!("booking.again.{at}"), text, most);
        }
        let optional = [
            ("confirm-moved", &booking.confirm_moved),
            ("confirm-chosen", &booking.confirm_chosen),
            ("withdrawn", &booking.withdrawn),
            ("standing", &booking.standing),
            ("noted", &booking.noted),
        ];
        for (key, text) in optional {
            self.any_text(&format!("booking.{key}"), text.as_ref());
        }
    }

    fn messages(&mut self) {
        for (at, parameter) in self.config.opening.parameters.iter().enumerate() {
            self.text(&format!("opening.parameters.{at}"), parameter, MOST_WITH_BUTTONS);
        }
        let reminders =
            self.config.reminders.iter().map(|each| ("reminders", &each.text, &each.template, &each.parameters));
        let follow_ups = &self.config.follow_ups.messages;
        let follow_ups =
            follow_ups.iter().map(|each| ("follow-ups.messages", &each.text, &each.template, &each.parameters));
        let messages: Vec<_> = reminders.enumerate().chain(follow_ups.enumerate()).collect();
        for (index, (key, text, template, parameters)) in messages {
            let at = format!("{key}.{index}");
            self.text(&format!("{at}.text"), text, MOST_TEXT);
            if template.as_deref().unwrap_or_default().is_empty() {
                let what =
                    "name a template of flow.toml: a day after the person's last message, only a template may be sent";
                self.wrong(format!("{at}.template"), what);
            }
            for (parameter_at, parameter) in parameters.iter().enumerate() {
                self.text(&format!("{at}.parameters.{parameter_at}"), parameter, MOST_WITH_BUTTONS);
            }
        }
    }

    fn replies_and_summary(&mut self) {
        let replies = &self.config.replies;
        let texts = [
            ("who", &replies.who),
            ("robot", &replies.robot),
            ("anger", &replies.anger),
            ("thanks", &replies.thanks),
            ("later", &replies.later),
            ("call-me", &replies.call_me),
            ("media", &replies.media),
            ("not-interested", &replies.not_interested),
            ("wrong-person", &replies.wrong_person),
            ("hand-over", &replies.hand_over),
            ("lost", &replies.lost),
        ];
        for (key, text) in texts {
            self.any_text(&format!("replies.{key}"), text.as_ref());
        }
        for (index, sentence) in self.config.summary.iter().enumerate() {
            self.condition(&format!("summary.{index}.if"), sentence.condition.as_deref());
            self.text(&format!("summary.{index}.say"), &sentence.say, MOST_TEXT);
        }
    }

    fn any_text(&mut self, at: &str, text: Option<&Text>) {
        if let Some(text) = text {
            self.text(at, text, MOST_TEXT);
        }
    }

    /// A text must be there in every language, parse, use known variables, and keep to a limit.
    fn text(&mut self, at: &str, text: &Text, most: usize) {
        if text.variants.is_empty() || text.sources().any(|(_, source)| source.trim().is_empty()) {
            self.wrong(at, "write the text");
        }
        if !text.variants.contains_key("") {
            for language in &self.config.languages {
                if !text.variants.contains_key(language) {
                    self.wrong(
                        format!("{at}.{language}"),
                        format!("the text is missing in `{language}`, a language of this script"),
                    );
                }
            }
        }
        let known = &self.config.languages;
        for language in text.variants.keys().filter(|tag| !tag.is_empty() && !known.contains(tag)) {
            let what =
                format!("`{language}` is not among the script's languages: add it to `languages` or take the text out");
            self.problems.push(problem(format!("{at}.{language}"), what));
        }
        if text.after.is_some_and(|after| after.0 > 600) {
            self.wrong(format!("{at}.after"), "a pause may last 10 minutes at most");
        }
        for (path, source) in text.sources() {
            let place = format!("{at}{path}");
            let length = visible_length(source);
            if length > most {
                self.wrong(&place, format!("{length} characters: WhatsApp takes {most} here"));
            }
            match self.texts.add(source) {
                Ok(used) => self.variables(&place, &used),
                Err(error) => self.wrong(&place, format!("the text cannot be read: {error}")),
            }
        }
    }

    fn condition(&mut self, at: &str, condition: Option<&str>) {
        let Some(condition) = condition else { return };
        match self.texts.add_condition(condition) {
            Ok(used) => self.variables(at, &used),
            Err(error) => self.wrong(at, format!("the condition cannot be read: {error}")),
        }
    }

    fn variables(&mut self, at: &str, used: &BTreeSet<String>) {
        for name in used {
            let (head, tail) = name.split_once('.').unwrap_or((name, ""));
            let key = tail.split('.').next().unwrap_or_default();
            if !VARIABLES.contains(&head) {
                self.wrong(at, format!("there is no variable `{head}`; there are {}", VARIABLES.join(", ")));
            } else if head == "notes" && !key.is_empty() && !self.notes.contains(key) {
                self.wrong(at, format!("nothing is noted under `{key}`: no step or objection has note = \"{key}\""));
            }
        }
    }

    fn note_key(&mut self, at: &str, key: Option<&str>) {
        let Some(key) = key else { return };
        if key.is_empty() || key.chars().count() > MOST_NOTE_KEY {
            self.wrong(at, format!("a note's key has 1 to {MOST_NOTE_KEY} characters"));
        }
    }
}

/// The characters of a text outside `{{ }}` and `{% %}`: what is sent at least.
fn visible_length(source: &str) -> usize {
    let mut length = 0;
    let mut rest = source;
    while let Some(open) = rest.find("{{").into_iter().chain(rest.find("{%")).min() {
        length += rest.get(..open).unwrap_or_default().chars().count();
        let inner = rest.get(open..).unwrap_or_default();
        let close = inner.find("}}").into_iter().chain(inner.find("%}")).min();
        rest = close.and_then(|close| inner.get(close + 2..)).unwrap_or_default();
    }
    length + rest.chars().count()
}
