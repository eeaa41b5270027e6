//! French public holidays of any year.

use jiff::{ToSpan as _, civil::Date};
use serde::Deserialize;

/// On which public holidays a tenant is closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Holidays {
    /// The eleven of the whole of France. The default.
    #[default]
    #[serde(rename = "FR")]
    France,
    /// These and the two of Bas-Rhin, Haut-Rhin and Moselle.
    #[serde(rename = "FR-alsace-moselle")]
    AlsaceMoselle,
    /// None.
    #[serde(rename = "none")]
    None,
}

impl Holidays {
    /// Whether this day is one of them.
    pub fn contain(self, date: Date) -> bool {
        match self {
            Self::France => french_holiday(date, false).is_some(),
            Self::AlsaceMoselle => french_holiday(date, true).is_some(),
            Self::None => false,
        }
    }
}

/// The name of the public holiday on this day: article L3133-1 of the French Code du travail, and with
/// `alsace_moselle` also article L3134-13 (Good Friday and 26 December).
pub fn french_holiday(date: Date, alsace_moselle: bool) -> Option<&'static str> {
    let fixed = match (date.month(), date.day()) {
        (1, 1) => Some("Jour de l’an"),
        (5, 1) => Some("Fête du Travail"),
        (5, 8) => Some("Victoire 1945"),
        (7, 14) => Some("Fête nationale"),
        (8, 15) => Some("Assomption"),
        (11, 1) => Some("Toussaint"),
        (11, 11) => Some("Armistice 1918"),
        (12, 25) => Some("Noël"),
        (12, 26) if alsace_moselle => Some("Saint-Étienne"),
        _ => None,
    };
    fixed.or_else(|| {
        let days_after_easter = (date - easter(date.year())?).get_days();
        match days_after_easter {
            -2 if alsace_moselle => Some("Vendredi saint"),
            1 => Some("Lundi de Pâques"),
            39 => Some("Ascension"),
            50 => Some("Lundi de Pentecôte"),
            _ => None,
        }
    })
}

/// Easter Sunday of a Gregorian year: the first Sunday after the first ecclesiastical full moon on or after 21 March.
fn easter(year: i16) -> Option<Date> {
    let year = i32::from(year);
    let century = year / 100;
    // The moon's age returns to the same days every 19 years, less the corrections of Lilius for centuries.
    let lunar_correction = (8 * century + 13) / 25;
    let age = (19 * (year % 19) + century - century / 4 - lunar_correction + 15).rem_euclid(30);
    // The two shortened lunar months.
    let days_to_full_moon = age - i32::from(age == 29 || (age == 28 && year % 19 > 10));
    let full_moon = Date::new(i16::try_from(year).ok()?, 3, 21).ok()?.checked_add(days_to_full_moon.days()).ok()?;
    full_moon.nth_weekday(1, jiff::civil::Weekday::Sunday).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn easter_falls_on_published_days() {
        for day in [
            "1818-03-22",
            "1943-04-25",
            "1954-04-18",
            "1961-04-02",
            "1981-04-19",
            "2000-04-23",
            "2008-03-23",
            "2011-04-24",
            "2019-04-21",
            "2024-03-31",
            "2025-04-20",
            "2026-04-05",
            "2027-03-28",
            "2028-04-16",
            "2029-04-01",
            "2030-04-21",
            "2038-04-25",
            "2049-04-18",
            "2076-04-19",
            "2285-03-22",
        ] {
            let day: Date = day.parse().unwrap();
            assert_eq!(easter(day.year()), Some(day));
        }
    }

    #[test]
    fn a_year_has_its_holidays() {
        // Easter Monday, Ascension, Whit Monday as the service-public calendar lists them.
        for (year, moving) in [
            (2024, ["04-01", "05-09", "05-20"]),
            (2025, ["04-21", "05-29", "06-09"]),
            (2026, ["04-06", "05-14", "05-25"]),
            (2027, ["03-29", "05-06", "05-17"]),
            (2028, ["04-17", "05-25", "06-05"]),
            (2029, ["04-02", "05-10", "05-21"]),
            (2030, ["04-22", "05-30", "06-10"]),
        ] {
            let fixed = ["01-01", "05-01", "05-08", "07-14", "08-15", "11-01", "11-11", "12-25"];
            let mut expected: Vec<String> = fixed.iter().chain(&moving).map(|day| format!("{year}-{day}")).collect();
            expected.sort();
            let first = Date::new(year, 1, 1).unwrap();
            let found: Vec<String> = first
                .series(1.day())
                .take_while(|day| day.year() == year)
                .filter(|day| Holidays::France.contain(*day))
                .map(|day| day.to_string())
                .collect();
            assert_eq!(found, expected);
            let local = first
                .series(1.day())
                .take_while(|day| day.year() == year)
                .filter(|day| Holidays::AlsaceMoselle.contain(*day) && !Holidays::France.contain(*day))
                .count();
            assert_eq!(local, 2);
        }
        assert_eq!(french_holiday("2026-04-03".parse().unwrap(), true), Some("Vendredi saint"));
        assert!(!Holidays::None.contain("2026-12-25".parse().unwrap()));
    }
}
