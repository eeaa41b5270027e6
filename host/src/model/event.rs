//! Something that happened in a conversation.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Choice, Digest, EnvelopeId, Meeting, Phone, Slot, Status};

/// An event of a conversation's log. The first group goes to the flow's qualification script, the second to its
/// status-to-action logic, the third is the host's own business.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// The CRM handed the lead over. Always the first.
    LeadReceived,
    /// The person wrote; a burst is one event. Never empty.
    MessageReceived {
        /// Oldest first.
        messages: Vec<Inbound>,
    },
    /// A message of ours will not reach the person.
    MessageUndelivered {
        /// Which.
        envelope: EnvelopeId,
        /// What it said.
        text: String,
        /// A short word in kebab-case.
        reason: String,
    },
    /// A timer came due.
    TimerFired {
        /// As set by the flow.
        name: String,
    },
    /// The meeting asked for stands.
    MeetingBooked {
        /// As it stands.
        meeting: Meeting,
    },
    /// The slot asked for cannot be had.
    SlotTaken {
        /// What was asked for.
        wanted: Timestamp,
        /// Why.
        reason: SlotRefusal,
        /// Nearest first, at most 5.
        nearest: Vec<Slot>,
    },
    /// The meeting no longer stands.
    MeetingCancelled {
        /// As it stood.
        meeting: Meeting,
    },
    /// The answer of a model or of an endpoint asked earlier.
    AnswerArrived(Answer),
    /// A human gave the conversation back.
    Resumed,

    /// A status is to be told.
    StatusReached {
        /// Which.
        status: Status,
        /// A short word in capitals, where the status has one.
        reason: Option<String>,
    },
    /// A cron rule came due for this conversation.
    ScheduleFired {
        /// The rule's name in `flow.toml`.
        name: String,
    },
    /// The time set by `review-after` came.
    ReviewDue,

    /// WhatsApp told what became of a message of ours.
    Receipt(Receipt),
    /// An envelope with a message left, or never will.
    Settled {
        /// Which.
        envelope: EnvelopeId,
        /// When WhatsApp took it; none when it never left.
        sent_at: Option<Timestamp>,
        /// Whether it was the first message of the conversation.
        first: bool,
    },
    /// The person used WhatsApp's own control to stop or resume marketing messages.
    PreferenceChanged {
        /// True for `stop`.
        stops: bool,
    },
    /// A human answered from the business app.
    HumanAnswered {
        /// What they wrote, when it was text.
        text: Option<String>,
        /// When.
        at: Timestamp,
    },
    /// The person changed number or user id: what was known under the old names belongs to the new ones.
    NumberChanged {
        /// The number from now on, if that is what changed.
        number: Option<Phone>,
    },
    /// The person edited or deleted a message of theirs. The flow does not hear of it: it sees the new words if it has not
    /// been asked yet, and has acted on the old ones otherwise.
    MessageChanged {
        /// The `wamid` of the message.
        message: String,
        /// What it says now; none when it was deleted.
        content: Option<Content>,
        /// When.
        at: Timestamp,
    },
    /// WhatsApp told something of the person that is no answer: a reaction taken back, a new security code, a chat opened.
    Noticed {
        /// WhatsApp's word for it, such as `request_welcome`.
        what: String,
        /// When.
        at: Timestamp,
    },
    /// A human continues a parked conversation.
    Retried,
    /// A version of the flow was activated that takes running conversations over.
    VersionActivated {
        /// Which.
        version: Digest,
    },
    /// The company gives up the meeting, or the person did not come to it.
    MeetingWithdrawn {
        /// When it began, or was to begin: a meeting that was moved meanwhile is another one.
        start: Timestamp,
        /// The person did not come.
        no_show: bool,
        /// For the log.
        reason: String,
    },
}

/// One message of the person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inbound {
    /// WhatsApp's identifier (`wamid`).
    pub id: String,
    /// By WhatsApp's clock.
    pub at: Timestamp,
    /// What it holds.
    pub content: Content,
    /// The `wamid` of the message of ours that it answers to, when the person quoted or tapped one.
    pub context: Option<String>,
}

/// What a message holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// Plain text.
    Text(String),
    /// A button or a row; `id` is what we gave when offering it (for template buttons: the payload).
    Choice(Choice),
    /// An image, a voice note…; the bytes stay with WhatsApp.
    Media {
        /// `image`, `audio`, `voice`, `video`, `document` or `sticker`.
        kind: String,
        /// What was written under it.
        caption: Option<String>,
    },
    /// A place.
    Location {
        /// Degrees.
        latitude: f64,
        /// Degrees.
        longitude: f64,
        /// The place's name.
        name: Option<String>,
    },
    /// An emoji on one of our messages; empty when it was taken back.
    Reaction(String),
    /// A kind of message that has no case here; its name.
    Unsupported(String),
}

impl Content {
    /// The message as a transcript shows it.
    pub fn shown(&self) -> String {
        match self {
            Self::Text(text) | Self::Reaction(text) => text.clone(),
            Self::Choice(choice) => choice.title.clone(),
            Self::Media { kind, caption: Some(caption) } => format!("[{kind}] {caption}"),
            Self::Media { kind, caption: None } => format!("[{kind}]"),
            Self::Location { name: Some(name), .. } => format!("[location] {name}"),
            Self::Location { name: None, .. } => "[location]".to_owned(),
            Self::Unsupported(kind) => format!("[{kind}]"),
        }
    }
}

/// Why a slot cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SlotRefusal {
    /// Someone else has it.
    Taken,
    /// Outside opening hours, or a holiday.
    Closed,
    /// Already gone by.
    Past,
    /// Sooner than the notice that the tenant asks for.
    TooSoon,
    /// Beyond the tenant's horizon.
    TooFar,
}

impl SlotRefusal {
    /// The contract's word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Closed => "closed",
            Self::Past => "past",
            Self::TooSoon => "too-soon",
            Self::TooFar => "too-far",
        }
    }
}

/// The answer to an `ask-model` or an `ask-endpoint`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// As given when asking.
    pub id: String,
    /// The answer, or why there is none.
    pub body: Result<Value, String>,
}

/// A delivery status of one of our messages (FACTS §2.4).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// The message's `wamid`.
    pub wamid: String,
    /// The envelope, when the status carried `biz_opaque_callback_data`.
    pub envelope: Option<EnvelopeId>,
    /// How far it got.
    pub status: ReceiptStatus,
    /// By WhatsApp's clock.
    pub at: Timestamp,
    /// What WhatsApp's error means, in kebab-case, when it failed: `no-whatsapp`, `window-closed`…
    pub reason: Option<String>,
}

/// How far a message got. The order is the rank: a status only moves up, and `failed` never moves a delivered one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptStatus {
    /// Will not arrive, as far as WhatsApp knows.
    Failed,
    /// Left WhatsApp's servers.
    Sent,
    /// Reached the phone.
    Delivered,
    /// Was opened (or played).
    Read,
}
