//! The embedded store: sled, one process, one folder.
//!
//! All rows are in one tree, so that a change is part of one `sled::Batch`, which sled recovers whole or not at all.
//! Whoever changes something holds the one lock while reading what the change depends on (ranges too, which sled's own
//! transactions cannot read), adds its rows to the next batch, gives the lock back and waits for the flush that many
//! share ([`flush`]). Leases and the queue of ready conversations are in memory; timers and envelopes that wait are not, so
//! that a conversation that waits costs disk only.
//!
//! For conversations on trial the tree is in memory, under the same rules, and no sled is there at all ([`tree`]).

mod appending;
mod backup;
mod calendars;
mod delivery;
mod disk;
mod door;
mod erasing;
mod flush;
mod inbox;
mod key;
mod looking;
mod meetings;
mod opening;
mod queue;
mod register;
mod rows;
mod tree;
mod turn;
mod versions;

use std::{
    collections::HashSet,
    path::Path,
    sync::{Arc, Mutex, MutexGuard},
};

use async_trait::async_trait;
use jiff::Timestamp;

use erasing::Traces;
use flush::Flusher;
use queue::Queue;
use rows::{Effect, Rows};
use tree::Tree;

use super::{
    ApiKey, Append, Appended, BusyTimes, CalendarEntry, CalendarSecret, Commit, Committed, Erased, Error, FlowVersion,
    FolderSeen, Intake, LeadAnswer, LogEntry, Parked, Person, Result, Settlement, Store, Taken, VersionRecord,
};
use crate::model::{
    Alarm, Conversation, ConversationId, Digest, Envelope, EnvelopeId, FlowId, Line, Meeting, Phone, TenantId,
};

/// The store in a folder of this machine. One process at a time can have it open.
pub struct SledStore {
    // Before the trees, so that its last flush comes before they close.
    flusher: Flusher,
    tree: Tree,
    /// The files of flow versions, by the digest of their content.
    files: Tree,
    /// Held while files come and go, so that none goes that has just come.
    files_change: tokio::sync::Mutex<()>,
    memory: Mutex<Memory>,
    /// None for a store in memory.
    _db: Option<sled::Db>,
}

/// What a restart forgets or finds again.
#[derive(Default)]
struct Memory {
    queue: Queue,
    leases: HashSet<ConversationId>,
    next_arrival: u64,
}

impl SledStore {
    /// Opens the store in a folder, which is made when it is not there. Fails, saying what to do, when another process
    /// has it open, when it cannot be read, or when another version of Relais wrote it.
    pub fn open(folder: &Path) -> Result<Self> {
        opening::open(folder)
    }

    /// A store that is gone when it is dropped: for demonstrations and tests.
    pub fn temporary() -> Result<Self> {
        opening::temporary()
    }

    /// A store in memory: nothing waits for a disk. For conversations on trial.
    pub fn in_memory() -> Result<Self> {
        opening::in_memory()
    }

    /// Makes a store of a backup, in a folder that is not there yet or is empty; how many records it has. When it fails,
    /// the folder is as before.
    pub fn restore(backup: impl std::io::Read, folder: &Path) -> Result<u64> {
        backup::restore(backup, folder)
    }

    /// Reads a backup through; how many records it has. An error when it is cut off or was changed.
    pub fn check_backup(backup: impl std::io::Read) -> Result<u64> {
        backup::check(backup)
    }

    fn memory(&self) -> Result<MutexGuard<'_, Memory>> {
        self.memory.lock().map_err(|_| Error::Storage("a change broke off in the middle; start again".to_owned()))
    }

    /// Rows to look at, outside of any change.
    fn rows(&self) -> Rows<'_> {
        Rows::of_tree(&self.tree)
    }

    /// Makes a change whole or not at all. Returns once it survives a crash, and with it everything that it has seen.
    async fn change<T>(&self, work: impl FnOnce(&mut Rows<'_>, &Memory) -> Result<T> + Send) -> Result<T> {
        let (answer, ticket) = self.apply(work)?;
        self.flusher.flushed(ticket).await?;
        Ok(answer)
    }

    fn apply<T>(&self, work: impl FnOnce(&mut Rows<'_>, &Memory) -> Result<T>) -> Result<(T, u64)> {
        self.flusher.check()?;
        let mut memory = self.memory()?;
        let mut layers = self.flusher.layers();
        let mut rows = Rows::over(&self.tree, &layers);
        rows.next_arrival = memory.next_arrival;
        let answer = work(&mut rows, &memory)?;
        memory.next_arrival = rows.next_arrival;
        if rows.is_changed() {
            rows.put(key::count(), &(layers.count + 1))?;
        }
        let (changes, effects) = rows.into_parts();
        let ticket = self.flusher.gather(&mut layers, changes)?;
        let rows = Rows::over(&self.tree, &layers);
        for effect in effects {
            memory.note(&rows, effect);
        }
        Ok((answer, ticket))
    }
}

/// Work that reads the whole store.
async fn on_thread<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::Storage(format!("read the store through: {error}")))?
}

