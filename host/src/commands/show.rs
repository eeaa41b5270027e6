//! How a conversation is shown on a terminal.

use std::io::IsTerminal as _;

use jiff::{Timestamp, tz::TimeZone};

use crate::stage::{Difference, Entry, EntryKind, Mark};

/// How a conversation is shown: in whose zone, and whether in colours.
#[derive(Clone, Debug)]
pub(in crate::commands) struct Show {
    zone: TimeZone,
    is_colourful: bool,
}

impl Show {
    pub(in crate::commands) fn new(zone: TimeZone) -> Self {
        let is_colourful = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { zone, is_colourful }
    }

    pub(in crate::commands) fn good(&self, text: &str) -> String {
        self.paint("32", text)
    }

    pub(in crate::commands) fn bad(&self, text: &str) -> String {
        self.paint("31", text)
    }

    /// What matters less.
    pub(in crate::commands) fn dim(&self, text: &str) -> String {
        self.paint("2", text)
    }

    /// Something in the course of a conversation, with `-` before what should have come and `+` before what came instead.
    pub(in crate::commands) fn entry(&self, entry: &Entry) -> String {
        let at = entry.at.map_or_else(|| " ".repeat(14), |at| self.clock(at));
        let who = entry.who.as_ref().map(|who| format!("({who}) ")).unwrap_or_default();
        let sign = match entry.kind {
            EntryKind::Client => "👤",
            EntryKind::Agent => "💬",
            EntryKind::Crm => "📨",
            EntryKind::Note => "··",
        };
        let text = entry.text.replace('\n', "\n                      ");
        let line = format!("{at}  {sign} {who}{text}");
        match entry.mark {
            Mark::Same if entry.kind == EntryKind::Client => format!("    {}", self.paint("33", &line)),
            Mark::Same => format!("    {line}"),
            Mark::Expected => self.bad(&format!("  - {line}")),
            Mark::Found => self.good(&format!("  + {line}")),
        }
    }

    /// One thing that came out otherwise, with the place that expects it.
    pub(in crate::commands) fn difference(&self, file: &str, difference: &Difference) -> String {
        let Difference { line, what, expected, found } = difference;
        let line = line.map(|line| format!(":{line}")).unwrap_or_default();
        let indent = |text: &str| text.replace('\n', "\n              ");
        format!(
            "  {file}{line}: {what}\n{}\n{}",
            self.bad(&format!("    expected: {}", indent(expected))),
            self.good(&format!("    found:    {}", indent(found)))
        )
    }

    /// A moment on the wall clock.
    pub(in crate::commands) fn clock(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%d/%m %H:%M:%S").to_string()
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.is_colourful { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
