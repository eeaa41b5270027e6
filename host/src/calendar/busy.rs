//! The busy times of an outside calendar.

use icalendar::parser::{Component, read_calendar_simple, unfold};
use jiff::{Timestamp, tz::TimeZone};

use crate::model::Slot;

use super::{
    Busy, Error,
    event::{Reader, uid},
    recurrence::Budget,
};

/// The longest text that is read.
pub const MOST_BYTES: usize = 8 * 1024 * 1024;
/// VCALENDAR, VTIMEZONE, STANDARD and one for good measure. The parser recurses, so depth is stack.
const MOST_DEPTH: usize = 8;
/// Looked at when recurring events are expanded; a few tens of milliseconds.
const MOST_DAYS: u32 = 1_000_000;

/// What an outside calendar says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// When its owner is busy within the window, by start; all [`Busy::Elsewhere`].
    pub busy: Vec<Busy>,
    /// Events that could not be read: the owner may be busy then too.
    pub skipped: Vec<Skipped>,
}

/// An event that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The event's UID, at most 128 characters; empty when it has none.
    pub uid: String,
    /// Why.
    pub error: Error,
}

/// Reads the busy times that touch `[from, to)` out of an iCalendar text. They are `with`'s, or everybody's.
///
/// Read are events that begin and end, or last; all-day ones, recurring ones (days, weeks, months, years), their
/// exceptions and their moved instances. Not read are cancelled events and those that leave their owner free
/// (`TRANSP:TRANSPARENT`). A time without a zone is in `zone`, the tenant's.
pub fn read_busy(
    text: &str,
    with: Option<&str>,
    zone: &TimeZone,
    from: Timestamp,
    to: Timestamp,
) -> Result<Reading, Error> {
    let text = unfolded(text)?;
    let roots = read_calendar_simple(&text).map_err(|error| {
        let read = text.len().saturating_sub(error.input.len());
        Error::Malformed(text.bytes().take(read).filter(|byte| *byte == b'\n').count())
    })?;
    let components: Vec<&Component<'_>> = roots.iter().flat_map(|root| &root.components).collect();
    let named = |name: &'static str| {
        components.iter().copied().filter(move |part| part.name.as_str().eq_ignore_ascii_case(name))
    };
    let mut reader = Reader::new(named("VTIMEZONE").collect(), zone, (from, to), Budget(MOST_DAYS));

    let mut reading = Reading::default();
    let events: Vec<&Component<'_>> = named("VEVENT").collect();
    for event in &events {
        // One that cannot be read is told of below.
        let _ = reader.note_moved(event);
    }
    for event in events {
        match reader.busy(event) {
            Ok(intervals) => reading.busy.extend(
                intervals
                    .into_iter()
                    .map(|(start, end)| Busy::Elsewhere(Slot { start, end, with: with.map(str::to_owned) })),
            ),
            Err(error) => reading.skipped.push(Skipped { uid: uid(event).chars().take(128).collect(), error }),
        }
    }
    reading.busy.sort_by_key(|busy| (busy.slot().start, busy.slot().end));
    reading.busy.dedup();
    Ok(reading)
}

/// The text ready for the parser, once it is known to be a calendar that the parser survives.
fn unfolded(text: &str) -> Result<String, Error> {
    if text.len() > MOST_BYTES {
        return Err(Error::TooLarge { bytes: text.len(), most: MOST_BYTES });
    }
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if !starts_with(text, "BEGIN:VCALENDAR") {
        return Err(Error::NotACalendar);
    }
    let text = unfold(text);
    let mut depth = 0_usize;
    for line in text.lines() {
        if starts_with(line.trim_start(), "BEGIN:") {
            depth += 1;
        } else if starts_with(line, "END:") {
            depth = depth.saturating_sub(1);
        }
        if depth > MOST_DEPTH {
            return Err(Error::TooDeep(MOST_DEPTH));
        }
    }
    Ok(text)
}

