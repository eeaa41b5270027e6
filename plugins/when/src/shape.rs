//! What is being parsed: days and times of day, before and after they are settled.

use jiff::civil::{Date, DateTime};

use crate::Grain;
use crate::calendar;
use crate::calendar::{
    add_days, add_months, day_of_month_ahead, month_ahead, month_day_ahead, month_start, on_or_after, weekday,
};

/// Days from `from` to before `to`; `None` is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Days {
    pub(crate) from: Option<Date>,
    pub(crate) to: Option<Date>,
    pub(crate) grain: Grain,
    /// A weekend: without a time of day it begins on Friday evening.
    pub(crate) weekend: bool,
}

impl Days {
    pub(crate) fn one(date: Date) -> Self {
        Self::span(date, add_days(date, 1), Grain::Day)
    }

    pub(crate) fn span(from: Date, to: Date, grain: Grain) -> Self {
        Self { from: Some(from), to: Some(to), grain, weekend: false }
    }

    pub(crate) fn week(monday: Date) -> Self {
        Self::span(monday, add_days(monday, 7), Grain::Week)
    }

    pub(crate) fn month(first: Date) -> Self {
        let first = month_start(first);
        Self::span(first, add_months(first, 1), Grain::Month)
    }

    pub(crate) fn weekend(saturday: Date) -> Self {
        Self { weekend: true, ..Self::span(saturday, add_days(saturday, 2), Grain::Day) }
    }

    pub(crate) fn year(year: i32) -> Option<Self> {
        Some(Self::span(calendar::date(year, 1, 1)?, calendar::date(year + 1, 1, 1)?, Grain::Month))
    }

    /// Several days, of which a weekday or a day of the month can pick one.
    pub(crate) fn holds_several(&self) -> bool {
        matches!((self.from, self.to), (Some(from), Some(to)) if add_days(from, 1) < to)
    }

    /// The first of its days that is this weekday.
    pub(crate) fn pick_weekday(&self, wanted: u8) -> Option<Date> {
        let found = on_or_after(self.from?, wanted);
        self.to.is_none_or(|to| found < to).then_some(found)
    }

    /// The first of its days that is this day of the month.
    pub(crate) fn pick_day(&self, day: u32) -> Option<Date> {
        let found = day_of_month_ahead(self.from?, day, None)?;
        self.to.is_none_or(|to| found < to).then_some(found)
    }
}

/// Days as they were said, some of which depend on what else was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DaySpec {
    Fixed(Days),
    /// A weekday: the next one.
    Weekday(u8),
    /// A weekday of a week (or month) that was named with it.
    WeekdayIn(u8, Days),
    /// A day of the month, perhaps with its weekday.
    DayOfMonth(u32, Option<u8>),
    /// A month and day of the year.
    MonthDay(u32, u32, Option<u8>),
    Month(u32),
}

impl DaySpec {
    pub(crate) fn day(date: Date) -> Self {
        Self::Fixed(Days::one(date))
    }

    /// The same date, said with its weekday.
    pub(crate) fn on(self, wanted: u8) -> Self {
        match self {
            Self::MonthDay(month, day, _) => Self::MonthDay(month, day, Some(wanted)),
            spec => spec,
        }
    }

    /// Settles it: the first such days on or after `today`, a bare weekday strictly after.
    pub(crate) fn settle(self, today: Date) -> Option<Days> {
        self.settle_from(today, add_days(today, 1))
    }

    /// Settles it in a range that begins on `start`: a weekday may be that very day.
    pub(crate) fn settle_within(self, start: Date) -> Option<Days> {
        self.settle_from(start, start)
    }

