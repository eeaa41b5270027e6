//! From lexemes to what is said: pieces (days, times, ranges, bounds) and the words between them.

use crate::Grain;
use crate::calendar::add_days;
use crate::lexeme::Lex;
use crate::parser::Parser;
use crate::shape::{Clock, DaySpec, Days, Piece};

/// What happens in a message, in order.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Event {
    Piece(Piece),
    /// A word that says how pieces relate: `Or`, `And`, `Not`, `Cannot`, `Yes`, `No`, `Rather`,
    /// `Sorry`, `Than`, `But`, `Except`.
    Op(Lex),
    /// A comma or the like.
    Comma,
    /// A full stop, a line end.
    Stop,
    /// A question mark.
    Asked,
}

/// Nobody says more in a chat message; what comes after is not read.
const EVENTS: usize = 200;

/// The events of a message, and how many tokens its pieces cover.
pub(crate) struct Read {
    pub(crate) events: Vec<Event>,
    pub(crate) covered: usize,
}

impl Parser<'_> {
    /// Reads the whole message.
    pub(crate) fn read(&self) -> Read {
        let mut events = Vec::new();
        let mut covered = 0;
        let mut i = 0;
        let mut moving = false;
        // A bare number is a day of the month after "le 16 ou".
        let mut last_day = None;
        let mut preferred = false;
        while i < self.len() && events.len() < EVENTS {
            let found = self
                .piece(i, moving)
                .or_else(|| self.another_day(i, last_day, &events))
                .or_else(|| self.another_time(i, &events))
                .or_else(|| self.day_of_part(i))
                .or_else(|| self.next_one(i, last_day));
            if let Some((piece, end)) = found {
                last_day = piece.day.or(last_day.filter(|_| piece.time.is_none()));
                events.push(Event::Piece(piece));
                covered += end - i;
                i = end.max(i + 1);
                continue;
            }
            match self.lex(i) {
                Lex::Move => moving = true,
                Lex::Que if preferred => events.push(Event::Op(Lex::Than)),
                Lex::A | Lex::To | Lex::Au if moving => events.push(Event::Op(Lex::Sorry)),
                op @ (Lex::Or
                | Lex::And
                | Lex::Not
                | Lex::Cannot
                | Lex::Yes
                | Lex::No
                | Lex::Rather
                | Lex::Sorry
                | Lex::Than
                | Lex::But
                | Lex::Except) => {
                    preferred |= op == Lex::Rather;
                    events.push(Event::Op(op));
                }
                Lex::Punct(',' | ':' | '(' | ')' | '-' | '/' | '+') => events.push(Event::Comma),
                Lex::Punct('?') => events.push(Event::Asked),
                Lex::Punct('.' | '!' | ';' | '\n') => events.push(Event::Stop),
                _ => {}
            }
            i += 1;
        }
        Read { events, covered }
    }

    /// "le 16 ou 17", "lundi 13, 14 ou 15".
    pub(crate) fn another_day(&self, i: usize, last: Option<DaySpec>, events: &[Event]) -> Option<(Piece, usize)> {
        let last = last?;
        let linked = matches!(events.last(), Some(Event::Op(Lex::Or | Lex::And | Lex::Not) | Event::Comma));
        let at = self.past(i, &[Lex::On, Lex::Art]);
        if !linked || !matches!(last, DaySpec::DayOfMonth(..) | DaySpec::MonthDay(..)) {
            return None;
        }
        let (spec, end) = self.bare_day(at)?;
        let spec = match (spec, last) {
            (DaySpec::DayOfMonth(day, w), DaySpec::MonthDay(month, ..)) if w.is_none() => {
                DaySpec::MonthDay(month, day, None)
            }
            (spec, _) => spec,
        };
        Some((Piece::day(spec), end))
    }

    /// "l'après-midi du 14": a bare number after a part of the day.
    fn day_of_part(&self, i: usize) -> Option<(Piece, usize)> {
        let of_part = self.lex(i) == Lex::Du && matches!(self.before(i), Lex::Pod(_) | Lex::Noon);
        let (spec, end) = if of_part { self.bare_day(i + 1)? } else { return None };
        Some((Piece::day(spec), end))
    }

    /// "10h30 ou 11": a bare number after a time.
    fn another_time(&self, i: usize, events: &[Event]) -> Option<(Piece, usize)> {
        let [.., Event::Piece(Piece { time: Some(_), .. }), Event::Op(Lex::Or)] = events else {
            return None;
        };
        let (point, end) = self.point(i, true)?;
        let hour = point.clock.minute() / 60;
        ((7..=21).contains(&hour) || !self.is_fr() && hour > 0).then_some((Piece::time(point.clock), end))
    }

    /// "cette semaine impossible, la prochaine ok"
    fn next_one(&self, i: usize, last: Option<DaySpec>) -> Option<(Piece, usize)> {
        let Some(DaySpec::Fixed(Days { to: Some(to), grain: Grain::Week, .. })) = last else {
            return None;
        };
        (self.lex(i) == Lex::Next && self.before(i) == Lex::Art)
            .then(|| (Piece::day(DaySpec::Fixed(Days::week(to))), i + 1))
    }

    /// One piece at `i`.
    pub(crate) fn piece(&self, i: usize, moving: bool) -> Option<(Piece, usize)> {
        let opener = match self.lex(i) {
            op @ (Lex::From | Lex::Between | Lex::De | Lex::Du) => Some(op),
            _ => None,
        };
        let at = i + usize::from(opener.is_some());
        if let Some((clock, end)) = self.clock_range(at, opener) {
            return Some((Piece::time(clock), end));
        }
        if let Some((spec, end)) = self.day_range(at, opener, moving) {
            return Some((Piece::day(spec), end));
        }
        if let Some(found) = self.bound(i) {
            return Some(found);
        }
        let (piece, end) = self.offset(i).or_else(|| self.simple(i))?;
        // "16h max", "vendredi au plus tard", "monday at the earliest"
        let last = matches!(self.lex(end + 1), Lex::Edge | Lex::Punct(_));
        match self.lex(end) {
            Lex::Latest => return Some((self.opened(piece, false, piece.time.is_none())?, end + 1)),
            Lex::Until if last => return Some((self.opened(piece, false, piece.time.is_none())?, end + 1)),
            Lex::Earliest => return Some((self.opened(piece, true, false)?, end + 1)),
            Lex::From if last => return Some((self.opened(piece, true, false)?, end + 1)),
            _ => {}
        }
        // "18h ou plus tard", "monday onwards"
        let later = self.past(end, &[Lex::Or, Lex::And]);
        if self.lex(later) == Lex::Hence {
            return Some((self.opened(piece, true, false)?, later + 1));
        }
        Some((piece, end))
    }

    /// A day, a time or a part of the day, with nothing around it.
    pub(crate) fn simple(&self, i: usize) -> Option<(Piece, usize)> {
        match self.lex(i) {
            Lex::During => return self.lasting(i),
            Lex::Now => {
                return Some((
                    Piece::moment(Some(self.now), Some(crate::calendar::add_minutes(self.now, 1)), Grain::Minute),
                    i + 1,
                ));
            }
            Lex::Asap => return Some((Piece::moment(Some(self.now), None, Grain::Minute), i + 1)),
            Lex::Tonight => {
                let (clock, end) = (Clock::part(1080, 1440), i + 1);
                return Some((self.today_at(clock), end));
            }
            Lex::This => {
                if let Some((clock, end)) = self.part(i + 1) {
                    return Some((self.today_at(clock), end));
                }
                if self.lex(i + 1) == Lex::Noon {
                    let (point, end) = self.point(i + 1, false)?;
                    return Some((self.today_at(point.clock), end));
                }
            }
            Lex::Begin | Lex::Early | Lex::Late | Lex::End | Lex::Middle | Lex::EndOf(_) => {
                if let Some((clock, end)) = self.part(i) {
                    let at = self.past(i + 1, &[Lex::De, Lex::Du, Lex::Art, Lex::In, Lex::On]);
                    let today = matches!(self.lex(at), Lex::This | Lex::Tonight);
                    return Some((if today { self.today_at(clock) } else { Piece::time(clock) }, end));
                }
            }
            _ => {}
        }
        // "last night", "yesterday"
        if self.lex(i) == Lex::Last
            && let Some((clock, end)) = self.part(i + 1)
        {
            let piece = Piece { day: Some(DaySpec::day(add_days(self.today, -1))), ..Piece::time(clock) };
            return Some((piece, end));
        }
        if let Some((spec, end)) = self.day(i, 0) {
            return Some((Piece::day(spec), end));
        }
        if let Some((point, end)) = self.point(i, false) {
            return Some((Piece::time(point.clock), end));
        }
        let (clock, end) = self.part(i)?;
        Some((Piece::time(clock), end))
    }

    pub(crate) fn today_at(&self, clock: Clock) -> Piece {
        Piece { day: Some(DaySpec::day(self.today)), ..Piece::time(clock) }
    }

    /// "pendant 2 heures": how long, not when.
    pub(crate) fn lasting(&self, i: usize) -> Option<(Piece, usize)> {
        let (length, end) = self.duration(self.past(i + 1, &[Lex::Next]))?;
        // "not for two weeks": by then. The word before makes of the deadline a beginning.
        let piece = match self.before(i) {
            Lex::Not if length.minutes == 0 => self.deadline(length),
            _ => Piece::default(),
        };
        Some((piece, end))
    }
}
