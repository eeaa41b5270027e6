//! A small CRM: takes callbacks, checks their signatures, and remembers them.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU16, Ordering},
};

use anyhow::Context as _;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use jiff::Timestamp;
use serde_json::{Map, Value};
use standardwebhooks::Webhook;
use tokio::{net::TcpListener, sync::broadcast};

use crate::model::Clock;

/// One callback as it arrived.
#[derive(Clone, Debug)]
pub struct Received {
    /// When, on the stage's clock.
    pub at: Timestamp,
    /// Its headers.
    pub headers: Map<String, Value>,
    /// Its body.
    pub body: Value,
}

/// The CRM. Clones share what it received.
#[derive(Clone)]
pub struct Crm {
    state: Arc<Inner>,
    address: std::net::SocketAddr,
}

struct Inner {
    clock: Clock,
    trusted: Mutex<Vec<Webhook>>,
    received: Mutex<Vec<Received>>,
    tell: broadcast::Sender<Received>,
    /// What it answers instead of 204; 0 for 204.
    answer: AtomicU16,
}

impl Crm {
    /// Opens the CRM on a free port.
    pub async fn open(clock: Clock) -> anyhow::Result<Self> {
        let state = Arc::new(Inner {
            clock,
            trusted: Mutex::default(),
            received: Mutex::default(),
            tell: broadcast::Sender::new(1024),
            answer: AtomicU16::new(0),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.context("open the CRM")?;
        let address = listener.local_addr()?;
        let router = Router::new().route("/callback", post(callback)).with_state(Arc::clone(&state));
        tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the CRM is closed");
            }
        });
        Ok(Self { state, address })
    }

    /// Takes callbacks signed with this Standard Webhooks secret.
    pub fn trust(&self, secret: &str) -> anyhow::Result<()> {
        let webhook = Webhook::new(secret).context("read the CRM's secret")?;
        self.state.trusted.lock().unwrap_or_else(PoisonError::into_inner).push(webhook);
        Ok(())
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything that it took, oldest first.
    pub fn received(&self) -> Vec<Received> {
        self.state.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What it takes from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Received> {
        self.state.tell.subscribe()
    }

    /// Refuses callbacks with this HTTP status from now on; none takes them again.
    pub fn refuse_with(&self, status: Option<u16>) {
        self.state.answer.store(status.unwrap_or(0), Ordering::SeqCst);
    }
}

async fn callback(State(crm): State<Arc<Inner>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if let Ok(refusal) = StatusCode::from_u16(crm.answer.load(Ordering::SeqCst)) {
        return refusal;
    }
    let is_signed = {
        let trusted = crm.trusted.lock().unwrap_or_else(PoisonError::into_inner);
        trusted.iter().any(|webhook| is_signed(webhook, &headers, &body))
    };
    if !is_signed {
        return StatusCode::UNAUTHORIZED;
    }
    let Ok(body) = serde_json::from_slice(&body) else { return StatusCode::BAD_REQUEST };
    let headers = headers
        .iter()
        .filter_map(|(name, value)| Some((name.to_string(), Value::from(value.to_str().ok()?))))
        .collect();
    let received = Received { at: crm.clock.now(), headers, body };
    crm.received.lock().unwrap_or_else(PoisonError::into_inner).push(received.clone());
    // Nobody listening is no reason to refuse a callback.
    let _ = crm.tell.send(received);
    StatusCode::NO_CONTENT
}

/// As a receiver checks a Standard Webhook, but for its age: the sender's clock is virtual and cannot be judged by this
/// machine's.
fn is_signed(webhook: &Webhook, headers: &HeaderMap, body: &[u8]) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(id), Some(timestamp), Some(signatures)) =
        (text("webhook-id"), text("webhook-timestamp"), text("webhook-signature"))
    else {
        return false;
    };
    let Ok(timestamp) = timestamp.parse() else { return false };
    webhook.sign(id, timestamp, body).is_ok_and(|expected| signatures.split(' ').any(|signature| signature == expected))
}
