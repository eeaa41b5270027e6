//! A past conversation run again on another version of its flow: where would it have gone?
//!
//! Everything comes from the log: the person's messages and when they came, the free slots, the answers of models. Only
//! the state and the notes are the other version's own. The comparison goes on while the version asks the same and does
//! the same, in whatever words; where it goes another way it stops, because what the person wrote next answered something
//! else. Nothing is sent, nothing is written.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex},
};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    asking::{Input, Question, json as as_json},
    rerun::Recorded,
};
use crate::{
    flows::Loaded,
    model::{Action, Conversation, ConversationId, Event, Fault, Outcome, Status, TemplateCall, Turn},
    sandbox,
    store::{Call, LogEntry},
};

/// What came of running a conversation again.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Replayed {
    /// Which conversation.
    pub conversation: ConversationId,
    /// What came of it.
    pub verdict: Verdict,
    /// Where it first differs; none when it does not.
    pub at: Option<Point>,
}

/// How a conversation comes out on the other version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Verdict {
    /// To the letter.
    Same,
    /// The same way to the same end; the person or the CRM reads something else.
    Words,
    /// To another end.
    Outcome {
        /// As it ended.
        from: String,
        /// As it ends now.
        to: String,
    },
    /// Another way, whose end nobody knows: what the person would have answered is not in the log.
    Course,
    /// The version fails.
    Fault {
        /// The fault's name.
        kind: String,
        /// What happened.
        message: String,
    },
    /// There is nothing to compare: the flow was never asked, or the log cannot be read by this version.
    Nothing,
}

/// A place in a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Point {
    /// The turn's number in the log.
    pub turn: u64,
    /// The number of the person's message, from 1; 0 before they wrote anything.
    pub message: usize,
    /// What happened there, such as `message-received` or `timer-fired`.
    pub event: String,
    /// As it was then. May hold what was said.
    pub then: String,
    /// As it is now.
    pub now: String,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.message, self.event.as_str()) {
            (0, event) => write!(f, "at {event}, before the first message"),
            (message, "message-received") => write!(f, "at message {message}"),
            (message, event) => write!(f, "at {event}, after message {message}"),
        }
    }
}

/// Runs a conversation again on `loaded`.
pub async fn replay(loaded: &Loaded, conversation: &Conversation, log: &[LogEntry]) -> Replayed {
    let mut walk = Walk {
        loaded,
        conversation,
        state: None,
        notes: Map::new(),
        then: BTreeMap::new(),
        now: BTreeMap::new(),
        messages: 0,
        words: None,
        asked: 0,
    };
    let (verdict, at) = match walk.go(log).await {
        Err(stop) => *stop,
        Ok(()) if walk.asked == 0 => (Verdict::Nothing, None),
        Ok(()) => match walk.words {
            Some(point) => (Verdict::Words, Some(point)),
            None => (Verdict::Same, None),
        },
    };
    Replayed { conversation: conversation.id.clone(), verdict, at }
}

/// Where the comparison stops.
type Stop = Box<(Verdict, Option<Point>)>;

struct Walk<'a> {
    loaded: &'a Loaded,
    conversation: &'a Conversation,
    state: Option<Value>,
    notes: Map<String, Value>,
    /// Timers as they were set then and as they are set now.
    then: BTreeMap<String, Timestamp>,
    now: BTreeMap<String, Timestamp>,
    messages: usize,
    /// The first difference in words.
    words: Option<Point>,
    asked: usize,
}

