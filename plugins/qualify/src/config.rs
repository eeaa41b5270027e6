//! `script.toml`, read. The README explains every key; `check` says what the types cannot.

use std::collections::BTreeMap;

use relais_sdk::Seconds;
use serde::Deserialize;

use crate::text::{Name, Text};

/// The whole script.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// The languages that every text is written in; the first is used for people of any other.
    #[serde(default)]
    pub(crate) languages: Vec<String>,
    /// How long an answer waits before it is sent, so that it does not come at a machine's speed.
    #[serde(default)]
    pub(crate) pace: Seconds,
    pub(crate) opening: Opening,
    pub(crate) steps: Vec<Step>,
    #[serde(default)]
    pub(crate) objections: Vec<Objection>,
    #[serde(default)]
    pub(crate) endings: BTreeMap<String, Ending>,
    pub(crate) booking: Booking,
    #[serde(default)]
    pub(crate) reminders: Vec<Reminder>,
    #[serde(default)]
    pub(crate) follow_ups: FollowUps,
    #[serde(default)]
    pub(crate) replies: Replies,
    /// Words that this company's customers use, beside the built-in ones.
    #[serde(default)]
    pub(crate) words: Words,
    #[serde(default)]
    pub(crate) summary: Vec<Sentence>,
    #[serde(default)]
    pub(crate) model: Model,
}

/// What the tenant's model is asked for; nothing by default.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Model {
    /// What the rules could not understand.
    pub(crate) understand: bool,
    /// The summary.
    pub(crate) summary: bool,
}

/// The first message: always a template, since the person has not written yet.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Opening {
    pub(crate) template: Name,
    #[serde(default)]
    pub(crate) parameters: Vec<Text>,
    /// The step whose question the template puts; the first one by default.
    pub(crate) asks: Option<String>,
}

/// What kind of answer a question expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    YesNo,
    Text,
    Number,
    Choice,
    Email,
    Postcode,
    Time,
}

/// One question.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Step {
    pub(crate) id: String,
    pub(crate) ask: Text,
    pub(crate) answer: Kind,
    /// Other wordings for when the answer was not understood.
    #[serde(default)]
    pub(crate) again: Vec<Text>,
    /// Under which key the answer is noted for the CRM.
    pub(crate) note: Option<String>,
    /// Leaves the question out when this holds.
    pub(crate) skip_if: Option<String>,
    /// What is said after any answer that no branch covers.
    pub(crate) say: Option<Text>,
    /// Where it goes on then; the next step by default, `booking` after the last.
    pub(crate) then: Option<String>,
    /// Branches by what was answered: `yes`, `no`, `maybe` or a choice's id; `unknown` for those who cannot say.
    #[serde(default)]
    pub(crate) on: BTreeMap<String, Branch>,
    /// Branches by condition; the first that holds counts, before `on`.
    #[serde(default)]
    pub(crate) rules: Vec<Rule>,
    /// The choices of a `choice` question.
    #[serde(default)]
    pub(crate) choices: Vec<Choice>,
    /// What people say for yes and no to this very question: "locataire" to "are you the owner?".
    #[serde(default)]
    pub(crate) words: StepWords,
    /// Titles of two buttons for a `yes-no` question.
    pub(crate) buttons: Option<YesNoButtons>,
    /// How choices are shown.
    #[serde(default)]
    pub(crate) show: Show,
    /// The label that opens the list of choices.
    pub(crate) list_title: Option<Text>,
    /// What the composed summary says of the answer: `{{ answer }}`.
    pub(crate) summary: Option<Text>,
    /// A number outside is asked again.
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
}

/// What follows from an answer.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Branch {
    pub(crate) say: Option<Text>,
    pub(crate) then: Option<String>,
}

/// What follows when a condition holds.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Rule {
    #[serde(rename = "if")]
    pub(crate) condition: String,
    pub(crate) say: Option<Text>,
    pub(crate) then: Option<String>,
}

/// One possible answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Choice {
    pub(crate) id: String,
    pub(crate) label: Text,
    /// Other ways to say it.
    #[serde(default)]
    pub(crate) words: Vec<String>,
}

