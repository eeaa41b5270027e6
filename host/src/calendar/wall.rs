//! Wall time → instants, also on the two odd days of the year.

use jiff::{
    Timestamp, ToSpan as _,
    civil::{Date, Time},
    tz::{AmbiguousOffset, TimeZone},
};

/// When a clock on the wall shows a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wall {
    /// Then; the first time when it shows it twice (the clocks go back).
    At(Timestamp),
    /// Never: it is set forward past that time at this instant.
    Skipped(Timestamp),
}

impl Wall {
    /// Of a minute of a day, 0 to 1440 (the next midnight). None beyond the years that dates can have.
    pub(super) fn of(zone: &TimeZone, date: Date, minute: u16) -> Option<Self> {
        let (date, minute) = match minute.checked_sub(1_440) {
            Some(over) => (date.tomorrow().ok()?, over),
            None => (date, minute),
        };
        let time = Time::new(i8::try_from(minute / 60).ok()?, i8::try_from(minute % 60).ok()?, 0, 0).ok()?;
        let shown = zone.to_ambiguous_timestamp(date.to_datetime(time));
        let is_skipped = matches!(shown.offset(), AmbiguousOffset::Gap { .. });
        // In a gap this is past the transition by as much as the wanted time is past the gap's beginning.
        let instant = shown.compatible().ok()?;
        if !is_skipped {
            return Some(Self::At(instant));
        }
        let just_after = instant.checked_add(1.nanosecond()).ok()?;
        let transition = zone.preceding(just_after).next()?;
        Some(Self::Skipped(transition.timestamp()))
    }

    /// That instant.
    pub(super) fn instant(self) -> Timestamp {
        match self {
            Self::At(instant) | Self::Skipped(instant) => instant,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_go_forward_and_back() {
        let zone = TimeZone::get("Europe/Paris").unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        for (day, minute, expected) in [
            ("2026-03-29", 119, Wall::At(at("2026-03-29T00:59Z"))),
            ("2026-03-29", 120, Wall::Skipped(at("2026-03-29T01:00Z"))),
            ("2026-03-29", 150, Wall::Skipped(at("2026-03-29T01:00Z"))),
            ("2026-03-29", 180, Wall::At(at("2026-03-29T01:00Z"))),
            ("2026-03-29", 1440, Wall::At(at("2026-03-29T22:00Z"))),
            ("2025-10-26", 150, Wall::At(at("2025-10-26T00:30Z"))),
            ("2025-10-26", 180, Wall::At(at("2025-10-26T02:00Z"))),
        ] {
            assert_eq!(Wall::of(&zone, day.parse().unwrap(), minute), Some(expected), "{day} {minute}");
        }
    }
}