impl Walk<'_> {
    async fn go(&mut self, log: &[LogEntry]) -> Result<(), Stop> {
        // A turn that failed changed nothing, and its event was taken again.
        for entry in log.iter().filter(|entry| entry.fault.is_none()) {
            if let Event::MessageReceived { messages } = &entry.event {
                self.messages += messages.len();
            }
            self.pass_time(entry)?;
            for call in &entry.calls {
                let Ok(input) = serde_json::from_value::<Input>(call.input.clone()) else {
                    return Err(Box::new((Verdict::Nothing, None)));
                };
                self.ask(entry, call, input).await?;
            }
        }
        Ok(())
    }

    /// Whether the same timers would have fired until this turn.
    fn pass_time(&mut self, entry: &LogEntry) -> Result<(), Stop> {
        let point = |then: String, now: String| self.point(entry, then, now);
        let due = |at: Option<Timestamp>| at.map_or_else(|| "not set".to_owned(), |at| format!("due {at}"));
        if let Event::TimerFired { name } = &entry.event {
            let (then, now) = (self.then.get(name).copied(), self.now.get(name).copied());
            if then != now {
                let at = point(format!("timer {name} {}", due(then)), format!("timer {name} {}", due(now)));
                return Err(Box::new((Verdict::Course, Some(at))));
            }
            self.then.remove(name);
            self.now.remove(name);
            return Ok(());
        }
        let early = self.now.iter().find(|(name, at)| **at < entry.at && self.then.get(*name) != Some(at));
        match early {
            Some((name, at)) => {
                let then = self.then.get(name).copied();
                let at = point(format!("timer {name} {}", due(then)), format!("timer {name} {}", due(Some(*at))));
                Err(Box::new((Verdict::Course, Some(at))))
            }
            None => Ok(()),
        }
    }

    async fn ask(&mut self, entry: &LogEntry, call: &Call, mut input: Input) -> Result<(), Stop> {
        let slots = Arc::new(Recorded(Mutex::new(call.slots.clone().into())));
        let loaded = self.loaded;
        input.context.notes = self.notes.clone();
        let asking = sandbox::Call { context: &input.context, lead: &input.lead, slots, seed: &input.seed };
        let fails = |fault: &Fault| -> Stop {
            let verdict = Verdict::Fault { kind: fault.kind.name().to_owned(), message: fault.message.clone() };
            Box::new((verdict, Some(self.point(entry, "answered".to_owned(), "failed".to_owned()))))
        };
        match &input.question {
            Question::Advance { event, .. } => {
                self.asked += 1;
                let asked = loaded.qualification.advance(asking, self.state.as_ref(), event).await;
                let now = asked.result.map_err(|fault| self.fails(entry, &fault))?;
                let Ok(then) = serde_json::from_value::<Turn>(call.output.clone()) else {
                    return Err(Box::new((Verdict::Nothing, None)));
                };
                self.compare(entry, then, now)
            }
            Question::React { occasion } => {
                let asked = loaded.status_actions.react(asking, occasion).await;
                let now = asked.result.as_ref().map(as_json).map_err(fails)?;
                self.note_words(entry, &call.output, &now);
                Ok(())
            }
            Question::Callback { update } => {
                let asked = loaded.crm_mapping.callback_for_crm(asking, update).await;
                let now = asked.result.as_ref().map(as_json).map_err(fails)?;
                self.note_words(entry, &call.output, &now);
                Ok(())
            }
        }
    }

    fn compare(&mut self, entry: &LogEntry, then: Turn, now: Turn) -> Result<(), Stop> {
        if let Some(fault) = undeclared(self.loaded, &now.actions) {
            return Err(self.fails(entry, &fault));
        }
        set_timers(&mut self.then, &then.actions);
        set_timers(&mut self.now, &now.actions);
        for action in &now.actions {
            match action {
                Action::Note { key, value: Value::Null } => drop(self.notes.remove(key)),
                Action::Note { key, value } => drop(self.notes.insert(key.clone(), value.clone())),
                _ => {}
            }
        }
        let (way_then, way_now) = (way(&then.actions), way(&now.actions));
        let says_otherwise = texts(&then.actions) != texts(&now.actions);
        // Something else was asked: other words out of another state.
        let is_elsewhere = says_otherwise && then.state != now.state;
        if way_then == way_now && !is_elsewhere {
            self.note_words(entry, &as_json(&then.actions), &as_json(&now.actions));
            self.state = now.state;
            return Ok(());
        }
        let at = self.point(entry, told(&then.actions), told(&now.actions));
        let ended = end_of(self.conversation);
        let verdict = match (end(&then.actions), end(&now.actions)) {
            (Some(then), Some(now)) if then == now => Verdict::Words,
            (_, Some(now)) if ended.as_deref() == Some(&now) => Verdict::Words,
            (_, Some(now)) => Verdict::Outcome { from: ended.unwrap_or_else(|| "still going on".to_owned()), to: now },
            (Some(then), None) => Verdict::Outcome { from: then, to: "goes on".to_owned() },
            (None, None) => Verdict::Course,
        };
        Err(Box::new((verdict, Some(at))))
    }

    fn note_words(&mut self, entry: &LogEntry, then: &Value, now: &Value) {
        if then != now && self.words.is_none() {
            self.words = Some(self.point(entry, then.to_string(), now.to_string()));
        }
    }

    fn fails(&self, entry: &LogEntry, fault: &Fault) -> Stop {
        let verdict = Verdict::Fault { kind: fault.kind.name().to_owned(), message: fault.message.clone() };
        Box::new((verdict, Some(self.point(entry, "answered".to_owned(), "fails".to_owned()))))
    }

    fn point(&self, entry: &LogEntry, then: String, now: String) -> Point {
        let event = as_json(&entry.event);
        let event = event.get("kind").and_then(Value::as_str).unwrap_or_default().replace('_', "-");
        Point { turn: entry.turn, message: self.messages, event, then, now }
    }
}

