//! A message of the business, from the request to the person's screen.

use super::Offered;

/// A valid request to send.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Draft {
    /// To whom.
    pub(super) recipient: Recipient,
    /// `to` or `recipient` as given, which the answer repeats.
    pub(super) input: String,
    /// What the person will see.
    pub(super) shown: Shown,
    /// The callback data.
    pub(super) envelope: Option<String>,
}

/// To whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Recipient {
    /// A number, E.164.
    Number(String),
    /// A business-scoped user id.
    UserId(String),
}

/// What a person will see.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Shown {
    /// The words.
    pub(super) text: String,
    /// What there is to tap.
    pub(super) buttons: Vec<Offered>,
    /// Of a template: its name.
    pub(super) template: Option<String>,
    /// Of a template: `MARKETING`, `UTILITY` or `AUTHENTICATION`.
    pub(super) category: Option<String>,
}

/// How far a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// WhatsApp took it.
    Accepted,
    /// It left for the person.
    Sent,
    /// It is on the person's phone.
    Delivered,
    /// The person saw it.
    Read,
}

impl Stage {
    /// Meta's word.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
        }
    }
}

/// A message that was accepted.
#[derive(Clone, Debug)]
pub(super) struct Message {
    /// Meta's id of the business number that wrote.
    pub(super) phone_number_id: String,
    /// The index of the person in the world.
    pub(super) person: usize,
    /// What the person will see.
    pub(super) shown: Shown,
    /// The callback data.
    pub(super) envelope: Option<String>,
    /// Whether the person had written within 24 hours.
    pub(super) in_window: bool,
    /// How far it came.
    pub(super) stage: Stage,
    /// What becomes of it once it is no longer held.
    pub(super) after_hold: Option<super::itinerary::Fate>,
}
