//! `POST /v1/leads` and `GET /v1/leads/{crm_contact_id}`: what CRMs call.

use axum::{
    Json,
    body::Body,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::{HeaderMap, StatusCode},
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::{Api, Problem, body, conversations, key::authenticate};
use crate::{
    flows::{Loaded, Tenant},
    model::{
        Clock, Conversation, ConversationId, Environment, FaultKind, FlowId, Lead, OwnTurns, Phone, Progress, TenantId,
    },
    store::{Intake, LeadAnswer},
    whatsapp,
};

/// A lead is a few hundred bytes; `context` may make it longer.
const LONGEST_LEAD: usize = 256 * 1024;
const LONGEST_IDEMPOTENCY_KEY: usize = 255;

#[derive(Deserialize)]
pub(super) struct WhichFlow {
    /// Names the flow, as the payload's `flow` does.
    flow: Option<String>,
    /// As the payload's `opt_in` does, for CRMs whose payload is their own.
    opt_in: Option<bool>,
}

/// Accepts a lead. 202 once it is durable (P1).
pub(super) async fn post(
    State(api): State<Api>,
    which: Result<Query<WhichFlow>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let Query(which) = which.map_err(|_| Problem::invalid_address())?;
    let key = authenticate(&*api.store, &headers).await?;
    let bytes = body::read(body, LONGEST_LEAD).await?;
    let payload = body::json(&bytes)?;
    if !payload.is_object() {
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "invalid-json",
            "the body is not a JSON object",
            "send an object such as {\"crm_contact_id\":\"CRM_123456\",\"phone_number\":\"+33612345678\"}",
        ));
    }
    let tenant = api.flows.tenant(&key.tenant).ok_or_else(|| {
        Problem::new(
            StatusCode::CONFLICT,
            "tenant-not-ready",
            "the key's tenant has no valid tenant.toml",
            "put the tenant's folder into flows/ and look at `relais flow check`",
        )
    })?;
    let loaded = flow_of(&api, &tenant, which.flow.as_deref(), &payload).await?;
    let now = api.clock.now();
    let lead = lead_of(&tenant, &loaded, &payload, now).await?;
    let opted_out = api.store.opted_out(&tenant.id, &lead.phone).await?;
    if opted_out && !opts_in(which.opt_in, &payload)? {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "opted-out",
            "the person asked not to be contacted",
            "do not send this lead again; the person can write START to take it back, or, if they asked you, send \"opt_in\": true",
        )
        .about("phone_number"));
    }
    let idempotency = idempotency_of(&headers, &bytes)?;
    let phone = lead.phone.clone();
    let conversation = begin(&tenant, &loaded, lead, key.environment, &api.clock, now)?;
    let intake = Intake {
        conversation,
        alias_prefix: tenant.transcript.alias.clone(),
        alias_first: tenant.transcript.alias_first,
        idempotency,
    };
    let spellings: Vec<Phone> = if opted_out {
        whatsapp::variants(phone.as_e164()).iter().map(|number| Phone::from_whatsapp(number)).collect()
    } else {
        Vec::new()
    };
    register(&api, &tenant.id, &spellings, false).await?;
    let answer = api.store.accept(intake).await?;
    if !matches!(answer, LeadAnswer::Accepted(_)) {
        // A request repeated after the person said STOP again opts nobody in.
        register(&api, &tenant.id, &spellings, true).await?;
    }
    let (id, status) = match answer {
        LeadAnswer::Accepted(id) => {
            api.pulse.beat();
            (id, "accepted")
        }
        LeadAnswer::Repeated(id) => (id, "accepted"),
        LeadAnswer::Running(id) => (id, "running"),
        LeadAnswer::KeyReused => {
            return Err(Problem::new(
                StatusCode::CONFLICT,
                "idempotency-key-reused",
                "this Idempotency-Key came with another body before",
                "use a new key for a new request, and the same body with the same key",
            )
            .about("Idempotency-Key"));
        }
    };
    Ok((StatusCode::ACCEPTED, Json(json!({ "conversation_id": id, "status": status }))))
}

/// Whether the CRM vouches that the person asked to be contacted again.
fn opts_in(from_query: Option<bool>, payload: &Value) -> Result<bool, Problem> {
    match (from_query, payload.get("opt_in")) {
        (Some(opts_in), _) => Ok(opts_in),
        (None, None | Some(Value::Null)) => Ok(false),
        (None, Some(Value::Bool(opts_in))) => Ok(*opts_in),
        (None, Some(_)) => Err(Problem::invalid_field("opt_in", "opt_in is neither true nor false")),
    }
}

/// Puts a person on the opt-out register, or takes them off, under each spelling of their number.
async fn register(api: &Api, tenant: &TenantId, spellings: &[Phone], opted_out: bool) -> Result<(), Problem> {
    for phone in spellings {
        api.store.set_opt_out(tenant, phone, opted_out).await?;
    }
    Ok(())
}

/// The conversations of a lead, the latest whole.
pub(super) async fn get(
    State(api): State<Api>,
    crm_id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    let Path(crm_id) = crm_id.map_err(|_| Problem::invalid_address())?;
    let key = authenticate(&*api.store, &headers).await?;
    let ids = api.store.conversations_of(&key.tenant, &crm_id).await?;
    let Some(latest) = ids.first() else { return Err(Problem::not_found("lead")) };
    let latest = conversations::shown(&api, &key.tenant, latest).await?;
    Ok(Json(json!({
        "crm_contact_id": crm_id,
        "conversations": ids,
        "latest": latest,
    })))
}

