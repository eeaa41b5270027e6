//! Phone numbers: validated once, kept as E.164.

use std::fmt;

use phonenumber::{Mode, country};
use serde::{Deserialize, Serialize};

/// A valid phone number in E.164, such as `+33612345604`. Its `Debug` shows the masked form, because logs are not the
/// place for phone numbers.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Phone(String);

/// Why a text is not a phone number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// No digits, letters in it, too short or too long.
    #[error("is not a phone number; write it with its country code, such as +33612345678")]
    Unreadable,
    /// Digits that no operator of the country assigns, by Google's metadata.
    #[error("is not a number that exists in its country; check the digits")]
    Invalid,
}

impl Phone {
    /// Reads a number as people write it. `region` (ISO 3166, such as `FR`) is the country of a number without a code.
    pub fn parse(text: &str, region: Option<&str>) -> Result<Self, PhoneError> {
        if text.len() > 64 {
            return Err(PhoneError::Unreadable);
        }
        let region = region.and_then(|id| id.parse::<country::Id>().ok());
        let number = phonenumber::parse(region, text).map_err(|_| PhoneError::Unreadable)?;
        if !phonenumber::is_valid(&number) {
            return Err(PhoneError::Invalid);
        }
        Ok(Self(number.format().mode(Mode::E164).to_string()))
    }

    /// Takes digits that WhatsApp vouches for (a `wa_id`), which local metadata may not know yet.
    pub fn from_whatsapp(digits: &str) -> Self {
        Self(format!("+{}", digits.trim_start_matches('+')))
    }

    /// E.164, with its `+`.
    pub fn as_e164(&self) -> &str {
        &self.0
    }

    /// As the guide's transcript shows it: `+33 6 ** ** ** 04`. The country code, the first digit and the last two stay.
    pub fn masked(&self) -> String {
        let Ok(number) = phonenumber::parse(None, &self.0) else {
            return "+**".to_owned();
        };
        let shown = number.format().mode(Mode::International).to_string();
        let prefix = format!("+{}", number.code().value());
        let national = shown.strip_prefix(&prefix).unwrap_or(&shown);
        let digits = national.chars().filter(char::is_ascii_digit).count();
        let mut seen = 0;
        let masked: String = national
            .chars()
            .map(|character| {
                if !character.is_ascii_digit() {
                    return character;
                }
                seen += 1;
                if seen == 1 || seen + 1 >= digits { character } else { '*' }
            })
            .collect();
        format!("{prefix}{masked}")
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Phone({})", self.masked())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_validated_and_masked() {
        let phone = Phone::parse("06 12 34 56 04", Some("FR")).unwrap();
        assert_eq!(phone.as_e164(), "+33612345604");
        assert_eq!(phone.masked(), "+33 6 ** ** ** 04");
        assert_eq!(format!("{phone:?}"), "Phone(+33 6 ** ** ** 04)");
        assert_eq!(Phone::parse("+1 (415) 555-2671", None).unwrap().masked(), "+1 4**-***-**71");
        assert_eq!(Phone::parse("+33", None), Err(PhoneError::Unreadable));
        assert_eq!(Phone::parse("bonjour", Some("FR")), Err(PhoneError::Unreadable));
        assert!(Phone::parse("+33000000000", None).is_err());
        assert_eq!(Phone::parse("+33912", None), Err(PhoneError::Invalid));
        assert_eq!(Phone::parse(&"9".repeat(10_000), None), Err(PhoneError::Unreadable));
    }
}
