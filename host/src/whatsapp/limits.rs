//! Whether a message keeps to Meta's limits, checked before a request is spent on it.

use std::collections::HashSet;

use super::message::flat;
use super::{Button, ButtonParameter, Header, Outgoing, Parameter, Section, TemplateCall};
use crate::model::limits::{
    BUTTON_ID, BUTTON_TITLE, BUTTONS, FOOTER, HEADER, INTERACTIVE_BODY, ROW_DESCRIPTION, ROW_ID, ROW_TITLE, ROWS,
    SECTION_TITLE, SECTIONS, TEMPLATE_NAME, TEMPLATE_PARAMETER, TEMPLATE_PAYLOAD, TEXT, length,
};

/// A part of a message that Meta would refuse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitProblem {
    /// A text is too long.
    #[error("{part} is {actual} characters long, {limit} are allowed")]
    TooLong {
        /// Which text.
        part: String,
        /// How long it may be, in UTF-16 units.
        limit: usize,
        /// How long it is.
        actual: usize,
    },
    /// There are too many of something.
    #[error("{part}: {actual}, {limit} are allowed")]
    TooMany {
        /// Of what.
        part: String,
        /// How many there may be.
        limit: usize,
        /// How many there are.
        actual: usize,
    },
    /// A required text or list is empty.
    #[error("{part} is empty")]
    Empty {
        /// Which.
        part: String,
    },
    /// Two titles or ids that must differ are the same.
    #[error("{part} is the same as an earlier one")]
    Repeated {
        /// The later one.
        part: String,
    },
    /// A template's name has other characters than `a`–`z`, `0`–`9` and `_`.
    #[error("{part} may contain only a-z, 0-9 and _")]
    Characters {
        /// Which text.
        part: String,
    },
}

impl Outgoing {
    /// Checks every length and count.
    ///
    /// # Errors
    /// All problems, in the order of the message; each names the part, the limit and the actual figure.
    pub fn check(&self) -> Result<(), Vec<LimitProblem>> {
        let mut check = Check::default();
        match self {
            Self::Text { body, .. } => check.text("text", body, TEXT),
            Self::Buttons { header, body, footer, buttons } => {
                check.optional("header", header.as_deref(), HEADER);
                check.text("body", body, INTERACTIVE_BODY);
                check.optional("footer", footer.as_deref(), FOOTER);
                check.buttons(buttons);
            }
            Self::List { body, button, sections } => {
                check.text("body", body, INTERACTIVE_BODY);
                check.text("list button", button, BUTTON_TITLE);
                check.sections(sections);
            }
            Self::Template(call) => check.template(call),
            Self::MarkRead { message_id, .. } => check.text("message id", message_id, TEXT),
        }
        if check.problems.is_empty() { Ok(()) } else { Err(check.problems) }
    }
}

/// The problems found so far.
#[derive(Default)]
struct Check {
    problems: Vec<LimitProblem>,
}

impl Check {
    /// A text that may be absent or empty.
    fn optional(&mut self, part: &str, text: Option<&str>, limit: usize) {
        let actual = length(text.unwrap_or_default());
        if actual > limit {
            self.problems.push(LimitProblem::TooLong { part: part.to_owned(), limit, actual });
        }
    }

    /// A text that must say something.
    fn text(&mut self, part: &str, text: &str, limit: usize) {
        if text.trim().is_empty() {
            self.problems.push(LimitProblem::Empty { part: part.to_owned() });
        }
        self.optional(part, Some(text), limit);
    }

    /// How many there are of something that must be there.
    fn count(&mut self, part: &str, actual: usize, limit: usize) {
        if actual == 0 {
            self.problems.push(LimitProblem::Empty { part: part.to_owned() });
        }
        if actual > limit {
            self.problems.push(LimitProblem::TooMany { part: part.to_owned(), limit, actual });
        }
    }

    /// A text that none before it may equal.
    fn distinct<'t>(&mut self, part: &str, text: &'t str, seen: &mut HashSet<&'t str>) {
        if !seen.insert(text) {
            self.problems.push(LimitProblem::Repeated { part: part.to_owned() });
        }
    }

    fn buttons(&mut self, buttons: &[Button]) {
        self.count("buttons", buttons.len(), BUTTONS);
        let (mut titles, mut ids) = (HashSet::new(), HashSet::new());
        for (number, button) in (1..).zip(buttons) {
            let (title, id) = (format!("title of button {number}"), format!("id of button {number}"));
            self.text(&title, &button.title, BUTTON_TITLE);
            self.distinct(&title, &button.title, &mut titles);
            self.text(&id, &button.id, BUTTON_ID);
            self.distinct(&id, &button.id, &mut ids);
        }
    }

    fn sections(&mut self, sections: &[Section]) {
        self.count("sections", sections.len(), SECTIONS);
        self.count("rows of all sections", sections.iter().map(|section| section.rows.len()).sum(), ROWS);
        let mut ids = HashSet::new();
        let mut number = 0_usize;
        for (place, section) in (1..).zip(sections) {
            let title = format!("title of section {place}");
            if sections.len() > 1 {
                self.text(&title, &section.title, SECTION_TITLE);
            } else {
                self.optional(&title, Some(&section.title), SECTION_TITLE);
            }
            for row in &section.rows {
                number += 1;
                let id = format!("id of row {number}");
                self.text(&format!("title of row {number}"), &row.title, ROW_TITLE);
                self.optional(&format!("description of row {number}"), row.description.as_deref(), ROW_DESCRIPTION);
                self.text(&id, &row.id, ROW_ID);
                self.distinct(&id, &row.id, &mut ids);
            }
        }
    }

    fn template(&mut self, call: &TemplateCall) {
        self.template_name(&call.name);
        self.text("template language", &call.language, 16);
        match &call.header {
            Some(Header::Text(parameter)) => self.parameter("header parameter", parameter, HEADER),
            Some(Header::Image(_) | Header::Video(_) | Header::Document(_)) | None => {}
        }
        for (number, parameter) in (1..).zip(&call.body) {
            self.parameter(&format!("body parameter {number}"), parameter, TEMPLATE_PARAMETER);
        }
        for button in &call.buttons {
            match button {
                ButtonParameter::QuickReply { index, payload } => {
                    self.text(&format!("payload of button {index}"), payload, TEMPLATE_PAYLOAD);
                }
                ButtonParameter::Url { index, suffix } => {
                    self.text(&format!("address of button {index}"), suffix, TEXT);
                }
            }
        }
    }

    fn template_name(&mut self, name: &str) {
        self.text("template name", name, TEMPLATE_NAME);
        if !is_template_name(name) {
            self.problems.push(LimitProblem::Characters { part: "template name".to_owned() });
        }
    }

    /// Whitespace is flattened before anything is counted, as it is before it is sent.
    fn parameter(&mut self, part: &str, parameter: &Parameter, limit: usize) {
        let part = parameter.name.as_ref().map_or_else(|| part.to_owned(), |name| format!("{part} ({name})"));
        self.text(&part, &flat(&parameter.text), limit);
    }
}

/// Whether a template may have this name.
pub(super) fn is_template_name(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}
