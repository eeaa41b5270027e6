//! The Graph API client: the one transport. A base URL decides whether it speaks to Meta or to the simulator.
//!
//! Meta has no idempotency key, so the question after each send is not only "did it work" but "may it have gone
//! out": [`SendResult`] keeps the four answers apart.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response, Url};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::json::{id, list};
use super::{ApiError, Meaning, Outgoing, Recipient, meaning};

/// How much of an answer is read, in bytes.
const ANSWER: usize = 4 << 20;

/// How to reach the Graph API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Options {
    /// Where, without the version.
    pub base_url: String,
    /// The version of the interface, such as `v25.0`.
    pub api_version: String,
    /// How long a whole request may take, in milliseconds. What takes longer may have gone out.
    pub timeout_ms: u64,
    /// How long the connection may take of that, in milliseconds. What takes longer has not gone out.
    pub connect_timeout_ms: u64,
}

impl Default for Options {
    /// Meta itself, 30 seconds.
    fn default() -> Self {
        Self {
            base_url: "https://graph.facebook.com".to_owned(),
            api_version: "v25.0".to_owned(),
            timeout_ms: 30_000,
            connect_timeout_ms: 5_000,
        }
    }
}

/// Why a client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The base URL is none, or not of HTTP.
    #[error("base-url is not an http or https address")]
    BaseUrl,
    /// The version is not of the form `v25.0`.
    #[error("api-version must look like v25.0")]
    Version,
    /// The TLS or resolver set-up of this machine failed.
    #[error("set up the HTTP client")]
    Setup(#[source] reqwest::Error),
}

/// From which number to send, and by what right.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The business number's id at Meta (not the number).
    pub phone_number_id: String,
    /// The access token.
    pub token: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("phone_number_id", &self.phone_number_id).finish_non_exhaustive()
    }
}

/// What became of a request to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendResult {
    /// Meta took it. Not yet sent, let alone delivered: statuses tell.
    Accepted {
        /// The message's id, which its statuses carry.
        wamid: String,
        /// WhatsApp's id of the person, which may differ from the number: keep it to recognise their answers.
        wa_id: Option<String>,
        /// Their user id.
        user_id: Option<String>,
        /// Held until the template is assessed (usually under an hour), then released or failed with 132015.
        held: bool,
    },
    /// A read receipt was taken; it has no id of its own.
    Marked,
    /// Meta refused, for certain: nothing went out. [`ApiError::remedy`] says what to do.
    Refused(ApiError),
    /// It may have gone out: wait for a status with the envelope's id before sending anything again.
    Unknown {
        /// What happened, without personal data.
        why: String,
        /// What Meta said, if it said something.
        error: Option<ApiError>,
    },
    /// Nothing left this machine, for certain: may be sent again.
    NotSent {
        /// What happened, without personal data.
        why: String,
    },
}

/// A client of the Graph API. Cheap to clone; connections are shared.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    root: Url,
}

impl Client {
    /// A client for these options.
    ///
    /// # Errors
    /// When the options are wrong or TLS cannot be set up.
    pub fn new(options: &Options) -> Result<Self, ClientError> {
        // The process-wide provider; that another part installed it first is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut root = Url::parse(&options.base_url).map_err(|_| ClientError::BaseUrl)?;
        if !matches!(root.scheme(), "http" | "https") || root.cannot_be_a_base() {
            return Err(ClientError::BaseUrl);
        }
        let version = options.api_version.strip_prefix('v').and_then(|v| v.split_once('.'));
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !version.is_some_and(|(major, minor)| is_number(major) && is_number(minor)) {
            return Err(ClientError::Version);
        }
        if let Ok(mut path) = root.path_segments_mut() {
            path.pop_if_empty().push(&options.api_version);
        }
        let mut builder = reqwest::Client::builder()
            .timeout(Duration::from_millis(options.timeout_ms))
            .connect_timeout(Duration::from_millis(options.connect_timeout_ms))
            // A POST that is sent elsewhere is not the POST that was asked for.
            .redirect(reqwest::redirect::Policy::none());
        if is_local(&root) {
            builder = builder.no_proxy();
        }
        if root.scheme() == "http" {
            // The system's certificates are not needed, and not read.
            builder = builder.tls_certs_only([]);
        }
        Ok(Self { http: builder.build().map_err(ClientError::Setup)?, root })
    }

    /// Sends one message, once: nothing is repeated here. `envelope_id` comes back in its statuses; text inside the
    /// window or a template outside it is the caller's business, and so is [`Outgoing::check`].
    pub async fn send(
        &self,
        credentials: &Credentials,
        to: &Recipient,
        outgoing: &Outgoing,
        envelope_id: &str,
    ) -> SendResult {
        self.send_in_reply(credentials, to, outgoing, envelope_id, None).await
    }

