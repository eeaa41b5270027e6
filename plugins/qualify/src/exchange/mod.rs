//! One turn in the making: what is said, what is done, what is remembered.

mod variables;

use relais_sdk::{
    Action, Booking, Call, Choice, Choices, Conclusion, Fault, Meeting, Note, Outcome, Purpose, Rows, Send,
    TemplateCall, Timer, Turn,
};
use serde_json::{Map, Value, json};

use crate::clock::Instant;
use crate::config;
use crate::model;
use crate::names::Tongue;
use crate::script::Script;
use crate::state::{Stage, State};
use crate::summary;
use crate::text::{MOST_BUTTON, MOST_ROW, Name, Text, width};
use crate::texts::Variables;
use crate::understand;

/// The timer that runs while an answer is awaited.
pub(crate) const SILENCE: &str = "silence";
/// The timer that runs to the start of a meeting that the person cannot come to.
pub(crate) const UNANSWERED: &str = "unanswered";

/// A turn in the making.
pub(crate) struct Exchange<'a> {
    pub(crate) script: &'a Script,
    pub(crate) call: &'a Call,
    pub(crate) state: State,
    pub(crate) now: Instant,
    pub(crate) language: String,
    pub(crate) tongue: Tongue,
    pub(crate) meeting: Option<Meeting>,
    notes: Map<String, Value>,
    variables: Variables,
    actions: Vec<Action>,
    said: Vec<String>,
    after: Option<u64>,
    choices: Option<Choices>,
    fallback: Option<TemplateCall>,
    waits: bool,
    /// A message is being read again after a model was asked: it is not asked again.
    pub(crate) rereads: bool,
    /// The conversation came to its end, or to its meeting, in this turn.
    pub(crate) arrives: bool,
}

impl<'a> Exchange<'a> {
    pub(crate) fn new(script: &'a Script, call: &'a Call, state: State) -> Result<Self, Fault> {
        let context = &call.context;
        let now = Instant::read(&context.now)
            .ok_or_else(|| Fault::Reject(format!("the time of the turn is unreadable: {}", context.now)))?;
        let language = state.language.clone().unwrap_or_else(|| language(script, call));
        let mut exchange = Self {
            tongue: Tongue::of(&language),
            meeting: context.meeting.clone(),
            notes: serde_json::from_str(&context.notes).unwrap_or_default(),
            variables: Variables::new(),
            actions: Vec::new(),
            said: Vec::new(),
            after: None,
            choices: None,
            fallback: None,
            waits: false,
            rereads: false,
            arrives: false,
            script,
            call,
            state,
            now,
            language,
        };
        exchange.describe_lead();
        exchange.describe_meeting();
        Ok(exchange)
    }

    /// Speaks another language from here on; the script must have it.
    pub(crate) fn speak(&mut self, language: &str) {
        language.clone_into(&mut self.language);
        self.tongue = Tongue::of(language);
        self.set("language", language);
        self.describe_meeting();
    }

    /// Turns to the language in which the person writes, if it is plain and the script has it.
    pub(crate) fn follow_language(&mut self, words: &[String]) {
        let known = &self.script.config.languages;
        if known.len() < 2 {
            return;
        }
        let Some(found) = understand::language(words) else { return };
        if self.language.starts_with(found) {
            return;
        }
        if let Some(language) = known.iter().find(|tag| tag.starts_with(found)).cloned() {
            self.speak(&language);
            self.state.language = Some(language);
        }
    }

    /// Fills in a text. Variants are taken in turn, the first by chance (the same for the same conversation).
    pub(crate) fn render(&mut self, text: &Text) -> String {
        let variants = text.variants_for(&self.language);
        let source = match variants {
            [] => return String::new(),
            [only] => only.as_str(),
            several => {
                let key = several.first().cloned().unwrap_or_default();
                let times = self.state.said.entry(key.chars().take(24).collect()).or_default();
                let chance = self
                    .call
                    .context
                    .conversation
                    .bytes()
                    .fold(7_usize, |sum, byte| sum * 31 % 8191 + usize::from(byte));
                let at = (chance + *times) % several.len();
                *times += 1;
                several.get(at).map_or("", String::as_str)
            }
        };
        if !source.contains('{') {
            return source.to_owned();
        }
        self.describe_answers();
        self.script.texts.render(source, &self.variables)
    }

    /// Says a text: all that is said in a turn becomes one message.
    pub(crate) fn say(&mut self, text: &Text) {
        let said = self.render(text);
        if said.trim().is_empty() {
            return;
        }
        self.said.push(said);
        self.after = self.after.max(text.after.map(|after| after.0));
    }

    /// Says a text, if there is one.
    pub(crate) fn say_any(&mut self, text: Option<&Text>) {
        if let Some(text) = text {
            self.say(text);
        }
    }

