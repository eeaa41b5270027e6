//! Times of day: "14h30", "quatorze heures trente", "half past nine", "trois heures moins le quart".

use crate::Grain;
use crate::lexeme::{Lex, Pod, Unit};
use crate::parser::Parser;
use crate::shape::{Clock, DAY_MINUTES};

/// A time on the clock, and how it was written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Point {
    pub(crate) clock: Clock,
    /// "am" or "pm" was said.
    pub(crate) meridiem: bool,
    /// Nothing but a number: only its surroundings make it a time.
    pub(crate) bare: bool,
}

/// Words that turn the number before them into something else than an hour.
fn counts(lex: Lex) -> bool {
    matches!(
        lex,
        Lex::Unit(_)
            | Lex::Measure
            | Lex::Street
            | Lex::Mo(..)
            | Lex::Opaque
            | Lex::Ord(_)
            | Lex::Next
            | Lex::Quarter
            | Lex::Half
            | Lex::Punct('/' | '%' | '€' | '$')
    )
}

impl Parser<'_> {
    /// A time of day at `i`. With `bare`, a number alone will do.
    pub(crate) fn point(&self, i: usize, bare: bool) -> Option<(Point, usize)> {
        let start = self.past(i, &[Lex::A, Lex::Around, Lex::Au, Lex::Filler, Lex::Art]);
        let led = (i..start).any(|n| matches!(self.lex(n), Lex::A | Lex::Around));
        let (point, end) = self
            .english_point(start, led)
            .or_else(|| self.named_point(start))
            .or_else(|| self.numbered_point(start, led, bare))?;
        let end = self.past(end, &[Lex::Filler]);
        Some((point, end))
    }

    fn explicit(minute: u16, grain: Grain, ambiguous: bool) -> Point {
        Point { clock: Clock::point(minute, grain, ambiguous), meridiem: false, bare: false }
    }

    /// "half past nine", "quarter to five", "ten to five", "half nine".
    fn english_point(&self, i: usize, led: bool) -> Option<(Point, usize)> {
        if self.is_fr() {
            return None;
        }
        let (minutes, mut at, in_digits) = match self.lex(i) {
            Lex::Half => (30, i + 1, false),
            Lex::Quarter => (15, i + 1, false),
            Lex::One if self.lex(i + 1) == Lex::Quarter => (15, i + 2, false),
            Lex::Num(n @ 1..=59, digits) => (u16::try_from(n).ok()?, i + 1, digits > 0),
            _ => return None,
        };
        if matches!(self.lex(at), Lex::Unit(Unit::Minute)) {
            at += 1;
        }
        let sign = match self.lex(at) {
            Lex::Past => 1,
            Lex::After if minutes != 30 => 1,
            Lex::To | Lex::Before | Lex::Until | Lex::De => -1,
            Lex::Num(..) if self.lex(i) == Lex::Half => {
                let (hour, end) = self.dial(at)?;
                return Some((self.meridiem(hour * 60 + 30, Grain::Minute, end), end).map_end(self));
            }
            _ => return None,
        };
        // "10 to 5" without "at" is a range; so is whatever follows "from".
        if in_digits && sign < 0 && !led && minutes <= 12 || matches!(self.before(i), Lex::From | Lex::Between) {
            return None;
        }
        let (hour, end) = self.dial(at + 1)?;
        let minute = if sign > 0 {
            hour * 60 + minutes
        } else {
            (hour * 60 + DAY_MINUTES / 2 - minutes) % (DAY_MINUTES / 2) + if hour > 12 { DAY_MINUTES / 2 } else { 0 }
        };
        Some((self.meridiem(minute, Grain::Minute, end), end).map_end(self))
    }

    /// The hour after "past" or "to".
    fn dial(&self, i: usize) -> Option<(u16, usize)> {
        match self.lex(i) {
            Lex::Noon => Some((12, i + 1)),
            Lex::Midnight => Some((0, i + 1)),
            Lex::Num(n @ 0..=23, _) if !counts(self.lex(i + 1)) => {
                let end = i + 1 + usize::from(self.lex(i + 1) == Lex::OClock);
                Some((u16::try_from(n).ok()?, end))
            }
            _ => None,
        }
    }

    /// A point, with the "am" or "pm" that may follow at `end`.
    fn meridiem(&self, minute: u16, grain: Grain, end: usize) -> Point {
        let twelve = minute % (DAY_MINUTES / 2);
        let (minute, meridiem) = match self.lex(end) {
            Lex::Am if minute < 780 => (twelve, true),
            Lex::Pm if minute < 780 => (twelve + DAY_MINUTES / 2, true),
            _ => (minute, false),
        };
        let ambiguous = !meridiem && (60..720).contains(&minute);
        Point { clock: Clock::point(minute, grain, ambiguous), meridiem, bare: false }
    }

    /// "midi et demi", "minuit", "noon".
    fn named_point(&self, i: usize) -> Option<(Point, usize)> {
        let hour = match self.lex(i) {
            Lex::Noon => 720,
            Lex::Midnight => 0,
            _ => return None,
        };
        let (minute, end, precise) = self.french_minutes(hour, i + 1, false);
        let grain = if precise { Grain::Minute } else { Grain::Hour };
        Some((Self::explicit(minute, grain, false), end))
    }

    /// What follows the hour: "et demie", "moins le quart", "trente", "30". Gives the minute of the
    /// day, the end, and whether there was anything.
    fn french_minutes(&self, hour: u16, i: usize, glued: bool) -> (u16, usize, bool) {
        let back = |n: u16| (hour + DAY_MINUTES - n) % DAY_MINUTES;
        let and = usize::from(matches!(self.lex(i), Lex::And | Lex::Past));
        match (self.lex(i), self.lex(i + and)) {
            (Lex::Minus, _) => match self.lex(i + 1) {
                Lex::Quarter => return (back(15), i + 2, true),
                Lex::One if self.lex(i + 2) == Lex::Quarter => return (back(15), i + 3, true),
                Lex::Num(n @ 1..=59, _) => {
                    let end = i + 2 + usize::from(self.lex(i + 2) == Lex::Unit(Unit::Minute));
                    return (back(u16::try_from(n).unwrap_or(0)), end, true);
                }
                _ => {}
            },
            (_, Lex::Half) => return (hour + 30, i + and + 1, true),
            (_, Lex::Quarter) => return (hour + 15, i + and + 1, true),
            (_, Lex::One) if self.lex(i + and + 1) == Lex::Quarter => {
                return (hour + 15, i + and + 2, true);
            }
            (_, Lex::ThreeQuarters) => return (hour + 45, i + and + 1, true),
            (_, Lex::Num(3, _)) if self.lex(i + and + 1) == Lex::Quarter => {
                return (hour + 45, i + and + 2, true);
            }
            (_, Lex::Num(n @ 0..=59, digits)) if digits != 1 || glued && self.glued(i) => {
                let after = self.lex(i + and + 1);
                let minutes = after == Lex::Unit(Unit::Minute);
                let other = matches!(after, Lex::Hours | Lex::Am | Lex::Pm | Lex::OClock | Lex::Punct(':'))
                    || counts(after) && !minutes
                    || and == 1 && digits == 2 && !minutes;
                // "14h30": nothing comes between them.
                let stuck = glued && self.glued(i) && and == 0;
                if stuck || !other {
                    let n = u16::try_from(n).unwrap_or(0);
                    return (hour + n, i + and + 1 + usize::from(minutes), true);
                }
            }
            _ => {}
        }
        (hour, i, false)
    }

    fn numbered_point(&self, i: usize, led: bool, bare: bool) -> Option<(Point, usize)> {
        let (n, digits) = match self.lex(i) {
            Lex::Num(n, digits) => (n, digits),
            Lex::One => (1, 0),
            _ => return None,
        };
        if digits >= 3 {
            return self.military(i, n, digits, led);
        }
        let hour = u16::try_from(n).ok().filter(|h| *h <= 24)?;
        let next = self.lex(i + 1);
        let dial = (1..=11).contains(&hour) && !self.zero(i);
        // 14:30, 14.30
        if let (Lex::Punct(':' | '.'), Lex::Num(m @ 0..=59, 2)) = (next, self.lex(i + 2))
            && self.glued(i + 1)
            && self.glued(i + 2)
            && digits > 0
            && hour < 24
            && !(self.lex(i + 3) == Lex::Punct('.') && self.glued(i + 4) && matches!(self.lex(i + 4), Lex::Num(..)))
        {
            let minute = hour * 60 + u16::try_from(m).ok()?;
            let mut end = i + 3;
            if self.lex(end) == Lex::Punct(':') && matches!(self.lex(end + 1), Lex::Num(0..=59, 2)) {
                end += 2;
            }
            let mut point = self.meridiem(minute, Grain::Minute, end);
            point.clock.ambiguous &= dial;
            end += usize::from(point.meridiem || self.lex(end) == Lex::Hours);
            return Some((point, end));
        }
        match next {
            Lex::Hours if matches!(self.lex(i + 2), Lex::Next | Lex::AfterNext) => None,
            Lex::Hours => self.hours(i, hour, dial, led || bare),
            Lex::Unit(Unit::Hour) if !self.is_fr() && self.zero(i) => None,
            Lex::Am | Lex::Pm if (1..=12).contains(&hour) => {
                Some((self.meridiem(hour * 60, Grain::Hour, i + 1), i + 2))
            }
            Lex::Am | Lex::Pm => Some((Self::explicit(hour * 60, Grain::Hour, false), i + 2)),
            Lex::OClock => {
                let point = self.meridiem(hour * 60, Grain::Hour, i + 2);
                Some((point, i + 2 + usize::from(point.meridiem)))
            }
            Lex::Noon if hour == 12 => Some((Self::explicit(720, Grain::Hour, false), i + 2)),
            Lex::Midnight if hour == 12 => Some((Self::explicit(0, Grain::Hour, false), i + 2)),
            // "3 in the am"
            Lex::In | Lex::Art if matches!(self.lex(self.past(i + 1, &[Lex::In, Lex::Art])), Lex::Am | Lex::Pm) => {
                let at = self.past(i + 1, &[Lex::In, Lex::Art]);
                Some((self.meridiem(hour * 60, Grain::Hour, at), at + 1))
            }
            // "five thirty", "at 5 30"
            Lex::Num(m @ 10..=59, d)
                if !self.is_fr()
                    && (1..=12).contains(&hour)
                    && (digits == 0 && d == 0 || led && d == 2 || d == 0 && matches!(m, 15 | 30 | 45))
                    && !counts(self.lex(i + 2)) =>
            {
                let point = self.meridiem(hour * 60 + u16::try_from(m).ok()?, Grain::Minute, i + 2);
                Some((point, i + 2 + usize::from(point.meridiem)))
            }
            _ => self.bare_hour(i, hour, dial, led, bare),
        }
    }

    /// "14 h 30", "quatorze heures trente", "trois heures moins le quart".
    fn hours(&self, i: usize, hour: u16, dial: bool, led: bool) -> Option<(Point, usize)> {
        let (minute, end, precise) = self.french_minutes(hour * 60, i + 2, true);
        let one = self.lex(i) == Lex::One;
        // "une heure" and, in English, "3 hours" are durations unless something leads them.
        let lone = hour == 1 && !self.names_day;
        if !precise && (one || lone || !self.is_fr() && dial && !self.glued(i + 1)) {
            let part = self.past(end, &[Lex::De, Lex::Du, Lex::Art]);
            if !(led && self.is_fr() || matches!(self.lex(part), Lex::Pod(_) | Lex::Am | Lex::Pm)) {
                return None;
            }
        }
        let grain = if precise { Grain::Minute } else { Grain::Hour };
        let mut point = self.meridiem(minute % DAY_MINUTES, grain, end);
        if hour == 24 {
            point = Self::explicit(0, grain, false);
        }
        point.clock.ambiguous &= dial;
        Some((point, end + usize::from(point.meridiem || matches!(self.lex(end), Lex::Am | Lex::Pm))))
    }

    /// "230pm", "at 1430", "1430h".
    fn military(&self, i: usize, n: u32, digits: u8, led: bool) -> Option<(Point, usize)> {
        let (hour, m) = (u16::try_from(n / 100).ok()?, u16::try_from(n % 100).ok()?);
        if hour > 23 || m > 59 {
            return None;
        }
        match self.lex(i + 1) {
            Lex::Am | Lex::Pm if (1..=12).contains(&hour) => {
                Some((self.meridiem(hour * 60 + m, Grain::Minute, i + 1), i + 2))
            }
            Lex::Hours if digits == 4 => Some((Self::explicit(hour * 60 + m, Grain::Minute, false), i + 2)),
            next if led
                && digits == 3
                && !self.is_fr()
                && (1..=12).contains(&hour)
                && (self.names_day || next == Lex::Filler)
                && !counts(next)
                && m % 5 == 0 =>
            {
                let point = self.meridiem(hour * 60 + m, Grain::Minute, i + 1);
                Some((point, i + 1))
            }
            next if led && digits == 4 && !self.is_fr() && !counts(next) && m % 5 == 0 && hour >= 6 => {
                Some((Self::explicit(hour * 60 + m, Grain::Minute, false), i + 1))
            }
            _ => None,
        }
    }

    /// A number that only its surroundings make an hour: "at 3", "demain à 14", "9 du matin".
    fn bare_hour(&self, i: usize, hour: u16, dial: bool, led: bool, bare: bool) -> Option<(Point, usize)> {
        let next = self.lex(i + 1);
        let fraction = matches!(next, Lex::Punct(':' | '.' | ',' | '/'))
            && self.glued(i + 1)
            && matches!(self.lex(i + 2), Lex::Num(..))
            && self.glued(i + 2);
        // "14/16h"
        let slashed = next == Lex::Punct('/') && matches!(self.lex(i + 3), Lex::Hours | Lex::Am | Lex::Pm);
        let fraction = fraction && !slashed;
        if counts(next) && !(slashed && bare) || fraction || self.lex(i) == Lex::One && !bare {
            return None;
        }
        let part = self.past(i + 1, &[Lex::De, Lex::Du, Lex::In, Lex::A, Lex::Art, Lex::This]);
        let parted =
            matches!(self.lex(part), Lex::Pod(_) | Lex::Tonight) || self.lex(i + 1) == Lex::Filler && self.glued(i + 1);
        let by_prefix = led
            && hour > 0
            && if self.is_fr() { (7..=21).contains(&hour) || self.names_day && hour >= 5 } else { true };
        // "9 tomorrow", "demain 14"
        let last = matches!(next, Lex::Edge | Lex::Punct('.' | '?' | '!' | ',' | '\n'));
        let by_day = hour >= 7 && last && matches!(self.before(i), Lex::Rel(_) | Lex::Pod(_))
            || matches!(next, Lex::Rel(_)) && dial && !self.is_fr();
        // "4 or 5 tomorrow", "friday, 4 or 5"
        let by_pair = next == Lex::Or
            && dial
            && self.names_day
            && !self.is_fr()
            && matches!(self.lex(i + 2), Lex::Num(1..=12, 1 | 2))
            && matches!(
                self.lex(i + 3),
                Lex::Edge | Lex::Punct('.' | '?' | '!' | ',' | '\n') | Lex::Rel(_) | Lex::Wd(..) | Lex::On
            );
        let by_prefix = by_prefix || by_day || by_pair;
        if !(bare || parted || by_prefix) {
            return None;
        }
        let clock = Clock::point(hour % 24 * 60, Grain::Hour, dial);
        Some((Point { clock, meridiem: false, bare: !(parted || by_prefix) }, i + 1))
    }

    /// Whether a day was named right before `i`, and no hour.
    fn ends_day(&self, i: usize) -> bool {
        matches!(self.before(i), Lex::Wd(..) | Lex::Rel(_) | Lex::Next)
    }

    /// A part of the day at `i`: "matin", "début d'après-midi", "late afternoon".
    pub(crate) fn part(&self, i: usize) -> Option<(Clock, usize)> {
        let edge = match self.lex(i) {
            Lex::Begin | Lex::Early => Some(Lex::Begin),
            Lex::Middle => Some(Lex::Middle),
            Lex::End | Lex::Late => Some(Lex::End),
            Lex::EndOf(Unit::Day) => return Some((Clock::part(1020, 1260), i + 1)),
            _ => None,
        };
        let at = if edge.is_some() {
            self.past(i + 1, &[Lex::De, Lex::Du, Lex::Art, Lex::In, Lex::On, Lex::This])
        } else {
            i
        };
        let pod = match self.lex(at) {
            Lex::Pod(pod) => pod,
            // "tuesday pm"
            Lex::Am if self.ends_day(at) => Pod::Morning,
            Lex::Pm if self.ends_day(at) => Pod::Afternoon,
            Lex::Unit(Unit::Day) if edge.is_some() => Pod::Day,
            Lex::Tonight if edge.is_some() => Pod::Evening,
            _ => return None,
        };
        let (edge, end) = match self.lex(at + 1) {
            Lex::Early if edge.is_none() => (Some(Lex::Begin), at + 2),
            Lex::Late if edge.is_none() && self.is_fr() => (Some(Lex::End), at + 2),
            _ => (edge, at + 1),
        };
        let (from, to) = hours_of(pod, edge, self.is_fr());
        Some((Clock::part(from * 60, to * 60), end))
    }
}

