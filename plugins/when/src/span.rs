//! Stretches of days: weeks, months, quarters, seasons, and their beginnings and ends.

use crate::Grain;
use crate::calendar::{add_days, add_months, date, monday, month_start, weekday};
use crate::lexeme::{Lex, Unit};
use crate::parser::Parser;
use crate::shape::{DaySpec, Days};

impl Parser<'_> {
    /// "début mars", "mi-juillet", "end of the month", "fin de semaine prochaine".
    pub(crate) fn edge(&self, i: usize, depth: u8) -> Option<(DaySpec, usize)> {
        let edge = match self.lex(i) {
            Lex::Begin | Lex::Early => Lex::Begin,
            Lex::Middle => Lex::Middle,
            _ => Lex::End,
        };
        let at = self.past(i + 1, &[Lex::De, Lex::Du, Lex::Art, Lex::In, Lex::On]);
        let (base, end, named) = match self.bare_unit(at) {
            Some((base, end)) => (base, end, false),
            None => {
                let (spec, end) = self.day(at, depth + 1)?;
                let named = matches!(self.lex(at), Lex::Mo(..))
                    || matches!(self.before(end), Lex::Mo(..)) && matches!(self.lex(at), Lex::Unit(_));
                (spec.settle(self.today)?, end, named)
            }
        };
        // The beginning of a week that has passed is next week's.
        let ahead = self.edge_of(edge, base, named).filter(|d| d.to.is_some_and(|to| to > self.today));
        let days = match ahead {
            Some(days) => days,
            None => self.edge_of(edge, self.after(base)?, named)?,
        };
        Some((DaySpec::Fixed(days), end))
    }

    /// "la semaine", "the month" with nothing else: the one we are in.
    pub(crate) fn bare_unit(&self, i: usize) -> Option<(Days, usize)> {
        let Lex::Unit(unit) = self.lex(i) else { return None };
        let said_more = matches!(self.lex(i + 1), Lex::Next | Lex::AfterNext | Lex::Gone | Lex::Last | Lex::Num(..));
        let of = self.past_of(i + 1) > i + 1 && matches!(self.lex(self.past_of(i + 1)), Lex::Num(..) | Lex::Mo(..));
        if said_more || of || matches!(unit, Unit::Day | Unit::Hour | Unit::Minute | Unit::Second) {
            return None;
        }
        Some((self.around(unit, 0)?, i + 1))
    }

    fn after(&self, base: Days) -> Option<Days> {
        let (from, to) = (base.from?, base.to?);
        match base.grain {
            Grain::Month if add_months(from, 1) == to => Some(Days::month(to)),
            Grain::Month => Some(Days { from: Some(to), to: Some(add_months(to, 12)), ..base }),
            _ => Some(Days { from: Some(to), to: Some(add_days(to, 7)), ..base }),
        }
    }

    /// The beginning, the middle or the end of days. The bounds are Duckling's where it has them.
    pub(crate) fn edge_of(&self, edge: Lex, base: Days, named: bool) -> Option<Days> {
        let (from, to) = (base.from?, base.to?);
        let day = |n: i32| add_days(from, n - 1);
        let (first, end) = if base.weekend {
            match edge {
                Lex::Begin => (from, day(2)),
                _ => (day(2), to),
            }
        } else if base.grain == Grain::Week {
            match edge {
                Lex::Begin => (from, day(3)),
                Lex::Middle => (day(3), day(5)),
                _ if self.is_fr() => (day(4), to),
                _ => (day(5), to),
            }
        } else if base.grain == Grain::Month && add_months(from, 1) == to {
            match edge {
                Lex::Begin => (from, if named && self.is_fr() { day(6) } else { day(11) }),
                Lex::Middle if self.is_fr() => (day(10), day(20)),
                Lex::Middle => (day(11), day(21)),
                _ => (day(21), to),
            }
        } else if base.grain == Grain::Month && add_months(from, 12) == to {
            match edge {
                Lex::Begin => (from, add_months(from, 2)),
                Lex::Middle => (add_months(from, 4), add_months(from, 8)),
                _ => (add_months(to, -2), to),
            }
        } else {
            let third = (0..400).find(|n| add_days(from, *n) >= to)? / 3;
            match edge {
                Lex::Begin => (from, add_days(from, third.max(1))),
                Lex::Middle => (add_days(from, third), add_days(to, -third)),
                _ => (add_days(to, -third.max(1)), to),
            }
        };
        Some(Days::span(first, end, Grain::Day))
    }

    pub(crate) fn iso_week(&self, n: u32) -> Days {
        let n = i32::try_from(n).unwrap_or(1);
        let first = |year: i32| date(year, 1, 4).map(|d| add_days(monday(d), 7 * (n - 1)));
        let year = i32::from(self.today.year());
        let found =
            first(year).filter(|m| add_days(*m, 7) > self.today).or_else(|| first(year + 1)).unwrap_or(self.today);
        Days::week(found)
    }

    /// The week, month… `step` away from this one.
    pub(crate) fn around(&self, unit: Unit, step: i32) -> Option<Days> {
        let today = self.today;
        Some(match unit {
            Unit::Day | Unit::Workday => Days::one(add_days(today, step)),
            Unit::Week => Days::week(add_days(monday(today), 7 * step)),
            Unit::Fortnight => {
                let from = add_days(monday(today), 14 * step);
                Days::span(from, add_days(from, 14), Grain::Week)
            }
            Unit::Weekend => Days::weekend(add_days(monday(today), 5 + 7 * step)),
            Unit::Month => Days::month(add_months(month_start(today), step)),
            Unit::Quarter => {
                let quarter = (i32::from(today.month()) - 1) / 3 + step;
                let year = i32::from(today.year()) + quarter.div_euclid(4);
                self.quarter(year, u8::try_from(quarter.rem_euclid(4) + 1).ok()?, true)?
            }
            Unit::Year => Days::year(i32::from(today.year()) + step)?,
            Unit::Second | Unit::Minute | Unit::Hour => return None,
        })
    }

    /// The nth quarter of a year; the next one to come when the year was not said.
    pub(crate) fn quarter(&self, year: i32, n: u8, said: bool) -> Option<Days> {
        let month = u32::from(n.checked_sub(1)?) * 3 + 1;
        let of = |year: i32| {
            let from = date(year, month, 1)?;
            Some(Days::span(from, add_months(from, 3), Grain::Month))
        };
        let days = of(year)?;
        if !said && days.to? <= self.today { of(year + 1) } else { Some(days) }
    }

    /// The season that is on or next: 20 March, 21 June, 23 September, 21 December.
    pub(crate) fn season(&self, n: u8) -> Option<Days> {
        const STARTS: [(u32, u32); 4] = [(3, 20), (6, 21), (9, 23), (12, 21)];
        let (month, day) = *STARTS.get(usize::from(n))?;
        let (end_month, end_day) = *STARTS.get((usize::from(n) + 1) % 4)?;
        let year = i32::from(self.today.year());
        (year - 1..=year + 1).find_map(|y| {
            let to = date(y + i32::from(n == 3), end_month, end_day)?;
            let to = add_days(to, 1);
            (to > self.today).then_some(Days::span(date(y, month, day)?, to, Grain::Day))
        })
    }

    pub(crate) fn weekdays(&self) -> Days {
        let from = add_days(monday(self.today), if weekday(self.today) <= 5 { 0 } else { 7 });
        Days::span(from, add_days(monday(from), 5), Grain::Day)
    }
}
