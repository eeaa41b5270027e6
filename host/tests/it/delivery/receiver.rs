//! The other side: a CRM, or a Graph API.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::any,
};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

/// What a receiver got.
#[derive(Clone, Debug)]
pub(super) struct Got {
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Got {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// What a receiver answers.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
}

pub(super) fn reply(status: u16) -> Reply {
    Reply { status, headers: Vec::new(), body: "{}".into() }
}

/// A server on a port of its own: a CRM, or a Graph API. Records what it gets and answers as told.
#[derive(Clone)]
pub(super) struct Receiver {
    pub(super) url: String,
    pub(super) got: Arc<Mutex<Vec<Got>>>,
    /// In order; then `otherwise`.
    pub(super) replies: Arc<Mutex<VecDeque<Reply>>>,
    pub(super) otherwise: Arc<Mutex<Option<Reply>>>,
    /// Answers are given only as permits allow.
    pub(super) gate: Arc<Semaphore>,
}

impl Receiver {
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            got: Arc::default(),
            replies: Arc::default(),
            otherwise: Arc::default(),
            gate: Arc::new(Semaphore::new(1_000_000)),
        };
        let router = Router::new().fallback(any(Self::receive)).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    pub(super) async fn receive(State(receiver): State<Self>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
        let number = {
            let mut got = receiver.got.lock().unwrap();
            got.push(Got { headers, body: String::from_utf8(body.to_vec()).unwrap() });
            got.len()
        };
        receiver.gate.acquire().await.unwrap().forget();
        let scripted = receiver.replies.lock().unwrap().pop_front();
        let otherwise = receiver.otherwise.lock().unwrap().clone();
        let reply = scripted.or(otherwise).unwrap_or_else(|| {
            let body = if uri.path().ends_with("/messages") { accepted(number) } else { "{}".into() };
            Reply { body, ..reply(200) }
        });
        let mut response = (StatusCode::from_u16(reply.status).unwrap(), reply.body).into_response();
        for (name, value) in reply.headers {
            response.headers_mut().insert(name, value.parse().unwrap());
        }
        response
    }

    pub(super) fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    pub(super) fn then(&self, reply: Reply) -> &Self {
        self.replies.lock().unwrap().push_back(reply);
        self
    }

    pub(super) fn always(&self, reply: Reply) {
        *self.otherwise.lock().unwrap() = Some(reply);
    }

    pub(super) fn hold(&self) {
        self.gate.forget_permits(usize::MAX);
    }

    pub(super) fn release(&self) {
        self.gate.add_permits(1_000_000);
    }
}

/// What the Graph API says when it takes a message.
pub(super) fn accepted(number: usize) -> String {
    json!({"messaging_product": "whatsapp", "contacts": [{"input": "+33", "wa_id": format!("3361234{number}")}],
        "messages": [{"id": format!("wamid.{number}")}]})
    .to_string()
}

/// What the Graph API says when it refuses one.
pub(super) fn refused(code: u32) -> Reply {
    Reply { body: json!({"error": {"message": "no", "code": code}}).to_string(), ..reply(400) }
}
