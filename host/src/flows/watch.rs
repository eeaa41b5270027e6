//! A folder that changes is published again, once its writer is done.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
    time::Duration,
};

use notify::{
    EventKind, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode, ModifyKind},
};
use tokio::{sync::mpsc, task::JoinSet, time::Instant};

use super::{Error, Flows, Published, folder::is_content};
use crate::model::Clock;

/// A writer is taken to be done after this much silence: long enough for a copy or an editor's rename, short enough to be
/// live within a second.
const SILENCE: Duration = Duration::from_millis(300);
/// A file that was written to and not closed is waited for; when nothing is written for so long, its writer is taken
/// to have left it as it is.
const STALLED: Duration = Duration::from_secs(30);
/// When the store or the disk fails, the folder is looked at again after so long.
const RETRY: Duration = Duration::from_secs(5);

/// Publishes a tenant's folder whenever it changes, falls silent, and holds no file that is still being written, until
/// the task is dropped; `tell` hears what came of it. A tenant whose folder never falls silent, or whose components take
/// long to compile, keeps no other waiting.
pub async fn watch(flows: Flows, clock: Clock, mut tell: impl FnMut(Published) + Send) -> Result<(), Error> {
    let root = flows.root().to_owned();
    let (changed, mut changes) = mpsc::unbounded_channel();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if let Ok(event) = event {
            // Once the receiver is gone, nobody watches any more.
            let _ = changed.send(event);
        }
    })
    .map_err(|why| unwatchable(&root, why))?;
    watcher.watch(&root, RecursiveMode::Recursive).map_err(|why| unwatchable(&root, why))?;

    let mut writers = Writers::new(root);
    let mut rounds: JoinSet<Result<Vec<Published>, Error>> = JoinSet::new();
    // The first round comes without a change: what changed while the host was starting counts too.
    let round = |rounds: &mut JoinSet<_>, only: Option<BTreeSet<String>>| {
        let (flows, now) = (flows.clone(), clock.now());
        rounds.spawn(async move { flows.publish_only(only.as_ref(), now).await });
    };
    round(&mut rounds, None);
    loop {
        let next = writers.next();
        tokio::select! {
            event = changes.recv() => match event {
                Some(event) => writers.note(&event, Instant::now()),
                None => return Ok(()),
            },
            () = tokio::time::sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {
                let ready = writers.ready(Instant::now());
                if !ready.is_empty() {
                    round(&mut rounds, Some(ready));
                }
            }
            Some(done) = rounds.join_next() => match done {
                Ok(Ok(published)) => published.into_iter().for_each(&mut tell),
                Ok(Err(error)) => {
                    tracing::warn!(%error, "flows not published; they are looked at again");
                    writers.retry(Instant::now() + RETRY);
                }
                Err(error) => tracing::error!(%error, "a round over the flows broke off"),
            },
        }
    }
}

/// Who is at work in which tenant's folder.
struct Writers {
    root: PathBuf,
    /// Tenants whose folder changed, and when they may be looked at.
    changed: BTreeMap<String, Instant>,
    /// Files that were written to and not closed, and when.
    open: HashMap<PathBuf, Instant>,
}

impl Writers {
    fn new(root: PathBuf) -> Self {
        // The watcher names files by the path that it was given, links resolved or not.
        Self { root, changed: BTreeMap::new(), open: HashMap::new() }
    }

    /// Takes note of a change.
    fn note(&mut self, event: &notify::Event, now: Instant) {
        for path in &event.paths {
            let Some(tenant) = self.tenant_of(path) else { continue };
            match event.kind {
                // Where closing is told of at all.
                EventKind::Access(AccessKind::Close(AccessMode::Write)) => {
                    self.open.remove(path);
                }
                // Reading a file is not a change.
                EventKind::Access(_) => continue,
                EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)) => {
                    self.open.remove(path);
                }
                EventKind::Create(_) | EventKind::Modify(ModifyKind::Data(_)) if is_written_in_place(path) => {
                    self.open.insert(path.clone(), now);
                }
                _ => {}
            }
            self.changed.insert(tenant, now + SILENCE);
        }
    }

    /// The tenant whose content a path is; none for what is not content, such as an editor's swap file.
    fn tenant_of(&self, path: &Path) -> Option<String> {
        let inside = path.strip_prefix(&self.root).ok()?;
        let mut parts = inside.components().map(|part| part.as_os_str().to_str());
        let tenant = parts.next()??.to_owned();
        let is_content = is_content(&tenant) && parts.all(|part| part.is_some_and(is_content));
        is_content.then_some(tenant)
    }

    /// When to look next.
    fn next(&self) -> Option<Instant> {
        self.changed.values().min().copied()
    }

    /// The tenants whose folders have fallen silent and hold no half-written file; the others are looked at later.
    fn ready(&mut self, now: Instant) -> BTreeSet<String> {
        self.open.retain(|path, since| now < *since + STALLED && path.exists());
        let busy: BTreeSet<String> = self.open.keys().filter_map(|path| self.tenant_of(path)).collect();
        let mut ready = BTreeSet::new();
        self.changed.retain(|tenant, at| {
            if *at > now {
                return true;
            }
            if busy.contains(tenant) {
                *at = now + SILENCE;
                return true;
            }
            ready.insert(tenant.clone());
            false
        });
        ready
    }

    /// Looks at every folder again.
    fn retry(&mut self, at: Instant) {
        for entry in std::fs::read_dir(&self.root).into_iter().flatten().flatten() {
            if let Some(name) = entry.file_name().to_str() {
                self.changed.entry(name.to_owned()).or_insert(at);
            }
        }
    }
}

/// Whether the end of writing a file is told of. It is on Linux, but for a file that appears as another name of one that
/// is there.
#[cfg(target_os = "linux")]
fn is_written_in_place(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    path.symlink_metadata().is_ok_and(|file| file.is_file() && file.nlink() == 1)
}

/// Elsewhere silence has to do.
#[cfg(not(target_os = "linux"))]
fn is_written_in_place(_: &Path) -> bool {
    false
}

fn unwatchable(path: &Path, why: notify::Error) -> Error {
    Error::Watch { path: path.display().to_string(), why }
}
