//! From the host's nouns to the contract's types.

use jiff::tz::TimeZone;
use serde_json::Value;

use crate::model;
use crate::sandbox::{self, context::whole_seconds};

use super::{
    bindings::{
        exports::relais::flow::{qualification, status_actions},
        relais::flow::{reports, types},
    },
    instants,
};

pub(super) fn context(context: &sandbox::Context, zone: &TimeZone) -> types::Context {
    types::Context {
        now: instants::write(whole_seconds(context.now), zone),
        timezone: context.timezone.clone(),
        language: context.language.clone(),
        tenant: context.tenant.to_string(),
        flow: context.flow.to_string(),
        conversation: context.conversation.to_string(),
        window_until: context.window_until.map(|at| instants::write(at, zone)),
        meeting: context.meeting.as_ref().map(|meeting| self::meeting(meeting, zone)),
        last_status: context.last_status.map(status),
        notes: Value::Object(context.notes.clone()).to_string(),
    }
}

pub(super) fn lead(lead: &model::Lead) -> types::Lead {
    types::Lead {
        crm_id: lead.crm_id.clone(),
        phone_number: lead.phone.as_e164().to_owned(),
        name: lead.name.clone(),
        email: lead.email.clone(),
        company: lead.company.clone(),
        assigned_to: lead.assigned_to.clone(),
        context: lead.context.to_string(),
    }
}

/// The event as a qualification script sees it; none for an event that is not for one.
pub(super) fn event(event: &model::Event, zone: &TimeZone) -> Option<qualification::Event> {
    use model::Event as From;
    use qualification::Event as To;

    Some(match event {
        From::LeadReceived => To::LeadReceived,
        From::MessageReceived { messages } => {
            To::MessageReceived(messages.iter().map(|inbound| message(inbound, zone)).collect())
        }
        From::MessageUndelivered { text, reason, .. } => {
            To::MessageUndelivered(qualification::Undelivered { text: text.clone(), reason: reason.clone() })
        }
        From::TimerFired { name } => To::TimerFired(name.clone()),
        From::MeetingBooked { meeting } => To::MeetingBooked(self::meeting(meeting, zone)),
        From::SlotTaken { wanted, reason, nearest } => To::SlotTaken(qualification::SlotTaken {
            wanted: instants::write(*wanted, zone),
            reason: reason.name().to_owned(),
            nearest: nearest.iter().take(5).map(|slot| self::slot(slot, zone)).collect(),
        }),
        From::MeetingCancelled { meeting } => To::MeetingCancelled(self::meeting(meeting, zone)),
        From::AnswerArrived(answer) => To::AnswerArrived(qualification::Answer {
            id: answer.id.clone(),
            body: answer.body.as_ref().map(Value::to_string).map_err(Clone::clone),
        }),
        From::Resumed => To::Resumed,
        _ => return None,
    })
}

fn message(inbound: &model::Inbound, zone: &TimeZone) -> types::Message {
    types::Message { id: inbound.id.clone(), at: instants::write(inbound.at, zone), content: content(&inbound.content) }
}

fn content(content: &model::Content) -> types::Content {
    use model::Content as From;
    use types::Content as To;

    match content.clone() {
        From::Text(text) => To::Text(text),
        From::Choice(choice) => To::Choice(types::Choice { id: choice.id, title: choice.title }),
        From::Media { kind, caption } => To::Media(types::Media { kind, caption }),
        From::Location { latitude, longitude, name } => To::Location(types::Location { latitude, longitude, name }),
        From::Reaction(emoji) => To::Reaction(emoji),
        From::Unsupported(kind) => To::Unsupported(kind),
    }
}

pub(super) fn slot(slot: &model::Slot, zone: &TimeZone) -> types::Slot {
    types::Slot {
        start: instants::write(slot.start, zone),
        end: instants::write(slot.end, zone),
        with: slot.with.clone(),
    }
}

fn meeting(meeting: &model::Meeting, zone: &TimeZone) -> types::Meeting {
    types::Meeting {
        start: instants::write(meeting.slot.start, zone),
        end: instants::write(meeting.slot.end, zone),
        with: meeting.slot.with.clone(),
        moves: meeting.moves,
    }
}

fn status(status: model::Status) -> types::Status {
    use model::Status as From;
    use types::Status as To;

    match status {
        From::FirstMessageDelivered => To::FirstMessageDelivered,
        From::FirstMessageRead => To::FirstMessageRead,
        From::ResponseReceived => To::ResponseReceived,
        From::MeetingBooked => To::MeetingBooked,
        From::NotReachable => To::NotReachable,
        From::OptOut => To::OptOut,
        From::NoOutcome => To::NoOutcome,
    }
}

pub(super) fn update(update: &sandbox::Update, zone: &TimeZone) -> reports::Update {
    reports::Update {
        status: status(update.status),
        reason: update.reason.clone(),
        meeting: update.meeting.as_ref().map(|meeting| self::meeting(meeting, zone)),
        summary: update.summary.clone(),
        transcript: update.transcript.clone(),
    }
}

pub(super) fn occasion(occasion: &sandbox::Occasion, zone: &TimeZone) -> status_actions::Occasion {
    use sandbox::Occasion as From;
    use status_actions::Occasion as To;

    match occasion {
        From::StatusReached(update) => To::StatusReached(self::update(update, zone)),
        From::ScheduleFired(name) => To::ScheduleFired(name.clone()),
        From::ReviewDue => To::ReviewDue,
    }
}