    /// Says a text the first time only.
    pub(crate) fn say_once(&mut self, key: &str, text: Option<&Text>) {
        let times = self.state.said.entry(key.to_owned()).or_default();
        *times += 1;
        if *times == 1 {
            self.say_any(text);
        }
    }

    /// True when an answer is awaited: neither the end nor a human has come.
    pub(crate) fn is_waiting(&self) -> bool {
        self.waits
    }

    /// True when a slot is asked for in this turn: the confirmation follows at once.
    pub(crate) fn is_booking(&self) -> bool {
        self.actions.iter().any(|action| matches!(action, Action::Book(_)))
    }

    /// Says a text before everything else.
    pub(crate) fn say_first(&mut self, text: Option<&Text>) {
        let said = std::mem::take(&mut self.said);
        self.say_any(text);
        self.said.extend(said);
    }

    /// True when nothing was said yet.
    pub(crate) fn is_silent(&self) -> bool {
        self.said.is_empty()
    }

    /// Puts buttons (up to three) or a list under the message of this turn.
    pub(crate) fn offer(&mut self, list_title: Option<String>, choices: Vec<Choice>) {
        let cut = |most: usize| move |choice: Choice| Choice { title: shortened(&choice.title, most), ..choice };
        self.choices = match (list_title, choices.len()) {
            (_, 0) => None,
            (None, _) => Some(Choices::Buttons(choices.into_iter().take(3).map(cut(MOST_BUTTON)).collect())),
            (Some(title), _) => Some(Choices::Rows(Rows {
                button: shortened(&title, MOST_BUTTON),
                rows: choices.into_iter().take(10).map(cut(MOST_ROW)).collect(),
            })),
        };
    }

    /// What the message of this turn becomes when the 24-hour window is closed; `{{ days }}` is the template's value, if
    /// it was said.
    pub(crate) fn fall_back_on(&mut self, template: Option<&str>) {
        let days = self.variables.get("days").and_then(Value::as_str).unwrap_or_default().to_owned();
        self.fallback = template.map(|name| TemplateCall { name: name.to_owned(), parameters: vec![days] });
    }

    /// What was noted under a key.
    pub(crate) fn noted(&self, key: &str) -> Option<&Value> {
        self.notes.get(key)
    }

    /// Adds an action.
    pub(crate) fn act(&mut self, action: Action) {
        self.actions.push(action);
    }

    /// Sets a timer; the same name replaces it.
    pub(crate) fn timer(&mut self, name: impl Into<String>, at: String) {
        self.act(Action::StartTimer(Timer { name: name.into(), at }));
    }

    /// Stops a timer.
    pub(crate) fn no_timer(&mut self, name: impl Into<String>) {
        self.act(Action::CancelTimer(name.into()));
    }

    /// Notes an answer; it is there for conditions of this turn too.
    pub(crate) fn note(&mut self, key: &str, value: Value) {
        self.act(Action::Note(Note { key: key.to_owned(), value: value.to_string() }));
        self.notes.insert(key.to_owned(), value);
    }

    /// Asks for a slot.
    pub(crate) fn book(&mut self, start: String, with: Option<String>, chosen: bool) {
        self.state.chosen = chosen;
        self.state.misunderstood = 0;
        self.act(Action::Book(Booking { start, with }));
    }

    /// Sends a text, or the template in its place when the window is closed.
    pub(crate) fn send_or_template(&mut self, text: &Text, template: Option<TemplateCall>, purpose: Purpose) {
        let text = self.render(text);
        self.act(Action::Send(Send { text, choices: None, fallback: template, purpose, after_seconds: 0 }));
    }

    /// A template with its values filled in.
    pub(crate) fn template(&mut self, name: &Name, parameters: &[Text]) -> TemplateCall {
        let parameters = parameters.iter().map(|text| self.render(text)).collect();
        TemplateCall { name: name.in_language(&self.language).to_owned(), parameters }
    }

    /// Gives the conversation to a human.
    pub(crate) fn hand_over(&mut self, why: &str) {
        self.waits = false;
        self.state.with_human = true;
        self.no_timer(SILENCE);
        self.act(Action::HandOver(why.to_owned()));
    }

    /// Ends the conversation.
    pub(crate) fn conclude(&mut self, outcome: config::Outcome, reason: Option<&str>) {
        self.waits = false;
        self.arrives = matches!(outcome, config::Outcome::NoOutcome);
        self.state.ended = Some(reason.unwrap_or_default().to_owned());
        self.no_timer(SILENCE);
        let outcome = match outcome {
            config::Outcome::NoOutcome => Outcome::NoOutcome,
            config::Outcome::OptOut => Outcome::OptOut,
            config::Outcome::NotReachable => Outcome::NotReachable,
        };
        self.act(Action::Conclude(Conclusion { outcome, reason: reason.map(str::to_owned) }));
    }

