//! Due timers and cron rules become events.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use jiff::{Timestamp, ToSpan as _, tz::TimeZone};

use crate::{
    flows::{Flows, Schedule as Rule},
    model::{Clock, Event, FlowId, Pulse, TenantId},
    store::{self, Append, Store},
};

/// Timers fired in one go; the rest follow at once.
const BATCH: usize = 256;
/// Cron rules look at the latest conversations of a tenant only.
const REVIEWED: usize = 10_000;

/// The schedule loop.
#[derive(Clone)]
pub struct Schedule {
    store: Arc<dyn Store>,
    flows: Flows,
    clock: Clock,
    pulse: Pulse,
    busy: Arc<AtomicUsize>,
}

impl Schedule {
    /// Makes the loop; it does nothing until [`Schedule::run`].
    pub fn new(store: Arc<dyn Store>, flows: Flows, clock: Clock, pulse: Pulse) -> Self {
        Self { store, flows, clock, pulse, busy: Arc::default() }
    }

    /// Whether it is at work right now: 0 or 1.
    pub fn in_flight(&self) -> usize {
        self.busy.load(Ordering::SeqCst)
    }

    /// Fires what comes due until the task is dropped. A store that fails is tried again, a second later.
    pub async fn run(self) {
        let mut listener = self.pulse.listen();
        let mut looked_at = self.clock.now();
        loop {
            let now = self.clock.now();
            self.busy.store(1, Ordering::SeqCst);
            let fired = self.fire(looked_at, now).await;
            self.busy.store(0, Ordering::SeqCst);
            let until = match fired {
                Ok(true) => {
                    self.pulse.beat();
                    looked_at = now;
                    continue;
                }
                Ok(false) => {
                    looked_at = now;
                    self.next(now).await
                }
                Err(error) => {
                    tracing::error!(%error, "timers wait for the store");
                    None
                }
            };
            let soon = now.checked_add(1.second()).unwrap_or(Timestamp::MAX);
            listener.wait(&self.clock, until.filter(|due| *due > now).unwrap_or(soon)).await;
        }
    }

    /// When a timer or a rule next comes due.
    pub async fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let timer = self.store.next_due().await.ok().flatten();
        let rule = self.rules().await.iter().filter_map(|(.., rule, zone)| next_of(rule, zone, now)).min();
        timer.into_iter().chain(rule).min()
    }

    /// Fires timers due at `now` and rules due in (`since`, `now`]; whether there were any.
    async fn fire(&self, since: Timestamp, now: Timestamp) -> store::Result<bool> {
        let timers = self.store.fire(now, BATCH).await?;
        let mut raised = 0;
        for (tenant, flow, rule, zone) in self.rules().await {
            let mut from = since;
            while let Some(due) = next_of(&rule, &zone, from).filter(|due| *due <= now) {
                raised += self.raise(&tenant, &flow, &rule, due, now).await?;
                from = due;
            }
        }
        Ok(timers + raised > 0)
    }

    async fn rules(&self) -> Vec<(TenantId, FlowId, Rule, TimeZone)> {
        let mut rules = Vec::new();
        for (tenant, flow, digest) in self.flows.active() {
            let (Some(settings), Ok(loaded)) =
                (self.flows.tenant(&tenant), self.flows.version(&tenant, &flow, &digest).await)
            else {
                continue;
            };
            for rule in &loaded.schedules {
                rules.push((tenant.clone(), flow.clone(), rule.clone(), settings.zone.clone()));
            }
        }
        rules
    }

    /// Raises the occasion for each conversation whose status the rule asks for. The key makes a rule fire once a lead
    /// and time, even if the host was restarted in between.
    async fn raise(
        &self,
        tenant: &TenantId,
        flow: &FlowId,
        rule: &Rule,
        due: Timestamp,
        now: Timestamp,
    ) -> store::Result<usize> {
        let events: Vec<Append> = self
            .store
            .conversations(Some(tenant), REVIEWED)
            .await?
            .into_iter()
            .filter(|conversation| {
                conversation.flow == *flow && conversation.outcome.is_some_and(|status| rule.statuses.contains(&status))
            })
            .map(|conversation| Append {
                key: Some(format!("schedule:{}:{due}:{}", rule.name, conversation.id)),
                ..Append::to_conversation(
                    tenant.clone(),
                    conversation.id,
                    Event::ScheduleFired { name: rule.name.clone() },
                    now,
                )
            })
            .collect();
        let count = events.len();
        if count > 0 {
            self.store.append(events).await?;
        }
        Ok(count)
    }
}

/// The next time of a rule after `after`, on the tenant's wall clock. A time that a clock change skips moves forward; one
/// that it repeats means the first.
fn next_of(rule: &Rule, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
    let wall = after.to_zoned(zone.clone()).datetime();
    // The `cron` crate counts in chrono's types: wall time goes through it as if it were UTC.
    let as_utc = wall.to_zoned(TimeZone::UTC).ok()?.timestamp();
    let from = chrono::DateTime::from_timestamp(as_utc.as_second(), 0)?;
    let next = rule.cron.after(&from).find_map(|next| {
        let wall = Timestamp::from_second(next.timestamp()).ok()?.to_zoned(TimeZone::UTC).datetime();
        let at = wall.to_zoned(zone.clone()).ok()?.timestamp();
        (at > after).then_some(at)
    })?;
    Some(next)
}

#[cfg(test)]
mod tests {
    use std::str::FromStr as _;

    use super::*;

    #[test]
    fn a_rule_keeps_wall_time_over_a_clock_change() {
        let rule = Rule {
            name: "review".to_owned(),
            cron: cron::Schedule::from_str("0 0 9 * * *").unwrap(),
            statuses: Vec::new(),
        };
        let paris = TimeZone::get("Europe/Paris").unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let first = next_of(&rule, &paris, at("2025-10-25T12:00:00+02:00")).unwrap();
        assert_eq!(first, at("2025-10-26T09:00:00+01:00"));
        assert_eq!(next_of(&rule, &paris, first), Some(at("2025-10-27T09:00:00+01:00")));
    }
}
