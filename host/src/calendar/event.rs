//! One event of an outside calendar: when it begins, how long it lasts, when it comes again.

use std::collections::{BTreeMap, BTreeSet};

use icalendar::parser::{Component, Property};
use jiff::{
    Span, Timestamp, ToSpan as _,
    civil::{Date, DateTime, Time},
    tz::TimeZone,
};

use super::{
    Error,
    recurrence::{Budget, Rule},
    zone,
};

/// The property of this name.
pub(super) fn property<'a, 'b>(component: &'a Component<'b>, name: &str) -> Option<&'a Property<'b>> {
    properties(component, name).next()
}

fn properties<'a, 'b>(component: &'a Component<'b>, name: &str) -> impl Iterator<Item = &'a Property<'b>> {
    component.properties.iter().filter(move |found| found.name.as_str().eq_ignore_ascii_case(name))
}

fn parameter<'a>(property: &'a Property<'_>, name: &str) -> Option<&'a str> {
    let found = property.params.iter().find(|found| found.key.as_str().eq_ignore_ascii_case(name))?;
    found.val.as_ref().map(|value| value.as_str().trim_matches('"'))
}

fn has_value(event: &Component<'_>, name: &str, value: &str) -> bool {
    property(event, name).is_some_and(|found| found.val.as_str().trim().eq_ignore_ascii_case(value))
}

/// Its UID; empty when it has none.
pub(super) fn uid<'a>(event: &'a Component<'_>) -> &'a str {
    property(event, "UID").map_or("", |found| found.val.as_str())
}

/// A date or a date-time with the zone that it is in.
#[derive(Clone, Debug)]
struct When {
    shown: DateTime,
    zone: TimeZone,
    is_date: bool,
}

impl When {
    /// RFC 5545 §3.3.5: a time that is skipped means that much later, one that comes twice means the first.
    fn instant(&self) -> Result<Timestamp, Error> {
        self.zone.to_timestamp(self.shown).map_err(|_| Error::Invalid("DTSTART"))
    }

    fn on(&self, date: Date) -> Self {
        Self { shown: date.to_datetime(self.shown.time()), ..self.clone() }
    }

    /// The last moment of its day.
    fn end_of_day(&self) -> Option<Timestamp> {
        let next = self.shown.date().tomorrow().ok()?.to_datetime(Time::midnight());
        self.zone.to_timestamp(next).ok()?.checked_sub(1.nanosecond()).ok()
    }
}

/// How long an event lasts.
enum Length {
    /// In real time.
    Seconds(i64),
    /// In wall time, as `P1D` and whole days are.
    Nominal(Span),
}

/// Reads the events of one calendar.
pub(super) struct Reader<'a> {
    zones: Vec<&'a Component<'a>>,
    zone: &'a TimeZone,
    window: (Timestamp, Timestamp),
    /// Instances that have an event of their own, by UID.
    moved: BTreeMap<String, BTreeSet<Timestamp>>,
    budget: Budget,
}

impl<'a> Reader<'a> {
    /// `zones` are the VTIMEZONEs of the calendar, `zone` is that of times without one, and only what touches `window` is
    /// of interest.
    pub(super) fn new(
        zones: Vec<&'a Component<'a>>,
        zone: &'a TimeZone,
        window: (Timestamp, Timestamp),
        budget: Budget,
    ) -> Self {
        Self { zones, zone, window, moved: BTreeMap::new(), budget }
    }

    /// Takes note of an event that replaces an instance of another. All events come by here before the first is read.
    pub(super) fn note_moved(&mut self, event: &Component<'_>) -> Result<(), Error> {
        if let Some(instance) = property(event, "RECURRENCE-ID").filter(|_| !uid(event).is_empty()) {
            let instant = self.when(instance, instance.val.as_str(), "RECURRENCE-ID")?.instant()?;
            self.moved.entry(uid(event).to_owned()).or_default().insert(instant);
        }
        Ok(())
    }

    /// The intervals of an event within the window.
    pub(super) fn busy(&mut self, event: &Component<'_>) -> Result<Vec<(Timestamp, Timestamp)>, Error> {
        let is_free = has_value(event, "TRANSP", "TRANSPARENT")
            || has_value(event, "STATUS", "CANCELLED")
            || has_value(event, "X-MICROSOFT-CDO-BUSYSTATUS", "FREE");
        if is_free {
            return Ok(Vec::new());
        }
        let start = property(event, "DTSTART").ok_or(Error::Missing("DTSTART"))?;
        let start = self.when(start, start.val.as_str(), "DTSTART")?;
        let length = self.length(event, &start)?;
        let mut found = Vec::new();
        for when in self.occurrences(event, &start, &length)? {
            let (begin, end) = (when.instant()?, end(&when, &length)?);
            if begin < end && begin < self.window.1 && self.window.0 < end {
                found.push((begin, end));
            }
        }
        Ok(found)
    }

