//! Slots and meetings.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A bookable interval.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Slot {
    /// Inclusive.
    pub start: Timestamp,
    /// Exclusive.
    pub end: Timestamp,
    /// The salesperson whose slot it is; none when the tenant has one calendar.
    pub with: Option<String>,
}

impl Slot {
    /// Whether both share a moment.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.start < other.end && other.start < self.end
    }
}

/// A booked slot. Its conversation is its identity: a conversation has at most one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meeting {
    /// When, and with whom.
    pub slot: Slot,
    /// How many times it was moved since it was booked.
    pub moves: u32,
}
