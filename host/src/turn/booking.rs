//! The tenant's calendar as a turn sees it: what is free, and what may be booked.

use std::sync::Arc;

use jiff::Timestamp;

use crate::{
    calendar::{Agenda, Busy},
    flows::Tenant,
    model::{ConversationId, Slot, SlotRefusal},
    sandbox::Slots,
    store::{self, BookingRule, Store},
};

/// The calendar at one moment, the asking conversation's own meeting left out: it may be moved onto itself.
#[derive(Clone, Debug)]
pub(super) struct Booking {
    tenant: Arc<Tenant>,
    busy: Vec<Busy>,
    now: Timestamp,
}

impl Booking {
    pub(super) async fn load(
        store: &dyn Store,
        tenant: &Arc<Tenant>,
        own: &ConversationId,
        now: Timestamp,
    ) -> store::Result<Self> {
        let busy = store
            .meetings(&tenant.id, now)
            .await?
            .into_iter()
            .filter(|(conversation, _)| conversation != own)
            .map(|(_, meeting)| Busy::from(meeting.slot))
            .collect();
        Ok(Self { tenant: Arc::clone(tenant), busy, now })
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
        Agenda::new(&self.tenant.calendar, &self.tenant.zone)
    }
}

impl Slots for Booking {
    fn free(&self, from: Timestamp, to: Timestamp, limit: usize) -> Vec<Slot> {
        self.agenda().free_slots(self.now, &self.busy, from, to, limit)
    }
}
