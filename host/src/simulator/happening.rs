//! What the simulator tells of itself, for a terminal, a page or a test.

use jiff::Timestamp;
use serde::Serialize;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Happening {
    /// WhatsApp accepted a message of the business.
    Outbound {
        /// The person's number, E.164.
        to: String,
        /// What the person will see: the text, or the template with its values.
        text: String,
        /// What there is to tap.
        buttons: Vec<Offered>,
        /// The template's name, when it is one.
        template: Option<String>,
        /// When.
        at: Timestamp,
        /// The callback data that came with it.
        envelope: Option<String>,
        /// WhatsApp's identifier.
        wamid: String,
    },
    /// A person wrote, tapped, reacted.
    Inbound {
        /// The person's number, E.164.
        from: String,
        /// The words; for what has none its type in square brackets.
        text: String,
        /// When.
        at: Timestamp,
        /// WhatsApp's identifier.
        wamid: String,
    },
    /// A message of the business reached a stage. Told once, whatever the webhooks say.
    Status {
        /// Which message.
        wamid: String,
        /// `sent`, `delivered`, `read` or `failed`.
        status: &'static str,
        /// Meta's code, when it failed.
        code: Option<i64>,
        /// When.
        at: Timestamp,
    },
    /// A request was refused.
    Refused {
        /// Meta's code.
        code: i64,
        /// Meta's details, or its message.
        details: String,
        /// When.
        at: Timestamp,
    },
    /// The business marked a message as read, perhaps to show that it is typing (for up to 25 seconds).
    Acknowledged {
        /// The person's message.
        wamid: String,
        /// Whether it shows as typing.
        is_typing: bool,
        /// When.
        at: Timestamp,
    },
}

/// Something that a person can tap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Offered {
    /// What the business gets to know; the payload of a template's button, the address of a link.
    pub id: String,
    /// What the person sees.
    pub title: String,
    /// What it is.
    pub kind: OfferedKind,
    /// The second line of a row.
    pub description: Option<String>,
}

impl Offered {
    /// Something to tap without a second line.
    pub(super) fn new(kind: OfferedKind, id: impl Into<String>, title: impl Into<String>) -> Self {
        Self { id: id.into(), title: title.into(), kind, description: None }
    }
}

/// What can be tapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OfferedKind {
    /// A button under a message.
    Button,
    /// A row of a list.
    Row,
    /// A button under a template.
    QuickReply,
    /// A link; tapping it tells the business nothing.
    Link,
    /// Asks for the person's number.
    ContactRequest,
}

/// A message on a person's screen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Received {
    /// WhatsApp's identifier.
    pub wamid: String,
    /// The business number that wrote, by Meta's id.
    pub phone_number_id: String,
    /// What it says; a template with its values.
    pub text: String,
    /// What there is to tap.
    pub buttons: Vec<Offered>,
    /// The template's name, when it is one.
    pub template: Option<String>,
    /// When it arrived.
    pub at: Timestamp,
}
