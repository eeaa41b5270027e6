//! Signatures of callbacks: Standard Webhooks, symmetric (`v1`).

use std::fmt;

use jiff::Timestamp;
use standardwebhooks::Webhook;

use super::Error;

/// What an endpoint's callbacks are signed with. Its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    bytes: Vec<u8>,
}

impl Secret {
    /// Reads `whsec_` and base64, as Standard Webhooks writes secrets; anything else is taken as it is, byte for byte.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let bytes = match text.strip_prefix("whsec_") {
            Some(encoded) => {
                use base64::{Engine as _, prelude::BASE64_STANDARD};
                BASE64_STANDARD.decode(encoded.trim()).map_err(|_| Error::SecretEncoding)?
            }
            None => text.as_bytes().to_vec(),
        };
        if bytes.is_empty() {
            return Err(Error::SecretEmpty);
        }
        Ok(Self { bytes })
    }

    /// The value of `webhook-signature` for one secret.
    fn sign(&self, id: &str, at: Timestamp, body: &str) -> Result<String, Error> {
        Webhook::from_bytes(self.bytes.clone())
            .and_then(|webhook| webhook.sign(id, at.as_second(), body.as_bytes()))
            .map_err(|_| Error::SecretEncoding)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The value of `webhook-signature`: one signature by each secret, separated by spaces.
pub(super) fn signatures<'s>(
    id: &str,
    at: Timestamp,
    body: &str,
    secrets: impl IntoIterator<Item = &'s Secret>,
) -> Result<String, Error> {
    let signed: Result<Vec<_>, _> = secrets.into_iter().map(|secret| secret.sign(id, at, body)).collect();
    Ok(signed?.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_as_the_published_vector_says() {
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let at = Timestamp::from_second(1_614_265_330).unwrap();
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let body = r#"{"test": 2432232314}"#;
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(signatures(id, at, body, [&secret]).unwrap(), expected);

        let old = Secret::parse("an older secret, raw").unwrap();
        let both = signatures(id, at, body, [&secret, &old]).unwrap();
        let (first, second) = both.split_once(' ').unwrap();
        assert_eq!(first, expected);
        assert_eq!(second, signatures(id, at, body, [&old]).unwrap());
        assert_ne!(first, second);
    }

    #[test]
    fn secrets_are_checked_when_read_and_never_shown() {
        assert!(matches!(Secret::parse("whsec_not base64!"), Err(Error::SecretEncoding)));
        assert!(matches!(Secret::parse("whsec_"), Err(Error::SecretEmpty)));
        assert!(matches!(Secret::parse(""), Err(Error::SecretEmpty)));
        assert_eq!(format!("{:?}", Secret::parse("hush").unwrap()), "Secret(…)");
    }
}
