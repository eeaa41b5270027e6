//! An error as Meta writes it: in the answer to a request, in a failed status, beside the messages of a webhook.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::json::{get, id, integer, text};

/// How much of a body that is not JSON is kept, in characters.
const EXCERPT: usize = 200;

/// An error of the Graph API. What to do about it: [`meaning`](super::meaning()) and [`ApiError::remedy`](Self::remedy).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiError {
    /// Meta's code, the only thing to branch on; absent when the body was not Meta's.
    pub code: Option<i64>,
    /// The code's title.
    pub title: Option<String>,
    /// Meta's sentence; of a body that was not JSON, its beginning.
    pub message: Option<String>,
    /// What exactly was wrong (`error_data.details`, or `error_data` itself where it is text).
    pub details: Option<String>,
    /// Meta's sub-code, deprecated since v16.
    pub subcode: Option<i64>,
    /// What Meta's support asks for.
    pub fbtrace_id: Option<String>,
    /// Whether Meta says that trying again may help.
    pub is_transient: bool,
    /// The HTTP status it came with, if it came so. Not to be branched on when there is a code.
    pub http_status: Option<u16>,
}

impl ApiError {
    /// Reads an error object (`errors[]` of a webhook, `error` of an answer). Anything is read: what is not an object
    /// becomes its own message.
    #[must_use]
    pub fn from_value(value: &Value) -> Self {
        if !value.is_object() {
            return Self { message: Some(excerpt(&value.to_string())), ..Self::default() };
        }
        let details = match get(value, "error_data") {
            Some(Value::String(details)) => Some(details.clone()),
            Some(data) => text(data, "details"),
            None => text(value, "details"),
        };
        Self {
            code: integer(value, "code"),
            title: id(value, "title").or_else(|| id(value, "error_user_title")),
            message: text(value, "message").or_else(|| text(value, "error_user_msg")),
            details: details.filter(|d| !d.is_empty()),
            subcode: integer(value, "error_subcode"),
            fbtrace_id: id(value, "fbtrace_id"),
            is_transient: get(value, "is_transient").and_then(Value::as_bool).unwrap_or_default(),
            http_status: None,
        }
    }

    /// Reads the body of a refused request, JSON or not.
    #[must_use]
    pub fn from_answer(http_status: u16, body: &[u8]) -> Self {
        let read = serde_json::from_slice::<Value>(body).ok();
        let mut error = match read.as_ref().and_then(|body| get(body, "error")) {
            Some(error) => Self::from_value(error),
            None => {
                let body = excerpt(&String::from_utf8_lossy(body));
                Self { message: Some(body).filter(|body| !body.is_empty()), ..Self::default() }
            }
        };
        error.http_status = Some(http_status);
        error
    }
}

/// The beginning of a text, on one line.
fn excerpt(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().take(EXCERPT).collect();
    words.join(" ").chars().take(EXCERPT).collect()
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.code, self.http_status) {
            (Some(code), _) => write!(f, "error {code}")?,
            (None, Some(status)) => write!(f, "HTTP {status} without an error code")?,
            (None, None) => f.write_str("an error without a code")?,
        }
        if let Some(text) = self.title.as_ref().or(self.message.as_ref()) {
            write!(f, " ({text})")?;
        }
        if let Some(details) = self.details.as_ref() {
            write!(f, ": {details}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_errors_of_every_shape() {
        let full = json!({"error": {"message": "(#131056) Pair rate", "type": "OAuthException", "code": 131056,
            "error_data": {"messaging_product": "whatsapp", "details": "too fast"}, "error_subcode": 2494055,
            "fbtrace_id": "Az8", "is_transient": true}});
        let error = ApiError::from_answer(400, full.to_string().as_bytes());
        assert_eq!((error.code, error.subcode, error.is_transient), (Some(131056), Some(2_494_055), true));
        assert_eq!((error.details.as_deref(), error.fbtrace_id.as_deref()), (Some("too fast"), Some("Az8")));
        assert_eq!(error.to_string(), "error 131056 ((#131056) Pair rate): too fast");

        let plain =
            ApiError::from_value(&json!({"code": "100", "error_data": "name is taken", "error_user_title": "Name"}));
        assert_eq!(
            (plain.code, plain.details.as_deref(), plain.title.as_deref()),
            (Some(100), Some("name is taken"), Some("Name"))
        );

        let html = ApiError::from_answer(502, b"<html>\n  <h1>Bad Gateway</h1>\xff</html>");
        assert_eq!((html.code, html.http_status), (None, Some(502)));
        assert_eq!(html.message.as_deref(), Some("<html> <h1>Bad Gateway</h1>\u{fffd}</html>"));
        assert_eq!(ApiError::from_answer(500, &[b'x'; 5000]).message.map(|m| m.len()), Some(EXCERPT));
        assert_eq!(ApiError::from_answer(500, b"").to_string(), "HTTP 500 without an error code");
        for odd in
            [json!(null), json!("text"), json!([1]), json!({"code": null, "error_data": [1], "is_transient": "yes"})]
        {
            assert_eq!(ApiError::from_value(&odd).code, None);
        }
    }
}
