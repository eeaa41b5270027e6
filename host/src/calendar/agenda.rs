//! What is free, and whether a start can be booked.

use jiff::{
    SignedDuration, Span, Timestamp, ToSpan as _, Zoned,
    civil::{Date, Time},
    tz::TimeZone,
};

use crate::{
    model::{Slot, SlotRefusal},
    store::BookingRule,
};

use super::{Busy, Calendar, Week, column::Column, opening::GRID_MINUTES, wall::Wall};

/// The bookable times of a tenant.
///
/// Openings are wall time: on the night that the clocks go forward, starts within the skipped hour do not exist; on the
/// night that they go back, a start within the repeated hour is offered once, the first time. A meeting lasts its
/// length in real time and lies within one opening.
///
/// A meeting can be had when fewer than `capacity` meetings of its calendar touch it or the buffer around it, the rule
/// that the store applies again when it commits.
#[derive(Clone, Copy, Debug)]
pub struct Agenda<'c> {
    calendar: &'c Calendar,
    zone: &'c TimeZone,
    only: Option<&'c str>,
}

impl<'c> Agenda<'c> {
    /// Of a calendar without [problems](Calendar::problems), in the tenant's zone.
    pub fn new(calendar: &'c Calendar, zone: &'c TimeZone) -> Self {
        Self { calendar, zone, only: None }
    }

    /// Only the slots of the salesperson in charge of a lead, in the CRM's words: their id, name or e-mail address in
    /// `tenant.toml`, in whatever case. Someone unknown restricts nothing.
    #[must_use]
    pub fn of_assigned(self, assigned_to: Option<&str>) -> Self {
        let wanted = assigned_to.map(|text| text.trim().to_lowercase());
        let is_meant = |text: &str| wanted.as_ref().is_some_and(|wanted| *wanted == text.trim().to_lowercase());
        let found = self.calendar.people.iter().find(|person| {
            is_meant(&person.id) || is_meant(&person.name) || person.email.as_deref().is_some_and(is_meant)
        });
        Self { only: found.map(|person| person.id.as_str()), ..self }
    }

    /// At most `limit` slots that start in `[from, to)`, earliest first, one for each start: with people, that of the
    /// one with the fewest meetings, and among equals of the one who comes first in `tenant.toml`.
    ///
    /// Starts are the beginning of each opening and every `slot-minutes` after it.
    pub fn free_slots(&self, now: Timestamp, busy: &[Busy], from: Timestamp, to: Timestamp, limit: usize) -> Vec<Slot> {
        self.free(&self.columns(busy), now, from, to, limit)
    }

    /// The slot that starts at `start`, with the rule that the store books it by; or why it cannot be had.
    ///
    /// Any minute divisible by 5 will do, not only the starts that [`Agenda::free_slots`] offers, so that a person can
    /// have 14:15 who asks for it. `with` names whose slot; none chooses as [`Agenda::free_slots`] does. Someone that
    /// the tenant does not have is `Closed`; so is anyone when the tenant has no people.
    pub fn place(
        &self,
        now: Timestamp,
        busy: &[Busy],
        start: Timestamp,
        with: Option<&str>,
    ) -> Result<(Slot, BookingRule), SlotRefusal> {
        if start < now {
            return Err(SlotRefusal::Past);
        }
        if start < self.earliest(now) {
            return Err(SlotRefusal::TooSoon);
        }
        if start >= self.horizon(now) {
            return Err(SlotRefusal::TooFar);
        }
        let end = self.end_of(start);
        let open: Vec<Column<'_>> = self
            .columns(busy)
            .into_iter()
            .filter(|column| with.is_none() || column.person == with)
            .filter(|column| self.is_open(column.week, start, end))
            .collect();
        if open.is_empty() {
            return Err(SlotRefusal::Closed);
        }
        let column = open
            .iter()
            .filter(|column| column.has_room(start, end, self.rule()))
            .min_by_key(|column| column.meetings)
            .ok_or(SlotRefusal::Taken)?;
        Ok((column.slot(start, end), self.rule()))
    }

