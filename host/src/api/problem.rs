//! A refusal as RFC 9457 `application/problem+json`: what is wrong, with which field, and what to do.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::{flows, store};

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    /// Kebab-case; the last part of `type`.
    code: &'static str,
    detail: String,
    /// The field of the request that it is about, dotted.
    field: Option<String>,
    /// What to do about it.
    remedy: String,
    /// More that a program may want to know.
    more: Option<Box<serde_json::Map<String, serde_json::Value>>>,
}

impl Problem {
    /// A refusal of the caller's request.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), field: None, remedy: remedy.into(), more: None }
    }

    /// Says which field it is about.
    pub fn about(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Adds a member for programs.
    pub(super) fn with(mut self, name: &str, value: impl serde::Serialize) -> Self {
        self.more.get_or_insert_default().insert(name.to_owned(), serde_json::to_value(value).unwrap_or_default());
        self
    }

    /// A field that is missing or not what it should be.
    pub fn invalid_field(field: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid-field",
            detail,
            format!("correct {field} and send the request again"),
        )
        .about(field)
    }

    /// There is no such thing, or it is not the caller's.
    pub fn not_found(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not-found",
            format!("there is no such {what} among those of this key's tenant"),
            format!("check the {what}'s identifier, and that the key belongs to its tenant"),
        )
    }

    /// The address itself cannot be read.
    pub(super) fn invalid_address() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "invalid-address",
            "the address is not percent-encoded UTF-8",
            "encode what stands in the path and in the query",
        )
    }

    /// Something failed here. The cause is logged, not told.
    pub(super) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "the request could not be carried out; nothing was changed",
            "send it again; if it fails again, give the operator the request's time",
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = json!({
            "type": format!("urn:relais:problem:{}", self.code),
            "title": self.code.replace('-', " "),
            "status": self.status.as_u16(),
            "detail": self.detail,
            "remedy": self.remedy,
        });
        if let (Some(field), Some(object)) = (self.field, body.as_object_mut()) {
            object.insert("field".to_owned(), field.into());
        }
        if let (Some(more), Some(object)) = (self.more, body.as_object_mut()) {
            object.extend(*more);
        }
        let mut response = (self.status, Json(body)).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        tracing::error!(%error, "request failed");
        Self::internal()
    }
}

impl From<flows::Error> for Problem {
    fn from(error: flows::Error) -> Self {
        tracing::error!(%error, "request failed");
        Self::internal()
    }
}
