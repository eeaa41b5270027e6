//! Recurrence rules (RFC 5545 §3.3.10), as far as they speak of whole days.

use jiff::{
    Span, ToSpan as _,
    civil::{Date, Weekday},
};

use super::Error;

/// How often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frequency {
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

/// A recurrence rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) frequency: Frequency,
    pub(super) interval: i32,
    pub(super) count: Option<u32>,
    /// A date or a date-time, as written.
    pub(super) until: Option<String>,
    /// With the ordinal of `2TU` or `-1SU`.
    pub(super) days: Vec<(Option<i32>, Weekday)>,
    pub(super) month_days: Vec<i32>,
    pub(super) months: Vec<i32>,
    pub(super) positions: Vec<i32>,
    pub(super) week_start: Weekday,
}

/// How many more days may be looked at, for all events of a calendar together.
#[derive(Debug)]
pub(super) struct Budget(pub(super) u32);

impl Budget {
    fn spend(&mut self, days: usize) -> Result<(), Error> {
        let left = u32::try_from(days).ok().and_then(|days| self.0.checked_sub(days));
        self.0 = left.ok_or(Error::TooMany)?;
        Ok(())
    }
}

impl Rule {
    /// Of the value of an `RRULE`.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let mut rule = Self {
            frequency: Frequency::Daily,
            interval: 1,
            count: None,
            until: None,
            days: Vec::new(),
            month_days: Vec::new(),
            months: Vec::new(),
            positions: Vec::new(),
            week_start: Weekday::Monday,
        };
        let mut has_frequency = false;
        for part in text.trim().split(';').filter(|part| !part.is_empty()) {
            let (key, value) = part.split_once('=').ok_or(Error::Invalid("RRULE"))?;
            match key.to_ascii_uppercase().as_str() {
                "FREQ" => {
                    has_frequency = true;
                    rule.frequency = frequency(value)?;
                }
                "INTERVAL" => rule.interval = number(value, 1..=1_000)?,
                "COUNT" => rule.count = Some(value.parse().map_err(|_| Error::Invalid("RRULE"))?),
                "UNTIL" => rule.until = Some(value.to_owned()),
                "BYDAY" => rule.days = list(value, weekday)?,
                "BYMONTHDAY" => rule.month_days = list(value, |text| number(text, -31..=31))?,
                "BYMONTH" => rule.months = list(value, |text| number(text, 1..=12))?,
                "BYSETPOS" => rule.positions = list(value, |text| number(text, -366..=366))?,
                "WKST" => rule.week_start = weekday(value)?.1,
                other => return Err(Error::Rule(other.chars().take(16).collect())),
            }
        }
        has_frequency.then_some(rule).ok_or(Error::Invalid("RRULE"))
    }

    /// The days on which it falls, from `start` (which always counts, and is the first) to `last`, but none that a rule
    /// without a count can skip before `first`.
    pub(super) fn dates(&self, start: Date, first: Date, last: Date, budget: &mut Budget) -> Result<Vec<Date>, Error> {
        let mut left = self.count.unwrap_or(u32::MAX);
        let mut dates = Vec::new();
        let mut keep = |date: Date| {
            let counts = left > 0;
            left = left.saturating_sub(1);
            if counts && (first..=last).contains(&date) {
                dates.push(date);
            }
            counts
        };
        if !keep(start) {
            return Ok(dates);
        }
        let mut period = if self.count.is_none() { self.periods_before(start, first) } else { 0 };
        while let Some((begin, end)) = self.period(start, period) {
            if begin > last {
                break;
            }
            let length = usize::try_from((end - begin).get_days()).unwrap_or_default();
            budget.spend(length + 1)?;
            for date in self.chosen(start, begin, length) {
                if date > start && (date > last || !keep(date)) {
                    return Ok(dates);
                }
            }
            period += 1;
        }
        Ok(dates)
    }

    /// The first day of the `index`-th period that counts, and the day after its last.
    fn period(&self, start: Date, index: i32) -> Option<(Date, Date)> {
        let steps = i64::from(index.checked_mul(self.interval)?);
        let (anchor, step, length): (Date, Span, Span) = match self.frequency {
            Frequency::Daily => (start, Span::new().try_days(steps).ok()?, 1.day()),
            Frequency::Weekly => {
                let back = start.weekday().since(self.week_start);
                let begin = start.checked_sub(i64::from(back).days()).ok()?;
                (begin, Span::new().try_weeks(steps).ok()?, 7.days())
            }
            Frequency::Monthly => (start.first_of_month(), Span::new().try_months(steps).ok()?, 1.month()),
            Frequency::Yearly => (start.first_of_year(), Span::new().try_years(steps).ok()?, 1.year()),
        };
        let begin = anchor.checked_add(step).ok()?;
        Some((begin, begin.checked_add(length).ok()?))
    }

    /// How many periods end before `first` for certain.
    fn periods_before(&self, start: Date, first: Date) -> i32 {
        let longest = match self.frequency {
            Frequency::Daily => 1,
            Frequency::Weekly => 7,
            Frequency::Monthly => 31,
            Frequency::Yearly => 366,
        };
        ((first - start).get_days() / (longest * self.interval) - 1).max(0)
    }

    /// The days of a period that the rule chooses, in order.
    fn chosen(&self, start: Date, begin: Date, length: usize) -> Vec<Date> {
        let dates: Vec<Date> = begin.series(1.day()).take(length).filter(|date| self.chooses(start, *date)).collect();
        if self.positions.is_empty() {
            return dates;
        }
        let from_front = |position: i32| usize::try_from(position).ok()?.checked_sub(1);
        let from_back = |position: i32| dates.len().checked_sub(usize::try_from(position.checked_neg()?).ok()?);
        let mut indices: Vec<usize> = self
            .positions
            .iter()
            .filter_map(|position| if *position > 0 { from_front(*position) } else { from_back(*position) })
            .collect();
        indices.sort_unstable();
        indices.dedup();
        indices.into_iter().filter_map(|index| dates.get(index).copied()).collect()
    }

    fn chooses(&self, start: Date, date: Date) -> bool {
        let is_bare = self.days.is_empty() && self.month_days.is_empty();
        let by_default = match self.frequency {
            Frequency::Daily => true,
            _ if !is_bare => true,
            Frequency::Weekly => date.weekday() == start.weekday(),
            Frequency::Monthly => date.day() == start.day(),
            Frequency::Yearly => {
                date.day() == start.day() && (!self.months.is_empty() || date.month() == start.month())
            }
        };
        by_default
            && (self.months.is_empty() || self.months.contains(&i32::from(date.month())))
            && (self.month_days.is_empty() || self.chooses_month_day(date))
            && (self.days.is_empty() || self.days.iter().any(|(nth, day)| self.is_nth(date, *nth, *day)))
    }

    fn chooses_month_day(&self, date: Date) -> bool {
        let day = i32::from(date.day());
        let from_end = day - i32::from(date.days_in_month()) - 1;
        self.month_days.contains(&day) || self.month_days.contains(&from_end)
    }

    /// Whether it is that weekday and, with an ordinal, the nth of its month (of its year, for a yearly rule without
    /// months).
    fn is_nth(&self, date: Date, nth: Option<i32>, day: Weekday) -> bool {
        if date.weekday() != day {
            return false;
        }
        let Some(nth) = nth else {
            return true;
        };
        let (position, length) = if self.frequency == Frequency::Yearly && self.months.is_empty() {
            (i32::from(date.day_of_year()), i32::from(date.days_in_year()))
        } else {
            (i32::from(date.day()), i32::from(date.days_in_month()))
        };
        nth == (position - 1) / 7 + 1 || nth == -((length - position) / 7 + 1)
    }
}

