//! API keys: who is asking.

use axum::http::{HeaderMap, StatusCode, header};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::Problem;
use crate::{
    model::{Environment, TenantId},
    store::{ApiKey, Store},
};

/// Makes a key. The secret, `rl_test_…` or `rl_live_…` with 192 random bits, is given once; only its digest is kept.
pub fn new_key(
    tenant: TenantId,
    environment: Environment,
    now: Timestamp,
) -> Result<(String, ApiKey), getrandom::Error> {
    let mut random = [0_u8; 24];
    getrandom::fill(&mut random)?;
    let kind = match environment {
        Environment::Test => "test",
        Environment::Live => "live",
    };
    let secret = format!("rl_{kind}_{}", BASE64_URL_SAFE_NO_PAD.encode(random));
    let key = ApiKey { digest: digest(&secret), tenant, environment, created_at: now };
    Ok((secret, key))
}

/// The digest that a key is kept under. The secret is random and long, so that a plain hash is enough.
pub fn digest(secret: &str) -> String {
    hex::encode(Sha256::digest(secret))
}

/// The key of a request: `Authorization: Bearer …` or `X-API-Key`.
pub(super) async fn authenticate(store: &dyn Store, headers: &HeaderMap) -> Result<ApiKey, Problem> {
    let secret = secret_of(headers)?;
    store.key(&digest(secret)).await?.ok_or_else(|| {
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "unknown-key",
            "the API key is not known here",
            "check that it was copied whole, or make one with `relais keys create --tenant … --env test|live`",
        )
        .about("Authorization")
    })
}

/// The secret that a request carries.
pub(super) fn secret_of(headers: &HeaderMap) -> Result<&str, Problem> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let secret = text(header::AUTHORIZATION.as_str())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, secret)| secret.trim())
        .or_else(|| text("x-api-key"));
    secret.filter(|secret| !secret.is_empty()).ok_or_else(|| {
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "missing-key",
            "the request carries no API key",
            "send the key as `Authorization: Bearer …` or as `X-API-Key: …`",
        )
        .about("Authorization")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_what_is_kept() {
        let (secret, key) = new_key(TenantId::new("acme"), Environment::Live, Timestamp::UNIX_EPOCH).unwrap();
        assert!(secret.starts_with("rl_live_") && secret.len() == 40);
        assert_eq!(key.digest, digest(&secret));
        assert!(!key.digest.contains(&secret));
    }
}
