//! The status actions: the CRM hears of answers and ends, not of ticks.

use relais_sdk::*;

use crate::Plugin;

impl StatusActions for Plugin {
    type Config = Nothing;

    fn configure(_: Nothing) -> Result<Self, Vec<Problem>> {
        Ok(Plugin)
    }

    fn react(&self, _: &Call, occasion: &Occasion) -> Result<Vec<Reaction>, Fault> {
        let Occasion::StatusReached(update) = occasion else { return Ok(Vec::new()) };
        Ok(match update.status {
            Status::FirstMessageDelivered | Status::FirstMessageRead => Vec::new(),
            Status::OptOut => vec![Reaction::SuppressContact, Reaction::Callback("crm".to_owned())],
            _ => vec![Reaction::Callback("crm".to_owned())],
        })
    }
}
