//! Holidays people name instead of a date: fixed ones, Easter and what hangs on it, nth weekdays.

use jiff::civil::Date;

use crate::calendar::{add_days, date, nth_weekday, on_or_after};

/// A holiday's rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holiday {
    /// Always on this month and day.
    Fixed(u8, u8),
    /// So many days after (Western) Easter Sunday.
    Easter(i16),
    /// The nth weekday of a month (month, n, weekday; n = 0 is the last), moved by so many days.
    Nth(u8, u8, u8, i8),
    /// French mothers' day: the last Sunday of May, a week later when that is Pentecost.
    MothersDayFr,
}

/// Easter Sunday by the anonymous Gregorian algorithm (Meeus, Jones and Butcher).
pub(crate) fn easter(year: i32) -> Option<Date> {
    let a = year % 19;
    let (b, c) = (year / 100, year % 100);
    let (d, e) = (b / 4, b % 4);
    let g = (8 * b + 13) / 25;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 19 * l) / 433;
    let month = (h + l - 7 * m + 90) / 25;
    let day = (h + l - 7 * m + 33 * month + 19) % 32;
    date(year, u32::try_from(month).ok()?, u32::try_from(day).ok()?)
}

impl Holiday {
    /// The holiday in one year.
    pub(crate) fn in_year(self, year: i32) -> Option<Date> {
        match self {
            Self::Fixed(month, day) => date(year, u32::from(month), u32::from(day)),
            Self::Easter(days) => Some(add_days(easter(year)?, i32::from(days))),
            Self::Nth(month, n, weekday, shift) => {
                let first = date(year, u32::from(month), 1)?;
                Some(add_days(nth_weekday(first, n, weekday)?, i32::from(shift)))
            }
            Self::MothersDayFr => {
                let last = add_days(on_or_after(date(year, 6, 1)?, 7), -7);
                let pentecost = add_days(easter(year)?, 49);
                Some(if last == pentecost { add_days(last, 7) } else { last })
            }
        }
    }

    /// The next one, today's included.
    pub(crate) fn ahead(self, today: Date) -> Option<Date> {
        let year = i32::from(today.year());
        (year..=year + 2).filter_map(|y| self.in_year(y)).find(|d| *d >= today)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date as civil;

    #[test]
    fn known_dates() {
        assert_eq!(easter(2025), Some(civil(2025, 4, 20)));
        assert_eq!(easter(2026), Some(civil(2026, 4, 5)));
        assert_eq!(easter(2024), Some(civil(2024, 3, 31)));
        assert_eq!(Holiday::Nth(11, 4, 4, 0).in_year(2025), Some(civil(2025, 11, 27)));
        assert_eq!(Holiday::Nth(11, 4, 4, 1).in_year(2025), Some(civil(2025, 11, 28)));
        assert_eq!(Holiday::MothersDayFr.in_year(2026), Some(civil(2026, 5, 31)));
        assert_eq!(Holiday::MothersDayFr.in_year(2023), Some(civil(2023, 6, 4)));
        assert_eq!(Holiday::Easter(39).ahead(civil(2026, 5, 15)), Some(civil(2027, 5, 6)));
    }
}
