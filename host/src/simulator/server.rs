//! The HTTP face: sending, and the few reads that a client makes before it goes live.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError},
    time::Duration,
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{ConnectInfo, DefaultBodyLimit, Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};

use super::{
    BusinessNumber,
    accept::{Answer, Outcome},
    network::Network,
    refusal::Refusal,
    shape::set,
    templates,
    wire::Scissors,
};

/// The largest request taken.
const LARGEST: usize = 1024 * 1024;
/// How many templates a page of the listing has unless asked otherwise.
const PAGE: usize = 25;

/// What the server answers to.
pub(super) fn router(network: Arc<Network>) -> Router {
    Router::new()
        .route("/{version}/{id}/messages", post(messages))
        .route("/{version}/{id}/marketing_messages", post(messages))
        .route("/{version}/{id}", get(object))
        .route("/{version}/{id}/{edge}", get(edge))
        .fallback(unknown)
        .layer(DefaultBodyLimit::max(LARGEST))
        .with_state(network)
}

/// Sends, marks as read, shows typing.
async fn messages(
    State(network): State<Arc<Network>>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    Path((version, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let busy = network.busy();
    if !is_version(&version) {
        return respond(&network, Err(unknown_path()));
    }
    let Outcome { first, answer } = network.accept(&id, token(&headers), &body);
    for flight in first {
        network.fly(flight).await;
    }
    match answer {
        Answer::Json(status, body) => reply(status, body),
        Answer::Page => {
            let page =
                Html("<html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>");
            (StatusCode::BAD_GATEWAY, page).into_response()
        }
        Answer::Cut => {
            scissors.cut();
            StatusCode::NO_CONTENT.into_response()
        }
        Answer::Hang => {
            // Whoever drives the clock must not wait for a request that only the client's patience ends.
            drop(busy);
            tokio::time::sleep(Duration::from_millis(network.scenario.latency.hang_ms)).await;
            scissors.cut();
            StatusCode::NO_CONTENT.into_response()
        }
    }
}

/// A number, an account or, under the name `debug_token`, a token.
async fn object(
    State(network): State<Arc<Network>>,
    Path((version, id)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let _busy = network.busy();
    if !is_version(&version) {
        return respond(&network, Err(unknown_path()));
    }
    let found = allowed(&network, token(&headers)).and_then(|numbers| {
        if id == "debug_token" {
            let shown = query.get("input_token").map(String::as_str);
            return Ok(debug_token(&network, shown.or_else(|| token(&headers)).unwrap_or_default()));
        }
        let number = numbers.iter().find(|number| number.phone_number_id == id);
        if let Some(number) = number {
            return Ok(phone_number(&network, number));
        }
        let account = numbers.iter().find(|number| number.waba == id).ok_or_else(|| Refusal::unknown_object(&id))?;
        Ok(json!({"id": account.waba, "name": "Simulated business", "timezone_id": "1"}))
    });
    respond(&network, found)
}

/// What belongs to an account.
async fn edge(
    State(network): State<Arc<Network>>,
    Path((version, id, edge)): Path<(String, String, String)>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let _busy = network.busy();
    if !is_version(&version) {
        return respond(&network, Err(unknown_path()));
    }
    if id == APP_ID && edge == "subscriptions" {
        return respond(&network, subscriptions(&network, token(&headers)));
    }
    let found = allowed(&network, token(&headers)).and_then(|numbers| {
        let account: Vec<&BusinessNumber> = numbers.into_iter().filter(|number| number.waba == id).collect();
        if account.is_empty() {
            return Err(Refusal::unknown_object(&id));
        }
        match edge.as_str() {
            "subscribed_apps" => {
                let app = json!({"id": APP_ID, "name": "Relais", "link": "https://example.com/"});
                let apps = if network.scenario.account.subscribed {
                    vec![json!({"whatsapp_business_api_data": app})]
                } else {
                    Vec::new()
                };
                Ok(json!({"data": apps}))
            }
            "message_templates" => Ok(template_page(&network, &query)),
            "phone_numbers" => {
                let numbers: Vec<Value> = account.into_iter().map(|number| phone_number(&network, number)).collect();
                Ok(json!({"data": numbers}))
            }
            _ => Err(unknown_path()),
        }
    });
    respond(&network, found)
}

async fn unknown(State(network): State<Arc<Network>>) -> Response {
    respond(&network, Err(unknown_path()))
}

/// The app that everything belongs to.
const APP_ID: &str = "1000000000000001";

/// What the app has subscribed to, for whoever knows the app's secret.
fn subscriptions(network: &Network, token: Option<&str>) -> Result<Value, Refusal> {
    let target = network.target();
    let secret = token.and_then(|token| token.strip_prefix(APP_ID)).and_then(|rest| rest.strip_prefix('|'));
    let is_known = target.as_ref().is_some_and(|target| secret == Some(target.app_secret.as_str()));
    if network.is_strict && !is_known {
        return Err(Refusal::new(190, "Invalid OAuth access token signature."));
    }
    let fields = network.scenario.account.fields.iter().map(|field| json!({"name": field, "version": "v25.0"}));
    let subscribed = target.map(|target| {
        json!({
            "object": "whatsapp_business_account", "callback_url": target.url, "active": true,
            "fields": fields.collect::<Vec<_>>(),
        })
    });
    Ok(json!({"data": subscribed.into_iter().collect::<Vec<_>>()}))
}

fn debug_token(network: &Network, shown: &str) -> Value {
    let numbers: Vec<&BusinessNumber> = network.numbers.iter().filter(|number| number.token == shown).collect();
    if numbers.is_empty() && network.is_strict {
        let error = json!({"code": 190, "message": "Invalid OAuth access token - Cannot parse access token"});
        return json!({"data": {"is_valid": false, "scopes": [], "error": error}});
    }
    let mut accounts: Vec<&str> = numbers.iter().map(|number| number.waba.as_str()).collect();
    accounts.dedup();
    let account = &network.scenario.account;
    let scopes = &account.scopes;
    let granular: Vec<Value> = scopes.iter().map(|scope| json!({"scope": scope, "target_ids": accounts})).collect();
    json!({"data": {
        "app_id": APP_ID, "type": "SYSTEM_USER", "application": "Relais", "expires_at": account.token_expires_at, "data_access_expires_at": 0,
        "is_valid": true, "issued_at": 0, "scopes": scopes, "granular_scopes": granular, "user_id": "1000000000000002",
    }})
}

fn phone_number(network: &Network, number: &BusinessNumber) -> Value {
    let limit = match network.scenario.policy.portfolio_limit {
        0 => "TIER_UNLIMITED".to_owned(),
        limit if limit % 1_000 == 0 => format!("TIER_{}K", limit / 1_000),
        limit => format!("TIER_{limit}"),
    };
    let account = &network.scenario.account;
    let mut shown = json!({
        "id": number.phone_number_id, "display_phone_number": number.display, "verified_name": "Simulated business",
        "name_status": account.name_status, "quality_rating": account.quality, "status": account.status,
        "platform_type": "CLOUD_API", "code_verification_status": "VERIFIED", "throughput": {"level": "STANDARD"},
        "whatsapp_business_manager_messaging_limit": limit,
    });
    if let Some(target) = network.target() {
        set(&mut shown, "webhook_configuration", json!({"application": target.url}));
    }
    shown
}

/// A page of the templates, perhaps those of one name; the cursor is the number of templates before it.
fn template_page(network: &Network, query: &HashMap<String, String>) -> Value {
    let number = |name: &str| query.get(name).and_then(|text| text.parse::<usize>().ok());
    let (after, limit) = (number("after").unwrap_or(0), number("limit").unwrap_or(PAGE).max(1));
    let known = network.templates.read().unwrap_or_else(PoisonError::into_inner);
    let named =
        known.iter().enumerate().filter(|(_, template)| query.get("name").is_none_or(|name| *name == template.name));
    let listed: Vec<Value> = named.map(|(index, template)| templates::listing(template, index)).collect();
    let page: Vec<&Value> = listed.iter().skip(after).take(limit).collect();
    let end = after + page.len();
    let mut paging = json!({"cursors": {"before": after.to_string(), "after": end.to_string()}});
    if end < listed.len() {
        // Meta gives an address to follow; clients use the cursor.
        set(&mut paging, "next", json!(format!("?after={end}&limit={limit}")));
    }
    json!({"data": page, "paging": paging})
}

/// The numbers that the token may use.
fn allowed<'n>(network: &'n Network, token: Option<&str>) -> Result<Vec<&'n BusinessNumber>, Refusal> {
    let token = token.filter(|token| !token.is_empty()).ok_or_else(Refusal::token)?;
    let is_allowed = |number: &&BusinessNumber| !network.is_strict || number.token == token;
    let numbers: Vec<&BusinessNumber> = network.numbers.iter().filter(is_allowed).collect();
    if numbers.is_empty() { Err(Refusal::token()) } else { Ok(numbers) }
}

fn token(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whether it is a version of the Graph API, such as `v25.0`.
fn is_version(text: &str) -> bool {
    let parts = text.strip_prefix('v').and_then(|rest| rest.split_once('.'));
    parts.is_some_and(|(major, minor)| major.parse::<u16>().is_ok() && minor.parse::<u16>().is_ok())
}

fn unknown_path() -> Refusal {
    Refusal::new(2500, "Unknown path components")
}

fn respond(network: &Network, found: Result<Value, Refusal>) -> Response {
    match found {
        Ok(value) => reply(200, value),
        Err(refusal) => match network.refuse(&refusal).answer {
            Answer::Json(status, body) => reply(status, body),
            _ => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        },
    }
}

fn reply(status: u16, body: Value) -> Response {
    (StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), Json(body)).into_response()
}
