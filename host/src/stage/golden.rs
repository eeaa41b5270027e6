//! Golden conversations: who says what, when, and what must come out.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::model::Status;

/// A golden conversation, as `conversations/*.toml` holds it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Golden {
    /// What it shows, for people.
    pub title: String,
    /// When the CRM hands the lead over.
    #[serde(deserialize_with = "instant")]
    pub begin: Timestamp,
    /// The payload that the CRM posts.
    pub lead: Value,
    /// What the person writes, in order.
    #[serde(default)]
    pub messages: Vec<Said>,
    /// What must come of it.
    pub expect: Expect,
}

/// One message of the person.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Said {
    /// When.
    #[serde(deserialize_with = "instant")]
    pub at: Timestamp,
    /// What.
    pub says: String,
}

/// What must come of a conversation; what is left out is not looked at.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Expect {
    /// Every status told to the CRM, in order.
    pub statuses: Vec<Status>,
    /// `meeting.start` of each callback that has one, in order, to the letter.
    pub meetings: Vec<String>,
    /// `conversation_transcript` of the last callback that has one, to the letter.
    pub transcript: Option<String>,
}

/// One thing that came out otherwise than expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Of what.
    pub what: &'static str,
    /// As it should be.
    pub expected: String,
    /// As it is.
    pub found: String,
}

impl Expect {
    /// Everything in which the callbacks of a conversation differ from what is expected.
    pub fn differences(&self, callbacks: &[Value]) -> Vec<Difference> {
        let texts = |pointer: &str| -> Vec<String> {
            callbacks.iter().filter_map(|body| body.pointer(pointer)?.as_str().map(str::to_owned)).collect()
        };
        let mut differences = Vec::new();
        let mut compare = |what, expected: String, found: String| {
            if expected != found {
                differences.push(Difference { what, expected, found });
            }
        };
        if !self.statuses.is_empty() {
            let expected: Vec<_> = self.statuses.iter().map(|status| status.name()).collect();
            compare("statuses", expected.join(", "), texts("/status").join(", "));
        }
        if !self.meetings.is_empty() {
            compare("meetings", self.meetings.join(", "), texts("/meeting/start").join(", "));
        }
        if let Some(expected) = &self.transcript {
            let found = texts("/conversation_transcript").pop().unwrap_or_default();
            compare("transcript", expected.clone(), found);
        }
        differences
    }
}

/// TOML's own date-times and texts in RFC 3339 are both welcome.
fn instant<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = match Value::deserialize(deserializer)? {
        Value::String(text) => text,
        // A TOML date-time arrives as a map with one key.
        Value::Object(map) => map.values().find_map(Value::as_str).unwrap_or_default().to_owned(),
        _ => String::new(),
    };
    text.parse().map_err(|_| serde::de::Error::custom("a time is written as \"2025-10-08T09:31:00+02:00\""))
}
