//! What a conversation has been through, as people and replays look at it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{LogEntry, Result, Store};
use crate::model::{Conversation, ConversationId, Envelope, FlowId, Line, TenantId};

/// A conversation with its log: what it takes to run it again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Past {
    /// As it stands.
    pub conversation: Conversation,
    /// Its turns, oldest first.
    pub log: Vec<LogEntry>,
}

/// Everything that is known of a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dossier {
    /// As it stands, with its log.
    #[serde(flatten)]
    pub past: Past,
    /// Its messages, in order of arrival.
    pub lines: Vec<Line>,
    /// What left the house or is to leave it, oldest first.
    pub envelopes: Vec<Envelope>,
}

impl Past {
    /// The conversations of a flow that began at `since` or later, oldest first.
    pub async fn of_flow(
        store: &dyn Store,
        tenant: &TenantId,
        flow: &FlowId,
        since: Option<Timestamp>,
    ) -> Result<Vec<ConversationId>> {
        let mut found = store.conversations(Some(tenant), usize::MAX).await?;
        found.retain(|known| known.flow == *flow && since.is_none_or(|since| known.created_at >= since));
        Ok(found.into_iter().rev().map(|known| known.id).collect())
    }

    /// A conversation with its log; none when it is not known.
    pub async fn read(store: &dyn Store, id: &ConversationId) -> Result<Option<Self>> {
        let Some(conversation) = store.conversation(id).await? else { return Ok(None) };
        Ok(Some(Self { conversation, log: store.log(id).await? }))
    }
}

impl Dossier {
    /// Everything about a conversation; none when it is not known.
    pub async fn read(store: &dyn Store, id: &ConversationId) -> Result<Option<Self>> {
        let Some(past) = Past::read(store, id).await? else { return Ok(None) };
        Ok(Some(Self { past, lines: store.lines(id).await?, envelopes: store.envelopes(id).await? }))
    }
}

/// A conversation in a list, without the person.
pub fn summary(conversation: &Conversation) -> Value {
    json!({
        "conversation": conversation.id,
        "tenant": conversation.tenant,
        "flow": conversation.flow,
        "version": conversation.version,
        "environment": conversation.environment,
        "alias": conversation.alias,
        "created_at": conversation.created_at,
        "last_activity_at": conversation.last_activity_at,
        "turns": conversation.next_turn,
        "status": conversation.outcome.or(conversation.last_status),
        "is_open": conversation.is_open(),
        "faults": conversation.faults,
        "parked": conversation.parked,
        "handed_over": conversation.handed_over,
    })
}