    /// Sends one message that quotes the message `context`.
    pub async fn send_in_reply(
        &self,
        credentials: &Credentials,
        to: &Recipient,
        outgoing: &Outgoing,
        envelope_id: &str,
        context: Option<&str>,
    ) -> SendResult {
        let body = outgoing.body(to, envelope_id, context);
        self.post_message(credentials, &body).await
    }

    /// Marks a person's message as read, and shows "typing…" if asked.
    pub async fn mark_read(&self, credentials: &Credentials, message_id: &str, typing: bool) -> SendResult {
        let outgoing = Outgoing::MarkRead { message_id: message_id.to_owned(), typing };
        self.post_message(credentials, &outgoing.body(&Recipient::UserId(String::new()), "", None)).await
    }

    /// Posts to the number's `messages`.
    async fn post_message(&self, credentials: &Credentials, body: &Value) -> SendResult {
        let Some(url) = self.url(&[&credentials.phone_number_id, "messages"]) else {
            return SendResult::NotSent { why: "the phone number id is not an id".to_owned() };
        };
        let request = self.request(Method::POST, url, &credentials.token).json(body);
        match request.send().await {
            Ok(response) => read_result(response).await,
            Err(error) if error.is_connect() || error.is_builder() => SendResult::NotSent { why: cause(error) },
            Err(error) => SendResult::Unknown { why: cause(error), error: None },
        }
    }

    /// The address of a node, unless a segment is empty or could lead elsewhere.
    pub(super) fn url(&self, segments: &[&str]) -> Option<Url> {
        let is_plain = |s: &str| s.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
        if !segments.iter().all(|segment| !segment.is_empty() && is_plain(segment)) {
            return None;
        }
        let mut url = self.root.clone();
        url.path_segments_mut().ok()?.extend(segments);
        Some(url)
    }

    /// A request with the token in its header.
    pub(super) fn request(&self, method: Method, url: Url, token: &str) -> RequestBuilder {
        self.http.request(method, url).bearer_auth(token)
    }
}

/// Whether an address is of this very machine, where no proxy is to be asked.
fn is_local(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// What went wrong on the way, in words without the address (which may hold a token) or the body.
pub(super) fn cause(error: reqwest::Error) -> String {
    let error = error.without_url();
    let kind = if error.is_connect() {
        "no connection"
    } else if error.is_timeout() {
        "no answer in time"
    } else {
        "connection broken"
    };
    let mut source = std::error::Error::source(&error);
    let mut last = None;
    while let Some(inner) = source {
        last = Some(inner.to_string());
        source = inner.source();
    }
    last.map_or_else(|| kind.to_owned(), |last| format!("{kind}: {last}"))
}

/// The bytes of an answer, up to [`ANSWER`]; nothing when it broke off or is longer.
pub(super) async fn read_body(mut response: Response) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        if body.len() + chunk.len() > ANSWER {
            return None;
        }
        body.extend_from_slice(&chunk);
    }
    Some(body)
}

/// What an answer says about the message.
async fn read_result(response: Response) -> SendResult {
    let status = response.status();
    let body = read_body(response).await;
    if status.is_success() {
        let unreadable = || SendResult::Unknown { why: format!("HTTP {status} without a message id"), error: None };
        let Some(answer) = body.and_then(|body| serde_json::from_slice::<Value>(&body).ok()) else {
            return unreadable();
        };
        return accepted(&answer).unwrap_or_else(unreadable);
    }
    refused(status.as_u16(), &body.unwrap_or_default())
}

/// Reads an answer of success.
fn accepted(answer: &Value) -> Option<SendResult> {
    if answer.get("success") == Some(&Value::Bool(true)) {
        return Some(SendResult::Marked);
    }
    let message = list(answer, "messages").first()?;
    let contact = list(answer, "contacts").first().unwrap_or(&Value::Null);
    Some(SendResult::Accepted {
        wamid: id(message, "id")?,
        wa_id: id(contact, "wa_id"),
        user_id: id(contact, "user_id"),
        held: id(message, "message_status").as_deref() == Some("held_for_quality_assessment"),
    })
}

/// Reads any other answer: whether nothing went out for certain depends on the code, and without a known code on the
/// HTTP status.
fn refused(status: u16, body: &[u8]) -> SendResult {
    let error = ApiError::from_answer(status, body);
    let is_certain = match meaning(&error) {
        Meaning::MetaFailed => false,
        Meaning::Unknown => !matches!(status, 408 | 500..=599),
        _ => true,
    };
    if is_certain {
        SendResult::Refused(error)
    } else {
        SendResult::Unknown { why: format!("HTTP {status}"), error: Some(error) }
    }
}
