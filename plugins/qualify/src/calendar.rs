//! Which slots are free, seen from what a person asks for.

use jiff::civil::{Date, DateTime, Time};
use relais_sdk::{Slot, host};

use crate::clock::{Instant, days_after, minutes};
use crate::exchange::Exchange;
use crate::names::Tongue;
use crate::state::Offer;
use crate::when::Wish;

/// A free slot with its wall times read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Free {
    pub(crate) start: DateTime,
    end: Time,
    pub(crate) offer: Offer,
}

impl Free {
    /// Reads a slot of the host; none when its times are unreadable.
    pub(crate) fn read(slot: Slot) -> Option<Self> {
        let start = Instant::read(&slot.start)?.civil;
        let end = Instant::read(&slot.end)?.time();
        Some(Self { start, end, offer: Offer { start: slot.start, with: slot.with } })
    }

    /// A slot that was offered before; its end is not known any more.
    pub(crate) fn of_offer(offer: Offer) -> Option<Self> {
        let start = Instant::read(&offer.start)?.civil;
        Some(Self { start, end: start.time(), offer })
    }

    /// "8h30-9h".
    pub(crate) fn span(&self, tongue: Tongue) -> String {
        tongue.span(self.start.time(), self.end)
    }

    /// "jeudi à 9h".
    pub(crate) fn day_and_time(&self, tongue: Tongue, today: Date) -> String {
        tongue.day_and_time(self.start.date(), self.start.time(), today)
    }

    /// "jeu. 9h", from a week on "jeu. 16/10 9h": what fits on a button.
    pub(crate) fn title(&self, tongue: Tongue, today: Date) -> String {
        let date = self.start.date();
        let weekday: String = tongue.weekday(date).chars().take(3).collect();
        let time = tongue.time(self.start.time());
        if date < days_after(today, 7) {
            format!("{weekday}{} {time}", tongue.either(".", ""))
        } else {
            format!("{weekday}{} {} {time}", tongue.either(".", ""), tongue.date(date))
        }
    }
}

/// The free slots of some days, one salesperson's or another's, each start once.
pub(crate) fn on_days(first: Date, last: Date) -> Vec<Free> {
    let midnight = |date: Date| date.to_datetime(Time::midnight()).to_string();
    let slots = host::free_slots(&midnight(first), &midnight(days_after(last, 1)), 100);
    let mut free: Vec<Free> = slots.into_iter().filter_map(Free::read).collect();
    free.dedup_by(|later, earlier| later.start == earlier.start);
    free
}

/// The days of the horizon that have a free slot, from `first` on; at most `most`.
pub(crate) fn free_days(exchange: &Exchange<'_>, first: Date, excluded: &[Date], most: usize) -> Vec<Date> {
    free_between(first, last_day(exchange), excluded, most)
}

fn free_between(first: Date, last: Date, excluded: &[Date], most: usize) -> Vec<Date> {
    let mut days = Vec::new();
    let mut from = first;
    // 100 slots are a few days: ask again from where the answer ended.
    while from <= last && days.len() < most {
        let free = on_days(from, last);
        let Some(end) = free.last().map(|slot| slot.start.date()) else { break };
        for day in free.iter().map(|slot| slot.start.date()) {
            if !days.contains(&day) && !excluded.contains(&day) && days.len() < most {
                days.push(day);
            }
        }
        from = days_after(end, 1);
    }
    days
}

/// The days with a free slot next to a day that has none: the one before it and the one after it, or two after it.
pub(crate) fn days_around(exchange: &Exchange<'_>, day: Date) -> Vec<Date> {
    let today = exchange.now.date();
    let mut days: Vec<Date> = free_between(days_after(day, -4).max(today), days_after(day, -1), &[], 4);
    days = days.pop().into_iter().collect();
    // Who asks for a day beyond the horizon is offered its neighbours all the same, if the host has them.
    let last = last_day(exchange).max(days_after(day, 7));
    days.extend(free_between(days_after(day, 1), last, &[], 2));
    days.dedup();
    days.truncate(2);
    days
}

