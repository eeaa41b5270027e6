//! How one loop of the host tells the others that there may be something to do.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::watch;

use super::Clock;

/// A beat that every waiting loop hears. Clones are the same pulse.
#[derive(Clone, Debug)]
pub struct Pulse {
    beats: Arc<watch::Sender<u64>>,
}

/// One loop's ear: it hears every beat since it last listened, so that none falls between looking and waiting.
#[derive(Debug)]
pub struct Listener {
    beats: watch::Receiver<u64>,
}

impl Default for Pulse {
    fn default() -> Self {
        Self { beats: Arc::new(watch::Sender::new(0)) }
    }
}

impl Pulse {
    /// Tells every listener that something has changed.
    pub fn beat(&self) {
        self.beats.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// A new ear, which has heard everything so far.
    pub fn listen(&self) -> Listener {
        Listener { beats: self.beats.subscribe() }
    }
}

impl Listener {
    /// Returns at the next beat, at once if there was one since the last call, or when `clock` shows `until`.
    pub async fn wait(&mut self, clock: &Clock, until: Timestamp) {
        tokio::select! {
            // The sender lives as long as any loop; if it ever went, the clock still wakes us.
            Ok(()) = self.beats.changed() => {}
            () = clock.sleep_until(until) => {}
        }
    }
}