impl Memory {
    /// Follows a change.
    fn note(&mut self, rows: &Rows<'_>, effect: Effect) {
        match effect {
            // A leased inbox is read again when the lease ends.
            Effect::Filed { owner, .. } if self.leases.contains(&owner.id) => {}
            Effect::Filed { owner, at, is_message } => self.queue.note(owner, at, is_message),
            Effect::Erased { conversation } => {
                self.leases.remove(&conversation);
                self.queue.forget(&conversation);
            }
            Effect::Returned { owner, not_before } => {
                self.leases.remove(&owner.id);
                let conversation = owner.id.clone();
                match inbox::waiting(rows, owner, not_before) {
                    Ok(Some(waiting)) => self.queue.insert(waiting),
                    Ok(None) => {
                        if let Some(not_before) = not_before {
                            self.queue.hold(conversation, not_before);
                        }
                    }
                    // The change is made; only this conversation cannot go on.
                    Err(error) => tracing::error!(%conversation, %error, "an inbox cannot be read"),
                }
            }
        }
    }
}

#[async_trait]
impl Store for SledStore {
    async fn accept(&self, intake: Intake) -> Result<LeadAnswer> {
        self.change(|rows, _| door::accept(rows, intake)).await
    }

    async fn append(&self, events: Vec<Append>) -> Result<Vec<Appended>> {
        self.change(|rows, _| events.into_iter().map(|event| appending::append(rows, event)).collect()).await
    }

    async fn take(&self, now: Timestamp) -> Result<Option<Taken>> {
        self.flusher.check()?;
        let Memory { queue, leases, .. } = &mut *self.memory()?;
        let layers = self.flusher.layers();
        turn::take(&Rows::over(&self.tree, &layers), queue, leases, now)
    }

    async fn commit(&self, commit: Commit) -> Result<Committed> {
        self.change(|rows, memory| {
            if !memory.leases.contains(&commit.conversation.id) {
                return Err(Error::NotLeased(commit.conversation.id));
            }
            turn::commit(rows, commit)
        })
        .await
    }

    async fn release(&self, conversation: &ConversationId, retry_at: Timestamp) -> Result<()> {
        // The lease is in memory only: nothing to flush.
        self.apply(|rows, memory| {
            if !memory.leases.contains(conversation) {
                return Err(Error::NotLeased(conversation.clone()));
            }
            turn::release(rows, conversation, retry_at)
        })?;
        Ok(())
    }

