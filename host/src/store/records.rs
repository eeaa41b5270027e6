//! What goes into the store and comes out of it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::{
    Conversation, ConversationId, Digest, Envelope, EnvelopeId, EnvelopeState, Environment, Event, Fault, FlowId, Line,
    Meeting, Phone, Slot, TenantId,
};

/// A lead to accept.
#[derive(Clone, Debug)]
pub struct Intake {
    /// The conversation as it would begin; its `alias` is set by the store from [`Intake::alias_prefix`].
    pub conversation: Conversation,
    /// `Prospect`, for instance: followed by a letter and a number counted per tenant (A1 … A99, B1 …).
    pub alias_prefix: String,
    /// The number of the tenant's first alias; 1 gives `A1`.
    pub alias_first: u32,
    /// The request's `Idempotency-Key`, and the digest of its body.
    pub idempotency: Option<(String, String)>,
}

/// What became of an [`Intake`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeadAnswer {
    /// A new conversation.
    Accepted(ConversationId),
    /// The answer to the same request before.
    Repeated(ConversationId),
    /// The lead is in this conversation already.
    Running(ConversationId),
    /// The idempotency key was used with another body.
    KeyReused,
}

/// An event to file.
#[derive(Clone, Debug)]
pub struct Append {
    /// Whose, when known; a person's names are looked up within it.
    pub tenant: Option<TenantId>,
    /// Under which conversation.
    pub to: To,
    /// What repeats is skipped: `wamid`, or `wamid` and status. Within one tenant-wide space. None always files.
    pub key: Option<String>,
    /// What happened.
    pub event: Event,
    /// When it arrived here (not WhatsApp's clock): the quiet window counts from it.
    pub at: Timestamp,
    /// What arrived, as it arrived: kept when the event has to be parked.
    pub raw: Option<Value>,
}

impl Append {
    /// An event of this house for a known conversation, filed whenever it comes.
    pub fn to_conversation(tenant: TenantId, conversation: ConversationId, event: Event, at: Timestamp) -> Self {
        Self { tenant: Some(tenant), to: To::Conversation(conversation), key: None, event, at, raw: None }
    }
}

/// How to find the conversation of an event.
#[derive(Clone, Debug)]
pub enum To {
    /// By its identity.
    Conversation(ConversationId),
    /// By a message of ours: its envelope if given, else its `wamid`.
    Message {
        /// WhatsApp's identifier.
        wamid: String,
        /// `biz_opaque_callback_data`.
        envelope: Option<EnvelopeId>,
        /// Other names of the person it went to; remembered, never looked up (WhatsApp rewrites numbers).
        names: Vec<String>,
    },
    /// By a person: the quoted message's `wamid` if known, else the first of the names (E.164 numbers, `wa_id`s and
    /// business-scoped user ids, as [`Append::tenant`] knows them) that has a conversation, the latest one.
    Person {
        /// Only conversations of this world; none looks in both.
        environment: Option<Environment>,
        /// The message of ours that was quoted or tapped.
        context: Option<String>,
        /// In order of preference (FACTS §5).
        names: Vec<String>,
    },
    /// To nobody: kept for people to look at.
    Nobody {
        /// What it is, one sentence.
        why: String,
    },
}

/// What became of an [`Append`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Appended {
    /// Filed under this conversation.
    Filed(ConversationId),
    /// Seen before; nothing was done.
    Repeated,
    /// A receipt that waits for the send that it belongs to.
    Waiting,
    /// No conversation is known; set aside under this number.
    Parked(u64),
}

/// A leased conversation with the event of its next turn.
#[derive(Clone, Debug)]
pub struct Taken {
    /// As it stands.
    pub conversation: Conversation,
    /// What happened.
    pub event: Event,
    /// The arrival number of the last inbox entry that the event was made of; goes back in [`Commit::consumed`].
    pub consumed: u64,
}

