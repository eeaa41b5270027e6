//! What the operator looks at: conversations turn by turn, parked callbacks, the past of a flow.

use axum::{
    Json,
    body::Body,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::StreamExt as _;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Api, Problem,
    flows::{Named, invalid_query, names},
    operator,
};
use crate::{
    model::{ConversationId, EnvelopeId, Event, TenantId},
    store::{self, Dossier, Past},
};

/// Records of one answer, when the request does not say how many.
const MANY: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Since {
    since: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    tenant: Option<String>,
    limit: Option<usize>,
    #[serde(default)]
    parked: bool,
}

type Asked<T> = Result<Query<T>, QueryRejection>;
type Id = Result<Path<String>, PathRejection>;

/// The log of a flow: a line with the count, then a line for each conversation, oldest first.
pub(super) async fn log(
    State(api): State<Api>,
    named: Named,
    since: Asked<Since>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    operator::authenticate(&api, &headers)?;
    let (tenant, flow) = names(named)?;
    let Query(Since { since }) =
        since.map_err(|_| invalid_query("since", "since is a time such as 2026-01-24T14:30:00Z"))?;
    let ids = Past::of_flow(&*api.store, &tenant, &flow, since).await?;
    let first = json!({ "tenant": tenant, "flow": flow, "count": ids.len() });
    let store = api.store.clone();
    let past = futures::stream::iter(ids).filter_map(move |id| {
        let store = store.clone();
        async move {
            match Past::read(&*store, &id).await {
                // Erased meanwhile.
                Ok(None) => None,
                Ok(Some(past)) => Some(line(&past)),
                Err(error) => {
                    tracing::error!(%error, conversation = %id, "a log is not handed out");
                    Some(Err(std::io::Error::other("the store failed")))
                }
            }
        }
    });
    let lines = futures::stream::iter([line(&first)]).chain(past);
    let kind = [(header::CONTENT_TYPE, "application/x-ndjson")];
    Ok((kind, Body::from_stream(lines)).into_response())
}

fn line(value: &impl serde::Serialize) -> std::io::Result<Bytes> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line.into())
}

/// The latest conversations.
pub(super) async fn conversations(
    State(api): State<Api>,
    which: Asked<Which>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    operator::authenticate(&api, &headers)?;
    let Which { tenant, limit, parked } = read(which)?;
    let most = if parked { usize::MAX } else { limit.unwrap_or(MANY) };
    let mut found = api.store.conversations(tenant.map(TenantId::new).as_ref(), most).await?;
    found.retain(|conversation| !parked || conversation.parked.is_some());
    found.truncate(limit.unwrap_or(MANY));
    let shown: Vec<Value> = found.iter().map(store::summary).collect();
    Ok(Json(json!({ "conversations": shown })))
}

/// Everything about a conversation.
pub(super) async fn conversation(State(api): State<Api>, id: Id, headers: HeaderMap) -> Result<Json<Dossier>, Problem> {
    operator::authenticate(&api, &headers)?;
    let id = conversation_id(id)?;
    Dossier::read(&*api.store, &id).await?.map(Json).ok_or_else(|| unknown("conversation"))
}

/// Continues a parked conversation.
pub(super) async fn retry(State(api): State<Api>, id: Id, headers: HeaderMap) -> Result<Json<Value>, Problem> {
    operator::authenticate(&api, &headers)?;
    let id = conversation_id(id)?;
    let conversation = api.store.conversation(&id).await?.ok_or_else(|| unknown("conversation"))?;
    if conversation.parked.is_none() {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "not-parked",
            format!("the conversation {id} is not parked"),
            "nothing has to be done: it goes on by itself",
        ));
    }
    super::conversations::file(&api, &conversation, Event::Retried).await?;
    Ok(Json(json!({ "conversation": id, "held": conversation.held.len() })))
}

/// Gives a conversation that a human leads back to its flow.
pub(super) async fn resume(
    State(api): State<Api>,
    id: Id,
    headers: HeaderMap,
) -> Result<(StatusCode, Json<Value>), Problem> {
    operator::authenticate(&api, &headers)?;
    let id = conversation_id(id)?;
    let conversation = api.store.conversation(&id).await?.ok_or_else(|| unknown("conversation"))?;
    super::conversations::give_back(&api, conversation).await
}

/// The callbacks that no CRM took.
pub(super) async fn callbacks(
    State(api): State<Api>,
    which: Asked<Which>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    operator::authenticate(&api, &headers)?;
    let Which { tenant, limit, .. } = read(which)?;
    let limit = limit.unwrap_or(MANY);
    let parked = api.store.parked_envelopes(tenant.map(TenantId::new).as_ref(), limit).await?;
    Ok(Json(json!({ "parked": parked })))
}

/// Queues a parked callback again.
pub(super) async fn replay(State(api): State<Api>, id: Id, headers: HeaderMap) -> Result<Json<Value>, Problem> {
    operator::authenticate(&api, &headers)?;
    let Path(id) = id.map_err(|_| Problem::invalid_address())?;
    let id = EnvelopeId::new(id);
    if !api.store.replay(&id, api.clock.now()).await? {
        return Err(unknown("parked callback"));
    }
    api.pulse.beat();
    Ok(Json(json!({ "envelope": id, "state": "queued" })))
}

fn read(which: Asked<Which>) -> Result<Which, Problem> {
    let Query(which) = which.map_err(|_| invalid_query("limit", "write ?tenant=…&limit=100&parked=true, or less"))?;
    Ok(which)
}

fn conversation_id(id: Id) -> Result<ConversationId, Problem> {
    let Path(id) = id.map_err(|_| Problem::invalid_address())?;
    Ok(ConversationId::new(id))
}

fn unknown(what: &str) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "not-found",
        format!("there is no such {what} in this host's store"),
        format!("check the {what}'s identifier; GET /v1/operator/conversations and /v1/operator/callbacks list them"),
    )
}
