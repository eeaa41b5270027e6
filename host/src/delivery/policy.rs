//! What may go to a person at this very moment: the host's rules, which no flow can break (P5, P6).

use jiff::{SignedDuration, Timestamp};

use crate::{
    model::{Choices, Conversation, OutgoingMessage, Purpose, Template},
    whatsapp::{self, Outgoing, Window},
};

/// In which form a message goes out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Form<'m> {
    /// Free text, inside the 24-hour window.
    Text(&'m str),
    /// A template.
    Template(&'m Template),
}

/// What to do with a message now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Decision<'m> {
    /// Send it, so.
    Send(Form<'m>),
    /// Not before then.
    Wait(Timestamp),
    /// Never; a short word says why.
    Drop(&'static str),
}

/// Decides by the conversation as it stands and the moment `now`. `contact_hours` is the next moment for outreach;
/// `margin` is taken off the end of the window, for the request takes time. Opt-outs are asked for separately, last.
pub(super) fn decide<'m>(
    message: &'m OutgoingMessage,
    conversation: &Conversation,
    now: Timestamp,
    contact_hours: Timestamp,
    margin: SignedDuration,
) -> Decision<'m> {
    let is_answer = matches!(message.purpose, Purpose::Answer | Purpose::Confirmation);
    if !is_answer && !conversation.is_open() {
        return Decision::Drop("conversation-ended");
    }
    let has_begun = conversation.meeting.as_ref().is_some_and(|meeting| meeting.slot.start <= now);
    if message.purpose == Purpose::Reminder && has_begun {
        return Decision::Drop("too-late");
    }
    match form(message, conversation, now, margin) {
        None => Decision::Drop("window-closed"),
        Some(_) if is_canvassing(message, conversation) && contact_hours > now => Decision::Wait(contact_hours),
        Some(form) => Decision::Send(form),
    }
}

/// First messages and follow-ups canvass; a first message to someone who wrote before it left answers them.
fn is_canvassing(message: &OutgoingMessage, conversation: &Conversation) -> bool {
    message.purpose == Purpose::Outreach && !(message.first && conversation.last_inbound_at.is_some())
}

/// Whether the person's 24-hour window is open at `at`, and still is `margin` later.
pub(super) fn is_window_open(conversation: &Conversation, at: Timestamp, margin: SignedDuration) -> bool {
    conversation.last_inbound_at.is_some_and(|last| Window::from_last_message(last).is_open(at, margin))
}

/// Free text while the window is open, else the template, if there is one.
pub(super) fn form<'m>(
    message: &'m OutgoingMessage,
    conversation: &Conversation,
    at: Timestamp,
    margin: SignedDuration,
) -> Option<Form<'m>> {
    let is_open = is_window_open(conversation, at, margin);
    match &message.text {
        Some(text) if is_open => Some(Form::Text(text)),
        _ => message.template.as_ref().map(Form::Template),
    }
}

impl Form<'_> {
    /// What the person reads, for the transcript.
    pub(super) fn shown(self) -> String {
        match self {
            Self::Text(text) => text.to_owned(),
            Self::Template(template) => template.shown.clone(),
        }
    }

    /// The form on the wire, with the message's choices under free text.
    pub(super) fn outgoing(self, choices: Option<&Choices>) -> Outgoing {
        match self {
            Self::Text(text) => with_choices(text.to_owned(), choices),
            Self::Template(template) => Outgoing::Template(call(template)),
        }
    }
}

/// Free text, perhaps with buttons or a list.
fn with_choices(body: String, choices: Option<&Choices>) -> Outgoing {
    match choices {
        None => Outgoing::Text { body, preview_url: false },
        Some(Choices::Buttons(choices)) => {
            let buttons = choices
                .iter()
                .map(|choice| whatsapp::Button { id: choice.id.clone(), title: choice.title.clone() })
                .collect();
            Outgoing::Buttons { header: None, body, footer: None, buttons }
        }
        Some(Choices::Rows { button, rows }) => {
            let rows = rows
                .iter()
                .map(|choice| whatsapp::Row { id: choice.id.clone(), title: choice.title.clone(), description: None })
                .collect();
            let section = whatsapp::Section { title: String::new(), rows };
            Outgoing::List { body, button: button.clone(), sections: vec![section] }
        }
    }
}

