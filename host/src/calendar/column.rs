//! What stands in the calendar of one person.

use jiff::{SignedDuration, Timestamp};

use crate::{model::Slot, store::BookingRule};

use super::Week;

/// Something that stands in a calendar. Leave out the meeting that is about to be moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Busy {
    /// A booked meeting: takes one of the places of its calendar, or of everybody's when it is with nobody in particular.
    Meeting(Slot),
    /// An appointment of an outside calendar: takes all places, of one person or (with none) of everybody.
    Elsewhere(Slot),
}

impl Busy {
    /// When, and whose.
    pub fn slot(&self) -> &Slot {
        match self {
            Self::Meeting(slot) | Self::Elsewhere(slot) => slot,
        }
    }
}

impl From<Slot> for Busy {
    /// A booked meeting's.
    fn from(slot: Slot) -> Self {
        Self::Meeting(slot)
    }
}

/// The calendar of one person, or of a tenant without people.
pub(super) struct Column<'a> {
    pub(super) person: Option<&'a str>,
    pub(super) week: &'a Week,
    /// How many meetings it has, for the fair share.
    pub(super) meetings: usize,
    own: Intervals,
    elsewhere: Intervals,
}

impl<'a> Column<'a> {
    pub(super) fn new(person: Option<&'a str>, week: &'a Week, busy: &[Busy]) -> Self {
        let concerns = |slot: &Slot| person.is_none() || slot.with.is_none() || slot.with.as_deref() == person;
        let of = |wants_meetings: bool| {
            busy.iter().filter_map(move |busy| match busy {
                Busy::Meeting(slot) => (wants_meetings && concerns(slot)).then_some(slot),
                Busy::Elsewhere(slot) => (!wants_meetings && concerns(slot)).then_some(slot),
            })
        };
        let own = Intervals::of(of(true));
        Self { person, week, meetings: own.starts.len(), own, elsewhere: Intervals::of(of(false)) }
    }

    /// Whether one more meeting from `start` to `end` has room: nothing else is in the way, and fewer meetings than the
    /// capacity touch it or the buffer around it.
    pub(super) fn has_room(&self, start: Timestamp, end: Timestamp, rule: BookingRule) -> bool {
        let buffer = SignedDuration::from_secs(rule.buffer_seconds.into());
        let from = start.checked_sub(buffer).unwrap_or(Timestamp::MIN);
        let to = end.checked_add(buffer).unwrap_or(Timestamp::MAX);
        self.elsewhere.touching(from, to) == 0
            && self.own.touching(from, to) < usize::try_from(rule.capacity).unwrap_or(usize::MAX)
    }

    pub(super) fn slot(&self, start: Timestamp, end: Timestamp) -> Slot {
        Slot { start, end, with: self.person.map(str::to_owned) }
    }
}

/// Intervals that can be counted quickly: their starts and, apart from them, their ends, each in order.
struct Intervals {
    starts: Vec<Timestamp>,
    ends: Vec<Timestamp>,
}

impl Intervals {
    fn of<'a>(slots: impl Iterator<Item = &'a Slot>) -> Self {
        let (mut starts, mut ends): (Vec<_>, Vec<_>) =
            slots.filter(|slot| slot.start < slot.end).map(|slot| (slot.start, slot.end)).unzip();
        starts.sort_unstable();
        ends.sort_unstable();
        Self { starts, ends }
    }

    /// How many share a moment with `[from, to)`: those that began before its end less those that ended by its start.
    fn touching(&self, from: Timestamp, to: Timestamp) -> usize {
        let begun = self.starts.partition_point(|start| *start < to);
        let ended = self.ends.partition_point(|end| *end <= from);
        begun.saturating_sub(ended)
    }
}