    /// Ends as one of the script's endings.
    pub(crate) fn end(&mut self, ending: &str) {
        let Some(ending) = self.script.config.endings.get(ending) else { return };
        self.say_any(ending.say.as_ref());
        self.conclude(ending.outcome, ending.reason.as_deref());
    }

    /// An answer is awaited from now on: the follow-ups begin to run.
    pub(crate) fn wait(&mut self) {
        self.waits = true;
    }

    /// The finished turn: the message first, then everything else in order.
    pub(crate) fn finish(mut self) -> Turn {
        if self.waits && self.state.ended.is_none() {
            self.start_silence();
        }
        self.summarise();
        let mut turn = Turn::new();
        if !self.said.is_empty() {
            let after = self.after.unwrap_or(self.script.config.pace.0).min(600);
            turn = turn.act(Action::Send(Send {
                text: joined(&self.said),
                choices: self.choices,
                fallback: self.fallback,
                purpose: Purpose::Answer,
                after_seconds: u32::try_from(after).unwrap_or(600),
            }));
        }
        for action in self.actions {
            turn = turn.act(action);
        }
        turn.state(&self.state)
    }

    fn start_silence(&mut self) {
        let follow_ups = &self.script.config.follow_ups;
        let may_go_on = follow_ups.at_most.is_none_or(|most| self.state.follow_ups_in_all < most);
        let next = follow_ups.messages.get(self.state.follow_ups).filter(|_| may_go_on);
        let pause = next.map_or(follow_ups.give_up_after, |next| next.after);
        let at = self.now.plus(i64::try_from(pause.0).unwrap_or(i64::MAX));
        self.timer(SILENCE, at);
    }

    fn summarise(&mut self) {
        if self.state.stage == Stage::New {
            return;
        }
        // The CRM's people read it: in the company's language, whatever the person speaks.
        let spoken = self.language.clone();
        let theirs = known_language(self.script, &self.call.context.language);
        self.speak(&theirs);
        let sentences = summary::sentences(self);
        self.speak(&spoken);
        let summary = joined(&sentences);
        if !summary.is_empty() && summary != self.state.summary {
            self.state.summary.clone_from(&summary);
            self.act(Action::Summarise(summary));
        }
        if self.arrives {
            model::ask_summary(self, &theirs);
        }
    }

    /// An identifier for the next question to a model.
    pub(crate) fn question_id(&mut self, what: &str) -> String {
        self.state.questions += 1;
        format!("{what}-{}", self.state.questions)
    }

    /// What is known of the lead, for a summary: what was noted, brought up and agreed on.
    pub(crate) fn facts(&self) -> Value {
        let meeting = self.meeting.as_ref().and_then(|meeting| Instant::read(&meeting.start)).map(|start| {
            json!({ "weekday": self.tongue.weekday(start.date()), "date": self.tongue.date(start.date()),
                    "time": self.tongue.time(start.time()) })
        });
        json!({ "noted": self.notes, "brought_up": self.state.objections, "meeting": meeting, "ended": self.state.ended })
    }
}

/// One message of several texts, with a space between them unless one brings its own line break.
fn joined(texts: &[String]) -> String {
    let mut out = String::new();
    for text in texts.iter().filter(|text| !text.trim().is_empty()) {
        if !out.is_empty() && !out.ends_with('\n') {
            out.push(' ');
        }
        out.push_str(text);
    }
    out.trim().to_owned()
}

/// The language to speak: what the CRM says of the person, else the tenant's, if the script has it.
fn language(script: &Script, call: &Call) -> String {
    let told = call.lead_context();
    let told = told.get("language").or_else(|| told.get("lang")).and_then(Value::as_str);
    let known = &script.config.languages;
    let fits = |wanted: &&str| known.iter().any(|tag| tag == wanted);
    let candidates = [told, Some(call.context.language.as_str())];
    let found = candidates.into_iter().flatten().find_map(|wanted| {
        let short = wanted.split(['-', '_']).next().unwrap_or(wanted);
        [wanted, short].into_iter().find(fits)
    });
    match found {
        Some(language) => language.to_owned(),
        None => known_language(script, &call.context.language),
    }
}

/// The script's language for a tag: itself, its language without the region, or the script's first.
fn known_language(script: &Script, tag: &str) -> String {
    let known = &script.config.languages;
    let short = tag.split(['-', '_']).next().unwrap_or(tag);
    let found = known.iter().find(|known| *known == tag).or_else(|| known.iter().find(|known| *known == short));
    found.or_else(|| known.first()).cloned().unwrap_or_else(|| tag.to_owned())
}

/// What WhatsApp shows on a button or a row: a longer title would be refused.
fn shortened(title: &str, most: usize) -> String {
    if width(title) <= most {
        return title.to_owned();
    }
    let mut out = String::new();
    for c in title.chars() {
        if width(&out) + c.len_utf16() >= most {
            break;
        }
        out.push(c);
    }
    format!("{}…", out.trim_end())
}
