//! Dates in digits, durations, and what is counted from now or from another day.

use crate::calendar::{add_days, add_minutes, add_months, date, full_year, weekday};
use crate::lexeme::{Lex, Unit};
use crate::parser::Parser;
use crate::shape::{DaySpec, Days, Piece};
use crate::{Grain, Lang};

/// A length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Duration {
    pub(crate) months: i32,
    pub(crate) days: i32,
    pub(crate) workdays: i32,
    pub(crate) minutes: i64,
    /// The longer end of "2 à 3 semaines", in the same unit.
    pub(crate) more: Option<(i32, i32)>,
}

/// The part of a day (month, week) that an amount of a unit makes.
fn amount(unit: Unit, n: i32) -> Option<Duration> {
    let zero = Duration::default();
    Some(match unit {
        Unit::Second => return None,
        Unit::Minute => Duration { minutes: i64::from(n), ..zero },
        Unit::Hour => Duration { minutes: 60 * i64::from(n), ..zero },
        Unit::Day => Duration { days: n, ..zero },
        Unit::Workday => Duration { workdays: n, ..zero },
        Unit::Week => Duration { days: 7 * n, ..zero },
        Unit::Fortnight => Duration { days: 14 * n, ..zero },
        Unit::Month => Duration { months: n, ..zero },
        Unit::Quarter => Duration { months: 3 * n, ..zero },
        Unit::Year => Duration { months: 12 * n, ..zero },
        Unit::Weekend => return None,
    })
}

