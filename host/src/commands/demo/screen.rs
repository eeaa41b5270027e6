//! What the demonstration shows, for people or for scripts.

use std::io::{IsTerminal as _, Write as _};

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Map, Value, json};

/// Something to show.
#[derive(Clone, Debug)]
pub(super) enum Shown {
    /// A message, as WhatsApp took it or brought it.
    Message { is_out: bool, at: Timestamp, text: String },
    /// What the CRM received.
    Callback { at: Timestamp, headers: Map<String, Value>, body: Value },
    /// A component that was asked.
    Turn { role: String, micros: u64 },
}

/// Where it is shown.
#[derive(Clone, Debug)]
pub(super) struct Screen {
    is_json: bool,
    is_colourful: bool,
    zone: TimeZone,
}

impl Screen {
    pub(super) fn new(is_json: bool, zone: TimeZone) -> Self {
        let is_colourful = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { is_json, is_colourful, zone }
    }

    /// Shows one thing; JSON is one object a line.
    pub(super) fn show(&self, shown: &Shown) {
        let text = if self.is_json { self.json(shown).to_string() } else { self.text(shown) };
        self.line(&text);
    }

    /// Whether it is for scripts.
    pub(super) fn is_json(&self) -> bool {
        self.is_json
    }

    /// A line for scripts.
    pub(super) fn print(&self, object: &Value) {
        self.line(&object.to_string());
    }

    /// A line for people; scripts do not get it.
    pub(super) fn say(&self, text: &str) {
        if !self.is_json {
            self.line(text);
        }
    }

    fn line(&self, text: &str) {
        // A reader that went away (a closed pipe) is no reason to stop.
        let _ = writeln!(std::io::stdout().lock(), "{text}");
    }

    fn json(&self, shown: &Shown) -> Value {
        match shown {
            Shown::Message { is_out, at, text } => json!({
                "type": "message",
                "direction": if *is_out { "out" } else { "in" },
                "at": self.rfc3339(*at),
                "text": text,
            }),
            Shown::Callback { at, headers, body } => json!({
                "type": "callback",
                "at": self.rfc3339(*at),
                "headers": headers,
                "body": body,
            }),
            Shown::Turn { role, micros } => json!({ "type": "turn", "role": role, "micros": micros }),
        }
    }

    fn text(&self, shown: &Shown) -> String {
        match shown {
            Shown::Message { is_out: true, at, text } => {
                format!("{}  💬 {}", self.clock(*at), self.paint("36", text))
            }
            Shown::Message { is_out: false, at, text } => {
                format!("{}                         👤 {}", self.clock(*at), self.paint("33", text))
            }
            Shown::Callback { at, body, .. } => {
                let status = body.get("status").and_then(Value::as_str).unwrap_or("?");
                let meeting = body.pointer("/meeting/start").and_then(Value::as_str);
                let reason = body.pointer("/details/reason").and_then(Value::as_str);
                let more = [meeting, reason].into_iter().flatten().map(|text| format!("  {text}")).collect::<String>();
                format!("{}  📨 CRM ← {}{more}", self.clock(*at), self.paint("32;1", status))
            }
            Shown::Turn { role, micros } => self.paint("2", &format!("                     ⚙ {role} {micros} µs")),
        }
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.is_colourful { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn clock(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%a %d/%m %H:%M:%S").to_string()
    }

    fn rfc3339(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }
}
