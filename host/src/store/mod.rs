//! The truth: what the host must not forget.
//!
//! [`Store`] is a trait of what the host does, not of keys and values, so that an embedded and a shared implementation can
//! both do it well. One contract suite runs on each of them.

mod past;
mod records;
mod sled;

pub use past::{Dossier, Past, summary};
pub use records::{
    ApiKey, Append, Appended, BookingRule, BusyTimes, CalendarEntry, CalendarSecret, Call, Commit, Committed, Erased,
    FlowVersion, FolderSeen, Intake, LeadAnswer, LogEntry, Origin, Parked, Person, Settlement, Taken, To,
    VersionRecord, VersionState,
};
pub use sled::SledStore;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::model::{
    Alarm, Conversation, ConversationId, Digest, Envelope, EnvelopeId, FlowId, Line, Meeting, Phone, TenantId,
};

/// Why a message is set aside of which nobody knows whether it went out. A receipt may still prove it.
pub const RESULT_UNKNOWN: &str = "result-unknown";

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The files cannot be read or written.
    #[error("use the store: {0}")]
    Storage(String),
    /// What is stored is not what this version writes.
    #[error("read {what} from the store: {why}; restore a backup or open it with the version of Relais that wrote it")]
    Damaged {
        /// Which record.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// There is no such record.
    #[error("find {0} in the store")]
    Missing(String),
    /// The conversation is leased to someone else, or to nobody.
    #[error("commit a turn of {0} without holding its lease")]
    NotLeased(ConversationId),
}

/// The reason of a follow-up that was dropped because the person wrote before it left: no flow has to be told.
pub const ANSWERED: &str = "answered";

/// What every method gives.
pub type Result<T> = std::result::Result<T, Error>;

/// What the host does with what it must not forget.
///
/// **Durable when it returns**: every method that changes anything returns after its change survives a crash; changes of
/// one call are atomic. Many calls share one flush.
#[async_trait]
pub trait Store: Send + Sync {
    // --- the door -------------------------------------------------------------------------------------------------

    /// Accepts a lead: creates its conversation with the event `lead-received`, or answers as before when the same
    /// idempotency key was used, or names the conversation that the lead is already in (same tenant, environment and CRM
    /// id or number, still open). Keys count within a tenant and an environment.
    async fn accept(&self, intake: Intake) -> Result<LeadAnswer>;

    /// Files events under their conversations, in the order given. One that repeats (same key) is skipped; one whose
    /// conversation is not known (or is another tenant's) is kept: a receipt waits for the send that it belongs to,
    /// anything else is parked. What an event tells is remembered: all names of its person, the `wamid` of its envelope.
    async fn append(&self, events: Vec<Append>) -> Result<Vec<Appended>>;

    // --- the turn -------------------------------------------------------------------------------------------------

    /// Leases a conversation that has an event ready at `now`, tenants in turn, the longest waiting of each first, and
    /// gives what the turn needs. Messages of one burst come as one event, once the conversation's quiet window has
    /// passed; a message that followed a turn is no part of a burst. None when nothing is ready. The lease ends with [`Store::commit`] or [`Store::release`], or with the process.
    async fn take(&self, now: Timestamp) -> Result<Option<Taken>>;

    /// Commits a turn: all of it or nothing (P2). Answers [`Committed::SlotTaken`], having changed nothing and keeping
    /// the lease, when the meeting asked for can no longer be had.
    async fn commit(&self, commit: Commit) -> Result<Committed>;

    /// Gives a lease back; the event is taken again at `retry_at`.
    async fn release(&self, conversation: &ConversationId, retry_at: Timestamp) -> Result<()>;

    // --- timers ---------------------------------------------------------------------------------------------------

    /// Turns timers that are due at `now` into events, at most `limit`; how many there were.
    async fn fire(&self, now: Timestamp, limit: usize) -> Result<usize>;

    /// When something next comes due: a timer, an event whose quiet window ends, an envelope; none when nothing waits.
    /// May be in the past, when something is ready now. Leased conversations and claimed envelopes do not count.
    async fn next_due(&self) -> Result<Option<Timestamp>>;

