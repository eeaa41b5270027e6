//! `GET /v1/alarms` and `DELETE /v1/alarms/{id}`: what WhatsApp keeps from leaving, and that it may leave again.

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode},
};
use serde_json::{Value, json};

use super::{Api, Problem, key::authenticate, operator};
use crate::model::Alarm;

/// The alarms that the key may see.
pub(super) async fn list(State(api): State<Api>, headers: HeaderMap) -> Result<Json<Value>, Problem> {
    let shown: Vec<Value> = seen(&api, &headers)
        .await?
        .iter()
        .map(|alarm| {
            json!({
                "id": alarm.id, "tenant": alarm.tenant, "env": alarm.environment, "reason": alarm.reason,
                "code": alarm.code, "since": alarm.since, "stopped": alarm.stopped,
            })
        })
        .collect();
    Ok(Json(json!({ "alarms": shown })))
}

/// Clears an alarm: what waited for it goes out.
pub(super) async fn clear(
    State(api): State<Api>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let Path(id) = id.map_err(|_| Problem::invalid_address())?;
    let is_seen = seen(&api, &headers).await?.iter().any(|alarm| alarm.id == id);
    if is_seen && api.delivery.clear_alarm(&id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found("alarm"))
    }
}

/// With the operator's key all alarms; with an API key those of its tenant, in its world.
async fn seen(api: &Api, headers: &HeaderMap) -> Result<Vec<Alarm>, Problem> {
    if operator::authenticate(api, headers).is_ok() {
        return Ok(api.delivery.alarms().await?);
    }
    let key = authenticate(&*api.store, headers).await?;
    let mut alarms = api.delivery.alarms().await?;
    alarms.retain(|alarm| alarm.tenant == key.tenant && alarm.environment == key.environment);
    Ok(alarms)
}
