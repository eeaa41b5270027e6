//! What happened, and who deals with it.

use relais_sdk::{Action, Call, Content, Event, Fault, Meeting, Message, Purpose, SendTemplate, Turn};

use crate::booking;
use crate::clock::Instant;
use crate::config::Outcome;
use crate::exchange::{Exchange, SILENCE, UNANSWERED};
use crate::model;
use crate::script::Script;
use crate::sides;
use crate::state::{Stage, State};
use crate::steps;
use crate::understand::tokens;

/// What the person said in this turn, all messages together.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) text: String,
    pub(crate) words: Vec<String>,
    /// The id of the button or row that was chosen.
    pub(crate) choice: Option<String>,
    /// Something that cannot be read came: a picture, a voice note, a place.
    pub(crate) media: bool,
    /// Only an emoji was put on one of our messages.
    pub(crate) reaction: bool,
}

/// One turn.
pub(crate) fn advance(script: &Script, call: &Call, state: State, event: Event) -> Result<Turn, Fault> {
    let mut exchange = Exchange::new(script, call, state)?;
    match event {
        Event::LeadReceived => open(&mut exchange),
        Event::MessageReceived(messages) => hear(&mut exchange, &messages),
        Event::TimerFired(name) => timer(&mut exchange, &name),
        Event::MeetingBooked(meeting) => booked(&mut exchange, meeting),
        Event::SlotTaken(taken) => booking::taken(&mut exchange, &taken),
        Event::MeetingCancelled(meeting) => cancelled(&mut exchange, meeting),
        Event::Resumed if exchange.meeting.is_none() => exchange.wait(),
        // They still believe in a meeting that nobody will come to.
        Event::MessageUndelivered(_) if exchange.state.withdrawn => {
            exchange.hand_over("the person could not be told that the meeting was cancelled");
        }
        Event::AnswerArrived(answer) => model::answered(&mut exchange, &answer),
        Event::MessageUndelivered(_) | Event::Resumed => {}
    }
    Ok(exchange.finish())
}

fn open(exchange: &mut Exchange<'_>) {
    let opening = &exchange.script.config.opening;
    let template = exchange.template(&opening.template, &opening.parameters);
    exchange.act(Action::SendTemplate(SendTemplate { template, purpose: Purpose::Outreach, after_seconds: 0 }));
    if let Some(first) = exchange.script.config.first() {
        exchange.state.stage = Stage::Step(first.id.clone());
    }
    exchange.wait();
}

fn hear(exchange: &mut Exchange<'_>, messages: &[Message]) {
    let mut heard = gather(messages);
    // Whoever goes on writing while a model is asked about the last message has said both.
    if let Some(asked) = exchange.state.model_asked.take() {
        heard.text = format!("{}\n{}", asked.text, heard.text).trim().to_owned();
        heard.words = tokens(&heard.text);
        heard.reaction = false;
    }
    exchange.state.responded = true;
    exchange.state.with_human = false;
    exchange.state.follow_ups = 0;
    exchange.state.withdrawn = false;
    let meeting_stands = exchange.meeting.is_some();
    if !meeting_stands {
        exchange.wait();
    }
    if heard.text.trim().is_empty() && heard.choice.is_none() {
        if heard.media {
            exchange.say_once("media", exchange.script.config.replies.media.as_ref());
        }
        return;
    }
    exchange.follow_language(&heard.words);
    if sides::reopens_not(exchange, &heard) || sides::urgent(exchange, &heard) {
        return;
    }
    dispatch(exchange, &heard);
}

/// Has a message answered by whoever is asking: a step, the booking, or nobody.
pub(crate) fn dispatch(exchange: &mut Exchange<'_>, heard: &Heard) {
    let meeting_stands = exchange.meeting.is_some();
    match exchange.state.stage.clone() {
        // A first message before the opening went out: it answers nothing, so the first question is put.
        Stage::New => match exchange.script.config.first() {
            Some(first) => steps::ask(exchange, &first.id),
            None => booking::open(exchange),
        },
        Stage::Step(id) => steps::answer(exchange, &id, heard),
        Stage::Booking => booking::answer(exchange, heard),
        Stage::Booked if meeting_stands => booking::after_booking(exchange, heard),
        Stage::Booked => booking::answer(exchange, heard),
    }
}

