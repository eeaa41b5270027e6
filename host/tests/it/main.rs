//! The suites of the rooms, one binary; the stories are in `tests/stories` at the top.

#[cfg(test)]
mod delivery;
#[cfg(test)]
mod sandbox;
#[cfg(test)]
mod simulator;
#[cfg(test)]
mod store;
#[cfg(test)]
mod support;
