//! Days and times as people say them, in French and in English (which also serves every other language).

use jiff::civil::{Date, Time, Weekday};

use crate::clock::days_after;

/// The tongue that dates are said in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tongue {
    French,
    English,
}

impl Tongue {
    /// French for `fr`, `fr-CH`…; English otherwise.
    pub(crate) fn of(language: &str) -> Self {
        if language.split('-').next() == Some("fr") { Self::French } else { Self::English }
    }

    /// "lundi", "Monday".
    pub(crate) fn weekday(self, date: Date) -> &'static str {
        let (french, english) = match date.weekday() {
            Weekday::Monday => ("lundi", "Monday"),
            Weekday::Tuesday => ("mardi", "Tuesday"),
            Weekday::Wednesday => ("mercredi", "Wednesday"),
            Weekday::Thursday => ("jeudi", "Thursday"),
            Weekday::Friday => ("vendredi", "Friday"),
            Weekday::Saturday => ("samedi", "Saturday"),
            Weekday::Sunday => ("dimanche", "Sunday"),
        };
        self.either(french, english)
    }

    /// "13/10", "13 Oct".
    pub(crate) fn date(self, date: Date) -> String {
        const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        match self {
            Self::French => format!("{:02}/{:02}", date.day(), date.month()),
            Self::English => {
                let month = usize::try_from(date.month() - 1).ok().and_then(|at| MONTHS.get(at)).unwrap_or(&"");
                format!("{} {month}", date.day())
            }
        }
    }

    /// "demain", "mercredi", and from a week on "lundi 20/10".
    pub(crate) fn day(self, date: Date, today: Date) -> String {
        if date == today {
            self.either("aujourd'hui", "today").to_owned()
        } else if date == days_after(today, 1) {
            self.either("demain", "tomorrow").to_owned()
        } else {
            self.weekday_or_date(date, today)
        }
    }

    /// "mercredi" within the week, "lundi 20/10" after it.
    pub(crate) fn weekday_or_date(self, date: Date, today: Date) -> String {
        if date >= today && date < days_after(today, 7) {
            self.weekday(date).to_owned()
        } else {
            format!("{} {}", self.weekday(date), self.date(date))
        }
    }

    /// "14h", "14h30"; "2 pm", "2:30 pm".
    pub(crate) fn time(self, time: Time) -> String {
        let (hour, minute) = (time.hour(), time.minute());
        match self {
            Self::French if minute == 0 => format!("{hour}h"),
            Self::French => format!("{hour}h{minute:02}"),
            Self::English => {
                let half = if hour < 12 { "am" } else { "pm" };
                let hour = if hour % 12 == 0 { 12 } else { hour % 12 };
                if minute == 0 { format!("{hour} {half}") } else { format!("{hour}:{minute:02} {half}") }
            }
        }
    }

    /// "8h30-9h".
    pub(crate) fn span(self, start: Time, end: Time) -> String {
        format!("{}-{}", self.time(start), self.time(end))
    }

    /// "jeudi à 9h".
    pub(crate) fn day_and_time(self, date: Date, time: Time, today: Date) -> String {
        format!("{} {} {}", self.day(date, today), self.either("à", "at"), self.time(time))
    }

    /// "mardi, mercredi ou jeudi".
    pub(crate) fn either_of(self, things: &[String]) -> String {
        match things {
            [] => String::new(),
            [only] => only.clone(),
            [head @ .., last] => format!("{} {} {last}", head.join(", "), self.either("ou", "or")),
        }
    }

    /// One of two wordings.
    pub(crate) fn either(self, french: &'static str, english: &'static str) -> &'static str {
        match self {
            Self::French => french,
            Self::English => english,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::{date, time};

    use super::Tongue::{English, French};

    #[test]
    fn days_and_times_are_said_as_people_do() {
        let today = date(2025, 10, 8);
        assert_eq!(French.day(date(2025, 10, 9), today), "demain");
        assert_eq!(French.day(date(2025, 10, 13), today), "lundi");
        assert_eq!(French.day(date(2025, 10, 15), today), "mercredi 15/10");
        assert_eq!(English.day(date(2025, 10, 20), today), "Monday 20 Oct");
        assert_eq!(French.span(time(8, 30, 0, 0), time(9, 0, 0, 0)), "8h30-9h");
        assert_eq!(
            (English.time(time(0, 5, 0, 0)), English.time(time(14, 0, 0, 0))),
            ("12:05 am".to_owned(), "2 pm".to_owned())
        );
        assert_eq!(French.either_of(&["a".to_owned(), "b".to_owned(), "c".to_owned()]), "a, b ou c");
    }
}
