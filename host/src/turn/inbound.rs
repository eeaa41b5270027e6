//! What the host does with the person's messages before, and whatever, the flow thinks of them.

use jiff::Timestamp;

use super::draft::Draft;
use crate::{
    model::{Content, Direction, Event, Inbound, Line, Status},
    whatsapp::{Keyword, Keywords},
};

/// Whether the flow is to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Yes.
    Ask,
    /// No: the host has dealt with it.
    Done,
}

/// Writes the messages into the transcript, opens the 24-hour window, tells that the person answered, and obeys STOP and
/// START. STOP wins: whatever else the burst says, nothing more goes to that person (P5).
pub(super) fn receive(draft: &mut Draft, keywords: &Keywords, messages: &[Inbound]) -> Next {
    for message in messages {
        draft.lines.push(Line {
            direction: Direction::In,
            at: message.at,
            text: message.content.shown(),
            wamid: Some(message.id.clone()),
        });
        let conversation = &mut draft.conversation;
        conversation.last_inbound_at = conversation.last_inbound_at.max(Some(message.at));
        conversation.last_activity_at = conversation.last_activity_at.max(message.at);
    }
    if say(keywords, messages, Keyword::Stop) {
        opt_out(draft, "STOP");
        return Next::Done;
    }
    if say(keywords, messages, Keyword::Start) && draft.conversation.outcome == Some(Status::OptOut) {
        draft.opt_out = Some(false);
        draft.conversation.outcome = None;
    }
    answered(draft);
    if draft.conversation.is_open() {
        Next::Ask
    } else {
        draft.overrule("kept for the transcript only: the conversation has ended");
        Next::Done
    }
}

/// Ends the conversation because the person wants to be left alone.
pub(super) fn opt_out(draft: &mut Draft, reason: &str) {
    draft.opt_out = Some(true);
    draft.silence("opt-out");
    draft.conclude(Status::OptOut, Some(reason));
}

/// An answer implies that the first message was delivered (FACTS §3, status → outcome).
fn answered(draft: &mut Draft) {
    let progress = draft.conversation.progress;
    if progress.answered {
        return;
    }
    draft.conversation.progress.delivered = true;
    draft.conversation.progress.answered = true;
    if draft.conversation.outcome == Some(Status::NotReachable) {
        draft.conversation.outcome = None;
    }
    if !progress.delivered {
        draft.report(Status::FirstMessageDelivered, None);
    }
    draft.report(Status::ResponseReceived, None);
}

/// Keeps what a parked conversation's flow is to be asked once a human lets it continue; true when it was kept. The host's
/// own events go on, and so does STOP.
pub(super) fn hold(draft: &mut Draft, keywords: &Keywords) -> bool {
    let for_the_flow = match &draft.event {
        Event::MessageReceived { messages } => !say(keywords, messages, Keyword::Stop),
        Event::LeadReceived
        | Event::MessageUndelivered { .. }
        | Event::TimerFired { .. }
        | Event::MeetingBooked { .. }
        | Event::SlotTaken { .. }
        | Event::MeetingCancelled { .. }
        | Event::AnswerArrived(_)
        | Event::Resumed => true,
        _ => false,
    };
    if for_the_flow {
        let event = draft.event.clone();
        draft.conversation.held.push(event);
        draft.overrule("held: the conversation is parked; `relais conversations retry` continues it");
    }
    for_the_flow
}

/// Whether one of the messages says nothing but the keyword.
fn say(keywords: &Keywords, messages: &[Inbound], wanted: Keyword) -> bool {
    messages.iter().filter_map(|message| text_of(&message.content)).any(|text| keywords.of(text) == Some(wanted))
}

fn text_of(content: &Content) -> Option<&str> {
    match content {
        Content::Text(text) => Some(text),
        Content::Choice(choice) => Some(&choice.title),
        _ => None,
    }
}

/// A human answered from the business app: the conversation is theirs, and the flow is silent until it is resumed.
pub(super) fn human_answered(draft: &mut Draft, text: Option<String>, at: Timestamp) {
    draft.lines.push(Line {
        direction: Direction::Out,
        at,
        text: text.unwrap_or_else(|| "[message]".to_owned()),
        wamid: None,
    });
    draft.conversation.last_activity_at = draft.conversation.last_activity_at.max(at);
    draft.drop_queued = Some("human-answered".to_owned());
    draft.conversation.handed_over = Some("a human answered from the business app".to_owned());
}
