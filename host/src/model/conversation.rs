//! A conversation: one attempt to qualify a lead.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{ConversationId, Digest, EnvelopeId, Event, FlowId, Lead, Meeting, Phone, ReceiptStatus, Status, TenantId};

/// Everything that is known of a conversation but its log and its messages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    /// Its identity.
    pub id: ConversationId,
    /// Whose.
    pub tenant: TenantId,
    /// Which flow leads it.
    pub flow: FlowId,
    /// The version it began with and stays on (P10).
    pub version: Digest,
    /// Whether it talks to the simulator or to WhatsApp.
    pub environment: Environment,
    /// With whom.
    pub lead: Lead,
    /// The number that writes to the person.
    pub business_number: Phone,
    /// The person's name in transcripts, such as `Prospect A12`.
    pub alias: String,
    /// The zone that its transcripts and callbacks use (IANA).
    pub timezone: String,
    /// How long to wait for the rest of a burst.
    pub quiet: Quiet,
    /// When the lead was accepted.
    pub created_at: Timestamp,
    /// When anything last happened that a transcript shows.
    pub last_activity_at: Timestamp,
    /// The number of the next turn.
    pub next_turn: u64,
    /// The flow's state.
    pub state: Option<Value>,
    /// Answers collected by the flow.
    pub notes: Map<String, Value>,
    /// What the CRM shall read.
    pub summary: Option<String>,
    /// Marks set by the flow.
    pub tags: BTreeSet<String>,
    /// The meeting that stands.
    pub meeting: Option<Meeting>,
    /// How far the first message and the person got.
    pub progress: Progress,
    /// The final status, once reached.
    pub outcome: Option<Status>,
    /// The last status told.
    pub last_status: Option<Status>,
    /// When the person last wrote, by WhatsApp's clock; opens the 24-hour window.
    pub last_inbound_at: Option<Timestamp>,
    /// Messages of ours that have not been settled.
    pub unsettled: BTreeSet<EnvelopeId>,
    /// Statuses waiting until the messages before them have left.
    pub reports: Vec<Report>,
    /// The highest receipt of each message of ours, by `wamid`.
    pub receipts: BTreeMap<String, ReceiptStatus>,
    /// Why the flow is silent until a human resumes it.
    pub handed_over: Option<String>,
    /// Turns since anyone but the flow itself had something to say.
    #[serde(default)]
    pub own_turns: OwnTurns,
    /// Faults since the last turn that went well.
    pub faults: u32,
    /// Questions that models and endpoints were asked.
    #[serde(default)]
    pub questions: u32,
    /// Why a human must look before the flow is asked again.
    pub parked: Option<Fault>,
    /// What the flow is to be asked once a human lets it continue, oldest first.
    pub held: Vec<Event>,
}

impl Conversation {
    /// Until when free text may be sent: 24 hours after the person's last message (FACTS §4).
    pub fn window_until(&self) -> Option<Timestamp> {
        self.last_inbound_at.and_then(|at| at.checked_add(24.hours()).ok())
    }

    /// Whether the person may still be written to by the flow.
    pub fn is_open(&self) -> bool {
        matches!(self.outcome, None | Some(Status::MeetingBooked))
    }
}

/// Where messages go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// The simulator.
    Test,
    /// WhatsApp.
    Live,
}

/// How long to wait for the rest of a burst of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quiet {
    /// Silence that ends a burst, in milliseconds.
    pub window_ms: u32,
    /// From its first message on, a burst lasts no longer than this, in milliseconds.
    pub most_ms: u32,
}

impl Default for Quiet {
    fn default() -> Self {
        Self { window_ms: 6_000, most_ms: 30_000 }
    }
}

/// How far the first message and the person got; each is told once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// FIRST_MESSAGE_DELIVERED was reached.
    pub delivered: bool,
    /// FIRST_MESSAGE_READ was reached.
    pub read: bool,
    /// RESPONSE_RECEIVED was reached.
    pub answered: bool,
}

/// A status waiting to be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Which.
    pub status: Status,
    /// A short word in capitals, where the status has one.
    pub reason: Option<String>,
}

/// Turns in a row that a flow caused itself, by what it asked for: a timer, a booking, an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnTurns {
    /// When the hour that is being counted began.
    pub since: Timestamp,
    /// How many so far in that hour.
    pub count: u32,
}

impl OwnTurns {
    /// Counts one more at `now`, and gives how many this hour has seen.
    pub fn count(&mut self, now: Timestamp) -> u32 {
        if self.since.checked_add(1.hour()).is_ok_and(|end| now >= end) {
            *self = Self { since: now, count: 0 };
        }
        self.count += 1;
        self.count
    }
}

/// A flow failed. Data, not an error: it is kept in the log and shown to the tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Which kind.
    pub kind: FaultKind,
    /// What happened, for the flow's author.
    pub message: String,
    /// What the guest wrote to its standard error and, for a trap, its stack.
    pub trace: String,
}

/// The name of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// Ran longer than its limit.
    Deadline,
    /// Wanted more memory (or table) than its limit.
    Memory,
    /// Recursed beyond its stack.
    Stack,
    /// Panicked or trapped otherwise.
    Panic,
    /// Answered what is not valid: bad JSON, a bad time, an empty text…
    Answer,
    /// Answered more than its limit of bytes.
    Output,
    /// Answered a state over its limit.
    State,
    /// Answered more actions than its limit.
    Actions,
    /// Said `reject`: retrying cannot help.
    Rejected,
    /// Said `retry`.
    Retry,
    /// Keeps itself busy: one turn causes the next, without a word from outside.
    Busy,
    /// No component to ask.
    Unavailable,
}

impl FaultKind {
    /// The name, as in logs and documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deadline => "deadline",
            Self::Memory => "memory",
            Self::Stack => "stack",
            Self::Panic => "panic",
            Self::Answer => "answer",
            Self::Output => "output",
            Self::State => "state",
            Self::Actions => "actions",
            Self::Rejected => "rejected",
            Self::Retry => "retry",
            Self::Busy => "busy",
            Self::Unavailable => "unavailable",
        }
    }
}