/// The last day on which slots are offered.
pub(crate) fn last_day(exchange: &Exchange<'_>) -> Date {
    let days = exchange.script.config.booking.horizon.0.div_ceil(86_400);
    days_after(exchange.now.date(), i64::try_from(days).unwrap_or(14))
}

/// Whether a slot starts within the times asked for.
pub(crate) fn is_within(slot: &Free, times: Option<(Time, Time)>) -> bool {
    times.is_none_or(|(from, to)| {
        let start = slot.start.time();
        start >= from && (start < to || from == to && start == from)
    })
}

/// So many slots, spread over what is free: of two, the first of the morning and the first of the afternoon, else the
/// first and one two hours later; of more, evenly.
pub(crate) fn spread(free: &[Free], most: usize) -> Vec<Free> {
    if free.len() <= most {
        return free.to_vec();
    }
    match most {
        0 | 1 => free.iter().take(1).cloned().collect(),
        2 => two_of(free),
        _ => (0..most).filter_map(|at| free.get(at * (free.len() - 1) / (most - 1))).cloned().collect(),
    }
}

fn two_of(free: &[Free]) -> Vec<Free> {
    let Some(first) = free.first() else { return Vec::new() };
    let is_afternoon = |slot: &&Free| slot.start.hour() >= 12;
    let second = if first.start.hour() < 12 { free.iter().find(is_afternoon) } else { None };
    let second = second
        .or_else(|| {
            free.iter().find(|slot| {
                slot.start.date() == first.start.date()
                    && minutes(slot.start.time()) >= minutes(first.start.time()) + 120
            })
        })
        .or_else(|| free.get(1));
    std::iter::once(first).chain(second).cloned().collect()
}

/// Fitting slots of several days, as many as the script offers at once: the first of each of two or three days, more of
/// each where it offers more.
pub(crate) fn over_days(exchange: &Exchange<'_>, days: &[Date], times: Option<(Time, Time)>) -> Vec<Free> {
    let most = exchange.script.config.booking.offers;
    let fitting_on = |day: &Date| {
        let mut fitting = on_days(*day, *day);
        fitting.retain(|slot| is_within(slot, times));
        fitting
    };
    let open: Vec<Vec<Free>> = days.iter().map(fitting_on).filter(|fitting| !fitting.is_empty()).take(most).collect();
    let each = most.div_ceil(open.len().max(1));
    let mut slots: Vec<Free> = Vec::new();
    for fitting in &open {
        slots.extend(spread(fitting, each.min(most - slots.len())));
    }
    slots.sort_by_key(|slot| slot.start);
    slots
}

/// How many minutes a slot is from a wanted time.
pub(crate) fn apart(slot: &Free, wanted: DateTime) -> i32 {
    let days = (slot.start.date() - wanted.date()).get_days().abs();
    days * 1440 + (minutes(slot.start.time()) - minutes(wanted.time())).abs()
}

/// The slots nearest to a wanted time, so many, in order of time.
pub(crate) fn nearest(free: &[Free], wanted: DateTime, most: usize) -> Vec<Free> {
    let mut sorted: Vec<Free> = free.to_vec();
    sorted.sort_by_key(|slot| apart(slot, wanted));
    sorted.truncate(most);
    sorted.sort_by_key(|slot| slot.start);
    sorted
}

/// The days of a wish that lie ahead and in the horizon; at most thirty.
pub(crate) fn days_of(exchange: &Exchange<'_>, wish: &Wish, excluded: &[Wish]) -> Vec<Date> {
    let Some((first, last)) = wish.days else { return Vec::new() };
    let today = exchange.now.date();
    let ruled_out = |day: &Date| {
        excluded
            .iter()
            .any(|wish| wish.times.is_none() && wish.days.is_some_and(|(first, last)| first <= *day && *day <= last))
    };
    let mut day = first.max(today);
    let mut days = Vec::new();
    while day <= last && days.len() < 30 {
        if !ruled_out(&day) {
            days.push(day);
        }
        day = days_after(day, 1);
    }
    days
}
