//! Reads the pieces of a guest's answer, each checked, and says which one is wrong.
//!
//! Texts for people lose their control characters but line breaks and tabs (`\r\n` becomes `\n`), and what turns their
//! direction of reading; a text of nothing that is seen is empty. Names and identifiers with control characters are refused. NUL characters inside JSON strings are
//! removed, because not every store can keep them.

use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;

use crate::model::{Fault, FaultKind};

use super::instants;
use crate::sandbox::{Limits, fault};

/// Reads one answer of a guest.
pub(super) struct Reader<'a> {
    zone: &'a TimeZone,
    limits: &'a Limits,
    left: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(zone: &'a TimeZone, limits: &'a Limits) -> Self {
        Self { zone, limits, left: limits.output_bytes }
    }

    /// Counts the bytes of a text against the limit of the whole answer.
    fn count(&mut self, text: &str) -> Result<(), Fault> {
        match self.left.checked_sub(text.len()) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(fault::of_answer(
                FaultKind::Output,
                format!("answered more than {} bytes; say less, or raise `output-bytes`", self.limits.output_bytes),
            )),
        }
    }

    /// Refuses more actions or reactions than their limit.
    pub(super) fn few<T>(&self, what: &str, items: &[T], most: usize) -> Result<(), Fault> {
        if items.len() <= most {
            return Ok(());
        }
        let found = items.len();
        Err(fault::of_answer(FaultKind::Actions, format!("answered {found} {what}; at most {most} are carried out")))
    }

    /// A text for people, of `least` to `most` characters.
    pub(super) fn text(&mut self, at: &str, text: &str, least: usize, most: usize) -> Result<String, Fault> {
        self.count(text)?;
        let text = printable(text);
        let empty = text.chars().all(|character| character.is_whitespace() || is_invisible(character));
        if least > 0 && empty {
            return Err(wrong(at, "is empty; write something or leave the whole out"));
        }
        let characters = text.chars().count();
        if characters > most {
            return Err(wrong(at, &format!("has {characters} characters; at most {most} fit")));
        }
        Ok(text)
    }

    /// A text for people on one line: line breaks and tabs become spaces.
    pub(super) fn line(&mut self, at: &str, text: &str, most: usize) -> Result<String, Fault> {
        let text = text.replace("\r\n", " ").replace(['\n', '\t', '\r'], " ");
        self.text(at, &text, 1, most)
    }

    /// A name or an identifier, of 1 to `most` characters.
    pub(super) fn name(&mut self, at: &str, name: &str, most: usize) -> Result<String, Fault> {
        self.count(name)?;
        if name.trim().is_empty() {
            return Err(wrong(at, "is empty"));
        }
        if name.chars().any(char::is_control) {
            return Err(wrong(at, "has control characters, such as a line break; leave them out"));
        }
        let characters = name.chars().count();
        if characters > most {
            return Err(wrong(at, &format!("has {characters} characters; at most {most} are allowed")));
        }
        Ok(name.to_owned())
    }

    /// A JSON text as a value.
    pub(super) fn json(&mut self, at: &str, text: &str) -> Result<Value, Fault> {
        self.count(text)?;
        let mut value: Value =
            serde_json::from_str(text).map_err(|error| wrong(at, &format!("is not valid JSON: {error}")))?;
        if text.contains("\\u0000") {
            without_nul(&mut value);
        }
        Ok(value)
    }

    /// A JSON object, byte for byte: the order of its keys is the CRM's business.
    pub(super) fn object(&mut self, at: &str, text: String) -> Result<String, Fault> {
        self.count(&text)?;
        let value: Value =
            serde_json::from_str(&text).map_err(|error| wrong(at, &format!("is not valid JSON: {error}")))?;
        if value.is_object() { Ok(text) } else { Err(wrong(at, "is not a JSON object")) }
    }

    /// The state, within its own limit.
    pub(super) fn state(&mut self, text: &str) -> Result<Value, Fault> {
        let most = self.limits.state_bytes;
        if text.len() > most {
            let found = text.len();
            return Err(fault::of_answer(
                FaultKind::State,
                format!("answered a state of {found} bytes; at most {most} are kept"),
            ));
        }
        self.json("state", text)
    }

    /// A moment.
    pub(super) fn instant(&mut self, at: &str, text: &str) -> Result<Timestamp, Fault> {
        self.count(text)?;
        instants::read(text, self.zone).map_err(|error| wrong(at, &error.to_string()))
    }

    /// A number of seconds, at most `most`.
    pub(super) fn seconds<N: Copy + PartialOrd + std::fmt::Display>(
        &self,
        at: &str,
        seconds: N,
        most: N,
    ) -> Result<N, Fault> {
        if seconds > most {
            return Err(wrong(at, &format!("is {seconds}; at most {most} seconds")));
        }
        Ok(seconds)
    }
}

/// The fault of an answer that is wrong in one place.
pub(super) fn wrong(at: &str, what: &str) -> Fault {
    fault::of_answer(FaultKind::Answer, format!("{at} {what}"))
}

fn printable(text: &str) -> String {
    text.replace("\r\n", "\n")
        .replace('\r', "\n")
        .chars()
        .filter(|character| !character.is_control() || matches!(character, '\n' | '\t'))
        .filter(|character| !turns_direction(*character))
        .collect()
}

/// Characters that make what follows read in another direction than it was written: a text that shows one address and
/// holds another. Marks and isolates, which right-to-left languages need, stay.
fn turns_direction(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}')
}

/// Characters that nobody sees.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e007f}')
}

fn without_nul(value: &mut Value) {
    match value {
        Value::String(text) => text.retain(|character| character != '\0'),
        Value::Array(items) => items.iter_mut().for_each(without_nul),
        Value::Object(members) => {
            *members = std::mem::take(members)
                .into_iter()
                .map(|(key, mut value)| {
                    without_nul(&mut value);
                    (key.replace('\0', ""), value)
                })
                .collect();
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_do_not_get_through() {
        let limits = Limits::default();
        let zone = TimeZone::UTC;
        let mut reader = Reader::new(&zone, &limits);
        assert_eq!(reader.text("t", "a\0b\r\nc\td\u{7f}\u{9b}", 1, 20).unwrap(), "ab\nc\td");
        assert_eq!(
            reader.text("t", "pay \u{202e}moc.live\u{202c} \u{2067}now", 1, 20).unwrap(),
            "pay moc.live \u{2067}now"
        );
        assert!(reader.text("t", "\u{200b}\u{feff} \u{2060}", 1, 20).is_err());
        assert_eq!(reader.line("t", "a\r\nb\tc\0", 20).unwrap(), "a b c");
        assert_eq!(
            reader.text("t", " \0\n", 1, 20).unwrap_err().message,
            "t is empty; write something or leave the whole out"
        );
        assert_eq!(reader.name("n", "a\nb", 20).unwrap_err().kind, FaultKind::Answer);
        let value = reader.json("j", r#"{"a\u0000":["\u0000b"]}"#).unwrap();
        assert_eq!(value.to_string(), r#"{"a":["b"]}"#);
        let kept = r#"{ "b":1, "a":2 }"#;
        assert_eq!(reader.object("o", kept.to_owned()).unwrap(), kept);
        assert!(reader.object("o", "[]".to_owned()).is_err());
        assert!(reader.json("j", "{\"a\":").is_err());
    }
}
