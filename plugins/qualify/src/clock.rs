//! Moments as the host writes them, read as wall time of the tenant's zone.

use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Time};

/// A wall time with the offset it was written with (`+02:00`, `Z`, or nothing).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Instant {
    pub(crate) civil: DateTime,
    offset: String,
}

impl Instant {
    /// Reads RFC 3339, with or without an offset; a fraction of a second is dropped.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (head, tail) = text.split_at_checked(19)?;
        let civil = head.parse().ok()?;
        let tail = tail.strip_prefix('.').map_or(tail, |rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
        Some(Self { civil, offset: tail.to_owned() })
    }

    /// So many seconds later (or earlier), at the same offset: a true duration even across a clock change.
    pub(crate) fn plus(&self, seconds: i64) -> String {
        let moved = self.civil.checked_add(seconds.seconds()).unwrap_or(self.civil);
        format!("{moved}{}", self.offset)
    }

    pub(crate) fn date(&self) -> Date {
        self.civil.date()
    }

    pub(crate) fn time(&self) -> Time {
        self.civil.time()
    }
}

/// So many days later.
pub(crate) fn days_after(date: Date, days: i64) -> Date {
    date.checked_add(days.days()).unwrap_or(date)
}

/// Minutes since midnight.
pub(crate) fn minutes(time: Time) -> i32 {
    i32::from(time.hour()) * 60 + i32::from(time.minute())
}

#[cfg(test)]
mod tests {
    use super::Instant;

    #[test]
    fn durations_keep_the_offset() {
        let now = Instant::read("2025-10-08T23:59:30.123+02:00").unwrap();
        assert_eq!(now.plus(60), "2025-10-09T00:00:30+02:00");
        assert_eq!(Instant::read("2025-10-08T10:00:00").unwrap().plus(-3600), "2025-10-08T09:00:00");
        assert_eq!(Instant::read("2025-10-08"), None);
        assert_eq!(Instant::read("demain à quatorze heures"), None);
    }
}
