//! A virtual WASI 0.2, so that flows in every language run, and run the same each time.
//!
//! * The wall clock stands at the turn's `now`. The monotonic clock passes only by sleeping: a sleep returns at once and
//!   moves it to the time slept for, so that a guest that waits for a deadline of its own comes to an end.
//! * Random bytes are a function of the turn's seed.
//! * No arguments, no environment, standard input at its end; the last 8 KiB of standard output and error are kept.
//! * The file system is linked, because the runtimes of many languages import it, and holds nothing: no directory is
//!   opened in advance, so there is no way to name a file.
//! * Sockets are linked for the same reason, and denied: none can be made, no name is looked up.
//!
//! What is not listed in [`LINKED`] is not linked: no HTTP, for one.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use wasmtime::component::{HasData, Linker, Resource, ResourceTable};
use wasmtime_wasi::{
    async_trait,
    cli::{WasiCli, WasiCliCtxView},
    filesystem::{WasiFilesystem, WasiFilesystemCtxView},
    p2::{
        DynOutputStream, DynPollable, OutputStream, Pollable, StreamResult,
        bindings::{cli, clocks, filesystem, random, sockets},
        subscribe,
    },
    sockets::{WasiSockets, WasiSocketsCtxView},
};

use super::instance::State;

/// The interfaces that flows may import, without their version.
const LINKED: [&str; 28] = [
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
    "wasi:sockets/instance-network",
    "wasi:sockets/ip-name-lookup",
    "wasi:sockets/network",
    "wasi:sockets/tcp",
    "wasi:sockets/tcp-create-socket",
    "wasi:sockets/udp",
    "wasi:sockets/udp-create-socket",
    // Types only; needs no implementation.
    "wasi:clocks/timezone",
];

/// Where the monotonic clock begins, in nanoseconds: Go takes a zero for a clock that is broken, and gives up.
const BEGIN: u64 = 1_000_000_000;
/// Most random bytes of one request.
const MOST_RANDOM_BYTES: u64 = 64 * 1024;
/// How much of what a guest prints is kept; the end of it, because that is where a panic tells its reason.
const MOST_PRINTED_BYTES: usize = 8 * 1024;
/// How much a guest may print at once.
const PRINT_PERMIT: usize = 64 * 1024;

/// Whether flows may import the interface.
pub(super) fn is_linked(interface: &str, version: &str) -> bool {
    version.starts_with("0.2.") && LINKED.contains(&interface)
}

/// Adds the virtual WASI to the linker.
pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    use wasmtime_wasi::p2::bindings::sync::{
        filesystem::types,
        io,
        sockets::{tcp, udp, udp_create_socket},
    };

    io::error::add_to_linker::<State, Table>(linker, |state| &mut state.table)?;
    io::poll::add_to_linker::<State, Table>(linker, |state| &mut state.table)?;
    io::streams::add_to_linker::<State, Table>(linker, |state| &mut state.table)?;

    cli::environment::add_to_linker::<State, WasiCli>(linker, terminal)?;
    cli::exit::add_to_linker::<State, WasiCli>(linker, terminal)?;
    cli::stdin::add_to_linker::<State, WasiCli>(linker, terminal)?;
    cli::terminal_input::add_to_linker::<State, WasiCli>(linker, terminal)?;
    cli::terminal_output::add_to_linker::<State, WasiCli>(linker, terminal)?;
    cli::terminal_stdin::add_to_linker::<State, WasiCli>(linker, terminal)?;
    cli::terminal_stdout::add_to_linker::<State, WasiCli>(linker, terminal)?;
    cli::terminal_stderr::add_to_linker::<State, WasiCli>(linker, terminal)?;
    cli::stdout::add_to_linker::<State, Console>(linker, console)?;
    cli::stderr::add_to_linker::<State, Console>(linker, console)?;

    clocks::wall_clock::add_to_linker::<State, Clocks>(linker, clocks_of)?;
    clocks::monotonic_clock::add_to_linker::<State, Clocks>(linker, clocks_of)?;

    random::random::add_to_linker::<State, Random>(linker, |state| &mut state.random)?;
    random::insecure::add_to_linker::<State, Random>(linker, |state| &mut state.random)?;
    random::insecure_seed::add_to_linker::<State, Random>(linker, |state| &mut state.random)?;

    filesystem::preopens::add_to_linker::<State, WasiFilesystem>(linker, files)?;
    types::add_to_linker::<State, WasiFilesystem>(linker, files)?;

    sockets::instance_network::add_to_linker::<State, WasiSockets>(linker, no_sockets)?;
    let options = sockets::network::LinkOptions::default();
    sockets::network::add_to_linker::<State, WasiSockets>(linker, &options, no_sockets)?;
    sockets::ip_name_lookup::add_to_linker::<State, WasiSockets>(linker, no_sockets)?;
    sockets::tcp_create_socket::add_to_linker::<State, WasiSockets>(linker, no_sockets)?;
    udp_create_socket::add_to_linker::<State, WasiSockets>(linker, no_sockets)?;
    tcp::add_to_linker::<State, WasiSockets>(linker, no_sockets)?;
    udp::add_to_linker::<State, WasiSockets>(linker, no_sockets)?;
    Ok(())
}

