//! What the operator does with the store: backups, and people who want to be forgotten.

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde::Deserialize;

use super::{Api, Problem, body, operator};
use crate::{
    model::{Phone, TenantId},
    store::{Erased, Person},
};

/// Longest body of a request to erase, in bytes.
const LONGEST: usize = 4096;

/// `{"tenant": …, "phone_number": …}` or `{"tenant": …, "crm_contact_id": …}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Whom {
    tenant: String,
    phone_number: Option<String>,
    crm_contact_id: Option<String>,
}

/// A consistent copy of the store, as it stands at the end of the answer.
pub(super) async fn backup(State(api): State<Api>, headers: HeaderMap) -> Result<Response, Problem> {
    operator::authenticate(&api, &headers)?;
    let (sender, received) = tokio::sync::mpsc::channel(4);
    let store = api.store.clone();
    tokio::spawn(async move {
        if let Err(error) = store.back_up(sender).await {
            // The copy lacks its end, by which its reader will know.
            tracing::warn!(%error, "a backup broke off");
        }
    });
    let pieces = futures::stream::unfold(received, async |mut received| {
        let piece: Vec<u8> = received.recv().await?;
        Some((Ok::<_, std::io::Error>(Bytes::from(piece)), received))
    });
    let kind = [(header::CONTENT_TYPE, "application/octet-stream")];
    Ok((kind, Body::from_stream(pieces)).into_response())
}

/// Erases a person (P13).
pub(super) async fn erase(State(api): State<Api>, headers: HeaderMap, body: Body) -> Result<Json<Erased>, Problem> {
    operator::authenticate(&api, &headers)?;
    let bytes = body::read(body, LONGEST).await?;
    let whom: Whom = serde_json::from_slice(&bytes)
        .map_err(|error| Problem::invalid_field("tenant", format!("the body cannot be read: {error}")))?;
    let tenant = TenantId::new(whom.tenant);
    let person = match (whom.phone_number, whom.crm_contact_id) {
        (Some(phone), None) => {
            let region = api.flows.tenant(&tenant).and_then(|tenant| tenant.region.clone());
            let phone = Phone::parse(&phone, region.as_deref())
                .map_err(|error| Problem::invalid_field("phone_number", format!("phone_number {error}")))?;
            Person::Phone(phone)
        }
        (None, Some(contact)) => Person::Contact(contact),
        _ => {
            return Err(Problem::invalid_field(
                "phone_number",
                "name the person by phone_number or by crm_contact_id, not by both",
            ));
        }
    };
    Ok(Json(api.store.erase(&tenant, &person).await?))
}
