//! What a caller gives with a question to a flow.

use std::{fmt, sync::Arc};

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::model::{ConversationId, FlowId, Lead, Meeting, Slot, Status, TenantId};

/// What every turn may know of the world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Context {
    /// The time of the turn. A flow sees whole seconds.
    pub now: Timestamp,
    /// The IANA name of the tenant's zone; a name that nobody knows counts as UTC.
    pub timezone: String,
    /// BCP 47.
    pub language: String,
    /// Whose flow.
    pub tenant: TenantId,
    /// Which flow.
    pub flow: FlowId,
    /// Which conversation.
    pub conversation: ConversationId,
    /// Until when free text may be sent.
    pub window_until: Option<Timestamp>,
    /// The meeting that stands.
    pub meeting: Option<Meeting>,
    /// The last status told to the CRM.
    pub last_status: Option<Status>,
    /// Everything noted so far.
    pub notes: Map<String, Value>,
}

/// A question to a flow about a conversation.
#[derive(Clone)]
pub struct Call<'a> {
    /// What the flow may know.
    pub context: &'a Context,
    /// With whom.
    pub lead: &'a Lead,
    /// Answers `free-slots`: the live calendar, or what was recorded when the turn is run again.
    pub slots: Arc<dyn Slots>,
    /// What the flow's random numbers come from: the event's identifier. The same seed gives the same numbers.
    pub seed: &'a str,
}

/// Answers a flow's questions about free slots while it runs; it may be asked from any thread, and the time that it
/// takes counts as the flow's.
pub trait Slots: Send + Sync {
    /// The free slots that start in [`from`, `to`), earliest first, at most `limit` (which is at most 100).
    fn free(&self, from: Timestamp, to: Timestamp, limit: usize) -> Vec<Slot>;
}

/// A calendar without slots.
#[derive(Clone, Copy, Debug)]
pub struct NoSlots;

impl Slots for NoSlots {
    fn free(&self, _: Timestamp, _: Timestamp, _: usize) -> Vec<Slot> {
        Vec::new()
    }
}

/// A status with all that a CRM may want to know about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Update {
    /// Which.
    pub status: Status,
    /// A short word in capitals, where the status has one.
    pub reason: Option<String>,
    /// The meeting it tells of.
    pub meeting: Option<Meeting>,
    /// What the flow summarised.
    pub summary: Option<String>,
    /// In the guide's layout.
    pub transcript: String,
}

/// Why status actions are asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Occasion {
    /// A status was reached.
    StatusReached(Update),
    /// A cron rule came due; its name.
    ScheduleFired(String),
    /// The time set by `review-after` came.
    ReviewDue,
}

/// The circumstances of one run of an instance: everything that could make two runs differ.
pub(super) struct Circumstances {
    pub(super) now: Timestamp,
    pub(super) zone: TimeZone,
    pub(super) seed: String,
    pub(super) slots: Arc<dyn Slots>,
}

impl Circumstances {
    /// Those of a turn.
    pub(super) fn of_turn(now: Timestamp, timezone: &str, seed: &str, slots: Arc<dyn Slots>) -> Self {
        Self { now: whole_seconds(now), zone: zone(timezone), seed: seed.to_owned(), slots }
    }

    /// Those in which components are configured: always the same, so that the same component and configuration give
    /// the same image on every machine and every day.
    pub(super) fn of_configuration() -> Self {
        Self { now: Timestamp::UNIX_EPOCH, zone: TimeZone::UTC, seed: "configure".to_owned(), slots: Arc::new(NoSlots) }
    }
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("conversation", &self.context.conversation).finish_non_exhaustive()
    }
}

/// The zone of a name; UTC for a name that nobody knows.
pub(super) fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

/// Without the fraction of its second, towards the past.
pub(super) fn whole_seconds(at: Timestamp) -> Timestamp {
    let seconds = at.as_nanosecond().div_euclid(1_000_000_000);
    i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok()).unwrap_or(at)
}
