//! The suites of the rooms, one binary; the stories are in `tests/stories` at the top.

mod delivery;
mod sandbox;
mod simulator;
#[cfg(test)]
mod store;
#[cfg(test)]
mod support;
