//! The stock qualification script (`stock:qualify`): a conversation driven by `script.toml`.
//!
//! Nothing that is said is written here: texts, questions, branches and endings come from the configuration, which
//! `configure` checks and parses once. What is here is understanding (`understand`, `when`), finding a time
//! (`booking`), and the order of things (`events`, `steps`). `README.md` explains `script.toml`.

mod booking;
mod calendar;
mod check;
mod clock;
mod config;
mod events;
mod exchange;
mod facts;
mod graph;
mod model;
mod names;
mod offers;
mod script;
mod sides;
mod state;
mod steps;
mod summary;
mod text;
mod texts;
mod understand;
mod when;
mod wording;

pub use config::Config;
pub use script::Script;
pub use state::State;

use relais_sdk::{Call, Event, Fault, Problem, Qualification, Turn};

impl Qualification for Script {
    type Config = Config;
    type State = State;

    fn configure(config: Config) -> Result<Self, Vec<Problem>> {
        Script::build(config)
    }

    fn advance(&self, call: &Call, state: State, event: Event) -> Result<Turn, Fault> {
        events::advance(self, call, state, event)
    }
}

relais_sdk::export!(Script: qualification);
