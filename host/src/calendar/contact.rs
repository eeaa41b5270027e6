//! The `[contact-hours]` table of `tenant.toml`: when first messages and follow-ups may go out.

use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use serde::Deserialize;

use super::{Closure, Holidays, Opening, Problem, Week, hours, opening::closure_problems, wall::Wall};

/// How far [`ContactHours::next_allowed`] looks: beyond it, the tenant has closed for good.
const DAYS_AHEAD: i32 = 1_500;

/// When a person may be written to without having asked for it. Answers and reminders are not held by it.
///
/// The default is the French law on canvassing **by telephone**: Monday to Friday, 10:00 to 13:00 and 14:00 to 20:00,
/// not on Saturdays, Sundays and public holidays (Code de la consommation, article D. 223-9, from decree no. 2022-1313
/// of 13 October 2022). It speaks of calls, not of messages; it is taken as what people are used to, and a tenant may
/// set other hours.
///
/// ```toml
/// [contact-hours.hours]
/// wed = ["09:00-12:00"]
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct ContactHours {
    /// The openings of each day of the week. When given, a day that is missing is closed; default as above.
    pub hours: Week,
    /// Nobody is written to on these public holidays. Default `"FR"`.
    pub holidays: Holidays,
    /// Nor on these days. Default none.
    pub closed: Vec<Closure>,
}

impl Default for ContactHours {
    fn default() -> Self {
        let day = || vec![Opening::from("10:00-13:00"), Opening::from("14:00-20:00")];
        Self {
            hours: Week { mon: day(), tue: day(), wed: day(), thu: day(), fri: day(), ..Week::default() },
            holidays: Holidays::France,
            closed: Vec::new(),
        }
    }
}

impl ContactHours {
    /// Everything that is wrong with it.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        self.hours.problems("contact-hours.hours", &mut problems);
        closure_problems("contact-hours.closed", &self.closed, &mut problems);
        problems
    }

    /// `at` itself when it is within these hours, else the beginning of the next of them. A tenant that is closed for
    /// the next 1,500 days gets the end of these.
    pub fn next_allowed(&self, at: Timestamp, zone: &TimeZone) -> Timestamp {
        let today = zone.to_datetime(at).date();
        for ahead in 0..DAYS_AHEAD {
            let Ok(date) = today.checked_add(ahead.days()) else {
                break;
            };
            for (from, to) in hours::openings(&self.hours, self.holidays, &self.closed, date) {
                let [Some(from), Some(to)] = [from, to].map(|minute| Wall::of(zone, date, minute)) else {
                    continue;
                };
                let (from, to) = (from.instant(), to.instant());
                if at < to && from < to {
                    return at.max(from);
                }
            }
        }
        at.checked_add((i64::from(DAYS_AHEAD) * 24).hours()).unwrap_or(Timestamp::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outreach_waits_for_the_next_opening() {
        let zone = TimeZone::get("Europe/Paris").unwrap();
        let lawful = ContactHours::default();
        assert_eq!(lawful.problems(), []);
        for (at, expected) in [
            // Wednesday before opening, within, at noon, at the stroke of the end, in the evening
            ("2025-10-08T09:31+02:00", "2025-10-08T10:00+02:00"),
            ("2025-10-08T10:00+02:00", "2025-10-08T10:00+02:00"),
            ("2025-10-08T12:59:59+02:00", "2025-10-08T12:59:59+02:00"),
            ("2025-10-08T13:00+02:00", "2025-10-08T14:00+02:00"),
            ("2025-10-08T20:00+02:00", "2025-10-09T10:00+02:00"),
            // Friday evening, over the night that the clocks go back
            ("2025-10-24T21:00+02:00", "2025-10-27T10:00+01:00"),
            // Easter: Saturday to Tuesday
            ("2026-04-04T11:00+02:00", "2026-04-07T10:00+02:00"),
        ] {
            let (at, expected): (Timestamp, Timestamp) = (at.parse().unwrap(), expected.parse().unwrap());
            assert_eq!(lawful.next_allowed(at, &zone), expected, "{at}");
        }

        let own: ContactHours = toml::from_str("hours.wed = [\"09:00-12:00\"]\nclosed = [\"2025-10-08\"]").unwrap();
        let at = "2025-10-08T09:31+02:00".parse().unwrap();
        assert_eq!(own.next_allowed(at, &zone), "2025-10-15T09:00+02:00".parse().unwrap());

        let never: ContactHours = toml::from_str("hours = {}").unwrap();
        assert_eq!(never.problems().len(), 1);
        assert!(never.next_allowed(at, &zone) > "2029-01-01T00:00Z".parse().unwrap());
    }
}
