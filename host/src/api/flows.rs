//! `/v1/flows`: flows pushed, compared, activated and rolled back.

use std::collections::BTreeMap;

use axum::{
    Json,
    body::Body,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::{HeaderMap, StatusCode},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Api, Problem, body, operator};
use crate::{
    flows::{self, History, Offer, Published, TENANT_FLOW},
    model::{Digest, FlowId, TenantId},
    store::{FlowVersion, Origin},
};

/// 64 MiB of files, a third more in base64.
const LONGEST_PUSH: usize = 96 * 1024 * 1024;
const MOST_FILES: usize = 1_000;
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// Digits of a digest that are enough to name a version.
const LEAST_DIGITS: usize = 6;

pub(super) type Named = Result<Path<(String, String)>, PathRejection>;

/// The body of a push.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Push {
    /// By path in the flow's folder.
    files: BTreeMap<String, Pushed>,
}

/// A file: its text, or its bytes.
#[derive(Deserialize)]
#[serde(untagged)]
enum Pushed {
    Text(String),
    Bytes { base64: String },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    #[serde(default = "yes")]
    activate: bool,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Between {
    from: String,
    to: String,
}

/// Checks what is sent and, unless `activate=false`, makes it the active version. 200 once it is durable.
pub(super) async fn push(
    State(api): State<Api>,
    named: Named,
    wish: Result<Query<Wish>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    operator::authenticate(&api, &headers)?;
    let (tenant, flow) = names(named)?;
    let Query(Wish { activate }) = wish.map_err(|_| invalid_query("activate", "activate is true or false"))?;
    if flow.as_str() != TENANT_FLOW && api.flows.tenant(&tenant).is_none() {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "tenant-not-ready",
            format!("the tenant {tenant} has no valid tenant.toml"),
            format!("push tenant.toml to /v1/flows/{tenant}/@tenant first, or put the tenant's folder into flows/"),
        ));
    }
    let bytes = body::read(body, LONGEST_PUSH).await?;
    let version = read(&tenant, &flow, &bytes)?;
    let digest = version.digest.clone();
    // On a task of its own: once begun it is carried through, whether the caller waits or not.
    let (flows, now, pulse) = (api.flows.clone(), api.clock.now(), api.pulse.clone());
    let offered = tokio::spawn(async move {
        let offered = flows.offer(Offer { version, origin: Origin::Push, activate }, now).await;
        pulse.beat();
        offered
    });
    let offered = offered.await.map_err(|error| {
        tracing::error!(%error, "a push broke off");
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "the push broke off; what was active goes on",
            "send it again",
        )
    })??;
    match offered {
        Some(Published::Refused { problems, .. }) => Err(refused(&problems)),
        Some(Published::Checked { .. }) => Ok(answer(&tenant, &flow, &digest, "checked", false)),
        Some(Published::Active { .. }) => Ok(answer(&tenant, &flow, &digest, "active", true)),
        None => Ok(answer(&tenant, &flow, &digest, "active", false)),
    }
}

/// Every flow with its versions.
pub(super) async fn list(State(api): State<Api>, headers: HeaderMap) -> Result<Json<Value>, Problem> {
    operator::authenticate(&api, &headers)?;
    let mut flows = Vec::new();
    for (tenant, flow) in api.flows.names().await? {
        flows.push(api.flows.history(&tenant, &flow).await?);
    }
    Ok(Json(json!({ "flows": flows })))
}

/// The versions of a flow.
pub(super) async fn history(
    State(api): State<Api>,
    named: Named,
    headers: HeaderMap,
) -> Result<Json<History>, Problem> {
    operator::authenticate(&api, &headers)?;
    let (tenant, flow) = names(named)?;
    let history = api.flows.history(&tenant, &flow).await?;
    if history.versions.is_empty() && history.active.is_none() {
        return Err(unknown_flow(&tenant, &flow));
    }
    Ok(Json(history))
}

/// What differs between two versions.
pub(super) async fn diff(
    State(api): State<Api>,
    named: Named,
    between: Result<Query<Between>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    operator::authenticate(&api, &headers)?;
    let (tenant, flow) = names(named)?;
    let Query(Between { from, to }) =
        between.map_err(|_| invalid_query("from", "name two versions: ?from=…&to=…, by six digits of them or more"))?;
    let (from, to) =
        (content(&api, &tenant, &flow, &from, "from").await?, content(&api, &tenant, &flow, &to, "to").await?);
    let files = flows::difference(&from, &to);
    Ok(Json(json!({ "tenant": tenant, "flow": flow, "from": from.digest, "to": to.digest, "files": files })))
}