/// A turn to commit.
#[derive(Clone, Debug)]
pub struct Commit {
    /// As it stands after the turn; `next_turn` counted up by the turn.
    pub conversation: Conversation,
    /// From [`Taken`]; none keeps the event in the inbox, to be taken again (a flow failed).
    pub consumed: Option<u64>,
    /// The conversation is not taken again before; none means as soon as an event is ready.
    pub not_before: Option<Timestamp>,
    /// The turn, for the log.
    pub log: LogEntry,
    /// New lines of the transcript: the person's messages.
    pub lines: Vec<Line>,
    /// Events that follow at once, before anything that is waiting.
    pub follow_ups: Vec<Event>,
    /// Timers to set (due) or cancel (none), by name.
    pub timers: BTreeMap<String, Option<Timestamp>>,
    /// Envelopes to queue, in order.
    pub envelopes: Vec<Envelope>,
    /// Drops the messages of this conversation that were queued before this turn (opt-out), and takes them out of
    /// `unsettled`, which files `settled` for each; those already claimed are up to the check before the send.
    pub drop_queued: Option<String>,
    /// Puts the lead's number on the tenant's opt-out register (true) or takes it off (false).
    pub opt_out: Option<bool>,
    /// Books, moves (the old one is given up) or cancels (none) this conversation's meeting.
    pub meeting: Option<(Option<Meeting>, BookingRule)>,
    /// When the turn was committed.
    pub now: Timestamp,
}

/// How many meetings of one calendar (tenant and `with`) may share a moment with a new one, itself included and the
/// time kept free around it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookingRule {
    /// At least 1.
    pub capacity: u32,
    /// Kept free before and after a meeting, in seconds.
    pub buffer_seconds: u32,
}

/// What became of a [`Commit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// All of it.
    Done,
    /// Nothing of it: the slot was taken meanwhile.
    SlotTaken,
}

/// One turn, with everything that running it again needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogEntry {
    /// The turn's number in its conversation, from 0.
    pub turn: u64,
    /// When.
    pub at: Timestamp,
    /// On which version.
    pub version: Digest,
    /// What happened.
    pub event: Event,
    /// Each component asked, in order; empty for the host's own turns.
    pub calls: Vec<Call>,
    /// What the host's policy did differently from what the flow asked, one sentence each.
    pub policy: Vec<String>,
    /// The final words: the fault that the flow ended in, if it did.
    pub fault: Option<Fault>,
}

/// One component asked during a turn. Running it again on `input` with `slots` gives `output`, byte for byte.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// `qualification.advance`, `crm-mapping.callback-for-crm`, `status-actions.react`…
    pub function: String,
    /// Everything that it was given.
    pub input: Value,
    /// The answers of `free-slots`, in order.
    pub slots: Vec<Vec<Slot>>,
    /// What it answered; null when it ended in a fault.
    pub output: Value,
    /// What it logged: level and message.
    pub lines: Vec<(String, String)>,
    /// How long it took, in microseconds, instance included.
    pub micros: u64,
}

/// What came of an attempt.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// Which.
    pub envelope: EnvelopeId,
    /// Where it stands now. `Queued` means another attempt at [`Settlement::not_before`].
    pub state: EnvelopeState,
    /// For another attempt.
    pub not_before: Timestamp,
    /// False for a claim that was no attempt, because the envelope had to wait: it does not count on its schedule.
    pub was_tried: bool,
    /// Other names of the person learnt from the answer: `wa_id`, business-scoped user id.
    pub names: Vec<String>,
    /// When the attempt ended.
    pub now: Timestamp,
}

/// Something set aside for a human.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parked {
    /// Counts up.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// Whose, when known.
    pub tenant: Option<TenantId>,
    /// Why, one sentence.
    pub why: String,
    /// What arrived.
    pub raw: Value,
}

/// An API key of a tenant; the secret itself is shown once and not kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApiKey {
    /// SHA-256 of the secret, in hexadecimal.
    pub digest: String,
    /// Whose.
    pub tenant: TenantId,
    /// Which world it opens.
    pub environment: Environment,
    /// When it was made.
    pub created_at: Timestamp,
}

impl ApiKey {
    /// What it is called where its secret must not be shown: the beginning of its digest.
    pub fn id(&self) -> &str {
        self.digest.get(..12).unwrap_or(&self.digest)
    }
}

