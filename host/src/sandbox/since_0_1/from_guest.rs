//! From a guest's answers to the host's nouns: nothing gets through that WhatsApp, the CRM or the store would refuse.

use std::collections::BTreeSet;

use crate::model::{self, Action, Fault, FaultKind, Reaction, limits};

use super::{
    bindings::{
        exports::relais::flow::{
            qualification::{self, Action as Asked},
            status_actions::{self, Reaction as Wanted},
        },
        relais::flow::types,
    },
    reader::{Reader, wrong},
};
use crate::sandbox::{Limits, Problem, fault};

/// Characters of a name: a timer, a note, a template, an endpoint, a tag, a reason in capitals.
const MOST_NAME: usize = 64;
/// A text that the contract does not limit; the limit of the whole answer holds.
const ANY_LENGTH: usize = usize::MAX;
/// Longest pause before sending, in seconds.
const MOST_PAUSE: u32 = 600;
/// Longest wait of a reaction: ten years, in seconds.
const MOST_WAIT: u64 = 315_360_000;
/// Characters of a lead's field.
const MOST_FIELD: usize = 1_000;

/// A guest that gave up.
pub(super) fn fault(fault: types::Fault) -> Fault {
    let (kind, said) = match fault {
        types::Fault::Reject(said) => (FaultKind::Rejected, said),
        types::Fault::Retry(said) => (FaultKind::Retry, said),
    };
    fault::of_answer(kind, said.chars().take(limits::TEXT).collect::<String>())
}

/// A turn of a qualification script.
pub(super) fn turn(turn: qualification::Turn, reader: &mut Reader<'_>, bounds: &Limits) -> Result<model::Turn, Fault> {
    reader.few("actions", &turn.actions, bounds.actions)?;
    let state = turn.state.map(|text| reader.state(&text)).transpose()?;
    let actions = turn
        .actions
        .into_iter()
        .enumerate()
        .map(|(index, action)| self::action(action, &format!("actions.{index}"), reader))
        .collect::<Result<_, _>>()?;
    Ok(model::Turn { state, actions })
}

fn action(action: Asked, at: &str, reader: &mut Reader<'_>) -> Result<Action, Fault> {
    Ok(match action {
        Asked::Send(send) => self::send(send, &format!("{at}.send"), reader)?,
        Asked::SendTemplate(send) => Action::SendTemplate {
            template: template(send.template, &format!("{at}.send-template.template"), reader)?,
            purpose: purpose(send.purpose),
            after_seconds: reader.seconds(
                &format!("{at}.send-template.after-seconds"),
                send.after_seconds,
                MOST_PAUSE,
            )?,
        },
        Asked::StartTimer(timer) => Action::StartTimer {
            name: reader.name(&format!("{at}.start-timer.name"), &timer.name, MOST_NAME)?,
            at: reader.instant(&format!("{at}.start-timer.at"), &timer.at)?,
        },
        Asked::CancelTimer(name) => {
            Action::CancelTimer { name: reader.name(&format!("{at}.cancel-timer"), &name, MOST_NAME)? }
        }
        Asked::Note(note) => Action::Note {
            key: reader.name(&format!("{at}.note.key"), &note.key, MOST_NAME)?,
            value: reader.json(&format!("{at}.note.value"), &note.value)?,
        },
        Asked::Summarise(text) => {
            Action::Summarise { text: reader.text(&format!("{at}.summarise"), &text, 0, ANY_LENGTH)? }
        }
        Asked::Book(booking) => Action::Book {
            start: reader.instant(&format!("{at}.book.start"), &booking.start)?,
            with: booking
                .with
                .map(|with| reader.name(&format!("{at}.book.with"), &with, limits::ROW_ID))
                .transpose()?,
        },
        Asked::CancelMeeting(reason) => {
            Action::CancelMeeting { reason: reader.text(&format!("{at}.cancel-meeting"), &reason, 0, ANY_LENGTH)? }
        }
        Asked::AskModel(ask) => Action::AskModel {
            id: reader.name(&format!("{at}.ask-model.id"), &ask.id, limits::ROW_ID)?,
            instructions: reader.text(&format!("{at}.ask-model.instructions"), &ask.instructions, 1, ANY_LENGTH)?,
            input: reader.text(&format!("{at}.ask-model.input"), &ask.input, 0, ANY_LENGTH)?,
            schema: ask.schema.map(|schema| reader.json(&format!("{at}.ask-model.schema"), &schema)).transpose()?,
        },
        Asked::AskEndpoint(ask) => Action::AskEndpoint {
            id: reader.name(&format!("{at}.ask-endpoint.id"), &ask.id, limits::ROW_ID)?,
            endpoint: reader.name(&format!("{at}.ask-endpoint.endpoint"), &ask.endpoint, MOST_NAME)?,
            body: reader.json(&format!("{at}.ask-endpoint.body"), &ask.body)?,
        },
        Asked::HandOver(reason) => {
            Action::HandOver { reason: reader.text(&format!("{at}.hand-over"), &reason, 0, ANY_LENGTH)? }
        }
        Asked::Conclude(conclusion) => Action::Conclude {
            outcome: match conclusion.outcome {
                qualification::Outcome::NoOutcome => model::Outcome::NoOutcome,
                qualification::Outcome::OptOut => model::Outcome::OptOut,
                qualification::Outcome::NotReachable => model::Outcome::NotReachable,
            },
            reason: conclusion
                .reason
                .map(|reason| reader.name(&format!("{at}.conclude.reason"), &reason, MOST_NAME))
                .transpose()?,
        },
    })
}

