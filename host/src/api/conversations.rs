//! `/v1/conversations/{id}`: one conversation, with its transcript; and back to its flow from the human who led it.

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode},
};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::{Api, Problem, key::authenticate};
use crate::{
    model::{Conversation, ConversationId, Event, TenantId, Transcript},
    store::Append,
};

/// A conversation of the key's tenant.
pub(super) async fn get(
    State(api): State<Api>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    let Path(id) = id.map_err(|_| Problem::invalid_address())?;
    let key = authenticate(&*api.store, &headers).await?;
    shown(&api, &key.tenant, &ConversationId::new(id)).await.map(Json)
}

/// Gives a conversation that a human leads back to its flow, which hears `resumed`.
pub(super) async fn resume(
    State(api): State<Api>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let Path(id) = id.map_err(|_| Problem::invalid_address())?;
    let key = authenticate(&*api.store, &headers).await?;
    let conversation = owned(&api, &key.tenant, &ConversationId::new(id)).await?;
    give_back(&api, conversation).await
}

/// Gives a conversation that a human leads back to its flow.
pub(super) async fn give_back(api: &Api, conversation: Conversation) -> Result<(StatusCode, Json<Value>), Problem> {
    let id = &conversation.id;
    if conversation.handed_over.is_none() {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "not-handed-over",
            format!("no human leads the conversation {id}"),
            "nothing has to be done: its flow goes on by itself",
        ));
    }
    file(api, &conversation, Event::Resumed).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "conversation_id": id, "status": "resumed" }))))
}

/// Files what people did to a conversation; its turn comes at once.
pub(super) async fn file(api: &Api, conversation: &Conversation, event: Event) -> Result<(), Problem> {
    let (tenant, id) = (conversation.tenant.clone(), conversation.id.clone());
    api.store.append(vec![Append::to_conversation(tenant, id, event, api.clock.now())]).await?;
    api.pulse.beat();
    Ok(())
}

/// The conversation, if it is the tenant's.
pub(super) async fn owned(api: &Api, tenant: &TenantId, id: &ConversationId) -> Result<Conversation, Problem> {
    let found = api.store.conversation(id).await?;
    found.filter(|conversation| conversation.tenant == *tenant).ok_or_else(|| Problem::not_found("conversation"))
}

/// A conversation as its tenant sees it.
pub(super) async fn shown(api: &Api, tenant: &TenantId, id: &ConversationId) -> Result<Value, Problem> {
    let conversation = owned(api, tenant, id).await?;
    let lines = api.store.lines(id).await?;
    let zone = TimeZone::get(&conversation.timezone).unwrap_or(TimeZone::UTC);
    let local = |at: jiff::Timestamp| at.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
    let meeting = conversation.meeting.as_ref().map(|meeting| {
        json!({
            "start": local(meeting.slot.start),
            "end": local(meeting.slot.end),
            "timezone": conversation.timezone,
            "with": meeting.slot.with,
        })
    });
    Ok(json!({
        "conversation_id": id,
        "crm_contact_id": conversation.lead.crm_id,
        "flow": conversation.flow,
        "version": conversation.version,
        "environment": conversation.environment,
        "created_at": local(conversation.created_at),
        "last_activity_at": local(conversation.last_activity_at),
        "status": conversation.outcome.or(conversation.last_status),
        "is_open": conversation.is_open(),
        "meeting": meeting,
        "notes": conversation.notes,
        "tags": conversation.tags,
        "ai_summary": conversation.summary,
        "handed_over": conversation.handed_over,
        "parked": conversation.parked,
        "conversation_transcript": Transcript::new(&conversation, &lines).render(),
    }))
}