fn terminal(state: &mut State) -> WasiCliCtxView<'_> {
    WasiCliCtxView { ctx: &mut state.terminal, table: &mut state.table }
}

fn files(state: &mut State) -> WasiFilesystemCtxView<'_> {
    WasiFilesystemCtxView { ctx: &mut state.files, table: &mut state.table }
}

fn no_sockets(state: &mut State) -> WasiSocketsCtxView<'_> {
    WasiSocketsCtxView { ctx: &mut state.no_sockets, table: &mut state.table }
}

fn console(state: &mut State) -> ConsoleView<'_> {
    ConsoleView { console: &state.console, table: &mut state.table }
}

fn clocks_of(state: &mut State) -> ClocksView<'_> {
    ClocksView { clocks: &state.clocks, table: &mut state.table }
}

/// The handles that a guest holds.
struct Table;

impl HasData for Table {
    type Data<'a> = &'a mut ResourceTable;
}

/// A wall clock that stands still and a monotonic clock that only sleeping moves.
pub(super) struct Clocks {
    pub(super) now: Timestamp,
    /// What the monotonic clock shows: where it began, and the nanoseconds slept since.
    slept: Arc<AtomicU64>,
}

impl Clocks {
    pub(super) fn new(now: Timestamp) -> Self {
        Self { now, slept: Arc::new(AtomicU64::new(BEGIN)) }
    }
}

impl HasData for Clocks {
    type Data<'a> = ClocksView<'a>;
}

pub(super) struct ClocksView<'a> {
    clocks: &'a Clocks,
    table: &'a mut ResourceTable,
}

impl clocks::wall_clock::Host for ClocksView<'_> {
    fn now(&mut self) -> wasmtime::Result<clocks::wall_clock::Datetime> {
        // Before 1970 there is no WASI time.
        let seconds = u64::try_from(self.clocks.now.as_second()).unwrap_or(0);
        Ok(clocks::wall_clock::Datetime { seconds, nanoseconds: 0 })
    }

    fn resolution(&mut self) -> wasmtime::Result<clocks::wall_clock::Datetime> {
        Ok(clocks::wall_clock::Datetime { seconds: 1, nanoseconds: 0 })
    }
}

impl clocks::monotonic_clock::Host for ClocksView<'_> {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(self.clocks.slept.load(Ordering::Relaxed))
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        Ok(1)
    }

    fn subscribe_instant(&mut self, when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        let sleep = self.table.push(Sleep { until: when, slept: self.clocks.slept.clone() })?;
        subscribe(self.table, sleep)
    }

    fn subscribe_duration(&mut self, duration: u64) -> wasmtime::Result<Resource<DynPollable>> {
        let slept = self.clocks.slept.load(Ordering::Relaxed);
        self.subscribe_instant(slept.saturating_add(duration))
    }
}

/// A sleep: over as soon as someone looks.
struct Sleep {
    until: u64,
    slept: Arc<AtomicU64>,
}

#[async_trait]
impl Pollable for Sleep {
    async fn ready(&mut self) {
        self.slept.fetch_max(self.until, Ordering::Relaxed);
    }
}

