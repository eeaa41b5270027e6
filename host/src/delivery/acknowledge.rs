//! The one attempt to mark a person's message as read.

use std::time::Duration;

use super::{House, Outcome};
use crate::{
    model::{Acknowledgement, Envelope, EnvelopeState},
    whatsapp::SendResult,
};

/// How long the answer behind it may have to wait for it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Marks the message as read, once: whatever comes of it, the answer goes next.
pub(super) async fn attempt(house: &House, envelope: &Envelope, asked: &Acknowledgement) -> Outcome {
    match tokio::time::timeout(PATIENCE, mark(house, envelope, asked)).await {
        Ok(Some(SendResult::Marked)) => {
            let state = EnvelopeState::Sent { at: house.clock.now(), wamid: None, shown: None };
            Outcome::Settled { state, names: Vec::new() }
        }
        _ => Outcome::dropped("not-acknowledged"),
    }
}

async fn mark(house: &House, envelope: &Envelope, asked: &Acknowledgement) -> Option<SendResult> {
    let sender = house.directory.sender(&envelope.tenant, envelope.environment)?;
    let _pass = house.shares.enter(&envelope.tenant, &sender.base_url).await?;
    if house.is_number_stopped(envelope.environment, &sender).await {
        return None;
    }
    let client = house.graph(&sender).ok()?;
    Some(client.mark_read(&sender.credentials, &asked.message, asked.typing).await)
}
