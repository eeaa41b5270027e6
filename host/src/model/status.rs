//! What the CRM is told.

use serde::{Deserialize, Serialize};

/// A status of the integration guide, under the guide's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// The first message reached the phone.
    FirstMessageDelivered,
    /// The person opened it.
    FirstMessageRead,
    /// The person wrote.
    ResponseReceived,
    /// A meeting stands.
    MeetingBooked,
    /// The person cannot be reached on WhatsApp.
    NotReachable,
    /// The person asked to be left alone.
    OptOut,
    /// The conversation led to nothing clear.
    NoOutcome,
}

impl Status {
    /// Whether it ends a conversation (the guide's "statuts de fin").
    pub fn is_final(self) -> bool {
        !self.is_intermediate()
    }

    /// Whether it only tells of progress (the guide's "statuts intermédiaires").
    pub fn is_intermediate(self) -> bool {
        matches!(self, Self::FirstMessageDelivered | Self::FirstMessageRead | Self::ResponseReceived)
    }

    /// The guide's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::FirstMessageDelivered => "FIRST_MESSAGE_DELIVERED",
            Self::FirstMessageRead => "FIRST_MESSAGE_READ",
            Self::ResponseReceived => "RESPONSE_RECEIVED",
            Self::MeetingBooked => "MEETING_BOOKED",
            Self::NotReachable => "NOT_REACHABLE",
            Self::OptOut => "OPT_OUT",
            Self::NoOutcome => "NO_OUTCOME",
        }
    }
}
