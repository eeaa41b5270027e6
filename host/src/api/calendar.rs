//! The calendar that sales teams subscribe to, and what they tell of their meetings.

use std::collections::HashMap;

use axum::{
    Json,
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::{Timestamp, ToSpan as _};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    Api, Problem, body,
    conversations::{file, owned},
    key::authenticate,
};
use crate::{
    calendar::{self, Entry},
    flows::Tenant,
    model::{Conversation, ConversationId, Environment, Event, TenantId, Transcript},
    store::{self, CalendarEntry, CalendarSecret, Store},
};

/// How far back meetings are shown.
const SHOWN_DAYS: i64 = 90;
/// A reason is a sentence.
const LONGEST_BODY: usize = 8 * 1024;
const LONGEST_REASON: usize = 500;

/// Makes a calendar's secret, of 192 random bits, to be kept with [`Store::put_calendar_secret`].
pub fn new_secret(
    tenant: TenantId,
    person: Option<String>,
    now: Timestamp,
) -> Result<CalendarSecret, getrandom::Error> {
    let mut random = [0_u8; 24];
    getrandom::fill(&mut random)?;
    Ok(CalendarSecret { secret: BASE64_URL_SAFE_NO_PAD.encode(random), tenant, person, created_at: now })
}

/// The path that a calendar program subscribes to; the host's address goes before it.
pub fn path_of(secret: &CalendarSecret) -> String {
    format!("/calendar/{}.ics", secret.secret)
}

/// `GET /calendar/{secret}.ics`: the meetings of the tenant or of the salesperson whose secret it is.
pub(super) async fn feed(
    State(api): State<Api>,
    file: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Path(file) = file.map_err(|_| no_such_calendar())?;
    let secret = file.strip_suffix(".ics").ok_or_else(no_such_calendar)?;
    let owner = api.store.calendar_of_secret(secret).await?.ok_or_else(no_such_calendar)?;
    let tenant = api.flows.tenant(&owner.tenant).ok_or_else(no_such_calendar)?;
    // Whoever has left the company reads no more of its leads.
    if owner.person.as_ref().is_some_and(|person| name_of(&tenant, person).is_none()) {
        return Err(no_such_calendar());
    }
    let text = text_of(&api, &tenant, &owner).await?;
    let tag = format!("\"{}\"", hex::encode(Sha256::digest(&text)));
    let unchanged = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).is_some_and(|known| {
        known.split(',').any(|one| one.trim().trim_start_matches("W/") == tag || one.trim() == "*")
    });
    let mut response = if unchanged { StatusCode::NOT_MODIFIED.into_response() } else { text.into_response() };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/calendar; charset=utf-8"));
    // It names people: nobody between us and the subscriber keeps it, and the subscriber asks whether it has changed.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("inline; filename=\"relais.ics\""));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.extend(HeaderValue::from_str(&tag).ok().map(|tag| (header::ETAG, tag)));
    Ok(response)
}

async fn text_of(api: &Api, tenant: &Tenant, owner: &CalendarSecret) -> Result<String, Problem> {
    struct Shown {
        entry: CalendarEntry,
        conversation: Conversation,
        transcript: String,
    }
    let from = api.clock.now().checked_sub((SHOWN_DAYS * 24).hours()).unwrap_or(Timestamp::MIN);
    let mut shown = Vec::new();
    for entry in api.store.calendar_entries(&tenant.id, from).await? {
        if owner.person.is_some() && entry.meeting.slot.with != owner.person {
            continue;
        }
        // Erased, when it is not there.
        let Some(conversation) = api.store.conversation(&entry.conversation).await? else { continue };
        let lines = api.store.lines(&entry.conversation).await?;
        let transcript = Transcript::new(&conversation, &lines).render();
        shown.push(Shown { entry, conversation, transcript });
    }
    let entries: Vec<Entry<'_>> = shown
        .iter()
        .map(|Shown { entry, conversation, transcript }| Entry {
            conversation: &entry.conversation,
            lead: &conversation.lead,
            alias: &conversation.alias,
            meeting: &entry.meeting,
            summary: conversation.summary.as_deref(),
            transcript,
            salesperson: entry.meeting.slot.with.as_deref().map(|id| name_of(tenant, id).unwrap_or(id)),
            is_test: conversation.environment == Environment::Test,
            cancelled: entry.cancelled,
            sequence: entry.sequence,
            updated_at: entry.updated_at.max(conversation.last_activity_at),
            created_at: entry.created_at,
        })
        .collect();
    let name = owner.person.as_deref().and_then(|person| name_of(tenant, person));
    let name = name.map_or_else(|| tenant.name.clone(), |person| format!("{} – {person}", tenant.name));
    Ok(calendar::feed(&name, &tenant.zone, &entries))
}

fn name_of<'t>(tenant: &'t Tenant, person: &str) -> Option<&'t str> {
    tenant.calendar.people.iter().find(|known| known.id == person).map(|known| known.name.as_str())
}

/// The same whether the secret never was one or is one no longer.
fn no_such_calendar() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "no-such-calendar",
        "there is no calendar at this address, or its secret was changed",
        "ask for the present address: `relais calendar url --tenant …`, or GET /v1/calendars",
    )
}

