//! The stock script, played.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that goes wrong shall stop where it does"
)]

mod conversations;
mod guide;
mod host;
mod model;
mod problems;
mod scripts;
mod talk;
