//! The events that wait for a turn of their conversation.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    key,
    queue::{Head, Waiting},
    rows::{Effect, Owner, Rows},
};
use crate::{
    model::{Content, Conversation, ConversationId, Environment, Event, Inbound, Quiet, TenantId},
    store::Result,
};

/// Events that arrive are numbered upwards from here, those that follow a turn downwards from the head of the inbox, so
/// that they come before whatever waits.
pub(super) const FIRST_ARRIVAL: u64 = 1 << 63;

/// An event in an inbox.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) conversation: ConversationId,
    pub(super) number: u64,
    pub(super) at: Timestamp,
    pub(super) event: Event,
}

/// The event of the next turn, perhaps made of several.
#[derive(Debug)]
pub(super) struct Next {
    pub(super) event: Event,
    pub(super) consumed: u64,
    pub(super) head: Head,
}

impl Owner {
    pub(super) fn of(conversation: &Conversation) -> Self {
        Self { id: conversation.id.clone(), tenant: conversation.tenant.clone(), quiet: conversation.quiet }
    }

    /// Reads no more of the conversation than it needs.
    pub(super) fn find(rows: &Rows<'_>, id: &ConversationId) -> Result<Option<Self>> {
        #[derive(Deserialize)]
        struct Part {
            tenant: TenantId,
            quiet: Quiet,
        }
        let part: Option<Part> = rows.get(&key::conversation(id))?;
        Ok(part.map(|Part { tenant, quiet }| Self { id: id.clone(), tenant, quiet }))
    }

    /// Whether a conversation belongs to this world; one that cannot be read does not.
    pub(super) fn is_of(rows: &Rows<'_>, id: &ConversationId, environment: Environment) -> bool {
        #[derive(Deserialize)]
        struct Part {
            environment: Environment,
        }
        rows.get::<Part>(&key::conversation(id))
            .is_ok_and(|part| part.is_some_and(|part| part.environment == environment))
    }
}

/// Files an event at the end of an inbox.
pub(super) fn file(rows: &mut Rows<'_>, owner: &Owner, event: Event, at: Timestamp) -> Result<()> {
    let number = rows.next_arrival;
    rows.next_arrival += 1;
    let is_message = matches!(event, Event::MessageReceived { .. });
    let entry = Entry { conversation: owner.id.clone(), number, at, event };
    rows.put(key::entry(&owner.id, number), &entry)?;
    rows.then(Effect::Filed { owner: owner.clone(), at, is_message });
    Ok(())
}

/// Files events before everything that waits, in their order.
pub(super) fn file_first(
    rows: &mut Rows<'_>,
    conversation: &ConversationId,
    events: Vec<Event>,
    at: Timestamp,
) -> Result<()> {
    let head: Option<Entry> = rows.first(&key::inbox(conversation))?;
    let end = head.map_or(FIRST_ARRIVAL, |head| head.number.min(FIRST_ARRIVAL));
    let count = u64::try_from(events.len()).unwrap_or(u64::MAX);
    for (number, event) in (end.saturating_sub(count)..end).zip(events) {
        let entry = Entry { conversation: conversation.clone(), number, at, event };
        rows.put(key::entry(conversation, number), &entry)?;
    }
    Ok(())
}

/// Gives a message that still waits its new content, or takes it out when there is none.
pub(super) fn amend(
    rows: &mut Rows<'_>,
    conversation: &ConversationId,
    wamid: &str,
    content: Option<&Content>,
) -> Result<()> {
    let entries = rows.scan(&key::inbox(conversation)).collect::<Result<Vec<Entry>>>()?;
    for mut entry in entries {
        let Event::MessageReceived { messages } = &mut entry.event else { continue };
        if !messages.iter().any(|message| message.id == wamid) {
            continue;
        }
        match content {
            Some(content) => messages
                .iter_mut()
                .filter(|message| message.id == wamid)
                .for_each(|message| message.content = content.clone()),
            None => messages.retain(|message| message.id != wamid),
        }
        let key = key::entry(conversation, entry.number);
        if messages.is_empty() { rows.remove(key) } else { rows.put(key, &entry)? }
    }
    Ok(())
}

/// The `wamid`s of the person's messages that no turn has consumed yet.
pub(super) fn messages(rows: &Rows<'_>, conversation: &ConversationId) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    for entry in rows.scan::<Entry>(&key::inbox(conversation)) {
        if let Event::MessageReceived { messages } = entry?.event {
            ids.extend(messages.into_iter().map(|message| message.id));
        }
    }
    Ok(ids)
}

/// Takes the events up to number `last` out.
pub(super) fn consume(rows: &mut Rows<'_>, conversation: &ConversationId, last: u64) -> Result<()> {
    let consumed = rows
        .between::<Entry>(&key::inbox(conversation), &key::entry(conversation, last))
        .map(|entry| Ok(entry?.number))
        .collect::<Result<Vec<u64>>>()?;
    for number in consumed {
        rows.remove(key::entry(conversation, number));
    }
    Ok(())
}

/// What the queue needs to know of an inbox; none when it is empty.
pub(super) fn waiting(rows: &Rows<'_>, owner: Owner, not_before: Option<Timestamp>) -> Result<Option<Waiting>> {
    let next = next(rows, &owner)?;
    Ok(next.map(|Next { head, .. }| Waiting { owner, head, not_before }))
}

/// The event of the next turn: the first of the inbox or, when that is a message of the person and there is a quiet
/// window, all messages up to the first event that is not one. An event that follows a turn is taken alone.
pub(super) fn next(rows: &Rows<'_>, owner: &Owner) -> Result<Option<Next>> {
    let mut entries = rows.scan::<Entry>(&key::inbox(&owner.id));
    let Some(Entry { number, at, event, .. }) = entries.next().transpose()? else {
        return Ok(None);
    };
    let head = owner.head(at, number >= FIRST_ARRIVAL && is_message(&event));
    let (Event::MessageReceived { mut messages }, Head::Burst { first, mut last, mut is_last }) = (event.clone(), head)
    else {
        return Ok(Some(Next { event, consumed: number, head }));
    };
    let mut consumed = number;
    for entry in entries {
        let Entry { number, at, event, .. } = entry?;
        let Event::MessageReceived { messages: more } = event else {
            is_last = false;
            break;
        };
        consumed = number;
        last = at;
        messages.extend::<Vec<Inbound>>(more);
    }
    let head = Head::Burst { first, last, is_last };
    Ok(Some(Next { event: Event::MessageReceived { messages }, consumed, head }))
}

fn is_message(event: &Event) -> bool {
    matches!(event, Event::MessageReceived { .. })
}
