//! A folder that changes is published again.

use std::{path::Path, time::Duration};

use notify::{RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

use super::{Error, Flows, Published};
use crate::model::Clock;

/// A writer is taken to be done after this much silence: long enough for a copy or an editor's rename, short enough to be
/// live within a second.
const SILENCE: Duration = Duration::from_millis(300);

/// Publishes the `flows/` folder whenever it changes and falls silent, until the task is dropped; `tell` hears what came
/// of it.
pub async fn watch(flows: Flows, clock: Clock, mut tell: impl FnMut(Published) + Send) -> Result<(), Error> {
    let (changed, mut changes) = mpsc::unbounded_channel();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Reading a file is not a change; and once the receiver is gone, nobody watches any more.
        if event.is_ok_and(|event| !event.kind.is_access()) {
            let _ = changed.send(());
        }
    })
    .map_err(|why| unwatchable(flows.root(), why))?;
    watcher.watch(flows.root(), RecursiveMode::Recursive).map_err(|why| unwatchable(flows.root(), why))?;

    loop {
        while tokio::time::timeout(SILENCE, changes.recv()).await.is_ok_and(|change| change.is_some()) {}
        match flows.publish(clock.now()).await {
            Ok(published) => published.into_iter().for_each(&mut tell),
            // A file that vanished between listing and reading: its writer's next change brings us back.
            Err(error) => tracing::warn!(%error, "flows not published"),
        }
        // The first round comes without a change: what changed while the host was starting counts too.
        if changes.recv().await.is_none() {
            return Ok(());
        }
    }
}

fn unwatchable(path: &Path, why: notify::Error) -> Error {
    Error::Watch { path: path.display().to_string(), why }
}
