//! Finding a time: from "when?" to a booked slot, and moving it.

use jiff::civil::Date;
use relais_sdk::{Action, SlotTaken};

use crate::calendar::{self, Free};
use crate::clock::{Instant, days_after};
use crate::config::Outcome;
use crate::events::Heard;
use crate::exchange::{Exchange, UNANSWERED};
use crate::offers::{
    ask_day, describe_days, none_free, offer_days, offer_other_times, offer_over, offer_slots, offer_times,
    offered_days, propose_days,
};
use crate::sides::{self, Answered};
use crate::state::{Offer, Stage, State};
use crate::steps;
use crate::text::Text;
use crate::understand::{Answer, How, Intent, extreme, is_question, place};
use crate::when::{self, Wish, Wishes};

/// Begins to look for a time.
pub(crate) fn open(exchange: &mut Exchange<'_>) {
    exchange.state.stage = Stage::Booking;
    exchange.state.misunderstood = 0;
    forget(&mut exchange.state);
    exchange.say(&exchange.script.config.booking.ask);
}

/// Begins to look for a time with what the message already says of it ("appelez-moi demain à 14h").
/// Otherwise says `first`, if there is one, and asks.
pub(crate) fn open_with(exchange: &mut Exchange<'_>, heard: &Heard, first: Option<&Text>) {
    exchange.state.stage = Stage::Booking;
    let wishes = read(exchange, heard);
    if wishes.wanted.is_empty() {
        exchange.say_any(first);
        open(exchange);
    } else {
        forget(&mut exchange.state);
        settle(exchange, &wishes);
    }
}

/// Whether a message names one day, and so asks for a meeting on it.
pub(crate) fn names_a_day(exchange: &Exchange<'_>, heard: &Heard) -> bool {
    let wishes = read(exchange, heard);
    wishes.wanted.iter().any(|wish| wish.days.is_some_and(|(first, last)| first == last))
}

/// Whether a message asks for a day or a time: what number it has is an hour then, or a date.
pub(crate) fn names_a_time(exchange: &Exchange<'_>, heard: &Heard) -> bool {
    !read(exchange, heard).wanted.is_empty()
}

/// The slot offered at the bare hour that a message names: "11 please".
fn at_hour(exchange: &Exchange<'_>, heard: &Heard) -> Option<Offer> {
    let mut numbers = heard.words.iter().filter_map(|word| word.parse::<i8>().ok());
    let hour = numbers.next().filter(|_| numbers.next().is_none())?;
    let starts_then = |offer: &&Offer| {
        Instant::read(&offer.start).is_some_and(|start| {
            let time = start.time();
            time.minute() == 0 && (time.hour() == hour || time.hour() == hour + 12)
        })
    };
    let mut fitting = exchange.state.offered.iter().filter(starts_then);
    fitting.next().filter(|_| fitting.next().is_none()).cloned()
}

/// Begins to look for a time; a day that the answer to the last question names is heard already.
pub(crate) fn open_after(exchange: &mut Exchange<'_>, heard: &Heard) {
    if read(exchange, heard).wanted.iter().any(|wish| wish.days.is_some()) {
        open_with(exchange, heard, None);
    } else {
        open(exchange);
    }
}

/// Forgets what was offered and half agreed.
pub(crate) fn forget(state: &mut State) {
    state.day = None;
    state.times = None;
    state.offered.clear();
    state.offered_days.clear();
}

/// The question again, after something else was said: what was offered last, if anything was.
pub(crate) fn ask_again(exchange: &mut Exchange<'_>) {
    let booking = &exchange.script.config.booking;
    let (day, times) = (exchange.state.day, exchange.state.times);
    let offered = std::mem::take(&mut exchange.state.offered);
    let slots: Vec<Free> = offered.into_iter().filter_map(Free::of_offer).collect();
    if !slots.is_empty() {
        offer_slots(exchange, &booking.offer_slots, slots);
        (exchange.state.day, exchange.state.times) = (day, times);
    } else if !exchange.state.offered_days.is_empty() {
        let days = exchange.state.offered_days.clone();
        propose_days(exchange, days);
    } else if exchange.meeting.is_none() {
        exchange.say(&booking.ask);
    }
}

