//! The `[calendar]` table of `tenant.toml`.

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde::Deserialize;

use crate::model::TenantId;

use super::{
    Closure, Holidays, Opening, Problem, Week,
    opening::{GRID_MINUTES, closure_problems},
};

/// When meetings can be booked. The zone is the tenant's.
///
/// ```toml
/// [calendar]
/// slot-minutes = 30
/// closed = ["2025-12-24", "2025-12-26/2026-01-02"]
/// [calendar.hours]
/// mon = ["08:30-12:00", "14:00-18:00"]
/// [[calendar.people]]
/// id = "anna"
/// name = "Anna Roux"
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct Calendar {
    /// The length of a meeting; also the distance of the starts that are offered, from the beginning of each opening.
    /// Default 30; 5 to 480, divisible by 5.
    pub slot_minutes: u32,
    /// Kept free between two meetings, and between a meeting and a busy time of an outside calendar. Default 0; at
    /// most 480.
    pub buffer_minutes: u32,
    /// A meeting starts at least this long after it is booked. Default 60; at most 43,200 (30 days).
    pub notice_minutes: u32,
    /// A meeting is on one of this many days after today. Default 30; 1 to 365.
    pub horizon_days: u32,
    /// How many meetings of one calendar may overlap. Default 1; 1 to 1,000. With people, each of them has it.
    pub capacity: u32,
    /// Closed on these public holidays: `"FR"` (default), `"FR-alsace-moselle"` or `"none"`.
    pub holidays: Holidays,
    /// Closed on these days too: `"2025-12-24"`, `"2025-12-26/2026-01-02"`. Default none.
    pub closed: Vec<Closure>,
    /// The openings of each day of the week; a day that is missing is closed.
    pub hours: Week,
    /// The salespeople, each with a calendar of their own. Default none: the tenant has one calendar.
    pub people: Vec<Person>,
    /// An iCalendar address whose events make everybody busy. A secret address belongs in `env:NAME` or `file:PATH`.
    pub busy_url: Option<String>,
}

impl Default for Calendar {
    /// The defaults of each key, and closed all week.
    fn default() -> Self {
        Self {
            slot_minutes: 30,
            buffer_minutes: 0,
            notice_minutes: 60,
            horizon_days: 30,
            capacity: 1,
            holidays: Holidays::default(),
            closed: Vec::new(),
            hours: Week::default(),
            people: Vec::new(),
            busy_url: None,
        }
    }
}

/// A salesperson.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Person {
    /// What flows call them: 1 to 64 of `a-z 0-9 - _`.
    pub id: String,
    /// What people call them.
    pub name: String,
    /// Their own openings, instead of the tenant's.
    pub hours: Option<Week>,
    /// Their e-mail address.
    pub email: Option<String>,
    /// An iCalendar address whose events make them busy. A secret address belongs in `env:NAME` or `file:PATH`.
    pub busy_url: Option<String>,
}

impl Calendar {
    /// Everything that is wrong with it; what has none can be asked by an [`Agenda`](super::Agenda). That nothing is set
    /// at all is no problem: such a tenant books no meetings.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if *self == Self::default() {
            return problems;
        }
        self.number_problems(&mut problems);
        closure_problems("calendar.closed", &self.closed, &mut problems);
        let everyone_has_own = !self.people.is_empty() && self.people.iter().all(|person| person.hours.is_some());
        if !everyone_has_own || self.hours != Week::default() {
            self.hours.problems("calendar.hours", &mut problems);
        }
        url_problems("calendar.busy-url", self.busy_url.as_deref(), &mut problems);
        self.people_problems(&mut problems);
        problems
    }

    /// The outside calendar that makes a salesperson or, with none, everybody busy: an address or a secret.
    pub fn busy_url_of(&self, person: Option<&str>) -> Option<&str> {
        match person {
            None => self.busy_url.as_deref(),
            Some(id) => self.people.iter().find(|person| person.id == id)?.busy_url.as_deref(),
        }
    }

    /// The openings of a day, in minutes of wall time since midnight; none when the day is closed. `week` is a
    /// person's or the tenant's.
    pub(super) fn openings<'a>(&self, week: &'a Week, date: Date) -> impl Iterator<Item = (u16, u16)> + use<'a> {
        openings(week, self.holidays, &self.closed, date)
    }

    fn number_problems(&self, problems: &mut Vec<Problem>) {
        let numbers = [
            ("slot-minutes", self.slot_minutes, 5..=480),
            ("buffer-minutes", self.buffer_minutes, 0..=480),
            ("notice-minutes", self.notice_minutes, 0..=43_200),
            ("horizon-days", self.horizon_days, 1..=365),
            ("capacity", self.capacity, 1..=1_000),
        ];
        for (key, value, range) in numbers {
            if !range.contains(&value) {
                let message = format!("is {value}; give {} to {}", range.start(), range.end());
                problems.push(Problem::new(format!("calendar.{key}"), message));
            }
        }
        if !self.slot_minutes.is_multiple_of(u32::from(GRID_MINUTES)) {
            problems.push(Problem::new("calendar.slot-minutes", "is an odd length; use minutes divisible by 5"));
        }
    }

    fn people_problems(&self, problems: &mut Vec<Problem>) {
        let mut seen = BTreeSet::new();
        for (index, person) in self.people.iter().enumerate() {
            let path = format!("calendar.people.{index}");
            if !TenantId::is_valid(&person.id) {
                problems.push(Problem::new(format!("{path}.id"), "is not an identifier; use 1 to 64 of a-z 0-9 - _"));
            } else if !seen.insert(&person.id) {
                let message = format!("repeats {:?}; give each person an identifier of their own", person.id);
                problems.push(Problem::new(format!("{path}.id"), message));
            }
            if person.name.trim().is_empty() {
                problems.push(Problem::new(format!("{path}.name"), "is empty; write the person's name"));
            }
            if let Some(hours) = &person.hours {
                hours.problems(&format!("{path}.hours"), problems);
            }
            if person.email.as_deref().is_some_and(|email| !is_email(email)) {
                let message = "is not an e-mail address; write it as name@example.com";
                problems.push(Problem::new(format!("{path}.email"), message));
            }
            url_problems(&format!("{path}.busy-url"), person.busy_url.as_deref(), problems);
        }
    }
}