    /// How many changes were made since the store was opened: while it stays the same, nothing has happened.
    fn revision(&self) -> u64;

    // --- delivery -------------------------------------------------------------------------------------------------

    /// Claims up to `limit` envelopes that are due at `now`, each the first of its lane, and marks them claimed.
    async fn claim(&self, now: Timestamp, limit: usize) -> Result<Vec<Envelope>>;

    /// Records what came of an attempt. A message that was sent becomes a line of the transcript and its `wamid` leads
    /// back to the conversation (receipts that came early are filed now); a settled message files the event `settled`,
    /// one that was not sent, unless for `opt-out`, also `message-undelivered`. Nothing when it is settled
    /// already, but that a message set aside as [`RESULT_UNKNOWN`] may turn out to have been sent.
    async fn settle(&self, settlement: Settlement) -> Result<()>;

    /// Envelopes still claimed or unknown whose attempt began before `before`: after a crash, or when no status came.
    async fn unresolved(&self, before: Timestamp) -> Result<Vec<Envelope>>;

    /// Queues a parked envelope again, behind what its lane holds and as if it had never been tried; false when there is
    /// no such parked envelope.
    async fn replay(&self, envelope: &EnvelopeId, now: Timestamp) -> Result<bool>;

    // --- looking --------------------------------------------------------------------------------------------------

    /// A conversation.
    async fn conversation(&self, id: &ConversationId) -> Result<Option<Conversation>>;

    /// Conversations of a lead, newest first.
    async fn conversations_of(&self, tenant: &TenantId, crm_id: &str) -> Result<Vec<ConversationId>>;

    /// Conversations with a person, by any name that is known of them (a number in E.164, a `wa_id`, a user id), oldest
    /// first.
    async fn conversations_with(&self, tenant: &TenantId, name: &str) -> Result<Vec<ConversationId>>;

    /// Conversations of a tenant (or of all), newest first, at most `limit`.
    async fn conversations(&self, tenant: Option<&TenantId>, limit: usize) -> Result<Vec<Conversation>>;

    /// The messages of a conversation, in order of arrival.
    async fn lines(&self, id: &ConversationId) -> Result<Vec<Line>>;

    /// The log of a conversation, oldest first.
    async fn log(&self, id: &ConversationId) -> Result<Vec<LogEntry>>;

    /// Envelopes of a tenant (or of all) that are parked, oldest conversation first, at most `limit`. Reads all there are.
    async fn parked_envelopes(&self, tenant: Option<&TenantId>, limit: usize) -> Result<Vec<Envelope>>;

    /// The envelopes of a conversation, oldest first.
    async fn envelopes(&self, id: &ConversationId) -> Result<Vec<Envelope>>;

    /// What has been set aside for a human, oldest first, at most `limit`.
    async fn parked(&self, limit: usize) -> Result<Vec<Parked>>;

    /// The meetings of a tenant that end after `from`, with their conversations, by start.
    async fn meetings(&self, tenant: &TenantId, from: Timestamp) -> Result<Vec<(ConversationId, Meeting)>>;

    // --- calendars ------------------------------------------------------------------------------------------------

    /// The meetings of a tenant that begin at `from` or later, those that no longer stand too, by start.
    async fn calendar_entries(&self, tenant: &TenantId, from: Timestamp) -> Result<Vec<CalendarEntry>>;

    /// Keeps a calendar's secret; the one that it replaces opens nothing from then on.
    async fn put_calendar_secret(&self, secret: CalendarSecret) -> Result<()>;

    /// The secret of a calendar: a salesperson's or, with none, the tenant's.
    async fn calendar_secret(&self, tenant: &TenantId, person: Option<&str>) -> Result<Option<CalendarSecret>>;

    /// The calendar that a secret opens.
    async fn calendar_of_secret(&self, secret: &str) -> Result<Option<CalendarSecret>>;

    /// Keeps what was read of an outside calendar, in place of what was read of it before.
    async fn put_busy_times(&self, tenant: &TenantId, busy: BusyTimes) -> Result<()>;

