//! Ranges: "entre 10 et 12h", "9-11am", "du 13 au 15 juillet", "monday to wednesday".

use crate::Grain;
use crate::calendar::{add_days, date};
use crate::lexeme::Lex;
use crate::parser::Parser;
use crate::shape::{Clock, DaySpec, Days, TimeKind};

impl Parser<'_> {
    /// Passes the word between the two ends of a range.
    pub(crate) fn separator(&self, i: usize, opener: Option<Lex>) -> Option<usize> {
        let skip = [Lex::A, Lex::Au, Lex::De, Lex::Filler, Lex::Around];
        match self.lex(i) {
            Lex::Punct('-') | Lex::To | Lex::Until => Some(self.past(i + 1, &skip)),
            Lex::A if self.is_fr() => Some(i + 1),
            Lex::Au => Some(i + 1),
            Lex::And if opener == Some(Lex::Between) => Some(self.past(i + 1, &[Lex::Filler])),
            Lex::But | Lex::And if opener == Some(Lex::From) && self.lex(i + 1) == Lex::Before => Some(i + 2),
            Lex::Punct(',') if matches!(self.lex(i + 1), Lex::Until) && opener.is_some() => {
                Some(self.past(i + 2, &skip))
            }
            _ if self.hyphen(i) => Some(i),
            _ => None,
        }
    }

    /// "entre 10 et 12h", "9h30-11h", "3-4pm", "de midi à 14h".
    pub(crate) fn clock_range(&self, i: usize, opener: Option<Lex>) -> Option<(Clock, usize)> {
        let (first, end) = self.point(i, true)?;
        let at = match self.lex(end) {
            Lex::Punct('/') => end + 1,
            _ => self.separator(end, opener)?,
        };
        let (last, after) = self.point(at, true)?;
        if self.lex(end) == Lex::Punct('/') && last.bare {
            return None;
        }
        if first.bare && last.bare {
            let (a, b) = (first.clock.minute() / 60, last.clock.minute() / 60);
            let daytime = (7..=21).contains(&a) && (7..=21).contains(&b);
            let dial = a <= 12 && b <= 12;
            let fits = match (opener, self.lex(end)) {
                (Some(Lex::From | Lex::Between | Lex::De), _) if !self.is_fr() => dial || daytime,
                (Some(Lex::From | Lex::De), Lex::A | Lex::To) if (5..=21).contains(&a) && b <= 24 => true,
                (Some(Lex::From | Lex::Between | Lex::De), _) => daytime || self.names_day,
                (None, Lex::To) => dial || self.names_day,
                (None, _) => self.names_day && !matches!(self.before(i), Lex::On | Lex::Mo(..)),
                _ => false,
            };
            if !fits {
                return None;
            }
        }
        if opener == Some(Lex::Du) && first.bare {
            return None;
        }
        // "14.10 à 9h15" is a date and its hour.
        let descends = last.clock.minute() < first.clock.minute();
        if descends && opener.is_none() && self.lex(end) == Lex::A && self.numeric_date(i).is_some() {
            return None;
        }
        let (from, to, ambiguous) = ends(&first, &last);
        let grain = if first.clock.grain == Grain::Hour && last.clock.grain == Grain::Hour {
            Grain::Hour
        } else {
            Grain::Minute
        };
        Some((Clock { from: Some(from), to: Some(to), grain, kind: TimeKind::Range, ambiguous }, after))
    }

    /// "du 13 au 15 juillet", "entre lundi et mercredi", "july 13-15".
    pub(crate) fn day_range(&self, i: usize, opener: Option<Lex>, moving: bool) -> Option<(DaySpec, usize)> {
        let start = self.past(i, &[Lex::Art, Lex::On]);
        let (first, end, bare) = match self.day(i, 0) {
            Some((spec, end)) => (spec, end, false),
            None => {
                let (spec, end) = self.bare_day(start)?;
                (spec, end, true)
            }
        };
        let at = self.separator(end, opener)?;
        let plain = self.past(at, &[Lex::Art, Lex::On]);
        let dated = matches!(first, DaySpec::DayOfMonth(..) | DaySpec::MonthDay(..));
        let (last, after) = match self.day(at, 0) {
            Some((DaySpec::Fixed(days), _)) if days.weekend && !self.hyphen(at) && self.lex(end) == Lex::A => {
                return None;
            }
            Some(found) => found,
            None if dated && (self.lex(end) != Lex::A || opener.is_some()) => self.bare_day(plain)?,
            None => return None,
        };
        let open = matches!(opener, Some(Lex::From | Lex::Between | Lex::Du | Lex::De));
        let monthly = matches!(last, DaySpec::MonthDay(..) | DaySpec::Fixed(_));
        let opened = open && dated && opener != Some(Lex::De);
        if bare && !monthly && !opened {
            return None;
        }
        if moving && !matches!(self.lex(end), Lex::Punct(_) | Lex::And) {
            return Some((last, after));
        }
        let days = self.between(first, last)?;
        Some((DaySpec::Fixed(days), after))
    }

    pub(crate) fn between(&self, first: DaySpec, last: DaySpec) -> Option<Days> {
        let (from, to) = match (first, last) {
            (DaySpec::DayOfMonth(day, _), DaySpec::MonthDay(..) | DaySpec::Fixed(_)) => {
                let last = last.settle(self.today)?;
                let end = last.from?;
                let from = (0..32).map(|n| add_days(end, -n)).find(|d| u32::try_from(d.day()) == Ok(day))?;
                (from, last)
            }
            // "10 août - 12 septembre 2027": the year is both's.
            (DaySpec::MonthDay(month, day, _), DaySpec::Fixed(last)) => {
                let end = last.from?;
                let year = i32::from(end.year());
                let from = date(year, month, day).filter(|d| *d <= end).or_else(|| date(year - 1, month, day))?;
                (from, last)
            }
            _ => {
                let first = first.settle(self.today)?;
                let from = first.from?;
                (from, last.settle_within(from)?)
            }
        };
        let end = to.to?;
        let grain = if to.grain == Grain::Month { Grain::Month } else { Grain::Day };
        (from < end).then_some(Days::span(from, end, grain))
    }
}

/// The two ends of a range of hours, halves of the day chosen together.
fn ends(first: &crate::clock::Point, last: &crate::clock::Point) -> (u16, u16, bool) {
    const HALF: u16 = 720;
    let (a, b) = (first.clock.minute(), last.clock.minute());
    let (a_open, b_open) = (first.clock.ambiguous, last.clock.ambiguous);
    let after = |a: u16, b: u16| if b <= a && b + HALF > a { b + HALF } else { b };
    let (from, to) = match (a_open, b_open) {
        (true, true) => {
            let late = (60..360).contains(&a) || (360..480).contains(&a) && (a..480).contains(&b);
            let from = if late { a + HALF } else { a };
            (from, after(from, b))
        }
        (true, false) => {
            let later = a + HALF < b && (last.meridiem || a < 360);
            (if later { a + HALF } else { a }, b)
        }
        (false, true) => (a, after(a, b)),
        (false, false) => (a, b),
    };
    let to = if to <= from { to + 2 * HALF } else { to };
    (from, to, a_open && b_open && from < HALF)
}
