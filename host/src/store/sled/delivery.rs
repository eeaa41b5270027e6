//! Envelopes and their lanes.
//!
//! A lane lists its unsettled envelopes. The first is the only one that may be tried: while it is queued, and only then,
//! it has a row among the dues. So one envelope of a lane is under way at most, and the others wait their turn.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    appending, inbox, key,
    rows::{Owner, Rows},
    turn,
};
use crate::{
    model::{
        Answer, ConversationId, Direction, Envelope, EnvelopeId, EnvelopeState, Event, Lane, Line, OutgoingMessage,
        Payload, Question, TenantId,
    },
    store::{ANSWERED, Error, RESULT_UNKNOWN, Result, Settlement},
};

/// An envelope and where it stands among others.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Placed {
    /// Counts up in its conversation: made of the turn's number and the envelope's in it.
    number: u64,
    /// In its lane: its number or, once it was queued again, the place after the last.
    place: u64,
    envelope: Envelope,
}

/// When an envelope may be tried.
#[derive(Debug, Serialize, Deserialize)]
struct Due {
    at: Timestamp,
    envelope: EnvelopeId,
}

/// More envelopes than one turn makes.
const PER_TURN: u64 = 1 << 20;

/// Queues the envelopes of a turn, in order.
pub(super) fn queue(rows: &mut Rows<'_>, id: &ConversationId, turn: u64, envelopes: Vec<Envelope>) -> Result<()> {
    for (number, envelope) in (turn.saturating_mul(PER_TURN)..).zip(envelopes) {
        let lane = envelope.lane();
        change_lane(rows, id, &lane, |rows| {
            rows.put(key::place(id, &lane, number), &envelope.id)?;
            write(rows, &Placed { number, place: number, envelope })
        })?;
    }
    Ok(())
}

/// Drops the messages that are queued; those under way are not. Which they were.
pub(super) fn drop_messages(rows: &mut Rows<'_>, id: &ConversationId, reason: &str) -> Result<Vec<EnvelopeId>> {
    let lane = Lane::Messages;
    change_lane(rows, id, &lane, |rows| {
        let listed = rows.scan(&key::lane(id, &lane)).collect::<Result<Vec<EnvelopeId>>>()?;
        let mut dropped = Vec::new();
        for envelope in listed {
            let mut placed = read(rows, &envelope)?;
            if placed.envelope.state == EnvelopeState::Queued {
                placed.envelope.state = EnvelopeState::Dropped { reason: reason.to_owned() };
                rows.remove(key::place(id, &lane, placed.place));
                write(rows, &placed)?;
                dropped.push(envelope);
            }
        }
        Ok(dropped)
    })
}

/// Marks envelopes that are due as under way.
pub(super) fn claim(rows: &mut Rows<'_>, now: Timestamp, limit: usize) -> Result<Vec<Envelope>> {
    let due = rows
        .scan::<Due>(&key::dues())
        .take_while(|due| due.as_ref().map_or(true, |due| due.at <= now))
        .take(limit)
        .collect::<Result<Vec<_>>>()?;
    due.into_iter()
        .map(|Due { at, envelope }| {
            let mut placed = read(rows, &envelope)?;
            rows.remove(key::due(at, &envelope));
            rows.put(key::flight(now, &envelope), &envelope)?;
            placed.envelope.state = EnvelopeState::Claimed { at: now };
            placed.envelope.attempts = placed.envelope.attempts.saturating_add(1);
            write(rows, &placed)?;
            Ok(placed.envelope)
        })
        .collect()
}

