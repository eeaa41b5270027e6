//! Group commit. Changes are gathered in memory; one thread gives all that have gathered to sled as one batch, flushes,
//! and only then are their callers answered. (A batch costs sled three writes and three wake-ups of its pool, however
//! large it is; a batch for each change was measured at half the throughput.)

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
};

use sled::IVec;
use tokio::sync::watch;

use super::{disk::Disk, tree::Tree};
use crate::store::{Error, Result};

/// Rows to write or, without a value, to remove.
pub(super) type Changes = BTreeMap<Vec<u8>, Option<IVec>>;

/// Flushes while it lives, and once more when it is dropped.
pub(super) struct Flusher {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    /// Where changes go at once, for a store that lives in memory only.
    through: Option<Tree>,
}

struct Shared {
    layers: Mutex<Layers>,
    wake: Condvar,
    flushed: watch::Sender<State>,
}

/// What lies over the tree: changes that have been made but are not, or perhaps not, in it.
pub(super) struct Layers {
    /// Over everything: waits for the next batch.
    pub(super) gathered: Changes,
    /// The batch that is being written.
    pub(super) batch: Arc<Changes>,
    /// Every change since a backup began, while one is being taken.
    pub(super) journal: Option<Changes>,
    /// How many changes there have been since the store was made.
    pub(super) count: u64,
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
    /// Begins to flush into `tree`, which holds `count` changes. No disk for a store that need not survive.
    pub(super) fn start(db: sled::Db, tree: Tree, mut disk: Option<Disk>, count: u64) -> Result<Self> {
        let layers = Layers { gathered: Changes::new(), batch: Arc::default(), journal: None, count, stops: false };
        let shared = Arc::new(Shared {
            layers: Mutex::new(layers),
            wake: Condvar::new(),
            flushed: watch::Sender::new(State::Flushed(count)),
        });
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("relais-flush".to_owned())
            .spawn(move || {
                let work = AssertUnwindSafe(|| theirs.flush_on(&db, &tree, &mut disk));
                let why = match catch_unwind(work) {
                    Ok(Ok(())) => return,
                    Ok(Err(why)) => why,
                    Err(_) => "it broke off in the middle of writing".to_owned(),
                };
                tracing::error!(%why, "the store cannot write; it refuses everything until the next start");
                theirs.flushed.send_replace(State::Failed(why));
            })
            .map_err(|error| Error::Storage(format!("start its flushing thread: {error}")))?;
        Ok(Self { shared, thread: Some(thread), through: None })
    }

    /// Writes each change into `tree` at once and waits for no disk: for a store that lives in memory only.
    pub(super) fn through(tree: Tree) -> Self {
        let layers = Layers { gathered: Changes::new(), batch: Arc::default(), count: 0, stops: false, journal: None };
        let shared = Shared {
            layers: Mutex::new(layers),
            wake: Condvar::new(),
            flushed: watch::Sender::new(State::Flushed(u64::MAX)),
        };
        Self { shared: Arc::new(shared), thread: None, through: Some(tree) }
    }

    /// What lies over the tree; nothing is added to it by others meanwhile.
    pub(super) fn layers(&self) -> MutexGuard<'_, Layers> {
        self.shared.layers()
    }

    /// Gathers a change for the next batch; its ticket.
    pub(super) fn gather(&self, layers: &mut Layers, changes: Changes) -> Result<u64> {
        if !changes.is_empty() {
            if let Some(journal) = &mut layers.journal {
                journal.extend(changes.clone());
            }
            layers.count += 1;
            match &self.through {
                Some(tree) => tree.apply(&changes)?,
                None => {
                    layers.gathered.extend(changes);
                    self.shared.wake.notify_one();
                }
            }
        }
        Ok(layers.count)
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
        self.layers().stops = true;
        self.shared.wake.notify_one();
        if let Some(thread) = self.thread.take() {
            // It catches its panics.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn layers(&self) -> MutexGuard<'_, Layers> {
        // Whoever panicked while holding it had not begun to change it.
        self.layers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes one batch after the other, until it is told to stop and has written all.
    fn flush_on(&self, db: &sled::Db, tree: &Tree, disk: &mut Option<Disk>) -> std::result::Result<(), String> {
        while let Some((changes, count)) = self.next() {
            tree.apply(&changes).map_err(|error| error.to_string())?;
            db.flush().map_err(|error| error.to_string())?;
            if let Some(disk) = disk {
                disk.sync(count)?;
            }
            self.layers().batch = Arc::default();
            self.flushed.send_replace(State::Flushed(count));
        }
        Ok(())
    }

    /// Waits until something has gathered, and makes it the batch that is being written.
    fn next(&self) -> Option<(Arc<Changes>, u64)> {
        let mut layers = self.layers();
        while layers.gathered.is_empty() {
            if layers.stops {
                return None;
            }
            layers = self.wake.wait(layers).unwrap_or_else(PoisonError::into_inner);
        }
        layers.batch = Arc::new(std::mem::take(&mut layers.gathered));
        Some((Arc::clone(&layers.batch), layers.count))
    }
}

fn failed(why: &str) -> Error {
    Error::Storage(format!("{why}; nothing more is accepted: check the disk, then start again"))
}
