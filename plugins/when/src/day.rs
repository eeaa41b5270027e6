//! Days: dates in words, months, holidays; the way into all kinds of days.

use jiff::civil::Date;

use crate::calendar::{add_days, add_months, date, full_year, monday, month_ahead, month_start, weekday};
use crate::lexeme::{Lex, Unit};
use crate::parser::{DEPTH, Parser};
use crate::shape::{DaySpec, Days};

impl Parser<'_> {
    /// Days at `i`, and where they end.
    pub(crate) fn day(&self, i: usize, depth: u8) -> Option<(DaySpec, usize)> {
        if depth > DEPTH {
            return None;
        }
        if let Some(found) = self.numeric_date(i) {
            return Some(found);
        }
        match self.lex(i) {
            Lex::On => self
                .numeric_date(i + 1)
                .or_else(|| self.day_of_month_after_on(i + 1, depth))
                .or_else(|| self.day(i + 1, depth + 1)),
            Lex::Art => self.day(i + 1, depth + 1),
            Lex::Rel(n) => {
                let (more, end) = self.in_eight(i + 1).unwrap_or((0, i + 1));
                Some((DaySpec::day(add_days(self.today, i32::from(n) + more)), end))
            }
            Lex::Wd(wanted, weak) if self.plausible(i, weak) => self.weekday(i, wanted, depth),
            // "32 août" is not the month of August.
            Lex::Mo(..) if matches!(self.before(i), Lex::Num(_, 1 | 2) | Lex::Ord(_)) => None,
            Lex::Mo(month, weak) if self.plausible(i, weak) => self.month(i, u32::from(month)),
            Lex::Holiday(holiday) => {
                if self.lex(i + 1) == Lex::Unit(Unit::Weekend) {
                    return Some((DaySpec::Fixed(long_weekend(holiday.ahead(self.today)?)), i + 2));
                }
                let at = self.past(i + 1, &[Lex::De, Lex::In, Lex::Punct(','), Lex::Art]);
                let year = self.year(at).or_else(|| self.named_year(at));
                let (day, end) = match year {
                    Some((year, end)) => (holiday.in_year(year)?, end),
                    None => (holiday.ahead(self.today)?, i + 1 + usize::from(self.lex(i + 1) == Lex::Next)),
                };
                Some((DaySpec::day(day), end))
            }
            Lex::Season(n) => {
                Some((DaySpec::Fixed(self.season(n)?), i + 1 + usize::from(self.lex(i + 1) == Lex::Next)))
            }
            Lex::Daylong if !self.names_day => Some((DaySpec::day(self.today), i + 1)),
            Lex::Weekdays => Some((DaySpec::Fixed(self.weekdays()), i + 1)),
            Lex::DayAfter | Lex::DayBefore => {
                let shift = if self.lex(i) == Lex::DayAfter { 1 } else { -1 };
                let (spec, end) = self.day(self.past_of(i + 1), depth + 1)?;
                let base = spec.settle(self.today)?;
                let day = if shift > 0 { base.to? } else { add_days(base.from?, -1) };
                Some((DaySpec::day(day), end))
            }
            Lex::NthQuarter(n) => {
                let found = self.year(self.past(i + 1, &[Lex::De, Lex::Punct(',')]));
                let (year, end) = found.unwrap_or((i32::from(self.today.year()), i + 1));
                Some((DaySpec::Fixed(self.quarter(year, n, found.is_some())?), end))
            }
            Lex::This | Lex::Next | Lex::Last => self.relative(i, depth),
            Lex::Past if self.is_past_unit(i) => self.relative(i, depth),
            Lex::Unit(_) | Lex::Quarter => self.unit(i, depth),
            Lex::Ord(_) | Lex::Num(..) => self.numbered_day(i, depth),
            Lex::Begin | Lex::Middle | Lex::End | Lex::Early | Lex::Late => self.edge(i, depth),
            Lex::EndOf(unit) => {
                self.edge_of(Lex::End, self.around(unit, 0)?, false).map(|d| (DaySpec::Fixed(d), i + 1))
            }
            _ => None,
        }
    }

    /// "le 16": a bare number after the word that announces a date.
    pub(crate) fn day_of_month_after_on(&self, i: usize, depth: u8) -> Option<(DaySpec, usize)> {
        let i = self.past(i, &[Lex::Art]);
        if let Some(found) = self.numbered_day(i, depth) {
            return Some(found);
        }
        self.bare_day(i)
    }

    /// A number that can be a day of the month, its surroundings permitting.
    pub(crate) fn bare_day(&self, i: usize) -> Option<(DaySpec, usize)> {
        let day = match self.lex(i) {
            Lex::Num(n @ 1..=31, 0..=2) => n,
            Lex::Ord(n) => u32::from(n),
            _ => return None,
        };
        let next = self.lex(i + 1);
        let fraction = matches!(next, Lex::Punct(':' | '.' | ','))
            && self.glued(i + 1)
            && matches!(self.lex(i + 2), Lex::Num(..))
            && self.glued(i + 2);
        // "10ish" is an hour.
        let about = next == Lex::Filler && self.glued(i + 1) && !self.is_fr();
        let other = matches!(
            next,
            Lex::Hours
                | Lex::Am
                | Lex::Pm
                | Lex::OClock
                | Lex::Unit(_)
                | Lex::Measure
                | Lex::Opaque
                | Lex::Label
                | Lex::Past
                | Lex::Half
                | Lex::Quarter
                | Lex::Noon
                | Lex::Next
        );
        (!other && !fraction && !about).then_some((DaySpec::DayOfMonth(day, None), i + 1))
    }

    /// A year of four digits.
    pub(crate) fn year(&self, i: usize) -> Option<(i32, usize)> {
        let Lex::Num(n, 4) = self.lex(i) else { return None };
        if self.lex(i + 1) == Lex::Hours {
            return None;
        }
        Some((full_year(n, 4)?, i + 1))
    }

    /// "this year", "l'année prochaine".
    pub(crate) fn named_year(&self, i: usize) -> Option<(i32, usize)> {
        let year = i32::from(self.today.year());
        match (self.lex(i), self.lex(i + 1)) {
            (Lex::This, Lex::Unit(Unit::Year)) => Some((year, i + 2)),
            (Lex::Next, Lex::Unit(Unit::Year)) | (Lex::Unit(Unit::Year), Lex::Next) => Some((year + 1, i + 2)),
            (Lex::Last, Lex::Unit(Unit::Year)) | (Lex::Unit(Unit::Year), Lex::Last) => Some((year - 1, i + 2)),
            _ => None,
        }
    }

    /// A week, a month or the like, of which a day may be picked.
    pub(crate) fn container(&self, i: usize, depth: u8) -> Option<(Days, usize)> {
        let (days, end) = match self.lex(i) {
            Lex::This | Lex::Next | Lex::Last | Lex::Unit(_) | Lex::Ord(_) => match self.day(i, depth)? {
                (DaySpec::Fixed(days), end) => (days, end),
                _ => return None,
            },
            Lex::Num(..) | Lex::One => {
                let (span, end) = self.duration(i)?;
                (span.days > 0 && span.days % 7 == 0).then_some(())?;
                (Days::week(monday(add_days(self.today, span.days))), end)
            }
            Lex::Mo(month, _) => match self.month(i, u32::from(month))? {
                (spec @ (DaySpec::Month(_) | DaySpec::Fixed(_)), end) => (spec.settle(self.today)?, end),
                _ => return None,
            },
            _ => return None,
        };
        days.holds_several().then_some((days, end))
    }

    /// "mars", "march 3rd", "mars 2026".
    pub(crate) fn month(&self, i: usize, month: u32) -> Option<(DaySpec, usize)> {
        let mut at = i + 1;
        if self.lex(at) == Lex::Punct('.') && self.glued(at) {
            at += 1;
        }
        if let Some((year, end)) = self.year(self.past(at, &[Lex::De, Lex::Punct(',')])) {
            return Some((DaySpec::Fixed(Days::month(date(year, month, 1)?)), end));
        }
        let day_at = self.past(at, &[Lex::Art]);
        if !self.is_fr()
            && let Some((DaySpec::DayOfMonth(day, _), end)) = self.bare_day(day_at)
        {
            let year_at = self.past(end, &[Lex::Punct(',')]);
            if let Some((year, end)) = self.year(year_at) {
                return Some((DaySpec::day(date(year, month, day)?), end));
            }
            return Some((DaySpec::MonthDay(month, day, None), end));
        }
        match self.lex(at) {
            Lex::AfterNext => {
                let later = add_months(month_start(self.today), 1);
                Some((DaySpec::Fixed(Days::month(add_months(month_ahead(later, month), 12))), at + 1))
            }
            Lex::Next => {
                let later = add_months(month_start(self.today), 1);
                Some((DaySpec::Fixed(Days::month(month_ahead(later, month))), at + 1))
            }
            Lex::Last | Lex::Gone => Some((DaySpec::Fixed(self.last_month(month)), at + 1)),
            _ => Some((DaySpec::Month(month), at)),
        }
    }

    pub(crate) fn last_month(&self, month: u32) -> Days {
        Days::month(add_months(month_ahead(self.today, month), -12))
    }

    /// The month (and year) after a day of the month.
    pub(crate) fn day_and_month(&self, i: usize, day: u32, depth: u8) -> Option<(DaySpec, usize)> {
        let at = self.past(i + 1, &[Lex::De, Lex::Du, Lex::Art, Lex::Punct('-')]);
        match self.lex(at) {
            Lex::Mo(month, _) => {
                let mut end = at + 1;
                if self.lex(end) == Lex::Punct('.') && self.glued(end) {
                    end += 1;
                }
                let month = u32::from(month);
                let year_at = self.past(end, &[Lex::Punct(','), Lex::De, Lex::Punct('-')]);
                if let Some((year, end)) = self.year(year_at) {
                    return Some((DaySpec::day(date(year, month, day)?), end));
                }
                if self.lex(end) == Lex::Next {
                    end += 1;
                }
                Some((DaySpec::MonthDay(month, day, None), end))
            }
            Lex::This | Lex::Next | Lex::Unit(Unit::Month) if at > i + 1 => {
                let (days, end) = match self.lex(at) {
                    Lex::Unit(Unit::Month)
                        if !matches!(self.lex(at + 1), Lex::Next | Lex::AfterNext | Lex::Gone | Lex::Last) =>
                    {
                        let found = DaySpec::DayOfMonth(day, None);
                        return Some((found, at + 1));
                    }
                    _ => self.container(at, depth + 1)?,
                };
                Some((DaySpec::day(days.pick_day(day)?), end))
            }
            _ => None,
        }
    }
}

/// The weekend a holiday makes longer.
fn long_weekend(holiday: Date) -> Days {
    let saturday = add_days(monday(holiday), if weekday(holiday) <= 3 { -2 } else { 5 });
    let to = add_days(saturday, 2).max(if weekday(holiday) == 1 { add_days(holiday, 1) } else { saturday });
    Days { to: Some(to), ..Days::weekend(saturday) }
}
