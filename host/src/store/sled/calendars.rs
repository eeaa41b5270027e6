//! What calendars show, their secrets, and what was read of outside ones.

use jiff::Timestamp;

use super::{key, rows::Rows};
use crate::{
    model::{Conversation, ConversationId, Meeting, TenantId},
    store::{CalendarEntry, CalendarSecret, Result},
};

/// Notes what became of a conversation's meeting. One that never stood leaves no entry.
pub(super) fn note(
    rows: &mut Rows<'_>,
    conversation: &Conversation,
    meeting: Option<&Meeting>,
    now: Timestamp,
) -> Result<()> {
    let Conversation { id, tenant, .. } = conversation;
    let before: Option<CalendarEntry> = rows.get(&key::entry_of(id))?;
    let entry = match (before, meeting) {
        (None, None) => return Ok(()),
        (None, Some(meeting)) => CalendarEntry {
            conversation: id.clone(),
            meeting: meeting.clone(),
            cancelled: false,
            sequence: 0,
            created_at: now,
            updated_at: now,
        },
        (Some(before), meeting) => {
            rows.remove(key::entry_at(tenant, before.meeting.slot.start, id));
            CalendarEntry {
                cancelled: meeting.is_none(),
                meeting: meeting.cloned().unwrap_or(before.meeting),
                sequence: before.sequence.saturating_add(1),
                updated_at: now,
                ..before
            }
        }
    };
    rows.put(key::entry_at(tenant, entry.meeting.slot.start, id), id)?;
    rows.put(key::entry_of(id), &entry)
}

/// The entries that begin at `from` or later, by start.
pub(super) fn entries(rows: &Rows<'_>, tenant: &TenantId, from: Timestamp) -> Result<Vec<CalendarEntry>> {
    let mut found = Vec::new();
    for id in rows.between::<ConversationId>(&key::entries_from(tenant, from), &key::entries(tenant)) {
        found.extend(rows.get(&key::entry_of(&id?))?);
    }
    Ok(found)
}

/// Keeps a secret in place of the calendar's earlier one.
pub(super) fn put_secret(rows: &mut Rows<'_>, secret: &CalendarSecret) -> Result<()> {
    let owner = key::calendar_secret(&secret.tenant, secret.person.as_deref());
    if let Some(earlier) = rows.get::<CalendarSecret>(&owner)? {
        rows.remove(key::calendar_of_secret(&earlier.secret));
    }
    rows.put(owner, secret)?;
    rows.put(key::calendar_of_secret(&secret.secret), secret)
}
