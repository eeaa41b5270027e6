//! A trait per role.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{Context, Event, Fault, Lead, LeadDraft, Occasion, Problem, Reaction, Status, Turn, Update};

/// For whom, and when: given to every call but `configure`.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The time, the tenant, the standing meeting, what was noted so far.
    pub context: Context,
    /// The person.
    pub lead: Lead,
}

impl Call {
    /// The first word of the person's name; empty when no name is known.
    #[must_use]
    pub fn first_name(&self) -> String {
        let name = self.lead.name.as_deref().unwrap_or_default();
        name.split_whitespace().next().unwrap_or_default().to_owned()
    }

    /// What was noted under `key`, when it reads as `T`.
    #[must_use]
    pub fn note<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let notes: serde_json::Value = serde_json::from_str(&self.context.notes).ok()?;
        serde_json::from_value(notes.get(key)?.clone()).ok()
    }

    /// What the CRM sent under `context` (`null` when nothing).
    #[must_use]
    pub fn lead_context(&self) -> serde_json::Value {
        serde_json::from_str(&self.lead.context).unwrap_or_default()
    }
}

/// The qualification script: what to say, what to understand, when to stop.
pub trait Qualification: Sized + 'static {
    /// The role's configuration (the TOML file named in `flow.toml`). [`Nothing`] when there is none.
    type Config: DeserializeOwned;
    /// What is remembered of a conversation between two turns; its JSON may have 64 KiB.
    type State: Serialize + DeserializeOwned + Default;

    /// Called once when a version is activated. What it gives is kept in memory, each turn starts from there: compile
    /// patterns and templates here.
    ///
    /// # Errors
    /// The problems of the configuration; the version is then refused with them.
    fn configure(config: Self::Config) -> Result<Self, Vec<Problem>>;

    /// One turn: something happened, what follows? `state` is what the last turn left (its default at first).
    ///
    /// # Errors
    /// [`Fault::Reject`] parks the conversation for a human, [`Fault::Retry`] asks for the same event again later.
    fn advance(&self, call: &Call, state: Self::State, event: Event) -> Result<Turn, Fault>;
}

/// The CRM's words and ours.
pub trait CrmMapping: Sized + 'static {
    /// See [`Qualification::Config`].
    type Config: DeserializeOwned;

    /// See [`Qualification::configure`].
    ///
    /// # Errors
    /// The problems of the configuration.
    fn configure(config: Self::Config) -> Result<Self, Vec<Problem>>;

    /// Reads a lead from what the CRM posted (any JSON).
    ///
    /// # Errors
    /// The problems of the payload, each with the field that it is about; the CRM gets them.
    fn lead_from_crm(&self, payload: &str) -> Result<LeadDraft, Vec<Problem>>;

    /// The JSON body of the callback that tells the CRM of a status.
    ///
    /// # Errors
    /// See [`Qualification::advance`].
    fn callback_for_crm(&self, call: &Call, update: &Update) -> Result<String, Fault>;
}

/// What each status sets in motion.
pub trait StatusActions: Sized + 'static {
    /// See [`Qualification::Config`].
    type Config: DeserializeOwned;

    /// See [`Qualification::configure`].
    ///
    /// # Errors
    /// The problems of the configuration.
    fn configure(config: Self::Config) -> Result<Self, Vec<Problem>>;

    /// What shall follow; at most 20 reactions.
    ///
    /// # Errors
    /// See [`Qualification::advance`].
    fn react(&self, call: &Call, occasion: &Occasion) -> Result<Vec<Reaction>, Fault>;
}

/// The configuration of a role that needs none: an absent file and an empty one will do, anything in it is refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// A status in the integration guide's capitals, such as `MEETING_BOOKED`.
#[must_use]
pub fn status_name(status: Status) -> &'static str {
    match status {
        Status::FirstMessageDelivered => "FIRST_MESSAGE_DELIVERED",
        Status::FirstMessageRead => "FIRST_MESSAGE_READ",
        Status::ResponseReceived => "RESPONSE_RECEIVED",
        Status::MeetingBooked => "MEETING_BOOKED",
        Status::NotReachable => "NOT_REACHABLE",
        Status::OptOut => "OPT_OUT",
        Status::NoOutcome => "NO_OUTCOME",
    }
}
