//! Things said beside the answer: refusals, questions about us, anger, thanks, objections.

use crate::booking;
use crate::config::Outcome;
use crate::events::Heard;
use crate::exchange::Exchange;
use crate::state::Stage;
use crate::steps;
use crate::understand::{Answer, Intent, is_question};
use crate::when;

/// What must be obeyed at once, whatever was asked. True when that was it.
pub(crate) fn urgent(exchange: &mut Exchange<'_>, heard: &Heard) -> bool {
    let replies = &exchange.script.config.replies;
    let Some(first) = exchange.script.intents.read(&heard.words).first().copied() else { return false };
    match first {
        Intent::Stop => {
            // Nothing is said: whoever asks for silence gets it.
            cancel_standing(exchange, "the person asked not to be contacted");
            exchange.conclude(Outcome::OptOut, Some("STOP"));
        }
        Intent::WrongPerson => {
            cancel_standing(exchange, "this is not the person who asked");
            exchange.say_any(replies.wrong_person.as_ref());
            exchange.conclude(Outcome::NoOutcome, Some("WRONG_PERSON"));
        }
        Intent::Anger => {
            exchange.say_any(replies.anger.as_ref());
            exchange.hand_over("the person is angry");
        }
        Intent::HandOver => {
            exchange.say_any(replies.hand_over.as_ref());
            exchange.hand_over("the person asked for a human");
        }
        _ => return false,
    }
    true
}

/// After the end nothing is answered, unless the person comes back to it. True when nothing is to be done.
pub(crate) fn reopens_not(exchange: &mut Exchange<'_>, heard: &Heard) -> bool {
    let Some(reason) = exchange.state.ended.clone() else { return false };
    // "Pardon, je voulais dire oui" to the question that ended it.
    exchange.state.ended = None;
    if steps::corrects_last(exchange, heard) {
        return true;
    }
    exchange.state.ended = Some(reason.clone());
    let intents = exchange.script.intents.read(&heard.words);
    let wishes = when::read(&heard.text, exchange.now.civil, &[]);
    let comes_back = reason == exchange.script.config.follow_ups.reason
        || regrets(exchange, heard)
        || intents.contains(&Intent::CallMe)
        || wishes.wanted.iter().any(|wish| wish.days.is_some());
    if comes_back && !intents.contains(&Intent::Stop) {
        exchange.state.ended = None;
        if reason != exchange.script.config.follow_ups.reason {
            exchange.state.stage = Stage::Booking;
        }
        return false;
    }
    true
}

/// "Finalement ça m'intéresse": a yes that takes the refusal back.
fn regrets(exchange: &Exchange<'_>, heard: &Heard) -> bool {
    const BACK: [&str; 6] = ["finalement", "interesse", "interessee", "avis", "interested", "actually"];
    let agrees = exchange.script.yes_no.read(&heard.words).is_some_and(|reading| reading.what == Answer::Yes);
    agrees && heard.words.iter().any(|word| BACK.contains(&word.as_str()))
}

fn cancel_standing(exchange: &mut Exchange<'_>, why: &str) {
    if exchange.meeting.is_some() {
        exchange.state.cancelling = true;
        exchange.act(relais_sdk::Action::CancelMeeting(why.to_owned()));
    }
}

/// How much a message already says to the question, and so what else may count in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answered {
    /// Nothing clear.
    No,
    /// The question was answered in so many words: "plus tard" or "pas besoin" belong to the answer then.
    Yes,
}

/// What was said instead of an answer. True when it was dealt with.
pub(crate) fn instead(exchange: &mut Exchange<'_>, heard: &Heard, answered: Answered) -> bool {
    let script = exchange.script;
    let replies = &script.config.replies;
    for intent in script.intents.read(&heard.words) {
        match intent {
            Intent::NoNeed | Intent::Later if answered == Answered::Yes => {}
            // Without a meeting there is nothing to cancel but the talk itself.
            Intent::Cancel if exchange.meeting.is_some() => {}
            Intent::NotInterested | Intent::NoNeed | Intent::Cancel => {
                cancel_standing(exchange, "the person is no longer interested");
                exchange.say_any(replies.not_interested.as_ref());
                exchange.conclude(Outcome::NoOutcome, Some("NOT_INTERESTED"));
                return true;
            }
            Intent::CallMe => {
                let asked = questions(exchange, heard, Answered::No);
                answer_questions(exchange, &asked);
                if asked.is_empty() {
                    booking::open_with(exchange, heard, None);
                    // "With pleasure" and, a second later, "you are booked" would be two messages for one thing.
                    if !exchange.is_booking() {
                        exchange.say_first(replies.call_me.as_ref());
                    }
                } else {
                    booking::open_with(exchange, heard, replies.call_me.as_ref());
                }
                return true;
            }
            Intent::Later => {
                // "Pas maintenant, plutôt demain": a time to be called, not a brush-off.
                if when::read(&heard.text, exchange.now.civil, &[]).wanted.iter().any(|wish| wish.days.is_some()) {
                    booking::open_with(exchange, heard, None);
                } else {
                    exchange.say_any(replies.later.as_ref());
                }
                return true;
            }
            _ => {}
        }
    }
    false
}

/// Something asked or objected beside the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Question {
    /// Who are you?
    Who,
    /// Are you a robot?
    Robot,
    /// Where did you get my number?
    Source,
    /// One of the script's objections, by its place.
    Objection(usize),
}

