//! Opening hours → free slots, booking rules, the iCalendar feed, busy times of outside calendars.
//!
//! Everything here is a function of its arguments: no clock, no store, no network.
//!
//! * [`Calendar`] and [`ContactHours`] are the `[calendar]` and `[contact-hours]` tables of `tenant.toml`;
//! * [`Agenda`] answers what is free and whether a start can be booked;
//! * [`feed`](feed()) writes what Google, Outlook and Apple subscribe to;
//! * [`read_busy`] reads what they publish.

mod agenda;
mod busy;
mod column;
mod contact;
mod event;
mod feed;
mod holidays;
mod hours;
mod opening;
mod recurrence;
mod wall;
mod zone;

pub use agenda::Agenda;
pub use busy::{MOST_BYTES, Reading, Skipped, read_busy};
pub use column::Busy;
pub use contact::ContactHours;
pub use feed::{Entry, feed};
pub use holidays::{Holidays, french_holiday};
pub use hours::{Calendar, Person};
pub use opening::{Closure, Opening, Week};

use std::fmt;

/// What is wrong with a table of `tenant.toml`, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where, such as `calendar.hours.mon.1`; items of a list count from 0.
    pub path: String,
    /// One sentence without a full stop.
    pub message: String,
}

impl Problem {
    fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

/// Why an outside calendar, or one event of it, cannot be read. Never quotes what an event says: names of other
/// people's appointments do not belong in logs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Longer than what is read.
    #[error("read a calendar of {bytes} bytes; publish a shorter period, at most {most} bytes are read")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The limit.
        most: usize,
    },
    /// A web page, for instance.
    #[error("find BEGIN:VCALENDAR; check that the address gives an .ics file and asks for no login")]
    NotACalendar,
    /// A content line without a name, or a component that is not closed.
    #[error("read the calendar after line {0} (folded lines count once); it is cut short or not iCalendar")]
    Malformed(usize),
    /// Components within components within components…
    #[error("read components nested deeper than {0}")]
    TooDeep(usize),
    /// A property that every event needs.
    #[error("find {0}; every event needs it")]
    Missing(&'static str),
    /// A property whose value is not what RFC 5545 asks for.
    #[error("read {0}; its value is not valid iCalendar")]
    Invalid(&'static str),
    /// The calendar names a zone that nobody knows and that it does not describe.
    #[error("find the time zone {0:?}; name an IANA zone or describe it in a VTIMEZONE")]
    Zone(String),
    /// A part of a recurrence rule that is not supported.
    #[error("follow a recurrence rule with {0}; only whole days are supported")]
    Rule(String),
    /// The rules of the calendar give more than one is willing to count.
    #[error("expand the recurring events; together they span too many days")]
    TooMany,
}