/// Records what came of an attempt; nothing once the envelope is settled.
pub(super) fn settle(rows: &mut Rows<'_>, settlement: Settlement) -> Result<()> {
    let Settlement { envelope: id, state, not_before, was_tried, names, .. } = settlement;
    let Placed { number, place, mut envelope } = read(rows, &id)?;
    if envelope.state.is_settled() && !is_proof(&envelope, &state) {
        return Ok(());
    }
    let owner = key::owner(&id);
    let lane = envelope.lane();
    if let Some(since) = under_way_since(&envelope.state) {
        rows.remove(key::flight(since, &id));
    }
    change_lane(rows, &owner, &lane, |rows| {
        if state == EnvelopeState::Queued {
            envelope.not_before = not_before;
            envelope.attempts = envelope.attempts.saturating_sub(u32::from(!was_tried));
        }
        if state.is_settled() {
            rows.remove(key::place(&owner, &lane, place));
        }
        if let Some(since) = under_way_since(&state) {
            rows.put(key::flight(since, &id), &id)?;
        }
        envelope.state = state;
        write(rows, &Placed { number, place, envelope: envelope.clone() })
    })?;
    let Some(owner) = Owner::find(rows, &owner)? else { return Ok(()) };
    appending::learn_names(rows, &owner, &names)?;
    match &envelope.payload {
        Payload::Message(message) => tell(rows, &owner, &envelope, message, settlement.now),
        Payload::Callback(_) | Payload::Acknowledgement(_) => Ok(()),
        Payload::Question(question) => answer(rows, &owner, &envelope, question, settlement.now),
    }
}

/// Whether a state proves that a message went out after all that was set aside because nobody knew.
fn is_proof(envelope: &Envelope, state: &EnvelopeState) -> bool {
    let was_unknown = matches!(&envelope.state, EnvelopeState::Parked { reason } if reason == RESULT_UNKNOWN);
    was_unknown && matches!(envelope.payload, Payload::Message(_)) && matches!(state, EnvelopeState::Sent { .. })
}

/// Whether an envelope has left, as far as is known.
pub(super) fn is_sent(rows: &Rows<'_>, id: &EnvelopeId) -> Result<bool> {
    let placed: Option<Placed> = rows.get(&key::envelope(id))?;
    Ok(placed.is_some_and(|placed| matches!(placed.envelope.state, EnvelopeState::Sent { .. })))
}

/// What the conversation learns of a question that has just been settled.
fn answer(rows: &mut Rows<'_>, owner: &Owner, envelope: &Envelope, question: &Question, now: Timestamp) -> Result<()> {
    let body = match &envelope.state {
        EnvelopeState::Answered { body, .. } => body.clone(),
        EnvelopeState::Dropped { reason } | EnvelopeState::Parked { reason } => Err(reason.clone()),
        _ => return Ok(()),
    };
    inbox::file(rows, owner, Event::AnswerArrived(Answer { id: question.id.clone(), body }), now)?;
    inbox::file(rows, owner, Event::Settled { envelope: envelope.id.clone(), sent_at: None, first: false }, now)
}

/// What the conversation learns of a message that has just been settled.
fn tell(
    rows: &mut Rows<'_>,
    owner: &Owner,
    envelope: &Envelope,
    message: &OutgoingMessage,
    now: Timestamp,
) -> Result<()> {
    let settled = |sent_at| Event::Settled { envelope: envelope.id.clone(), sent_at, first: message.first };
    match &envelope.state {
        EnvelopeState::Sent { at, wamid, shown } => {
            let text = shown.clone().unwrap_or_else(|| wording(message));
            let line = Line { direction: Direction::Out, at: *at, text, wamid: wamid.clone() };
            turn::write_lines(rows, &owner.id, &[line])?;
            if let Some(wamid) = wamid {
                appending::learn_wamid(rows, owner, wamid)?;
            }
            inbox::file(rows, owner, settled(Some(*at)), now)?;
            appending::file_waiting(rows, owner, wamid.as_deref(), &envelope.id)
        }
        EnvelopeState::Dropped { reason } | EnvelopeState::Parked { reason } => {
            inbox::file(rows, owner, settled(None), now)?;
            if reason == "opt-out" || reason == ANSWERED {
                return Ok(());
            }
            let undelivered = Event::MessageUndelivered {
                envelope: envelope.id.clone(),
                text: wording(message),
                reason: reason.clone(),
            };
            inbox::file(rows, owner, undelivered, now)
        }
        EnvelopeState::Queued
        | EnvelopeState::Claimed { .. }
        | EnvelopeState::Unknown { .. }
        | EnvelopeState::Answered { .. } => Ok(()),
    }
}

/// What a message was to say.
fn wording(message: &OutgoingMessage) -> String {
    let template = message.template.as_ref().map(|template| &template.shown);
    message.text.as_ref().or(template).cloned().unwrap_or_default()
}