    /// What was read of a tenant's outside calendars.
    async fn busy_times(&self, tenant: &TenantId) -> Result<Vec<BusyTimes>>;

    // --- the register and the keys --------------------------------------------------------------------------------

    /// Whether a person is on the tenant's opt-out register.
    async fn opted_out(&self, tenant: &TenantId, phone: &Phone) -> Result<bool>;

    /// Puts a person on the tenant's opt-out register, or takes them off.
    async fn set_opt_out(&self, tenant: &TenantId, phone: &Phone, opted_out: bool) -> Result<()>;

    /// Keeps an alarm; one of the same id takes its place.
    async fn raise_alarm(&self, alarm: Alarm) -> Result<()>;

    /// Forgets an alarm; false when there is none of that id.
    async fn clear_alarm(&self, id: &str) -> Result<bool>;

    /// The alarms that stand, by id.
    async fn alarms(&self) -> Result<Vec<Alarm>>;

    /// Keeps an API key under the digest of its secret.
    async fn add_key(&self, key: ApiKey) -> Result<()>;

    /// The key with this digest.
    async fn key(&self, digest: &str) -> Result<Option<ApiKey>>;

    /// Every key, in the order of their digests.
    async fn keys(&self) -> Result<Vec<ApiKey>>;

    /// Forgets the key with this digest; false when there is none. Requests with it are refused from now on.
    async fn remove_key(&self, digest: &str) -> Result<bool>;

    // --- upkeep ---------------------------------------------------------------------------------------------------

    /// Erases a person of a tenant (P13): conversations with their state, log, lines, envelopes and meetings, and whatever
    /// was set aside of them. A number on the opt-out register is replaced by a digest, so that it is kept silent.
    async fn erase(&self, tenant: &TenantId, person: &Person) -> Result<Erased>;

    /// Copies everything into `pieces` while the store is in use: the copy is the store at one moment, durable, not before
    /// this was called. Ends without the copy's last record when whoever receives it has gone. One at a time.
    async fn back_up(&self, pieces: tokio::sync::mpsc::Sender<Vec<u8>>) -> Result<()>;

    // --- flow versions --------------------------------------------------------------------------------------------

    /// Keeps a version's content; the same content is kept once.
    async fn put_version(&self, version: FlowVersion) -> Result<()>;

    /// A version's content.
    async fn version(&self, tenant: &TenantId, flow: &FlowId, digest: &Digest) -> Result<Option<FlowVersion>>;

    /// Makes a version the one that new conversations take.
    async fn activate(&self, tenant: &TenantId, flow: &FlowId, digest: &Digest, now: Timestamp) -> Result<()>;

    /// The active version of each flow of each tenant.
    async fn active_versions(&self) -> Result<Vec<(TenantId, FlowId, Digest)>>;

    /// Remembers how far a version got; a record of the same version is replaced.
    async fn record_version(&self, tenant: &TenantId, flow: &FlowId, record: VersionRecord) -> Result<()>;

    /// The versions of a flow that are remembered, the latest received first.
    async fn versions(&self, tenant: &TenantId, flow: &FlowId) -> Result<Vec<VersionRecord>>;

    /// Every flow of which a version is remembered, by tenant and name.
    async fn recorded_flows(&self) -> Result<Vec<(TenantId, FlowId)>>;

    /// Forgets a version and its content, with what no other version shares of it; false, with nothing changed, when it
    /// is active or a conversation that has not ended runs on it.
    async fn forget_version(&self, tenant: &TenantId, flow: &FlowId, digest: &Digest) -> Result<bool>;

    /// Remembers what a flow's folder holds.
    async fn see_folder(&self, tenant: &TenantId, flow: &FlowId, seen: FolderSeen) -> Result<()>;

    /// What a flow's folder held when it was last looked at.
    async fn folder_seen(&self, tenant: &TenantId, flow: &FlowId) -> Result<Option<FolderSeen>>;

    /// How many conversations that have not ended run on each version of a flow.
    async fn running(&self, tenant: &TenantId, flow: &FlowId) -> Result<Vec<(Digest, u64)>>;
}