async fn flow_of(
    api: &Api,
    tenant: &Tenant,
    from_query: Option<&str>,
    payload: &Value,
) -> Result<std::sync::Arc<Loaded>, Problem> {
    let from_body = match payload.get("flow") {
        None | Some(Value::Null) => None,
        Some(Value::String(name)) => Some(name.as_str()),
        Some(_) => return Err(Problem::invalid_field("flow", "flow is not a text")),
    };
    let wanted = from_query.or(from_body).map(FlowId::new);
    api.flows.active_version(tenant, wanted.as_ref()).await?.ok_or_else(|| {
        let detail = match &wanted {
            Some(flow) => format!("the tenant has no active flow {flow}"),
            None => "the request names no flow, and the tenant has no default one".to_owned(),
        };
        Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "unknown-flow",
            detail,
            "name an active flow, or set default-flow in tenant.toml; `relais flow status` lists them",
        )
        .about("flow")
    })
}

async fn lead_of(tenant: &Tenant, loaded: &Loaded, payload: &Value, now: Timestamp) -> Result<Lead, Problem> {
    let asked =
        loaded.crm_mapping.lead_from_crm(&tenant.id, now, &tenant.timezone, &payload.to_string(), payload).await;
    let draft = match asked.result {
        Ok(Ok(draft)) => draft,
        Ok(Err(problems)) => {
            let errors: Vec<_> =
                problems.iter().map(|found| json!({ "field": found.at, "detail": found.what })).collect();
            let (field, what) = problems.into_iter().next().map(|found| (found.at, found.what)).unwrap_or_default();
            return Err(Problem::invalid_field(&field, what).with("errors", errors));
        }
        Err(fault) => {
            tracing::warn!(tenant = %tenant.id, flow = %loaded.flow, fault = fault.kind.name(), "mapping failed");
            let detail = match fault.kind {
                FaultKind::Rejected => fault.message,
                kind => format!("the flow's CRM mapping failed ({})", kind.name()),
            };
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "mapping-failed",
                detail,
                "send the lead again once the flow's mapping has been mended",
            ));
        }
    };
    if draft.crm_id.trim().is_empty() {
        return Err(Problem::invalid_field("crm_contact_id", "crm_contact_id is empty"));
    }
    let phone = Phone::parse(&draft.phone_number, tenant.region.as_deref())
        .map_err(|error| Problem::invalid_field("phone_number", format!("phone_number {error}")))?;
    Ok(draft.with_phone(phone))
}

fn idempotency_of(headers: &HeaderMap, body: &[u8]) -> Result<Option<(String, String)>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| (1..=LONGEST_IDEMPOTENCY_KEY).contains(&key.len()));
    match key {
        Some(key) => Ok(Some((key.to_owned(), hex::encode(Sha256::digest(body))))),
        None => Err(Problem::invalid_field(
            "Idempotency-Key",
            "the Idempotency-Key is not a text of 1 to 255 ASCII characters",
        )),
    }
}

fn begin(
    tenant: &Tenant,
    loaded: &Loaded,
    lead: Lead,
    environment: Environment,
    clock: &Clock,
    now: Timestamp,
) -> Result<Conversation, Problem> {
    let id = conversation_id(clock, now)?;
    Ok(Conversation {
        id,
        tenant: tenant.id.clone(),
        flow: loaded.flow.clone(),
        version: loaded.digest.clone(),
        environment,
        lead,
        business_number: tenant.business_number(),
        alias: String::new(),
        timezone: tenant.timezone.clone(),
        quiet: loaded.quiet,
        created_at: now,
        last_activity_at: now,
        next_turn: 0,
        state: None,
        notes: Map::new(),
        summary: None,
        tags: std::collections::BTreeSet::new(),
        meeting: None,
        progress: Progress::default(),
        outcome: None,
        last_status: None,
        last_inbound_at: None,
        unsettled: std::collections::BTreeSet::new(),
        reports: Vec::new(),
        receipts: std::collections::BTreeMap::new(),
        handed_over: None,
        own_turns: OwnTurns::default(),
        faults: 0,
        parked: None,
        held: Vec::new(),
        questions: 0,
    })
}

/// A conversation's identifier: it sorts by age, and cannot be guessed.
fn conversation_id(clock: &Clock, now: Timestamp) -> Result<ConversationId, Problem> {
    let random = match clock.seeded_chance() {
        Some(number) => u128::from(number),
        None => {
            let mut random = [0_u8; 16];
            getrandom::fill(&mut random).map_err(|error| {
                tracing::error!(%error, "no randomness");
                Problem::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "no-randomness",
                    "the machine gives no random numbers",
                    "send the request again later",
                )
            })?;
            u128::from_be_bytes(random)
        }
    };
    let millis = u64::try_from(now.as_millisecond()).unwrap_or_default();
    let ulid = ulid::Ulid::from_parts(millis, random);
    Ok(ConversationId::new(format!("cv_{}", ulid.to_string().to_lowercase())))
}
