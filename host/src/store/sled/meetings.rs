//! Meetings, and the promise that no slot is booked twice (P12).

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{calendars, key, rows::Rows};
use crate::{
    model::{Conversation, ConversationId, Meeting, TenantId},
    store::{BookingRule, Result},
};

/// A meeting in its calendar.
#[derive(Debug, Serialize, Deserialize)]
struct Booked {
    conversation: ConversationId,
    meeting: Meeting,
}

/// A calendar of a tenant. Its longest meeting ever, in nanoseconds, says how far back a search has to begin.
#[derive(Debug, Serialize, Deserialize)]
struct Calendar {
    with: Option<String>,
    longest: i64,
}

/// Books, moves or cancels a conversation's meeting; false, with nothing changed, when the slot is taken.
pub(super) fn book(
    rows: &mut Rows<'_>,
    conversation: &Conversation,
    meeting: Option<&Meeting>,
    rule: BookingRule,
    now: Timestamp,
) -> Result<bool> {
    let Conversation { id, tenant, .. } = conversation;
    if let Some(meeting) = meeting
        && !is_free(rows, id, tenant, meeting, rule)?
    {
        return Ok(false);
    }
    calendars::note(rows, conversation, meeting, now)?;
    if let Some(Meeting { slot, .. }) = rows.get(&key::meeting_of(id))? {
        rows.remove(key::meeting(tenant, slot.with.as_deref(), slot.start, id));
    }
    let Some(meeting) = meeting else {
        rows.remove(key::meeting_of(id));
        return Ok(true);
    };
    let slot = &meeting.slot;
    let with = slot.with.as_deref();
    let length = nanoseconds(slot.start.duration_until(slot.end));
    let calendar: Option<Calendar> = rows.get(&key::calendar(tenant, with))?;
    if calendar.is_none_or(|calendar| calendar.longest < length) {
        let calendar = Calendar { with: slot.with.clone(), longest: length };
        rows.put(key::calendar(tenant, with), &calendar)?;
    }
    rows.put(key::meeting_of(id), meeting)?;
    let booked = Booked { conversation: id.clone(), meeting: meeting.clone() };
    rows.put(key::meeting(tenant, with, slot.start, id), &booked)?;
    Ok(true)
}

/// Whether fewer meetings of others than the capacity share a moment with the slot and the time kept free around it.
fn is_free(
    rows: &Rows<'_>,
    id: &ConversationId,
    tenant: &TenantId,
    meeting: &Meeting,
    rule: BookingRule,
) -> Result<bool> {
    let buffer = SignedDuration::from_secs(rule.buffer_seconds.into());
    let mut kept = meeting.slot.clone();
    kept.start = kept.start.checked_sub(buffer).unwrap_or(Timestamp::MIN);
    kept.end = kept.end.checked_add(buffer).unwrap_or(Timestamp::MAX);
    let with = kept.with.as_deref();
    let Some(calendar) = rows.get::<Calendar>(&key::calendar(tenant, with))? else {
        return Ok(rule.capacity > 0);
    };
    let mut others = 0;
    for booked in between(rows, tenant, &calendar, kept.start, kept.end) {
        let Booked { conversation, meeting } = booked?;
        if conversation != *id && meeting.slot.overlaps(&kept) {
            others += 1;
        }
    }
    Ok(others < rule.capacity)
}

/// The meetings that end after `from`, by start.
pub(super) fn ending_after(
    rows: &Rows<'_>,
    tenant: &TenantId,
    from: Timestamp,
) -> Result<Vec<(ConversationId, Meeting)>> {
    let mut found = Vec::new();
    for calendar in rows.scan::<Calendar>(&key::calendars(tenant)) {
        for booked in between(rows, tenant, &calendar?, from, Timestamp::MAX) {
            let Booked { conversation, meeting } = booked?;
            if meeting.slot.end > from {
                found.push((conversation, meeting));
            }
        }
    }
    found.sort_by(|(a, at), (b, bt)| (&at.slot, a).cmp(&(&bt.slot, b)));
    Ok(found)
}

/// The meetings of a calendar that can share a moment with an interval.
fn between(
    rows: &Rows<'_>,
    tenant: &TenantId,
    calendar: &Calendar,
    start: Timestamp,
    end: Timestamp,
) -> impl Iterator<Item = Result<Booked>> {
    let longest = SignedDuration::from_nanos(calendar.longest);
    let earliest = start.checked_sub(longest).unwrap_or(Timestamp::MIN);
    let with = calendar.with.as_deref();
    rows.between(&key::meetings_from(tenant, with, earliest), &key::meetings_from(tenant, with, end))
}

fn nanoseconds(duration: SignedDuration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}
