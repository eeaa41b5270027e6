//! `GET /v1/conversations/{id}`: one conversation, with its transcript.

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    http::HeaderMap,
};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::{Api, Problem, key::authenticate};
use crate::model::{ConversationId, TenantId, Transcript};

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

/// A conversation as its tenant sees it.
pub(super) async fn shown(api: &Api, tenant: &TenantId, id: &ConversationId) -> Result<Value, Problem> {
    let conversation = api
        .store
        .conversation(id)
        .await?
        .filter(|conversation| conversation.tenant == *tenant)
        .ok_or_else(|| Problem::not_found("conversation"))?;
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
