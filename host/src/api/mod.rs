//! The doors: leads from CRMs, webhooks from WhatsApp, and what people look at.

mod alarms;
mod arrivals;
mod body;
mod calendar;
mod conversations;
mod faults;
mod flows;
mod key;
mod keys;
mod leads;
mod looking;
mod operator;
mod parked;
mod problem;
mod upkeep;
mod webhooks;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    routing::{delete, get, post},
};
use serde_json::{Value, json};
use tower_http::catch_panic::CatchPanicLayer;

pub use calendar::{new_secret, path_of};
pub use key::{digest, new_key};
pub use keys::shown as shown_key;
pub use problem::Problem;

use crate::{
    delivery::Delivery,
    flows::Flows,
    model::{Clock, Pulse},
    store::Store,
};

/// What the doors need to know.
#[derive(Clone, Default)]
pub struct Options {
    /// What the simulator signs its webhooks with, when one is in use.
    pub simulator_app_secret: Option<String>,
    /// What the simulator says in the handshake.
    pub simulator_verify_token: Option<String>,
    /// Opens the operator's doors; none keeps them shut.
    pub operator_key: Option<String>,
}

/// The doors. Clones share what is behind them.
#[derive(Clone)]
pub struct Api {
    store: Arc<dyn Store>,
    flows: Flows,
    clock: Clock,
    pulse: Pulse,
    delivery: Delivery,
    options: Arc<Options>,
}

impl Api {
    /// Doors in front of a store and its flows; `pulse` tells the loops that something came in.
    pub fn new(
        store: Arc<dyn Store>,
        flows: Flows,
        clock: Clock,
        pulse: Pulse,
        delivery: Delivery,
        options: Options,
    ) -> Self {
        Self { store, flows, clock, pulse, delivery, options: Arc::new(options) }
    }

    /// Every route, grouped by who calls it.
    pub fn router(self) -> Router {
        Router::new()
            // CRMs
            .route("/v1/leads", post(leads::post))
            .route("/v1/leads/{crm_contact_id}", get(leads::get))
            .route("/v1/conversations/{id}", get(conversations::get))
            .route("/v1/conversations/{id}/resume", post(conversations::resume))
            .route("/v1/parked", get(parked::get))
            // operators
            .route("/v1/flows", get(flows::list))
            .route("/v1/flows/{tenant}/{flow}", get(flows::history).put(flows::push))
            .route("/v1/flows/{tenant}/{flow}/log", get(looking::log))
            .route("/v1/operator/conversations", get(looking::conversations))
            .route("/v1/operator/conversations/{id}", get(looking::conversation))
            .route("/v1/operator/conversations/{id}/retry", post(looking::retry))
            .route("/v1/operator/conversations/{id}/resume", post(looking::resume))
            .route("/v1/operator/keys", get(keys::list).post(keys::create))
            .route("/v1/operator/keys/{id}", delete(keys::revoke))
            .route("/v1/operator/backup", get(upkeep::backup))
            .route("/v1/operator/erase", post(upkeep::erase))
            .route("/v1/operator/callbacks", get(looking::callbacks))
            .route("/v1/operator/callbacks/{id}/replay", post(looking::replay))
            .route("/v1/flows/{tenant}/{flow}/diff", get(flows::diff))
            .route("/v1/flows/{tenant}/{flow}/versions/{version}/activate", post(flows::activate))
            .route("/v1/conversations/{id}/cancel-meeting", post(calendar::cancel_meeting))
            .route("/v1/conversations/{id}/no-show", post(calendar::no_show))
            .route("/v1/calendars", get(calendar::list))
            .route("/v1/calendars/rotate", post(calendar::rotate))
            // calendar programs
            .route("/calendar/{file}", get(calendar::feed))
            // operators and tenants
            .route("/v1/alarms", get(alarms::list))
            .route("/v1/alarms/{id}", delete(alarms::clear))
            .route("/v1/conversations/{id}/fault", get(faults::get))
            // Meta
            .route("/webhooks/whatsapp", get(webhooks::handshake).post(webhooks::receive))
            // machines that watch
            .route("/healthz", get(healthz))
            .route("/readyz", get(readyz))
            .fallback(no_such_address)
            .method_not_allowed_fallback(no_such_method)
            .layer(CatchPanicLayer::new())
            .with_state(self)
    }
}

async fn healthz() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

async fn readyz(State(api): State<Api>) -> Result<Json<Value>, Problem> {
    api.store.next_due().await.map_err(|error| {
        tracing::error!(%error, "not ready");
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "store-unavailable",
            "the store does not answer",
            "look at the log; new requests are refused until it does",
        )
    })?;
    let flows: Vec<Value> = api
        .flows
        .active()
        .into_iter()
        .map(|(tenant, flow, version)| json!({ "tenant": tenant, "flow": flow, "version": version }))
        .collect();
    Ok(Json(json!({ "status": "ok", "flows": flows })))
}

async fn no_such_address() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "no-such-address",
        "nothing is served at this address",
        "leads go to POST /v1/leads, WhatsApp's webhooks to /webhooks/whatsapp",
    )
}

async fn no_such_method() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method-not-allowed",
        "this address does not take this method",
        "POST leads and webhooks, GET everything else",
    )
}