/// Words that answer one `yes-no` question.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct StepWords {
    pub(crate) yes: Vec<String>,
    pub(crate) no: Vec<String>,
    pub(crate) maybe: Vec<String>,
}

impl StepWords {
    /// True when there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.yes.is_empty() && self.no.is_empty() && self.maybe.is_empty()
    }
}

/// Titles of the two buttons.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct YesNoButtons {
    pub(crate) yes: Text,
    pub(crate) no: Text,
}

/// How choices are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Show {
    /// The question names them itself.
    #[default]
    Text,
    /// Up to three buttons.
    Buttons,
    /// A list of up to ten rows.
    List,
}

/// Something that a person may bring up at any question.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Objection {
    pub(crate) id: String,
    pub(crate) words: Vec<String>,
    pub(crate) say: Text,
    /// Where it goes on; back to the question by default.
    pub(crate) then: Option<String>,
    /// Noted as true when it was brought up.
    pub(crate) note: Option<String>,
    /// What the composed summary says the person did: "demandé le prix".
    pub(crate) summary: Option<Text>,
}

/// A way for the conversation to end without a meeting.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Ending {
    pub(crate) say: Option<Text>,
    #[serde(default)]
    pub(crate) outcome: Outcome,
    pub(crate) reason: Option<String>,
}

/// What the CRM is told at an ending.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::enum_variant_names, reason = "NO_OUTCOME is the guide's word")]
pub(crate) enum Outcome {
    #[default]
    NoOutcome,
    OptOut,
    NotReachable,
}

/// Finding a time.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Booking {
    /// When would you be free?
    pub(crate) ask: Text,
    /// Other wordings for when the answer was not understood.
    #[serde(default)]
    pub(crate) again: Vec<Text>,
    /// A time was given, but no day: `{{ time }}`.
    pub(crate) ask_day: Text,
    /// A day was given, but no time: `{{ weekday }}`, `{{ date }}`, `{{ day }}`, `{{ slots }}`.
    pub(crate) offer_times: Text,
    /// Other days: `{{ days }}`.
    pub(crate) offer_days: Text,
    /// Slots of several days: `{{ slots }}`.
    pub(crate) offer_slots: Text,
    /// What was asked for is not free: `{{ slots }}`.
    pub(crate) taken: Text,
    /// Nothing at all is free; a human takes over.
    pub(crate) none_free: Text,
    /// The meeting stands: `{{ day }}`, `{{ weekday }}`, `{{ date }}`, `{{ time }}`, `{{ with }}`.
    pub(crate) confirm: Text,
    /// It was moved.
    pub(crate) confirm_moved: Option<Text>,
    /// It is one of the slots that we offered.
    pub(crate) confirm_chosen: Option<Text>,
    /// The person cancelled it.
    pub(crate) cancelled: Text,
    /// The company cancelled it: `{{ days }}`.
    pub(crate) withdrawn: Option<Text>,
    /// Sent instead when the person last wrote more than 24 hours ago; its one value, if it has one, is `{{ days }}`.
    pub(crate) withdrawn_template: Option<String>,
    /// The person did not come to it: `{{ days }}`. Without it, the conversation ends with NO_SHOW.
    pub(crate) missed: Option<Text>,
    /// As `withdrawn-template`.
    pub(crate) missed_template: Option<String>,
    /// When is it again? `{{ day }}`, `{{ time }}`.
    pub(crate) standing: Option<Text>,
    /// Anything else that the person writes once the meeting stands.
    pub(crate) noted: Option<Text>,
    /// Slots and days are offered as buttons.
    #[serde(default)]
    pub(crate) buttons: bool,
    /// They are offered as a list, opened by a button with this title.
    pub(crate) list_title: Option<Text>,
    /// How many slots or days are offered at once.
    #[serde(default = "two")]
    pub(crate) offers: usize,
    /// How far ahead slots are offered.
    #[serde(default = "two_weeks")]
    pub(crate) horizon: Seconds,
}

fn two() -> usize {
    2
}

fn two_weeks() -> Seconds {
    Seconds(14 * 86_400)
}

/// A message before the meeting.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Reminder {
    pub(crate) before: Seconds,
    pub(crate) text: Text,
    pub(crate) template: Option<Name>,
    #[serde(default)]
    pub(crate) parameters: Vec<Text>,
}

