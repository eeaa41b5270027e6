//! How long a guest may compute, and how it shares the machine with others.
//!
//! The limit counts the time that a guest computes, not the time that passes: a flow shall not miss its deadline
//! because others are busy. A guest that has computed for a tick needs a place in the slow lane to go on, and hands it on at
//! each further tick. The lane is a core narrower than the machine, so however many flows spin, the short turns of all others
//! find a core that is free.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
};
use wasmtime::{Trap, UpdateDeadline};

/// How often the engine's epoch passes.
pub(super) const TICK: Duration = Duration::from_millis(10);

/// A guest that computes for its limit may take so many times as long by the wall, when it has to share.
const MOST_WALL: u32 = 100;

/// Measures one instance.
pub(super) struct Meter {
    limit: Duration,
    begun: Instant,
    begun_computing: Duration,
    slow_lane: Arc<Semaphore>,
    place: Option<OwnedSemaphorePermit>,
}

impl Meter {
    /// Without any time yet.
    pub(super) fn new(slow_lane: Arc<Semaphore>) -> Self {
        Self { limit: Duration::ZERO, begun: Instant::now(), begun_computing: computed(), slow_lane, place: None }
    }

    /// Gives so much time, counted from now, to be used on this thread.
    pub(super) fn give(&mut self, milliseconds: u64) {
        self.limit = Duration::from_millis(milliseconds);
        self.begun = Instant::now();
        self.begun_computing = computed();
    }

    /// Called at each tick: whether the guest may go on, which may take a while to say.
    pub(super) fn tick(&mut self) -> wasmtime::Result<UpdateDeadline> {
        let used = computed().saturating_sub(self.begun_computing);
        if used >= self.limit || self.begun.elapsed() >= self.limit.saturating_mul(MOST_WALL) {
            return Err(Trap::Interrupt.into());
        }
        if used < TICK {
            // A short turn that happened to run when the tick passed.
            return Ok(UpdateDeadline::Continue(1));
        }
        // First come, first served: whoever waits goes first.
        self.place = None;
        self.place = match self.slow_lane.clone().try_acquire_owned() {
            Ok(place) => Some(place),
            // A guest runs on a thread that may block; without a runtime there is nobody to wait for.
            Err(_) => match Handle::try_current() {
                Ok(runtime) => runtime.block_on(self.slow_lane.clone().acquire_owned()).ok(),
                Err(_) => None,
            },
        };
        Ok(UpdateDeadline::Continue(1))
    }
}

/// The time that this thread has computed.
#[cfg(unix)]
fn computed() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// Elsewhere the wall's time has to do.
#[cfg(not(unix))]
fn computed() -> Duration {
    static BEGUN: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    BEGUN.elapsed()
}