    fn settle_from(self, today: Date, weekday_from: Date) -> Option<Days> {
        match self {
            Self::Fixed(days) => Some(days),
            Self::Weekday(wanted) => Some(Days::one(on_or_after(weekday_from, wanted))),
            Self::WeekdayIn(wanted, days) => days.pick_weekday(wanted).map(Days::one),
            Self::DayOfMonth(day, wanted) => day_of_month_ahead(today, day, wanted).map(Days::one),
            Self::MonthDay(month, day, wanted) => {
                let first = month_day_ahead(today, month, day)?;
                // "Fri, Jul 18": the next year's, when only that one is a Friday.
                let fits = |d: &Date| wanted.is_none_or(|w| weekday(*d) == w);
                let found = Some(first)
                    .filter(fits)
                    .or_else(|| month_day_ahead(add_days(first, 1), month, day).filter(fits))
                    .unwrap_or(first);
                Some(Days::one(found))
            }
            Self::Month(month) => Some(Days::month(month_ahead(today, month))),
        }
    }

    /// A bare day of the month or a date without its year that falls on the weekday said with it.
    pub(crate) fn agrees(self, today: Date) -> bool {
        match self {
            Self::DayOfMonth(_, Some(wanted)) => self
                .settle(today)
                .and_then(|days| days.from)
                .is_some_and(|d| weekday(d) == wanted && d < add_days(today, 70)),
            _ => true,
        }
    }
}

/// What kind of time of day was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeKind {
    /// "14h30"
    Point,
    /// "matin"
    Part,
    /// "entre 10 et 12h"
    Range,
    /// "après 18h"
    Bound,
}

/// A time of day in minutes since midnight, from `from` to before `to`; `None` is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Clock {
    pub(crate) from: Option<u16>,
    pub(crate) to: Option<u16>,
    pub(crate) grain: Grain,
    pub(crate) kind: TimeKind,
    /// Said on a twelve-hour dial, without saying which half of the day.
    pub(crate) ambiguous: bool,
}

pub(crate) const DAY_MINUTES: u16 = 1440;

impl Clock {
    pub(crate) fn point(minute: u16, grain: Grain, ambiguous: bool) -> Self {
        let length = if grain == Grain::Hour { 60 } else { 1 };
        Self { from: Some(minute), to: Some(minute + length), grain, kind: TimeKind::Point, ambiguous }
    }

    pub(crate) fn part(from: u16, to: u16) -> Self {
        Self { from: Some(from), to: Some(to), grain: Grain::Hour, kind: TimeKind::Part, ambiguous: false }
    }

    pub(crate) fn minute(&self) -> u16 {
        self.from.or(self.to).unwrap_or(0)
    }

    fn shift(self, minutes: u16) -> Self {
        Self { from: self.from.map(|m| m + minutes), to: self.to.map(|m| m + minutes), ambiguous: false, ..self }
    }

    /// Chooses the half of the day: the one that lies in `part`, else the working day's
    /// (1 to 7 o'clock are in the afternoon).
    pub(crate) fn settle(self, part: Option<Clock>) -> Self {
        let at = self.minute();
        if !self.ambiguous || at >= 720 {
            return Self { ambiguous: false, ..self };
        }
        if let Some(Clock { from: Some(from), to: Some(to), .. }) = part {
            let inside = |m: u16| from <= m && m < to;
            if inside(at) || to <= 720 {
                return Self { ambiguous: false, ..self };
            }
            if inside(at + 720) || from >= 960 && at >= 240 {
                return self.shift(720);
            }
        }
        if (60..480).contains(&at) { self.shift(720) } else { Self { ambiguous: false, ..self } }
    }
}

/// One thing that was said: a day, a time, both, or a moment counted from now.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Piece {
    pub(crate) day: Option<DaySpec>,
    pub(crate) time: Option<Clock>,
    /// A moment or an open stretch that no pair of day and time describes.
    pub(crate) moment: Option<Moment>,
}

/// From and to, with the grain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) from: Option<DateTime>,
    pub(crate) to: Option<DateTime>,
    pub(crate) grain: Grain,
}

impl Piece {
    pub(crate) fn day(day: DaySpec) -> Self {
        Self { day: Some(day), ..Self::default() }
    }

    pub(crate) fn time(time: Clock) -> Self {
        Self { time: Some(time), ..Self::default() }
    }

    pub(crate) fn moment(from: Option<DateTime>, to: Option<DateTime>, grain: Grain) -> Self {
        Self { moment: Some(Moment { from, to, grain }), ..Self::default() }
    }
}