fn send(send: qualification::Send, at: &str, reader: &mut Reader<'_>) -> Result<Action, Fault> {
    let most = if send.choices.is_some() { limits::INTERACTIVE_BODY } else { limits::TEXT };
    Ok(Action::Send {
        text: reader.text(&format!("{at}.text"), &send.text, 1, most)?,
        choices: send.choices.map(|choices| self::choices(choices, at, reader)).transpose()?,
        fallback: send.fallback.map(|call| template(call, &format!("{at}.fallback"), reader)).transpose()?,
        purpose: purpose(send.purpose),
        after_seconds: reader.seconds(&format!("{at}.after-seconds"), send.after_seconds, MOST_PAUSE)?,
    })
}

fn choices(choices: qualification::Choices, at: &str, reader: &mut Reader<'_>) -> Result<model::Choices, Fault> {
    Ok(match choices {
        qualification::Choices::Buttons(buttons) => {
            let at = format!("{at}.buttons");
            let buttons = offered(buttons, &at, limits::BUTTONS, limits::BUTTON_TITLE, reader)?;
            let titles: BTreeSet<_> = buttons.iter().map(|button| &button.title).collect();
            if titles.len() < buttons.len() {
                return Err(wrong(&at, "have the same title twice; WhatsApp refuses that"));
            }
            model::Choices::Buttons(buttons)
        }
        qualification::Choices::Rows(rows) => model::Choices::Rows {
            button: reader.line(&format!("{at}.rows.button"), &rows.button, limits::BUTTON_TITLE)?,
            rows: offered(rows.rows, &format!("{at}.rows.rows"), limits::ROWS, limits::ROW_TITLE, reader)?,
        },
    })
}

fn offered(
    offered: Vec<types::Choice>,
    at: &str,
    most: usize,
    most_title: usize,
    reader: &mut Reader<'_>,
) -> Result<Vec<model::Choice>, Fault> {
    if !(1..=most).contains(&offered.len()) {
        return Err(wrong(at, &format!("are {}; offer 1 to {most}", offered.len())));
    }
    let choices = offered
        .into_iter()
        .enumerate()
        .map(|(index, choice)| {
            Ok(model::Choice {
                id: reader.name(&format!("{at}.{index}.id"), &choice.id, limits::ROW_ID)?,
                title: reader.line(&format!("{at}.{index}.title"), &choice.title, most_title)?,
            })
        })
        .collect::<Result<Vec<_>, Fault>>()?;
    let ids: BTreeSet<_> = choices.iter().map(|choice| &choice.id).collect();
    if ids.len() < choices.len() {
        return Err(wrong(at, "have the same id twice; nobody could tell which was chosen"));
    }
    Ok(choices)
}

