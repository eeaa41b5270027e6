//! What a flow wants done becomes what will be committed; the host's policy has the last word on each.

use jiff::{Timestamp, ToSpan as _};
use serde_json::Value;

use super::{booking::Booking, draft::Draft, mask::mask};
use crate::{
    flows::{Loaded, Tenant},
    model::{
        Acknowledgement, Action, Answer, Asked, Blank, Callback, Envelope, Event, Fault, FaultKind, Inbound, Meeting,
        Notification, Outcome, OutgoingMessage, Payload, Purpose, Question, Reaction, Status, Template, TemplateCall,
    },
    whatsapp,
};

/// The timer behind `review-after`; flows cannot name theirs so, because of the `@`.
pub(super) const REVIEW_TIMER: &str = "@review";
/// Questions to models and endpoints that one conversation may ask.
const MOST_QUESTIONS: u32 = 50;

/// Applies what the qualification script wants, in its order.
pub(super) fn apply(
    draft: &mut Draft,
    tenant: &Tenant,
    loaded: &Loaded,
    booking: &Booking,
    actions: Vec<Action>,
) -> Result<(), Fault> {
    // An answer may come after the end: it may still say what was noted, but nothing to the person.
    let has_ended = !draft.conversation.is_open();
    for action in actions {
        if has_ended && !matches!(action, Action::Note { .. } | Action::Summarise { .. }) {
            draft.overrule("not done: the conversation has ended");
            continue;
        }
        match action {
            Action::Send { text, choices, fallback, purpose, after_seconds } => {
                let template = fallback.map(|call| resolve(loaded, &call)).transpose()?;
                let message = OutgoingMessage {
                    to: draft.conversation.lead.phone.clone(),
                    text: Some(text),
                    choices,
                    template,
                    purpose,
                    first: is_first(draft),
                    failures: 0,
                };
                send(draft, message, after_seconds);
            }
            Action::SendTemplate { template, purpose, after_seconds } => {
                let message = OutgoingMessage {
                    to: draft.conversation.lead.phone.clone(),
                    text: None,
                    choices: None,
                    template: Some(resolve(loaded, &template)?),
                    purpose,
                    first: is_first(draft),
                    failures: 0,
                };
                send(draft, message, after_seconds);
            }
            Action::StartTimer { name, at } => {
                draft.timers.insert(name, Some(at));
            }
            Action::CancelTimer { name } => {
                draft.timers.insert(name, None);
            }
            Action::Note { key, value: Value::Null } => {
                draft.conversation.notes.remove(&key);
            }
            Action::Note { key, value } => {
                draft.conversation.notes.insert(key, value);
            }
            Action::Summarise { text } => draft.conversation.summary = Some(text),
            Action::Book { start, with } => book(draft, booking, start, with.as_deref()),
            Action::CancelMeeting { reason } => cancel(draft, &reason),
            Action::AskModel { id, instructions, input, schema } => match &tenant.model {
                None => refuse_question(draft, id, "no-model"),
                Some(model) => {
                    let lead = &draft.conversation.lead;
                    let [instructions, input] =
                        [instructions, input].map(|text| if model.mask { mask(&text, lead) } else { text });
                    ask(draft, id, Asked::Model { instructions, input, schema });
                }
            },
            Action::AskEndpoint { id, endpoint, body } => {
                if tenant.endpoints.contains_key(&endpoint) {
                    ask(draft, id, Asked::Endpoint { endpoint, body: body.to_string() });
                } else {
                    refuse_question(draft, id, "no-endpoint");
                }
            }
            Action::HandOver { reason } => draft.conversation.handed_over = Some(reason),
            Action::Conclude { outcome, reason } => conclude(draft, outcome, reason.as_deref()),
        }
    }
    Ok(())
}

/// Applies what the status-to-action logic wants, but for callbacks, whose body a second component has to give.
/// The endpoints of the callbacks are given back.
pub(super) fn apply_reactions(draft: &mut Draft, tenant: &Tenant, reactions: Vec<Reaction>) -> Vec<String> {
    let mut callbacks = Vec::new();
    for reaction in reactions {
        match reaction {
            Reaction::Callback { endpoint } if tenant.endpoints.contains_key(&endpoint) => {
                callbacks.push(endpoint);
            }
            Reaction::Notify(Notification { endpoint, body }) if tenant.endpoints.contains_key(&endpoint) => {
                let callback = Callback { endpoint, body: body.to_string(), status: None };
                draft.send(Payload::Callback(callback), draft.now);
            }
            Reaction::Callback { endpoint } | Reaction::Notify(Notification { endpoint, .. }) => {
                draft.overrule(format!("nothing sent to {endpoint:?}: tenant.toml declares no endpoint of that name"));
            }
            Reaction::ReviewAfter { seconds } => {
                let at = after(draft.now, seconds);
                draft.timers.insert(REVIEW_TIMER.to_owned(), Some(at));
            }
            Reaction::SuppressContact => draft.opt_out = Some(true),
            Reaction::RestartAfter { .. } => {
                draft.overrule("restart-after is not carried out in this version");
            }
            Reaction::Tag { name } => {
                draft.conversation.tags.insert(name);
            }
        }
    }
    callbacks
}

