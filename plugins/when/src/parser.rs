//! The parser's hold on the message, and the small things every rule needs.

use jiff::civil::{Date, DateTime};

use crate::Lang;
use crate::lex::Tok;
use crate::lexeme::Lex;

/// A message in one language, at one moment.
pub(crate) struct Parser<'a> {
    toks: &'a [Tok],
    pub(crate) now: DateTime,
    pub(crate) today: Date,
    pub(crate) lang: Lang,
    /// Some day is named in the message: a bare number is then more likely an hour.
    pub(crate) names_day: bool,
}

/// How deep a phrase may nest ("the beginning of the second week of …").
pub(crate) const DEPTH: u8 = 4;

impl<'a> Parser<'a> {
    pub(crate) fn new(toks: &'a [Tok], now: DateTime, lang: Lang) -> Self {
        let names_day = toks
            .iter()
            .any(|t| matches!(t.lex, Lex::Wd(_, false) | Lex::Rel(_) | Lex::Mo(_, false) | Lex::Pod(_) | Lex::Tonight));
        Self { toks, now, today: now.date(), lang, names_day }
    }

    pub(crate) fn len(&self) -> usize {
        self.toks.len()
    }

    pub(crate) fn lex(&self, i: usize) -> Lex {
        self.toks.get(i).map_or(Lex::Edge, |t| t.lex)
    }

    pub(crate) fn before(&self, i: usize) -> Lex {
        i.checked_sub(1).map_or(Lex::Edge, |i| self.lex(i))
    }

    pub(crate) fn glued(&self, i: usize) -> bool {
        self.toks.get(i).is_some_and(|t| t.glued)
    }

    pub(crate) fn hyphen(&self, i: usize) -> bool {
        self.toks.get(i).is_some_and(|t| t.hyphen)
    }

    pub(crate) fn zero(&self, i: usize) -> bool {
        self.toks.get(i).is_some_and(|t| t.zero)
    }

    /// The first token from `i` on that is none of the small words of `skip`.
    pub(crate) fn past(&self, mut i: usize, skip: &[Lex]) -> usize {
        let end = i + 5;
        while i < end && skip.contains(&self.lex(i)) {
            i += 1;
        }
        i
    }

    /// Passes "de la", "of the", "du"…
    pub(crate) fn past_of(&self, i: usize) -> usize {
        self.past(i, &[Lex::De, Lex::Du, Lex::Art, Lex::On])
    }

    pub(crate) fn is_fr(&self) -> bool {
        self.lang == Lang::Fr
    }

    /// A word that is more often something else stands where a date would.
    pub(crate) fn plausible(&self, i: usize, weak: bool) -> bool {
        if !weak || self.toks.len() <= 1 + usize::from(self.lex(i + 1) == Lex::Punct('.')) {
            return true;
        }
        let near = |lex: Lex| {
            matches!(
                lex,
                Lex::Num(..)
                    | Lex::Ord(_)
                    | Lex::Pod(_)
                    | Lex::Next
                    | Lex::This
                    | Lex::Last
                    | Lex::Or
                    | Lex::To
                    | Lex::Mo(..)
                    | Lex::Wd(_, _)
                    | Lex::Begin
                    | Lex::Middle
                    | Lex::End
                    | Lex::Early
                    | Lex::Late
                    | Lex::From
                    | Lex::Before
                    | Lex::After
                    | Lex::By
            )
        };
        let before = self.before(i);
        let after = self.lex(i + 1);
        let after = if matches!(after, Lex::Punct('.' | ',')) { self.lex(i + 2) } else { after };
        near(before)
            || near(after) && after != Lex::From
            || matches!(after, Lex::A | Lex::Noon)
            || matches!(before, Lex::On | Lex::In | Lex::De) && !self.is_fr()
    }
}