/// The hours of a part of the day. The values are Duckling's where it has them.
fn hours_of(pod: Pod, edge: Option<Lex>, french: bool) -> (u16, u16) {
    match (pod, edge) {
        (Pod::Morning, Some(Lex::Begin)) => (7, 9),
        (Pod::Morning, Some(Lex::Middle)) => (9, 11),
        (Pod::Morning, Some(_)) => (10, 12),
        (Pod::Morning, None) => (4, 12),
        (Pod::Dawn, _) if french => (7, 9),
        (Pod::Dawn, _) => (4, 9),
        (Pod::Breakfast, _) => (7, 9),
        (Pod::BeforeLunch, _) => (10, 12),
        (Pod::Lunch, _) => (12, 14),
        (Pod::AfterLunch, _) => (13, 17),
        (Pod::Afternoon, Some(Lex::Begin)) => (12, 14),
        (Pod::Afternoon, Some(Lex::Middle)) => (14, 17),
        (Pod::Afternoon, Some(_)) => (17, 19),
        (Pod::Afternoon, None) => (12, 19),
        (Pod::AfterWork, _) => (17, 21),
        (Pod::AfterSchool, _) => (15, 21),
        (Pod::Dinner, _) => (19, 21),
        (Pod::Evening, Some(Lex::Begin)) => (18, 21),
        (Pod::Evening | Pod::Night, Some(Lex::End)) => (21, 24),
        (Pod::Night, None) if french => (22, 30),
        (Pod::Evening | Pod::Night, _) => (18, 24),
        (Pod::Day, Some(Lex::Begin)) => (6, 10),
        (Pod::Day, Some(Lex::Middle)) => (11, 16),
        (Pod::Day, Some(_)) => (17, 21),
        (Pod::Day, None) => (8, 18),
    }
}

/// Passes the "am" or "pm" a point took.
trait MapEnd {
    fn map_end(self, parser: &Parser<'_>) -> Self;
}

impl MapEnd for (Point, usize) {
    fn map_end(self, parser: &Parser<'_>) -> Self {
        let (point, end) = self;
        let took = point.meridiem && matches!(parser.lex(end), Lex::Am | Lex::Pm);
        (point, end + usize::from(took))
    }
}
