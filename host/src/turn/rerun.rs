//! A logged turn, run again: the same input must give the same bytes (P4).

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use serde_json::Value;

use super::asking::{Input, Question};
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
    /// The fault that it ended in now.
    pub fault: Option<Fault>,
    /// Level and text of what the component logged now.
    pub lines: Vec<(String, String)>,
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
    let mut rerun = Vec::new();
    for entry in entries {
        for call in &entry.calls {
            let asked = again(loaded, call).await;
            let (found, fault) = match asked.result {
                Ok(output) => (output, None),
                Err(fault) => (Value::Null, Some(fault)),
            };
            let (turn, function, logged) = (entry.turn, call.function.clone(), call.output.clone());
            rerun.push(Rerun { turn, function, logged, found, fault, lines: asked.lines });
        }
    }
    rerun
}

async fn again(loaded: &Loaded, call: &Call) -> Asked<Value> {
    let Ok(input) = serde_json::from_value::<Input>(call.input.clone()) else {
        return Asked::unreadable();
    };
    let slots = Arc::new(Recorded(Mutex::new(call.slots.clone().into())));
    let asking = sandbox::Call { context: &input.context, lead: &input.lead, slots, seed: &input.seed };
    match &input.question {
        Question::Advance { state, event } => {
            loaded.qualification.advance(asking, state.as_ref(), event).await.as_json()
        }
        Question::React { occasion } => loaded.status_actions.react(asking, occasion).await.as_json(),
        Question::Callback { update } => loaded.crm_mapping.callback_for_crm(asking, update).await.as_json(),
    }
}

/// The answers of `free-slots` as they were logged; a flow that asks more often than it did gets none.
pub(super) struct Recorded(pub(super) Mutex<VecDeque<Vec<Slot>>>);

impl Slots for Recorded {
    fn free(&self, _: Timestamp, _: Timestamp, _: usize) -> Vec<Slot> {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answers.pop_front().unwrap_or_default()
    }
}