/// A meeting as a calendar shows it, also once it no longer stands. It names the conversation and holds nothing of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarEntry {
    /// Whose meeting; also the entry's identity.
    pub conversation: ConversationId,
    /// As it stands, or stood last.
    pub meeting: Meeting,
    /// It no longer stands.
    pub cancelled: bool,
    /// Counts up with every change, a cancellation and a new booking after it included (RFC 5545 SEQUENCE).
    pub sequence: u32,
    /// When it was first booked.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A calendar's secret address. Kept as it is, because sales teams ask for it again; it opens nothing that the store
/// does not hold itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarSecret {
    /// What stands in the address.
    pub secret: String,
    /// Whose.
    pub tenant: TenantId,
    /// The salesperson whose meetings it shows; none for all of the tenant's.
    pub person: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Without the secret, so that it cannot reach a log by accident.
impl std::fmt::Debug for CalendarSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CalendarSecret").field("tenant", &self.tenant).field("person", &self.person).finish()
    }
}

/// When the owner of an outside calendar is busy, as it was last read. What they are busy with is not kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BusyTimes {
    /// The salesperson; none when it makes everybody busy.
    pub person: Option<String>,
    /// From and to, by start.
    pub times: Vec<(Timestamp, Timestamp)>,
    /// When it was last read well; none when it never was.
    pub read_at: Option<Timestamp>,
    /// Since when it cannot be read, and why.
    pub failing: Option<(Timestamp, String)>,
}

/// The immutable content of a flow's folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowVersion {
    /// Whose.
    pub tenant: TenantId,
    /// Which flow.
    pub flow: FlowId,
    /// Of the content.
    pub digest: Digest,
    /// Path inside the folder → bytes; under `stock:NAME` the stock components that it uses. Tenants keep their
    /// `tenant.toml` as the only file of a flow called `@tenant`.
    #[serde(with = "base64_files")]
    pub files: BTreeMap<String, Vec<u8>>,
}

/// Who is to be erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Person {
    /// Whoever has this number.
    Phone(Phone),
    /// Whoever the CRM calls so.
    Contact(String),
}

/// What was erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// Conversations.
    pub conversations: usize,
    /// Records, the conversations' among them.
    pub rows: usize,
    /// Whether the person is on the opt-out register and stays there, as a digest.
    pub opt_out: bool,
}

/// What the store remembers of a flow version, whether its content is kept or not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VersionRecord {
    /// Of the content.
    pub digest: Digest,
    /// Of its author's files alone, without the stock components that belong to the content.
    pub source: Digest,
    /// How it came.
    pub origin: Origin,
    /// How far it got.
    pub state: VersionState,
    /// Its size in bytes, stock components included.
    pub bytes: u64,
    /// When it came, the last time.
    pub received_at: Timestamp,
    /// When new conversations began to take it, the last time; none when they never did.
    pub activated_at: Option<Timestamp>,
}

/// How a version came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// From the `flows/` folder.
    Folder,
    /// Over HTTP.
    Push,
}

/// How far a version got. Which of the checked ones is active is said by [`super::Store::active_versions`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum VersionState {
    /// It came, and is being checked.
    Received,
    /// It may be activated.
    Checked,
    /// It may not; its content is not kept.
    Refused {
        /// Everything that is wrong with it, as flows tell it.
        problems: Vec<Value>,
    },
}

/// The content that a flow's folder had when it was last looked at: a folder speaks once for each content, so that a
/// push or a roll-back that comes later stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderSeen {
    /// Of the files in it.
    pub source: Digest,
    /// Of the version made of them.
    pub digest: Digest,
}

/// Bytes as base64 in JSON, where an array of numbers would be four times as long.
mod base64_files {
    use std::collections::BTreeMap;

    use base64::{Engine as _, prelude::BASE64_STANDARD};
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(
        files: &BTreeMap<String, Vec<u8>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let encoded: BTreeMap<_, _> = files.iter().map(|(path, bytes)| (path, BASE64_STANDARD.encode(bytes))).collect();
        encoded.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<String, Vec<u8>>, D::Error> {
        BTreeMap::<String, String>::deserialize(deserializer)?
            .into_iter()
            .map(|(path, text)| {
                let bytes = BASE64_STANDARD.decode(text).map_err(D::Error::custom)?;
                Ok((path, bytes))
            })
            .collect()
    }
}