    /// All beginnings that may touch the window, without exceptions and moved instances.
    fn occurrences(&mut self, event: &Component<'_>, start: &When, length: &Length) -> Result<Vec<When>, Error> {
        let mut all = match property(event, "RRULE") {
            Some(rule) => self.recurring(&Rule::parse(rule.val.as_str())?, start, length)?,
            None => vec![start.clone()],
        };
        for list in properties(event, "RDATE") {
            for text in list.val.as_str().split(',') {
                all.push(self.when(list, text, "RDATE")?);
            }
        }
        let mut excluded = Vec::new();
        for list in properties(event, "EXDATE") {
            for text in list.val.as_str().split(',').filter(|text| !text.trim().is_empty()) {
                excluded.push(self.when(list, text, "EXDATE")?);
            }
        }
        let is_instance = property(event, "RECURRENCE-ID").is_some();
        let moved = self.moved.get(uid(event)).filter(|_| !is_instance);
        let excluded_instants: BTreeSet<Timestamp> = excluded
            .iter()
            .filter(|when| when.is_date == start.is_date)
            .filter_map(|when| when.instant().ok())
            .collect();
        // Some producers exclude a day of an event that has a time.
        let excluded_days: BTreeSet<Date> =
            excluded.iter().filter(|when| when.is_date && !start.is_date).map(|when| when.shown.date()).collect();
        all.retain(|when| {
            !excluded_days.contains(&when.shown.date())
                && when.instant().is_ok_and(|instant| {
                    !excluded_instants.contains(&instant) && !moved.is_some_and(|moved| moved.contains(&instant))
                })
        });
        Ok(all)
    }

    fn recurring(&mut self, rule: &Rule, start: &When, length: &Length) -> Result<Vec<When>, Error> {
        let until = rule.until.as_deref().map(|text| self.until(text, start)).transpose()?;
        let lasts = match length {
            Length::Seconds(seconds) => seconds / 86_400,
            Length::Nominal(span) => span
                .total((jiff::Unit::Day, jiff::SpanRelativeTo::days_are_24_hours()))
                .map_or(i64::MAX, |days| days.ceil() as i64),
        };
        // A day more on either side for the difference of the zones.
        let first = start.zone.to_datetime(self.window.0).date().saturating_sub((lasts.clamp(0, 3_660) + 1).days());
        let last = start.zone.to_datetime(self.window.1).date().saturating_add(1.day());
        let dates = rule.dates(start.shown.date(), first, last, &mut self.budget)?;
        let mut found = Vec::with_capacity(dates.len());
        for date in dates {
            let when = start.on(date);
            if until.is_none_or(|until| when.instant().is_ok_and(|instant| instant <= until)) {
                found.push(when);
            }
        }
        Ok(found)
    }

    /// The last moment at which an instance may begin. A date means all of that day.
    fn until(&self, text: &str, start: &When) -> Result<Timestamp, Error> {
        let until = read_when(text, &start.zone).ok_or(Error::Invalid("RRULE"))?;
        if until.is_date {
            return until.end_of_day().ok_or(Error::Invalid("RRULE"));
        }
        until.instant()
    }

    fn length(&self, event: &Component<'_>, start: &When) -> Result<Length, Error> {
        if let Some(end) = property(event, "DTEND") {
            let end = self.when(end, end.val.as_str(), "DTEND")?;
            if start.is_date && end.is_date {
                return Ok(Length::Nominal(end.shown.date() - start.shown.date()));
            }
            return Ok(Length::Seconds(end.instant()?.duration_since(start.instant()?).as_secs()));
        }
        match property(event, "DURATION") {
            Some(found) => {
                found.val.as_str().trim().parse().map(Length::Nominal).map_err(|_| Error::Invalid("DURATION"))
            }
            None if start.is_date => Ok(Length::Nominal(1.day())),
            None => Ok(Length::Seconds(0)),
        }
    }

    /// A value of a property, in the zone that the property names.
    fn when(&self, property: &Property<'_>, text: &str, name: &'static str) -> Result<When, Error> {
        let zone = match parameter(property, "TZID") {
            Some(id) if !text.trim().ends_with(['Z', 'z']) => zone::resolve(id, &self.zones)?,
            _ => self.zone.clone(),
        };
        read_when(text, &zone).ok_or(Error::Invalid(name))
    }
}

fn end(start: &When, length: &Length) -> Result<Timestamp, Error> {
    let end = match length {
        Length::Seconds(seconds) => start.instant()?.checked_add(seconds.seconds()),
        Length::Nominal(span) => start
            .shown
            .to_zoned(start.zone.clone())
            .and_then(|start| start.checked_add(*span))
            .map(|end| end.timestamp()),
    };
    end.map_err(|_| Error::Invalid("DURATION"))
}

/// `20251015`, `20251015T140000` or `20251015T120000Z`
fn read_when(text: &str, zone: &TimeZone) -> Option<When> {
    let text = text.trim();
    if let Ok(date) = Date::strptime("%Y%m%d", text) {
        return Some(When { shown: date.to_datetime(Time::midnight()), zone: zone.clone(), is_date: true });
    }
    let (text, zone) = match text.strip_suffix(['Z', 'z']) {
        Some(text) => (text, TimeZone::UTC),
        None => (text, zone.clone()),
    };
    let shown = DateTime::strptime("%Y%m%dT%H%M%S", text).ok()?;
    Some(When { shown, zone, is_date: false })
}
