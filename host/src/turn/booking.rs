//! The tenant's calendar as a turn sees it: what is free, and what may be booked.

use std::sync::Arc;

use jiff::Timestamp;

use super::draft::Draft;
use crate::{
    calendar::{Agenda, Busy},
    flows::Tenant,
    model::{Conversation, Event, Slot, SlotRefusal, Status},
    sandbox::Slots,
    store::{self, BookingRule, BusyTimes, Store},
};

/// The calendar at one moment, the asking conversation's own meeting left out: it may be moved onto itself.
#[derive(Clone, Debug)]
pub(super) struct Booking {
    tenant: Arc<Tenant>,
    busy: Vec<Busy>,
    /// The salesperson in charge of the lead, in the CRM's words.
    assigned_to: Option<String>,
    now: Timestamp,
}

impl Booking {
    pub(super) async fn load(
        store: &dyn Store,
        tenant: &Arc<Tenant>,
        conversation: &Conversation,
        now: Timestamp,
    ) -> store::Result<Self> {
        let meetings = store
            .meetings(&tenant.id, now)
            .await?
            .into_iter()
            .filter(|(other, _)| *other != conversation.id)
            .map(|(_, meeting)| Busy::from(meeting.slot));
        let calendar = &tenant.calendar;
        let outside = tenant.outside_calendars().next().is_some();
        let outside = if outside { store.busy_times(&tenant.id).await? } else { Vec::new() };
        // What was read of a calendar that tenant.toml no longer names counts no longer.
        let named = outside.into_iter().filter(|read| calendar.busy_url_of(read.person.as_deref()).is_some());
        let elsewhere = named.flat_map(|BusyTimes { person, times, .. }| {
            let ahead = times.into_iter().filter(|(_, end)| *end > now);
            ahead.map(move |(start, end)| Busy::Elsewhere(Slot { start, end, with: person.clone() }))
        });
        let busy = meetings.chain(elsewhere).collect();
        let assigned_to = conversation.lead.assigned_to.clone();
        Ok(Self { tenant: Arc::clone(tenant), busy, assigned_to, now })
    }

    /// The slot that starts at `start`, if it may be booked.
    pub(super) fn place(&self, start: Timestamp, with: Option<&str>) -> Result<(Slot, BookingRule), SlotRefusal> {
        self.agenda().place(self.now, &self.busy, start, with)
    }

    /// Free slots nearest to `wanted`, nearest first.
    pub(super) fn nearest(&self, wanted: Timestamp, limit: usize) -> Vec<Slot> {
        self.agenda().nearest(self.now, &self.busy, wanted, limit)
    }

    fn agenda(&self) -> Agenda<'_> {
        Agenda::new(&self.tenant.calendar, &self.tenant.zone).of_assigned(self.assigned_to.as_deref())
    }
}

/// The note and the mark of a person who did not come to their meeting.
const NO_SHOW_NOTE: &str = "no_show";
const NO_SHOW_TAG: &str = "no-show";

/// The company takes the meeting back, or the person did not come: the conversation goes on without it, and the script is
/// told. It sees from the note `no_show` which of the two it was.
pub(super) fn withdraw(draft: &mut Draft, start: Timestamp, no_show: bool) {
    if draft.conversation.meeting.as_ref().is_none_or(|meeting| meeting.slot.start != start) {
        draft.overrule("nothing to cancel: the meeting that was meant no longer stands");
        return;
    }
    let Some(meeting) = draft.cancel_meeting() else { return };
    let conversation = &mut draft.conversation;
    // No longer how it ended; what becomes of it is told when it is known.
    if conversation.outcome == Some(Status::MeetingBooked) {
        conversation.outcome = None;
    }
    if no_show {
        conversation.notes.insert(NO_SHOW_NOTE.to_owned(), true.into());
        conversation.tags.insert(NO_SHOW_TAG.to_owned());
    } else {
        conversation.notes.remove(NO_SHOW_NOTE);
    }
    draft.follow_ups.push(Event::MeetingCancelled { meeting });
}

impl Slots for Booking {
    fn free(&self, from: Timestamp, to: Timestamp, limit: usize) -> Vec<Slot> {
        self.agenda().free_slots(self.now, &self.busy, from, to, limit)
    }
}
