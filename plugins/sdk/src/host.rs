//! The two things that a plugin may ask the host in the middle of a call.
//!
//! Natively, under `cargo test`, [`crate::testing`] answers them.

pub use crate::bindings::mapper::relais::flow::host::Level;

use crate::Slot;

/// Writes a line to the tenant's log, beside the turn. At most 200 lines of 1,000 characters a turn.
pub fn log(level: Level, message: &str) {
    #[cfg(target_arch = "wasm32")]
    crate::bindings::mapper::relais::flow::host::log(level, message);
    #[cfg(not(target_arch = "wasm32"))]
    crate::testing::log(level, message);
}

/// The bookable slots that start in [from, to), earliest first, at most `limit` (and never more than 100). Both ends
/// are instants, or wall times of the tenant's zone (`2025-10-09T14:30:00`).
#[must_use]
pub fn free_slots(from: &str, to: &str, limit: u32) -> Vec<Slot> {
    #[cfg(target_arch = "wasm32")]
    let slots = crate::bindings::mapper::relais::flow::host::free_slots(from, to, limit);
    #[cfg(not(target_arch = "wasm32"))]
    let slots = crate::testing::free_slots(from, to, limit);
    slots
}