    /// At most `limit` free slots, the nearest to `wanted` first, before it and after it alike; of two as near, the
    /// earlier.
    pub fn nearest(&self, now: Timestamp, busy: &[Busy], wanted: Timestamp, limit: usize) -> Vec<Slot> {
        let columns = self.columns(busy);
        let (earliest, horizon) = (self.earliest(now), self.horizon(now));
        // What is wanted may lie beyond both ends; the nearest to it is the nearest to that end.
        let centre = wanted.clamp(earliest, horizon.max(earliest));
        let mut slots = Vec::new();
        for reach in [3, 14, 366 * 2] {
            let reach = SignedDuration::from_hours(24 * reach);
            let from = centre.checked_sub(reach).unwrap_or(Timestamp::MIN);
            let to = centre.checked_add(reach).unwrap_or(Timestamp::MAX);
            slots = self.free(&columns, now, from, to, usize::MAX);
            // Whatever lies outside the reach is farther than all that lies within.
            if slots.len() >= limit {
                break;
            }
        }
        slots.sort_by_key(|slot| (slot.start.duration_since(wanted).abs(), slot.start));
        slots.truncate(limit);
        slots
    }

    /// How many meetings of one calendar may overlap, and what is kept free around them.
    fn rule(&self) -> BookingRule {
        BookingRule {
            capacity: self.calendar.capacity.max(1),
            buffer_seconds: self.calendar.buffer_minutes.saturating_mul(60),
        }
    }

    fn columns<'a>(&'a self, busy: &'a [Busy]) -> Vec<Column<'a>> {
        let Calendar { people, hours, .. } = self.calendar;
        if people.is_empty() {
            return vec![Column::new(None, hours, busy)];
        }
        people
            .iter()
            .filter(|person| self.only.is_none_or(|only| person.id == only))
            .map(|person| Column::new(Some(&person.id), person.hours.as_ref().unwrap_or(hours), busy))
            .collect()
    }

    fn free(&self, columns: &[Column<'_>], now: Timestamp, from: Timestamp, to: Timestamp, limit: usize) -> Vec<Slot> {
        let from = from.max(self.earliest(now));
        let to = to.min(self.horizon(now));
        if from >= to {
            return Vec::new();
        }
        let mut free: Vec<(Timestamp, Timestamp, &Column<'_>)> = columns
            .iter()
            .flat_map(|column| {
                self.starts(column.week, from, to)
                    .filter(|(start, end)| column.has_room(*start, *end, self.rule()))
                    .map(move |(start, end)| (start, end, column))
                    // The merge below drops only what starts together, so nobody's later slots are missed.
                    .take(limit)
            })
            .collect();
        // Stable: people with as many meetings stay in their order.
        free.sort_by_key(|(start, _, column)| (*start, column.meetings));
        free.dedup_by_key(|(start, ..)| *start);
        free.into_iter().take(limit).map(|(start, end, column)| column.slot(start, end)).collect()
    }

    /// Every offered start in `[from, to)` with its end, in order, free or not.
    fn starts<'a>(
        &'a self,
        week: &'a Week,
        from: Timestamp,
        to: Timestamp,
    ) -> impl Iterator<Item = (Timestamp, Timestamp)> + 'a {
        let [first, last] = [from, to].map(|at| self.zone.to_datetime(at).date());
        first
            .series(1.day())
            .take_while(move |date| *date <= last)
            .flat_map(move |date| {
                self.calendar
                    .openings(week, date)
                    .flat_map(move |(open, close)| self.starts_of_opening(date, open, close))
            })
            .filter(move |(start, _)| (from..to).contains(start))
    }