/// The person answers while a time is being looked for.
pub(crate) fn answer(exchange: &mut Exchange<'_>, heard: &Heard) {
    if let Some(start) = heard.choice.as_deref().and_then(|id| id.strip_prefix("slot:")) {
        let with =
            exchange.state.offered.iter().find(|offer| offer.start == start).and_then(|offer| offer.with.clone());
        return exchange.book(start.to_owned(), with, true);
    }
    if let Some(day) = heard.choice.as_deref().and_then(|id| id.strip_prefix("day:")?.parse::<Date>().ok()) {
        return offer_times(exchange, day, exchange.state.times);
    }
    // Before reading times: "le premier" is the first one offered, not the first of the month.
    let offered = &exchange.state.offered;
    let named = place(offered.len(), &heard.words).or_else(|| extreme(offered.len(), &heard.words));
    if let Some(offer) = named.and_then(|at| offered.get(at)).cloned() {
        return exchange.book(offer.start, offer.with, true);
    }
    let wishes = read(exchange, heard);
    let intents = exchange.script.intents.read(&heard.words);
    if let [Wish { days: None, times: Some(times) }] = wishes.wanted.as_slice()
        && intents.contains(&Intent::Anything)
    {
        // "Le matin, peu importe le jour".
        exchange.state.times = Some(*times);
        return any_time(exchange);
    }
    if !wishes.wanted.is_empty() {
        return settle(exchange, &wishes);
    }
    if let Some(offer) = chosen(exchange, heard).or_else(|| at_hour(exchange, heard)) {
        return exchange.book(offer.start, offer.with, true);
    }
    let excluded = ruled_out(exchange, &wishes);
    if !excluded.is_empty() {
        return offer_days(exchange, &excluded);
    }
    if sides::instead(exchange, heard, Answered::No) {
        return;
    }
    if exchange.meeting.is_some() && asks_when(heard) {
        exchange.say_any(exchange.script.config.booking.standing.as_ref());
        return ask_again(exchange);
    }
    let has_slots = !exchange.state.offered.is_empty();
    for intent in &intents {
        match intent {
            Intent::TooEarly if has_slots => return offer_other_times(exchange, true),
            Intent::TooLate if has_slots => return offer_other_times(exchange, false),
            Intent::WhichTimes => return any_time(exchange),
            _ => {}
        }
    }
    let questions = sides::questions(exchange, heard, Answered::No);
    if !questions.is_empty() {
        return match sides::answer_questions(exchange, &questions).filter(|then| then != "booking") {
            Some(then) => sides::go(exchange, &then),
            None => ask_again(exchange),
        };
    }
    let yes_no = exchange.script.yes_no.read(&heard.words).filter(|reading| reading.how != How::Unsure);
    let declines =
        intents.contains(&Intent::Impossible) || yes_no.as_ref().is_some_and(|reading| reading.what == Answer::No);
    let has_offer = has_slots || !exchange.state.offered_days.is_empty();
    let agrees = yes_no.is_some_and(|reading| reading.what == Answer::Yes);
    if intents.contains(&Intent::Cancel) && exchange.meeting.is_some() {
        cancel(exchange);
    } else if agrees && has_offer {
        // "Ok", but to which?
        ask_again(exchange);
    } else if declines && has_offer {
        let mut declined = exchange.state.offered_days.clone();
        declined.extend(offered_days(&exchange.state));
        exchange.state.declined.extend(declined);
        offer_days(exchange, &[]);
    } else if declines || agrees || intents.contains(&Intent::Anything) {
        any_time(exchange);
    } else if !heard.reaction && !steps::corrects_last(exchange, heard) {
        sides::misunderstood(exchange, heard, &exchange.script.config.booking.again);
    }
}

/// "Peu importe", "oui": we propose. The days offered first, if any; else the next days with a free slot.
fn any_time(exchange: &mut Exchange<'_>) {
    if let Some(day) = exchange.state.day.or(exchange.state.offered_days.first().copied()) {
        return offer_times(exchange, day, None);
    }
    let today = exchange.now.date();
    let free = calendar::over_days(exchange, &calendar::free_days(exchange, today, &[], 3), exchange.state.times);
    offer_slots(exchange, &exchange.script.config.booking.offer_slots, free);
}

