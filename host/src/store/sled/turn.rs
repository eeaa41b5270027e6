//! A turn: taken, committed or given back; and the timers that make events of themselves.

use std::collections::HashSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    delivery, door, inbox, key, meetings,
    queue::Queue,
    register,
    rows::{Effect, Owner, Rows},
};
use crate::{
    model::{Content, Conversation, ConversationId, Direction, Event, Line},
    store::{Commit, Committed, Error, Result, Taken},
};

/// A timer that waits.
#[derive(Debug, Serialize, Deserialize)]
struct Timer {
    due: Timestamp,
    conversation: ConversationId,
    name: String,
}

/// Leases a conversation that may be taken at `now`.
pub(super) fn take(
    rows: &Rows<'_>,
    queue: &mut Queue,
    leases: &mut HashSet<ConversationId>,
    now: Timestamp,
) -> Result<Option<Taken>> {
    while let Some(owner) = queue.pick(now) {
        // What cannot be read stays out of the queue until the next start, so that it holds up nobody else.
        let Some(conversation) = rows.get::<Conversation>(&key::conversation(&owner.id))? else {
            continue;
        };
        let Some(next) = inbox::next(rows, &owner)? else { continue };
        leases.insert(conversation.id.clone());
        return Ok(Some(Taken { conversation, event: next.event, consumed: next.consumed }));
    }
    Ok(None)
}

/// Gives a lease back without a turn.
pub(super) fn release(rows: &mut Rows<'_>, conversation: &ConversationId, retry_at: Timestamp) -> Result<()> {
    let owner = Owner::find(rows, conversation)?.ok_or_else(|| missing(conversation))?;
    rows.then(Effect::Returned { owner, not_before: Some(retry_at) });
    Ok(())
}

/// Writes a turn.
pub(super) fn commit(rows: &mut Rows<'_>, commit: Commit) -> Result<Committed> {
    let Commit { mut conversation, now, .. } = commit;
    let id = conversation.id.clone();
    let before: Conversation = rows.get(&key::conversation(&id))?.ok_or_else(|| missing(&id))?;

    // First, because it changes nothing when it says no.
    if let Some((meeting, rule)) = &commit.meeting
        && !meetings::book(rows, &conversation, meeting.as_ref(), *rule, now)?
    {
        return Ok(Committed::SlotTaken);
    }
    if let Some(last) = commit.consumed {
        inbox::consume(rows, &id, last)?;
    }
    let mut follow_ups = Vec::new();
    if let Some(reason) = commit.drop_queued {
        for dropped in delivery::drop_messages(rows, &id, &reason)? {
            // Whoever waits for it waits no more.
            if conversation.unsettled.remove(&dropped) {
                follow_ups.push(Event::Settled { envelope: dropped, sent_at: None, first: false });
            }
        }
    }
    follow_ups.extend(commit.follow_ups);
    inbox::file_first(rows, &id, follow_ups, now)?;
    rows.put(key::turn(&id, commit.log.turn), &commit.log)?;
    write_lines(rows, &id, &commit.lines)?;
    for (name, due) in commit.timers {
        set_timer(rows, &id, name, due)?;
    }
    if let Event::MessageChanged { message, content, .. } = &commit.log.event {
        amend_line(rows, &id, message, content.as_ref())?;
    }
    delivery::queue(rows, &id, commit.log.turn, commit.envelopes)?;
    if let Some(opted_out) = commit.opt_out {
        register::set_opt_out(rows, &conversation.tenant, &conversation.lead.phone, opted_out)?;
    }
    count_running(rows, &before, &conversation)?;
    rows.put(key::conversation(&id), &conversation)?;
    let owner = Owner::of(&conversation);
    rows.then(Effect::Returned { owner, not_before: commit.not_before });
    Ok(Committed::Done)
}

/// Adds lines at the end of a transcript.
pub(super) fn write_lines(rows: &mut Rows<'_>, id: &ConversationId, lines: &[Line]) -> Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let first = rows.last_number(&key::lines(id))?.map_or(0, |last| last + 1);
    for (number, line) in (first..).zip(lines) {
        rows.put(key::line(id, number), line)?;
    }
    Ok(())
}

/// Shows a message of the person as it is now.
fn amend_line(rows: &mut Rows<'_>, id: &ConversationId, wamid: &str, content: Option<&Content>) -> Result<()> {
    let lines = rows.scan(&key::lines(id)).collect::<Result<Vec<Line>>>()?;
    for (number, mut line) in (0..).zip(lines) {
        if line.wamid.as_deref() == Some(wamid) && line.direction == Direction::In {
            line.text = content.map_or_else(|| "[deleted]".to_owned(), Content::shown);
            rows.put(key::line(id, number), &line)?;
        }
    }
    Ok(())
}

fn count_running(rows: &mut Rows<'_>, before: &Conversation, after: &Conversation) -> Result<()> {
    let runs = |conversation: &Conversation| {
        conversation.is_open().then(|| (conversation.flow.clone(), conversation.version.clone()))
    };
    if runs(before) == runs(after) {
        return Ok(());
    }
    if before.is_open() {
        door::count_running(rows, before, false)?;
    }
    if after.is_open() {
        door::count_running(rows, after, true)?;
    }
    Ok(())
}

/// Sets a timer anew, or cancels it.
fn set_timer(rows: &mut Rows<'_>, id: &ConversationId, name: String, due: Option<Timestamp>) -> Result<()> {
    let by_name = key::timer_name(id, &name);
    if let Some(earlier) = rows.get::<Timestamp>(&by_name)? {
        rows.remove(key::timer(earlier, id, &name));
    }
    let Some(due) = due else {
        rows.remove(by_name);
        return Ok(());
    };
    rows.put(by_name, &due)?;
    rows.put(key::timer(due, id, &name), &Timer { due, conversation: id.clone(), name })
}

/// Makes events of the timers that are due.
pub(super) fn fire(rows: &mut Rows<'_>, now: Timestamp, limit: usize) -> Result<usize> {
    let due = rows
        .scan::<Timer>(&key::timers())
        .take_while(|timer| timer.as_ref().map_or(true, |timer| timer.due <= now))
        .take(limit)
        .collect::<Result<Vec<_>>>()?;
    let count = due.len();
    for Timer { due, conversation, name } in due {
        rows.remove(key::timer(due, &conversation, &name));
        rows.remove(key::timer_name(&conversation, &name));
        if let Some(owner) = Owner::find(rows, &conversation)? {
            inbox::file(rows, &owner, Event::TimerFired { name }, due)?;
        }
    }
    Ok(count)
}

/// When the next timer or envelope is due.
pub(super) fn next_due(rows: &Rows<'_>) -> Result<Option<Timestamp>> {
    let timer = rows.first::<Timer>(&key::timers())?.map(|timer| timer.due);
    let envelope = delivery::next_due(rows)?;
    Ok([timer, envelope].into_iter().flatten().min())
}

fn missing(id: &ConversationId) -> Error {
    Error::Missing(format!("the conversation {id}"))
}
