//! A host asked over HTTP.

use anyhow::{Context as _, bail};
use clap::Args;
use futures::{StreamExt as _, stream::BoxStream};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;

/// How long a push may take: a Python component is compiled in half a minute, and others may be before it.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(600);

/// The operator's key of a host.
#[derive(Clone, Debug, Args)]
pub(super) struct OperatorKey {
    /// The host's operator-key; better kept in the environment.
    #[arg(long, env = "RELAIS_OPERATOR_KEY", hide_env_values = true)]
    pub(super) key: Option<String>,
}

/// A host.
pub(super) struct Remote {
    http: reqwest::Client,
    url: String,
    key: String,
}

impl Remote {
    /// The host at `url`, such as `http://127.0.0.1:8080`, asked as its operator.
    pub(super) fn new(url: &str, key: OperatorKey) -> anyhow::Result<Self> {
        let key = key.key.context(
            "find the operator's key; give it with --key or in the environment variable RELAIS_OPERATOR_KEY",
        )?;
        Self::with_key(url, key)
    }

    /// The same, asked with whichever key opens the door: an API key of a tenant, perhaps.
    pub(super) fn with_key(url: &str, key: String) -> anyhow::Result<Self> {
        Ok(Self { http: http_client(url)?, url: url.trim_end_matches('/').to_owned(), key })
    }

    /// GETs a JSON answer; the path begins with `/` and is encoded.
    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.ask(Method::GET, path, None).await
    }

    /// Sends a JSON body, when there is one, and gives the JSON answer; null when there is nothing to say (204).
    pub(super) async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = self.send(request).await?;
        if answer.status() == StatusCode::NO_CONTENT {
            return Ok(Value::Null);
        }
        answer.json().await.context("read the host's answer")
    }

    /// GETs an answer of bytes, as they come.
    pub(super) async fn pieces(&self, path: &str) -> anyhow::Result<BoxStream<'static, anyhow::Result<Vec<u8>>>> {
        let answer = self.send(self.request(Method::GET, path)).await?;
        let pieces = futures::stream::try_unfold(answer, async |mut answer| {
            let piece = answer.chunk().await.context("read the host's answer; it broke off")?;
            Ok(piece.map(|piece| (piece.to_vec(), answer)))
        });
        Ok(pieces.boxed())
    }

    /// GETs an answer of many lines, as they come.
    pub(super) async fn lines(&self, path: &str) -> anyhow::Result<BoxStream<'static, anyhow::Result<Vec<u8>>>> {
        let mut answer = self.send(self.request(Method::GET, path)).await?;
        let (lines, received) = tokio::sync::mpsc::channel(64);
        tokio::spawn(async move {
            let mut rest = Vec::new();
            loop {
                match answer.chunk().await.context("read the host's answer; it broke off") {
                    Ok(Some(chunk)) => rest.extend_from_slice(&chunk),
                    Ok(None) if rest.is_empty() => return,
                    // A whole answer ends with a line break.
                    Ok(None) => rest.clear(),
                    // Nobody listening is no trouble.
                    Err(error) => return drop(lines.send(Err(error)).await),
                }
                while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                    let line: Vec<u8> = rest.drain(..=end).collect();
                    if lines.send(Ok(line)).await.is_err() {
                        return;
                    }
                }
            }
        });
        Ok(futures::stream::unfold(received, async |mut received| Some((received.recv().await?, received))).boxed())
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url)).timeout(PATIENCE).bearer_auth(&self.key)
    }

    /// Sends; a refusal becomes an error that says what is wrong and what to do.
    async fn send(&self, request: RequestBuilder) -> anyhow::Result<Response> {
        let answer = request
            .send()
            .await
            .with_context(|| format!("reach the host at {}; is `relais serve` running there?", self.url))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status();
        let problem: Value = answer.json().await.unwrap_or_default();
        let text = |member: &str| problem.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
        for found in problem.get("problems").and_then(Value::as_array).into_iter().flatten() {
            if let Ok(found) = serde_json::from_value::<crate::flows::Problem>(found.clone()) {
                eprintln!("{found}");
            }
        }
        bail!("have the host do it: {} ({}); {}", text("detail"), status.as_u16(), text("remedy"))
    }
}

/// A part of a path, encoded.
pub(super) fn encoded(part: &str) -> String {
    url::form_urlencoded::byte_serialize(part.as_bytes()).collect::<String>().replace('+', "%20")
}

/// A client for whatever talks to a host at `address` as a CRM would. Over plain HTTP it needs no certificates of the
/// system, and reads none.
pub(super) fn http_client(address: &str) -> anyhow::Result<reqwest::Client> {
    // A provider that is installed already will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder().timeout(std::time::Duration::from_secs(30));
    if address.starts_with("http://") {
        builder = builder.tls_certs_only([]);
    }
    Ok(builder.build()?)
}