    async fn fire(&self, now: Timestamp, limit: usize) -> Result<usize> {
        self.change(|rows, _| turn::fire(rows, now, limit)).await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>> {
        let memory = self.memory()?;
        let layers = self.flusher.layers();
        let stored = turn::next_due(&Rows::over(&self.tree, &layers))?;
        Ok([stored, memory.queue.next()].into_iter().flatten().min())
    }

    fn revision(&self) -> u64 {
        self.flusher.layers().count
    }

    async fn claim(&self, now: Timestamp, limit: usize) -> Result<Vec<Envelope>> {
        self.change(|rows, _| delivery::claim(rows, now, limit)).await
    }

    async fn settle(&self, settlement: Settlement) -> Result<()> {
        self.change(|rows, _| delivery::settle(rows, settlement)).await
    }

    async fn unresolved(&self, before: Timestamp) -> Result<Vec<Envelope>> {
        delivery::unresolved(&self.rows(), before)
    }

    async fn replay(&self, envelope: &EnvelopeId, now: Timestamp) -> Result<bool> {
        self.change(|rows, _| delivery::replay(rows, envelope, now)).await
    }

    async fn conversation(&self, id: &ConversationId) -> Result<Option<Conversation>> {
        self.rows().get(&key::conversation(id))
    }

    async fn conversations_of(&self, tenant: &TenantId, crm_id: &str) -> Result<Vec<ConversationId>> {
        self.rows().scan_back(&key::lead(tenant, crm_id)).collect()
    }

    async fn conversations_with(&self, tenant: &TenantId, name: &str) -> Result<Vec<ConversationId>> {
        self.rows().scan(&key::name(tenant, name)).collect()
    }

    async fn conversations(&self, tenant: Option<&TenantId>, limit: usize) -> Result<Vec<Conversation>> {
        looking::conversations(&self.rows(), tenant, limit)
    }

    async fn lines(&self, id: &ConversationId) -> Result<Vec<Line>> {
        self.rows().scan(&key::lines(id)).collect()
    }

    async fn log(&self, id: &ConversationId) -> Result<Vec<LogEntry>> {
        self.rows().scan(&key::log(id)).collect()
    }

    async fn envelopes(&self, id: &ConversationId) -> Result<Vec<Envelope>> {
        delivery::envelopes(&self.rows(), id)
    }

    async fn parked_envelopes(&self, tenant: Option<&TenantId>, limit: usize) -> Result<Vec<Envelope>> {
        delivery::parked(&self.rows(), tenant, limit)
    }

    async fn parked(&self, limit: usize) -> Result<Vec<Parked>> {
        self.rows().scan(&key::parked()).take(limit).collect()
    }

    async fn meetings(&self, tenant: &TenantId, from: Timestamp) -> Result<Vec<(ConversationId, Meeting)>> {
        meetings::ending_after(&self.rows(), tenant, from)
    }

    async fn calendar_entries(&self, tenant: &TenantId, from: Timestamp) -> Result<Vec<CalendarEntry>> {
        calendars::entries(&self.rows(), tenant, from)
    }

    async fn put_calendar_secret(&self, secret: CalendarSecret) -> Result<()> {
        self.change(|rows, _| calendars::put_secret(rows, &secret)).await
    }

    async fn calendar_secret(&self, tenant: &TenantId, person: Option<&str>) -> Result<Option<CalendarSecret>> {
        self.rows().get(&key::calendar_secret(tenant, person))
    }

    async fn calendar_of_secret(&self, secret: &str) -> Result<Option<CalendarSecret>> {
        self.rows().get(&key::calendar_of_secret(secret))
    }

    async fn put_busy_times(&self, tenant: &TenantId, busy: BusyTimes) -> Result<()> {
        self.change(|rows, _| rows.put(key::busy_times_of(tenant, busy.person.as_deref()), &busy)).await
    }

    async fn busy_times(&self, tenant: &TenantId) -> Result<Vec<BusyTimes>> {
        self.rows().scan(&key::busy_times(tenant)).collect()
    }

    async fn opted_out(&self, tenant: &TenantId, phone: &Phone) -> Result<bool> {
        // Also one that is about to be written: this is asked right before a send (P5).
        let layers = self.flusher.layers();
        let rows = Rows::over(&self.tree, &layers);
        Ok(rows.has(&key::opt_out(tenant, phone.as_e164()))?
            || rows.has(&key::opt_out_digest(tenant, phone.as_e164()))?)
    }

    async fn set_opt_out(&self, tenant: &TenantId, phone: &Phone, opted_out: bool) -> Result<()> {
        self.change(|rows, _| register::set_opt_out(rows, tenant, phone, opted_out)).await
    }

    async fn raise_alarm(&self, alarm: Alarm) -> Result<()> {
        self.change(|rows, _| rows.put(key::alarm(&alarm.id), &alarm)).await
    }

    async fn clear_alarm(&self, id: &str) -> Result<bool> {
        self.change(|rows, _| {
            let was_there = rows.has(&key::alarm(id))?;
            rows.remove(key::alarm(id));
            Ok(was_there)
        })
        .await
    }

    async fn alarms(&self) -> Result<Vec<Alarm>> {
        self.rows().scan(&key::alarms()).collect()
    }

    async fn erase(&self, tenant: &TenantId, person: &Person) -> Result<Erased> {
        let (tree, tenant, person) = (self.tree.clone(), tenant.clone(), person.clone());
        let traces = on_thread(move || Traces::of(&Rows::of_tree(&tree), &tree, &tenant, &person)).await?;
        let traces = Arc::new(traces);
        let mut erased = Erased::default();
        for round in 0..erasing::ROUNDS {
            let (tree, theirs) = (self.tree.clone(), Arc::clone(&traces));
            let found = on_thread(move || theirs.find(&tree)).await?;
            if found.is_empty() && round > 0 {
                break;
            }
            erased.opt_out |= self.change(|rows, _| traces.remove(rows, &found)).await?;
            erased.rows += found.len();
        }
        erased.conversations = traces.conversations.len();
        erased.rows += usize::from(erased.opt_out);
        Ok(erased)
    }

    async fn back_up(&self, pieces: tokio::sync::mpsc::Sender<Vec<u8>>) -> Result<()> {
        backup::take(self, pieces).await
    }

    async fn add_key(&self, key: ApiKey) -> Result<()> {
        self.change(|rows, _| rows.put(key::api_key(&key.digest), &key)).await
    }

    async fn key(&self, digest: &str) -> Result<Option<ApiKey>> {
        self.rows().get(&key::api_key(digest))
    }

    async fn keys(&self) -> Result<Vec<ApiKey>> {
        self.rows().scan(&key::api_keys()).collect()
    }

    async fn remove_key(&self, digest: &str) -> Result<bool> {
        self.change(|rows, _| {
            let was_there = rows.has(&key::api_key(digest))?;
            rows.remove(key::api_key(digest));
            Ok(was_there)
        })
        .await
    }

    async fn put_version(&self, version: FlowVersion) -> Result<()> {
        let _files = self.files_change.lock().await;
        // The files first: a crash in between leaves pieces that nothing names, which the next attempt finds.
        versions::put_files(&self.files, &version)?;
        self.change(|rows, _| versions::put_version(rows, &version)).await
    }

    async fn version(&self, tenant: &TenantId, flow: &FlowId, digest: &Digest) -> Result<Option<FlowVersion>> {
        versions::version(&self.rows(), &self.files, tenant, flow, digest)
    }

    async fn activate(&self, tenant: &TenantId, flow: &FlowId, digest: &Digest, now: Timestamp) -> Result<()> {
        self.change(|rows, _| versions::activate(rows, tenant, flow, digest, now)).await
    }

    async fn active_versions(&self) -> Result<Vec<(TenantId, FlowId, Digest)>> {
        versions::active_versions(&self.rows())
    }

    async fn record_version(&self, tenant: &TenantId, flow: &FlowId, record: VersionRecord) -> Result<()> {
        self.change(|rows, _| versions::record(rows, tenant, flow, &record)).await
    }

    async fn versions(&self, tenant: &TenantId, flow: &FlowId) -> Result<Vec<VersionRecord>> {
        versions::records(&self.rows(), tenant, flow)
    }

    async fn recorded_flows(&self) -> Result<Vec<(TenantId, FlowId)>> {
        versions::recorded_flows(&self.rows())
    }

    async fn forget_version(&self, tenant: &TenantId, flow: &FlowId, digest: &Digest) -> Result<bool> {
        let _files = self.files_change.lock().await;
        let forgotten = self.change(|rows, _| versions::forget(rows, tenant, flow, digest)).await?;
        if forgotten {
            versions::sweep_files(&self.rows(), &self.files)?;
        }
        Ok(forgotten)
    }

    async fn see_folder(&self, tenant: &TenantId, flow: &FlowId, seen: FolderSeen) -> Result<()> {
        self.change(|rows, _| rows.put(key::folder_seen(tenant, flow), &seen)).await
    }

    async fn folder_seen(&self, tenant: &TenantId, flow: &FlowId) -> Result<Option<FolderSeen>> {
        self.rows().get(&key::folder_seen(tenant, flow))
    }

    async fn running(&self, tenant: &TenantId, flow: &FlowId) -> Result<Vec<(Digest, u64)>> {
        versions::running(&self.rows(), tenant, flow)
    }
}
