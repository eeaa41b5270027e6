//! What a flow wants done.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What comes of asking a qualification script to advance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// Kept for the next turn; none forgets it.
    pub state: Option<Value>,
    /// In order, all or none.
    pub actions: Vec<Action>,
}

/// One thing that a qualification script wants done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Action {
    /// Send free text, perhaps with choices.
    Send {
        /// What to write.
        text: String,
        /// Buttons or a list.
        choices: Option<Choices>,
        /// Sent instead when the 24-hour window is closed.
        fallback: Option<TemplateCall>,
        /// Which rules apply.
        purpose: Purpose,
        /// A human pause before sending.
        after_seconds: u32,
    },
    /// Send a template.
    SendTemplate {
        /// Which, with its values.
        template: TemplateCall,
        /// Which rules apply.
        purpose: Purpose,
        /// A human pause before sending.
        after_seconds: u32,
    },
    /// Set or reset a timer.
    StartTimer {
        /// Its name.
        name: String,
        /// When it comes due.
        at: Timestamp,
    },
    /// Stop a timer.
    CancelTimer {
        /// Its name.
        name: String,
    },
    /// Keep a collected answer; `null` removes it.
    Note {
        /// Under this key.
        key: String,
        /// The answer.
        value: Value,
    },
    /// Set the summary that the CRM reads.
    Summarise {
        /// The summary.
        text: String,
    },
    /// Book a meeting, or move the standing one.
    Book {
        /// When it starts.
        start: Timestamp,
        /// With whom; none lets the host choose.
        with: Option<String>,
    },
    /// Cancel the standing meeting.
    CancelMeeting {
        /// Why.
        reason: String,
    },
    /// Ask a model; answered by a later event.
    AskModel {
        /// Comes back with the answer.
        id: String,
        /// The task.
        instructions: String,
        /// What to work on.
        input: String,
        /// A JSON schema for the answer.
        schema: Option<Value>,
    },
    /// Ask an endpoint of the tenant; answered by a later event.
    AskEndpoint {
        /// Comes back with the answer.
        id: String,
        /// Its name in `tenant.toml`.
        endpoint: String,
        /// What to post.
        body: Value,
    },
    /// Leave the conversation to a human.
    HandOver {
        /// Why.
        reason: String,
    },
    /// End the conversation without a meeting.
    Conclude {
        /// How.
        outcome: Outcome,
        /// A short word in capitals.
        reason: Option<String>,
    },
}

/// How a conversation ends when no meeting was booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// NO_OUTCOME
    NoOutcome,
    /// OPT_OUT
    OptOut,
    /// NOT_REACHABLE
    NotReachable,
}

/// Which rules the host applies to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Answers what the person just wrote; quiet hours do not hold it.
    Answer,
    /// Reminds of a meeting; quiet hours do not hold it.
    Reminder,
    /// First contact or follow-up; waits for contact hours.
    Outreach,
    /// Tells someone that their STOP was heard, once: the only thing that leaves after it. The host's own; no flow can
    /// send one.
    Confirmation,
}

/// Buttons or a list under a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choices {
    /// 1 to 3.
    Buttons(Vec<Choice>),
    /// Up to 10 rows behind one button.
    Rows {
        /// The label that opens the list.
        button: String,
        /// The rows.
        rows: Vec<Choice>,
    },
}

/// A button or a row, offered or chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What comes back when it is chosen.
    pub id: String,
    /// What the person sees.
    pub title: String,
}

/// A declared template with its values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateCall {
    /// As declared in `flow.toml`.
    pub name: String,
    /// One for each placeholder of the body, in order.
    pub parameters: Vec<String>,
}

/// What the status-to-action logic wants done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Reaction {
    /// Tell the CRM, at a named endpoint.
    Callback {
        /// Its name in `tenant.toml`.
        endpoint: String,
    },
    /// Post a body to a named endpoint.
    Notify(Notification),
    /// Ask again later.
    ReviewAfter {
        /// How much later.
        seconds: u64,
    },
    /// Put the person on the opt-out register.
    SuppressContact,
    /// Begin a new conversation later.
    RestartAfter {
        /// How much later.
        seconds: u64,
    },
    /// Mark the conversation.
    Tag {
        /// With this word.
        name: String,
    },
}

/// A body for a named endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notification {
    /// Its name in `tenant.toml`.
    pub endpoint: String,
    /// What to post.
    pub body: Value,
}