/// Random numbers that follow from a seed: SHA-256 of the seed and a counter. No library's generator, because those may
/// change with a version, and a turn run again a year later shall see the same numbers.
pub(super) struct Random {
    seed: [u8; 32],
    counter: u64,
    rest: Vec<u8>,
}

impl Random {
    pub(super) fn new(seed: &str) -> Self {
        Self { seed: Sha256::digest(seed.as_bytes()).into(), counter: 0, rest: Vec::new() }
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        while self.rest.len() < length {
            let block = Sha256::new().chain_update(self.seed).chain_update(self.counter.to_le_bytes()).finalize();
            self.counter += 1;
            self.rest.extend_from_slice(&block);
        }
        let kept = self.rest.split_off(length);
        std::mem::replace(&mut self.rest, kept)
    }

    fn number(&mut self) -> u64 {
        self.bytes(8).iter().fold(0, |number, byte| (number << 8) | u64::from(*byte))
    }

    fn asked(&mut self, length: u64) -> wasmtime::Result<Vec<u8>> {
        if length > MOST_RANDOM_BYTES {
            wasmtime::bail!("asked for {length} random bytes at once; ask for at most {MOST_RANDOM_BYTES}");
        }
        Ok(self.bytes(usize::try_from(length)?))
    }
}

impl HasData for Random {
    type Data<'a> = &'a mut Random;
}

impl random::random::Host for Random {
    fn get_random_bytes(&mut self, length: u64) -> wasmtime::Result<Vec<u8>> {
        self.asked(length)
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.number())
    }
}

impl random::insecure::Host for Random {
    fn get_insecure_random_bytes(&mut self, length: u64) -> wasmtime::Result<Vec<u8>> {
        self.asked(length)
    }

    fn get_insecure_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.number())
    }
}

impl random::insecure_seed::Host for Random {
    fn insecure_seed(&mut self) -> wasmtime::Result<(u64, u64)> {
        Ok((self.number(), self.number()))
    }
}

/// What a guest printed.
#[derive(Default)]
pub(super) struct Console {
    pub(super) out: Printed,
    pub(super) err: Printed,
}

impl Console {
    /// Forgets what was printed; streams that are open stay open.
    pub(super) fn clear(&self) {
        for printed in [&self.out, &self.err] {
            printed.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }
}

impl HasData for Console {
    type Data<'a> = ConsoleView<'a>;
}

pub(super) struct ConsoleView<'a> {
    console: &'a Console,
    table: &'a mut ResourceTable,
}

impl cli::stdout::Host for ConsoleView<'_> {
    fn get_stdout(&mut self) -> wasmtime::Result<Resource<DynOutputStream>> {
        let stream: DynOutputStream = Box::new(self.console.out.clone());
        Ok(self.table.push(stream)?)
    }
}

impl cli::stderr::Host for ConsoleView<'_> {
    fn get_stderr(&mut self) -> wasmtime::Result<Resource<DynOutputStream>> {
        let stream: DynOutputStream = Box::new(self.console.err.clone());
        Ok(self.table.push(stream)?)
    }
}

/// A stream that takes everything and keeps the last 8 KiB. Clones are the same stream.
#[derive(Clone, Default)]
pub(super) struct Printed(Arc<Mutex<Vec<u8>>>);

impl Printed {
    /// What was kept, as text.
    pub(super) fn text(&self) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(last(&kept, MOST_PRINTED_BYTES)).into_owned()
    }
}

/// The last `most` bytes.
fn last(bytes: &[u8], most: usize) -> &[u8] {
    bytes.get(bytes.len().saturating_sub(most)..).unwrap_or_default()
}

#[async_trait]
impl Pollable for Printed {
    async fn ready(&mut self) {}
}

#[async_trait]
impl OutputStream for Printed {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(last(&bytes, MOST_PRINTED_BYTES));
        // Twice as much before it is cut, so that it is not cut on each line.
        if kept.len() > 2 * MOST_PRINTED_BYTES {
            *kept = last(&kept, MOST_PRINTED_BYTES).to_vec();
        }
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(PRINT_PERMIT)
    }
}