    fn starts_of_opening(&self, date: Date, open: u16, close: u16) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        let step = usize::try_from(self.calendar.slot_minutes.max(1)).unwrap_or(usize::MAX);
        let closes = Wall::of(self.zone, date, close).map(Wall::instant);
        (open..close).step_by(step).filter_map(move |minute| {
            let Some(Wall::At(start)) = Wall::of(self.zone, date, minute) else {
                return None;
            };
            let end = self.end_of(start);
            closes.is_some_and(|closes| end <= closes).then_some((start, end))
        })
    }

    /// Whether a meeting from `start` to `end` lies within one opening, on a minute that can be asked for.
    fn is_open(&self, week: &Week, start: Timestamp, end: Timestamp) -> bool {
        let shown = self.zone.to_datetime(start);
        let is_on_grid = shown.minute().rem_euclid(i8::try_from(GRID_MINUTES).unwrap_or(1)) == 0
            && shown.second() == 0
            && shown.subsec_nanosecond() == 0;
        is_on_grid
            && self.calendar.openings(week, shown.date()).any(|(open, close)| {
                let [Some(opens), Some(closes)] = [open, close].map(|minute| Wall::of(self.zone, shown.date(), minute))
                else {
                    return false;
                };
                opens.instant() <= start && end <= closes.instant()
            })
    }

    fn end_of(&self, start: Timestamp) -> Timestamp {
        let length = SignedDuration::from_mins(self.calendar.slot_minutes.max(1).into());
        start.checked_add(length).unwrap_or(Timestamp::MAX)
    }

    /// The first moment that respects the notice.
    fn earliest(&self, now: Timestamp) -> Timestamp {
        let notice = SignedDuration::from_mins(self.calendar.notice_minutes.into());
        now.checked_add(notice).unwrap_or(Timestamp::MAX)
    }

    /// The midnight after the last bookable day.
    fn horizon(&self, now: Timestamp) -> Timestamp {
        let days = Span::new().try_days(i64::from(self.calendar.horizon_days) + 1);
        let today = self.zone.to_datetime(now).date();
        days.and_then(|days| today.checked_add(days))
            .and_then(|date| date.to_datetime(Time::midnight()).to_zoned(self.zone.clone()))
            .map_or(Timestamp::MAX, |midnight: Zoned| midnight.timestamp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// In Paris; lives as long as the tests do.
    fn agenda(calendar: &str) -> Agenda<'static> {
        let calendar: Calendar = toml::from_str(calendar).unwrap();
        assert_eq!(calendar.problems(), []);
        let zone = TimeZone::get("Europe/Paris").unwrap();
        Agenda::new(Box::leak(Box::new(calendar)), Box::leak(Box::new(zone)))
    }

    fn slot(start: &str, minutes: i64, with: Option<&str>) -> Slot {
        let start = at(start);
        Slot { start, end: start + SignedDuration::from_mins(minutes), with: with.map(str::to_owned) }
    }

    fn meeting(start: &str, with: Option<&str>) -> Busy {
        Busy::Meeting(slot(start, 30, with))
    }

    fn elsewhere(start: &str, with: Option<&str>) -> Busy {
        Busy::Elsewhere(slot(start, 30, with))
    }

    /// `13 09:00+02 anna`
    fn shown(slots: &[Slot]) -> String {
        let zone = TimeZone::get("Europe/Paris").unwrap();
        let mut parts = Vec::new();
        for slot in slots {
            let start = slot.start.to_zoned(zone.clone()).strftime("%d %H:%M%:::z").to_string();
            parts.push(slot.with.iter().fold(start, |start, with| format!("{start} {with}")));
        }
        parts.join(", ")
    }

    #[test]
    fn slots_follow_openings_notice_horizon_and_days_off() {
        let week = r#"
            slot-minutes = 45
            notice-minutes = 90
            horizon-days = 7
            closed = ["2025-11-06"]
            [hours]
            tue = ["09:00-10:45", "14:00-15:00"]
            wed = ["09:00-10:00"]
            thu = ["09:00-10:00"]
            fri = ["09:00-10:00"]
        "#;
        let agenda = agenda(week);
        let free =
            |now: &str, from: &str, to: &str, limit| shown(&agenda.free_slots(at(now), &[], at(from), at(to), limit));
        let (now, from, to) = ("2025-11-04T07:30+01:00", "2025-11-01T00:00Z", "2025-12-31T00:00Z");
        // Thursday 6 is closed; Tuesday 11 is Armistice; the horizon ends with the 11th.
        assert_eq!(free(now, from, to, 99), "04 09:00+01, 04 09:45+01, 04 14:00+01, 05 09:00+01, 07 09:00+01");
        assert_eq!(free(now, from, to, 2), "04 09:00+01, 04 09:45+01");
        assert_eq!(free("2025-11-04T07:31+01:00", from, to, 1), "04 09:45+01");
        assert_eq!(free(now, "2025-11-04T09:45+01:00", "2025-11-05T09:00+01:00", 99), "04 09:45+01, 04 14:00+01");
        assert_eq!(free("2025-11-05T07:30+01:00", from, to, 99), "05 09:00+01, 07 09:00+01, 12 09:00+01");
        for (from, to) in [(to, from), (to, to), ("-009999-01-05T00:00Z", "-009999-01-06T00:00Z")] {
            assert_eq!(free(now, from, to, 99), "");
        }
        assert_eq!(free(now, "-009999-01-05T00:00Z", "9999-12-30T22:00:00Z", 1), "04 09:00+01");
        assert_eq!(free(now, from, to, 0), "");
    }

    #[test]
    fn wall_time_counts_on_the_nights_that_clocks_change() {
        let night = "notice-minutes = 0\nhorizon-days = 365\nslot-minutes = 30\nhours.sun = [\"01:30-03:30\"]";
        let free = |calendar: &str, day: &str| {
            let from = at(&format!("{day}T00:00Z")) - SignedDuration::from_hours(12);
            let to = from + SignedDuration::from_hours(36);
            shown(&agenda(calendar).free_slots(at("2025-09-01T00:00Z"), &[], from, to, 99))
        };
        assert_eq!(free(night, "2025-10-19"), "19 01:30+02, 19 02:00+02, 19 02:30+02, 19 03:00+02");
        // The hour from 2 to 3 comes twice; it is offered once.
        assert_eq!(free(night, "2025-10-26"), "26 01:30+02, 26 02:00+02, 26 02:30+02, 26 03:00+01");
        // The hour from 2 to 3 does not exist.
        assert_eq!(free(night, "2026-03-29"), "29 01:30+01, 29 03:00+02");
        // A meeting lasts its hour in real time: from 1:30 it ends at 3:30, from 2:30 there is none.
        let hourly = night.replace("slot-minutes = 30", "slot-minutes = 60");
        assert_eq!(free(&hourly, "2026-03-29"), "29 01:30+01");
        // An opening within the skipped hour does not happen.
        assert_eq!(free(&night.replace("01:30-03:30", "02:00-03:00"), "2026-03-29"), "");
        // The day after the change is an ordinary day.
        let monday = night.replace("sun", "mon");
        assert_eq!(free(&monday, "2026-03-30"), "30 01:30+02, 30 02:00+02, 30 02:30+02, 30 03:00+02");
    }

    #[test]
    fn a_start_is_placed_or_refused() {
        let agenda = agenda(
            "horizon-days = 7\nbuffer-minutes = 10\nhours.mon = [\"08:30-12:00\", \"14:00-18:00\"]\nhours.sun = [\"01:00-04:00\"]",
        );
        let now = at("2025-10-09T12:00+02:00");
        let busy = [meeting("2025-10-13T10:00+02:00", None), elsewhere("2025-10-13T15:00+02:00", Some("anna"))];
        use SlotRefusal::{Closed, Past, Taken, TooFar, TooSoon};
        for (start, expected) in [
            ("2025-10-13T08:30+02:00", None),
            ("2025-10-13T08:35+02:00", None),
            ("2025-10-13T08:32+02:00", Some(Closed)),
            ("2025-10-13T08:35:01+02:00", Some(Closed)),
            ("2025-10-13T08:25+02:00", Some(Closed)),
            ("2025-10-13T11:30+02:00", None),
            ("2025-10-13T11:35+02:00", Some(Closed)),
            ("2025-10-13T12:30+02:00", Some(Closed)),
            ("2025-10-14T10:00+02:00", Some(Closed)),
            ("2025-10-13T10:00+02:00", Some(Taken)),
            ("2025-10-13T09:20+02:00", None),
            ("2025-10-13T09:25+02:00", Some(Taken)),
            ("2025-10-13T10:35+02:00", Some(Taken)),
            ("2025-10-13T10:40+02:00", None),
            ("2025-10-13T15:20+02:00", Some(Taken)),
            ("2025-10-09T11:59+02:00", Some(Past)),
            ("2025-10-09T12:30+02:00", Some(TooSoon)),
            ("2025-10-16T23:55+02:00", Some(Closed)),
            ("2025-10-17T00:00+02:00", Some(TooFar)),
        ] {
            let placed = agenda.place(now, &busy, at(start), None);
            let expected = expected
                .map_or_else(|| Ok((slot(start, 30, None), BookingRule { capacity: 1, buffer_seconds: 600 })), Err);
            assert_eq!(placed, expected, "{start}");
        }
        // Both 2:30 of the long night are within the opening.
        for start in ["2025-10-26T02:30+02:00", "2025-10-26T02:30+01:00"] {
            assert!(agenda.place(at("2025-10-22T12:00Z"), &[], at(start), None).is_ok(), "{start}");
        }
    }

    #[test]
    fn capacity_and_buffer_limit_what_touches() {
        let two = agenda("capacity = 2\nhours.mon = [\"09:00-10:30\"]");
        let (now, from, to) = (at("2025-10-10T00:00Z"), at("2025-10-13T00:00Z"), at("2025-10-14T00:00Z"));
        let free = |agenda: &Agenda<'_>, busy: &[Busy]| shown(&agenda.free_slots(now, busy, from, to, 99));
        let nine = meeting("2025-10-13T09:00+02:00", None);
        assert_eq!(free(&two, std::slice::from_ref(&nine)), "13 09:00+02, 13 09:30+02, 13 10:00+02");
        assert_eq!(free(&two, &[nine.clone(), nine.clone()]), "13 09:30+02, 13 10:00+02");
        assert_eq!(free(&two, &[elsewhere("2025-10-13T09:00+02:00", None)]), "13 09:30+02, 13 10:00+02");
        let empty = Busy::Elsewhere(slot("2025-10-13T09:15+02:00", 0, None));
        assert_eq!(free(&two, &[empty.clone(), empty]), "13 09:00+02, 13 09:30+02, 13 10:00+02");

        let spaced = agenda("buffer-minutes = 15\nhours.mon = [\"09:00-10:30\"]");
        assert_eq!(free(&spaced, std::slice::from_ref(&nine)), "13 10:00+02");
        assert_eq!(free(&spaced, &[elsewhere("2025-10-13T08:20+02:00", None)]), "13 09:30+02, 13 10:00+02");
    }

    #[test]
    fn people_have_their_own_hours_and_share_the_work() {
        let team = agenda(
            r#"
            hours.mon = ["09:00-10:00"]
            people = [
                { id = "anna", name = "Anna" },
                { id = "ben", name = "Ben" },
                { id = "carl", name = "Carl", hours = { mon = ["09:30-11:00"] } },
            ]
            "#,
        );
        let (now, from, to) = (at("2025-10-10T00:00Z"), at("2025-10-13T00:00Z"), at("2025-10-14T00:00Z"));
        let free = |busy: &[Busy]| shown(&team.free_slots(now, busy, from, to, 99));
        assert_eq!(free(&[]), "13 09:00+02 anna, 13 09:30+02 anna, 13 10:00+02 carl, 13 10:30+02 carl");
        let later = meeting("2025-10-20T09:00+02:00", Some("anna"));
        assert_eq!(free(&[later]), "13 09:00+02 ben, 13 09:30+02 ben, 13 10:00+02 carl, 13 10:30+02 carl");
        let busy = [
            meeting("2025-10-13T09:00+02:00", Some("anna")),
            elsewhere("2025-10-13T09:00+02:00", Some("ben")),
            elsewhere("2025-10-13T10:00+02:00", None),
        ];
        assert_eq!(free(&busy), "13 09:30+02 ben, 13 10:30+02 carl");

        let place = |start: &str, with| team.place(now, &busy, at(start), with).map(|(slot, _)| slot.with);
        assert_eq!(place("2025-10-13T09:00+02:00", None), Err(SlotRefusal::Taken));
        assert_eq!(place("2025-10-13T09:30+02:00", None), Ok(Some("ben".to_owned())));
        assert_eq!(place("2025-10-13T09:30+02:00", Some("anna")), Ok(Some("anna".to_owned())));
        assert_eq!(place("2025-10-13T10:30+02:00", Some("anna")), Err(SlotRefusal::Closed));
        assert_eq!(place("2025-10-13T09:30+02:00", Some("zoe")), Err(SlotRefusal::Closed));
    }

    #[test]
    fn the_nearest_lie_on_both_sides() {
        let agenda = agenda("hours.mon = [\"08:30-12:00\", \"14:00-18:00\"]\nhours.fri = [\"09:00-09:30\"]");
        let now = at("2025-10-09T12:00+02:00");
        let busy = [meeting("2025-10-13T14:30+02:00", None)];
        for (wanted, limit, expected) in [
            ("2025-10-13T14:30+02:00", 3, "13 14:00+02, 13 15:00+02, 13 15:30+02"),
            ("2025-10-13T13:10+02:00", 4, "13 14:00+02, 13 11:30+02, 13 15:00+02, 13 11:00+02"),
            // Long gone, and too far: the first and the last that can be had
            ("2024-01-01T00:00Z", 2, "10 09:00+02, 13 08:30+02"),
            ("2030-01-01T00:00Z", 2, "07 09:00+01, 03 17:30+01"),
            ("2025-10-13T14:30+02:00", 0, ""),
        ] {
            assert_eq!(shown(&agenda.nearest(now, &busy, at(wanted), limit)), expected, "{wanted}");
        }
    }

    /// A month of a busy tenant: `cargo test --release how_long -- --ignored --nocapture`
    #[test]
    #[ignore = "a measurement"]
    fn how_long_a_month_takes() {
        let hours =
            ["mon", "tue", "wed", "thu", "fri"].map(|day| format!("hours.{day} = [\"08:30-12:00\", \"14:00-18:00\"]"));
        let agenda = agenda(&hours.join("\n"));
        let now = at("2025-10-09T12:00+02:00");
        let busy: Vec<Busy> = (0..1_000)
            .map(|index| {
                let start = now + SignedDuration::from_mins(37 * index);
                Busy::Meeting(Slot { start, end: start + SignedDuration::from_mins(30), with: None })
            })
            .collect();
        let to = now + SignedDuration::from_hours(24 * 31);
        let started = std::time::Instant::now();
        let rounds = 100;
        for _ in 0..rounds {
            std::hint::black_box(agenda.free_slots(now, std::hint::black_box(&busy), now, to, 100));
        }
        let free = started.elapsed() / rounds;
        let started = std::time::Instant::now();
        for _ in 0..rounds {
            std::hint::black_box(agenda.nearest(now, std::hint::black_box(&busy), to, 5));
        }
        let nearest = started.elapsed() / rounds;
        println!("free {free:?}, nearest {nearest:?}");
        assert!(free.as_micros() < 1_000 && nearest.as_micros() < 1_000);
    }
}