fn starts_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(events: &str) -> Result<Reading, Error> {
        let text = format!("BEGIN:VCALENDAR\nVERSION:2.0\n{}\nEND:VCALENDAR\n", events.trim());
        let text = text.lines().map(|line| format!("{}\r\n", line.trim_start())).collect::<String>();
        let zone = TimeZone::get("Europe/Paris").unwrap();
        read_busy(&text, Some("anna"), &zone, at("2025-10-20T00:00+02:00"), at("2025-11-03T00:00+01:00"))
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// The busy times of one event, in Paris: `20 14:00-14:30`.
    fn shown(event: &str) -> String {
        let reading = read(&format!("BEGIN:VEVENT\nUID:1\n{event}\nEND:VEVENT")).unwrap();
        shown_all(&reading)
    }

    fn shown_all(reading: &Reading) -> String {
        let zone = TimeZone::get("Europe/Paris").unwrap();
        let mut parts: Vec<String> = reading
            .busy
            .iter()
            .map(|busy| {
                let slot = busy.slot();
                assert_eq!(slot.with.as_deref(), Some("anna"));
                let [start, end] = [slot.start, slot.end].map(|at| zone.to_datetime(at));
                format!("{}-{}", start.strftime("%d %H:%M"), end.strftime("%H:%M"))
            })
            .collect();
        parts.extend(reading.skipped.iter().map(|skipped| skipped.error.to_string()));
        parts.join(", ")
    }

    #[test]
    fn events_are_read() {
        for (event, expected) in [
            ("DTSTART:20251020T120000Z\nDTEND:20251020T123000Z", "20 14:00-14:30"),
            ("DTSTART:20251020T140000\nDURATION:PT45M", "20 14:00-14:45"),
            ("DTSTART;TZID=America/New_York:20251020T090000\nDURATION:PT1H", "20 15:00-16:00"),
            ("DTSTART;TZID=\"Europe/London\":20251020T090000\nDURATION:PT1H", "20 10:00-11:00"),
            ("DTSTART;TZID=/x.org/2005_1/Europe/London:20251020T090000\nDURATION:PT1H", "20 10:00-11:00"),
            ("DTSTART;VALUE=DATE:20251021", "21 00:00-00:00"),
            ("DTSTART;VALUE=DATE:20251021\nDTEND;VALUE=DATE:20251023", "21 00:00-00:00"),
            ("DTSTART:20251021T120000Z", ""),
            ("DTSTART:20251018T120000Z\nDTEND:20251020T060000Z", "18 14:00-08:00"),
            ("DTSTART:20251019T200000Z\nDTEND:20251019T220000Z", ""),
            ("DTSTART:20251020T120000Z\nDURATION:PT1H\nTRANSP:TRANSPARENT", ""),
            ("DTSTART:20251020T120000Z\nDURATION:PT1H\nSTATUS:CANCELLED", ""),
            ("DTSTART:20251020T120000Z\nDURATION:PT1H\nX-MICROSOFT-CDO-BUSYSTATUS:FREE", ""),
            // Wall time stays over the night that the clocks go back
            (
                "DTSTART;TZID=Europe/Paris:20250106T090000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY",
                "20 09:00-10:00, 27 09:00-10:00",
            ),
            ("DTSTART:20250106T080000Z\nDURATION:PT1H\nRRULE:FREQ=WEEKLY", "20 10:00-11:00, 27 09:00-10:00"),
            (
                "DTSTART:20251020T060000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;UNTIL=20251022T060000Z",
                "20 08:00-09:00, 21 08:00-09:00, 22 08:00-09:00",
            ),
            (
                "DTSTART:20251020T060000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;UNTIL=20251021",
                "20 08:00-09:00, 21 08:00-09:00",
            ),
            (
                "DTSTART:20251020T060000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=4\nEXDATE:20251021T060000Z,20251022T060000Z",
                "20 08:00-09:00, 23 08:00-09:00",
            ),
            (
                "DTSTART:20251020T060000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2\nEXDATE;VALUE=DATE:20251020",
                "21 08:00-09:00",
            ),
            ("DTSTART:20251020T060000Z\nDURATION:PT1H\nRDATE:20251024T060000Z", "20 08:00-09:00, 24 08:00-09:00"),
            ("DTSTART;VALUE=DATE:20250106\nRRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", "27 00:00-00:00"),
            // Begins before the window, reaches into it
            ("DTSTART;VALUE=DATE:20251013\nDTEND;VALUE=DATE:20251021\nRRULE:FREQ=YEARLY", "13 00:00-00:00"),
            // Not read, and told
            ("SUMMARY:secret", "find DTSTART; every event needs it"),
            ("DTSTART:tomorrow", "read DTSTART; its value is not valid iCalendar"),
            ("DTSTART:20251020T120000Z\nDTEND:20251399T999999Z", "read DTEND; its value is not valid iCalendar"),
            ("DTSTART:20251020T120000Z\nDURATION:an hour", "read DURATION; its value is not valid iCalendar"),
            (
                "DTSTART;TZID=Nowhere:20251020T120000",
                "find the time zone \"Nowhere\"; name an IANA zone or describe it in a VTIMEZONE",
            ),
            (
                "DTSTART:20251020T120000Z\nRRULE:FREQ=MINUTELY",
                "follow a recurrence rule with FREQ=MINUTELY; only whole days are supported",
            ),
            ("DTSTART:00010101T120000Z\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=9", ""),
        ] {
            assert_eq!(shown(event), expected, "{event}");
        }
    }

    #[test]
    fn moved_and_cancelled_instances_replace_their_originals() {
        let reading = read(
            "BEGIN:VEVENT
            UID:a
            DTSTART;TZID=Europe/Paris:20251020T090000
            DURATION:PT1H
            RRULE:FREQ=DAILY;COUNT=4
            END:VEVENT
            BEGIN:VEVENT
            UID:a
            RECURRENCE-ID;TZID=Europe/Paris:20251021T090000
            DTSTART;TZID=Europe/Paris:20251021T150000
            DURATION:PT1H
            END:VEVENT
            BEGIN:VEVENT
            UID:a
            RECURRENCE-ID:20251022T070000Z
            DTSTART:20251022T070000Z
            STATUS:CANCELLED
            END:VEVENT",
        );
        assert_eq!(shown_all(&reading.unwrap()), "20 09:00-10:00, 21 15:00-16:00, 23 09:00-10:00");
    }

    #[test]
    fn zones_may_be_described_in_the_calendar() {
        let outlook = "BEGIN:VTIMEZONE
            TZID:Romance Standard Time
            BEGIN:STANDARD
            DTSTART:16010101T030000
            TZOFFSETFROM:+0200
            TZOFFSETTO:+0100
            RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10
            END:STANDARD
            BEGIN:DAYLIGHT
            DTSTART:16010101T020000
            TZOFFSETFROM:+0100
            TZOFFSETTO:+0200
            RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3
            END:DAYLIGHT
            END:VTIMEZONE
            BEGIN:VTIMEZONE
            TZID:Office
            BEGIN:STANDARD
            DTSTART:19700101T000000
            TZOFFSETFROM:+0530
            TZOFFSETTO:+0530
            END:STANDARD
            END:VTIMEZONE
            BEGIN:VEVENT
            UID:1
            DTSTART;TZID=Romance Standard Time:20251020T090000
            DTEND;TZID=Romance Standard Time:20251020T100000
            RRULE:FREQ=WEEKLY
            END:VEVENT
            BEGIN:VEVENT
            UID:2
            DTSTART;TZID=Office:20251021T123000
            DURATION:PT30M
            END:VEVENT";
        assert_eq!(shown_all(&read(outlook).unwrap()), "20 09:00-10:00, 21 09:00-09:30, 27 09:00-10:00");
    }

    #[test]
    fn what_is_no_calendar_is_refused_with_a_reason() {
        let zone = TimeZone::UTC;
        let (from, to) = (at("2025-10-20T00:00Z"), at("2025-11-03T00:00Z"));
        let read = |text: &str| read_busy(text, None, &zone, from, to);
        assert_eq!(read(""), Err(Error::NotACalendar));
        assert_eq!(read("<!DOCTYPE html><title>Sign in</title>"), Err(Error::NotACalendar));
        assert_eq!(read("BEGIN:VCALENDAR\r\nEND:VCALENDAR"), Ok(Reading::default()));
        let cut = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:2025";
        assert!(matches!(read(cut), Err(Error::Malformed(_))), "{:?}", read(cut));
        assert_eq!(read(&"BEGIN:VCALENDAR\n".repeat(100_000)), Err(Error::TooDeep(8)));
        let long = format!("BEGIN:VCALENDAR\n{}", "X".repeat(MOST_BYTES));
        assert!(matches!(read(&long), Err(Error::TooLarge { .. })));
        let forever = "BEGIN:VEVENT\nUID:1\nDTSTART:00010101T120000Z\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=9\nEND:VEVENT\n";
        let reading = read(&format!("BEGIN:VCALENDAR\n{}END:VCALENDAR\n", forever.repeat(10))).unwrap();
        assert_eq!(reading.skipped.last().map(|skipped| skipped.error.clone()), Some(Error::TooMany));
    }
}
