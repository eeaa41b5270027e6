//! Bounds: "après 18h", "pas avant lundi", "by friday", "within two weeks".

use crate::lexeme::Lex;
use crate::parser::Parser;
use crate::shape::{Clock, DaySpec, Days, Piece, TimeKind};

impl Parser<'_> {
    /// "après 18h", "pas avant lundi", "d'ici la fin de la semaine", "within two weeks".
    pub(crate) fn bound(&self, i: usize) -> Option<(Piece, usize)> {
        let op = self.lex(i);
        let op = if op == Lex::To && i == 0 { Lex::Until } else { op };
        if !matches!(op, Lex::Before | Lex::After | Lex::From | Lex::Until | Lex::By | Lex::Within) {
            return None;
        }
        let at = self.past(i + 1, &[Lex::A, Lex::Around, Lex::De, Lex::Filler, Lex::In]);
        let at = if matches!(self.lex(at), Lex::Du | Lex::Au) { at + 1 } else { at };
        let dated = matches!(self.before(at), Lex::Du | Lex::Au);
        if matches!(op, Lex::By | Lex::Within)
            && let Some((length, end)) = self.duration(self.past(at, &[Lex::Art, Lex::Next]))
            && (op == Lex::Within || !(length.minutes >= 420 && length.days == 0))
        {
            return Some((self.deadline(length), end));
        }
        if op == Lex::Within {
            return None;
        }
        // "pas avant 3 semaines"; "avant 2 h" is a time of day.
        if matches!(op, Lex::After | Lex::From | Lex::Before)
            && let Some((length, end)) = self.duration(at)
            && length.minutes == 0
        {
            return Some(match op {
                Lex::Before => (self.deadline(length), end),
                _ => (self.opened(self.moved(length, 1), true, false)?, end),
            });
        }
        let (piece, end) = self.operand(at, op, dated)?;
        // "dès le matin" is the morning.
        if op == Lex::From && piece.day.is_none() && piece.time.is_some_and(|t| t.kind == TimeKind::Part) {
            return Some((piece, end));
        }
        let (from_end, to_end) = match op {
            Lex::Before => (false, false),
            Lex::After => (true, true),
            Lex::From => (true, false),
            _ => (false, true),
        };
        Some((self.opened(piece, from_end, to_end)?, end))
    }

    pub(crate) fn operand(&self, at: usize, op: Lex, dated: bool) -> Option<(Piece, usize)> {
        if dated && let Some((spec, end)) = self.bare_day_or_dated(at) {
            return Some((Piece::day(spec), end));
        }
        if matches!(op, Lex::By | Lex::Until | Lex::Before)
            && let Some((days, end)) = self.bare_unit(self.past(at, &[Lex::Art, Lex::On, Lex::Du]))
        {
            return Some((Piece::day(DaySpec::Fixed(days)), end));
        }
        if let Lex::Tonight | Lex::This | Lex::Now = self.lex(at)
            && let Some((piece, end)) = self.simple(at)
        {
            return Some((piece, end));
        }
        if let Some((spec, end)) = self.day(at, 0) {
            let clock_at = self.past(end, &[Lex::A]);
            if let Some((point, after)) = self.point(end, false)
                && (clock_at > end || !point.bare)
            {
                return Some((Piece { day: Some(spec), ..Piece::time(point.clock) }, after));
            }
            return Some((Piece::day(spec), end));
        }
        if let Some((point, end)) = self.point(at, true) {
            let hour = point.clock.minute() / 60;
            let fits = !self.is_fr() && hour <= 12 || self.names_day || (7..=21).contains(&hour);
            if !point.bare || fits {
                return Some((Piece::time(point.clock), end));
            }
            return None;
        }
        let (clock, end) = self.part(self.past(at, &[Lex::Art, Lex::On]))?;
        Some((Piece::time(clock), end))
    }

    pub(crate) fn bare_day_or_dated(&self, at: usize) -> Option<(DaySpec, usize)> {
        self.day(at, 0).or_else(|| self.bare_day(at))
    }

    /// A piece of which only one end counts. `upward`: what comes after; `far`: from (or to) its
    /// far end rather than its near one.
    pub(crate) fn opened(&self, piece: Piece, upward: bool, far: bool) -> Option<Piece> {
        match piece {
            Piece { moment: Some(m), .. } => {
                let at = m.from.or(m.to);
                Some(if upward { Piece::moment(at, None, m.grain) } else { Piece::moment(None, at, m.grain) })
            }
            Piece { day: Some(spec), time: Some(clock), .. } => {
                let date = spec.settle(self.today)?.from?;
                let clock = clock.settle(None);
                let minute = if far && clock.kind == TimeKind::Part { clock.to? } else { clock.from? };
                let at = Some(crate::calendar::at_minute(date, minute));
                Some(if upward { Piece::moment(at, None, clock.grain) } else { Piece::moment(None, at, clock.grain) })
            }
            Piece { time: Some(clock), .. } => {
                let minute = match clock.kind {
                    TimeKind::Part if far => clock.to,
                    _ => clock.from,
                };
                let (from, to) = if upward { (minute, None) } else { (None, minute) };
                Some(Piece::time(Clock { from, to, kind: TimeKind::Bound, ..clock }))
            }
            Piece { day: Some(spec), .. } => {
                let days = spec.settle(self.today)?;
                let edge = if far { days.to } else { days.from };
                let (from, to) = if upward { (edge, None) } else { (None, edge) };
                Some(Piece::day(DaySpec::Fixed(Days { from, to, grain: days.grain, weekend: false })))
            }
            _ => None,
        }
    }
}
