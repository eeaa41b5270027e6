//! A logged turn, run again: the same input must give the same bytes (P4).

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use serde_json::Value;

use super::asking::{Input, Question, json};
use crate::{
    flows::Loaded,
    model::{Fault, Slot},
    sandbox::{self, Asked, Slots},
    store::{Call, LogEntry},
};

/// What came of running a component's call again.
#[derive(Clone, Debug, PartialEq)]
pub struct Rerun {
    /// The turn's number.
    pub turn: u64,
    /// The function asked.
    pub function: String,
    /// As logged.
    pub logged: Value,
    /// As it came out now; null when it ended in a fault.
    pub found: Value,
}

impl Rerun {
    /// Whether both are the same bytes.
    pub fn is_same(&self) -> bool {
        let bytes = |value: &Value| value.to_string();
        bytes(&self.logged) == bytes(&self.found)
    }
}

/// Runs every component call of a log again on `loaded`, offline: slots come from the log. Nothing is sent or written.
pub async fn rerun(loaded: &Loaded, entries: &[LogEntry]) -> Vec<Rerun> {
    let mut found = Vec::new();
    for entry in entries {
        for call in &entry.calls {
            found.push(Rerun {
                turn: entry.turn,
                function: call.function.clone(),
                logged: call.output.clone(),
                found: again(loaded, call).await,
            });
        }
    }
    found
}

async fn again(loaded: &Loaded, call: &Call) -> Value {
    let Ok(input) = serde_json::from_value::<Input>(call.input.clone()) else {
        return Value::Null;
    };
    let slots = Arc::new(Recorded(Mutex::new(call.slots.clone().into())));
    let asking = sandbox::Call { context: &input.context, lead: &input.lead, slots, seed: &input.seed };
    match &input.question {
        Question::Advance { state, event } => output(loaded.qualification.advance(asking, state.as_ref(), event).await),
        Question::React { occasion } => output(loaded.status_actions.react(asking, occasion).await),
        Question::Callback { update } => output(loaded.crm_mapping.callback_for_crm(asking, update).await),
    }
}

fn output<T: serde::Serialize>(asked: Asked<T>) -> Value {
    asked.result.as_ref().map_or_else(|_: &Fault| Value::Null, json)
}

/// The answers of `free-slots` as they were logged; a flow that asks more often than it did gets none.
pub(super) struct Recorded(pub(super) Mutex<VecDeque<Vec<Slot>>>);

impl Slots for Recorded {
    fn free(&self, _: Timestamp, _: Timestamp, _: usize) -> Vec<Slot> {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answers.pop_front().unwrap_or_default()
    }
}
