//! The suites of the rooms, one binary; the stories are in `tests/stories` at the top.

#[cfg(test)]
mod delivery;
mod simulator;
mod store;
mod support;