/// The words of a good-bye that names a time of day.
const LEAVE: [&str; 5] = ["bon", "bonne", "belle", "nice", "good"];
/// The words of a question about the meeting's time.
const ABOUT_TIME: [&str; 5] = ["heure", "jour", "quand", "when", "time"];

/// The person writes while a meeting stands.
pub(crate) fn after_booking(exchange: &mut Exchange<'_>, heard: &Heard) {
    let intents = exchange.script.intents.read(&heard.words);
    if intents.contains(&Intent::Cancel) {
        return cancel(exchange);
    }
    let mut wishes = read(exchange, heard);
    wishes.wanted.retain(|wish| !is_standing(exchange, wish));
    // "Merci et bon week-end" names a time, but asks for none.
    let takes_leave =
        intents.contains(&Intent::Thanks) && heard.words.iter().any(|word| LEAVE.contains(&word.as_str()));
    // "Merci, à lundi !" when the meeting is on Thursday: they have the day wrong, and ask for no other.
    if !wishes.wanted.is_empty() && sees_us(exchange, heard, &wishes) {
        return exchange.say_any(exchange.script.config.booking.standing.as_ref());
    }
    if !wishes.wanted.is_empty() && !takes_leave {
        exchange.state.stage = Stage::Booking;
        keep_what_stands(exchange, &wishes);
        await_answer(exchange);
        return settle(exchange, &wishes);
    }
    let declines = exchange
        .script
        .yes_no
        .read(&heard.words)
        .is_some_and(|reading| reading.what == Answer::No && reading.how == How::Sure);
    let too = |intent: &Intent| matches!(intent, Intent::TooEarly | Intent::TooLate);
    let unfit = intents.contains(&Intent::Impossible) || intents.iter().any(too) && !heard.text.contains('?');
    if unfit || !wishes.excluded.is_empty() || (declines && heard.words.len() <= 3) {
        exchange.state.stage = Stage::Booking;
        forget(&mut exchange.state);
        let mut excluded = ruled_out(exchange, &wishes);
        excluded.extend(standing_start(exchange).map(|start| start.date()));
        await_answer(exchange);
        return offer_days(exchange, &excluded);
    }
    if sides::instead(exchange, heard, Answered::No) {
        return;
    }
    let questions = sides::questions(exchange, heard, Answered::No);
    if !questions.is_empty() {
        sides::answer_questions(exchange, &questions);
    } else if asks_when(heard) {
        exchange.say_any(exchange.script.config.booking.standing.as_ref());
    } else if intents.contains(&Intent::Thanks) {
        exchange.say_once("thanks", exchange.script.config.replies.thanks.as_ref());
    } else if exchange.script.intents.is_courtesy(&heard.words) {
        exchange.say_once("greeting", exchange.script.config.replies.greeting.as_ref());
    } else if exchange.script.config.replies.question.is_some() && sides::asks_something_else(exchange, heard) {
        exchange.say_any(exchange.script.config.replies.question.as_ref());
    } else if !heard.reaction && exchange.script.yes_no.read(&heard.words).is_none() {
        exchange.say_once("noted", exchange.script.config.booking.noted.as_ref());
    }
}

/// "À lundi !", "see you on Monday": a good-bye that names a day and nothing else.
fn sees_us(exchange: &Exchange<'_>, heard: &Heard, wishes: &Wishes) -> bool {
    const THANKS: [&str; 6] = ["merci", "beaucoup", "thanks", "parfait", "ok", "super"];
    let rest: Vec<&str> = heard.words.iter().map(String::as_str).skip_while(|word| THANKS.contains(word)).collect();
    let leaves = matches!(rest.as_slice(), ["a", _] | ["a", _, "alors"] | ["see", "you", ..]);
    let only_days = wishes.wanted.iter().all(|wish| wish.times.is_none() && wish.days.is_some());
    leaves && only_days && !heard.text.contains('?') && !exchange.script.intents.corrects(&heard.words)
}

fn asks_when(heard: &Heard) -> bool {
    is_question(&heard.text, &heard.words) && heard.words.iter().any(|word| ABOUT_TIME.contains(&word.as_str()))
}

