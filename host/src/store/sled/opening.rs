//! Opening the store: the lock, the check, and what is in memory found again.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::Mutex,
    thread::sleep,
    time::{Duration, Instant},
};

use super::{
    Memory, SledStore,
    disk::Disk,
    flush::{Changes, Flusher},
    inbox::{self, Entry, FIRST_ARRIVAL},
    key,
    rows::{Owner, Rows, encode, storage},
    tree::Tree,
};
use crate::{
    model::ConversationId,
    store::{Error, Result},
};

/// Pages of the tree that are kept in memory, in bytes. A conversation that waits need not be among them.
const CACHE: u64 = 64 << 20;
/// sled writes what is larger than a quarter of a segment as a file of its own, which is slow; a page has up to 16 rows,
/// and a log's row may hold a flow's state of 64 KiB several times. In bytes.
const SEGMENT: usize = 8 << 20;
/// The trees: everything, and the files of flow versions.
pub(super) const ROWS: &str = "rows";
pub(super) const FILES: &str = "files";
/// How long to wait for the process before us to let go of the files.
const PATIENCE: Duration = Duration::from_secs(3);
/// The format of the rows together; each value's own is its first byte.
const FORMAT: u32 = 1;

/// Opens the store in a folder.
pub(super) fn open(folder: &Path) -> Result<SledStore> {
    std::fs::create_dir_all(folder)
        .map_err(|error| Error::Storage(format!("create the folder {}: {error}", folder.display())))?;
    let config = config().path(folder);
    let begun = Instant::now();
    let db = loop {
        match open_db(&config, folder) {
            Err(Failure::Locked) if begun.elapsed() < PATIENCE => sleep(Duration::from_millis(50)),
            Err(Failure::Locked) => {
                return Err(Error::Storage(format!(
                    "open {}: another process has it open; stop that one, or choose another folder",
                    folder.display()
                )));
            }
            Err(Failure::Other(error)) => return Err(error),
            Ok(db) => break db,
        }
    };
    open_trees(db, Some(folder))
}

/// A store that is gone when it is dropped.
pub(super) fn temporary() -> Result<SledStore> {
    open_trees(config().temporary(true).open().map_err(storage)?, None)
}

/// A store that lives in memory only.
pub(super) fn in_memory() -> Result<SledStore> {
    let tree = Tree::in_memory();
    let flusher = Flusher::through(tree.clone());
    assemble(None, flusher, tree, Tree::in_memory())
}

pub(super) fn config() -> sled::Config {
    // No flushing by time: it happens when someone waits for it.
    sled::Config::new().flush_every_ms(None).cache_capacity(CACHE).segment_size(SEGMENT)
}

enum Failure {
    Locked,
    Other(Error),
}

fn open_db(config: &sled::Config, folder: &Path) -> std::result::Result<sled::Db, Failure> {
    let damaged =
        |why: String| Failure::Other(Error::Damaged { what: format!("the files in {}", folder.display()), why });
    // sled 0.34 panics on some kinds of damage.
    match catch_unwind(AssertUnwindSafe(|| config.open())) {
        Ok(Ok(db)) => Ok(db),
        // sled has no error of its own for this.
        Ok(Err(sled::Error::Io(error))) if error.to_string().contains("could not acquire lock") => Err(Failure::Locked),
        Ok(Err(sled::Error::Io(error))) => {
            Err(Failure::Other(Error::Storage(format!("open {}: {error}", folder.display()))))
        }
        Ok(Err(error)) => Err(damaged(error.to_string())),
        Err(_) => Err(damaged("they cannot be made sense of".to_owned())),
    }
}

fn open_trees(db: sled::Db, folder: Option<&Path>) -> Result<SledStore> {
    let tree = Tree::Disk(db.open_tree(ROWS).map_err(storage)?);
    let files = Tree::Disk(db.open_tree(FILES).map_err(storage)?);
    check_format(&tree)?;
    let count = Rows::of_tree(&tree).get(&key::count())?.unwrap_or(0);
    let disk = folder.map(|folder| Disk::open(folder, count)).transpose()?;
    let flusher = Flusher::start(db.clone(), tree.clone(), disk, count)?;
    assemble(Some(db), flusher, tree, files)
}

fn assemble(db: Option<sled::Db>, flusher: Flusher, tree: Tree, files: Tree) -> Result<SledStore> {
    let memory = find_again(&Rows::of_tree(&tree))?;
    let files_change = tokio::sync::Mutex::new(());
    Ok(SledStore { flusher, tree, files, files_change, memory: Mutex::new(memory), _db: db })
}

fn check_format(tree: &Tree) -> Result<()> {
    match Rows::of_tree(tree).get::<u32>(&key::format())? {
        Some(FORMAT) => Ok(()),
        Some(other) => Err(Error::Damaged {
            what: key::format().what().to_owned(),
            why: format!("it is {other}, this version of Relais knows {FORMAT}"),
        }),
        None if tree.iter().next().is_none() => {
            let value = encode(key::format().what(), &FORMAT)?;
            tree.apply(&Changes::from([(key::format().into_bytes(), Some(value.into()))]))
        }
        None => Err(Error::Damaged {
            what: key::format().what().to_owned(),
            why: "it is not there although the store is not empty".to_owned(),
        }),
    }
}

/// Reads the inboxes (and no conversation without an event) and with them whatever cannot be read any more.
fn find_again(rows: &Rows<'_>) -> Result<Memory> {
    let mut memory = Memory { next_arrival: FIRST_ARRIVAL, ..Memory::default() };
    let mut seen: Option<ConversationId> = None;
    for entry in rows.scan::<Entry>(&key::inboxes()) {
        let Entry { conversation, number, .. } = entry?;
        memory.next_arrival = memory.next_arrival.max(number + 1);
        if seen.as_ref() == Some(&conversation) {
            continue;
        }
        match Owner::find(rows, &conversation)? {
            None => tracing::error!(%conversation, "an inbox has no conversation"),
            Some(owner) => {
                if let Some(waiting) = inbox::waiting(rows, owner, None)? {
                    memory.queue.insert(waiting);
                }
            }
        }
        seen = Some(conversation);
    }
    Ok(memory)
}
