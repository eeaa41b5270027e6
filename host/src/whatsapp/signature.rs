//! The two proofs Meta gives: the handshake that registers a webhook, and the signature of each POST.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

/// The header that carries the signature of a webhook body.
pub const SIGNATURE_HEADER: &str = "X-Hub-Signature-256";

/// What the header's value starts with.
const SCHEME: &str = "sha256=";

/// Why a webhook body is not believed. The answer to the caller is 401 or 403 in every case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// No secret is configured, so nothing can be believed.
    #[error("no app secret is configured: set the WhatsApp app secret")]
    NoSecret,
    /// The header is absent.
    #[error("header X-Hub-Signature-256 is missing")]
    Missing,
    /// The header is not `sha256=` followed by 64 hexadecimal digits.
    #[error("header X-Hub-Signature-256 is not sha256= and 64 hexadecimal digits")]
    Malformed,
    /// The signature belongs to another body or another secret.
    #[error("signature does not match the body: check the app secret and that the body is untouched")]
    Mismatch,
}

/// Why a handshake is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// `hub.mode` is not `subscribe`.
    #[error("hub.mode is not subscribe")]
    Mode,
    /// `hub.verify_token` is absent or another one, or none is configured.
    #[error("hub.verify_token is not the configured one")]
    Token,
    /// `hub.challenge` is absent or empty.
    #[error("hub.challenge is missing")]
    Challenge,
}

/// Verifies the signature of a webhook.
///
/// `secrets` are the app secrets in force (two while one is being rotated), `header` the value of
/// [`SIGNATURE_HEADER`], `raw_body` the bytes as they came: Meta signs its ASCII-escaped JSON, so a body
/// that was parsed and written again no longer matches. Every secret is tried, in constant time.
/// There is no timestamp in the signature: a replay verifies, and only [`Update::key`](super::Update::key)
/// tells it apart.
///
/// # Errors
/// See [`SignatureError`].
pub fn verify<S: AsRef<str>>(secrets: &[S], header: Option<&str>, raw_body: &[u8]) -> Result<(), SignatureError> {
    let usable = || secrets.iter().map(AsRef::as_ref).filter(|s| !s.is_empty());
    if usable().next().is_none() {
        return Err(SignatureError::NoSecret);
    }
    let header = header.ok_or(SignatureError::Missing)?.trim();
    let digits = header.strip_prefix(SCHEME).ok_or(SignatureError::Malformed)?;
    let mut given = [0_u8; 32];
    hex::decode_to_slice(digits, &mut given).map_err(|_| SignatureError::Malformed)?;
    let mut matches = Choice::from(0);
    for secret in usable() {
        matches |= digest(secret, raw_body).as_slice().ct_eq(&given);
    }
    if bool::from(matches) { Ok(()) } else { Err(SignatureError::Mismatch) }
}

/// The value of [`SIGNATURE_HEADER`] for `body` under `secret`: what Meta sends, and what the simulator does.
#[must_use]
pub fn sign(secret: &str, body: &[u8]) -> String {
    format!("{SCHEME}{}", hex::encode(digest(secret, body)))
}

/// HMAC-SHA256 of `body`.
fn digest(secret: &str, body: &[u8]) -> Vec<u8> {
    // HMAC takes a key of any length: `new_from_slice` cannot fail, and an empty digest would match nothing.
    Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map_or_else(
        |_| Vec::new(),
        |mut mac| {
            mac.update(body);
            mac.finalize().into_bytes().to_vec()
        },
    )
}

