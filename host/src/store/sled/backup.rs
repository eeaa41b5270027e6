//! A copy of the whole store, taken while it is in use, and a store made of such a copy.
//!
//! The rows are read one after the other while others change them; every change that is made meanwhile is noted, and follows
//! the rows. Read in order, the copy is the store at the moment at which the last change was noted.
//!
//! The copy is a line that names the format, then records: a kind, the lengths of key and value (four bytes each, the
//! highest first), key and value. It ends with a record that has the number of records and the SHA-256 of everything
//! before.

use std::{io::Read, path::Path};

use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc::Sender;

use super::{Flusher, SledStore, opening, rows::storage};
use crate::store::{Error, Result};

const HEADER: &[u8] = b"relais-backup 1\n";
const ROW: u8 = b'r';
const REMOVED: u8 = b'd';
const FILE: u8 = b'f';
const END: u8 = b'e';
/// A piece that is handed on, in bytes, more or less.
const PIECE: usize = 256 << 10;
/// No record of ours is larger, in bytes.
const LARGEST: u32 = 256 << 20;
/// Rows that are written in one.
const BATCH: usize = 1_000;

/// Notes every change, until it is dropped.
struct Journal<'a>(&'a Flusher);

impl Drop for Journal<'_> {
    fn drop(&mut self) {
        self.0.layers().journal = None;
    }
}

/// Writes records and counts them.
struct Writer {
    pieces: Sender<Vec<u8>>,
    piece: Vec<u8>,
    hash: Sha256,
    count: u64,
}

impl Writer {
    async fn put(&mut self, kind: u8, key: &[u8], value: &[u8]) -> Result<()> {
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes();
        self.piece.push(kind);
        self.piece.extend(length(key));
        self.piece.extend(length(value));
        self.piece.extend(key);
        self.piece.extend(value);
        self.count += 1;
        if self.piece.len() >= PIECE { self.hand_on().await } else { Ok(()) }
    }

    async fn hand_on(&mut self) -> Result<()> {
        let piece = std::mem::take(&mut self.piece);
        self.hash.update(&piece);
        self.pieces
            .send(piece)
            .await
            .map_err(|_| Error::Storage("take a backup: whoever wanted it has gone".to_owned()))
    }

    async fn end(mut self) -> Result<()> {
        self.hand_on().await?;
        let digest = self.hash.clone().finalize();
        let count = self.count.to_be_bytes();
        self.put(END, &count, &digest).await?;
        self.hand_on().await
    }
}

/// Copies the store into `pieces`.
pub(super) async fn take(store: &SledStore, pieces: Sender<Vec<u8>>) -> Result<()> {
    // No version comes or goes meanwhile, so that the files fit the rows.
    let _files = store.files_change.lock().await;
    let (journal, ticket) = {
        let mut layers = store.flusher.layers();
        if layers.journal.is_some() {
            return Err(Error::Storage("take a backup while another one is being taken".to_owned()));
        }
        layers.journal = Some(super::flush::Changes::new());
        (Journal(&store.flusher), layers.count)
    };
    // What was changed before is in the tree from here on.
    store.flusher.flushed(ticket).await?;
    let mut writer = Writer { pieces, piece: HEADER.to_vec(), hash: Sha256::new(), count: 0 };
    for row in store.tree.iter() {
        let (key, value) = row?;
        writer.put(ROW, &key, &value).await?;
    }
    let (changes, ticket) = {
        let mut layers = store.flusher.layers();
        (layers.journal.take().unwrap_or_default(), layers.count)
    };
    drop(journal);
    // Nothing is in a backup that a crash would undo.
    store.flusher.flushed(ticket).await?;
    for (key, value) in &changes {
        match value {
            Some(value) => writer.put(ROW, key, value).await?,
            None => writer.put(REMOVED, key, &[]).await?,
        }
    }
    for row in store.files.iter() {
        let (key, value) = row?;
        writer.put(FILE, &key, &value).await?;
    }
    writer.end().await
}

/// A record of a copy.
struct Record {
    kind: u8,
    key: Vec<u8>,
    value: Vec<u8>,
}