/// Envelopes under way since before `before`, the longest first.
pub(super) fn unresolved(rows: &Rows<'_>, before: Timestamp) -> Result<Vec<Envelope>> {
    let mut found = Vec::new();
    for id in rows.scan::<EnvelopeId>(&key::flights()) {
        // Settled since the scan began, perhaps.
        let Some(Placed { envelope, .. }) = rows.get(&key::envelope(&id?))? else { continue };
        match under_way_since(&envelope.state) {
            Some(since) if since < before => found.push(envelope),
            Some(_) => break,
            None => {}
        }
    }
    Ok(found)
}

/// Queues a parked envelope again, behind whatever its lane holds and with all its attempts before it.
pub(super) fn replay(rows: &mut Rows<'_>, id: &EnvelopeId, now: Timestamp) -> Result<bool> {
    let Some(Placed { number, mut envelope, .. }) = rows.get(&key::envelope(id))? else {
        return Ok(false);
    };
    if !matches!(envelope.state, EnvelopeState::Parked { .. }) {
        return Ok(false);
    }
    let (owner, lane) = (key::owner(id), envelope.lane());
    envelope.state = EnvelopeState::Queued;
    envelope.attempts = 0;
    envelope.not_before = now;
    let place = rows.last_number(&key::lane(&owner, &lane))?.map_or(0, |last| last + 1);
    change_lane(rows, &owner, &lane, |rows| {
        rows.put(key::place(&owner, &lane, place), id)?;
        write(rows, &Placed { number, place, envelope })
    })?;
    Ok(true)
}

/// The envelopes of a conversation, oldest first.
pub(super) fn envelopes(rows: &Rows<'_>, id: &ConversationId) -> Result<Vec<Envelope>> {
    let mut placed = rows.scan(&key::envelopes(id)).collect::<Result<Vec<Placed>>>()?;
    placed.sort_by_key(|placed| placed.number);
    Ok(placed.into_iter().map(|placed| placed.envelope).collect())
}

/// Parked envelopes of a tenant or of all.
pub(super) fn parked(rows: &Rows<'_>, tenant: Option<&TenantId>, limit: usize) -> Result<Vec<Envelope>> {
    let is_wanted = |envelope: &Envelope| {
        matches!(envelope.state, EnvelopeState::Parked { .. }) && tenant.is_none_or(|tenant| envelope.tenant == *tenant)
    };
    rows.scan::<Placed>(&key::all_envelopes())
        .map(|placed| placed.map(|placed| placed.envelope))
        .filter(|envelope| envelope.as_ref().map_or(true, is_wanted))
        .take(limit)
        .collect()
}

/// When the next envelope may be tried.
pub(super) fn next_due(rows: &Rows<'_>) -> Result<Option<Timestamp>> {
    Ok(rows.first::<Due>(&key::dues())?.map(|due| due.at))
}

/// Changes what a lane holds, and keeps its row among the dues true.
fn change_lane<T>(
    rows: &mut Rows<'_>,
    id: &ConversationId,
    lane: &Lane,
    change: impl FnOnce(&mut Rows<'_>) -> Result<T>,
) -> Result<T> {
    if let Some(due) = due(rows, id, lane)? {
        rows.remove(key::due(due.at, &due.envelope));
    }
    let answer = change(rows)?;
    if let Some(due) = due(rows, id, lane)? {
        rows.put(key::due(due.at, &due.envelope), &due)?;
    }
    Ok(answer)
}

/// The row that a lane has among the dues.
fn due(rows: &Rows<'_>, id: &ConversationId, lane: &Lane) -> Result<Option<Due>> {
    let Some(first) = rows.first::<EnvelopeId>(&key::lane(id, lane))? else {
        return Ok(None);
    };
    let Envelope { not_before, state, .. } = read(rows, &first)?.envelope;
    Ok((state == EnvelopeState::Queued).then_some(Due { at: not_before, envelope: first }))
}

fn under_way_since(state: &EnvelopeState) -> Option<Timestamp> {
    match state {
        EnvelopeState::Claimed { at } => Some(*at),
        EnvelopeState::Unknown { since } => Some(*since),
        _ => None,
    }
}

fn read(rows: &Rows<'_>, id: &EnvelopeId) -> Result<Placed> {
    rows.get(&key::envelope(id))?.ok_or_else(|| Error::Missing(format!("the envelope {id}")))
}

fn write(rows: &mut Rows<'_>, placed: &Placed) -> Result<()> {
    rows.put(key::envelope(&placed.envelope.id), placed)
}
