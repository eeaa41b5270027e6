//! What sled 0.34 leaves undone. Its flush hands pages to the device with `sync_file_range`, which neither empties the
//! device's cache nor records the file's length; it does not sync the values that it keeps in files of their own; and
//! when a byte of its log is damaged it silently forgets what came after.

use std::{
    fs::File,
    io::{ErrorKind, Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use crate::store::{Error, Result};

/// The files of a store.
pub(super) struct Disk {
    log: File,
    /// How many changes have been flushed. Not synced itself: after the machine lost power it may say less, never more.
    mark: File,
    blobs: PathBuf,
    /// Up to which blob (they are numbered upwards) all are synced.
    synced: i64,
    /// The time of the blobs' folder when it was last read, and since when that has been the same.
    seen: Option<(SystemTime, Instant)>,
}

/// File systems record times coarsely: a folder that changed so recently may have changed again in the same tick.
const TICK: Duration = Duration::from_millis(100);

impl Disk {
    /// Opens the files of a store in which `count` changes were found; an error when there were more.
    pub(super) fn open(folder: &Path, count: u64) -> Result<Self> {
        let open = |name: &str, options: &mut std::fs::OpenOptions| {
            let path = folder.join(name);
            options.open(&path).map_err(|error| Error::Storage(format!("open {}: {error}", path.display())))
        };
        let log = open("db", File::options().read(true))?;
        let mark = open("mark", File::options().read(true).write(true).create(true).truncate(false))?;
        match read_mark(&mark)? {
            Some(flushed) if flushed > count => Err(Error::Damaged {
                what: format!("the newest changes in {}", folder.display()),
                why: format!(
                    "{} of {flushed} are gone, which a damaged log explains; to go on without them remove the file `mark`",
                    flushed - count
                ),
            }),
            _ => Ok(Self { log, mark, blobs: folder.join("blobs"), synced: i64::MIN, seen: None }),
        }
    }

    /// Makes what sled has flushed, the first `count` changes, survive a loss of power.
    pub(super) fn sync(&mut self, count: u64) -> std::result::Result<(), String> {
        self.sync_blobs().map_err(|error| format!("sync the store's blobs: {error}"))?;
        self.log.sync_data().map_err(|error| format!("sync the store's log: {error}"))?;
        self.mark
            .rewind()
            .and_then(|()| self.mark.write_all(&count.to_be_bytes()))
            .map_err(|error| format!("write the store's mark: {error}"))
    }

    fn sync_blobs(&mut self) -> std::io::Result<()> {
        let changed = std::fs::metadata(&self.blobs)?.modified()?;
        match self.seen {
            Some((seen, since)) if seen == changed && since.elapsed() > TICK => return Ok(()),
            Some((seen, _)) if seen == changed => {}
            _ => self.seen = Some((changed, Instant::now())),
        }
        let mut last = self.synced;
        for entry in std::fs::read_dir(&self.blobs)? {
            let entry = entry?;
            let number = entry.file_name().to_str().and_then(|name| name.parse().ok());
            if let Some(number) = number.filter(|number| *number > self.synced) {
                match File::open(entry.path()) {
                    Ok(blob) => blob.sync_data()?,
                    // Replaced by a later one meanwhile.
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
                last = last.max(number);
            }
        }
        if last > self.synced {
            File::open(&self.blobs)?.sync_all()?;
            self.synced = last;
        }
        Ok(())
    }
}

fn read_mark(mut mark: &File) -> Result<Option<u64>> {
    let mut bytes = [0; 8];
    match mark.read_exact(&mut bytes) {
        Ok(()) => Ok(Some(u64::from_be_bytes(bytes))),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(Error::Storage(format!("read the store's mark: {error}"))),
    }
}
