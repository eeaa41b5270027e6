//! Understands phrases about appointments in short chat messages, in French and English.
//!
//! ```
//! use jiff::civil::date;
//! use relais_when::{Grain, Lang, understand};
//!
//! let now = date(2025, 10, 8).at(9, 41, 0, 0); // a Wednesday
//! let understood = understand("Demain vers 14h30", now, &[Lang::Fr, Lang::En]);
//! let [it] = understood.alternatives.as_slice() else { panic!() };
//! assert_eq!(it.from, Some(date(2025, 10, 9).at(14, 30, 0, 0)));
//! assert_eq!(it.to, Some(date(2025, 10, 9).at(14, 31, 0, 0)));
//! assert_eq!(it.grain, Grain::Minute);
//!
//! let understood = understand("pas demain, plutôt vendredi", now, &[Lang::Fr]);
//! assert_eq!(understood.alternatives[0].from, Some(date(2025, 10, 10).at(0, 0, 0, 0)));
//! assert_eq!(understood.excluded[0].from, Some(date(2025, 10, 9).at(0, 0, 0, 0)));
//!
//! // A time without a day, and a day without a time.
//! let only_time = &understand("14h30", now, &[Lang::Fr]).alternatives[0];
//! assert!(only_time.day.is_none() && only_time.time.is_some());
//!
//! // What is not a time.
//! assert!(understand("Entre 6,5 et 7", now, &[Lang::Fr]).alternatives.is_empty());
//! ```
//!
//! # Conventions
//!
//! * **Future.** What is left to guess is guessed in the future: "mercredi" said on a Wednesday is
//!   the next one, "le 7" said on the 8th is next month's, a time that has passed today is
//!   tomorrow's. What is said to be past ("hier", "last week", a date with its year) is given as
//!   said; a caller that books meetings drops it.
//! * **Twelve hours.** An hour from 1 to 7 without "am", "pm" or a part of the day is in the
//!   afternoon ("à 3h", "at 3"); 8 to 12 are as they are. A leading zero ("07h30") keeps the
//!   morning. In a range both ends are chosen together ("9 to 5" is 9:00–17:00).
//! * **Parts of the day** (the hours of Duckling, which phrase corpora follow): morning 4–12, noon
//!   and midnight are hours, lunch 12–14, afternoon 12–19, evening and night 18–24 (French "nuit"
//!   22 to 6); beginning,
//!   middle and end of morning 7–9, 9–11, 10–12; of afternoon 12–14, 14–17, 17–19; of evening 18–21
//!   and 21–24; end of the day 17–21; the working day ("en journée") 8–18.
//! * **Stretches.** Weeks begin on Monday. A weekend is Friday 18:00 to Monday 0:00, with a time of
//!   day Saturday and Sunday. Beginning, middle and end of a week: Monday–Tuesday,
//!   Wednesday–Thursday, Thursday–Sunday (English: Friday–Sunday); of a month: 1–10, 10–19 (English:
//!   11–20), from 21; "début mars" is 1–5 March. The first week of a month is the first that
//!   begins in it. Seasons change on 20 March, 21 June, 23 September
//!   and 21 December. Quarters and years have the grain of months.
//! * **"next friday"**, "vendredi prochain" is the coming one, "friday after next" and "vendredi en
//!   huit" a week later. "3/4" is day/month in French, month/day in English when it can be.
//! * **Bounds** have one open end: "après 18h" from 18:00, "avant vendredi" to Friday 0:00, "d'ici
//!   vendredi" and "jusqu'à vendredi" to the end of Friday, "après vendredi" from Saturday.
//! * **Several days with a time** ("la semaine prochaine le matin") reach from that time on the first
//!   day to its end on the last; [`Interval::day`] and [`Interval::time`] tell the two apart.
//! * **Anything goes.** "n'importe quand", "whenever" name no time: no alternatives.
//! * A correction ("mardi, non mercredi") rules out what it corrects; a preference ("demain, enfin
//!   plutôt vendredi") only replaces it.
//!
//! Times are civil: daylight saving is the host's concern. The crate does no I/O, has no state and
//! never panics; the time taken is linear in the length of the message.

