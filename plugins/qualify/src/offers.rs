//! What is offered: times of a day, slots of several days, other days.

use jiff::ToSpan as _;
use jiff::civil::{Date, DateTime, Time};
use relais_sdk::Choice;

use crate::booking::forget;
use crate::calendar::{self, Free};
use crate::clock::{Instant, days_after};
use crate::exchange::Exchange;
use crate::state::State;
use crate::text::Text;

/// A time is known: asks for the day.
pub(crate) fn ask_day(exchange: &mut Exchange<'_>, times: (Time, Time)) {
    exchange.state.times = Some(times);
    if times.0 == times.1 {
        exchange.set("time", exchange.tongue.time(times.0));
    }
    exchange.say(&exchange.script.config.booking.ask_day);
}

/// Offers two slots of a day.
pub(crate) fn offer_times(exchange: &mut Exchange<'_>, day: Date, times: Option<(Time, Time)>) {
    let booking = &exchange.script.config.booking;
    let all = calendar::on_days(day, day);
    let fitting: Vec<Free> = all.iter().filter(|slot| calendar::is_within(slot, times)).cloned().collect();
    match times {
        // The very time asked for is not free.
        Some((from, to)) if fitting.is_empty() => {
            let wanted = day.to_datetime(if from == to { from } else { Time::midnight().max(from) });
            let near = near(exchange, &all, wanted, times);
            offer_slots(exchange, &booking.taken, near);
        }
        _ if all.is_empty() => {
            let first = |day: Date| calendar::on_days(day, day).into_iter().next();
            let mut slots: Vec<Free> = calendar::days_around(exchange, day).into_iter().filter_map(first).collect();
            if slots.is_empty() {
                // Too far ahead: what there is before.
                let days = calendar::free_days(exchange, exchange.now.date(), &[], booking.offers);
                slots = calendar::over_days(exchange, &days, None);
            }
            offer_slots(exchange, &booking.taken, slots);
        }
        _ => {
            let two = calendar::spread(&fitting, booking.offers);
            let (today, tongue) = (exchange.now.date(), exchange.tongue);
            exchange.set("day", tongue.day(day, today));
            exchange.set("weekday", tongue.weekday_or_date(day, today));
            exchange.set("date", tongue.date(day));
            let spans: Vec<String> = two.iter().map(|slot| slot.span(tongue)).collect();
            exchange.set("slots", tongue.either_of(&spans));
            exchange.say(&booking.offer_times);
            exchange.state.day = Some(day);
            remember(exchange, two);
        }
    }
}

/// What is nearest to a time that is not free. Who wants 18h is not served by 11h45 of that day alone: the next days with the
/// time asked for are offered beside it.
fn near(exchange: &Exchange<'_>, that_day: &[Free], wanted: DateTime, times: Option<(Time, Time)>) -> Vec<Free> {
    const FAR: i32 = 180;
    let most = exchange.script.config.booking.offers;
    let mut near = calendar::nearest(that_day, wanted, most);
    let is_far = near.iter().all(|slot| calendar::apart(slot, wanted) > FAR);
    if is_far {
        let day = wanted.date();
        let later = calendar::on_days(days_after(day, 1), calendar::last_day(exchange));
        let mut same: Vec<Free> = later.iter().filter(|slot| calendar::is_within(slot, times)).cloned().collect();
        same.dedup_by_key(|slot| slot.start.date());
        if same.is_empty() && near.is_empty() {
            return calendar::nearest(&later, wanted, most);
        }
        if !same.is_empty() {
            near = calendar::nearest(that_day, wanted, 1);
            near.extend(same);
            near.truncate(most);
        }
    }
    near
}

/// How much earlier or later a time is that someone would notice, in minutes.
const NOTICEABLY: i64 = 90;

/// "Trop tôt", "trop tard": later or earlier times of the days whose slots were offered; without any, other days.
pub(crate) fn offer_other_times(exchange: &mut Exchange<'_>, later: bool) {
    let starts = exchange.state.offered.iter().filter_map(|offer| Instant::read(&offer.start));
    let offered: Vec<Time> = starts.map(|start| start.time()).collect();
    let times = |apart: i64| match later {
        true => offered.iter().max().map(|last| (last.saturating_add(apart.minutes()), Time::MAX)),
        false => offered.iter().min().map(|first| (Time::midnight(), first.saturating_sub(apart.minutes()))),
    };
    let days = offered_days(&exchange.state);
    // 9h is no answer to someone for whom 8h30 is too early, unless there is nothing else.
    let there_are = |times: &Option<(Time, Time)>| !calendar::over_days(exchange, &days, *times).is_empty();
    let fitting = [NOTICEABLY, 1].map(times).into_iter().find(there_are);
    match (days.as_slice(), fitting) {
        (_, None) => offer_days(exchange, &days),
        ([day], Some(times)) => offer_times(exchange, *day, times),
        (several, Some(times)) => offer_over(exchange, several, times),
    }
}

