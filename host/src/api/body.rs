//! Request bodies, read within a limit.

use axum::{
    body::{Body, Bytes, to_bytes},
    http::StatusCode,
};
use serde_json::Value;

use super::Problem;

/// A body of at most `limit` bytes.
pub(super) async fn read(body: Body, limit: usize) -> Result<Bytes, Problem> {
    to_bytes(body, limit).await.map_err(|error| {
        let too_large =
            std::error::Error::source(&error).is_some_and(|source| source.is::<http_body_util::LengthLimitError>());
        if too_large {
            Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "body-too-large",
                format!("the body is longer than {limit} bytes"),
                format!("send at most {limit} bytes"),
            )
        } else {
            Problem::new(StatusCode::BAD_REQUEST, "unreadable-body", "the body broke off", "send the request again")
        }
    })
}

/// A JSON body. How deep it may be nested is serde_json's limit, 128.
pub(super) fn json(bytes: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(bytes).map_err(|error| {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "invalid-json",
            format!("the body is not JSON: line {}, column {}", error.line(), error.column()),
            "send a JSON object with `Content-Type: application/json`",
        )
    })
}