fn frequency(text: &str) -> Result<Frequency, Error> {
    match text.to_ascii_uppercase().as_str() {
        "DAILY" => Ok(Frequency::Daily),
        "WEEKLY" => Ok(Frequency::Weekly),
        "MONTHLY" => Ok(Frequency::Monthly),
        "YEARLY" => Ok(Frequency::Yearly),
        other => Err(Error::Rule(format!("FREQ={}", other.chars().take(16).collect::<String>()))),
    }
}

/// A number that is not 0.
fn number(text: &str, range: std::ops::RangeInclusive<i32>) -> Result<i32, Error> {
    text.parse().ok().filter(|number| *number != 0 && range.contains(number)).ok_or(Error::Invalid("RRULE"))
}

/// `MO`, `2TU`, `-1SU`
fn weekday(text: &str) -> Result<(Option<i32>, Weekday), Error> {
    let split = text.len().checked_sub(2).and_then(|at| text.split_at_checked(at));
    let (nth, day) = split.ok_or(Error::Invalid("RRULE"))?;
    let day = match day.to_ascii_uppercase().as_str() {
        "MO" => Weekday::Monday,
        "TU" => Weekday::Tuesday,
        "WE" => Weekday::Wednesday,
        "TH" => Weekday::Thursday,
        "FR" => Weekday::Friday,
        "SA" => Weekday::Saturday,
        "SU" => Weekday::Sunday,
        _ => return Err(Error::Invalid("RRULE")),
    };
    let nth = (!nth.is_empty()).then(|| number(nth, -53..=53)).transpose()?;
    Ok((nth, day))
}