/// Puts the messages of a burst together.
fn gather(messages: &[Message]) -> Heard {
    let mut heard = Heard { reaction: true, ..Heard::default() };
    for message in messages {
        let text = match &message.content {
            Content::Text(text) => text.as_str(),
            Content::Choice(choice) => {
                heard.choice = Some(choice.id.clone());
                choice.title.as_str()
            }
            Content::Media(media) => {
                heard.media = true;
                media.caption.as_deref().unwrap_or_default()
            }
            Content::Reaction(emoji) => emoji.as_str(),
            Content::Location(_) | Content::Unsupported(_) => {
                heard.media = true;
                ""
            }
        };
        heard.reaction &= matches!(message.content, Content::Reaction(_));
        if !text.is_empty() {
            if !heard.text.is_empty() {
                heard.text.push('\n');
            }
            heard.text.push_str(text);
        }
    }
    heard.words = tokens(&heard.text);
    heard
}

fn timer(exchange: &mut Exchange<'_>, name: &str) {
    if name == SILENCE {
        silence(exchange);
    } else if name == UNANSWERED {
        if exchange.meeting.is_some() && exchange.state.stage == Stage::Booking {
            exchange.state.cancelling = true;
            exchange.act(Action::CancelMeeting("the person cannot come and proposed no other time".to_owned()));
            let reason = exchange.script.config.follow_ups.reason.clone();
            exchange.conclude(Outcome::NoOutcome, Some(&reason));
        }
    } else if let Some(at) = name.strip_prefix("reminder-").and_then(|at| at.parse::<usize>().ok()) {
        let reminder = exchange.script.config.reminders.get(at);
        if let (Some(reminder), true) = (reminder, exchange.meeting.is_some()) {
            let template = reminder.template.as_ref().map(|name| exchange.template(name, &reminder.parameters));
            exchange.send_or_template(&reminder.text, template, Purpose::Reminder);
        }
    }
}

/// Nobody answered for a while: the next follow-up, or the end.
fn silence(exchange: &mut Exchange<'_>) {
    if exchange.meeting.is_some() || exchange.state.ended.is_some() {
        return;
    }
    let follow_ups = &exchange.script.config.follow_ups;
    let may_go_on = follow_ups.at_most.is_none_or(|most| exchange.state.follow_ups_in_all < most);
    match follow_ups.messages.get(exchange.state.follow_ups).filter(|_| may_go_on) {
        Some(next) => {
            let template = next.template.as_ref().map(|name| exchange.template(name, &next.parameters));
            exchange.send_or_template(&next.text, template, Purpose::Outreach);
            exchange.state.follow_ups += 1;
            exchange.state.follow_ups_in_all += 1;
            exchange.wait();
        }
        None => exchange.conclude(Outcome::NoOutcome, Some(&follow_ups.reason)),
    }
}

/// The meeting stands: confirm it, and set the reminders.
fn booked(exchange: &mut Exchange<'_>, meeting: Meeting) {
    let texts = &exchange.script.config.booking;
    let moved = meeting.moves > 0;
    let start = Instant::read(&meeting.start);
    exchange.meeting = Some(meeting);
    exchange.describe_meeting();
    let text = match (exchange.state.chosen, moved) {
        (true, _) if texts.confirm_chosen.is_some() => texts.confirm_chosen.as_ref(),
        (_, true) if texts.confirm_moved.is_some() => texts.confirm_moved.as_ref(),
        _ => Some(&texts.confirm),
    };
    exchange.say_any(text);
    exchange.no_timer(SILENCE);
    exchange.no_timer(UNANSWERED);
    if let Some(start) = start {
        for (at, reminder) in exchange.script.config.reminders.iter().enumerate() {
            let name = format!("reminder-{at}");
            let due = start.plus(-i64::try_from(reminder.before.0).unwrap_or(0));
            match Instant::read(&due) {
                Some(due_at) if due_at.civil > exchange.now.civil => exchange.timer(name, due),
                // Booked at short notice: a reminder now would be absurd, and one of an earlier booking wrong.
                _ => exchange.no_timer(name),
            }
        }
    }
    exchange.arrives = true;
    let state = &mut exchange.state;
    state.stage = Stage::Booked;
    state.ended = None;
    state.cancelling = false;
    state.chosen = false;
    state.declined.clear();
    booking::forget(state);
}

fn cancelled(exchange: &mut Exchange<'_>, meeting: Meeting) {
    for at in 0..exchange.script.config.reminders.len() {
        exchange.no_timer(format!("reminder-{at}"));
    }
    exchange.no_timer(UNANSWERED);
    // Texts may name the meeting that was; conditions must not take it for one that stands.
    exchange.meeting = Some(meeting);
    exchange.describe_meeting();
    exchange.meeting = None;
    exchange.set("meeting", serde_json::Value::Null);
    if std::mem::take(&mut exchange.state.cancelling) || exchange.state.ended.is_some() {
        return;
    }
    booking::withdrawn(exchange);
}
