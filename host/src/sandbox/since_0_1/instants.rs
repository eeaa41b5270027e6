//! The contract's instants.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// Longer is no instant, whatever it is.
const MOST_BYTES: usize = 64;

/// Why a text is no instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "is not an instant; write it like 2025-10-09T14:30:00+02:00, or without the offset for the wall time of the tenant's zone"
)]
pub(super) struct Unreadable;

/// An instant as the host gives it: whole seconds, with the offset of the zone.
pub(super) fn write(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// An instant as a flow may give it. Without an offset it is the wall time of the zone: a time that a clock change skips
/// moves forward, one that it repeats means the first.
pub(super) fn read(text: &str, zone: &TimeZone) -> Result<Timestamp, Unreadable> {
    // A date alone is not an instant, though the parser would take it for midnight.
    if text.len() > MOST_BYTES || !text.contains(['T', 't', ' ']) {
        return Err(Unreadable);
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let wall: DateTime = text.parse().map_err(|_| Unreadable)?;
    let zoned = wall.to_zoned(zone.clone()).map_err(|_| Unreadable)?;
    Ok(zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_with_and_without_an_offset() {
        let paris = TimeZone::get("Europe/Paris").unwrap();
        for (text, meant) in [
            ("2025-10-09T14:30:00+02:00", "2025-10-09T12:30:00Z"),
            ("2025-10-09T12:30:00Z", "2025-10-09T12:30:00Z"),
            ("2025-10-09T14:30:00", "2025-10-09T12:30:00Z"),
            ("2025-10-09 14:30", "2025-10-09T12:30:00Z"),
            // Skipped: the clock jumps from 2 to 3.
            ("2025-03-30T02:30:00", "2025-03-30T01:30:00Z"),
            // Repeated: summer time comes first.
            ("2025-10-26T02:30:00", "2025-10-26T00:30:00Z"),
        ] {
            assert_eq!(read(text, &paris), Ok(meant.parse().unwrap()), "{text}");
        }
        for text in ["", "demain", "2025-10-09", "2025-13-09T14:30:00", "2025-10-09T25:00:00", "14:30"] {
            assert_eq!(read(text, &paris), Err(Unreadable), "{text}");
        }
        let at = "2025-10-09T12:30:00.75Z".parse().unwrap();
        assert_eq!(write(at, &paris), "2025-10-09T14:30:00+02:00");
        assert_eq!(write(at, &TimeZone::UTC), "2025-10-09T12:30:00+00:00");
    }
}
