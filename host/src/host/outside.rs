//! Outside calendars are read on a schedule, outside of any turn; what was read is kept in the store, where turns find it.
//!
//! A calendar that cannot be read keeps what was read of it last: people are rather offered a time too few than one too
//! many. It is told in the log, at each attempt, and in `GET /v1/calendars`. One that never could be read makes nobody busy.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};

use crate::{
    calendar::{self, MOST_BYTES, read_busy},
    delivery::{ReadError, Reader},
    flows::{Flows, SecretError, Tenant},
    model::{Clock, TenantId},
    store::{self, BusyTimes, Store},
};

/// From one good reading to the next.
const EVERY: SignedDuration = SignedDuration::from_mins(15);
/// From a failed reading to the next.
const AFTER_FAILURE: SignedDuration = SignedDuration::from_mins(5);
/// How often new tenants are looked for.
const LOOK: SignedDuration = SignedDuration::from_secs(5);
/// Read at once.
const AT_ONCE: usize = 16;
/// Read beyond the horizon, so that a calendar that cannot be read for some days is still known.
const MARGIN: SignedDuration = SignedDuration::from_hours(24 * 30);

/// An outside calendar: whose, and the salesperson's or everybody's.
type Owner = (TenantId, Option<String>);

/// Why a calendar could not be read.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Calendar(#[from] calendar::Error),
    #[error("the reading broke off")]
    BrokeOff,
}

/// The loop that reads them. Clones share it.
#[derive(Clone)]
pub(super) struct OutsideCalendars {
    store: Arc<dyn Store>,
    flows: Flows,
    clock: Clock,
    reader: Reader,
    /// When each is to be read next, and from where.
    next: Arc<Mutex<HashMap<Owner, (String, Timestamp)>>>,
    busy: Arc<AtomicUsize>,
}

impl OutsideCalendars {
    pub(super) fn new(store: Arc<dyn Store>, flows: Flows, clock: Clock, reader: Reader) -> Self {
        Self { store, flows, clock, reader, next: Arc::default(), busy: Arc::default() }
    }

    /// Whether one is being read.
    pub(super) fn in_flight(&self) -> usize {
        self.busy.load(Ordering::SeqCst)
    }

    /// When one is to be read next.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner).values().map(|(_, at)| *at).min()
    }

    /// Reads them until the task is dropped.
    pub(super) async fn run(self) {
        loop {
            self.busy.store(1, Ordering::SeqCst);
            let now = self.clock.now();
            let due = self.due(now);
            stream::iter(due).for_each_concurrent(AT_ONCE, |(tenant, person)| self.read(tenant, person, now)).await;
            self.busy.store(0, Ordering::SeqCst);
            let soon = now.checked_add(LOOK).unwrap_or(Timestamp::MAX);
            self.clock.sleep_until(soon).await;
        }
    }

    /// The calendars to be read now; those that tenants no longer name are forgotten.
    fn due(&self, now: Timestamp) -> Vec<(Arc<Tenant>, Option<String>)> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let mut due = Vec::new();
        let mut named = HashMap::new();
        for tenant in self.flows.tenants() {
            for (person, source) in tenant.outside_calendars() {
                let owner = (tenant.id.clone(), person.clone());
                let known = next.remove(&owner).filter(|(before, _)| before == source);
                let at = known.map_or(now, |(_, at)| at);
                if at <= now {
                    due.push((Arc::clone(&tenant), person));
                }
                named.insert(owner, (source.to_owned(), at));
            }
        }
        *next = named;
        due
    }

    async fn read(&self, tenant: Arc<Tenant>, person: Option<String>, now: Timestamp) {
        let found = self.busy_times(&tenant, person.as_deref(), now).await;
        let wait = if found.is_ok() { EVERY } else { AFTER_FAILURE };
        let owner = (tenant.id.clone(), person.clone());
        if let Some((_, at)) = self.next.lock().unwrap_or_else(PoisonError::into_inner).get_mut(&owner) {
            *at = now.checked_add(wait).unwrap_or(Timestamp::MAX);
        }
        if let Err(error) = self.keep(&tenant.id, person, found, now).await {
            tracing::error!(%error, tenant = %tenant.id, "what was read of an outside calendar could not be kept");
        }
    }

    async fn keep(
        &self,
        tenant: &TenantId,
        person: Option<String>,
        found: Result<Vec<(Timestamp, Timestamp)>, Error>,
        now: Timestamp,
    ) -> store::Result<()> {
        let busy = match found {
            Ok(times) => BusyTimes { person, times, read_at: Some(now), failing: None },
            Err(error) => {
                let known = self.store.busy_times(tenant).await?.into_iter().find(|busy| busy.person == person);
                let known = known.unwrap_or(BusyTimes { person, ..BusyTimes::default() });
                let since = known.failing.as_ref().map_or(now, |(since, _)| *since);
                tracing::error!(
                    %error, %tenant, person = known.person.as_deref(), %since,
                    "an outside calendar cannot be read; what was read of it last still counts"
                );
                BusyTimes { failing: Some((since, error.to_string())), ..known }
            }
        };
        self.store.put_busy_times(tenant, busy).await
    }

    async fn busy_times(
        &self,
        tenant: &Arc<Tenant>,
        person: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<(Timestamp, Timestamp)>, Error> {
        let Some(address) = tenant.outside_calendar_address(person) else { return Ok(Vec::new()) };
        let text = self.reader.read(&address?, MOST_BYTES).await?;
        let days = SignedDuration::from_hours(24 * i64::from(tenant.calendar.horizon_days));
        let from = now.checked_sub(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MIN);
        let to = now.checked_add(days.saturating_add(MARGIN)).unwrap_or(Timestamp::MAX);
        let zone = tenant.zone.clone();
        // A long calendar takes a while to expand: other work goes on beside it.
        let reading = tokio::task::spawn_blocking(move || read_busy(&text, None, &zone, from, to));
        let reading = reading.await.map_err(|_| Error::BrokeOff)??;
        for skipped in &reading.skipped {
            tracing::warn!(tenant = %tenant.id, person, error = %skipped.error, "an event of an outside calendar was passed over");
        }
        Ok(merged(reading.busy.iter().map(|busy| (busy.slot().start, busy.slot().end))))
    }
}

/// Intervals, given by their starts, with those that touch made one.
fn merged(intervals: impl Iterator<Item = (Timestamp, Timestamp)>) -> Vec<(Timestamp, Timestamp)> {
    let mut merged: Vec<(Timestamp, Timestamp)> = Vec::new();
    for (start, end) in intervals {
        match merged.last_mut() {
            Some((_, last)) if start <= *last => *last = end.max(*last),
            _ => merged.push((start, end)),
        }
    }
    merged
}