/// Until the person finds another time, the meeting stands; at its start it would be a call that nobody takes.
fn await_answer(exchange: &mut Exchange<'_>) {
    if let Some(meeting) = &exchange.meeting {
        let start = meeting.start.clone();
        exchange.timer(UNANSWERED, start);
    }
}

/// A move may name only what changes: "lundi" keeps the time, "plutôt 16h" keeps the day.
fn keep_what_stands(exchange: &mut Exchange<'_>, wishes: &Wishes) {
    let Some(start) = standing_start(exchange) else { return };
    forget(&mut exchange.state);
    if wishes.wanted.iter().all(|wish| wish.times.is_none()) {
        exchange.state.times = Some((start.time(), start.time()));
    }
    if wishes.wanted.iter().all(|wish| wish.days.is_none()) {
        exchange.state.day = Some(start.date());
    }
}

/// True for "à demain !" when the meeting is tomorrow: nothing is to be moved.
fn is_standing(exchange: &Exchange<'_>, wish: &Wish) -> bool {
    let Some(start) = standing_start(exchange) else { return false };
    let same_day = wish.days.is_none_or(|(first, last)| first <= start.date() && start.date() <= last);
    let same_time = wish.times.is_none_or(|(from, to)| from <= start.time() && start.time() <= to);
    same_day && same_time
}

fn standing_start(exchange: &Exchange<'_>) -> Option<Instant> {
    Instant::read(&exchange.meeting.as_ref()?.start)
}

/// After all the standing time suits.
fn keep(exchange: &mut Exchange<'_>) {
    exchange.state.stage = Stage::Booked;
    forget(&mut exchange.state);
    exchange.no_timer(UNANSWERED);
    exchange.describe_meeting();
    exchange.say(&exchange.script.config.booking.confirm);
}

fn cancel(exchange: &mut Exchange<'_>) {
    exchange.state.cancelling = true;
    exchange.say(&exchange.script.config.booking.cancelled);
    exchange.act(Action::CancelMeeting("the person cancelled".to_owned()));
    exchange.conclude(Outcome::NoOutcome, Some("CANCELLED"));
}

/// Books what was asked for if it is free and clear; otherwise asks for what is missing, or offers what is near.
fn settle(exchange: &mut Exchange<'_>, wishes: &Wishes) {
    exchange.state.misunderstood = 0;
    let (day, times) = (exchange.state.day, exchange.state.times);
    if let Some(offer) = among_offered(exchange, wishes) {
        return exchange.book(offer.start, offer.with, true);
    }
    let complete = |wish: &Wish| Wish { days: wish.days.or(day.map(|day| (day, day))), times: wish.times.or(times) };
    let wanted: Vec<Wish> = wishes.wanted.iter().map(complete).collect();
    let days: Vec<Date> = {
        let mut days = Vec::new();
        for day in wanted.iter().flat_map(|wish| calendar::days_of(exchange, wish, &wishes.excluded)) {
            if !days.contains(&day) {
                days.push(day);
            }
        }
        days
    };
    let named = wanted.iter().find_map(|wish| wish.times);
    if days.is_empty() {
        return match named {
            // A day was named, but it is over or ruled out.
            _ if wanted.iter().any(|wish| wish.days.is_some()) => offer_days(exchange, &ruled_out(exchange, wishes)),
            // "Plutôt l'après-midi": of the days just offered.
            Some(times) if !exchange.state.offered.is_empty() => {
                let days = offered_days(&exchange.state);
                offer_over(exchange, &days, Some(times));
            }
            // "Après 17h": on one of the days just proposed.
            Some(times) if !exchange.state.offered_days.is_empty() => {
                let days = exchange.state.offered_days.clone();
                offer_over(exchange, &days, Some(times));
            }
            Some(times) => ask_day(exchange, times),
            None => ask_again(exchange),
        };
    }
    // Exactly what was asked for, in the order of the asking.
    for wish in wanted.iter().filter(|wish| wish.times.is_some_and(|(from, to)| from == to)) {
        for day in calendar::days_of(exchange, wish, &wishes.excluded) {
            let found = calendar::on_days(day, day).into_iter().find(|slot| calendar::is_within(slot, wish.times));
            let stands = standing_start(exchange).map(|start| start.civil);
            if stands.is_some_and(|start| start.date() == day && wish.times == Some((start.time(), start.time()))) {
                return keep(exchange);
            }
            if let Some(slot) = found {
                return exchange.book(slot.offer.start, slot.offer.with, false);
            }
        }
    }
    match days.as_slice() {
        [day] => offer_times(exchange, *day, named),
        several => offer_over(exchange, several, named),
    }
}

