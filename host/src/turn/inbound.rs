//! What the host does with the person's messages before, and whatever, the flow thinks of them.

use jiff::Timestamp;

use super::draft::Draft;
use crate::{
    flows::OptOut,
    model::{Content, Direction, Event, Inbound, Line, OutgoingMessage, Payload, Purpose, Status},
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
pub(super) fn receive(draft: &mut Draft, words: &OptOut, messages: &[Inbound]) -> Next {
    let keywords = &words.keywords;
    for message in messages {
        // A sender whose clock is ahead must not keep the window open for longer.
        let at = message.at.min(draft.now);
        draft.lines.push(Line {
            direction: Direction::In,
            at,
            text: message.content.shown(),
            wamid: Some(message.id.clone()),
        });
        let conversation = &mut draft.conversation;
        // Whether a reaction opens the window is not documented (FACTS §4): it does not.
        if !matches!(message.content, Content::Reaction(_)) {
            conversation.last_inbound_at = conversation.last_inbound_at.max(Some(at));
        }
        conversation.last_activity_at = conversation.last_activity_at.max(at);
    }
    answered(draft);
    if say(keywords, messages, Keyword::Stop) {
        if opt_out(draft, "STOP")
            && let Some(text) = &words.confirmation
        {
            confirm(draft, text);
        }
        return Next::Done;
    }
    if say(keywords, messages, Keyword::Start) {
        draft.opt_out = Some(false);
        if draft.conversation.outcome == Some(Status::OptOut) {
            draft.conversation.outcome = None;
        }
    }
    if draft.conversation.is_open() {
        Next::Ask
    } else {
        draft.overrule("kept for the transcript only: the conversation has ended");
        Next::Done
    }
}

/// Ends the conversation because the person wants to be left alone; whether that is news.
pub(super) fn opt_out(draft: &mut Draft, reason: &str) -> bool {
    draft.opt_out = Some(true);
    // Said again, perhaps while the confirmation waits for its pace: it is not to be dropped.
    if draft.conversation.outcome == Some(Status::OptOut) {
        return false;
    }
    draft.silence("opt-out");
    draft.conclude(Status::OptOut, Some(reason));
    true
}

/// Tells the person that their STOP was heard.
fn confirm(draft: &mut Draft, text: &str) {
    let message = OutgoingMessage {
        to: draft.conversation.lead.phone.clone(),
        text: Some(text.to_owned()),
        choices: None,
        template: None,
        purpose: Purpose::Confirmation,
        first: false,
        failures: 0,
    };
    draft.send(Payload::Message(message), draft.now);
}

/// An answer implies that the first message was delivered (FACTS §3, status → outcome), and undoes NOT_REACHABLE. A reaction
/// is an answer too: the person did something about our message.
fn answered(draft: &mut Draft) {
    if draft.conversation.outcome == Some(Status::NotReachable) {
        draft.conversation.outcome = None;
    }
    let progress = draft.conversation.progress;
    if progress.answered {
        return;
    }
    draft.conversation.progress.delivered = true;
    draft.conversation.progress.answered = true;
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
    messages.iter().any(|message| keyword(keywords, &message.content) == Some(wanted))
}

/// What a message asks for when it says nothing but a keyword: as a text, or as what a button shows or gives back.
pub fn keyword(keywords: &Keywords, content: &Content) -> Option<Keyword> {
    match content {
        Content::Text(text) => keywords.of(text),
        Content::Choice(choice) => {
            let said = [keywords.of(&choice.title), keywords.of(&choice.id)];
            // A button called "Continuer" with the payload STOP stops.
            if said.contains(&Some(Keyword::Stop)) { Some(Keyword::Stop) } else { said.into_iter().flatten().next() }
        }
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
