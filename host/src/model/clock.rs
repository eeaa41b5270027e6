//! Time comes in through here: no room reads the system clock.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use tokio::sync::watch;

/// Where a room gets the time from.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clock.
    System(SystemClock),
    /// A clock that someone moves by hand: the demonstration, golden conversations, tests.
    Virtual(VirtualClock),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self::System(SystemClock)
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System(SystemClock) => Timestamp::now(),
            Self::Virtual(clock) => clock.now(),
        }
    }

    /// The next of the numbers that stand for chance while a virtual clock replays a seed; none when chance is to be had from
    /// the machine.
    pub fn seeded_chance(&self) -> Option<u64> {
        match self {
            Self::System(SystemClock) => None,
            Self::Virtual(clock) => clock.chance.as_ref().map(|chance| chance.fetch_add(1, Ordering::SeqCst)),
        }
    }

    /// Returns once this clock shows `until` or later.
    pub async fn sleep_until(&self, until: Timestamp) {
        match self {
            Self::System(SystemClock) => {
                let left = until.as_millisecond() - Timestamp::now().as_millisecond();
                tokio::time::sleep(Duration::from_millis(u64::try_from(left).unwrap_or(0))).await;
            }
            Self::Virtual(clock) => clock.sleep_until(until).await,
        }
    }
}

/// The machine's clock; holds nothing.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

/// A clock that stands still until it is moved. Clones show the same time.
#[derive(Clone, Debug)]
pub struct VirtualClock {
    now: Arc<watch::Sender<Timestamp>>,
    chance: Option<Arc<AtomicU64>>,
}

impl VirtualClock {
    /// A clock that shows `start`.
    pub fn new(start: Timestamp) -> Self {
        Self { now: Arc::new(watch::Sender::new(start)), chance: None }
    }

    /// A clock that shows `start`; what the host would leave to chance follows from `seed`, so that a run can be replayed.
    pub fn seeded(start: Timestamp, seed: u64) -> Self {
        Self { chance: Some(Arc::new(AtomicU64::new(seed << 20))), ..Self::new(start) }
    }

    /// The moment it shows.
    pub fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    /// Moves it to `to`; a moment in its past leaves it where it is, because time does not run backwards.
    pub fn advance_to(&self, to: Timestamp) {
        self.now.send_if_modified(|now| {
            let moves = to > *now;
            if moves {
                *now = to;
            }
            moves
        });
    }

    async fn sleep_until(&self, until: Timestamp) {
        let mut seen = self.now.subscribe();
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = seen.wait_for(|now| *now >= until).await;
    }
}
