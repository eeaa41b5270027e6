//! The zones that an outside calendar names.

use icalendar::parser::Component;
use jiff::tz::TimeZone;

use super::{
    Error,
    event::property,
    recurrence::{Frequency, Rule},
};

/// The zone that a `TZID` means: an IANA zone, also behind a vendor's prefix
/// (`/example.com/20050126_1/Europe/Paris`), else what a `VTIMEZONE` of the same name describes, as Outlook does for
/// `Romance Standard Time`.
pub(super) fn resolve(id: &str, described: &[&Component<'_>]) -> Result<TimeZone, Error> {
    let mut name = id.trim_start_matches('/');
    loop {
        if let Ok(zone) = TimeZone::get(name) {
            return Ok(zone);
        }
        match name.split_once('/') {
            Some((_, rest)) => name = rest,
            None => break,
        }
    }
    described
        .iter()
        .find(|component| property(component, "TZID").is_some_and(|found| found.val.as_str() == id))
        .and_then(|component| TimeZone::posix(&posix(component)?).ok())
        .ok_or_else(|| Error::Zone(id.chars().take(64).collect()))
}

/// The rules that a `VTIMEZONE` gives for today, as a POSIX TZ string such as `<STD>-01:00<DST>-02:00,M3.5.0/02:00,M10.5.0/03:00`.
fn posix(zone: &Component<'_>) -> Option<String> {
    let latest = |kind: &str| {
        zone.components
            .iter()
            .filter(|part| part.name.as_str().eq_ignore_ascii_case(kind))
            // The times are written so that they sort as texts.
            .max_by_key(|part| property(part, "DTSTART").map(|found| found.val.as_str().to_owned()))
    };
    let standard = latest("STANDARD")?;
    let standard_offset = offset(standard)?;
    // An observance without a rule happened once: no clock has been changed since.
    let yearly = latest("DAYLIGHT").and_then(|daylight| Some((daylight, change(daylight)?, change(standard)?)));
    let Some((daylight, begins, ends)) = yearly else {
        return Some(format!("<STD>{standard_offset}"));
    };
    Some(format!("<STD>{standard_offset}<DST>{},{begins},{ends}", offset(daylight)?))
}

/// `TZOFFSETTO:+0100` → `-01:00`: POSIX counts westward.
fn offset(observance: &Component<'_>) -> Option<String> {
    let text = property(observance, "TZOFFSETTO")?.val.as_str();
    let sign = match text.get(..1)? {
        "+" => '-',
        "-" => '+',
        _ => return None,
    };
    Some(format!("{sign}{}:{}", text.get(1..3)?, text.get(3..5)?))
}

/// When the clocks change: `RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU` at `DTSTART:…T030000` → `M10.5.0/03:00`.
fn change(observance: &Component<'_>) -> Option<String> {
    let rule = Rule::parse(property(observance, "RRULE")?.val.as_str()).ok()?;
    let ([month], [(Some(nth), day), ..], Frequency::Yearly) =
        (rule.months.as_slice(), rule.days.as_slice(), rule.frequency)
    else {
        return None;
    };
    let week = match nth {
        -1 => 5,
        1..=4 => *nth,
        _ => return None,
    };
    let (_, time) = property(observance, "DTSTART")?.val.as_str().split_once('T')?;
    let day = day.to_sunday_zero_offset();
    Some(format!("M{month}.{week}.{day}/{}:{}", time.get(..2)?, time.get(2..4)?))
}