impl Parser<'_> {
    /// "15/02", "15/2/2026", "2026-02-15", "le 15.02", "15 02 2026".
    pub(crate) fn numeric_date(&self, i: usize) -> Option<(DaySpec, usize)> {
        let Lex::Num(a, da @ 1..) = self.lex(i) else { return None };
        let sep = self.lex(i + 1);
        let (Lex::Punct('/' | '-' | '.'), Lex::Num(b, db @ 1..)) = (sep, self.lex(i + 2)) else {
            return self.spaced_date(i);
        };
        if self.lex(i + 3) == sep
            && let Lex::Num(c, dc @ (1 | 2 | 4)) = self.lex(i + 4)
            && !self.hour_at(i + 5)
        {
            if da == 4 {
                return Some((DaySpec::day(date(full_year(a, da)?, b, c)?), i + 5));
            }
            let year = full_year(c, dc)?;
            let (day, month) = self.day_month(a, b, sep);
            return Some((DaySpec::day(date(year, month, day)?), i + 5));
        }
        if (db, sep) == (4, Lex::Punct('/')) && da <= 2 {
            return Some((DaySpec::Fixed(Days::month(date(full_year(b, 4)?, a, 1)?)), i + 3));
        }
        if da > 2 || db > 2 || self.hour_at(i + 3) {
            return None;
        }
        let announced = matches!(self.before(i), Lex::On | Lex::Wd(..) | Lex::Du | Lex::By)
            || self.before(i) == Lex::Punct('.') && matches!(self.before(i.saturating_sub(1)), Lex::Wd(..))
            || self.hour_comes(i + 3);
        let fraction = sep == Lex::Punct('/') && (da, db) == (1, 1) && a < b && b <= 4;
        if fraction && !announced && self.lex(i + 3) == Lex::Word {
            return None;
        }
        let dated = match sep {
            Lex::Punct('/') => true,
            Lex::Punct('-') if self.is_all(i, 3) && b > 12 && !self.is_fr() => true,
            // "le 13-10" is no range: it would go backwards.
            Lex::Punct('-') => {
                let descends = self.is_fr() && announced && a > b && b <= 12;
                self.glued(i + 1) && self.glued(i + 2) && (self.zero(i + 2) || descends)
            }
            // "weds 10.30" is a time.
            _ => self.glued(i + 1) && announced && (da == 2 || db == 2) && b <= 12,
        };
        let (day, month) = self.day_month(a, b, sep);
        // Any year will do to know whether the date exists.
        date(2024, month, day).filter(|_| dated)?;
        let wanted = match self.before(i) {
            Lex::Wd(w, _) => Some(w),
            _ => None,
        };
        Some((DaySpec::MonthDay(month, day, wanted), i + 3))
    }

    /// The message is `n` tokens from `i` on, perhaps after "le".
    fn is_all(&self, i: usize, n: usize) -> bool {
        self.lex(i + n) == Lex::Edge && (i == 0 || i == 1 && self.before(i) == Lex::On)
    }

    /// Whether what follows says the time, so that what comes before it need not: "14.10 9h15".
    fn hour_comes(&self, i: usize) -> bool {
        let at = self.past(i, &[Lex::A, Lex::Around, Lex::Punct(',')]);
        matches!(self.lex(at), Lex::Num(..)) && self.hour_at(at + 1)
    }

    fn hour_at(&self, i: usize) -> bool {
        matches!(self.lex(i), Lex::Hours | Lex::Am | Lex::Pm | Lex::OClock)
            || self.lex(i) == Lex::Punct(':') && self.glued(i)
    }

    /// Day first; in English the month first, when it can be one, as Americans write it.
    fn day_month(&self, a: u32, b: u32, sep: Lex) -> (u32, u32) {
        let american = self.lang == Lang::En && sep != Lex::Punct('.');
        if american && a <= 12 || b > 12 { (b, a) } else { (a, b) }
    }

    /// "15 02 2026" and, announced, "le 15 02".
    fn spaced_date(&self, i: usize) -> Option<(DaySpec, usize)> {
        let (Lex::Num(a, 1 | 2), Lex::Num(b, 1 | 2)) = (self.lex(i), self.lex(i + 1)) else {
            return None;
        };
        let (day, month) = self.day_month(a, b, Lex::Punct('/'));
        if let Lex::Num(c, 4) = self.lex(i + 2)
            && let Some(year) = full_year(c, 4)
        {
            return Some((DaySpec::day(date(year, month, day)?), i + 3));
        }
        let announced =
            self.before(i) == Lex::On && !self.hour_at(i + 2) && !matches!(self.lex(i + 2), Lex::Word | Lex::Unit(_));
        // Alone, "17 2" is a date; in a sentence two numbers are anything.
        if let Lex::Num(c, 2) = self.lex(i + 2)
            && (announced || self.is_all(i, 3))
            && self.is_fr()
        {
            return Some((DaySpec::day(date(full_year(c, 2)?, month, day)?), i + 3));
        }
        date(2024, month, day).filter(|_| (announced || self.is_all(i, 2)) && self.is_fr())?;
        Some((DaySpec::MonthDay(month, day, None), i + 2))
    }

    /// "3 jours", "une demi-heure", "un quart d'heure", "1h30", "an hour and a half", "2-3 weeks".
    pub(crate) fn duration(&self, i: usize) -> Option<(Duration, usize)> {
        let minutes = |n: i64| Duration { minutes: n, ..Duration::default() };
        let one = usize::from(self.lex(i) == Lex::One);
        let hour = |n: usize| matches!(self.lex(n), Lex::Hours | Lex::Unit(Unit::Hour));
        match self.lex(i + one) {
            Lex::Half => {
                let at = self.past(i + one + 1, &[Lex::De, Lex::One, Lex::Art]);
                if hour(at) {
                    return Some((minutes(30), at + 1));
                }
                return matches!(self.before(i + one + 1), Lex::Half)
                    .then_some(())
                    .filter(|()| self.is_fr())
                    .map(|()| (minutes(30), i + one + 1));
            }
            Lex::Quarter | Lex::ThreeQuarters => {
                let at = self.past(i + one + 1, &[Lex::De, Lex::One, Lex::Art]);
                let n = if self.lex(i + one) == Lex::Quarter { 15 } else { 45 };
                return hour(at).then_some((minutes(n), at + 1));
            }
            _ => {}
        }
        let n = match self.lex(i) {
            Lex::One => 1,
            Lex::Num(3, _) if self.lex(i + 1) == Lex::Quarter => {
                let at = self.past(i + 2, &[Lex::De, Lex::One, Lex::Art]);
                return hour(at).then_some((minutes(45), at + 1));
            }
            Lex::Few(n) => i32::from(n),
            Lex::Num(n @ 1..=3, 1)
                if self.lex(i + 1) == Lex::Punct('/')
                    && matches!(self.lex(i + 2), Lex::Num(2 | 4, 1))
                    && hour(i + 3) =>
            {
                let quarters = if matches!(self.lex(i + 2), Lex::Num(2, _)) { 2 } else { 1 };
                return Some((minutes(15 * quarters * i64::from(n)), i + 4));
            }
            Lex::Num(n, 1..)
                if matches!(self.lex(i + 1), Lex::Punct('.' | ','))
                    && matches!(self.lex(i + 2), Lex::Num(5, 1))
                    && hour(i + 3) =>
            {
                return Some((minutes(60 * i64::from(n) + 30), i + 4));
            }
            Lex::Num(n @ 0..=999, _) => i32::try_from(n).ok()?,
            _ => return None,
        };
        // "2 and a half hours"
        let half = self.past(i + 1, &[Lex::And, Lex::One]);
        if half > i + 1 && self.lex(half) == Lex::Half && hour(half + 1) {
            return Some((minutes(60 * i64::from(n) + 30), half + 2));
        }
        // "2 more minutes"
        let i = self.past(i + 1, &[Lex::Filler]) - 1;
        // "2 à 3 semaines"
        if matches!(self.lex(i + 1), Lex::A | Lex::To | Lex::Or | Lex::Punct('-' | '/'))
            && let Lex::Num(more @ 1..=999, _) = self.lex(i + 2)
            && let Lex::Unit(unit) = self.lex(i + 3)
        {
            let longer = amount(unit, i32::try_from(more).ok()?)?;
            let mut found = amount(unit, n)?;
            found.more = Some((longer.months, longer.days));
            return Some((found, i + 4));
        }
        if self.lex(i + 1) == Lex::Hours {
            return self.hours_long(i, n);
        }
        let Lex::Unit(unit) = self.lex(i + 1) else {
            // "dans 2 ans"
            return None;
        };
        let mut end = i + 2;
        let mut found = amount(unit, n)?;
        // "une semaine et demie", "an hour and a half"
        let half = self.past(end, &[Lex::And, Lex::One]);
        if half > end && self.lex(half) == Lex::Half {
            end = half + 1;
            match unit {
                Unit::Hour => found.minutes += 30,
                Unit::Day => found.minutes += 720,
                Unit::Week => found.days += 3,
                Unit::Month => found.days += 15,
                _ => {}
            }
        }
        Some((found, end))
    }

    fn hours_long(&self, i: usize, n: i32) -> Option<(Duration, usize)> {
        let mut minutes = 60 * i64::from(n);
        let mut end = i + 2;
        let and = usize::from(self.lex(end) == Lex::And);
        let half = self.past(end + and, &[Lex::One]);
        if and == 1 && self.lex(half) == Lex::Half {
            minutes += 30;
            end = half + 1;
        } else if and == 1 && self.lex(half) == Lex::Quarter {
            minutes += 15;
            end = half + 1;
        } else if let Lex::Num(m @ 0..=59, _) = self.lex(end + and)
            && (self.glued(end) || self.lex(end + and + 1) == Lex::Unit(Unit::Minute))
        {
            minutes += i64::from(m);
            end += and + 1 + usize::from(self.lex(end + and + 1) == Lex::Unit(Unit::Minute));
        }
        Some((Duration { minutes, ..Duration::default() }, end))
    }

    /// "dans 3 jours", "in half an hour", "il y a 2 jours", "3 days from now", "2 weeks after easter".
    pub(crate) fn offset(&self, i: usize) -> Option<(Piece, usize)> {
        match self.lex(i) {
            Lex::In => {
                let at = self.past(i + 1, &[Lex::Around, Lex::Filler]);
                let (length, end) = self.duration(at).or_else(|| self.number_of_minutes(at))?;
                let end = self.past(end, &[Lex::Hence]);
                Some((self.moved(length, 1), end))
            }
            Lex::Ago => {
                let (length, end) = self.duration(self.past(i + 1, &[Lex::Around, Lex::Filler]))?;
                Some((self.moved(length, -1), end))
            }
            Lex::Num(..) | Lex::One | Lex::Few(_) | Lex::Half | Lex::Quarter => {
                let (length, end) = self.duration(i)?;
                match self.lex(end) {
                    // Years ago something was built or bought.
                    Lex::Ago if length.months >= 12 => None,
                    Lex::Ago => Some((self.moved(length, -1), end + 1)),
                    Lex::Gone => None,
                    Lex::After if self.day(self.past_of(end + 1), 1).is_none() && length.days > 0 => {
                        Some((self.moved(length, 1), end + 1))
                    }
                    Lex::Hence => Some((self.moved(length, 1), end + 1)),
                    // "a week on friday"
                    Lex::On
                        if length.days > 0
                            && !self.is_fr()
                            && matches!(self.lex(end + 1), Lex::Wd(..) | Lex::Rel(_)) =>
                    {
                        let (spec, end) = self.day(end + 1, 1)?;
                        let base = spec.settle(self.today)?.from?;
                        Some((Piece::day(DaySpec::day(add_days(base, length.days))), end))
                    }
                    op @ (Lex::After | Lex::Before | Lex::From)
                        if length.days + length.months + length.workdays > 0 =>
                    {
                        let at = self.past_of(end + 1);
                        if op == Lex::From && self.lex(at) == Lex::Now {
                            return Some((self.moved(length, 1), at + 1));
                        }
                        let (spec, end) = self.day(end + 1, 1)?;
                        let base = spec.settle(self.today)?.from?;
                        let sign = if op == Lex::Before { -1 } else { 1 };
                        let moved = add_months(add_days(base, sign * length.days), sign * length.months);
                        Some((Piece::day(DaySpec::day(moved)), end))
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// "in 20": minutes, said in English.
    fn number_of_minutes(&self, i: usize) -> Option<(Duration, usize)> {
        let Lex::Num(n @ (5 | 10 | 15 | 20 | 25 | 30 | 40 | 45), _) = self.lex(i) else { return None };
        let last = matches!(self.lex(i + 1), Lex::Edge | Lex::Punct(_));
        (last && !self.is_fr()).then_some((Duration { minutes: i64::from(n), ..Duration::default() }, i + 1))
    }

    /// The day or the minute that lies so long from now.
    pub(crate) fn moved(&self, length: Duration, sign: i32) -> Piece {
        if length.minutes != 0 && length.days == 0 && length.months == 0 || length == Duration::default() {
            let at = add_minutes(self.now, i64::from(sign) * length.minutes);
            return Piece::moment(Some(at), Some(add_minutes(at, 1)), Grain::Minute);
        }
        let mut day = add_months(add_days(self.today, sign * length.days), sign * length.months);
        let mut left = length.workdays.min(400);
        while left > 0 {
            day = add_days(day, sign);
            left -= i32::from(weekday(day) <= 5);
        }
        if let Some((months, days)) = length.more {
            let last = add_months(add_days(self.today, sign * days), sign * months);
            return Piece::day(DaySpec::Fixed(Days::span(day.min(last), add_days(day.max(last), 1), Grain::Day)));
        }
        Piece::day(DaySpec::day(day))
    }

    /// The end of "within 3 days", "d'ici 2 heures".
    pub(crate) fn deadline(&self, length: Duration) -> Piece {
        match self.moved(length, 1) {
            Piece { moment: Some(m), .. } => Piece::moment(None, m.from, Grain::Minute),
            Piece { day: Some(DaySpec::Fixed(days)), .. } => {
                let end = days.to.map(|d| add_days(d, -1));
                Piece::day(DaySpec::Fixed(Days { from: None, to: end, ..days }))
            }
            piece => piece,
        }
    }
}
