//! What the operator does with the API keys of tenants.

use axum::{
    Json,
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Api, Problem, body, key::new_key, operator};
use crate::{
    model::{Environment, TenantId},
    store::ApiKey,
};

/// Longest body of a request for a key, in bytes.
const LONGEST: usize = 1024;

/// `{"tenant": "acme", "env": "test"}`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    tenant: String,
    env: Environment,
}

/// Makes a key; its secret is in this answer and never again.
pub(super) async fn create(
    State(api): State<Api>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    operator::authenticate(&api, &headers)?;
    let bytes = body::read(body, LONGEST).await?;
    let wanted: Wanted = serde_json::from_slice(&bytes).map_err(|error| {
        let remedy = "send an object such as {\"tenant\":\"acme\",\"env\":\"test\"}; env is test or live";
        Problem::new(StatusCode::BAD_REQUEST, "invalid-json", format!("the body cannot be read: {error}"), remedy)
    })?;
    let tenant = TenantId::new(wanted.tenant);
    if api.flows.tenant(&tenant).is_none() {
        return Err(Problem::invalid_field("tenant", format!("there is no tenant {:?} in flows/", tenant.as_str())));
    }
    let (secret, key) = new_key(tenant, wanted.env, api.clock.now()).map_err(|error| {
        tracing::error!(%error, "no random bytes for an API key");
        Problem::internal()
    })?;
    let mut shown = shown(&key);
    api.store.add_key(key).await?;
    if let Some(object) = shown.as_object_mut() {
        object.insert("key".to_owned(), secret.into());
    }
    Ok((StatusCode::CREATED, Json(shown)))
}

/// The keys, without their secrets.
pub(super) async fn list(State(api): State<Api>, headers: HeaderMap) -> Result<Json<Value>, Problem> {
    operator::authenticate(&api, &headers)?;
    let keys: Vec<Value> = api.store.keys().await?.iter().map(shown).collect();
    Ok(Json(json!({ "keys": keys })))
}

/// Revokes a key.
pub(super) async fn revoke(
    State(api): State<Api>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    operator::authenticate(&api, &headers)?;
    let Path(id) = id.map_err(|_| Problem::invalid_address())?;
    let keys = api.store.keys().await?;
    let found = keys.iter().find(|key| key.id() == id);
    let Some(key) = found else {
        return Err(Problem::new(
            StatusCode::NOT_FOUND,
            "not-found",
            format!("there is no key {id}"),
            "GET /v1/operator/keys lists them",
        ));
    };
    api.store.remove_key(&key.digest).await?;
    Ok(Json(shown(key)))
}

/// A key as it may be shown: its `id`, tenant, environment and when it was made; never its secret.
pub fn shown(key: &ApiKey) -> Value {
    json!({ "id": key.id(), "tenant": key.tenant, "env": key.environment, "created_at": key.created_at })
}