/// Makes a version that is kept the active one.
pub(super) async fn activate(
    State(api): State<Api>,
    named: Result<Path<(String, String, String)>, PathRejection>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    operator::authenticate(&api, &headers)?;
    let Path((tenant, flow, version)) = named.map_err(|_| Problem::invalid_address())?;
    let (tenant, flow) = (TenantId::new(tenant), FlowId::new(flow));
    let version = content(&api, &tenant, &flow, &version, "version").await?.digest;
    let published = api.flows.activate(&tenant, &flow, &version, api.clock.now()).await?;
    api.pulse.beat();
    match published {
        Published::Refused { problems, .. } => Err(refused(&problems)),
        _ => Ok(answer(&tenant, &flow, &version, "active", true)),
    }
}

fn answer(tenant: &TenantId, flow: &FlowId, version: &Digest, state: &str, changed: bool) -> Json<Value> {
    Json(json!({ "tenant": tenant, "flow": flow, "version": version, "state": state, "changed": changed }))
}

pub(super) fn names(named: Named) -> Result<(TenantId, FlowId), Problem> {
    let Path((tenant, flow)) = named.map_err(|_| Problem::invalid_address())?;
    for (field, name) in [("tenant", &tenant), ("flow", &flow)] {
        let is_tenants_own = field == "flow" && name == TENANT_FLOW;
        if !is_tenants_own && !TenantId::is_valid(name) {
            return Err(Problem::invalid_field(
                field,
                format!("{name:?} cannot be the name of a {field}: 1 to 64 of a-z 0-9 - _"),
            ));
        }
    }
    Ok((TenantId::new(tenant), FlowId::new(flow)))
}

fn read(tenant: &TenantId, flow: &FlowId, bytes: &[u8]) -> Result<FlowVersion, Problem> {
    let Push { files } = serde_json::from_slice(bytes).map_err(|error| {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "invalid-push",
            format!("the body cannot be read: {error}"),
            "send {\"files\": {\"flow.toml\": \"its text\", \"qualify.wasm\": {\"base64\": \"its bytes\"}}}",
        )
        .about("files")
    })?;
    let field = |path: &str| format!("files.{path}");
    if files.len() > MOST_FILES {
        return Err(Problem::invalid_field("files", format!("a flow may hold {MOST_FILES} files at most")));
    }
    let mut read = BTreeMap::new();
    let mut total = 0;
    for (path, file) in files {
        let bytes = match file {
            Pushed::Text(text) => text.into_bytes(),
            Pushed::Bytes { base64 } => BASE64_STANDARD
                .decode(base64)
                .map_err(|_| Problem::invalid_field(&field(&path), format!("{path:?} is not base64")))?,
        };
        total += bytes.len();
        read.insert(path, bytes);
    }
    if total > MOST_BYTES {
        let most = MOST_BYTES / 1024 / 1024;
        return Err(Problem::invalid_field("files", format!("a flow may hold {most} MiB at most")));
    }
    flows::bundle(tenant, flow, read)
        .map_err(|(path, why)| Problem::invalid_field(&field(&path), format!("{path:?} {why}")))
}

/// The content of the one version whose digest begins so.
async fn content(
    api: &Api,
    tenant: &TenantId,
    flow: &FlowId,
    version: &str,
    field: &str,
) -> Result<FlowVersion, Problem> {
    let history = api.flows.history(tenant, flow).await?;
    if history.versions.is_empty() {
        return Err(unknown_flow(tenant, flow));
    }
    if version.len() < LEAST_DIGITS {
        return Err(Problem::invalid_field(field, format!("a version is named by {LEAST_DIGITS} digits or more")));
    }
    let mut found = history.versions.into_iter().filter(|known| known.version.as_str().starts_with(version));
    let no = |code, what: &str| {
        Problem::new(
            StatusCode::NOT_FOUND,
            code,
            format!("{what} of {tenant}/{flow} begins with {version:?}"),
            format!("GET /v1/flows/{tenant}/{flow} lists the versions"),
        )
        .about(field)
    };
    let known = found.next().ok_or_else(|| no("unknown-version", "no version"))?;
    if found.next().is_some() {
        return Err(no("ambiguous-version", "more than one version"));
    }
    if known.state == "refused" {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "version-refused",
            format!("the version {} was refused, and its content is not kept", known.version),
            "mend what its problems say, and push it again",
        )
        .about(field)
        .with("problems", known.problems));
    }
    let found = api.store.version(tenant, flow, &known.version).await?;
    found.ok_or_else(|| no("unknown-version", "nothing that is kept"))
}

fn refused(problems: &[flows::Problem]) -> Problem {
    let count = problems.len();
    let first = problems.first().map(ToString::to_string).unwrap_or_default();
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "flow-refused",
        format!("{count} to mend; first: {first}"),
        "mend what `problems` names and push again; what was active goes on",
    )
    .with("problems", problems)
}

pub(super) fn unknown_flow(tenant: &TenantId, flow: &FlowId) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "unknown-flow",
        format!("no version of {tenant}/{flow} was ever received"),
        "GET /v1/flows lists what there is; PUT a flow to make one",
    )
}

pub(super) fn invalid_query(field: &str, what: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid-query", what, "correct the query and send the request again")
        .about(field)
}
