//! Relais: takes over a sales lead after a failed call.

pub mod model;
pub mod store;