fn is_first(draft: &Draft) -> bool {
    matches!(draft.event, Event::LeadReceived) && draft.envelopes.is_empty()
}

/// An answer to someone who just wrote leaves after its human pause; the window, opt-outs and contact hours are looked at
/// again at the moment of sending.
fn send(draft: &mut Draft, mut message: OutgoingMessage, after_seconds: u32) {
    if message.purpose == Purpose::Answer && !matches!(draft.event, Event::MessageReceived { .. }) {
        let answers = matches!(
            draft.event,
            Event::MeetingBooked { .. }
                | Event::SlotTaken { .. }
                | Event::AnswerArrived(_)
                | Event::MeetingCancelled { .. }
                | Event::Resumed
        );
        if !answers {
            draft.overrule("sent as outreach: nobody wrote, so it is not an answer");
            message.purpose = Purpose::Outreach;
        }
    }
    let not_before = after(draft.now, u64::from(after_seconds));
    draft.send(Payload::Message(message), not_before);
}

fn resolve(loaded: &Loaded, call: &TemplateCall) -> Result<Template, Fault> {
    let declared = loaded
        .templates
        .get(&call.name)
        .ok_or_else(|| answer_fault(format!("no template {:?} is declared in flow.toml", call.name)))?;
    let filled = declared.call(&call.parameters);
    let shown = declared.render(&filled).map_err(|problem| answer_fault(problem.to_string()))?;
    let header = match filled.header {
        Some(whatsapp::Header::Text(whatsapp::Parameter { name, text })) => Some(Blank { name, text }),
        _ => None,
    };
    let parameter_names = filled.body.iter().filter_map(|parameter| parameter.name.clone()).collect();
    let parameters = filled.body.into_iter().map(|parameter| parameter.text).collect();
    Ok(Template { name: filled.name, language: filled.language, header, parameters, parameter_names, shown })
}

/// Shows the person that their message was read, before whatever answers it; "typing…" only if something does.
pub(super) fn acknowledge(draft: &mut Draft, tenant: &Tenant, message: &Inbound) {
    let is_answer = |envelope: &Envelope| matches!(&envelope.payload, Payload::Message(message) if message.purpose == Purpose::Answer);
    let typing = tenant.whatsapp.typing && draft.envelopes.iter().any(is_answer);
    if tenant.whatsapp.mark_read {
        draft.send_first(Payload::Acknowledgement(Acknowledgement { message: message.id.clone(), typing }));
    }
}

fn book(draft: &mut Draft, booking: &Booking, start: Timestamp, with: Option<&str>) {
    match booking.place(start, with) {
        Ok((slot, rule)) => {
            let moves = draft.conversation.meeting.as_ref().map_or(0, |meeting| meeting.moves + 1);
            let meeting = Meeting { slot, moves };
            draft.conversation.meeting = Some(meeting.clone());
            draft.meeting = Some((Some(meeting.clone()), rule));
            draft.follow_ups.push(Event::MeetingBooked { meeting });
        }
        Err(reason) => {
            let nearest = booking.nearest(start, 5);
            draft.follow_ups.push(Event::SlotTaken { wanted: start, reason, nearest });
        }
    }
}

fn cancel(draft: &mut Draft, reason: &str) {
    match draft.cancel_meeting() {
        Some(meeting) => draft.follow_ups.push(Event::MeetingCancelled { meeting }),
        None => draft.overrule(format!("nothing to cancel ({reason}): no meeting stands")),
    }
}

fn conclude(draft: &mut Draft, outcome: Outcome, reason: Option<&str>) {
    let status = match outcome {
        Outcome::NoOutcome => Status::NoOutcome,
        Outcome::OptOut => Status::OptOut,
        Outcome::NotReachable => Status::NotReachable,
    };
    draft.cancel_meeting();
    if status == Status::OptOut {
        draft.opt_out = Some(true);
    }
    draft.conclude(status, reason);
}

/// Queues a question, unless the conversation has asked too many: a flow that asks in a circle must end somewhere.
fn ask(draft: &mut Draft, id: String, to: Asked) {
    if draft.conversation.questions >= MOST_QUESTIONS {
        draft.overrule(format!("not asked: a conversation asks {MOST_QUESTIONS} questions at most"));
        refuse_question(draft, id, "too-many-questions");
        return;
    }
    draft.conversation.questions += 1;
    draft.send(Payload::Question(Question { id, to }), draft.now);
}

fn refuse_question(draft: &mut Draft, id: String, why: &str) {
    let answer = Answer { id, body: Err(why.to_owned()) };
    draft.follow_ups.push(Event::AnswerArrived(answer));
}

fn answer_fault(message: String) -> Fault {
    Fault { kind: FaultKind::Answer, message, trace: String::new() }
}

fn after(now: Timestamp, seconds: u64) -> Timestamp {
    i64::try_from(seconds).ok().and_then(|seconds| now.checked_add(seconds.seconds()).ok()).unwrap_or(Timestamp::MAX)
}
