//! `actions.toml`.

use relais_sdk::{Call, Problem, Seconds, Update, problem};
use serde::Deserialize;
use serde_json::Value;

use crate::{fill, names};

const STATUSES: [&str; 7] = [
    "FIRST_MESSAGE_DELIVERED",
    "FIRST_MESSAGE_READ",
    "RESPONSE_RECEIVED",
    "MEETING_BOOKED",
    "NOT_REACHABLE",
    "OPT_OUT",
    "NO_OUTCOME",
];

/// The host takes at most so many reactions.
const MOST_REACTIONS: usize = 20;

/// The whole file; everything has a default.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Config {
    /// The endpoint of `tenant.toml` that is told each status.
    pub endpoint: String,
    /// Whether FIRST_MESSAGE_DELIVERED, FIRST_MESSAGE_READ and RESPONSE_RECEIVED are told.
    pub intermediate: bool,
    /// After which time a NO_OUTCOME is looked at again (`[[on-review]]`).
    pub review_after: Option<Seconds>,
    /// When a status is reached.
    pub(crate) on: Vec<OnStatus>,
    /// When a cron rule of `flow.toml` fires.
    pub(crate) on_schedule: Vec<OnSchedule>,
    /// When a review is due.
    pub(crate) on_review: Vec<OnReview>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            endpoint: "crm".to_owned(),
            intermediate: true,
            review_after: None,
            on: Vec::new(),
            on_schedule: Vec::new(),
            on_review: Vec::new(),
        }
    }
}

/// A rule for statuses.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "OnStatusKeys")]
pub(crate) struct OnStatus {
    status: Words,
    reason: Words,
    moved: Option<bool>,
    pub(crate) then: Rule,
}

/// A rule for a cron rule.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "OnScheduleKeys")]
pub(crate) struct OnSchedule {
    name: String,
    status: Words,
    pub(crate) then: Rule,
}

/// A rule for reviews.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "OnReviewKeys")]
pub(crate) struct OnReview {
    status: Words,
    pub(crate) then: Rule,
}

/// What a rule sets in motion.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rule {
    pub(crate) callback: Option<Callback>,
    pub(crate) notify: Words,
    pub(crate) message: Option<String>,
    pub(crate) body: Option<Value>,
    pub(crate) tag: Words,
    pub(crate) review_after: Option<Seconds>,
    pub(crate) restart_after: Option<Seconds>,
    pub(crate) suppress_contact: bool,
}

/// `callback = false` tells the CRM nothing, `callback = "name"` tells another endpoint.
#[derive(Debug, Clone, Deserialize, PartialEq)]
#[serde(untagged)]
pub(crate) enum Callback {
    /// Whether the usual endpoint is told.
    Wanted(bool),
    /// This endpoint instead of the usual one.
    Endpoint(String),
}

/// One word, or a list of words.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(from = "WordOrWords")]
pub(crate) struct Words(Vec<String>);

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a text or a list of texts")]
enum WordOrWords {
    One(String),
    Several(Vec<String>),
}

impl From<WordOrWords> for Words {
    fn from(words: WordOrWords) -> Self {
        Self(match words {
            WordOrWords::One(word) => vec![word],
            WordOrWords::Several(words) => words,
        })
    }
}

impl Words {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The keys of the three kinds of rules, written out because `deny_unknown_fields` does not go with `flatten`.
macro_rules! rule_keys {
    ($keys:ident => $rule:ident { $($own:ident: $kind:ty),+ }) => {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "kebab-case")]
        struct $keys {
            $( #[serde(default)] $own: $kind, )+
            callback: Option<Callback>,
            #[serde(default)]
            notify: Words,
            message: Option<String>,
            body: Option<Value>,
            #[serde(default)]
            tag: Words,
            review_after: Option<Seconds>,
            restart_after: Option<Seconds>,
            #[serde(default)]
            suppress_contact: bool,
        }

