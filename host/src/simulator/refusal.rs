//! Refusals, in Meta's words: the error of an answer and the error of a `failed` status.

use serde_json::{Value, json};

use super::shape::set;

/// A request that Meta does not carry out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The HTTP status. Meta says not to rely on it.
    pub(super) http: u16,
    /// Meta's code.
    pub(super) code: i64,
    /// A finer code, on errors of the Graph API itself.
    pub(super) subcode: Option<i64>,
    /// What it is about.
    pub(super) details: String,
}

impl Refusal {
    /// A refusal with `code` that explains itself in `details`.
    pub(super) fn new(code: i64, details: impl Into<String>) -> Self {
        Self { http: http(code), code, subcode: None, details: details.into() }
    }

    /// A refusal with the details that go with `code` when there is nothing particular to say.
    pub(super) fn plain(code: i64) -> Self {
        Self::new(code, details(code))
    }

    /// A required parameter is missing.
    pub(super) fn missing(path: &str) -> Self {
        Self::new(131_008, format!("{path} is required"))
    }

    /// The value of a parameter is wrong.
    pub(super) fn value(path: &str, problem: &str) -> Self {
        Self::new(131_009, format!("{path} {problem}"))
    }

    /// The shape of the request is wrong.
    pub(super) fn parameter(details: impl Into<String>) -> Self {
        Self::new(100, details)
    }

    /// The token is not one that may do this.
    pub(super) fn token() -> Self {
        Self::new(190, "Invalid OAuth access token")
    }

    /// There is no such object, or not for this token.
    pub(super) fn unknown_object(id: &str) -> Self {
        let details = format!(
            "Unsupported request. Object with ID '{id}' does not exist, cannot be loaded due to missing permissions, or \
             does not support this operation"
        );
        Self { subcode: Some(33), ..Self::parameter(details) }
    }

    /// The body of the answer; `trace` is the `fbtrace_id`.
    pub(super) fn body(&self, trace: &str) -> Value {
        let kind = if self.subcode == Some(33) { "GraphMethodException" } else { "OAuthException" };
        let message = match self.code {
            190 => self.details.clone(),
            100 if self.subcode.is_some() => self.details.clone(),
            code => format!("(#{code}) {}", title(code)),
        };
        let mut error = json!({"message": message, "type": kind, "code": self.code, "fbtrace_id": trace});
        if self.code != 190 && self.subcode.is_none() {
            set(&mut error, "error_data", json!({"messaging_product": "whatsapp", "details": self.details}));
        }
        if let Some(subcode) = self.subcode {
            set(&mut error, "error_subcode", json!(subcode));
        }
        if self.http >= 500 {
            set(&mut error, "is_transient", json!(true));
        }
        json!({"error": error})
    }
}

/// The error of a `failed` status.
pub(super) fn status_error(code: i64) -> Value {
    json!({
        "code": code,
        "title": title(code),
        "message": title(code),
        "error_data": {"details": details(code)},
        "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
    })
}

/// The HTTP status that comes with `code`, as far as known.
fn http(code: i64) -> u16 {
    match code {
        0 | 190 => 401,
        10 | 200..=299 | 368 | 130_497 | 131_005 | 131_031 => 403,
        132_001 => 404,
        3 | 131_000 | 131_045 | 131_057 => 500,
        2 | 131_016 | 133_004 => 503,
        _ => 400,
    }
}

/// Meta's short name of `code`.
fn title(code: i64) -> &'static str {
    match code {
        0 => "AuthException",
        3 => "API Method",
        4 => "Application request limit reached",
        10 => "Application does not have permission for this action",
        368 => "Temporarily blocked for policies violations",
        130_472 => "User's number is part of an experiment",
        130_497 => "Business account is restricted from messaging users in this country",
        131_005 => "Access denied",
        131_021 => "Recipient cannot be sender",
        131_031 => "Account has been locked",
        131_042 => "Business eligibility payment issue",
        131_045 => "Incorrect certificate",
        131_057 => "Account in maintenance mode",
        132_005 => "Translated text too long",
        132_007 => "Format character policy violated",
        133_004 => "Server temporarily unavailable",
        133_010 => "Phone number not registered",
        100 => "Invalid parameter",
        130_429 => "Rate limit hit",
        131_000 => "Something went wrong",
        131_008 => "Required parameter is missing",
        131_009 => "Parameter value is not valid",
        131_016 => "Service unavailable",
        131_026 => "Message undeliverable",
        131_047 => "Re-engagement message",
        131_048 => "Spam rate limit hit",
        131_049 => "This message was not delivered to maintain healthy ecosystem engagement.",
        131_050 => "User has stopped receiving marketing messages from this business",
        131_051 => "Message type unknown",
        131_056 => "(Business Account, Consumer Account) pair rate limit hit",
        131_062 => "Business-scoped user ID recipients are not supported for this message",
        132_000 => "Number of parameters does not match the expected number of params",
        132_001 => "Template name does not exist in the translation",
        132_012 => "Parameter format does not match format in the created template",
        132_015 => "Template is paused",
        132_016 => "Template is disabled",
        132_018 => "There was an issue with the parameters in your template",
        _ => "Unknown error",
    }
}

/// What goes with `code` when there is nothing particular to say.
fn details(code: i64) -> &'static str {
    match code {
        4 => "The app has made too many calls; try again later",
        130_429 => "The number of messages sent from this business phone number in a short time is too high",
        131_000 => "Something went wrong; the message may or may not have been sent",
        131_016 => "The service is temporarily unavailable",
        131_026 => "Message Undeliverable.",
        131_047 => {
            "Message failed to send because more than 24 hours have passed since the customer last replied to this number."
        }
        131_048 => {
            "Message failed to send because there are restrictions on how many messages can be sent from this phone number."
        }
        131_049 => "In order to maintain a healthy ecosystem engagement, the message failed to be delivered.",
        131_050 => "The recipient has chosen to stop receiving marketing messages from your business on WhatsApp.",
        131_056 => "Too many messages were sent from this phone number to the same phone number in a short time.",
        132_015 => "The template is paused because of low quality, so it cannot be sent.",
        other => title(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_meta_says() {
        let body = Refusal::value("text.body", "is too long").body("A1");
        assert_eq!(body["error"]["message"], "(#131009) Parameter value is not valid");
        assert_eq!(body["error"]["error_data"]["details"], "text.body is too long");
        assert_eq!(Refusal::token().body("A1")["error"]["code"], 190);
        let unknown = Refusal::unknown_object("7").body("A1");
        assert_eq!(
            (unknown["error"]["code"].clone(), unknown["error"]["error_subcode"].clone()),
            (json!(100), json!(33))
        );
        assert!(unknown["error"].get("error_data").is_none());
        assert_eq!(Refusal::plain(131_016).body("A1")["error"]["is_transient"], true);
    }
}
