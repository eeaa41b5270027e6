//! What a message says about a day and a time. The only file that knows `relais-when`.

use jiff::civil::{Date, DateTime, Time};
use relais_when::{DayRange, Interval, Lang, TimeKind, TimeRange, understand};

use crate::clock::days_after;

/// How far an open stretch of days ("à partir du 8") reaches.
const OPEN_DAYS: i64 = 30;

/// A day or days, a time or times; what was not said is none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Wish {
    /// First and last day.
    pub(crate) days: Option<(Date, Date)>,
    /// First start, and the start before which it must be; equal when one time was named.
    pub(crate) times: Option<(Time, Time)>,
}

/// What a message asks for, best first, and what it rules out.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Wishes {
    pub(crate) wanted: Vec<Wish>,
    pub(crate) excluded: Vec<Wish>,
}

/// Reads a message: in the languages given, best first, and then in the others that are known, since people answer a
/// French script in English too.
pub(crate) fn read(text: &str, now: DateTime, languages: &[&str]) -> Wishes {
    let mut known: Vec<Lang> = Vec::new();
    for language in languages.iter().filter_map(|tag| tag.parse().ok()).chain([Lang::Fr, Lang::En]) {
        if !known.contains(&language) {
            known.push(language);
        }
    }
    let understood = understand(text, now, &known);
    let wishes = |intervals: &[Interval]| {
        let today = now.date();
        let ahead = |wish: &Wish| wish.days.is_none_or(|(_, last)| last >= today);
        // "Dès que possible" asks for no time in particular.
        let asap = |interval: &&Interval| interval.to.is_none() && interval.from.is_some_and(|from| from <= now);
        intervals.iter().filter(|it| !asap(it)).map(|interval| wish(interval, today)).filter(ahead).collect()
    };
    let (mut wanted, excluded): (Vec<Wish>, Vec<Wish>) =
        (wishes(&understood.alternatives), wishes(&understood.excluded));
    // "Pas le matin" says when, too: in the rest of the day.
    if wanted.is_empty()
        && let [Wish { days: None, times: Some(times) }] = excluded.as_slice()
    {
        wanted.push(Wish { days: None, times: Some(rest_of_day(*times)) });
    }
    Wishes { wanted, excluded }
}

/// The longer rest of a day without these times.
fn rest_of_day((from, to): (Time, Time)) -> (Time, Time) {
    let noon = Time::constant(12, 0, 0, 0);
    if from < noon { (to, Time::MAX) } else { (Time::midnight(), from) }
}

fn wish(interval: &Interval, today: Date) -> Wish {
    Wish { days: interval.day.map(|range| days(range, today)), times: interval.time.map(times) }
}

fn days(range: DayRange, today: Date) -> (Date, Date) {
    let first = range.from.unwrap_or(today);
    let last = range.to.map_or_else(|| days_after(first, OPEN_DAYS), |end| days_after(end, -1));
    (first, last.max(first))
}

fn times(range: TimeRange) -> (Time, Time) {
    let from = range.from_minute.map_or_else(Time::midnight, at_minute);
    let to = range.to_minute.map_or_else(|| at_minute(u16::MAX), at_minute);
    if range.kind == TimeKind::Point { (from, from) } else { (from, to) }
}

/// A minute of the day; what reaches into the next day ends with this one.
fn at_minute(minute: u16) -> Time {
    let minute = minute.min(24 * 60 - 1);
    let part = |value: u16| i8::try_from(value).unwrap_or(0);
    Time::new(part(minute / 60), part(minute % 60), 0, 0).unwrap_or_else(|_| Time::midnight())
}

#[cfg(test)]
mod tests {
    use jiff::civil::{date, time};

    use super::*;

    #[test]
    fn what_the_booking_needs_of_a_phrase() {
        let now = date(2025, 10, 8).at(9, 41, 0, 0);
        let day = |day: i8| Some((date(2025, 10, day), date(2025, 10, day)));
        let point = |hour: i8, minute: i8| Some((time(hour, minute, 0, 0), time(hour, minute, 0, 0)));
        for (text, wanted) in [
            ("Début après-midi vers 14h30", vec![Wish { days: None, times: point(14, 30) }]),
            ("Demain", vec![Wish { days: day(9), times: None }]),
            ("Lundi 13", vec![Wish { days: day(13), times: None }]),
            ("14h", vec![Wish { days: None, times: point(14, 0) }]),
            ("mardi ou mercredi", vec![Wish { days: day(14), times: None }, Wish { days: day(15), times: None }]),
            ("hier", vec![]),
            ("Entre 6,5 et 7", vec![]),
            ("Non", vec![]),
        ] {
            assert_eq!(read(text, now, &["fr"]).wanted, wanted, "{text}");
        }
        let ruled_out = read("pas lundi", now, &["fr"]);
        assert_eq!((ruled_out.wanted.len(), ruled_out.excluded.first().and_then(|wish| wish.days)), (0, day(13)));
    }
}