/// The slot we offered that the person names ("14h", "plutôt celui de mardi"), when only one fits.
fn among_offered(exchange: &Exchange<'_>, wishes: &Wishes) -> Option<Offer> {
    let fits = |offer: &&Offer| {
        let Some(start) = Instant::read(&offer.start) else { return false };
        wishes.wanted.iter().any(|wish| {
            wish.days.is_none_or(|(first, last)| first <= start.date() && start.date() <= last)
                && wish.times.is_none_or(|(from, to)| {
                    from <= start.time() && (start.time() < to || from == to && start.time() == from)
                })
        })
    };
    let mut fitting = exchange.state.offered.iter().filter(fits);
    match (fitting.next(), fitting.next()) {
        (Some(only), None) => Some(only.clone()),
        _ => None,
    }
}

/// "Oui" when only one slot was offered; the first when any will do.
fn chosen(exchange: &Exchange<'_>, heard: &Heard) -> Option<Offer> {
    let offered = &exchange.state.offered;
    let intents = exchange.script.intents.read(&heard.words);
    let agrees = exchange
        .script
        .yes_no
        .read(&heard.words)
        .is_some_and(|reading| reading.what == Answer::Yes && reading.how != How::Unsure);
    match offered.as_slice() {
        [only] if agrees => Some(only.clone()),
        [first, ..] if intents.contains(&Intent::Anything) => Some(first.clone()),
        _ => None,
    }
}

/// The host could not book: offer what is nearest.
pub(crate) fn taken(exchange: &mut Exchange<'_>, taken: &SlotTaken) {
    exchange.state.stage = Stage::Booking;
    let most = exchange.script.config.booking.offers;
    let near: Vec<Free> = taken.nearest.iter().take(most).cloned().filter_map(Free::read).collect();
    offer_slots(exchange, &exchange.script.config.booking.taken, near);
    if exchange.meeting.is_none() && !exchange.state.with_human {
        exchange.wait();
    }
}

/// The company cancelled the meeting, or the person did not come to it: propose other days.
pub(crate) fn withdrawn(exchange: &mut Exchange<'_>) {
    exchange.state.stage = Stage::Booking;
    forget(&mut exchange.state);
    let booking = &exchange.script.config.booking;
    let no_show = exchange.noted("no_show") == Some(&serde_json::Value::Bool(true));
    let (text, template, reason) = if no_show {
        (&booking.missed, &booking.missed_template, "NO_SHOW")
    } else {
        (&booking.withdrawn, &booking.withdrawn_template, "WITHDRAWN")
    };
    let Some(text) = text else { return exchange.conclude(Outcome::NoOutcome, Some(reason)) };
    let days = calendar::free_days(exchange, days_after(exchange.now.date(), 1), &[], 2);
    if days.is_empty() {
        return none_free(exchange);
    }
    describe_days(exchange, &days);
    exchange.say(text);
    exchange.fall_back_on(template.as_deref());
    exchange.state.offered_days = days;
    exchange.state.withdrawn = true;
    exchange.wait();
}

fn read(exchange: &Exchange<'_>, heard: &Heard) -> Wishes {
    let mut languages = vec![exchange.language.as_str()];
    languages
        .extend(exchange.script.config.languages.iter().map(String::as_str).filter(|tag| *tag != exchange.language));
    when::read(&heard.text, exchange.now.civil, &languages)
}

/// The days that a message rules out ("pas lundi").
fn ruled_out(exchange: &Exchange<'_>, wishes: &Wishes) -> Vec<Date> {
    wishes.excluded.iter().flat_map(|wish| calendar::days_of(exchange, wish, &[])).collect()
}