/// What is done when the person does not answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct FollowUps {
    pub(crate) messages: Vec<FollowUp>,
    /// How many are sent in the whole conversation, however often the person falls silent; all of `messages` each time
    /// by default.
    pub(crate) at_most: Option<usize>,
    /// How long to wait after the last message before giving up.
    pub(crate) give_up_after: Seconds,
    /// The word for the CRM.
    pub(crate) reason: String,
}

impl Default for FollowUps {
    fn default() -> Self {
        Self { messages: Vec::new(), at_most: None, give_up_after: Seconds(48 * 3_600), reason: "SILENCE".to_owned() }
    }
}

/// One message on silence.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct FollowUp {
    /// Since the last message of either side.
    pub(crate) after: Seconds,
    pub(crate) text: Text,
    pub(crate) template: Option<Name>,
    #[serde(default)]
    pub(crate) parameters: Vec<Text>,
}

/// What is said to things that people say in any conversation. Each is optional: without a text, nothing is said.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Replies {
    /// Hello, and nothing else. Then the question again.
    pub(crate) greeting: Option<Text>,
    /// Who are you? Then the question again.
    pub(crate) who: Option<Text>,
    /// Where did you get my number? Then the question again; `who` by default.
    pub(crate) source: Option<Text>,
    /// Are you a robot? Then the question again.
    pub(crate) robot: Option<Text>,
    /// A question that no objection answers. Then the question again.
    pub(crate) question: Option<Text>,
    /// Insults and anger; then a human.
    pub(crate) anger: Option<Text>,
    /// Thank you.
    pub(crate) thanks: Option<Text>,
    /// Not now; the follow-ups go on from there.
    pub(crate) later: Option<Text>,
    /// Call me; then the booking.
    pub(crate) call_me: Option<Text>,
    /// Pictures, voice notes, documents: once.
    pub(crate) media: Option<Text>,
    /// Not interested; ends with NOT_INTERESTED.
    pub(crate) not_interested: Option<Text>,
    /// Wrong number; ends with WRONG_PERSON.
    pub(crate) wrong_person: Option<Text>,
    /// I want to talk to someone; then a human.
    pub(crate) hand_over: Option<Text>,
    /// Nothing understood, several times.
    pub(crate) lost: Option<Text>,
    /// Where it goes on when nothing was understood.
    pub(crate) lost_then: Option<String>,
}

/// Words beside the built-in ones, by what they mean.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Words {
    pub(crate) yes: Vec<String>,
    pub(crate) no: Vec<String>,
    pub(crate) stop: Vec<String>,
    pub(crate) not_interested: Vec<String>,
    pub(crate) wrong_person: Vec<String>,
    pub(crate) hand_over: Vec<String>,
    pub(crate) who: Vec<String>,
    pub(crate) source: Vec<String>,
    pub(crate) robot: Vec<String>,
    pub(crate) anger: Vec<String>,
    pub(crate) thanks: Vec<String>,
    pub(crate) later: Vec<String>,
    pub(crate) call_me: Vec<String>,
    pub(crate) cancel: Vec<String>,
    pub(crate) impossible: Vec<String>,
    pub(crate) anything: Vec<String>,
}

/// A sentence of the summary.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Sentence {
    /// Without a condition it always stands.
    #[serde(rename = "if")]
    pub(crate) condition: Option<String>,
    pub(crate) say: Text,
}

impl Config {
    /// The step with this id, and its place.
    pub(crate) fn step(&self, id: &str) -> Option<(usize, &Step)> {
        self.steps.iter().enumerate().find(|(_, step)| step.id == id)
    }

    /// The step that the opening asks.
    pub(crate) fn first(&self) -> Option<&Step> {
        match &self.opening.asks {
            Some(id) => self.step(id).map(|(_, step)| step),
            None => self.steps.first(),
        }
    }

    /// Where a step goes on when nothing else is said: the next one, or the booking.
    pub(crate) fn after(&self, index: usize) -> &str {
        self.steps.get(index + 1).map_or("booking", |step| step.id.as_str())
    }
}
