//! Where stories play.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use jiff::Timestamp;
use relais::{
    flows::Published,
    model::Conversation,
    simulator::Scenario,
    stage::{Options, Stage},
    turn::{Rerun, rerun},
};
use serde_json::Value;

/// The repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A temporary folder, removed with it.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::SeqCst);
        let folder = std::env::temp_dir().join(format!("relais-story-{name}-{}-{count}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A stage with the repository's flows.
pub(crate) struct Scene {
    pub(crate) stage: Stage,
    pub(crate) published: Arc<Mutex<Vec<Published>>>,
    pub(crate) folder: Folder,
}

impl Scene {
    /// Wednesday, 8 October 2025, 10:00 in Paris, with a friendly simulator.
    pub(crate) async fn new(name: &str) -> Self {
        Self::with(name, Scenario::friendly()).await
    }

    pub(crate) async fn with(name: &str, scenario: Scenario) -> Self {
        Self::beginning(name, at("2025-10-08T10:00:00+02:00"), scenario).await
    }

    /// At another moment.
    pub(crate) async fn beginning(name: &str, begin: Timestamp, scenario: Scenario) -> Self {
        Self::changed(name, begin, scenario, |_| ()).await
    }

    /// With the demonstration's flow changed before it is loaded: `change` is given the tenant's folder.
    pub(crate) async fn changed(name: &str, begin: Timestamp, scenario: Scenario, change: impl FnOnce(&Path)) -> Self {
        let folder = Folder::new(name);
        let flows = only_demo(&folder);
        change(&flows.join("demo"));
        let published = Arc::<Mutex<Vec<Published>>>::default();
        let heard = Arc::clone(&published);
        let stage = Stage::set(Options {
            flows,
            folder: folder.0.clone(),
            begin,
            listen: ([127, 0, 0, 1], 0).into(),
            scenario,
            seed: 1,
            observer: None,
            tell: Arc::new(move |published| heard.lock().unwrap().push(published)),
        })
        .await
        .unwrap();
        Self { stage, published, folder }
    }

    /// Bodies of the callbacks so far, oldest first.
    pub(crate) fn callbacks(&self) -> Vec<Value> {
        self.stage.crm.received().into_iter().map(|callback| callback.body).collect()
    }

    /// Their statuses.
    pub(crate) fn statuses(&self) -> Vec<String> {
        self.callbacks().iter().filter_map(|body| body["status"].as_str().map(str::to_owned)).collect()
    }

    /// Lets `minutes` pass.
    pub(crate) async fn pass(&self, minutes: i64) {
        let until = self.stage.clock.now() + jiff::SignedDuration::from_mins(minutes);
        self.stage.pass_until(until).await;
    }
}

/// A stage with other tenants than the demonstration's, a friendly WhatsApp, and nobody who listens.
pub(crate) async fn stage_of(flows: PathBuf, folder: &Folder, begin: Timestamp) -> Stage {
    Stage::set(Options {
        flows,
        folder: folder.0.clone(),
        begin,
        listen: ([127, 0, 0, 1], 0).into(),
        scenario: Scenario::friendly(),
        seed: 1,
        observer: None,
        tell: Arc::new(|published| {
            if matches!(published, Published::Refused { .. }) {
                println!("{published:?}");
            }
        }),
    })
    .await
    .unwrap()
}

/// What comes of every call in a conversation's log when it is run again on the conversation's version.
pub(crate) async fn run_again(stage: &Stage, conversation: &Conversation) -> Vec<Rerun> {
    let Conversation { id, tenant, flow, version, .. } = conversation;
    let log = stage.host.store.log(id).await.unwrap();
    let loaded = stage.host.flows.version(tenant, flow, version).await.unwrap();
    rerun(&loaded, &log).await
}

/// The same, each call giving the bytes that were logged (P4).
pub(crate) async fn same_again(stage: &Stage, conversation: &Conversation) -> Vec<Rerun> {
    let calls = run_again(stage, conversation).await;
    for call in &calls {
        let Rerun { turn, function, logged, found, .. } = call;
        assert!(call.is_same(), "{} turn {turn} {function}: {logged} became {found}", conversation.id);
    }
    calls
}

/// A folder of tenants with only the demonstration in it: most stories need no other.
fn only_demo(folder: &Folder) -> PathBuf {
    let source = folder.0.join("source");
    copy(&repository().join("flows/demo"), &source.join("demo"));
    source
}

/// Copies a folder.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Waits, in real time, for what another task is about to do.
pub(crate) async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..600 {
        if is_so() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("30 s went by without {what}");
}