/// Everything that a message asks or objects, if that is the point of it: a question, or a few words. In a message that
/// answers the question, only a question or a "but" counts: "budget de 3 500 €" is an answer.
pub(crate) fn questions(exchange: &Exchange<'_>, heard: &Heard, answered: Answered) -> Vec<Question> {
    const BUT: [&str; 5] = ["mais", "but", "combien", "quel", "however"];
    let script = exchange.script;
    let asks = is_question(&heard.text, &heard.words);
    let to_the_point = match answered {
        Answered::No => asks || heard.words.len() <= 6,
        Answered::Yes => asks || heard.words.iter().any(|word| BUT.contains(&word.as_str())),
    };
    let mut questions = Vec::new();
    let mut add = |question: Question| {
        if !questions.contains(&question) {
            questions.push(question);
        }
    };
    let objections = script.objections.scan(&heard.words);
    // The script's own words go before the built-in ones.
    let rest = if to_the_point { script.objections.strike(&heard.words) } else { heard.words.clone() };
    for intent in script.intents.read(&rest) {
        match intent {
            Intent::Who => add(Question::Who),
            Intent::Robot => add(Question::Robot),
            Intent::Source => add(Question::Source),
            _ => {}
        }
    }
    for hit in objections.iter().filter(|_| to_the_point) {
        add(Question::Objection(hit.what));
    }
    questions
}

/// Answers what was asked, without going anywhere yet; gives where the script wants to go.
pub(crate) fn answer_questions(exchange: &mut Exchange<'_>, questions: &[Question]) -> Option<String> {
    let replies = &exchange.script.config.replies;
    let mut then = None;
    for question in questions {
        match question {
            Question::Who => exchange.say_any(replies.who.as_ref()),
            Question::Robot => exchange.say_any(replies.robot.as_ref()),
            // "Who are you, and where did you get my number?" with one text for both.
            Question::Source if replies.source.is_none() && questions.contains(&Question::Who) => {}
            Question::Source => exchange.say_any(replies.source.as_ref().or(replies.who.as_ref())),
            Question::Objection(at) => then = then.or(answer_objection(exchange, *at)),
        }
    }
    then
}

/// Answers an objection, without going anywhere yet; gives where the script wants to go.
fn answer_objection(exchange: &mut Exchange<'_>, at: usize) -> Option<String> {
    let objection = exchange.script.config.objections.get(at)?;
    if !exchange.state.objections.contains(&objection.id) {
        exchange.state.objections.push(objection.id.clone());
    }
    if let Some(key) = &objection.note {
        exchange.note(key, serde_json::Value::Bool(true));
    }
    exchange.say(&objection.say);
    objection.then.clone().filter(|then| then != "return")
}

/// Puts the current question again, after something else was said.
pub(crate) fn repeat(exchange: &mut Exchange<'_>) {
    match exchange.state.stage.clone() {
        Stage::Step(id) => steps::ask(exchange, &id),
        Stage::Booking => booking::ask_again(exchange),
        Stage::New | Stage::Booked => {}
    }
}

/// Goes where the script says: a step, the booking, an ending, a human.
pub(crate) fn go(exchange: &mut Exchange<'_>, then: &str) {
    match then {
        "booking" => booking::open(exchange),
        "hand-over" => {
            exchange.say_any(exchange.script.config.replies.hand_over.as_ref());
            exchange.hand_over("the script asks for a human");
        }
        other => match other.strip_prefix("end:") {
            Some(ending) => exchange.end(ending),
            None => steps::ask(exchange, other),
        },
    }
}

/// A question that the script has no answer to: it is kept for the CRM. Three times; who asks on wants a human. Without
/// `replies.question` it counts as not understood.
pub(crate) fn asks_something_else(exchange: &mut Exchange<'_>, heard: &Heard) -> bool {
    const MOST: usize = 3;
    let asks = heard.words.len() >= 3 && heard.text.contains('?');
    if !asks || exchange.state.asked.len() >= MOST {
        return false;
    }
    exchange.state.asked.push(heard.text.trim().to_owned());
    exchange.script.config.replies.question.is_some()
}

/// Not understood: ask differently, twice at most, then what the script wants.
pub(crate) fn misunderstood(exchange: &mut Exchange<'_>, heard: &Heard, again: &[crate::text::Text]) {
    const MOST: usize = 2;
    if exchange.script.intents.is_courtesy(&heard.words) {
        // "Bonjour" is no answer, but nothing to be lost about either.
        let replies = &exchange.script.config.replies;
        exchange.say_once("greeting", replies.greeting.as_ref());
        return repeat(exchange);
    }
    if asks_something_else(exchange, heard) {
        exchange.say_any(exchange.script.config.replies.question.as_ref());
        return repeat(exchange);
    }
    if crate::model::ask(exchange, heard) {
        return;
    }
    let times = exchange.state.misunderstood;
    exchange.state.misunderstood += 1;
    if times >= MOST {
        exchange.state.misunderstood = 0;
        let replies = &exchange.script.config.replies;
        exchange.say_any(replies.lost.as_ref());
        match replies.lost_then.as_deref() {
            None | Some("hand-over") => exchange.hand_over("the person could not be understood"),
            Some(then) => go(exchange, then),
        }
        return;
    }
    match again.get(times) {
        Some(text) => exchange.say(text),
        None => repeat(exchange),
    }
}
