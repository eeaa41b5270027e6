//! `GET /v1/conversations/{id}/fault`: what a flow failed of, for its author.

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    http::HeaderMap,
};
use serde_json::{Value, json};

use super::{Api, Problem, conversations::owned, key::authenticate};
use crate::{model::ConversationId, store::LogEntry};

/// The last fault of a conversation of the key's tenant.
pub(super) async fn get(
    State(api): State<Api>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    let Path(id) = id.map_err(|_| Problem::invalid_address())?;
    let id = ConversationId::new(id);
    let key = authenticate(&*api.store, &headers).await?;
    let conversation = owned(&api, &key.tenant, &id).await?;
    let log = api.store.log(&id).await?;
    let failed = log.into_iter().rfind(|entry| entry.fault.is_some()).ok_or_else(|| Problem::not_found("fault"))?;
    let mut report = report(&failed);
    if let Some(report) = report.as_object_mut() {
        report.insert("conversation_id".to_owned(), json!(id));
        report.insert("flow".to_owned(), json!(conversation.flow));
        report.insert("parked".to_owned(), json!(conversation.parked.is_some()));
        // Last, because it repeats most of the rest and is long.
        report.insert("entry".to_owned(), json!(failed));
    }
    Ok(Json(report))
}

/// What its author wants to see first; `entry` has what it takes to run the turn again.
fn report(failed: &LogEntry) -> Value {
    let call = failed.calls.last();
    let of_input = |key: &str| call.and_then(|call| call.input.get(key)).cloned().unwrap_or_default();
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    json!({
        "message": failed.fault.as_ref().map(|fault| &fault.message),
        "kind": failed.fault.as_ref().map(|fault| fault.kind.name()),
        "function": call.map(|call| &call.function),
        "turn": failed.turn,
        "at": failed.at,
        "version": failed.version,
        "stack": failed.fault.as_ref().map(|fault| lines(&fault.trace)),
        "event": failed.event,
        "state": of_input("state"),
        "log": call.map(|call| &call.lines),
        "reproduce": "relais flow reproduce FILE FLOW, with this answer in FILE and the flow's folder as FLOW",
    })
}
