//! Arithmetic on civil dates that never fails: what leaves the calendar stays where it was.

use jiff::Span;
use jiff::civil::{Date, DateTime, Time};

/// `date` moved by `days`.
pub(crate) fn add_days(date: Date, days: i32) -> Date {
    Span::new().try_days(days).and_then(|span| date.checked_add(span)).unwrap_or(date)
}

/// `date` moved by `months`, on the same day of the month or its last one.
pub(crate) fn add_months(date: Date, months: i32) -> Date {
    Span::new().try_months(months).and_then(|span| date.checked_add(span)).unwrap_or(date)
}

/// `at` moved by `minutes`.
pub(crate) fn add_minutes(at: DateTime, minutes: i64) -> DateTime {
    Span::new().try_minutes(minutes).and_then(|span| at.checked_add(span)).unwrap_or(at)
}

/// A date that exists, or nothing.
pub(crate) fn date(year: i32, month: u32, day: u32) -> Option<Date> {
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// Midnight at the start of `date`, moved by `minute` minutes (which may pass the day's end).
pub(crate) fn at_minute(date: Date, minute: u16) -> DateTime {
    add_minutes(date.to_datetime(Time::midnight()), i64::from(minute))
}

/// 1 (Monday) to 7 (Sunday).
pub(crate) fn weekday(date: Date) -> u8 {
    u8::try_from(date.weekday().to_monday_one_offset()).unwrap_or(1)
}

/// The first date on or after `date` that falls on `weekday` (1 = Monday).
pub(crate) fn on_or_after(date: Date, wanted: u8) -> Date {
    let ahead = (i32::from(wanted) - i32::from(weekday(date))).rem_euclid(7);
    add_days(date, ahead)
}

/// The Monday of the week that holds `date`.
pub(crate) fn monday(date: Date) -> Date {
    add_days(date, 1 - i32::from(weekday(date)))
}

/// The first day of the month that holds `date`.
pub(crate) fn month_start(date: Date) -> Date {
    date.first_of_month()
}

/// The first day of a month, of the year in which that month is next to come (this month counts).
pub(crate) fn month_ahead(today: Date, month: u32) -> Date {
    let year = i32::from(today.year());
    let this = u32::try_from(today.month()).unwrap_or(1);
    let year = if month < this { year + 1 } else { year };
    date(year, month, 1).unwrap_or(today)
}

/// The first `day`/`month` on or after `today`; 29 February waits for a leap year.
pub(crate) fn month_day_ahead(today: Date, month: u32, day: u32) -> Option<Date> {
    let year = i32::from(today.year());
    (year..=year + 8).filter_map(|y| date(y, month, day)).find(|d| *d >= today)
}

/// The first date on or after `today` whose day of the month is `day` and, when given, whose
/// weekday is `wanted`. A weekday that does not fit within about half a year is taken for a slip.
pub(crate) fn day_of_month_ahead(today: Date, day: u32, wanted: Option<u8>) -> Option<Date> {
    let first = month_start(today);
    let candidates = |months: i32| {
        (0..months).filter_map(move |n| {
            let month = add_months(first, n);
            date(i32::from(month.year()), u32::try_from(month.month()).ok()?, day).filter(|d| *d >= today)
        })
    };
    wanted.and_then(|w| candidates(7).find(|d| weekday(*d) == w)).or_else(|| candidates(13).next())
}

/// The `n`th `wanted` weekday of a month (5 may not exist); 0 is the last one.
pub(crate) fn nth_weekday(month: Date, n: u8, wanted: u8) -> Option<Date> {
    let first = month_start(month);
    let next = add_months(first, 1);
    if n == 0 {
        return Some(add_days(on_or_after(next, wanted), -7));
    }
    let found = add_days(on_or_after(first, wanted), 7 * (i32::from(n) - 1));
    (found < next).then_some(found)
}

/// A year as it is written: two digits are of 1970 to 2069.
pub(crate) fn full_year(value: u32, digits: u8) -> Option<i32> {
    let value = i32::try_from(value).ok()?;
    match digits {
        2 => Some(if value < 70 { 2000 + value } else { 1900 + value }),
        4 if (1900..=2200).contains(&value) => Some(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date as civil;

    #[test]
    fn days_ahead() {
        let wed = civil(2025, 10, 8);
        assert_eq!(on_or_after(wed, 3), wed);
        assert_eq!(on_or_after(wed, 2), civil(2025, 10, 14));
        assert_eq!(monday(wed), civil(2025, 10, 6));
        assert_eq!(day_of_month_ahead(wed, 13, Some(1)), Some(civil(2025, 10, 13)));
        assert_eq!(day_of_month_ahead(wed, 7, None), Some(civil(2025, 11, 7)));
        assert_eq!(month_day_ahead(wed, 2, 29), Some(civil(2028, 2, 29)));
        assert_eq!(nth_weekday(civil(2026, 3, 5), 3, 1), Some(civil(2026, 3, 16)));
        assert_eq!(nth_weekday(civil(2026, 3, 5), 0, 1), Some(civil(2026, 3, 30)));
        assert_eq!(nth_weekday(civil(2026, 2, 5), 5, 1), None);
    }
}
