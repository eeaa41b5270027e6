//! What an operator may set, and the limits of a role.

use std::{num::NonZero, path::PathBuf, thread};

use serde::{Deserialize, Serialize};

use super::Refusal;

/// What an operator may set.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where compiled components are kept between starts; none compiles them again. A Python or JavaScript component
    /// takes half a minute to compile and milliseconds to load from here.
    pub cache_dir: Option<PathBuf>,
    /// Most turns of one tenant at once; the others wait.
    pub per_tenant: usize,
    /// Most turns at once of all tenants together. Far more than cores, because a flow that spins holds its place
    /// until its deadline.
    pub parallel: usize,
    /// Most turns that compute at once when they have taken longer than 10 ms; they take it in turns. One core less
    /// than the machine has, so that however many flows spin, a core is left for the short turns of the others.
    pub slow_lane: usize,
    /// Most components compiled at once.
    pub compilations: usize,
    /// The most that a flow may ask for; a flow that wants more is refused.
    pub most: Limits,
}

impl Default for Options {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        Self {
            cache_dir: None,
            per_tenant: cores.max(2),
            parallel: cores * 16,
            slow_lane: cores.saturating_sub(1).max(1),
            compilations: 2,
            most: Limits {
                turn_ms: 5_000,
                configure_ms: 60_000,
                memory_mib: 512,
                output_bytes: 1024 * 1024,
                ..Limits::default()
            },
        }
    }
}

/// The limits of a role, as `flow.toml` may set them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Limits {
    /// Most milliseconds that a turn computes; waiting for others does not count. Checked every 10 ms.
    pub turn_ms: u64,
    /// Most milliseconds that `configure` computes.
    pub configure_ms: u64,
    /// Most linear memory of an instance, all its memories together.
    pub memory_mib: usize,
    /// Most bytes of the state's JSON text.
    pub state_bytes: usize,
    /// Most bytes of all texts of an answer, the state among them.
    pub output_bytes: usize,
    /// Most actions of a turn.
    pub actions: usize,
    /// Most reactions to an occasion.
    pub reactions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            turn_ms: 250,
            configure_ms: 5_000,
            memory_mib: 64,
            state_bytes: 64 * 1024,
            output_bytes: 256 * 1024,
            actions: 50,
            reactions: 20,
        }
    }
}

impl Limits {
    /// Refuses limits of nothing and limits beyond `most`, naming the first that is wrong.
    pub(super) fn check(&self, most: &Self) -> Result<(), Refusal> {
        let all = [
            ("turn-ms", self.turn_ms, most.turn_ms),
            ("configure-ms", self.configure_ms, most.configure_ms),
            ("memory-mib", self.memory_mib as u64, most.memory_mib as u64),
            ("state-bytes", self.state_bytes as u64, most.state_bytes as u64),
            ("output-bytes", self.output_bytes as u64, most.output_bytes as u64),
            ("actions", self.actions as u64, most.actions as u64),
            ("reactions", self.reactions as u64, most.reactions as u64),
        ];
        match all.into_iter().find(|(_, wanted, most)| !(1..=*most).contains(wanted)) {
            Some((key, wanted, most)) => Err(Refusal::Limit { key, wanted, most }),
            None => Ok(()),
        }
    }
}
