//! What is wrong with a script beyond its types.

use std::collections::{BTreeMap, BTreeSet};

use relais_sdk::{Problem, problem};

use crate::config::{Config, Kind, Objection, Show, Step};
use crate::graph;
use crate::steps::UNKNOWN;
use crate::summary;
use crate::text::{MOST_BUTTON, MOST_ROW, MOST_TEXT, MOST_WITH_BUTTONS, is_language, width};
use crate::texts::Texts;
use crate::understand::tokens;

/// WhatsApp's limit on the identifier of a row; ours is made of the step's and the choice's.
const MOST_ROW_ID: usize = 200;
/// The parsed texts and the variables that they use, or every problem of the script.
pub(crate) fn run(config: &Config) -> Result<(Texts, BTreeSet<String>), Vec<Problem>> {
    let (texts, used) = (Texts::new(), BTreeSet::new());
    let mut check = Check { config, texts, used, problems: Vec::new(), notes: notes(config) };
    check.whole();
    check.steps();
    check.objections_and_endings();
    check.booking();
    check.messages();
    check.replies_and_summary();
    check.problems.extend(graph::problems(config));
    if check.problems.is_empty() { Ok((check.texts, check.used)) } else { Err(check.problems) }
}

/// Every key under which the script notes something.
fn notes(config: &Config) -> BTreeSet<String> {
    let steps = config.steps.iter().filter_map(|step| step.note.clone());
    steps.chain(config.objections.iter().filter_map(|objection| objection.note.clone())).collect()
}

/// A script being checked.
pub(crate) struct Check<'a> {
    pub(crate) config: &'a Config,
    pub(crate) texts: Texts,
    /// The variables that its texts and conditions use.
    pub(crate) used: BTreeSet<String>,
    pub(crate) problems: Vec<Problem>,
    /// The keys under which it notes something.
    pub(crate) notes: BTreeSet<String>,
}

