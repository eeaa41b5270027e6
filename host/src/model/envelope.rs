//! What leaves the house: saved before it is sent.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Choices, ConversationId, EnvelopeId, Environment, Phone, Purpose, Question, Status, TenantId};

/// An outgoing message or callback.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// Also the `webhook-id` of a callback and the `biz_opaque_callback_data` of a message.
    pub id: EnvelopeId,
    /// Whose.
    pub tenant: TenantId,
    /// Whether it goes to the simulator or to WhatsApp.
    pub environment: Environment,
    /// The conversation that it belongs to.
    pub conversation: ConversationId,
    /// What to send.
    pub payload: Payload,
    /// When its turn was committed.
    pub created_at: Timestamp,
    /// Not to be tried before.
    pub not_before: Timestamp,
    /// How many attempts have begun.
    pub attempts: u32,
    /// Where it stands.
    pub state: EnvelopeState,
}

impl Envelope {
    /// The lane it travels in: what is in one lane goes out in order.
    pub fn lane(&self) -> Lane {
        match &self.payload {
            Payload::Message(_) | Payload::Acknowledgement(_) => Lane::Messages,
            Payload::Callback(callback) => Lane::Callbacks(callback.endpoint.clone()),
            Payload::Question(_) => Lane::Questions,
        }
    }
}

/// An ordered line of envelopes of one conversation. Lanes do not wait for each other.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// To the person.
    Messages,
    /// To a named endpoint of the tenant.
    Callbacks(String),
    /// To a model, or to an endpoint that is asked.
    Questions,
}

/// What an envelope holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Payload {
    /// To the person.
    Message(OutgoingMessage),
    /// To an endpoint of the tenant.
    Callback(Callback),
    /// Of a message of the person, before the answer to it.
    Acknowledgement(Acknowledgement),
    /// To a model or an endpoint of the tenant; its answer comes back as an event.
    Question(Question),
}

/// Shows the person that their message was read, and perhaps that an answer is being written. Tried once: an answer is not to
/// wait for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// The `wamid` of the person's message; earlier ones are marked with it.
    pub message: String,
    /// Whether to show "typing…", which WhatsApp does until the answer, for 25 seconds at most.
    pub typing: bool,
}

/// A message for the person. What really goes out is decided at the moment of sending: the text while the 24-hour window
/// is open, the template otherwise, or nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutgoingMessage {
    /// Where to.
    pub to: Phone,
    /// Free text; none when the flow asked for a template outright.
    pub text: Option<String>,
    /// Buttons or a list under the text.
    pub choices: Option<Choices>,
    /// The template that may replace the text.
    pub template: Option<Template>,
    /// Which rules apply.
    pub purpose: Purpose,
    /// Whether it is the first message of its conversation.
    pub first: bool,
    /// How often WhatsApp took it and failed it later; it was queued again each time.
    #[serde(default)]
    pub failures: u32,
}

/// A template with everything that sending needs, resolved when the turn was committed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Template {
    /// Meta's name for it.
    pub name: String,
    /// Meta's language code, such as `fr`.
    pub language: String,
    /// The header's value, when it has a blank.
    #[serde(default)]
    pub header: Option<Blank>,
    /// The body's values, in order.
    pub parameters: Vec<String>,
    /// The placeholders' names, when the template has named ones; empty when they are numbered.
    pub parameter_names: Vec<String>,
    /// The text as the person will see it, for the transcript.
    pub shown: String,
}

/// A blank of a template, filled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blank {
    /// Its name, when the template has named ones.
    pub name: Option<String>,
    /// What fills it.
    pub text: String,
}

/// A JSON body for an endpoint of the tenant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Callback {
    /// The endpoint's name in `tenant.toml`.
    pub endpoint: String,
    /// The exact bytes to sign and send.
    pub body: String,
    /// The status it tells of; none for a notification.
    pub status: Option<Status>,
}

/// Where an envelope stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum EnvelopeState {
    /// Waits for its time, its lane or its next attempt.
    Queued,
    /// An attempt began and has not been settled; after a crash it is not known whether it went out.
    Claimed {
        /// When the attempt began.
        at: Timestamp,
    },
    /// An attempt ended without telling whether it went out; a status webhook or the operator's rule will.
    Unknown {
        /// When the attempt began.
        since: Timestamp,
    },
    /// Accepted by the other side.
    Sent {
        /// When.
        at: Timestamp,
        /// WhatsApp's identifier, for a message.
        wamid: Option<String>,
        /// What was really sent, for a message.
        shown: Option<String>,
    },
    /// A question that has its answer, or none any more.
    Answered {
        /// When.
        at: Timestamp,
        /// The answer, or a short word in kebab-case that says why there is none.
        body: Result<Value, String>,
    },
    /// Will not be sent: opt-out, closed window, refusal.
    Dropped {
        /// A short word in kebab-case.
        reason: String,
    },
    /// Set aside for a human, who may replay it.
    Parked {
        /// A short word in kebab-case.
        reason: String,
    },
}

impl EnvelopeState {
    /// Whether nothing more will happen by itself.
    pub fn is_settled(&self) -> bool {
        matches!(self, Self::Sent { .. } | Self::Answered { .. } | Self::Dropped { .. } | Self::Parked { .. })
    }
}