/// Reads a copy to its end, and gives each record but the last to `each`; how many there were. An error when it is cut
/// off, changed or of another format, after some records have been given.
fn read(mut from: impl Read, mut each: impl FnMut(Record) -> Result<()>) -> Result<u64> {
    let damaged = |why: &str| Error::Damaged { what: "the backup".to_owned(), why: why.to_owned() };
    let mut hash = Sha256::new();
    let mut next = |length: u32, hashed: Option<&mut Sha256>| -> Result<Vec<u8>> {
        if length > LARGEST {
            return Err(damaged("a record is too large"));
        }
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        from.read_exact(&mut bytes).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => damaged("it is cut off"),
            _ => Error::Storage(format!("read the backup: {error}")),
        })?;
        if let Some(hash) = hashed {
            hash.update(&bytes);
        }
        Ok(bytes)
    };
    if next(u32::try_from(HEADER.len()).unwrap_or_default(), Some(&mut hash))? != HEADER {
        return Err(damaged("it is no backup of this version of Relais"));
    }
    let mut count: u64 = 0;
    loop {
        let head = next(9, None)?;
        let length = |at: usize| {
            head.get(at..).and_then(|bytes| bytes.first_chunk()).map_or(u32::MAX, |bytes| u32::from_be_bytes(*bytes))
        };
        let kind = head.first().copied().unwrap_or_default();
        if kind == END {
            let (key, value) = (next(length(1), None)?, next(length(5), None)?);
            if key != count.to_be_bytes() || value != hash.finalize().as_slice() {
                return Err(damaged("it was changed: its digest does not match"));
            }
            return Ok(count);
        }
        hash.update(&head);
        let (key, value) = (next(length(1), Some(&mut hash))?, next(length(5), Some(&mut hash))?);
        each(Record { kind, key, value })?;
        count += 1;
    }
}

/// Whether a copy is whole; how many records it has.
pub(super) fn check(from: impl Read) -> Result<u64> {
    read(from, |_| Ok(()))
}

/// Makes a store of a copy, in a folder that is not there yet or is empty. When it fails, the folder is as before.
pub(super) fn restore(from: impl Read, folder: &Path) -> Result<u64> {
    let failed = |what: &str, error: std::io::Error| Error::Storage(format!("{what} {}: {error}", folder.display()));
    if folder.exists() && folder.read_dir().map_err(|error| failed("read", error))?.next().is_some() {
        return Err(Error::Storage(format!(
            "restore into {}: it is not empty; name another folder, or move this one away",
            folder.display()
        )));
    }
    let mut beside = folder.as_os_str().to_owned();
    beside.push(".restoring");
    let beside = std::path::PathBuf::from(beside);
    if beside.exists() {
        std::fs::remove_dir_all(&beside).map_err(|error| failed("clear the place beside", error))?;
    }
    let restored = write(from, &beside).and_then(|count| {
        // Opened as a host will: whatever cannot be read comes to light now.
        drop(opening::open(&beside)?);
        if folder.exists() {
            std::fs::remove_dir(folder).map_err(|error| failed("replace", error))?;
        }
        std::fs::rename(&beside, folder).map_err(|error| failed("name", error))?;
        Ok(count)
    });
    if restored.is_err() && beside.exists() {
        // What is left over is cleared by the next attempt at the latest.
        let _ = std::fs::remove_dir_all(&beside);
    }
    restored
}

fn write(from: impl Read, folder: &Path) -> Result<u64> {
    let db = opening::config().path(folder).open().map_err(storage)?;
    let rows = db.open_tree(opening::ROWS).map_err(storage)?;
    let files = db.open_tree(opening::FILES).map_err(storage)?;
    let mut batch = sled::Batch::default();
    let mut waiting = 0;
    let count = read(from, |Record { kind, key, value }| {
        match kind {
            ROW => batch.insert(key, value),
            REMOVED => batch.remove(key),
            FILE => return files.insert(key, value).map(drop).map_err(storage),
            _ => {
                let why = "it has a record of a kind that this version does not know".to_owned();
                return Err(Error::Damaged { what: "the backup".to_owned(), why });
            }
        }
        waiting += 1;
        if waiting >= BATCH {
            rows.apply_batch(std::mem::take(&mut batch)).map_err(storage)?;
            waiting = 0;
        }
        Ok(())
    })?;
    rows.apply_batch(batch).map_err(storage)?;
    db.flush().map_err(storage)?;
    Ok(count)
}