fn list<T>(text: &str, item: impl Fn(&str) -> Result<T, Error>) -> Result<Vec<T>, Error> {
    text.split(',').map(|part| item(part.trim())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The days (month-day) of a rule in a window.
    fn days(rule: &str, start: &str, first: &str, last: &str) -> String {
        let [start, first, last] = [start, first, last].map(|day| day.parse().unwrap());
        Rule::parse(rule)
            .and_then(|rule| rule.dates(start, first, last, &mut Budget(100_000)))
            .map(|dates| dates.iter().map(|date| date.strftime("%m-%d").to_string()).collect::<Vec<_>>().join(" "))
            .unwrap_or_else(|error| error.to_string())
    }

    #[test]
    fn rules_fall_on_their_days() {
        let all = ("1900-01-01", "2100-01-01");
        for (rule, start, (first, last), expected) in [
            ("FREQ=DAILY;COUNT=3", "2025-10-08", all, "10-08 10-09 10-10"),
            ("FREQ=DAILY;INTERVAL=10", "2000-01-01", ("2025-10-01", "2025-10-31"), "10-06 10-16 10-26"),
            ("FREQ=DAILY;BYDAY=MO,FR;COUNT=3", "2025-10-10", all, "10-10 10-13 10-17"),
            ("FREQ=WEEKLY", "2024-10-09", ("2025-10-01", "2025-10-15"), "10-01 10-08 10-15"),
            // RFC 5545's own pair on WKST
            ("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", "1997-08-05", all, "08-05 08-10 08-19 08-24"),
            ("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", "1997-08-05", all, "08-05 08-17 08-19 08-31"),
            // The start counts though the rule does not fall on it
            ("FREQ=WEEKLY;BYDAY=MO;COUNT=3", "2025-10-08", all, "10-08 10-13 10-20"),
            ("FREQ=MONTHLY", "2025-01-31", ("2025-01-01", "2025-06-30"), "01-31 03-31 05-31"),
            ("FREQ=MONTHLY;BYDAY=2TU", "2020-01-14", ("2025-10-01", "2025-12-31"), "10-14 11-11 12-09"),
            ("FREQ=MONTHLY;BYDAY=-1FR;COUNT=2", "1997-09-26", all, "09-26 10-31"),
            ("FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=3", "2024-01-31", all, "01-31 02-29 03-31"),
            ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2;COUNT=3", "1997-09-29", all, "09-29 10-30 11-27"),
            ("FREQ=YEARLY;COUNT=3", "2024-02-29", all, "02-29 02-29 02-29"),
            ("FREQ=YEARLY;BYDAY=20MO;COUNT=2", "1997-05-19", all, "05-19 05-18"),
            ("FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU", "1981-03-29", ("2025-01-01", "2026-12-31"), "03-30 03-29"),
            ("FREQ=DAILY;COUNT=0", "2025-10-08", all, ""),
            ("FREQ=DAILY", "2025-10-08", all, "expand the recurring events; together they span too many days"),
            (
                "FREQ=HOURLY",
                "2025-10-08",
                all,
                "follow a recurrence rule with FREQ=HOURLY; only whole days are supported",
            ),
            (
                "FREQ=DAILY;BYHOUR=9",
                "2025-10-08",
                all,
                "follow a recurrence rule with BYHOUR; only whole days are supported",
            ),
            ("COUNT=3", "2025-10-08", all, "read RRULE; its value is not valid iCalendar"),
            ("FREQ=DAILY;INTERVAL=0", "2025-10-08", all, "read RRULE; its value is not valid iCalendar"),
            ("FREQ=WEEKLY;BYDAY=é", "2025-10-08", all, "read RRULE; its value is not valid iCalendar"),
        ] {
            let last = if rule == "FREQ=DAILY" { "9000-01-01" } else { last };
            assert_eq!(days(rule, start, first, last), expected, "{rule}");
        }
    }
}
