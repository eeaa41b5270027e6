//! Days by number and by place: "the third monday of march", "la semaine prochaine", "next 3 days".

use crate::Grain;
use crate::calendar::{add_days, add_months, monday, month_ahead, month_start, nth_weekday, on_or_after, weekday};
use crate::lexeme::{Lex, Unit};
use crate::parser::{DEPTH, Parser};
use crate::shape::{DaySpec, Days};

impl Parser<'_> {
    /// "3 mars", "1er", "third monday of march", "the second week of may", "3 prochains jours".
    pub(crate) fn numbered_day(&self, i: usize, depth: u8) -> Option<(DaySpec, usize)> {
        let (n, word) = match self.lex(i) {
            Lex::Ord(n) => (u32::from(n), true),
            Lex::Num(n, 0..=2) => (n, false),
            _ => return None,
        };
        if (1..=31).contains(&n)
            && let Some(found) = self.day_and_month(i, n, depth)
        {
            return Some(found);
        }
        if let Some(month) = self.month_of_list(i)
            && (1..=31).contains(&n)
        {
            return Some((DaySpec::MonthDay(month, n, None), i + 1));
        }
        if !word {
            let ((Lex::Next, Lex::Unit(unit)) | (Lex::Unit(unit), Lex::Next | Lex::AfterNext)) =
                (self.lex(i + 1), self.lex(i + 2))
            else {
                return None;
            };
            return Some((self.few(unit, n)?, i + 3));
        }
        if let Some(found) = self.nth_of(i, u8::try_from(n).ok()?, depth) {
            return Some(found);
        }
        // "the 3rd", "1er": alone, only where a date is announced or nothing contradicts it.
        let announced = matches!(
            self.before(i),
            Lex::On | Lex::Wd(..) | Lex::Du | Lex::Between | Lex::Or | Lex::And | Lex::To | Lex::By | Lex::Until
        ) || self.before(i) == Lex::Art && !self.is_fr();
        let named =
            matches!(self.lex(i + 1), Lex::Word | Lex::Label | Lex::Measure | Lex::Unit(_) | Lex::Opaque | Lex::Street);
        if (announced || !self.is_fr() && n > 5 || self.len() <= 3) && !named && (n == 1 || !self.is_fr()) {
            return self.bare_day(i);
        }
        None
    }

    /// The month at the end of "14, 15 ou 16 octobre".
    pub(crate) fn month_of_list(&self, i: usize) -> Option<u32> {
        (1..=4).find_map(|n| {
            let at = i + 2 * n;
            let linked = (1..=n).all(|k| {
                let k = i + 2 * k;
                matches!(self.lex(k - 1), Lex::Or | Lex::And | Lex::Punct(','))
                    && matches!(self.lex(k), Lex::Num(1..=31, _) | Lex::Ord(_))
            });
            match self.lex(at + 1) {
                Lex::Mo(month, _) if linked => Some(u32::from(month)),
                _ => None,
            }
        })
    }

    /// "3 prochains jours", "next 3 days": so many units, from the next one on.
    pub(crate) fn few(&self, unit: Unit, n: u32) -> Option<DaySpec> {
        let n = i32::try_from(n).ok()?;
        let next = self.around(unit, 1)?;
        let from = next.from?;
        let to = match unit {
            Unit::Day | Unit::Workday => add_days(from, n),
            Unit::Week => add_days(from, 7 * n),
            Unit::Month => add_months(from, n),
            _ => return None,
        };
        Some(DaySpec::Fixed(Days::span(from, to, next.grain)))
    }

    /// "troisième lundi de mars", "first week of october", "première quinzaine de mai", "2nd quarter".
    pub(crate) fn nth_of(&self, i: usize, n: u8, depth: u8) -> Option<(DaySpec, usize)> {
        let head = self.lex(i + 1);
        if let Lex::Quarter | Lex::Unit(Unit::Quarter) = head {
            let (year, end) = self
                .year(self.past(i + 2, &[Lex::De, Lex::Punct(',')]))
                .unwrap_or((i32::from(self.today.year()), i + 2));
            return Some((DaySpec::Fixed(self.quarter(year, n, end > i + 2)?), end));
        }
        let at = self.past(i + 2, &[Lex::De, Lex::Du, Lex::Art, Lex::In]);
        if at == i + 2 {
            return None;
        }
        let (days, end) = match self.lex(at) {
            Lex::Unit(Unit::Month) if !matches!(self.lex(at + 1), Lex::Next | Lex::AfterNext) => {
                (Days::month(self.today), at + 1)
            }
            _ => self.container(at, depth + 1)?,
        };
        let first = days.from?;
        let found = match head {
            Lex::Wd(wanted, _) => DaySpec::day(nth_weekday(first, n, wanted)?),
            Lex::Unit(Unit::Week) if n == 0 => DaySpec::Fixed(Days::week(add_days(monday(days.to?), -7))),
            Lex::Unit(Unit::Week) => {
                DaySpec::Fixed(Days::week(add_days(on_or_after(first, 1), 7 * (i32::from(n) - 1))))
            }
            Lex::Unit(Unit::Weekend) => DaySpec::Fixed(Days::weekend(nth_weekday(first, n, 6)?)),
            Lex::Unit(Unit::Day) if n == 0 => DaySpec::day(add_days(days.to?, -1)),
            Lex::Unit(Unit::Day) => DaySpec::day(add_days(first, i32::from(n) - 1)),
            Lex::Unit(Unit::Fortnight) => {
                let middle = add_days(first, 14);
                let (from, to) = if n == 1 { (first, middle) } else { (middle, days.to?) };
                DaySpec::Fixed(Days::span(from, to, Grain::Day))
            }
            _ => return None,
        };
        Some((found, end))
    }

    /// "cette semaine", "next month", "ce mardi", "last monday of march".
    pub(crate) fn relative(&self, i: usize, depth: u8) -> Option<(DaySpec, usize)> {
        let which = self.lex(i);
        let at = i + 1;
        let few = match self.lex(at) {
            Lex::Num(n, _) => Some(n),
            Lex::Few(n) => Some(u32::from(n)),
            _ => None,
        };
        if let (Lex::Next, Some(n)) = (which, few) {
            let Lex::Unit(unit) = self.lex(at + 1) else { return None };
            return Some((self.few(unit, n)?, at + 2));
        }
        match self.lex(at) {
            Lex::Unit(_) | Lex::Quarter | Lex::Wd(..) if which == Lex::Last => {
                if let Some(found) = self.nth_of(i, 0, depth) {
                    return Some(found);
                }
            }
            _ => {}
        }
        let step = match which {
            Lex::This => 0,
            Lex::Next => 1,
            _ => -1, // Last, Past
        };
        match self.lex(at) {
            Lex::Unit(unit) => {
                // "ce week-end prochain", "cette semaine-là"
                let step = step + i32::from(which == Lex::Next && self.lex(at + 1) == Lex::AfterNext);
                let end = at + 1 + usize::from(self.lex(at + 1) == Lex::AfterNext);
                let days = self.around(unit, step)?;
                self.narrowed(days, end)
            }
            Lex::Quarter if !self.is_fr() => Some((DaySpec::Fixed(self.around(Unit::Quarter, step)?), at + 1)),
            Lex::Wd(wanted, _) if step < 0 => Some((DaySpec::day(self.last_weekday(wanted)), at + 1)),
            Lex::Wd(wanted, _) => self.weekday(at, wanted, depth + 1).map(|(spec, end)| match spec {
                DaySpec::Weekday(w) => (DaySpec::day(on_or_after(add_days(self.today, 1), w)), end),
                spec => (spec, end),
            }),
            Lex::Mo(month, _) => {
                let month = u32::from(month);
                let days = match step {
                    0 => Days::month(month_ahead(self.today, month)),
                    1 => Days::month(month_ahead(add_months(month_start(self.today), 1), month)),
                    _ => self.last_month(month),
                };
                Some((DaySpec::Fixed(days), at + 1))
            }
            Lex::Season(n) => Some((DaySpec::Fixed(self.season(n)?), at + 1)),
            Lex::Holiday(holiday) if step < 0 => {
                let year = i32::from(self.today.year());
                let past = |y: i32| holiday.in_year(y).filter(|d| *d < self.today);
                Some((DaySpec::day(past(year).or_else(|| past(year - 1))?), at + 1))
            }
            Lex::Past if self.is_past_unit(at) && depth < DEPTH => self.relative(at, depth + 1),
            Lex::Holiday(_) | Lex::Ord(_) | Lex::Weekdays if step >= 0 => self.day(at, depth + 1),
            _ => None,
        }
    }

    /// "past week".
    pub(crate) fn is_past_unit(&self, i: usize) -> bool {
        matches!(self.lex(i + 1), Lex::Unit(_)) && !self.is_fr()
    }

    /// A week, and the weekday picked of it right after ("next week tuesday").
    pub(crate) fn narrowed(&self, days: Days, end: usize) -> Option<(DaySpec, usize)> {
        let at = self.past(end, &[Lex::On, Lex::Art, Lex::Punct(',')]);
        if let Lex::Wd(wanted, weak) = self.lex(at)
            && days.grain == Grain::Week
            && self.plausible(at, weak)
            && !matches!(self.lex(at + 1), Lex::Num(..) | Lex::Next)
        {
            let end = at + 1;
            return Some((DaySpec::WeekdayIn(wanted, days), end));
        }
        Some((DaySpec::Fixed(days), end))
    }

    /// "semaine prochaine", "week-end", "week of march 3rd", "semaine 42".
    pub(crate) fn unit(&self, i: usize, depth: u8) -> Option<(DaySpec, usize)> {
        let unit = match self.lex(i) {
            Lex::Unit(unit) => unit,
            _ => return None,
        };
        let at = i + 1;
        let step = match self.lex(at) {
            Lex::Next if self.is_fr() => Some(1),
            Lex::AfterNext => Some(if self.is_fr() { 1 } else { 2 }),
            Lex::Gone | Lex::Last if self.is_fr() => Some(-1),
            _ => None,
        };
        if let Some(step) = step {
            // "la semaine prochaine" et "la semaine d'après la prochaine"
            let days = self.around(unit, step)?;
            return self.narrowed(days, at + 1);
        }
        if unit == Unit::Week {
            if let Lex::Num(n @ 1..=53, 1..) = self.lex(at)
                && self.lex(at + 1) != Lex::Hours
            {
                return Some((DaySpec::Fixed(self.iso_week(n)), at + 1));
            }
            let of = self.past(at, &[Lex::De, Lex::Du, Lex::Art, Lex::On]);
            let spec = if of > at {
                self.day_of_month_after_on(of, depth + 1).or_else(|| self.day(of, depth + 1))
            } else {
                None
            };
            if let Some((spec, end)) = spec
                && let Some(days) = spec.settle(self.today)
                && let Some(first) = days.from
                && !(days.weekend || days.grain == Grain::Month)
            {
                // The week "of" a Sunday begins the day after.
                let first = if weekday(first) == 7 { add_days(first, 1) } else { first };
                return Some((DaySpec::Fixed(Days::week(monday(first))), end));
            }
        }
        // "au mois de mars", "dans la semaine"
        if unit == Unit::Month
            && let of = self.past(at, &[Lex::De])
            && of > at
            && let Lex::Mo(month, _) = self.lex(of)
        {
            return self.month(of, u32::from(month));
        }
        if matches!(self.before(i), Lex::Art) && i >= 2 && self.before(i - 1) == Lex::In {
            return Some((DaySpec::Fixed(self.around(unit, 0)?), at));
        }
        if unit == Unit::Weekend {
            let of = self.past(at, &[Lex::De, Lex::Du]);
            let spec = if of > at {
                self.day_of_month_after_on(of, depth + 1).or_else(|| self.day(of, depth + 1))
            } else {
                None
            };
            if let Some((spec, end)) = spec
                && let Some(first) = spec.settle(self.today).and_then(|d| d.from)
            {
                return Some((DaySpec::Fixed(Days::weekend(add_days(monday(first), 5))), end));
            }
            return Some((DaySpec::Fixed(self.around(Unit::Weekend, 0)?), at));
        }
        None
    }
}
