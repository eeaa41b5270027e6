//! `GET /v1/parked`: what came in and could not be used, as it came.

use axum::{Json, extract::State, http::HeaderMap};
use serde_json::{Value, json};

use super::{Api, Problem, key::authenticate};

/// The most that is shown: the oldest, which wait longest.
const MOST: usize = 1_000;

/// What was set aside for the key's tenant, oldest first, with its raw JSON.
pub(super) async fn get(State(api): State<Api>, headers: HeaderMap) -> Result<Json<Value>, Problem> {
    let key = authenticate(&*api.store, &headers).await?;
    let parked: Vec<Value> = api
        .store
        .parked(usize::MAX)
        .await?
        .into_iter()
        .filter(|parked| parked.tenant.as_ref() == Some(&key.tenant))
        .take(MOST)
        .map(|parked| json!({ "number": parked.number, "at": parked.at, "why": parked.why, "raw": parked.raw }))
        .collect();
    Ok(Json(json!({ "parked": parked })))
}