/// `GET /v1/calendars`: the addresses of the tenant's calendar and of each salesperson's, and how their outside calendars
/// do. An address is made when it is first asked for.
pub(super) async fn list(State(api): State<Api>, headers: HeaderMap) -> Result<Json<Value>, Problem> {
    let tenant = tenant_of(&api, &headers).await?;
    let mut busy: HashMap<Option<String>, store::BusyTimes> =
        api.store.busy_times(&tenant.id).await?.into_iter().map(|busy| (busy.person.clone(), busy)).collect();
    let mut calendars = Vec::new();
    for person in people(&tenant) {
        let secret = match api.store.calendar_secret(&tenant.id, person.as_deref()).await? {
            Some(secret) => secret,
            None => make(&*api.store, &tenant.id, person.clone(), api.clock.now()).await?,
        };
        let outside = busy.remove(&person).filter(|_| tenant.calendar.busy_url_of(person.as_deref()).is_some());
        calendars.push(shown(&tenant, &secret, &headers, outside));
    }
    Ok(Json(json!({ "calendars": calendars })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Whose {
    /// The salesperson; none for the tenant's calendar.
    person: Option<String>,
}

/// `POST /v1/calendars/rotate`: another secret for one calendar; the old address ends at once.
pub(super) async fn rotate(State(api): State<Api>, headers: HeaderMap, body: Body) -> Result<Json<Value>, Problem> {
    let tenant = tenant_of(&api, &headers).await?;
    let Whose { person } = read(body).await?.unwrap_or(Whose { person: None });
    if !people(&tenant).contains(&person) {
        return Err(Problem::invalid_field("person", "nobody of this id is in [[calendar.people]] of tenant.toml"));
    }
    let secret = make(&*api.store, &tenant.id, person, api.clock.now()).await?;
    Ok(Json(shown(&tenant, &secret, &headers, None)))
}

/// The owners of a tenant's calendars, itself first.
fn people(tenant: &Tenant) -> Vec<Option<String>> {
    std::iter::once(None).chain(tenant.calendar.people.iter().map(|person| Some(person.id.clone()))).collect()
}

async fn tenant_of(api: &Api, headers: &HeaderMap) -> Result<std::sync::Arc<Tenant>, Problem> {
    let key = authenticate(&*api.store, headers).await?;
    api.flows.tenant(&key.tenant).ok_or_else(|| Problem::not_found("tenant"))
}

async fn make(
    store: &dyn Store,
    tenant: &TenantId,
    person: Option<String>,
    now: Timestamp,
) -> Result<CalendarSecret, Problem> {
    let secret = new_secret(tenant.clone(), person, now).map_err(|error| {
        tracing::error!(%error, "no randomness");
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "no-randomness",
            "the machine gives no random numbers",
            "send the request again later",
        )
    })?;
    store.put_calendar_secret(secret.clone()).await?;
    Ok(secret)
}

fn shown(tenant: &Tenant, secret: &CalendarSecret, headers: &HeaderMap, outside: Option<store::BusyTimes>) -> Value {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let scheme = text("x-forwarded-proto").unwrap_or("http");
    let path = path_of(secret);
    let local = |at: Timestamp| at.to_zoned(tenant.zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
    let busy = outside.map(|busy| {
        json!({
            "read_at": busy.read_at.map(local),
            "failing_since": busy.failing.as_ref().map(|(since, _)| local(*since)),
            "why": busy.failing.as_ref().map(|(_, why)| why),
        })
    });
    json!({
        "person": secret.person,
        "name": secret.person.as_deref().and_then(|person| name_of(tenant, person)).unwrap_or(&tenant.name),
        "url": text(header::HOST.as_str()).map(|host| format!("{scheme}://{host}{path}")),
        "path": path,
        "since": local(secret.created_at),
        "outside_calendar": busy,
    })
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Why {
    /// For the log; the person does not read it.
    reason: Option<String>,
}

/// `POST /v1/conversations/{id}/cancel-meeting`: the company gives the meeting up; the flow tells the person and proposes
/// another time.
pub(super) async fn cancel_meeting(
    State(api): State<Api>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    withdraw(&api, id, &headers, body, false).await
}

/// `POST /v1/conversations/{id}/no-show`: the person did not come.
pub(super) async fn no_show(
    State(api): State<Api>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    withdraw(&api, id, &headers, body, true).await
}

async fn withdraw(
    api: &Api,
    id: Result<Path<String>, PathRejection>,
    headers: &HeaderMap,
    body: Body,
    no_show: bool,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let Path(id) = id.map_err(|_| Problem::invalid_address())?;
    let id = ConversationId::new(id);
    let key = authenticate(&*api.store, headers).await?;
    let Why { reason } = read(body).await?.unwrap_or_default();
    if reason.as_ref().is_some_and(|reason| reason.chars().count() > LONGEST_REASON) {
        return Err(Problem::invalid_field("reason", format!("reason has more than {LONGEST_REASON} characters")));
    }
    let conversation = owned(api, &key.tenant, &id).await?;
    let now = api.clock.now();
    let Some(meeting) = &conversation.meeting else {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "no-meeting",
            "no meeting stands in this conversation",
            "look at GET /v1/conversations/{id}; it may have been cancelled already",
        ));
    };
    if no_show && meeting.slot.start > now {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "meeting-not-begun",
            "the meeting has not begun yet, so nobody has missed it",
            "cancel it with POST /v1/conversations/{id}/cancel-meeting, or tell of the no-show once it has begun",
        ));
    }
    let event = Event::MeetingWithdrawn { start: meeting.slot.start, no_show, reason: reason.unwrap_or_default() };
    file(api, &conversation, event).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "conversation_id": id, "status": "accepted" }))))
}

/// A small JSON object; none when the body is empty.
async fn read<T: serde::de::DeserializeOwned>(body: Body) -> Result<Option<T>, Problem> {
    let bytes = body::read(body, LONGEST_BODY).await?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let value = body::json(&bytes)?;
    serde_json::from_value(value).map(Some).map_err(|error| {
        Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid-field",
            error.to_string(),
            "send an object with the fields that are named in the documentation",
        )
    })
}
