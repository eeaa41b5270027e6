//! Weekdays: "mardi en huit", "friday the 13th", "lundi de la semaine prochaine".

use jiff::civil::Date;

use crate::calendar::{add_days, on_or_after};
use crate::lexeme::{Lex, Unit};
use crate::parser::Parser;
use crate::shape::DaySpec;

impl Parser<'_> {
    /// "en huit", "en quinze".
    pub(crate) fn in_eight(&self, i: usize) -> Option<(i32, usize)> {
        match (self.lex(i), self.lex(i + 1)) {
            (Lex::In, Lex::Num(8, _)) => Some((7, i + 2)),
            (Lex::In, Lex::Num(15, _)) => Some((14, i + 2)),
            _ => None,
        }
    }

    pub(crate) fn weekday(&self, i: usize, wanted: u8, depth: u8) -> Option<(DaySpec, usize)> {
        let mut at = i + 1;
        if self.lex(at) == Lex::Punct('.') && self.glued(at) && self.lex(at + 1) != Lex::Edge {
            at += 1;
        }
        let upcoming = on_or_after(add_days(self.today, 1), wanted);
        match self.lex(at) {
            Lex::Next if self.is_fr() => return Some((DaySpec::day(upcoming), at + 1)),
            Lex::AfterNext if self.is_fr() => {
                return Some((DaySpec::day(add_days(on_or_after(self.today, wanted), 7)), at + 1));
            }
            Lex::AfterNext => return Some((DaySpec::day(add_days(upcoming, 7)), at + 1)),
            Lex::Gone => return Some((DaySpec::day(self.last_weekday(wanted)), at + 1)),
            Lex::Last if self.is_fr() => return Some((DaySpec::day(self.last_weekday(wanted)), at + 1)),
            Lex::Unit(Unit::Week) if !self.is_fr() => {
                return Some((DaySpec::day(add_days(upcoming, 7)), at + 1));
            }
            _ => {}
        }
        if let Some((more, end)) = self.in_eight(at) {
            return Some((DaySpec::day(add_days(on_or_after(self.today, wanted), more)), end));
        }
        let dated = self.past(at, &[Lex::On, Lex::Art, Lex::Punct(','), Lex::De]);
        // "mercredi de 14 à 16": hours.
        let hours = self.lex(at) == Lex::De
            && matches!(self.lex(at + 2), Lex::A | Lex::To | Lex::Punct('-'))
            && matches!((self.lex(at + 1), self.lex(at + 3)), (Lex::Num(..), Lex::Num(..)));
        if let Some((spec, end)) = self.dated_weekday(dated, wanted, depth).filter(|_| !hours) {
            return Some((spec, end));
        }
        let inside = self.past(at, &[Lex::De, Lex::Du, Lex::In, Lex::Art, Lex::On, Lex::From]);
        if let Some((days, end)) = self.container(inside, depth + 1) {
            return Some((DaySpec::WeekdayIn(wanted, days), end));
        }
        Some((DaySpec::Weekday(wanted), at))
    }

    pub(crate) fn last_weekday(&self, wanted: u8) -> Date {
        add_days(on_or_after(self.today, wanted), -7)
    }

    /// The date that follows its weekday: "13", "13 octobre", "13/10", "march 3rd".
    pub(crate) fn dated_weekday(&self, i: usize, wanted: u8, depth: u8) -> Option<(DaySpec, usize)> {
        if let Some(found) = self.numeric_date(i) {
            return Some(found);
        }
        if let Lex::Mo(month, _) = self.lex(i)
            && !self.is_fr()
            && let Some((spec @ (DaySpec::MonthDay(..) | DaySpec::Fixed(_)), end)) = self.month(i, u32::from(month))
        {
            return Some((spec.on(wanted), end));
        }
        let (DaySpec::DayOfMonth(day, _), end) = self.bare_day(i)? else { return None };
        if let Some((spec, end)) = self.day_and_month(i, day, depth) {
            return Some((spec.on(wanted), end));
        }
        let written = self.before(i) != Lex::Punct(',');
        let spec = DaySpec::DayOfMonth(day, Some(wanted));
        // "lundi 9-11h", "monday nine thirty": hours, unless the date fits the weekday.
        let clockish = matches!(self.lex(i), Lex::Num(n, d) if n <= 24 && (d > 0 || !self.is_fr()))
            && (matches!(self.lex(end), Lex::A | Lex::To | Lex::Punct('-') | Lex::And | Lex::Or | Lex::Num(..))
                && self.hour_follows(end));
        // "jeudi 15 à 8h" is no range.
        let descends = matches!(self.lex(self.past(end, &[Lex::A, Lex::To])), Lex::Num(n, _) if n < day);
        let agrees = spec.agrees(self.today) || descends;
        if !written || clockish && (!agrees || self.lex(end) == Lex::Punct('-')) {
            return None;
        }
        let hourly = !self.is_fr() && !agrees && day <= 12 && matches!(self.lex(i), Lex::Num(..));
        (!hourly).then_some((spec, end))
    }

    /// Whether the number at `i` is followed by another that is plainly an hour.
    pub(crate) fn hour_follows(&self, i: usize) -> bool {
        let at = self.past(i, &[Lex::A, Lex::To, Lex::Punct('-'), Lex::And, Lex::Or]);
        matches!(self.lex(at), Lex::Num(..))
            && (at == i || matches!(self.lex(at + 1), Lex::Hours | Lex::Am | Lex::Pm) || self.lex(i) == Lex::Punct('-'))
    }
}
