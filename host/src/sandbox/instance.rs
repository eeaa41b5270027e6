//! One running instance of a component: what it may reach and how much of it.

use std::sync::Arc;

use jiff::tz::TimeZone;
use wasmtime::{ResourceLimiter, Store, component::ResourceTable};
use wasmtime_wasi::{cli::WasiCliCtx, filesystem::WasiFilesystemCtx, sockets::WasiSocketsCtx};

use crate::model::Slot;

use super::{
    Limits, Slots,
    context::Circumstances,
    engine::Shared,
    meter::Meter,
    wasi::{Clocks, Console, Random},
};

/// Most lines of a turn, and most characters of a line (as promised in `wit/host.wit`).
const MOST_LINES: usize = 200;
const MOST_LINE_CHARACTERS: usize = 1_000;
/// Most questions about free slots in a turn: each answer is kept in the log.
const MOST_QUESTIONS: usize = 64;
/// Most entries of all tables together: a pointer each. Large runtimes use some ten thousand.
pub(super) const MOST_TABLE_ELEMENTS: usize = 1 << 17;
/// Most handles (streams, pollables) that a guest may hold.
const MOST_HANDLES: usize = 10_000;
/// The least that a guest may hand over in one call, in bytes, whatever its limit of output. The host counts the size of
/// its own structures here, so this only keeps a guest from making the host allocate without end; the exact limits
/// are checked afterwards.
const LEAST_CALL_BYTES: usize = 16 * 1024 * 1024;

/// What an instance can reach.
pub(super) struct State {
    limiter: Limiter,
    meter: Meter,
    pub(super) table: ResourceTable,
    pub(super) terminal: WasiCliCtx,
    pub(super) files: WasiFilesystemCtx,
    /// Denies everything, as it does until it is told otherwise.
    pub(super) no_sockets: WasiSocketsCtx,
    pub(super) clocks: Clocks,
    pub(super) random: Random,
    pub(super) console: Console,
    pub(super) host: Host,
}

impl State {
    fn new(shared: &Shared, circumstances: Circumstances, limits: &Limits) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(MOST_HANDLES);
        Self {
            limiter: Limiter::new(limits.memory_mib),
            meter: Meter::new(shared.slow_lane.clone()),
            table,
            terminal: WasiCliCtx::default(),
            files: WasiFilesystemCtx::default(),
            no_sockets: WasiSocketsCtx::default(),
            clocks: Clocks::new(circumstances.now),
            random: Random::new(&circumstances.seed),
            console: Console::default(),
            host: Host::new(circumstances.zone, circumstances.slots),
        }
    }

    /// Puts the instance into other circumstances: a component that was configured a moment ago begins its turn.
    pub(super) fn enter(&mut self, circumstances: Circumstances) {
        self.clocks = Clocks::new(circumstances.now);
        self.random = Random::new(&circumstances.seed);
        self.host = Host::new(circumstances.zone, circumstances.slots);
        self.console.clear();
    }
}

/// An empty store for an instance in these circumstances; it traps at once until it is given time.
pub(super) fn store(shared: &Shared, circumstances: Circumstances, limits: &Limits) -> Store<State> {
    let mut store = Store::new(&shared.engine, State::new(shared, circumstances, limits));
    store.limiter(|state| &mut state.limiter);
    store.epoch_deadline_callback(|mut store| store.data_mut().meter.tick());
    store.set_hostcall_fuel(LEAST_CALL_BYTES.max(limits.output_bytes.saturating_mul(8)));
    store
}

/// Gives the instance so much time to compute, counted from now.
pub(super) fn give_time(store: &mut Store<State>, milliseconds: u64) {
    store.data_mut().meter.give(milliseconds);
    store.set_epoch_deadline(1);
}

/// What the contract's `host` interface works on.
pub(super) struct Host {
    pub(super) zone: TimeZone,
    slots: Arc<dyn Slots>,
    /// The answers to `free-slots`, in order.
    pub(super) answers: Vec<Vec<Slot>>,
    /// Level and text of what the guest logged.
    pub(super) lines: Vec<(String, String)>,
}

impl Host {
    fn new(zone: TimeZone, slots: Arc<dyn Slots>) -> Self {
        Self { zone, slots, answers: Vec::new(), lines: Vec::new() }
    }

    /// Keeps a line, or drops it when there are too many.
    pub(super) fn log(&mut self, level: &str, message: &str) {
        if self.lines.len() < MOST_LINES {
            let line = message
                .chars()
                .filter(|character| !character.is_control() || matches!(character, '\n' | '\t'))
                .take(MOST_LINE_CHARACTERS)
                .collect();
            self.lines.push((level.to_owned(), line));
        }
    }

    /// Asks the calendar and keeps its answer.
    pub(super) fn free(
        &mut self,
        from: jiff::Timestamp,
        to: jiff::Timestamp,
        limit: usize,
    ) -> wasmtime::Result<&[Slot]> {
        if self.answers.len() >= MOST_QUESTIONS {
            wasmtime::bail!(
                "asked for free slots more than {MOST_QUESTIONS} times in one turn; ask for a longer interval instead"
            );
        }
        let mut answer = self.slots.free(from, to, limit);
        answer.truncate(limit);
        self.answers.push(answer);
        Ok(self.answers.last().map(Vec::as_slice).unwrap_or_default())
    }
}

/// Keeps an instance's memories and tables, all together, within its limit. A growth beyond it is a trap rather than the
/// -1 that `memory.grow` may give: guests take that for a panic of their own, and nobody would see what it was.
pub(super) struct Limiter {
    most_bytes: usize,
    bytes: usize,
    elements: usize,
}

/// An instance wanted more than its limit.
#[derive(Debug, thiserror::Error)]
pub(super) enum TooMuch {
    #[error("wanted more than {mib} MiB of memory; raise `memory-mib` or keep less")]
    Memory { mib: usize },
    #[error("wanted a table of more than {MOST_TABLE_ELEMENTS} entries")]
    Table,
}

impl Limiter {
    fn new(memory_mib: usize) -> Self {
        Self { most_bytes: memory_mib.saturating_mul(1024 * 1024), bytes: 0, elements: 0 }
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        self.bytes = self.bytes.saturating_add(desired.saturating_sub(current));
        if self.bytes > self.most_bytes {
            return Err(TooMuch::Memory { mib: self.most_bytes / (1024 * 1024) }.into());
        }
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        self.elements = self.elements.saturating_add(desired.saturating_sub(current));
        if self.elements > MOST_TABLE_ELEMENTS {
            return Err(TooMuch::Table.into());
        }
        Ok(true)
    }
}
