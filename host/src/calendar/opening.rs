//! Openings of a day, days of a week, days off: what the tables of hours are made of.
//!
//! A text that cannot be read is kept as what it is, so that one look at a file tells of all its problems; until it is
//! mended it opens (or closes) nothing.

use jiff::civil::{Date, Weekday};
use serde::Deserialize;

use super::Problem;

const MINUTES_OF_DAY: u16 = 24 * 60;
/// Starts are offered on minutes divisible by this, so openings begin and end on such minutes too.
pub(super) const GRID_MINUTES: u16 = 5;

/// An opening within a day, written `"08:30-12:00"`; it may end at `24:00`, not after midnight.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct Opening {
    text: String,
    minutes: Result<(u16, u16), &'static str>,
}

impl Opening {
    /// From and to, in minutes of wall time since midnight; none when the text could not be read.
    pub fn minutes(&self) -> Option<(u16, u16)> {
        self.minutes.ok()
    }
}

impl From<String> for Opening {
    fn from(text: String) -> Self {
        let minutes = read_opening(&text);
        Self { text, minutes }
    }
}

impl From<&str> for Opening {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

fn read_opening(text: &str) -> Result<(u16, u16), &'static str> {
    let (from, to) = text
        .split_once('-')
        .and_then(|(from, to)| Some((read_minute(from)?, read_minute(to)?)))
        .ok_or(r#"is not an opening; write it as "08:30-12:00""#)?;
    if from >= to {
        return Err(r#"ends before it begins; write it as "14:00-18:00", and one that passes midnight as two"#);
    }
    if from % GRID_MINUTES != 0 || to % GRID_MINUTES != 0 {
        return Err("begins or ends on an odd minute; use minutes divisible by 5");
    }
    Ok((from, to))
}

/// `08:30` → 510
fn read_minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let two_digits = |text: &str| -> Option<u16> {
        let valid = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| valid)
    };
    let (hour, minute) = (two_digits(hour)?, two_digits(minute)?);
    let total = hour * 60 + minute;
    (minute < 60 && total <= MINUTES_OF_DAY).then_some(total)
}

/// The openings of each day of a week; a day that is missing is closed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Week {
    /// Monday.
    pub mon: Vec<Opening>,
    /// Tuesday.
    pub tue: Vec<Opening>,
    /// Wednesday.
    pub wed: Vec<Opening>,
    /// Thursday.
    pub thu: Vec<Opening>,
    /// Friday.
    pub fri: Vec<Opening>,
    /// Saturday.
    pub sat: Vec<Opening>,
    /// Sunday.
    pub sun: Vec<Opening>,
}

impl Week {
    /// The openings of a day, as they are written.
    pub fn on(&self, day: Weekday) -> &[Opening] {
        match day {
            Weekday::Monday => &self.mon,
            Weekday::Tuesday => &self.tue,
            Weekday::Wednesday => &self.wed,
            Weekday::Thursday => &self.thu,
            Weekday::Friday => &self.fri,
            Weekday::Saturday => &self.sat,
            Weekday::Sunday => &self.sun,
        }
    }

    /// What is wrong with it, under the dotted path of its table.
    pub(super) fn problems(&self, path: &str, problems: &mut Vec<Problem>) {
        let days = [
            ("mon", &self.mon),
            ("tue", &self.tue),
            ("wed", &self.wed),
            ("thu", &self.thu),
            ("fri", &self.fri),
            ("sat", &self.sat),
            ("sun", &self.sun),
        ];
        if days.iter().all(|(_, openings)| openings.is_empty()) {
            problems.push(Problem::new(path, r#"opens on no day; give at least one, such as mon = ["09:00-12:00"]"#));
        }
        for (day, openings) in days {
            let mut before: Option<(&Opening, u16)> = None;
            for (index, opening) in openings.iter().enumerate() {
                let path = format!("{path}.{day}.{index}");
                match opening.minutes {
                    Err(message) => problems.push(Problem::new(path, message)),
                    Ok((from, to)) => {
                        if let Some((before, _)) = before.filter(|(_, end)| from < *end) {
                            let message = format!(
                                "begins before {:?} ends; list openings in order and without overlap",
                                before.text
                            );
                            problems.push(Problem::new(path, message));
                        }
                        before = Some((opening, to));
                    }
                }
            }
        }
    }
}

/// A day off, `"2025-12-24"`, or a span of them, `"2025-12-26/2026-01-02"`, both ends included.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct Closure {
    days: Result<(Date, Date), &'static str>,
}

impl Closure {
    /// Whether it closes this day.
    pub fn contains(&self, date: Date) -> bool {
        self.days.is_ok_and(|(first, last)| (first..=last).contains(&date))
    }
}

impl From<String> for Closure {
    fn from(text: String) -> Self {
        let (first, last) = text.split_once('/').unwrap_or((&text, &text));
        let days = match (read_date(first), read_date(last)) {
            (Some(first), Some(last)) if first <= last => Ok((first, last)),
            (Some(_), Some(_)) => Err("ends before it begins; write the earlier day first"),
            _ => Err(r#"is not a day; write "2025-12-24", or "2025-12-26/2026-01-02" for several"#),
        };
        Self { days }
    }
}

fn read_date(text: &str) -> Option<Date> {
    Date::strptime("%Y-%m-%d", text.trim()).ok()
}

/// What is wrong with a list of days off.
pub(super) fn closure_problems(path: &str, closed: &[Closure], problems: &mut Vec<Problem>) {
    for (index, closure) in closed.iter().enumerate() {
        if let Err(message) = closure.days {
            problems.push(Problem::new(format!("{path}.{index}"), message));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openings_are_read_or_explained() {
        for (text, expected) in [
            ("08:30-12:00", Ok((510, 720))),
            ("00:00-24:00", Ok((0, 1440))),
            ("14:00 - 18:05", Ok((840, 1085))),
            ("18:00-14:00", Err("ends before")),
            ("22:00-02:00", Err("passes midnight")),
            ("09:00-09:00", Err("ends before")),
            ("08:32-12:00", Err("divisible by 5")),
            ("8:30-12:00", Err("is not an opening")),
            ("08:60-12:00", Err("is not an opening")),
            ("08:00-24:05", Err("is not an opening")),
            ("+8:00-12:00", Err("is not an opening")),
            ("éé:00-12:00", Err("is not an opening")),
            ("99:99-99:99", Err("is not an opening")),
            ("", Err("is not an opening")),
        ] {
            match (read_opening(text), expected) {
                (Ok(read), Ok(expected)) => assert_eq!(read, expected, "{text}"),
                (Err(message), Err(part)) => assert!(message.contains(part), "{text}: {message}"),
                (read, _) => panic!("{text}: {read:?}"),
            }
        }
    }

    #[test]
    fn closures_include_both_ends() {
        let closure = Closure::from("2025-12-26/2026-01-02".to_owned());
        for (day, closed) in [("2025-12-25", false), ("2025-12-26", true), ("2026-01-02", true), ("2026-01-03", false)]
        {
            assert_eq!(closure.contains(day.parse().unwrap()), closed, "{day}");
        }
        for text in ["2025-12-32", "24/12/2025", "2026-01-02/2025-12-26", "2025-12-24T10:00", ""] {
            assert!(Closure::from(text.to_owned()).days.is_err(), "{text}");
        }
    }
}