/// A template's values, each under its placeholder's name where the template has names.
fn call(template: &Template) -> whatsapp::TemplateCall {
    let values = template.parameters.iter().enumerate();
    let body = values
        .map(|(index, text)| whatsapp::Parameter {
            name: template.parameter_names.get(index).cloned(),
            text: text.clone(),
        })
        .collect();
    whatsapp::TemplateCall {
        name: template.name.clone(),
        language: template.language.clone(),
        header: template
            .header
            .clone()
            .map(|blank| whatsapp::Header::Text(whatsapp::Parameter { name: blank.name, text: blank.text })),
        body,
        buttons: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::sample;
    use crate::model::{Choice, Meeting, Slot, Status};

    #[test]
    fn what_may_go_out_depends_on_the_moment() {
        let now: Timestamp = "2026-03-10T10:00:00Z".parse().unwrap();
        let ago = |seconds| Some(now - SignedDuration::from_secs(seconds));
        let later = now + SignedDuration::from_hours(9);
        let (day, margin) = (86_400, SignedDuration::from_secs(60));
        let (text, both, template) = (
            sample::message(Some("hello"), None),
            sample::message(Some("hello"), Some("intro")),
            sample::message(None, Some("intro")),
        );
        let as_text = Decision::Send(Form::Text("hello"));
        let as_template = Decision::Send(Form::Template(template.template.as_ref().unwrap()));
        let closed = Decision::Drop("window-closed");
        let ended = Decision::Drop("conversation-ended");
        use Purpose::{Answer, Confirmation, Outreach, Reminder};
        let table = [
            // message, purpose, outcome, last inbound, contact hours, decision
            (&text, Answer, None, ago(5), now, as_text),
            (&text, Answer, None, ago(day - 61), now, as_text),
            (&text, Answer, None, ago(day - 60), now, closed),
            (&text, Answer, None, None, now, closed),
            (&both, Answer, None, ago(5), now, as_text),
            (&both, Answer, None, ago(day), now, as_template),
            (&template, Outreach, None, ago(5), now, as_template),
            (&template, Outreach, None, None, now, as_template),
            (&template, Outreach, None, None, later, Decision::Wait(later)),
            (&both, Outreach, None, ago(5), later, Decision::Wait(later)),
            (&text, Outreach, None, None, later, closed),
            (&text, Answer, None, ago(5), later, as_text),
            (&template, Reminder, None, None, later, as_template),
            (&template, Outreach, Some(Status::NoOutcome), None, now, ended),
            (&template, Reminder, Some(Status::OptOut), None, now, ended),
            (&text, Answer, Some(Status::NoOutcome), ago(5), now, as_text),
            (&template, Reminder, Some(Status::MeetingBooked), None, now, as_template),
            (&text, Confirmation, Some(Status::OptOut), ago(5), later, as_text),
            (&text, Confirmation, Some(Status::OptOut), ago(day), now, closed),
        ];
        for (number, (message, purpose, outcome, last_inbound_at, hours, expected)) in table.into_iter().enumerate() {
            let message = OutgoingMessage { purpose, ..message.clone() };
            let conversation = Conversation { outcome, last_inbound_at, ..sample::conversation("acme", 1) };
            assert_eq!(decide(&message, &conversation, now, hours, margin), expected, "row {number}");
        }
    }

    #[test]
    fn a_reminder_of_a_meeting_that_has_begun_stays_here() {
        let now: Timestamp = "2026-03-10T10:00:00Z".parse().unwrap();
        let message = OutgoingMessage { purpose: Purpose::Reminder, ..sample::message(None, Some("reminder")) };
        for (start, expected) in [(now, true), (now + SignedDuration::from_secs(1), false)] {
            let slot = Slot { start, end: start + SignedDuration::from_mins(30), with: None };
            let meeting = Some(Meeting { slot, moves: 0 });
            let conversation = Conversation { meeting, ..sample::conversation("acme", 1) };
            let decision = decide(&message, &conversation, now, now, SignedDuration::ZERO);
            assert_eq!(decision == Decision::Drop("too-late"), expected);
        }
    }

    #[test]
    fn choices_and_named_blanks_reach_the_wire() {
        let choice = Choice { id: "y".into(), title: "Yes".into() };
        let rows = Choices::Rows { button: "Slots".into(), rows: vec![choice.clone()] };
        assert!(matches!(Form::Text("a").outgoing(None), Outgoing::Text { .. }));
        for choices in [Choices::Buttons(vec![choice]), rows] {
            let outgoing = Form::Text("When?").outgoing(Some(&choices));
            assert_eq!(outgoing.check(), Ok(()));
            assert!(outgoing.preview().contains("[Yes]"));
        }
        let mut message = sample::message(None, Some("intro"));
        let template = message.template.as_mut().unwrap();
        template.parameters = vec!["Ana".into(), "10:00".into()];
        template.parameter_names = vec!["name".into(), "time".into()];
        let Outgoing::Template(call) = Form::Template(template).outgoing(None) else { panic!("a template") };
        let blanks: Vec<_> = call.body.iter().map(|blank| (blank.name.as_deref(), blank.text.as_str())).collect();
        assert_eq!(blanks, [(Some("name"), "Ana"), (Some("time"), "10:00")]);
    }
}