/// Answers the GET with which Meta registers a webhook: gives the challenge to send back as the bare body.
///
/// `query` are the decoded query parameters. A GET is never signed. An empty `verify_token` refuses everyone.
///
/// # Errors
/// See [`HandshakeError`]; answer any of them with 403.
pub fn handshake<'q>(
    query: impl IntoIterator<Item = (&'q str, &'q str)>,
    verify_token: &str,
) -> Result<String, HandshakeError> {
    let (mut mode, mut token, mut challenge) = (None, None, None);
    for (name, value) in query {
        match name {
            "hub.mode" => mode = Some(value),
            "hub.verify_token" => token = Some(value),
            "hub.challenge" => challenge = Some(value),
            _ => {}
        }
    }
    if mode != Some("subscribe") {
        return Err(HandshakeError::Mode);
    }
    let token = token.unwrap_or_default();
    if verify_token.is_empty() || !bool::from(token.as_bytes().ct_eq(verify_token.as_bytes())) {
        return Err(HandshakeError::Token);
    }
    challenge.filter(|c| !c.is_empty()).map(str::to_owned).ok_or(HandshakeError::Challenge)
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 4231, test case 2.
    const KEY: &str = "Jefe";
    const BODY: &[u8] = b"what do ya want for nothing?";
    const KNOWN: &str = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";

    #[test]
    fn signs_as_the_published_vector() {
        assert_eq!(sign(KEY, BODY), KNOWN);
    }

    #[test]
    fn verifies_raw_bytes_with_any_secret_in_force() {
        let upper = KNOWN.replace("5bdc", "5BDC");
        let short = &KNOWN[..KNOWN.len() - 2];
        let long = format!("{KNOWN}00");
        let other = sign("other", BODY);
        type Case<'c> = (&'c [&'c str], Option<&'c str>, &'c [u8], Result<(), SignatureError>);
        let cases: &[Case<'_>] = &[
            (&[KEY], Some(KNOWN), BODY, Ok(())),
            (&[KEY], Some(&upper), BODY, Ok(())),
            (&["new", KEY], Some(KNOWN), BODY, Ok(())),
            (&[KEY, "new"], Some(KNOWN), BODY, Ok(())),
            (&[KEY], Some(KNOWN), b"what do ya want for nothing!", Err(SignatureError::Mismatch)),
            (&[KEY], Some(&other), BODY, Err(SignatureError::Mismatch)),
            (&[KEY], None, BODY, Err(SignatureError::Missing)),
            (&[KEY], Some(""), BODY, Err(SignatureError::Malformed)),
            (&[KEY], Some(short), BODY, Err(SignatureError::Malformed)),
            (&[KEY], Some(&long), BODY, Err(SignatureError::Malformed)),
            (&[KEY], Some("sha1=5bdcc146bf60754e6a042426089575c7"), BODY, Err(SignatureError::Malformed)),
            (&[], Some(KNOWN), BODY, Err(SignatureError::NoSecret)),
            (&[""], Some(&sign("", BODY)), BODY, Err(SignatureError::NoSecret)),
        ];
        for (secrets, header, body, expected) in cases {
            assert_eq!(verify(secrets, *header, body), *expected, "{secrets:?} {header:?}");
        }
    }

    #[test]
    fn a_body_written_again_no_longer_verifies() {
        let raw = br#"{"a":"\u00e9 \/ \u0040"}"#;
        let header = sign(KEY, raw);
        let rewritten = serde_json::from_slice::<serde_json::Value>(raw).unwrap().to_string();
        assert_eq!(verify(&[KEY], Some(&header), raw), Ok(()));
        assert_eq!(verify(&[KEY], Some(&header), rewritten.as_bytes()), Err(SignatureError::Mismatch));
    }

    #[test]
    fn handshake_gives_the_challenge_or_refuses() {
        let mode = ("hub.mode", "subscribe");
        let challenge = ("hub.challenge", "1158201444");
        let token = ("hub.verify_token", "meatyhamhock");
        assert_eq!(handshake([mode, challenge, token], "meatyhamhock").unwrap(), "1158201444");
        assert_eq!(handshake([mode, challenge], "meatyhamhock"), Err(HandshakeError::Token));
        assert_eq!(handshake([mode, challenge, token], "other"), Err(HandshakeError::Token));
        assert_eq!(handshake([mode, challenge, ("hub.verify_token", "")], ""), Err(HandshakeError::Token));
        assert_eq!(handshake([mode, token], "meatyhamhock"), Err(HandshakeError::Challenge));
        assert_eq!(handshake([challenge, token], "meatyhamhock"), Err(HandshakeError::Mode));
        assert_eq!(handshake([("hub.mode", "unsubscribe"), token], "meatyhamhock"), Err(HandshakeError::Mode));
    }
}
