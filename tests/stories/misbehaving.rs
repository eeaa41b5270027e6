//! A server of a tenant's that misbehaves as it is told.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse as _, Response},
    routing::post,
};
use futures::stream;

/// One way to answer.
#[derive(Clone, Debug)]
pub(crate) enum Way {
    Says(String),
    Fails(StatusCode, Option<u32>),
    Hangs,
    /// Begins like an answer, and is cut off.
    Breaks,
}

/// A server that answers in the ways that it is told, one after the other; then as it usually does.
#[derive(Clone)]
pub(crate) struct Server {
    path: &'static str,
    usual: Way,
    ways: Arc<Mutex<VecDeque<Way>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Server {
    /// One that takes what is posted to a path.
    pub(crate) fn new(path: &'static str, usual: Way) -> Self {
        Self { path, usual, ways: Arc::default(), asked: Arc::default() }
    }

    /// Opens it; its address, without the path.
    pub(crate) async fn open(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route(self.path, post(answer)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    /// Answers so from now on, and forgets what it was asked.
    pub(crate) fn will(&self, ways: &[Way]) {
        *self.ways.lock().unwrap() = ways.iter().cloned().collect();
        self.asked.lock().unwrap().clear();
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn answer(State(server): State<Server>, headers: HeaderMap, body: String) -> Response {
    server.asked.lock().unwrap().push(Asked { headers, body });
    let way = server.ways.lock().unwrap().pop_front();
    match way.unwrap_or(server.usual) {
        Way::Says(body) => body.into_response(),
        Way::Fails(status, None) => status.into_response(),
        Way::Fails(status, Some(seconds)) => (status, [(RETRY_AFTER, seconds.to_string())]).into_response(),
        Way::Hangs => std::future::pending().await,
        Way::Breaks => {
            let pieces = [Ok("{"), Err(std::io::Error::other("the line broke"))];
            Body::from_stream(stream::iter(pieces)).into_response()
        }
    }
}