/// The openings of a day under days off.
pub(super) fn openings<'a>(
    week: &'a Week,
    holidays: Holidays,
    closed: &[Closure],
    date: Date,
) -> impl Iterator<Item = (u16, u16)> + use<'a> {
    let is_closed = || closed.iter().any(|closure| closure.contains(date)) || holidays.contain(date);
    let openings = match week.on(date.weekday()) {
        [] => &[],
        openings if !is_closed() => openings,
        _ => &[],
    };
    openings.iter().filter_map(Opening::minutes)
}

/// Good enough to catch a name or a number in its place.
fn is_email(text: &str) -> bool {
    let named = text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    named && !text.contains(char::is_whitespace)
}

fn url_problems(path: &str, url: Option<&str>, problems: &mut Vec<Problem>) {
    let message = match url {
        None => return,
        Some(url) if url.starts_with("webcal:") => "begins with webcal:; write https: instead",
        Some(url) if ["https://", "http://", "env:", "file:"].iter().any(|known| url.starts_with(known)) => return,
        Some(_) => "is not an address; write https://…, or env:NAME or file:PATH when it is secret",
    };
    problems.push(Problem::new(path, message));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let calendar: Calendar = toml::from_str(text).unwrap();
        calendar.problems().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_whole_table_is_read() {
        let calendar: Calendar = toml::from_str(
            r#"
            slot-minutes = 45
            holidays = "FR-alsace-moselle"
            closed = ["2025-12-24"]
            busy-url = "env:ACME_BUSY"
            [hours]
            mon = ["08:30-12:00", "14:00-18:00"]
            [[people]]
            id = "anna"
            name = "Anna Roux"
            email = "anna@example.com"
            hours = { tue = ["09:00-12:00"] }
            busy-url = "https://example.com/anna.ics"
            [[people]]
            id = "ben"
            name = "Ben"
            "#,
        )
        .unwrap();
        assert_eq!(calendar.problems(), []);
        assert_eq!(calendar.slot_minutes, 45);
        assert_eq!((calendar.notice_minutes, calendar.horizon_days, calendar.capacity), (60, 30, 1));
        assert_eq!(calendar.holidays, Holidays::AlsaceMoselle);
        let unknown = toml::from_str::<Calendar>("[hours]\nmonday = []").unwrap_err().to_string();
        assert!(unknown.contains("monday") && unknown.contains("line 2"), "{unknown}");
        assert!(toml::from_str::<Calendar>("slots = 3").is_err());
        assert!(toml::from_str::<Calendar>("holidays = \"DE\"").is_err());
    }

    #[test]
    fn problems_name_the_place_and_the_remedy() {
        assert_eq!(
            shown(r#"hours.mon = ["08:30-12:00", "18:00-14:00"]"#),
            [
                r#"calendar.hours.mon.1: ends before it begins; write it as "14:00-18:00", and one that passes midnight as two"#
            ]
        );
        assert_eq!(
            shown(
                r#"
                slot-minutes = 7
                capacity = 0
                closed = ["noël"]
                busy-url = "webcal://example.com/a.ics"
                hours.tue = ["09:00-12:00", "11:00-13:00"]
                [[people]]
                id = "Anna"
                name = " "
                email = "anna"
                hours = {}
                [[people]]
                id = "ben"
                name = "Ben"
                [[people]]
                id = "ben"
                name = "Ben"
                busy-url = "ben.ics"
                "#
            ),
            [
                "calendar.capacity: is 0; give 1 to 1000",
                "calendar.slot-minutes: is an odd length; use minutes divisible by 5",
                r#"calendar.closed.0: is not a day; write "2025-12-24", or "2025-12-26/2026-01-02" for several"#,
                r#"calendar.hours.tue.1: begins before "09:00-12:00" ends; list openings in order and without overlap"#,
                "calendar.busy-url: begins with webcal:; write https: instead",
                "calendar.people.0.id: is not an identifier; use 1 to 64 of a-z 0-9 - _",
                "calendar.people.0.name: is empty; write the person's name",
                r#"calendar.people.0.hours: opens on no day; give at least one, such as mon = ["09:00-12:00"]"#,
                "calendar.people.0.email: is not an e-mail address; write it as name@example.com",
                r#"calendar.people.2.id: repeats "ben"; give each person an identifier of their own"#,
                "calendar.people.2.busy-url: is not an address; write https://…, or env:NAME or file:PATH when it is secret",
            ]
        );
        assert_eq!(shown(""), [""; 0], "no meetings");
        assert_eq!(shown("slot-minutes = 45").len(), 1, "a calendar without hours");
        assert_eq!(shown("people = [{ id = \"a\", name = \"A\", hours = { mon = [\"09:00-10:00\"] } }]"), [""; 0]);
    }
}