impl Check<'_> {
    pub(crate) fn wrong(&mut self, at: impl Into<String>, what: impl Into<String>) {
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
        self.name("opening.template", &self.config.opening.template);
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
            self.summary_text(&format!("{at}.summary"), step.summary.as_ref());
            if step.summary.is_some() && step.note.is_none() {
                self.wrong(format!("{at}.summary"), "only what is noted is told: give the question a `note`");
            }
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
        if step.answer != Kind::YesNo && !step.words.is_empty() {
            self.wrong(
                format!("{at}.words"),
                "only a yes-no question has words for yes and no; the choices of a choice have `words` of their own",
            );
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
        if let (Some(min), Some(max)) = (step.min, step.max)
            && min > max
        {
            self.wrong(format!("{at}.min"), format!("no number is at least {min} and at most {max}"));
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
            if width(&step.id) + width(&choice.id) + 6 > MOST_ROW_ID {
                self.wrong(format!("{at}.choices.{index}.id"), "the names of the step and of the choice are too long");
            }
        }
        if step.show != Show::Text {
            let labels = step.choices.iter().enumerate();
            let labels: Vec<_> = labels.map(|(at, choice)| (format!("choices.{at}.label"), &choice.label)).collect();
            self.different(at, &labels);
        }
        if let Some(buttons) = &step.buttons {
            self.text(&format!("{at}.buttons.yes"), &buttons.yes, MOST_BUTTON);
            self.text(&format!("{at}.buttons.no"), &buttons.no, MOST_BUTTON);
            self.different(at, &[("buttons.yes".to_owned(), &buttons.yes), ("buttons.no".to_owned(), &buttons.no)]);
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
        let config = self.config;
        let mut said = BTreeMap::new();
        for (index, objection) in config.objections.iter().enumerate() {
            let at = format!("objections.{index}");
            if objection.words.iter().all(|words| words.trim().is_empty()) {
                self.wrong(format!("{at}.words"), "list the words that people use");
            }
            self.twice_said(&at, objection, &mut said);
            self.text(&format!("{at}.say"), &objection.say, MOST_TEXT);
            self.note_key(&format!("{at}.note"), objection.note.as_deref());
            self.summary_text(&format!("{at}.summary"), objection.summary.as_ref());
            let twin = self.config.objections.iter().take(index).any(|other| other.id == objection.id);
            if twin || objection.id.is_empty() {
                self.wrong(format!("{at}.id"), "give each objection an id of its own");
            }
        }
        for (name, ending) in &self.config.endings {
            self.any_text(&format!("endings.{name}.say"), ending.say.as_ref());
            self.reason(&format!("endings.{name}.reason"), ending.reason.as_deref());
        }
        self.reason("follow-ups.reason", Some(&self.config.follow_ups.reason));
    }

    /// The CRM gets it with the last status.
    fn reason(&mut self, at: &str, reason: Option<&str>) {
        if reason.is_some_and(|reason| reason.trim().is_empty()) {
            self.wrong(at, "write a short word for the CRM, such as \"SILENCE\", or leave the line out");
        }
    }

    /// Words that two objections have: both would be answered in one breath.
    fn twice_said<'o>(&mut self, at: &str, objection: &'o Objection, said: &mut BTreeMap<Vec<String>, &'o Objection>) {
        for (word_at, word) in objection.words.iter().enumerate() {
            let other = *said.entry(tokens(word)).or_insert(objection);
            if !std::ptr::eq(other, objection) {
                let what = format!("the objection `{}` has these words already: keep them in one", other.id);
                self.wrong(format!("{at}.words.{word_at}"), what);
            }
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
        match (&booking.list_title, booking.buttons, booking.offers) {
            (_, _, 0) => self.wrong("booking.offers", "offer at least one slot"),
            (Some(_), true, _) => self.wrong("booking.list-title", "slots are shown on buttons or in a list, not both"),
            (Some(title), ..) => self.text("booking.list-title", title, MOST_BUTTON),
            (None, true, 4..) => self.wrong("booking.offers", "WhatsApp shows at most 3 buttons; a list shows 10"),
            (None, false, 4..) => {
                self.wrong("booking.offers", "more than 3 slots are too many for a sentence: give them a `list-title`");
            }
            _ => {}
        }
        if booking.list_title.is_some() && booking.offers > 10 {
            self.wrong("booking.offers", "WhatsApp shows at most 10 rows");
        }
        let optional = [
            ("confirm-moved", &booking.confirm_moved),
            ("confirm-chosen", &booking.confirm_chosen),
            ("withdrawn", &booking.withdrawn),
            ("missed", &booking.missed),
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
        for (index, reminder) in self.config.reminders.iter().enumerate() {
            if reminder.before.0 == 0 {
                self.wrong(format!("reminders.{index}.before"), "say how long before the meeting, such as \"1h\"");
            }
        }
        for (index, message) in self.config.follow_ups.messages.iter().enumerate() {
            if message.after.0 < 300 {
                self.wrong(format!("follow-ups.messages.{index}.after"), "leave people at least 5 minutes");
            }
        }
        if self.config.follow_ups.give_up_after.0 < 300 {
            self.wrong("follow-ups.give-up-after", "leave people at least 5 minutes");
        }
        let messages: Vec<_> = reminders.enumerate().chain(follow_ups.enumerate()).collect();
        for (index, (key, text, template, parameters)) in messages {
            let at = format!("{key}.{index}");
            self.text(&format!("{at}.text"), text, MOST_TEXT);
            match template {
                Some(name) => self.name(&format!("{at}.template"), name),
                None => {
                    let what = "name a template of flow.toml: a day after the person's last message, only a template may be sent";
                    self.wrong(format!("{at}.template"), what);
                }
            }
            for (parameter_at, parameter) in parameters.iter().enumerate() {
                self.text(&format!("{at}.parameters.{parameter_at}"), parameter, MOST_WITH_BUTTONS);
            }
        }
    }

    fn replies_and_summary(&mut self) {
        let replies = &self.config.replies;
        let texts = [
            ("greeting", &replies.greeting),
            ("who", &replies.who),
            ("source", &replies.source),
            ("robot", &replies.robot),
            ("question", &replies.question),
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
            if sentence.say.sources().all(|(_, source)| source.trim().is_empty()) {
                self.wrong(format!("summary.{index}.say"), "write the sentence");
            }
            self.summary_text(&format!("summary.{index}.say"), Some(&sentence.say));
        }
        if self.config.summary.is_empty()
            && let Err(error) = self.texts.add(summary::VALUE)
        {
            self.wrong("summary", error);
        }
    }
}
