//! When something happens in a golden conversation, as people write it.

use std::fmt;

use jiff::{
    SignedDuration, Span, SpanRelativeTo, Timestamp,
    civil::{DateTime, Time},
    fmt::friendly::{Designator, SpanPrinter},
    tz::TimeZone,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::Value;

/// A day and a time: on the tenant's wall clock (`2025-10-08 09:31`), or with an offset
/// (`2025-10-08T09:31:00+02:00`). TOML's own date-times are welcome too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Whatever the zone.
    Instant(Timestamp),
    /// On the wall clock of the tenant's zone.
    Wall(DateTime),
}

impl Moment {
    /// The instant, for a tenant in `zone`. A time that a clock change skips moves forward; one that it repeats means
    /// the first.
    pub fn instant(&self, zone: &TimeZone) -> Timestamp {
        match self {
            Self::Instant(at) => *at,
            // Only beyond the year 9999 there is no such instant.
            Self::Wall(wall) => wall.to_zoned(zone.clone()).map_or(Timestamp::MAX, |zoned| zoned.timestamp()),
        }
    }

    /// `at` on the wall clock of `zone`, as it is written in a file.
    pub fn wall(at: Timestamp, zone: &TimeZone) -> Self {
        Self::Wall(at.to_zoned(zone.clone()).datetime())
    }

    fn read(text: &str) -> Option<Self> {
        // A day alone is no moment.
        let text = Some(text.trim()).filter(|text| text.contains(':'))?;
        let instant = text.parse().map(Self::Instant);
        instant.or_else(|_| text.parse::<DateTime>().map(Self::Wall)).ok()
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instant(at) => write!(f, "{at}"),
            Self::Wall(wall) if wall.second() == 0 => f.write_str(&wall.strftime("%Y-%m-%d %H:%M").to_string()),
            Self::Wall(wall) => f.write_str(&wall.strftime("%Y-%m-%d %H:%M:%S").to_string()),
        }
    }
}

/// When, seen from the step before: `+2h` after it, at the next `13:30`, or at a [`Moment`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// So long after the step before.
    After(SignedDuration),
    /// The next time that the tenant's clock shows this.
    Clock(Time),
    /// Then.
    At(Moment),
}

impl When {
    /// The instant, counted from `before`, for a tenant in `zone`.
    pub fn instant(&self, before: Timestamp, zone: &TimeZone) -> Timestamp {
        match self {
            Self::After(pause) => before.checked_add(*pause).unwrap_or(Timestamp::MAX),
            Self::At(moment) => moment.instant(zone),
            Self::Clock(time) => {
                let today = before.to_zoned(zone.clone()).date();
                let days = [Some(today), today.tomorrow().ok()];
                let next = days.into_iter().flatten().find_map(|day| {
                    let at = Moment::Wall(day.to_datetime(*time)).instant(zone);
                    (at >= before).then_some(at)
                });
                next.unwrap_or(before)
            }
        }
    }

    fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some(moment) = Moment::read(text) {
            return Some(Self::At(moment));
        }
        if text.contains(':') {
            let padded = if text.find(':') == Some(1) { format!("0{text}") } else { text.to_owned() };
            return padded.parse().map(Self::Clock).ok();
        }
        let span: Span = text.strip_prefix('+').unwrap_or(text).trim().parse().ok()?;
        let pause = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
        (!pause.is_negative()).then_some(Self::After(pause))
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::After(pause) => {
                let printer = SpanPrinter::new().designator(Designator::Compact);
                let hours = pause.as_hours();
                // `2d` reads better than `48h`.
                if *pause == SignedDuration::from_hours(hours) && hours > 24 && hours % 24 == 0 {
                    write!(f, "+{}d", hours / 24)
                } else {
                    write!(f, "+{}", printer.duration_to_string(pause).replace(' ', ""))
                }
            }
            Self::Clock(time) if time.second() == 0 => f.write_str(&time.strftime("%H:%M").to_string()),
            Self::Clock(time) => f.write_str(&time.strftime("%H:%M:%S").to_string()),
            Self::At(moment) => moment.fmt(f),
        }
    }
}

/// The text of a time: a string, or a TOML date-time, which arrives as a map with one key.
fn text_of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => text,
        Value::Object(map) => map.values().find_map(Value::as_str).unwrap_or_default().to_owned(),
        _ => String::new(),
    })
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wrong = || D::Error::custom("write a day and a time, such as \"2025-10-08 09:31\"");
        Self::read(&text_of(deserializer)?).ok_or_else(wrong)
    }
}

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wrong = || D::Error::custom("write \"+2h\", a time such as \"13:30\", or \"2025-10-08 13:30\"");
        Self::read(&text_of(deserializer)?).ok_or_else(wrong)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for When {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let paris = TimeZone::get("Europe/Paris").unwrap();
        let before: Timestamp = "2025-10-25T20:00:00+02:00".parse().unwrap();
        for (text, expected, shown) in [
            ("+2h", "2025-10-25T22:00:00+02:00", "+2h"),
            ("90s", "2025-10-25T20:01:30+02:00", "+1m30s"),
            ("2d", "2025-10-27T19:00:00+01:00", "+2d"),
            ("21:30", "2025-10-25T21:30:00+02:00", "21:30"),
            ("9:30", "2025-10-26T09:30:00+01:00", "09:30"),
            ("2025-10-27 09:00", "2025-10-27T09:00:00+01:00", "2025-10-27 09:00"),
            ("2025-10-27T09:00:05+01:00", "2025-10-27T09:00:05+01:00", "2025-10-27T08:00:05Z"),
        ] {
            let when = When::read(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(when.instant(before, &paris), expected.parse().unwrap(), "{text}");
            assert_eq!(when.to_string(), shown);
            assert_eq!(When::read(&when.to_string()), Some(when), "{text}");
        }
        for wrong in ["", "soon", "-2h", "25:00", "2025-13-01 10:00"] {
            assert_eq!(When::read(wrong), None, "{wrong}");
        }
    }
}
