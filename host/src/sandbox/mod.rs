//! One engine that runs flows: a component becomes a callable role, within limits.
//!
//! A component is checked and configured once ([`Sandbox::prepare`]); the memory that `configure` leaves behind is the
//! image from which every call starts a fresh instance, so nothing leaks from one turn, tenant or lead to another. A flow
//! reaches nothing but the contract's `host` interface and a virtual WASI. Whatever goes wrong inside a
//! flow is a [`Fault`](crate::model::Fault), never an error of the host and never a panic.

mod check;
mod component;
mod context;
mod engine;
mod fault;
mod instance;
mod meter;
mod options;
mod refusal;
mod since_0_1;
mod snapshot;
mod wasi;

pub use check::Role;
pub use component::{Asked, Component};
pub use context::{Call, Context, NoSlots, Occasion, Slots, Update};
pub use engine::{Error, Sandbox};
pub use options::{Limits, Options};
pub use refusal::{Problem, Refusal};