#![forbid(unsafe_code)]

mod bound;
mod calendar;
mod clock;
mod combine;
mod date;
mod day;
mod holidays;
mod judge;
mod lex;
mod lexeme;
mod nth;
mod parser;
mod phrase;
mod range;
mod resolve;
mod shape;
mod span;
mod text;
mod weekday;
mod words_en;
mod words_fr;

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, DateTime};

pub use crate::shape::TimeKind;

/// A language the crate understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lang {
    /// French, `fr`.
    Fr,
    /// English, `en`.
    En,
}

/// A language that is neither `fr` nor `en`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownLang;

impl fmt::Display for UnknownLang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("language is not known: use fr or en")
    }
}

impl std::error::Error for UnknownLang {}

impl FromStr for Lang {
    type Err = UnknownLang;

    /// Reads `fr` or `en`, in any case, with or without a region (`fr-FR`, `en_GB`).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let language = text.split(['-', '_']).next().unwrap_or_default();
        if language.eq_ignore_ascii_case("fr") {
            Ok(Self::Fr)
        } else if language.eq_ignore_ascii_case("en") {
            Ok(Self::En)
        } else {
            Err(UnknownLang)
        }
    }
}

/// How precisely a time was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Grain {
    /// "14h30"
    Minute,
    /// "14h", "mercredi matin"
    Hour,
    /// "demain"
    Day,
    /// "la semaine prochaine"
    Week,
    /// "en mars", and longer stretches
    Month,
}

impl Grain {
    /// `minute`, `hour`, `day`, `week` or `month`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }
}

impl fmt::Display for Grain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Days that were said, from `from` to before `to`; `None` is open ("à partir du 8").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayRange {
    /// The first day.
    pub from: Option<Date>,
    /// The day after the last.
    pub to: Option<Date>,
}

/// A time of day that was said, from `from_minute` to before `to_minute`, in minutes since midnight;
/// `None` is open ("après 18h"). `to_minute` passes 1440 when the range ends on the next day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    /// The first minute.
    pub from_minute: Option<u16>,
    /// The minute after the last.
    pub to_minute: Option<u16>,
    /// [`Grain::Minute`] or [`Grain::Hour`].
    pub grain: Grain,
    /// A point, a part of the day, a range or a bound.
    pub kind: TimeKind,
}

/// A half-open interval of wall time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// Its start; `None` when unbounded.
    pub from: Option<DateTime>,
    /// Its end, exclusive; `None` when unbounded.
    pub to: Option<DateTime>,
    /// How precisely it was said.
    pub grain: Grain,
    /// The days, if any were said: without them `from` and `to` are on the first day that fits, and a
    /// caller may want to ask which day.
    pub day: Option<DayRange>,
    /// The time of day, if one was said (a part of the day included). "dans 20 minutes" says both.
    pub time: Option<TimeRange>,
}

/// What a message says about time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Understood {
    /// What would suit, best first; empty when the message names no time.
    pub alternatives: Vec<Interval>,
    /// What would not ("pas demain", "je peux pas jeudi").
    pub excluded: Vec<Interval>,
}

impl Understood {
    /// Nothing was said about time.
    pub fn is_empty(&self) -> bool {
        self.alternatives.is_empty() && self.excluded.is_empty()
    }
}

/// What is settled before the message: the other half of the answer, or the meeting to be moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Settled {
    /// A message that says only a time means this day.
    pub day: Option<Date>,
    /// A message that says only a day keeps this time.
    pub time: Option<TimeRange>,
}

/// What `text` says about time, said at `now` (wall time in the person's zone). The languages are
/// tried in order; the one in which most of the message makes sense wins, the first one in doubt.
pub fn understand(text: &str, now: DateTime, langs: &[Lang]) -> Understood {
    understand_with(text, now, langs, &Settled::default())
}

