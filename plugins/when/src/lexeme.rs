//! What a word can mean to the parser, whatever the language; and the look-up of words.

use crate::holidays::Holiday;
use crate::text::Raw;

/// A unit of the calendar or the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    /// A day on which offices are open.
    Workday,
    Week,
    Fortnight,
    Month,
    Quarter,
    Year,
    Weekend,
}

/// A part of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pod {
    Breakfast,
    Morning,
    /// The earliest part of the morning.
    Dawn,
    Lunch,
    BeforeLunch,
    AfterLunch,
    Afternoon,
    AfterWork,
    AfterSchool,
    Dinner,
    Evening,
    Night,
    /// The whole working day ("dans la journée").
    Day,
}

/// What a word means. The parser sees only these, so that one grammar serves both languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lex {
    /// Past either end of the message.
    Edge,
    /// A word that says nothing about time.
    Word,
    /// A number that is not a time: a price, an age, a phone number…
    Opaque,
    /// A number and how many digits wrote it (0: in words).
    Num(u32, u8),
    /// "un", "une", "a", "an": a number only before a unit.
    One,
    /// "a few": a number only before a unit.
    Few(u8),
    Punct(char),
    /// A weekday, 1 = Monday; `true` when the word is more often something else.
    Wd(u8, bool),
    /// A month; `true` when the word is more often something else.
    Mo(u8, bool),
    Unit(Unit),
    Pod(Pod),
    /// "tonight": this evening.
    Tonight,
    /// So many days from today.
    Rel(i8),
    Now,
    /// "as soon as possible".
    Asap,
    This,
    Next,
    /// The one after the next ("d'après", "after next").
    AfterNext,
    Last,
    /// "passé", "d'avant": like `Last`, but only after what it says it of.
    Gone,
    Ord(u8),
    /// "Q1", "T1".
    NthQuarter(u8),
    /// "le lendemain de", "la veille de".
    DayAfter,
    DayBefore,
    /// "le", "the", "on": binds nothing.
    Art,
    /// "le" or "on" right before a date: like `Art`, but a bare number after it is a day.
    On,
    A,
    Au,
    De,
    Du,
    To,
    Until,
    From,
    Between,
    Before,
    After,
    /// "max", "at the latest": bounds what came before.
    Latest,
    /// "at the earliest".
    Earliest,
    By,
    In,
    Within,
    Ago,
    /// "… d'ici": from now, said after a duration.
    Hence,
    Around,
    /// "pendant", "for": a duration follows.
    During,
    Not,
    /// "je peux pas", "c'est mort": negates what came before, else what follows.
    Cannot,
    Yes,
    No,
    Rather,
    /// "pardon", "je veux dire": the last thing said is replaced.
    Sorry,
    Than,
    /// "que", "than": like `Than` after "plutôt", nothing else.
    Que,
    /// "décaler", "move": the first day named is left.
    Move,
    But,
    Or,
    And,
    Except,
    Half,
    Quarter,
    ThreeQuarters,
    Past,
    Minus,
    /// "h", "heures".
    Hours,
    OClock,
    Am,
    Pm,
    Noon,
    Midnight,
    Begin,
    Middle,
    End,
    /// "EOD", "EOW".
    EndOf(Unit),
    Early,
    Late,
    Holiday(Holiday),
    /// 0 spring, 1 summer, 2 autumn, 3 winter.
    Season(u8),
    /// "dans la journée": today, unless another day is named.
    Daylong,
    /// "weekdays": Monday to Friday.
    Weekdays,
    /// A unit that is no time: years of age, euros, metres…
    Measure,
    /// "rue", "avenue": the number before is a house.
    Street,
    /// "numéro", "étage": the number after is a name.
    Label,
    /// A word that may stand between two halves of a phrase ("prévu", "environ").
    Filler,
}

/// Words of one language and what they mean; a key of several words is a phrase, the longest wins.
pub(crate) type Entry = (&'static str, Lex);

const LETTERS: usize = 27;

/// A table of words with an index by first letter, made at compile time.
pub(crate) struct Lexicon<const N: usize> {
    entries: &'static [Entry],
    order: [u16; N],
    starts: [u16; LETTERS + 1],
}

const fn letter(byte: u8) -> usize {
    if byte >= b'a' && byte <= b'z' { (byte - b'a') as usize } else { LETTERS - 1 }
}

impl<const N: usize> Lexicon<N> {
    #[expect(clippy::indexing_slicing, reason = "evaluated at compile time: out of bounds does not compile")]
    pub(crate) const fn new(entries: &'static [Entry]) -> Self {
        let mut starts = [0u16; LETTERS + 1];
        let mut n = 0;
        while n < N {
            starts[letter(entries[n].0.as_bytes()[0]) + 1] += 1;
            n += 1;
        }
        let mut l = 0;
        while l < LETTERS {
            starts[l + 1] += starts[l];
            l += 1;
        }
        let mut next = starts;
        let mut order = [0u16; N];
        n = 0;
        while n < N {
            let l = letter(entries[n].0.as_bytes()[0]);
            order[next[l] as usize] = n as u16;
            next[l] += 1;
            n += 1;
        }
        Self { entries, order, starts }
    }

    /// The longest phrase at the head of `raws`: its meaning and its number of tokens.
    pub(crate) fn longest(&self, raws: &[Raw<'_>]) -> Option<(Lex, usize)> {
        let first = raws.first()?.text;
        let l = letter(*first.as_bytes().first()?);
        let from = usize::from(*self.starts.get(l)?);
        let to = usize::from(*self.starts.get(l + 1)?);
        let mut best: Option<(Lex, usize)> = None;
        for n in self.order.get(from..to)? {
            let (key, lex) = self.entries.get(usize::from(*n))?;
            if let Some(len) = matches(key, first, raws)
                && best.is_none_or(|(_, b)| len > b)
            {
                best = Some((*lex, len));
            }
        }
        best
    }

    #[cfg(test)]
    pub(crate) fn keys(&self) -> impl Iterator<Item = &'static str> {
        self.entries.iter().map(|(key, _)| *key)
    }
}

/// How many tokens of `raws` the phrase `key` covers, if it does.
fn matches(key: &str, first: &str, raws: &[Raw<'_>]) -> Option<usize> {
    let tail = key.strip_prefix(first)?;
    if tail.is_empty() {
        return Some(1);
    }
    let tail = tail.strip_prefix(' ')?;
    let mut len = 1;
    for word in tail.split(' ') {
        if raws.get(len)?.text != word {
            return None;
        }
        len += 1;
    }
    Some(len)
}