        impl From<$keys> for $rule {
            fn from(keys: $keys) -> Self {
                let then = Rule {
                    callback: keys.callback,
                    notify: keys.notify,
                    message: keys.message,
                    body: keys.body,
                    tag: keys.tag,
                    review_after: keys.review_after,
                    restart_after: keys.restart_after,
                    suppress_contact: keys.suppress_contact,
                };
                Self { $( $own: keys.$own, )+ then }
            }
        }
    };
}

rule_keys!(OnStatusKeys => OnStatus { status: Words, reason: Words, moved: Option<bool> });
rule_keys!(OnScheduleKeys => OnSchedule { name: String, status: Words });
rule_keys!(OnReviewKeys => OnReview { status: Words });

impl OnStatus {
    /// True when the rule is about this update.
    pub(crate) fn is_for(&self, update: &Update) -> bool {
        let moved = update.meeting.as_ref().is_some_and(|meeting| meeting.moves > 0);
        names(&self.status, Some(update.status))
            && (self.reason.is_empty() || update.reason.as_deref().is_some_and(|r| self.reason.iter().any(|w| w == r)))
            && self.moved.is_none_or(|wanted| wanted == moved)
    }
}

impl OnSchedule {
    /// True when the rule is about this cron rule and this lead's last status.
    pub(crate) fn is_for(&self, name: &str, call: &Call) -> bool {
        self.name == name && names(&self.status, call.context.last_status)
    }
}

impl OnReview {
    /// True when the rule is about this lead's last status.
    pub(crate) fn is_for(&self, call: &Call) -> bool {
        names(&self.status, call.context.last_status)
    }
}

impl Config {
    /// What is wrong with the file beyond its types.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.endpoint.is_empty() {
            problems.push(problem("endpoint", "name an endpoint of tenant.toml, such as \"crm\""));
        }
        for (index, rule) in self.on.iter().enumerate() {
            let at = format!("on.{index}");
            if rule.status.is_empty() && rule.reason.is_empty() && rule.moved.is_none() {
                problems.push(problem(format!("{at}.status"), "say for which status: status = \"NO_OUTCOME\""));
            }
            check(&at, &rule.status, &rule.then, &mut problems);
        }
        for (index, rule) in self.on_schedule.iter().enumerate() {
            let at = format!("on-schedule.{index}");
            if rule.name.is_empty() {
                problems.push(problem(format!("{at}.name"), "name a schedule of flow.toml"));
            }
            check(&at, &rule.status, &rule.then, &mut problems);
        }
        for (index, rule) in self.on_review.iter().enumerate() {
            check(&format!("on-review.{index}"), &rule.status, &rule.then, &mut problems);
        }
        problems
    }
}

fn check(at: &str, status: &Words, rule: &Rule, problems: &mut Vec<Problem>) {
    for name in status.iter().filter(|name| !STATUSES.contains(name)) {
        let what = format!("`{name}` is no status; the statuses are {}", STATUSES.join(", "));
        problems.push(problem(format!("{at}.status"), what));
    }
    if rule.notify.is_empty() && (rule.message.is_some() || rule.body.is_some()) {
        problems.push(problem(format!("{at}.notify"), "say which endpoint of tenant.toml gets this message"));
    }
    if rule.message.is_some() && rule.body.is_some() {
        problems.push(problem(format!("{at}.body"), "write either `message` or `body`, not both"));
    }
    if rule.notify.0.len() + rule.tag.0.len() + 4 > MOST_REACTIONS {
        problems.push(problem(at, format!("a rule may set at most {MOST_REACTIONS} things in motion")));
    }
    for (key, text) in fill::texts(rule) {
        for unknown in fill::unknown_names(text) {
            let what = format!("there is no {{{unknown}}}; use one of {}", fill::NAMES.join(", "));
            problems.push(problem(format!("{at}.{key}"), what));
        }
    }
}
