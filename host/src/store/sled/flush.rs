//! Group commit: one thread flushes, everybody whose change was applied before a flush began returns after it.

use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread::JoinHandle,
};

use tokio::sync::watch;

use super::{disk::Disk, rows::storage};
use crate::store::{Error, Result};

/// Flushes while it lives, and once more when it is dropped.
pub(super) struct Flusher {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    /// Held while a change is applied, and while sled writes its buffers: a change in the middle of that would make it
    /// write them again and again.
    gate: Mutex<()>,
    progress: Mutex<Progress>,
    wake: Condvar,
    flushed: watch::Sender<State>,
}

struct Progress {
    /// How many changes have been applied, since the store was made.
    applied: u64,
    stops: bool,
}

#[derive(Clone, Debug)]
enum State {
    /// Every change up to this one survives a crash.
    Flushed(u64),
    /// The disk failed. What is on it is not known any more, so nothing is acknowledged until the next start.
    Failed(String),
}

impl Flusher {
    /// Begins to flush `db`, which holds `count` changes. No disk for a store that need not survive.
    pub(super) fn start(db: sled::Db, mut disk: Option<Disk>, count: u64) -> Result<Self> {
        let shared = Arc::new(Shared {
            gate: Mutex::default(),
            progress: Mutex::new(Progress { applied: count, stops: false }),
            wake: Condvar::new(),
            flushed: watch::Sender::new(State::Flushed(count)),
        });
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("relais-flush".to_owned())
            .spawn(move || {
                while let Some(target) = theirs.next() {
                    let result = theirs
                        .write(&db)
                        .and_then(|_| disk.as_mut().map_or(Ok(()), |disk| disk.sync(target)));
                    match result {
                        Ok(()) => {
                            theirs.flushed.send_replace(State::Flushed(target));
                        }
                        Err(error) => return theirs.fail(error),
                    }
                }
            })
            .map_err(|error| Error::Storage(format!("start its flushing thread: {error}")))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Applies a change; its ticket.
    pub(super) fn apply(&self, tree: &sled::Tree, batch: sled::Batch) -> Result<u64> {
        let applied = {
            let _gate = self.shared.gate.lock().unwrap_or_else(PoisonError::into_inner);
            tree.apply_batch(batch)
        };
        if let Err(error) = applied {
            self.shared.fail(error.to_string());
            return Err(storage(error));
        }
        let mut progress = self.shared.progress.lock().unwrap_or_else(PoisonError::into_inner);
        progress.applied += 1;
        self.shared.wake.notify_one();
        Ok(progress.applied)
    }

    /// The ticket of the last change that was applied.
    pub(super) fn last(&self) -> u64 {
        self.shared.progress.lock().unwrap_or_else(PoisonError::into_inner).applied
    }

    /// An error once the disk has failed.
    pub(super) fn check(&self) -> Result<()> {
        match &*self.shared.flushed.borrow() {
            State::Flushed(_) => Ok(()),
            State::Failed(why) => Err(failed(why)),
        }
    }

    /// Returns when the change with this ticket survives a crash.
    pub(super) async fn flushed(&self, ticket: u64) -> Result<()> {
        let mut state = self.shared.flushed.subscribe();
        let reached = state
            .wait_for(|state| match state {
                State::Flushed(done) => *done >= ticket,
                State::Failed(_) => true,
            })
            .await;
        match reached.as_deref() {
            Ok(State::Flushed(_)) => Ok(()),
            Ok(State::Failed(why)) => Err(failed(why)),
            Err(_) => Err(failed("the flushing thread is gone")),
        }
    }
}

impl Drop for Flusher {
    fn drop(&mut self) {
        self.shared.progress.lock().unwrap_or_else(PoisonError::into_inner).stops = true;
        self.shared.wake.notify_one();
        if let Some(thread) = self.thread.take() {
            // It does not panic; if it did, there is nothing left to flush with.
            let _ = thread.join();
        }
    }
}

impl Shared {
    /// Waits until there is something to flush; none when there never will be.
    fn next(&self) -> Option<u64> {
        let done = match &*self.flushed.borrow() {
            State::Flushed(done) => *done,
            State::Failed(_) => return None,
        };
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        while progress.applied == done && !progress.stops {
            progress = self.wake.wait(progress).unwrap_or_else(PoisonError::into_inner);
        }
        (progress.applied > done).then_some(progress.applied)
    }

    fn write(&self, db: &sled::Db) -> std::result::Result<(), String> {
        let _gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        db.flush().map(|_| ()).map_err(|error| error.to_string())
    }

    fn fail(&self, why: String) {
        tracing::error!(%why, "the store cannot write; it refuses everything until the next start");
        self.flushed.send_replace(State::Failed(why));
    }
}

fn failed(why: &str) -> Error {
    Error::Storage(format!("{why}; nothing more is accepted: check the disk, then start again"))
}
