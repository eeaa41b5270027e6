//! Durations as people write them.

use std::fmt;

use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// A duration in seconds, written `"45s"`, `"2m30s"`, `"1h"`, `"2d"` or `"1d12h"` in a configuration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seconds(pub u64);

impl Seconds {
    /// Reads `"2m30s"`; units `d`, `h`, `m` (or `min`), `s`, largest first. None for anything else.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let mut rest = text.trim();
        let mut total = 0_u64;
        let mut smallest = u64::MAX;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit())?;
            let (number, after) = rest.split_at_checked(digits)?;
            let unit = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
            let (unit, next) = after.split_at_checked(unit)?;
            let seconds = match unit.trim() {
                "d" => 86_400,
                "h" => 3_600,
                "m" | "min" => 60,
                "s" => 1,
                _ => return None,
            };
            if seconds >= smallest {
                return None;
            }
            smallest = seconds;
            total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(seconds)?)?;
            rest = next.trim();
        }
        (smallest != u64::MAX).then_some(Self(total))
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Seconds;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration such as \"45s\", \"2m30s\", \"24h\" or \"2d\"")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Seconds, E> {
                Seconds::read(text).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_str(Reader)
    }
}

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{}s", self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::Seconds;

    #[test]
    fn reads_what_people_write() {
        for (text, seconds) in
            [("45s", 45), ("2m30s", 150), ("1h", 3600), ("2d", 172_800), ("1d 12h", 129_600), ("5 min", 300)]
        {
            assert_eq!(Seconds::read(text), Some(Seconds(seconds)), "{text}");
        }
        for text in ["", "12", "h", "1s2m", "1h1h", "-1h", "1.5h", "99999999999999999999s", "2 jours"] {
            assert_eq!(Seconds::read(text), None, "{text}");
        }
    }
}
