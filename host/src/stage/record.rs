//! What the stage overhears of the turns: statuses that are told, and flows that fail.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    model::{ConversationId, Event, Meeting, Payload, Status},
    store::Commit,
};

/// A status that the CRM is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Of which conversation.
    pub conversation: ConversationId,
    /// When.
    pub at: Timestamp,
    /// Which.
    pub status: Status,
    /// Why.
    pub reason: Option<String>,
    /// The meeting that stands.
    pub meeting: Option<Meeting>,
    /// The summary.
    pub summary: Option<String>,
    /// The callbacks' bodies.
    pub bodies: Vec<Value>,
}

/// Everything overheard.
#[derive(Debug, Default)]
pub(super) struct Record {
    told: Mutex<Vec<Told>>,
    faults: Mutex<Vec<(ConversationId, String)>>,
}

impl Record {
    /// Takes a turn in.
    pub(super) fn hear(&self, commit: &Commit) {
        let conversation = &commit.conversation;
        if let Some(fault) = &commit.log.fault {
            let mut what = format!("{}: {}", fault.kind.name(), fault.message);
            let logged = commit.log.calls.last().map(|call| call.lines.as_slice()).unwrap_or_default();
            // What went to the standard error begins the trace.
            for (level, text) in logged.iter().filter(|(level, _)| level != "stderr") {
                what.push_str(&format!("\n{level}: {}", text.trim_end()));
            }
            if !fault.trace.is_empty() {
                what.push_str(&format!("\n{}", fault.trace.trim_end()));
            }
            self.faults.lock().unwrap_or_else(PoisonError::into_inner).push((conversation.id.clone(), what));
        }
        if let Event::StatusReached { status, reason } = &commit.log.event {
            let bodies = commit.envelopes.iter().filter_map(|envelope| match &envelope.payload {
                Payload::Callback(callback) => serde_json::from_str(&callback.body).ok(),
                Payload::Message(_) | Payload::Acknowledgement(_) | Payload::Question(_) => None,
            });
            let told = Told {
                conversation: conversation.id.clone(),
                at: commit.log.at,
                status: *status,
                reason: reason.clone(),
                meeting: conversation.meeting.clone(),
                summary: conversation.summary.clone(),
                bodies: bodies.collect(),
            };
            self.told.lock().unwrap_or_else(PoisonError::into_inner).push(told);
        }
    }

    /// What the CRM was told of a conversation, oldest first.
    pub(super) fn told(&self, conversation: &ConversationId) -> Vec<Told> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.iter().filter(|told| told.conversation == *conversation).cloned().collect()
    }

    /// How a conversation's flow failed, each time: the message, what it had logged, and its stack.
    pub(super) fn faults(&self, conversation: &ConversationId) -> Vec<String> {
        let faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        faults.iter().filter(|(of, _)| of == conversation).map(|(_, what)| what.clone()).collect()
    }
}