/// The same as [`understand`], knowing what is already settled: a time alone lands on the settled day
/// (even when that time has passed), a day alone keeps the settled time.
///
/// ```
/// use jiff::civil::date;
/// use relais_when::{Lang, Settled, understand, understand_with};
///
/// let now = date(2025, 10, 8).at(9, 41, 0, 0);
/// let first = understand("14h30", now, &[Lang::Fr]).alternatives[0];
/// let settled = Settled { time: first.time, ..Settled::default() };
/// let both = understand_with("Demain", now, &[Lang::Fr], &settled).alternatives[0];
/// assert_eq!(both.from, Some(date(2025, 10, 9).at(14, 30, 0, 0)));
/// ```
pub fn understand_with(text: &str, now: DateTime, langs: &[Lang], settled: &Settled) -> Understood {
    let folded = text::fold(text);
    let raws = text::scan(&folded);
    let mut best: Option<(usize, Understood)> = None;
    for lang in langs {
        let (toks, known) = lex::lex(&raws, *lang);
        let parser = parser::Parser::new(&toks, now, *lang);
        let read = parser.read();
        let (wanted, ruled_out) = combine::combine(&read.events, parser.today);
        let understood = Understood {
            alternatives: resolve::intervals(&wanted, now, settled),
            excluded: resolve::intervals(&ruled_out, now, settled),
        };
        let score = 3 * known + read.covered;
        if best.as_ref().is_none_or(|(b, _)| score > *b) {
            best = Some((score, understood));
        }
    }
    best.map(|(_, understood)| understood).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    /// Wednesday 8 October 2025, 9:41.
    fn now() -> DateTime {
        date(2025, 10, 8).at(9, 41, 0, 0)
    }

    fn first(text: &str) -> Interval {
        understand(text, now(), &[Lang::Fr, Lang::En]).alternatives[0]
    }

    #[test]
    fn a_message_says_a_day_a_time_or_both() {
        // phrase, says a day, says a time, the kind of time
        let said = [
            ("demain", true, None),
            ("14h30", false, Some(TimeKind::Point)),
            ("mercredi après-midi", true, Some(TimeKind::Part)),
            ("le matin", false, Some(TimeKind::Part)),
            ("entre 10 et 12h", false, Some(TimeKind::Range)),
            ("après 18h", false, Some(TimeKind::Bound)),
            ("avant vendredi", true, None),
            ("dans 20 minutes", true, Some(TimeKind::Point)),
            ("tonight", true, Some(TimeKind::Part)),
        ];
        for (text, day, time) in said {
            let it = first(text);
            assert_eq!((it.day.is_some(), it.time.map(|t| t.kind)), (day, time), "{text}");
        }
    }

    #[test]
    fn the_other_half_may_be_settled() {
        let settled = Settled { day: Some(date(2025, 10, 8)), time: first("14h30").time };
        let with = |text: &str| understand_with(text, now(), &[Lang::Fr], &settled).alternatives[0];
        let from = |text: &str| with(text).from.unwrap();
        // A time alone lands on the settled day, even when it has passed.
        assert_eq!(from("9h"), date(2025, 10, 8).at(9, 0, 0, 0));
        // A day alone keeps the settled time, and says that it was not said.
        assert_eq!(from("Demain"), date(2025, 10, 9).at(14, 30, 0, 0));
        assert_eq!(with("Demain").time, None);
        // Both are said: nothing is kept. Neither is a week a day.
        assert_eq!(from("jeudi 16h"), date(2025, 10, 9).at(16, 0, 0, 0));
        assert_eq!(with("la semaine prochaine").grain, Grain::Week);
    }

    #[test]
    fn languages_have_names() {
        assert_eq!("fr-FR".parse(), Ok(Lang::Fr));
        assert_eq!("EN".parse(), Ok(Lang::En));
        assert_eq!("de".parse::<Lang>(), Err(UnknownLang));
        assert!(understand("demain", now(), &[]).is_empty());
    }
}
