//! Write the parts of a Relais flow in Rust.
//!
//! A flow has three roles; a plugin plays one or several of them. For each role there is a trait:
//! [`Qualification`], [`CrmMapping`], [`StatusActions`]. Implement it for a type of yours that holds the parsed
//! configuration, export it with [`export!`], build for `wasm32-wasip2`:
//!
//! ```
//! use relais_sdk::*;
//!
//! struct Hello;
//!
//! impl Qualification for Hello {
//!     type Config = Nothing;
//!     type State = u32;
//!     fn configure(_: Nothing) -> Result<Self, Vec<Problem>> {
//!         Ok(Hello)
//!     }
//!     fn advance(&self, call: &Call, seen: u32, event: Event) -> Result<Turn, Fault> {
//!         Ok(match event {
//!             Event::LeadReceived => Turn::new().template("hello", [call.first_name()], Purpose::Outreach),
//!             Event::MessageReceived(_) => Turn::new().say("Thank you!").state(&(seen + 1)),
//!             _ => Turn::new().state(&seen),
//!         })
//!     }
//! }
//!
//! relais_sdk::export!(Hello: qualification);
//! ```
//!
//! A plugin has no clock, network, file or randomness: `call.context.now` is the time, [`host::free_slots`] the
//! calendar, and whatever else it wants done is an [`Action`] of its [`Turn`]. That makes it testable without
//! WebAssembly: under `cargo test` the two host functions are played by [`testing`].

pub mod bindings;
mod export;
pub mod host;
mod json;
mod roles;
mod seconds;
pub mod testing;
mod turn;

pub use bindings::mapper::relais::flow::reports::Update;
pub use bindings::mapper::relais::flow::types::{
    Choice, Content, Context, Fault, Lead, LeadDraft, Location, Media, Meeting, Message, Problem, Purpose, Slot,
    Status, TemplateCall,
};
pub use bindings::qualifier::exports::relais::flow::qualification::{
    Action, Answer, AskEndpoint, AskModel, Booking, Choices, Conclusion, Event, Note, Outcome, Rows, Send,
    SendTemplate, SlotTaken, Timer, Undelivered,
};
pub use bindings::reactor::exports::relais::flow::status_actions::{Notification, Occasion, Reaction};
pub use json::{checked, parse, problem};
pub use roles::{Call, CrmMapping, Nothing, Qualification, StatusActions, status_name};
pub use seconds::Seconds;
pub use turn::Turn;

#[doc(hidden)]
pub use export::{Kept, run};
