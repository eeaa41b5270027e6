//! From a status to the callback's body.

use relais_sdk::{Call, Fault, Status, Update, status_name};
use serde_json::{Map, Value};

use crate::config::Config;
use crate::ordered::Ordered;

/// What each status carries, as in the guide.
struct Parts {
    meeting: bool,
    reason: bool,
    texts: bool,
}

fn parts(status: Status, no_outcome_reason: bool) -> Parts {
    match status {
        Status::FirstMessageDelivered | Status::FirstMessageRead | Status::ResponseReceived => {
            Parts { meeting: false, reason: false, texts: false }
        }
        Status::MeetingBooked => Parts { meeting: true, reason: false, texts: true },
        Status::NotReachable | Status::OptOut => Parts { meeting: false, reason: true, texts: false },
        Status::NoOutcome => Parts { meeting: false, reason: no_outcome_reason, texts: true },
    }
}

/// Writes the body: the guide's keys in the guide's order, then the person's fields, notes and constants that
/// `crm.toml` asks for.
pub(crate) fn write(config: &Config, call: &Call, update: &Update) -> Result<String, Fault> {
    let name = status_name(update.status);
    let parts = parts(update.status, config.no_outcome_reason);
    let paths = &config.callback;
    let mut body = Ordered::default();
    let mut put = |path: &str, text: Option<&str>| {
        if let (false, Some(text)) = (path.is_empty(), text) {
            body.put(path, Value::from(text));
        }
    };

    put(&paths.crm_id, Some(&call.lead.crm_id));
    put(&paths.status, Some(config.statuses.get(name).map_or(name, String::as_str)));
    let meeting = update.meeting.as_ref().filter(|_| parts.meeting);
    if let Some(meeting) = meeting {
        put(&paths.meeting_start, Some(&meeting.start));
        put(&paths.meeting_timezone, Some(&call.context.timezone));
        put(&paths.meeting_end, Some(&meeting.end));
        put(&paths.meeting_with, meeting.with.as_deref());
    }
    if parts.reason {
        put(&paths.reason, update.reason.as_deref());
    }
    if parts.texts {
        put(&paths.summary, update.summary.as_deref());
        put(&paths.transcript, Some(&update.transcript));
    }
    put(&paths.phone_number, Some(&call.lead.phone_number));
    put(&paths.name, call.lead.name.as_deref());
    put(&paths.email, call.lead.email.as_deref());
    put(&paths.company, call.lead.company.as_deref());
    put(&paths.assigned_to, call.lead.assigned_to.as_deref());
    put(&paths.conversation, Some(&call.context.conversation));
    if let (Some(meeting), false) = (meeting, paths.meeting_moves.is_empty()) {
        body.put(&paths.meeting_moves, Value::from(meeting.moves));
    }
    if parts.texts {
        put_notes(config, call, &mut body);
    }
    for (path, value) in &config.constants {
        body.put(path, value.clone());
    }
    serde_json::to_string(&body).map_err(|error| Fault::Reject(format!("the callback could not be written: {error}")))
}

fn put_notes(config: &Config, call: &Call, body: &mut Ordered) {
    let notes: Map<String, Value> = serde_json::from_str(&call.context.notes).unwrap_or_default();
    for (path, key) in &config.notes {
        if let Some(value) = notes.get(key).filter(|value| !value.is_null()) {
            body.put(path, value.clone());
        }
    }
}
