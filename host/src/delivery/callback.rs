//! One attempt to deliver a callback: signed, once, to a declared address, following no redirect.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::{
    RequestBuilder, Response, StatusCode, Url,
    header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, TRANSFER_ENCODING},
};
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP};

use super::{
    Endpoint, Error, House, Options, Outcome, guard,
    schedule::{self, Failure},
    secret::signatures,
};
use crate::model::{Callback, Envelope, EnvelopeState};

/// How much of an answer is read, so that its connection can be used again; nothing is kept of it.
const ANSWER: usize = 20_000;

/// The client for callbacks: public addresses only unless the options allow others, no redirects, and no proxy, which would
/// resolve names out of the guard's sight.
pub(super) fn client(options: &Options) -> Result<reqwest::Client, Error> {
    // The process-wide provider; that another room installed it first is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let timeout = Duration::from_millis(options.http_timeout_ms);
    let mut builder = reqwest::Client::builder()
        .timeout(timeout)
        .connect_timeout(timeout.min(Duration::from_secs(10)))
        .pool_idle_timeout(Duration::from_secs(30))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .user_agent(concat!("Relais/", env!("CARGO_PKG_VERSION")));
    if !options.allow_private_addresses {
        builder = builder.dns_resolver(guard::PublicOnly);
    }
    if options.without_tls {
        builder = builder.tls_certs_only([]);
    }
    builder.build().map_err(Error::Client)
}

/// Posts the callback to its endpoint and says what came of it.
pub(super) async fn attempt(house: &House, envelope: &Envelope, callback: &Callback) -> Outcome {
    let endpoint_name = &callback.endpoint;
    let Some(endpoint) = house.directory.endpoint(&envelope.tenant, endpoint_name) else {
        tracing::warn!(tenant = %envelope.tenant, endpoint = endpoint_name, "the endpoint is not declared; parked");
        return Outcome::parked("endpoint-missing");
    };
    let url = match guard::check(&endpoint.url, house.options.allow_private_addresses) {
        Ok(url) => url,
        Err(refusal) => {
            tracing::warn!(tenant = %envelope.tenant, endpoint = endpoint_name, "the endpoint's address {refusal}; parked");
            return Outcome::parked("address-refused");
        }
    };
    let Some(_pass) = house.shares.enter(&envelope.tenant, &authority(&url)).await else {
        return house.put_back(envelope);
    };
    let now = house.clock.now();
    let request = match request(&house.http, url, &endpoint, envelope, callback, now) {
        Ok(request) => request,
        Err(error) => {
            tracing::error!(tenant = %envelope.tenant, endpoint = endpoint_name, %error, "the endpoint is misconfigured; parked");
            return Outcome::parked("endpoint-invalid");
        }
    };
    match request.send().await {
        Ok(response) => judge(house, envelope, response).await,
        Err(error) if guard::refused(&error) => {
            tracing::warn!(tenant = %envelope.tenant, endpoint = endpoint_name, "the endpoint's name leads to a private address; parked");
            Outcome::parked("address-refused")
        }
        Err(error) => {
            let failure = Failure { is_busy: error.is_timeout(), retry_after: None };
            failed(house, envelope, failure, None)
        }
    }
}

/// Host and port, the destination whose share is used.
pub(super) fn authority(url: &Url) -> String {
    let port = url.port_or_known_default().unwrap_or_default();
    format!("{}:{port}", url.host_str().unwrap_or_default())
}

/// The signed request.
pub(super) fn request(
    http: &reqwest::Client,
    url: Url,
    endpoint: &Endpoint,
    envelope: &Envelope,
    callback: &Callback,
    now: Timestamp,
) -> Result<RequestBuilder, Error> {
    let id = envelope.id.as_str();
    let secrets = std::iter::once(&endpoint.secret).chain(&endpoint.previous_secret);
    let signature = signatures(id, now, &callback.body, secrets)?;
    // The tenant's own first, so that they cannot replace ours.
    let mut headers = HeaderMap::new();
    for (name, value) in &endpoint.headers {
        let (name, value) = header(name, value)?;
        headers.insert(name, value);
    }
    for name in [HOST, CONTENT_LENGTH, TRANSFER_ENCODING] {
        headers.remove(name);
    }
    let ours = [
        (CONTENT_TYPE.as_str(), "application/json"),
        (HEADER_WEBHOOK_ID, id),
        (HEADER_WEBHOOK_TIMESTAMP, &now.as_second().to_string()),
        (HEADER_WEBHOOK_SIGNATURE, &signature),
    ];
    for (name, value) in ours {
        let (name, value) = header(name, value)?;
        headers.insert(name, value);
    }
    Ok(http.post(url).headers(headers).body(callback.body.clone()))
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), Error> {
    let invalid = || Error::Header(name.to_owned());
    let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?;
    let mut value = HeaderValue::from_str(value).map_err(|_| invalid())?;
    value.set_sensitive(true);
    Ok((parsed, value))
}

/// What an answer means: 2xx is yes, 410 is never again, anything else is not now.
async fn judge(house: &House, envelope: &Envelope, response: Response) -> Outcome {
    let (status, now) = (response.status(), house.clock.now());
    let wanted = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after = wanted.and_then(|value| schedule::retry_after(value, now));
    finish(response).await;
    if status.is_success() {
        let state = EnvelopeState::Sent { at: now, wamid: None, shown: None };
        return Outcome::Settled { state, names: Vec::new() };
    }
    if status == StatusCode::GONE {
        return Outcome::dropped("gone");
    }
    let failure = Failure { is_busy: status == StatusCode::TOO_MANY_REQUESTS, retry_after };
    failed(house, envelope, failure, Some(status))
}

/// Reads the answer's beginning. That it breaks off does not matter any more: the status has been given.
async fn finish(mut response: Response) {
    let mut read = 0;
    while let Ok(Some(chunk)) = response.chunk().await {
        read += chunk.len();
        if read > ANSWER {
            return;
        }
    }
}

/// The next attempt on the schedule, or none any more.
fn failed(house: &House, envelope: &Envelope, failure: Failure, status: Option<StatusCode>) -> Outcome {
    let number = envelope.attempts.max(1);
    let status = status.map(|status| status.as_u16());
    match schedule::callback_wait(&house.options, &envelope.id, number, failure) {
        Some(wait) => {
            let wait_ms = wait.as_millis();
            tracing::info!(envelope.id = %envelope.id, attempt = number, status, wait_ms, "a callback failed and will be tried again");
            let at = house.clock.now().saturating_add(wait).unwrap_or(Timestamp::MAX);
            Outcome::Again { at, was_tried: true }
        }
        None => {
            tracing::warn!(envelope.id = %envelope.id, attempt = number, status, "a callback failed for the last time; parked");
            Outcome::parked("exhausted")
        }
    }
}