/// What decides where a conversation goes, without the words: that something is said and with which choices, meetings,
/// questions to others, ends. Timers count when they fire.
fn way(actions: &[Action]) -> Vec<Value> {
    let mut way = Vec::new();
    let mut says = None;
    for action in actions {
        match action {
            Action::Send { choices, purpose, .. } => {
                let ids: Vec<String> = match choices {
                    None => Vec::new(),
                    Some(crate::model::Choices::Buttons(choices)) => ids(choices),
                    Some(crate::model::Choices::Rows { rows, .. }) => ids(rows),
                };
                says = Some(json!({ "says": purpose, "choices": ids }));
            }
            Action::SendTemplate { purpose, .. } => says = Some(json!({ "says": purpose, "choices": [] })),
            Action::Book { .. } | Action::AskModel { .. } | Action::AskEndpoint { .. } | Action::Conclude { .. } => {
                way.push(as_json(action))
            }
            Action::CancelMeeting { .. } => way.push("cancels".into()),
            Action::HandOver { .. } => way.push("hands over".into()),
            Action::StartTimer { .. } | Action::CancelTimer { .. } | Action::Note { .. } | Action::Summarise { .. } => {
            }
        }
    }
    // Two messages or one with the same question: the person answers the last.
    way.extend(says);
    way
}

fn ids(choices: &[crate::model::Choice]) -> Vec<String> {
    choices.iter().map(|choice| choice.id.clone()).collect()
}

/// What the person reads.
fn texts(actions: &[Action]) -> Vec<Value> {
    let is_said = |action: &&Action| matches!(action, Action::Send { .. } | Action::SendTemplate { .. });
    actions.iter().filter(is_said).map(as_json).collect()
}

fn set_timers(timers: &mut BTreeMap<String, Timestamp>, actions: &[Action]) {
    for action in actions {
        match action {
            Action::StartTimer { name, at } => drop(timers.insert(name.clone(), *at)),
            Action::CancelTimer { name } => drop(timers.remove(name)),
            _ => {}
        }
    }
}

/// The end that a turn's actions lead to.
fn end(actions: &[Action]) -> Option<String> {
    actions.iter().rev().find_map(|action| match action {
        Action::Conclude { outcome, reason } => {
            let status = match outcome {
                Outcome::NoOutcome => Status::NoOutcome,
                Outcome::OptOut => Status::OptOut,
                Outcome::NotReachable => Status::NotReachable,
            };
            Some(labelled(status, reason.as_deref()))
        }
        Action::Book { start, .. } => Some(format!("{} {start}", Status::MeetingBooked.name())),
        _ => None,
    })
}

/// The end that the conversation came to; none while it goes on.
fn end_of(conversation: &Conversation) -> Option<String> {
    let status = conversation.outcome?;
    Some(match &conversation.meeting {
        Some(meeting) if status == Status::MeetingBooked => format!("{} {}", status.name(), meeting.slot.start),
        _ => status.name().to_owned(),
    })
}

fn labelled(status: Status, reason: Option<&str>) -> String {
    match reason {
        Some(reason) => format!("{} ({reason})", status.name()),
        None => status.name().to_owned(),
    }
}

/// What a turn's actions do, for people.
fn told(actions: &[Action]) -> String {
    let told: Vec<String> = actions
        .iter()
        .filter_map(|action| match action {
            Action::Send { text, .. } => Some(format!("says {text:?}")),
            Action::SendTemplate { template, .. } => Some(format!("sends the template {}", template.name)),
            Action::Book { start, .. } => Some(format!("books {start}")),
            Action::CancelMeeting { .. } => Some("cancels the meeting".to_owned()),
            Action::HandOver { .. } => Some("hands over".to_owned()),
            Action::AskModel { .. } => Some("asks a model".to_owned()),
            Action::AskEndpoint { endpoint, .. } => Some(format!("asks {endpoint}")),
            Action::Conclude { .. } => end(std::slice::from_ref(action)).map(|end| format!("ends with {end}")),
            _ => None,
        })
        .collect();
    if told.is_empty() { "says nothing".to_owned() } else { told.join(", ") }
}

/// What the host would refuse: a template that the version does not declare.
fn undeclared(loaded: &Loaded, actions: &[Action]) -> Option<Fault> {
    let templates = actions.iter().filter_map(|action| match action {
        Action::Send { fallback, .. } => fallback.as_ref(),
        Action::SendTemplate { template, .. } => Some(template),
        _ => None,
    });
    let missing: Vec<&TemplateCall> = templates.filter(|call| !loaded.templates.contains_key(&call.name)).collect();
    let call = missing.first()?;
    Some(Fault {
        kind: crate::model::FaultKind::Answer,
        message: format!("no template {:?} is declared in flow.toml", call.name),
        trace: String::new(),
    })
}
