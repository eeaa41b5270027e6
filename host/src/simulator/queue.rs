//! Everything the simulator is going to do, in one queue ordered by its time.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{message::Stage, outbox::Post, update::Update};

/// Something to do at its time.
#[derive(Debug)]
pub(super) enum Due {
    /// Something happens to a message of the business.
    Step {
        /// Which message.
        wamid: String,
        /// What.
        step: Step,
    },
    /// The person answers the message of that `wamid`, by habit.
    Answer(String),
    /// An update goes to the host.
    Tell(Box<Update>),
    /// The updates gathered for a batch go to the host.
    Flush,
    /// A POST is made again.
    Repost(Post),
}

/// Something that happens to a message of the business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It reaches a stage and the host is told.
    Reach(Stage),
    /// It reaches a stage and the host is not told.
    ReachQuietly(Stage),
    /// The host is told of a stage reached at that moment.
    Report(Stage, Timestamp),
    /// It fails with this code and the host is told.
    Fail(i64),
    /// It is no longer held.
    Release,
}

/// What is to be done, oldest first; of what is due at one moment, in the order in which it was put in.
#[derive(Debug, Default)]
pub(super) struct Queue {
    items: BTreeMap<(Timestamp, u64), Due>,
    put: u64,
}

impl Queue {
    /// Puts `due` in for `at`.
    pub(super) fn put(&mut self, at: Timestamp, due: Due) {
        self.put += 1;
        self.items.insert((at, self.put), due);
    }

    /// When the next thing is due.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.items.keys().next().map(|(at, _)| *at)
    }

    /// Takes the next thing out if it is due at `now`.
    pub(super) fn take(&mut self, now: Timestamp) -> Option<Due> {
        let entry = self.items.first_entry()?;
        (entry.key().0 <= now).then(|| entry.remove())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_what_is_due_in_order() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let step = |wamid: &str| Due::Step { wamid: wamid.to_owned(), step: Step::Release };
        let mut queue = Queue::default();
        for (second, wamid) in [(20, "c"), (10, "a"), (10, "b"), (30, "d")] {
            queue.put(at(second), step(wamid));
        }
        let mut taken = Vec::new();
        while let Some(Due::Step { wamid, .. }) = queue.take(at(20)) {
            taken.push(wamid);
        }
        assert_eq!(taken, ["a", "b", "c"]);
        assert_eq!(queue.next_due(), Some(at(30)));
    }
}
