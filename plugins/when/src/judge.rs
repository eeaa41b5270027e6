//! What the words around a piece make of it: wanted or ruled out, an alternative, a correction.

use crate::lexeme::Lex;
use crate::phrase::Event;
use crate::shape::{Clock, DaySpec, Days, Piece, TimeKind};

/// How a piece hangs on the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    Next,
    Comma,
    Stop,
    And,
    Or,
}

/// A piece with what the words around it make of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Said {
    pub(crate) piece: Piece,
    pub(crate) link: Link,
    /// An alternative of its own: a comma or a "yes" came before the "or" ("lundi, ou mardi après 15h").
    pub(crate) apart: bool,
    pub(crate) wanted: bool,
    /// It corrects the piece before.
    pub(crate) replaces: bool,
    /// What it corrects was ruled out; what it leaves unsaid is kept ("demain à 14h, non 15h").
    pub(crate) inherits: bool,
}

/// Is this piece open at one end?
fn bounded(piece: &Piece) -> bool {
    piece.time.is_some_and(|t| t.kind == TimeKind::Bound)
        || matches!(piece.day, Some(DaySpec::Fixed(Days { from, to, .. })) if from.is_none() || to.is_none())
}

/// "pas avant" makes "à partir de", and the reverse.
fn complement(piece: Piece) -> Piece {
    Piece {
        day: match piece.day {
            Some(DaySpec::Fixed(days)) if days.from.is_none() || days.to.is_none() => {
                Some(DaySpec::Fixed(Days { from: days.to, to: days.from, ..days }))
            }
            day => day,
        },
        time: piece.time.map(|t| match t.kind {
            TimeKind::Bound => Clock { from: t.to, to: t.from, ..t },
            _ => t,
        }),
        moment: piece.moment,
    }
}

/// Decides for each piece whether it is wanted, and what links it to the one before.
pub(crate) fn judge(events: &[Event]) -> Vec<Said> {
    let mut said: Vec<Said> = Vec::new();
    let mut negative = false;
    let mut link = Link::Next;
    let (mut replaces, mut inherits, mut apart) = (false, false, false);
    // Pieces from here on belong to the clause, and to the clause before it.
    let (mut clause, mut before) = (0, 0);
    for (n, event) in events.iter().enumerate() {
        let rest = events.get(n + 1..).unwrap_or_default();
        match *event {
            Event::Piece(piece) => {
                if piece.day.is_none() && piece.time.is_none() && piece.moment.is_none() {
                    continue;
                }
                let flips = negative && bounded(&piece);
                let piece = if flips { complement(piece) } else { piece };
                said.push(Said { piece, link, apart, wanted: !negative || flips, replaces, inherits });
                link = Link::Next;
                (replaces, inherits, apart) = (false, false, false);
                // "pas avant 18h en semaine": what follows belongs to what was turned round.
                negative &= !flips;
            }
            Event::Comma | Event::Stop | Event::Asked => {
                if said.len() > clause {
                    before = clause;
                    clause = said.len();
                }
                link = link.max_of(if matches!(event, Event::Comma) { Link::Comma } else { Link::Stop });
                negative = false;
            }
            Event::Op(op) => match op {
                Lex::Or => {
                    apart = !matches!(link, Link::Next) || said.len() == clause;
                    link = Link::Or;
                }
                Lex::And => link = link.max_of(Link::And),
                Lex::Not | Lex::Except | Lex::Than => {
                    let follows = piece_follows(rest);
                    if follows {
                        negative = true;
                    } else if op == Lex::Not {
                        reject(&mut said, clause);
                    }
                }
                Lex::Cannot => {
                    if said.len() > clause && said.iter().skip(clause).any(|s| s.wanted) {
                        reject(&mut said, clause);
                        clause = said.len();
                    } else if piece_follows(rest) {
                        negative = true;
                    } else {
                        reject(&mut said, before);
                    }
                }
                Lex::No => {
                    let asked = matches!(rest.first(), Some(Event::Asked));
                    if said.len() > clause && !negative {
                        reject(&mut said, clause);
                        (replaces, inherits) = (true, true);
                        clause = said.len();
                    } else if !said.is_empty()
                        && !asked
                        && !negative
                        && !matches!(rest.first(), Some(Event::Op(Lex::Not)))
                    {
                        reject(&mut said, before);
                        (replaces, inherits) = (true, true);
                    }
                }
                Lex::Yes => {
                    negative = false;
                    before = clause;
                    clause = said.len();
                }
                Lex::But => {
                    negative = false;
                    before = clause;
                    clause = said.len();
                    link = link.max_of(Link::Comma);
                }
                Lex::Rather | Lex::Sorry => {
                    negative = false;
                    replaces = true;
                    before = clause;
                    clause = said.len();
                }
                _ => {}
            },
        }
    }
    said
}

impl Link {
    fn max_of(self, other: Self) -> Self {
        if self == Link::Or || self == Link::And && other != Link::Or { self } else { other }
    }
}

/// Whether a piece comes before the clause ends.
fn piece_follows(rest: &[Event]) -> bool {
    rest.iter()
        .take_while(|e| {
            !matches!(e, Event::Comma | Event::Stop | Event::Asked | Event::Op(Lex::But | Lex::Rather | Lex::Yes))
        })
        .any(|e| matches!(e, Event::Piece(_)))
}

/// The pieces from `start` on are not wanted, or what is left of them.
fn reject(said: &mut [Said], start: usize) {
    for s in said.iter_mut().skip(start).filter(|s| s.wanted) {
        if bounded(&s.piece) {
            s.piece = complement(s.piece);
        } else {
            s.wanted = false;
        }
    }
}