/// The days of the slots offered last, each once.
pub(crate) fn offered_days(state: &State) -> Vec<Date> {
    let mut days: Vec<Date> =
        state.offered.iter().filter_map(|offer| Some(Instant::read(&offer.start)?.date())).collect();
    days.dedup();
    days
}

/// Offers the first fitting slot of each of two days.
pub(crate) fn offer_over(exchange: &mut Exchange<'_>, days: &[Date], times: Option<(Time, Time)>) {
    let booking = &exchange.script.config.booking;
    let slots = calendar::over_days(exchange, days, times);
    if slots.is_empty() {
        let from = days.first().copied().unwrap_or_else(|| exchange.now.date());
        let wanted = from.to_datetime(times.map_or(Time::midnight(), |(from, _)| from));
        let mut near =
            calendar::nearest(&calendar::on_days(from, calendar::last_day(exchange)), wanted, booking.offers);
        if near.is_empty() {
            let days = calendar::free_days(exchange, exchange.now.date(), &[], booking.offers);
            near = calendar::over_days(exchange, &days, None);
        }
        return offer_slots(exchange, &booking.taken, near);
    }
    offer_slots(exchange, &booking.offer_slots, slots);
}

/// Offers slots of any days in a text of the script; without any, a human takes over.
pub(crate) fn offer_slots(exchange: &mut Exchange<'_>, text: &Text, slots: Vec<Free>) {
    if slots.is_empty() {
        return none_free(exchange);
    }
    let (today, tongue) = (exchange.now.date(), exchange.tongue);
    let named: Vec<String> = slots.iter().map(|slot| slot.day_and_time(tongue, today)).collect();
    exchange.set("slots", tongue.either_of(&named));
    exchange.say(text);
    exchange.state.day = None;
    exchange.state.times = None;
    remember(exchange, slots);
}

fn remember(exchange: &mut Exchange<'_>, slots: Vec<Free>) {
    let (today, tongue) = (exchange.now.date(), exchange.tongue);
    let title = |slot: &Free| Choice { id: format!("slot:{}", slot.offer.start), title: slot.title(tongue, today) };
    show(exchange, slots.iter().map(title).collect());
    exchange.state.offered_days.clear();
    exchange.state.offered = slots.into_iter().map(|slot| slot.offer).collect();
}

/// Puts what is offered on buttons or in a list, as the script wants.
pub(crate) fn show(exchange: &mut Exchange<'_>, choices: Vec<Choice>) {
    let booking = &exchange.script.config.booking;
    if let Some(title) = &booking.list_title {
        let title = exchange.render(title);
        exchange.offer(Some(title), choices);
    } else if booking.buttons {
        exchange.offer(None, choices);
    }
}

/// Offers the next two days that have a free slot, from tomorrow on.
pub(crate) fn offer_days(exchange: &mut Exchange<'_>, excluded: &[Date]) {
    let tomorrow = days_after(exchange.now.date(), 1);
    let most = exchange.script.config.booking.offers;
    let excluded: Vec<Date> = excluded.iter().chain(&exchange.state.declined).copied().collect();
    let days = calendar::free_days(exchange, tomorrow, &excluded, most);
    if days.is_empty() {
        return none_free(exchange);
    }
    propose_days(exchange, days);
}

/// Proposes days.
pub(crate) fn propose_days(exchange: &mut Exchange<'_>, days: Vec<Date>) {
    describe_days(exchange, &days);
    exchange.say(&exchange.script.config.booking.offer_days);
    let (today, tongue) = (exchange.now.date(), exchange.tongue);
    let choice = |day: &Date| Choice { id: format!("day:{day}"), title: tongue.weekday_or_date(*day, today) };
    show(exchange, days.iter().map(choice).collect());
    forget(&mut exchange.state);
    exchange.state.offered_days = days;
}

/// Sets `days`.
pub(crate) fn describe_days(exchange: &mut Exchange<'_>, days: &[Date]) {
    let (today, tongue) = (exchange.now.date(), exchange.tongue);
    let named: Vec<String> = days.iter().map(|day| tongue.weekday_or_date(*day, today)).collect();
    exchange.set("days", tongue.either_of(&named));
}

/// Nothing is free: a human takes over.
pub(crate) fn none_free(exchange: &mut Exchange<'_>) {
    exchange.say(&exchange.script.config.booking.none_free);
    exchange.hand_over("no slot is free");
}
