//! Senders and templates that are stopped because WhatsApp would refuse everything they send.
//!
//! What they should send stays in the queue. From time to time one message tries; when it passes, the others follow.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

/// What can be stopped.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Stoppable {
    /// A business number, by its `phone_number_id`: locked, unpaid, its token refused…
    Sender(String),
    /// A template of a business number, by name and language: missing, paused, disabled…
    Template {
        /// The business number's `phone_number_id`.
        sender: String,
        /// Meta's name for the template.
        name: String,
        /// Meta's language code.
        language: String,
    },
}

/// What is stopped, and until when. In memory: after a restart the first message finds out again.
#[derive(Debug, Default)]
pub(super) struct Stops {
    until: HashMap<Stoppable, Timestamp>,
}

impl Stops {
    /// Stops `what` for `rest`; whether it was not stopped before.
    pub(super) fn stop(&mut self, what: Stoppable, now: Timestamp, rest: SignedDuration) -> bool {
        self.until.insert(what, later(now, rest)).is_none()
    }

    /// Whether all of `what` may be used at `now`; else until when to wait. What has rested lets one message through and
    /// rests again until [`Stops::clear`] says that it passed.
    pub(super) fn pass(&mut self, what: &[Stoppable], now: Timestamp, rest: SignedDuration) -> Result<(), Timestamp> {
        let until = what.iter().filter_map(|each| self.until.get(each)).max().copied();
        if let Some(until) = until.filter(|until| *until > now) {
            return Err(until);
        }
        for each in what {
            if let Some(until) = self.until.get_mut(each) {
                *until = later(now, rest);
            }
        }
        Ok(())
    }

    /// `what` works; whether it was stopped before.
    pub(super) fn clear(&mut self, what: &Stoppable) -> bool {
        self.until.remove(what).is_some()
    }
}

fn later(now: Timestamp, rest: SignedDuration) -> Timestamp {
    now.saturating_add(rest).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stopped_lets_one_through_after_its_rest() {
        let sender = Stoppable::Sender("1".into());
        let template = Stoppable::Template { sender: "1".into(), name: "hello".into(), language: "fr".into() };
        let both = [sender.clone(), template.clone()];
        let rest = SignedDuration::from_secs(300);
        let start = Timestamp::from_second(1_800_000_000).unwrap();
        let at = |seconds| start + SignedDuration::from_secs(seconds);

        let mut stops = Stops::default();
        assert_eq!(stops.pass(&both, start, rest), Ok(()));
        assert!(stops.stop(template.clone(), start, rest));
        assert!(!stops.stop(template.clone(), start, rest));
        assert_eq!(stops.pass(&both, at(299), rest), Err(at(300)));
        assert_eq!(stops.pass(std::slice::from_ref(&sender), at(299), rest), Ok(()), "the sender still writes");
        assert_eq!(stops.pass(&both, at(300), rest), Ok(()), "one tries");
        assert_eq!(stops.pass(&both, at(300), rest), Err(at(600)), "the others wait for it");
        assert!(stops.clear(&template));
        assert!(!stops.clear(&template));
        assert_eq!(stops.pass(&both, at(301), rest), Ok(()));
    }
}
