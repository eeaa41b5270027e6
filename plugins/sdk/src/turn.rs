//! Building a turn.

use serde::Serialize;

use crate::bindings::qualifier::exports::relais::flow::qualification as wit;
use crate::{
    Action, Booking, Choice, Choices, Conclusion, Note, Outcome, Purpose, Send, SendTemplate, TemplateCall, Timer,
};

/// What comes of a turn: actions, in order, and the state to remember.
///
/// Every method adds one action and gives the turn back:
/// `Turn::new().say("Hello").note("greeted", &true).state(&state)`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Turn {
    actions: Vec<Action>,
    state: Option<String>,
}

impl Turn {
    /// A turn in which nothing happens and the state is forgotten.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds any action.
    #[must_use]
    pub fn act(mut self, action: Action) -> Self {
        self.actions.push(action);
        self
    }

    /// Answers with a plain text, at once.
    #[must_use]
    pub fn say(self, text: impl Into<String>) -> Self {
        self.say_after(text, 0)
    }

    /// Answers with a plain text after a human pause of so many seconds (at most 600).
    #[must_use]
    pub fn say_after(self, text: impl Into<String>, after_seconds: u32) -> Self {
        self.act(Action::Send(Send {
            text: text.into(),
            choices: None,
            fallback: None,
            purpose: Purpose::Answer,
            after_seconds,
        }))
    }

    /// Answers with one to three buttons, given as `(id, title)`; a title has at most 20 characters.
    #[must_use]
    pub fn ask<'a>(self, text: impl Into<String>, buttons: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let buttons =
            buttons.into_iter().map(|(id, title)| Choice { id: id.to_owned(), title: title.to_owned() }).collect();
        self.act(Action::Send(Send {
            text: text.into(),
            choices: Some(Choices::Buttons(buttons)),
            fallback: None,
            purpose: Purpose::Answer,
            after_seconds: 0,
        }))
    }

    /// Sends a template declared in `flow.toml`, with the values of its placeholders.
    #[must_use]
    pub fn template<P: Into<String>>(
        self,
        name: impl Into<String>,
        parameters: impl IntoIterator<Item = P>,
        purpose: Purpose,
    ) -> Self {
        let template = TemplateCall { name: name.into(), parameters: parameters.into_iter().map(Into::into).collect() };
        self.act(Action::SendTemplate(SendTemplate { template, purpose, after_seconds: 0 }))
    }

    /// Sets a timer (an instant, or a wall time of the tenant's zone); the same name again replaces it.
    #[must_use]
    pub fn timer(self, name: impl Into<String>, at: impl Into<String>) -> Self {
        self.act(Action::StartTimer(Timer { name: name.into(), at: at.into() }))
    }

    /// Stops a timer; nothing happens if it is not running.
    #[must_use]
    pub fn no_timer(self, name: impl Into<String>) -> Self {
        self.act(Action::CancelTimer(name.into()))
    }

    /// Notes an answer for the CRM and the following turns. `None` (JSON `null`) removes it.
    #[must_use]
    pub fn note<T: Serialize + ?Sized>(self, key: impl Into<String>, value: &T) -> Self {
        self.act(Action::Note(Note { key: key.into(), value: to_json(value) }))
    }

    /// Says what the CRM shall read about the conversation.
    #[must_use]
    pub fn summary(self, text: impl Into<String>) -> Self {
        self.act(Action::Summarise(text.into()))
    }

    /// Asks for a meeting, or for the standing one to be moved; `meeting-booked` or `slot-taken` will follow.
    #[must_use]
    pub fn book(self, start: impl Into<String>, with: Option<String>) -> Self {
        self.act(Action::Book(Booking { start: start.into(), with }))
    }

    /// Cancels the standing meeting.
    #[must_use]
    pub fn cancel_meeting(self, why: impl Into<String>) -> Self {
        self.act(Action::CancelMeeting(why.into()))
    }

    /// Gives the conversation to a human.
    #[must_use]
    pub fn hand_over(self, why: impl Into<String>) -> Self {
        self.act(Action::HandOver(why.into()))
    }

    /// Ends the conversation; `reason` is a short word in capitals for the CRM.
    #[must_use]
    pub fn conclude(self, outcome: Outcome, reason: Option<&str>) -> Self {
        self.act(Action::Conclude(Conclusion { outcome, reason: reason.map(str::to_owned) }))
    }

    /// What to remember until the next turn.
    #[must_use]
    pub fn state<T: Serialize + ?Sized>(mut self, state: &T) -> Self {
        self.state = Some(to_json(state));
        self
    }

    /// The actions so far.
    #[must_use]
    pub fn actions(&self) -> &[Action] {
        &self.actions
    }

    /// The state's JSON, if one was set.
    #[must_use]
    pub fn state_json(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// The texts sent in this turn, in order: what a test most often looks at.
    #[must_use]
    pub fn texts(&self) -> Vec<&str> {
        let sends = self.actions.iter().filter_map(|action| match action {
            Action::Send(send) => Some(send.text.as_str()),
            _ => None,
        });
        sends.collect()
    }
}

impl From<Turn> for wit::Turn {
    fn from(turn: Turn) -> Self {
        Self { state: turn.state, actions: turn.actions }
    }
}

/// JSON of a value. A map whose keys are not texts cannot be written as JSON; it becomes `null`, which the host
/// reads as "nothing".
fn to_json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}