fn template(call: types::TemplateCall, at: &str, reader: &mut Reader<'_>) -> Result<model::TemplateCall, Fault> {
    Ok(model::TemplateCall {
        name: reader.name(&format!("{at}.name"), &call.name, MOST_NAME)?,
        parameters: call
            .parameters
            .iter()
            .enumerate()
            .map(|(index, value)| reader.line(&format!("{at}.parameters.{index}"), value, limits::TEMPLATE_PARAMETER))
            .collect::<Result<_, _>>()?,
    })
}

fn purpose(purpose: types::Purpose) -> model::Purpose {
    match purpose {
        types::Purpose::Answer => model::Purpose::Answer,
        types::Purpose::Reminder => model::Purpose::Reminder,
        types::Purpose::Outreach => model::Purpose::Outreach,
    }
}

/// The reactions to an occasion.
pub(super) fn reactions(
    reactions: Vec<status_actions::Reaction>,
    reader: &mut Reader<'_>,
    limits: &Limits,
) -> Result<Vec<Reaction>, Fault> {
    reader.few("reactions", &reactions, limits.reactions)?;
    reactions
        .into_iter()
        .enumerate()
        .map(|(index, reaction)| self::reaction(reaction, &format!("reactions.{index}"), reader))
        .collect()
}

fn reaction(reaction: Wanted, at: &str, reader: &mut Reader<'_>) -> Result<Reaction, Fault> {
    Ok(match reaction {
        Wanted::Callback(endpoint) => {
            Reaction::Callback { endpoint: reader.name(&format!("{at}.callback"), &endpoint, MOST_NAME)? }
        }
        Wanted::Notify(notification) => Reaction::Notify(model::Notification {
            endpoint: reader.name(&format!("{at}.notify.endpoint"), &notification.endpoint, MOST_NAME)?,
            body: reader.json(&format!("{at}.notify.body"), &notification.body)?,
        }),
        Wanted::ReviewAfter(seconds) => {
            Reaction::ReviewAfter { seconds: reader.seconds(&format!("{at}.review-after"), seconds, MOST_WAIT)? }
        }
        Wanted::SuppressContact => Reaction::SuppressContact,
        Wanted::RestartAfter(seconds) => {
            Reaction::RestartAfter { seconds: reader.seconds(&format!("{at}.restart-after"), seconds, MOST_WAIT)? }
        }
        Wanted::Tag(name) => Reaction::Tag { name: reader.name(&format!("{at}.tag"), &name, MOST_NAME)? },
    })
}

/// A lead, or what is wrong with the payload. A mapping that finds no identifier or no number in a payload tells a
/// problem; one that passes them on empty is taken to have done so.
pub(super) fn lead(
    draft: types::LeadDraft,
    reader: &mut Reader<'_>,
) -> Result<Result<model::LeadDraft, Vec<Problem>>, Fault> {
    let mut problems = Vec::new();
    for (at, text) in [("crm-id", &draft.crm_id), ("phone-number", &draft.phone_number)] {
        let what = if text.trim().is_empty() {
            "is missing in what the flow's mapping found in this payload"
        } else if text.chars().count() > MOST_FIELD || text.chars().any(char::is_control) {
            "is longer than 1,000 characters or has control characters"
        } else {
            continue;
        };
        problems.push(Problem { at: at.to_owned(), what: what.to_owned() });
    }
    if !problems.is_empty() {
        return Ok(Err(problems));
    }
    let mut field = |at: &str, text: Option<String>| {
        text.filter(|text| !text.trim().is_empty()).map(|text| reader.line(at, &text, MOST_FIELD)).transpose()
    };
    let name = field("name", draft.name)?;
    let email = field("email", draft.email)?;
    let company = field("company", draft.company)?;
    let assigned_to = field("assigned-to", draft.assigned_to)?;
    Ok(Ok(model::LeadDraft {
        crm_id: reader.name("crm-id", &draft.crm_id, MOST_FIELD)?,
        phone_number: reader.name("phone-number", &draft.phone_number, MOST_FIELD)?,
        name,
        email,
        company,
        assigned_to,
        context: reader.json("context", &draft.context)?,
    }))
}
